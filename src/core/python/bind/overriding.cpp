#include "python/bind/overriding.h"

#include <algorithm>
#include <string_view>

#include "python/types/tensor_type.h"

namespace pb {

thread_local Overriding overriding = Overriding::Everybody;

namespace {

PyObject* refusal = nullptr;  // `__torch_function__ = refusal`: a class that answers nothing

PyObject* method_name() {
    static PyObject* name = checked(PyUnicode_InternFromString("__torch_function__"));
    return name;
}

// Whether this thread asks objects of a type.
bool is_asked(PyTypeObject* type) {
    if (overriding == Overriding::Nobody) return false;
    PyObject* method = _PyType_Lookup(type, method_name());  // borrowed
    if (!method || method == refusal) return false;
    return overriding == Overriding::Everybody || !PyType_IsSubtype(type, tensor_type);
}

// Whether this thread asks one of the objects in a tuple or a list.
bool asks_any(PyObject* list) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list); ++i) {
        PyObject* o = PySequence_Fast_GET_ITEM(list, i);
        if (!is_exact_tensor(o) && is_asked(Py_TYPE(o))) return true;
    }
    return false;
}

// Lists of numbers can be long; those of tensors hold nothing else.
bool is_list(PyObject* o) {
    if (!PyTuple_Check(o) && !PyList_Check(o)) return false;
    if (PySequence_Fast_GET_SIZE(o) == 0) return false;
    PyObject* first = PySequence_Fast_GET_ITEM(o, 0);
    return !PyLong_Check(first) && !PyFloat_Check(first);
}

// Objects whose methods are to be asked, one of each type: from left to right, but a subclass before its bases.
class Asked {
  public:
    void look(PyObject* o) {
        add(o);
        if (!is_list(o)) return;
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) add(PySequence_Fast_GET_ITEM(o, i));
    }
    const std::vector<PyObject*>& all() const { return all_; }
    PyObject* types() const {
        PyObject* tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(all_.size())));
        for (size_t i = 0; i < all_.size(); ++i)
            PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i),
                             Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(all_[i]))));
        return tuple;
    }

  private:
    void add(PyObject* o) {
        PyTypeObject* type = Py_TYPE(o);
        if (is_exact_tensor(o) || !is_asked(type)) return;
        for (PyObject* other : all_)
            if (Py_TYPE(other) == type) return;
        auto at = std::find_if(all_.begin(), all_.end(),
                               [&](PyObject* other) { return PyType_IsSubtype(type, Py_TYPE(other)); });
        all_.insert(at, o);
    }
    std::vector<PyObject*> all_;
};

[[noreturn, gnu::cold]] void fail_unanswered(PyObject* callable, const Asked& asked) {
    Owned module(checked(PyImport_ImportModule("pullback.overrides")));
    Owned name(checked(PyObject_CallMethod(module.o, "name_of", "O", callable)));
    std::string lines;
    for (PyObject* o : asked.all()) {
        Owned type(checked(PyObject_Repr(reinterpret_cast<PyObject*>(Py_TYPE(o)))));
        const char* text = PyUnicode_AsUTF8(type.o);
        lines += std::string("\n\n  - tensor subclass ") + (text ? text : "?");
    }
    const char* text = PyUnicode_AsUTF8(name.o);
    fail_as(
        ErrorKind::Type,
        "Multiple dispatch failed for '{}'; all __torch_function__ handlers returned NotImplemented:{}\n\n"
        "A handler that does not know a function can leave it to Tensor's: "
        "return super().__torch_function__(func, types, args, kwargs)",
        text ? text : "?", lines);
}

// A method that is bound to the object itself was not declared as a classmethod.
void warn_of_plain_method(PyObject* method, PyObject* o) {
    if (PyMethod_Check(method) && PyMethod_GET_SELF(method) == o &&
        PyErr_WarnEx(
            PyExc_UserWarning,
            "Defining your `__torch_function__` as a plain method is deprecated and will be an error in "
            "future, please define it as a classmethod.",
            1) < 0)
        throw PythonError();
}

PyObject* attribute_of_tensors(const char* name) {
    return checked(PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type), name));
}

// What a sign stands for, by the name of its row: with a tensor on the left, with none there, in place.
struct Sign {
    std::string_view row;
    const char *plain, *reflected, *inplace;
};
constexpr Sign kSigns[] = {
    {"add", "add", "add", "add_"},
    {"sub", "sub", "__rsub__", "sub_"},
    {"mul", "mul", "mul", "mul_"},
    {"div", "div", "__rtruediv__", "div_"},
    {"floor_divide", "__floordiv__", "__rfloordiv__", "floor_divide_"},
    {"remainder", "remainder", "__rmod__", "remainder_"},
    {"pow", "pow", "__rpow__", "pow_"},
    {"matmul", "matmul", "__rmatmul__", ""},
    {"bitwise_and", "__and__", "__rand__", "__iand__"},
    {"bitwise_or", "__or__", "__ror__", "__ior__"},
    {"bitwise_xor", "__xor__", "__rxor__", "__ixor__"},
    {"left_shift", "__lshift__", "__rlshift__", "__ilshift__"},
    {"right_shift", "__rshift__", "__rrshift__", "__irshift__"},
    {"eq", "__eq__", "__eq__", ""},
    {"ne", "ne", "ne", ""},
    {"lt", "lt", "gt", ""},
    {"le", "le", "ge", ""},
    {"gt", "gt", "lt", ""},
    {"ge", "ge", "le", ""},
};

