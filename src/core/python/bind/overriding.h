// Overriding: classes that answer in the place of operators, by a method `__torch_function__`.
//
// Such a class inherits from Tensor, or only looks like one. Whoever takes a call (an Operator, a slot or an attribute of
// the tensor type) asks `may_override` about each argument, which costs a comparison for exact tensors and numbers; where
// an argument may, `ask_overriders` calls the methods one after the other until one does not say NotImplemented. What
// Tensor's own method does is in operators/overriding.py: it runs the call with overriding switched off, and makes
// tensors of the class out of what that gives.
#pragma once
#include "python/read/convert.h"

namespace pb {

// Whose methods are asked on this thread.
enum class Overriding : uint8_t { Everybody, NoSubclasses, Nobody };
extern thread_local Overriding overriding;

// Whether the class of an object has such a method, or that of an element of a list.
bool overrides(PyObject* o);

inline bool may_override(PyObject* o) {
    PyTypeObject* type = Py_TYPE(o);
    constexpr unsigned long plain =
        Py_TPFLAGS_LONG_SUBCLASS | Py_TPFLAGS_UNICODE_SUBCLASS | Py_TPFLAGS_DICT_SUBCLASS;
    if (is_exact_tensor(o) || type == &PyFloat_Type || o == Py_None || PyType_HasFeature(type, plain))
        return false;
    return overrides(o);
}
inline bool may_override(PyObject* const* args, size_t n) {
    for (size_t i = 0; i < n; ++i)
        if (may_override(args[i])) return true;
    return false;
}

// The answer to a call of `callable`, where `may_override` said so: a new reference. None where everybody said
// NotImplemented, if that is `allowed`; otherwise that is a TypeError.
PyObject* ask_overriders(PyObject* callable, PyObject* const* args, size_t n, PyObject* keywords,
                         bool allowed = false);

// The same for what the language spells with a sign, or a slot: the operator that stands for it.
PyObject* ask_about_sign(const char* row, PyObject* a, PyObject* b, bool inplace = false);
PyObject* ask_about_slot(const char* method, PyObject* const* args, size_t n);

// An attribute of tensors, its getter or its setter: `__get__`, `__set__` or `__delete__` of the descriptor.
PyObject* ask_about_attribute(const char* name, const char* access, PyObject* const* args, size_t n);

}  // namespace pb
