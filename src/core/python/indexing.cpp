// x[index] and x[index] = value.
#include "ops/operators.h"
#include "python/tensor_type.h"

namespace pb {

PyObject* get_item(PyObject* self, PyObject* index) {
    try {
        int64_t i;
        if (PyLong_Check(index) && !PyBool_Check(index) && to_int(index, &i)) return ops::select(Tensor(self), 0, i).release();
        fail_as(ErrorKind::NotImplemented, "indexing");
    } catch (...) {
        return raise_current();
    }
}

int set_item(PyObject*, PyObject*, PyObject*) {
    PyErr_SetString(PyExc_NotImplementedError, "indexing");
    return -1;
}

}  // namespace pb
