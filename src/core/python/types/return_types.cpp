#include "python/types/return_types.h"

#include <structmember.h>

#include <algorithm>
#include <string>
#include <vector>

namespace pb {

namespace {

PyObject* all = nullptr;  // name -> type

// With the name that the package has, or goes by (interop/alias.py).
PyObject* name_of(PyTypeObject* type, const char* which = "__module__") {
    return PyObject_GetAttrString(reinterpret_cast<PyObject*>(type), which);
}

PyObject* repr(PyObject* self) {
    Owned module(name_of(Py_TYPE(self))), name(name_of(Py_TYPE(self), "__name__"));
    if (!module || !name) return nullptr;
    std::string text = std::string(PyUnicode_AsUTF8(module.o)) + "." + PyUnicode_AsUTF8(name.o) + "(\n";
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

}  // namespace

PyObject* named_results(const char* name, PyObject* fields) {
    // The type keeps pointers to its descriptions: they live as long as it does.
    std::string plain = name;  // linalg_svd of linalg.svd
    std::replace(plain.begin(), plain.end(), '.', '_');
    Owned package(checked(name_of(tensor_type)));
    auto* full = new std::string(std::string(PyUnicode_AsUTF8(package.o)) + ".return_types." + plain);
    auto* described = new std::vector<PyStructSequence_Field>;
    Py_ssize_t n = PyTuple_GET_SIZE(fields);
    for (Py_ssize_t i = 0; i < n; ++i) {
        PyObject* field = Py_NewRef(PyTuple_GET_ITEM(fields, i));
        const char* text = PyUnicode_AsUTF8(field);
        if (!text) throw PythonError();
        described->push_back({text, nullptr});
    }
    described->push_back({nullptr, nullptr});
    auto* description =
        new PyStructSequence_Desc{full->c_str(), nullptr, described->data(), static_cast<int>(n)};
    PyTypeObject* type = PyStructSequence_NewType(description);
    if (!type) throw PythonError();
    type->tp_repr = repr;
    auto* made = reinterpret_cast<PyObject*>(type);
    if (PyDict_SetItemString(all, plain.c_str(), made) < 0) throw PythonError();
    return made;
}

void init_return_types(PyObject* module) {
    all = checked(PyDict_New());
    if (PyModule_AddObjectRef(module, "return_types", all) < 0) throw PythonError();
}

}  // namespace pb
