// Steps of optimisers over plain tensors, for pullback/optim: False where the tensors are not plain, and nothing was done.
#include "ops/elementwise/fast.h"
#include "python/read/convert.h"

namespace pb {

namespace {

// adam_step(parameter, gradient, mean, squares, weight, kept, square, root, eps, rate, shrink, penalty)
PyObject* adam_step(PyObject*, PyObject* args) {
    PyObject* t[4];
    AdamStep s;
    if (!PyArg_ParseTuple(args, "O!O!O!O!dddddddd", tensor_type, &t[0], tensor_type, &t[1], tensor_type,
                          &t[2], tensor_type, &t[3], &s.weight, &s.kept, &s.square, &s.root, &s.eps, &s.rate,
                          &s.shrink, &s.penalty))
        return nullptr;
    try {
        return PyBool_FromLong(
            ops::fast_adam({as_tensor(t[0]), as_tensor(t[1]), as_tensor(t[2]), as_tensor(t[3])}, s));
    } catch (...) {
        return raise_current();
    }
}

// momentum_step(parameter, gradient, velocity, kept, weight, rate, penalty)
PyObject* momentum_step(PyObject*, PyObject* args) {
    PyObject* t[3];
    MomentumStep s;
    if (!PyArg_ParseTuple(args, "O!O!O!dddd", tensor_type, &t[0], tensor_type, &t[1], tensor_type, &t[2],
                          &s.kept, &s.weight, &s.rate, &s.penalty))
        return nullptr;
    try {
        return PyBool_FromLong(ops::fast_momentum({as_tensor(t[0]), as_tensor(t[1]), as_tensor(t[2])}, s));
    } catch (...) {
        return raise_current();
    }
}

PyMethodDef functions[] = {
    {"adam_step", adam_step, METH_VARARGS, nullptr},
    {"momentum_step", momentum_step, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_updates(PyObject* module) {
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace pb
