#include "python/types/return_types.h"

#include <structmember.h>

#include <string>
#include <unordered_map>
#include <vector>

namespace pb {

namespace {

struct ReturnType {
    const char* name;
    std::vector<const char*> fields;
};

// Every named result of the library: the types exist from the start, so that isinstance can ask for them.
const std::vector<ReturnType>& return_types() {
    static const std::vector<ReturnType> all = {
        {"max", {"values", "indices"}},       {"min", {"values", "indices"}},
        {"aminmax", {"min", "max"}},          {"cummax", {"values", "indices"}},
        {"cummin", {"values", "indices"}},    {"median", {"values", "indices"}},
        {"nanmedian", {"values", "indices"}}, {"mode", {"values", "indices"}},
        {"kthvalue", {"values", "indices"}},  {"sort", {"values", "indices"}},
        {"topk", {"values", "indices"}},
    };
    return all;
}

std::unordered_map<std::string, PyTypeObject*>& made() {
    static auto* types = new std::unordered_map<std::string, PyTypeObject*>;
    return *types;
}

PyObject* repr(PyObject* self) {
    std::string text = Py_TYPE(self)->tp_name;
    text += "(\n";
    Py_ssize_t n = PyTuple_GET_SIZE(self);
    PyMemberDef* field = Py_TYPE(self)->tp_members;
    for (Py_ssize_t i = 0; i < n; ++i) {
        Owned value(PyObject_Repr(PyTuple_GET_ITEM(self, i)));
        const char* shown = value ? PyUnicode_AsUTF8(value.o) : nullptr;
        if (!shown) return nullptr;
        text += std::string(field ? field[i].name : "?") + "=" + shown + (i + 1 < n ? ",\n" : ")");
    }
    return PyUnicode_FromString(text.c_str());
}

PyTypeObject* make_type(const char* name, const std::vector<const char*>& names) {
    // The type keeps pointers to its descriptions: they live as long as it does, for ever.
    auto* full = new std::string(std::string("pullback.return_types.") + name);
    auto* fields = new std::vector<PyStructSequence_Field>;
    for (const char* field : names) fields->push_back({field, nullptr});
    fields->push_back({nullptr, nullptr});
    auto* description =
        new PyStructSequence_Desc{full->c_str(), nullptr, fields->data(), static_cast<int>(names.size())};
    PyTypeObject* type = PyStructSequence_NewType(description);
    if (!type) throw PythonError();
    type->tp_repr = repr;
    return type;
}

PyTypeObject* type_named(const char* name, const std::vector<const char*>& fields) {
    PyTypeObject*& type = made()[name];
    if (!type) type = make_type(name, fields);
    return type;
}

}  // namespace

PyObject* wrap_named(const char* name, std::initializer_list<const char*> fields, const Tensors& values) {
    PyObject* result = checked(PyStructSequence_New(type_named(name, fields)));
    for (size_t i = 0; i < values.size(); ++i) {
        PyObject* value = values[i].py();
        Py_INCREF(value);
        PyStructSequence_SetItem(result, static_cast<Py_ssize_t>(i), value);
    }
    return result;
}

void init_return_types(PyObject* module) {
    Owned all(checked(PyDict_New()));
    for (const ReturnType& t : return_types())
        if (PyDict_SetItemString(all.o, t.name, reinterpret_cast<PyObject*>(type_named(t.name, t.fields))) <
            0)
            throw PythonError();
    if (PyModule_AddObjectRef(module, "return_types", all.o) < 0) throw PythonError();
}

}  // namespace pb