PyObject* set_overriding(PyObject*, PyObject* state) {
    const long wanted = PyLong_AsLong(state);
    if (wanted == -1 && PyErr_Occurred()) return nullptr;
    return PyLong_FromLong(static_cast<long>(std::exchange(overriding, static_cast<Overriding>(wanted))));
}
PyObject* get_overriding(PyObject*, PyObject*) { return PyLong_FromLong(static_cast<long>(overriding)); }

// has_overrides(objects): whether one of a sequence is to be asked.
PyObject* has_overrides(PyObject*, PyObject* objects) {
    Owned list(PySequence_Fast(objects, "a sequence of arguments is asked for"));
    return list.o ? PyBool_FromLong(asks_any(list.o)) : nullptr;
}

// overloaded(objects): those of a sequence that are asked, in the order in which they are.
PyObject* overloaded(PyObject*, PyObject* objects) {
    Owned list(PySequence_Fast(objects, "a sequence of arguments is asked for"));
    if (!list.o) return nullptr;
    try {
        Asked asked;
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.o); ++i)
            asked.look(PySequence_Fast_GET_ITEM(list.o, i));
        Owned found(checked(PyList_New(0)));
        for (PyObject* o : asked.all())
            if (PyList_Append(found.o, o) < 0) throw PythonError();
        return found.release();
    } catch (...) {
        return raise_current();
    }
}

// The method of a class that answers nothing: the call as if there were none.
PyObject* refuse_to_answer(PyObject*, PyObject* given) {
    PyObject *callable, *types, *args = nullptr, *keywords = nullptr;
    if (!PyArg_ParseTuple(given, "OO|OO", &callable, &types, &args, &keywords)) return nullptr;
    const Overriding before = std::exchange(overriding, Overriding::NoSubclasses);
    Owned positional(args ? PySequence_Tuple(args) : PyTuple_New(0));
    PyObject* result = positional.o ? PyObject_Call(callable, positional.o,
                                                    keywords && keywords != Py_None ? keywords : nullptr)
                                    : nullptr;
    overriding = before;
    return result;
}

PyMethodDef functions[] = {
    {"set_overriding", set_overriding, METH_O, nullptr},
    {"get_overriding", get_overriding, METH_NOARGS, nullptr},
    {"has_overrides", has_overrides, METH_O, nullptr},
    {"overloaded", overloaded, METH_O, nullptr},
    {"_disabled_torch_function_impl", refuse_to_answer, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool overrides(PyObject* o) { return (is_list(o) && asks_any(o)) || is_asked(Py_TYPE(o)); }

PyObject* ask_overriders(PyObject* callable, PyObject* const* args, size_t n, PyObject* keywords,
                         bool allowed) {
    Asked asked;
    const size_t named = keywords ? static_cast<size_t>(PyTuple_GET_SIZE(keywords)) : 0;
    for (size_t i = 0; i < n + named; ++i) asked.look(args[i]);
    Owned types(asked.types()), positional(checked(PyTuple_New(static_cast<Py_ssize_t>(n)))), options;
    for (size_t i = 0; i < n; ++i)
        PyTuple_SET_ITEM(positional.o, static_cast<Py_ssize_t>(i), Py_NewRef(args[i]));
    if (named) options.o = checked(PyDict_New());
    for (size_t i = 0; i < named; ++i)
        if (PyDict_SetItem(options.o, PyTuple_GET_ITEM(keywords, static_cast<Py_ssize_t>(i)), args[n + i]) <
            0)
            throw PythonError();
    for (PyObject* o : asked.all()) {
        Owned method(checked(PyObject_GetAttr(o, method_name())));
        warn_of_plain_method(method.o, o);
        Owned answer(checked(
            PyObject_CallFunctionObjArgs(method.o, callable, types.o, positional.o, options.o, nullptr)));
        if (answer.o != Py_NotImplemented) return answer.release();
    }
    if (!allowed) fail_unanswered(callable, asked);
    return Py_NewRef(Py_NotImplemented);
}

PyObject* ask_about_sign(const char* row, PyObject* a, PyObject* b, bool inplace) {
    for (const Sign& sign : kSigns) {
        if (sign.row != row) continue;
        const bool left = is_tensor(a);
        Owned method(attribute_of_tensors(inplace ? sign.inplace : left ? sign.plain : sign.reflected));
        PyObject* args[] = {left ? a : b, left ? b : a};
        return ask_overriders(method.o, args, 2, nullptr, true);
    }
    return Py_NewRef(Py_NotImplemented);
}

PyObject* ask_about_slot(const char* method, PyObject* const* args, size_t n) {
    Owned callable(attribute_of_tensors(method));
    return ask_overriders(callable.o, args, n, nullptr);
}

PyObject* ask_about_attribute(const char* name, const char* access, PyObject* const* args, size_t n) {
    Owned descriptor(attribute_of_tensors(name));
    Owned callable(checked(PyObject_GetAttrString(descriptor.o, access)));
    return ask_overriders(callable.o, args, n, nullptr);
}

void bind_overriding(PyObject* module) {
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
    refusal = checked(PyObject_GetAttrString(module, "_disabled_torch_function_impl"));
}

}  // namespace pb
