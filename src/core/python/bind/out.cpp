#include "python/bind/out.h"

namespace pb {

ops::OutRule out_rule(const char* name) {
    static const std::pair<const char*, ops::OutRule> all[] = {
        {"cast", ops::OutRule::Cast},   {"join", ops::OutRule::Join}, {"exact", ops::OutRule::Exact},
        {"truth", ops::OutRule::Truth}, {"own", ops::OutRule::Own},   {"made", ops::OutRule::Made},
        {"any", ops::OutRule::Any},
    };
    for (auto& [known, rule] : all)
        if (!std::strcmp(name, known)) return rule;
    fail_as(ErrorKind::Value, "unknown rule for out=: '{}'", name);
}

void refuse_dual_arguments(const char* operation, PyObject* const* values, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        PyObject* v = values[i];
        if (!v) continue;
        if (is_tensor(v)) ops::refuse_levels(operation, Tensor(v));
        else if (PyTuple_Check(v) || PyList_Check(v))
            refuse_dual_arguments(operation, PySequence_Fast_ITEMS(v),
                                  static_cast<size_t>(PySequence_Fast_GET_SIZE(v)));
    }
}

PyObject* fill_out(const char* operation, ops::OutRule rule, PyObject* result, PyObject* out) {
    if (is_tensor(result)) {
        if (!is_tensor(out))
            fail_as(ErrorKind::Type, "{}(): argument 'out' must be Tensor, not {}", operation,
                    Py_TYPE(out)->tp_name);
        ops::write_out(operation, rule, Tensor(out), Tensor(result));
        Py_INCREF(out);
        return out;
    }
    Py_ssize_t n = PyTuple_GET_SIZE(result);
    bool sequence = PyTuple_Check(out) || PyList_Check(out);
    if (!sequence || PySequence_Fast_GET_SIZE(out) != n)
        fail_as(ErrorKind::Type, "{}(): argument 'out' must be tuple of Tensors with {} elements, not {}",
                operation, n, Py_TYPE(out)->tp_name);
    Tensors targets;
    for (Py_ssize_t i = 0; i < n; ++i) {
        PyObject* target = PySequence_Fast_GET_ITEM(out, i);
        if (!is_tensor(target))
            fail_as(ErrorKind::Type, "{}(): argument 'out' must be tuple of Tensors, but element {} is {}",
                    operation, i, Py_TYPE(target)->tp_name);
        targets.push_back(Tensor(target));
        // Before any is written.
        ops::check_out(operation, rule, targets.back(), Tensor(PyTuple_GET_ITEM(result, i)));
    }
    for (Py_ssize_t i = 0; i < n; ++i)
        ops::write_out(operation, rule, targets[static_cast<size_t>(i)], Tensor(PyTuple_GET_ITEM(result, i)));
    Owned given(checked(PySequence_Tuple(out)));
    if (Py_IS_TYPE(result, &PyTuple_Type)) return given.release();
    return checked(PyObject_CallOneArg(reinterpret_cast<PyObject*>(Py_TYPE(result)), given.o));
}

}  // namespace pb
