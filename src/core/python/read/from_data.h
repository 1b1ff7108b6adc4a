// Nested Python sequences, numbers, arrays and tensors into a tensor, and back into lists.
#pragma once
#include "python/read/convert.h"

namespace pb {

// A new tensor with a copy of `data`; without a dtype, the one that the numbers in it ask for.
Tensor tensor_from_data(PyObject* data, const DType* dtype);
PyObject* list_from_array(const Array& a);  // nested lists; a number for a 0-d array

// Memory shared with other owners (bind/interop.cpp).
bool is_numpy_array(PyObject* o);
Array array_from_numpy(PyObject* o);

// `dtype=`: a dtype, Python's float, int and bool as PyTorch takes them; a name, or a dtype of NumPy's.
bool to_dtype_code(PyObject* o, DType* out);
// `device=`, `layout=`, `pin_memory=`, `memory_format=`: there is one of each; anything else raises as PyTorch does.
void check_device(PyObject* device);
void check_layout(PyObject* layout);
[[noreturn]] void fail_pinning();

}  // namespace pb
