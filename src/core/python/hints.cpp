#include "python/hints.h"

#include "python/bind/operator_object.h"

namespace pb {

std::string hint(const char* function, std::initializer_list<PyObject*> about) {
    std::string said;
    PyObject *type, *value, *trace;  // an error that is set already stays
    PyErr_Fetch(&type, &value, &trace);
    {
        Owned module(PyImport_ImportModule("pullback.messages.hints"));
        Owned f(module ? PyObject_GetAttrString(module.o, function) : nullptr);
        Owned text(f ? PyObject_Vectorcall(f.o, about.begin(), about.size(), nullptr) : nullptr);
        const char* c = text && PyUnicode_Check(text.o) ? PyUnicode_AsUTF8(text.o) : nullptr;
        if (c) said = c;
    }
    PyErr_Restore(type, value, trace);  // also forgets what went wrong in here
    return said;
}

void refuse_operand(const char* symbol, PyObject* left, PyObject* right) {
    PyObject* other = is_tensor(left) ? right : left;
    // Types of other libraries may know what to do with a tensor: they are asked next.
    bool known = other == Py_None || PyList_CheckExact(other) || PyTuple_CheckExact(other) ||
                 PyUnicode_CheckExact(other) || PyDict_CheckExact(other) || PyAnySet_CheckExact(other) ||
                 PyType_Check(other) || PyFunction_Check(other) || PyMethod_Check(other) ||
                 PyCFunction_Check(other) || Py_IS_TYPE(other, operator_type);
    // `[0] * n` with a whole number repeats the list.
    bool repeats = other == left && symbol[0] == '*' && !symbol[1] && PySequence_Check(other) &&
                   as_tensor(right)->layout->numel() == 1 && is_integral(as_tensor(right)->dtype);
    if (!known || repeats) return;
    auto name = [](PyObject* o) { return is_tensor(o) ? "Tensor" : Py_TYPE(o)->tp_name; };
    fail_as(ErrorKind::Type, "unsupported operand type(s) for {}: '{}' and '{}'{}", symbol, name(left),
            name(right), hint("operand", {other}));
}

}  // namespace pb
