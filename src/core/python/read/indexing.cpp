// x[index] and x[index] = value.
//
// An index is a tuple of items. Integers, slices, None and the ellipsis make views, one recorded step each; tensors,
// lists and arrays are collected, one for each dimension of the view so far, and read or written in a single step.
#include <algorithm>

#include "ops/index/index.h"
#include "ops/operators.h"
#include "python/read/from_data.h"
#include "python/types/tensor_type.h"
#include "tensor/captured.h"

namespace pb {

namespace {

[[noreturn]] void fail_item(PyObject* o) {
    fail_as(ErrorKind::Index,
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid "
            "indices (got {})",
            Py_TYPE(o)->tp_name);
}

bool is_array(PyObject* o) {
    return PyObject_CheckBuffer(o) && PySequence_Check(o) && !PyBytes_Check(o) && !PyByteArray_Check(o);
}
bool is_integer(PyObject* o) { return PyLong_Check(o) && !PyBool_Check(o); }

int64_t integer(PyObject* o) {
    int overflow;
    long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow) fail_as(ErrorKind::Value, "Overflow when unpacking long long");
    return v;
}

struct Range {
    Py_ssize_t start, stop, step;
};
Range unpack(PyObject* slice) {
    Range r;
    // A tensor of one element counts as its number.
    if (PySlice_Unpack(slice, &r.start, &r.stop, &r.step) < 0) throw PythonError();
    if (r.step <= 0)
        fail_as(ErrorKind::Value, "step must be greater than zero. Use flip() to reverse a dimension.");
    return r;
}

// A list counts as a tuple if it holds anything but numbers, as in NumPy's early days: x[[0, slice(None)]].
bool counts_as_tuple(PyObject* o) {
    if (PyTuple_Check(o)) return true;
    if (is_tensor(o) || is_array(o) || !PySequence_Check(o)) return false;
    if (PyUnicode_Check(o))
        fail_as(ErrorKind::Type,
                "new(): invalid data type 'str'. A tensor is indexed by numbers, slices, masks and tensors.");
    Py_ssize_t n = PySequence_Size(o);
    if (n < 0) {
        PyErr_Clear();
        return false;
    }
    if (n >= 32 || PyRange_Check(o)) return false;
    for (Py_ssize_t i = 0; i < n; ++i) {
        Owned item(PySequence_GetItem(o, i));
        if (!item) {
            PyErr_Clear();
            return false;
        }
        if (PyUnicode_Check(item.o))
            fail_as(
                ErrorKind::Type,
                "new(): invalid data type 'str'. A tensor is indexed by numbers, slices, masks and tensors.");
        if (is_tensor(item.o) || PySequence_Check(item.o) || PySlice_Check(item.o) || item.o == Py_Ellipsis ||
            item.o == Py_None) {
            if (PyErr_WarnEx(PyExc_UserWarning,
                             "Using a non-tuple sequence for multidimensional indexing is deprecated and "
                             "will be changed in pytorch 2.9; use "
                             "x[tuple(seq)] instead of x[seq].",
                             1) < 0)
                throw PythonError();
            return true;
        }
    }
    return false;
}

// The array's memory itself where its type and strides allow it, else NumPy's copy as int64 or float64.
Tensor tensor_of_array(PyObject* o) {
    try {
        return Tensor::make(array_from_numpy(o));
    } catch (const Error&) {
    }
    Owned dtype(PyObject_GetAttrString(o, "dtype"));
    Owned kind(dtype ? PyObject_GetAttrString(dtype.o, "kind") : nullptr);
    const char* k = kind ? PyUnicode_AsUTF8(kind.o) : nullptr;
    if (!k) PyErr_Clear();
    const char* as = !k                       ? nullptr
                     : *k == 'b'              ? "bool"
                     : *k == 'i' || *k == 'u' ? "int64"
                     : *k == 'f'              ? "float64"
                                              : nullptr;
    if (!as)
        fail_as(ErrorKind::Type, "can't convert a {} of this type to a tensor. The supported types are: {}.",
                Py_TYPE(o)->tp_name, supported_dtypes());
    Owned copy(checked(PyObject_CallMethod(o, "astype", "s", as)));
    return Tensor::make(array_from_numpy(copy.o));
}

// Truth values make a mask; whatever else is a number becomes an integer.
Tensor tensor_of_list(PyObject* o) {
    Tensor t = tensor_from_data(o, nullptr);
    if (t.dtype() == DType::Bool) return t;
    return ops::to_dtype(t, DType::Int64);
}

// An item that is a tensor or becomes one; undefined for all others.
Tensor as_index_tensor(PyObject* o) {
    if (is_tensor(o)) return Tensor(o);
    if (PyLong_Check(o) || PySlice_Check(o) || o == Py_None || o == Py_Ellipsis) return Tensor();
    if (is_array(o)) {
        Tensor t = tensor_of_array(o);
        bool narrow = is_integral(t.dtype()) && !is_index(t.dtype()) && !is_mask(t.dtype());
        return narrow ? ops::to_dtype(t, DType::Int64) : t;
    }
    if (PyUnicode_Check(o) || PyBytes_Check(o) || PyByteArray_Check(o) || !PySequence_Check(o))
        return Tensor();
    return tensor_of_list(o);
}

struct Indexed {
    Tensor x;         // the view that the basic items make
    Tensors indices;  // one entry a dimension of x, trailing ones left out; empty: x is the answer
};

void collect(Indexed& r, int64_t dim, Tensor index) {
    while (static_cast<int64_t>(r.indices.size()) <= dim) r.indices.push_back(Tensor());
    r.indices[static_cast<size_t>(dim)] = std::move(index);
}

Tensor select(const Tensor& x, int64_t dim, int64_t i, const Tensor& whole, int64_t original_dim) {
    if (x.ndim() == 0)
        fail_as(ErrorKind::Index,
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ "
                "to convert a 0-dim tensor to a number");
    int64_t n = x.size(dim);
    if (i < -n || i >= n)
        fail_as(ErrorKind::Index, "index {} is out of bounds for dimension {} with size {}", i, original_dim,
                n);
    return ops::select(x, dim, i);
}

// A number that differs from entry to entry of a vmap reads one element along its dimension, as numbers do, so other
// indices stand as if that dimension were gone: it moves beside the first of them.
[[gnu::cold, gnu::noinline]] void move_numbers(Indexed& r, const Dims& numbers) {
    auto is_number = [&](int64_t d) { return std::find(numbers.begin(), numbers.end(), d) != numbers.end(); };
    Dims order;
    bool found = false;
    for (int64_t d = 0; d < r.x.ndim(); ++d) {
        if (is_number(d)) continue;
        const auto i = static_cast<size_t>(d);
        if (!found && i < r.indices.size() && r.indices[i]) {
            found = true;
            for (int64_t n : numbers) order.push_back(n);
        }
        order.push_back(d);
    }
    if (!found) return;
    Tensors moved;
    for (int64_t d : order) {
        const auto i = static_cast<size_t>(d);
        moved.push_back(i < r.indices.size() ? r.indices[i] : Tensor());
    }
    r.x = ops::permute(r.x, order);
    r.indices = std::move(moved);
}

// 0-d truth values add a dimension of one element, or of none.
Tensor truth_index(bool v) {
    Array a = Array::empty(DType::Int64, Dims{v ? 1 : 0});
    if (v) *a.as<int64_t>() = 0;
    return Tensor::make(a);
}

Indexed walk(const Tensor& x, PyObject* const* items, Py_ssize_t n) {
    // What becomes a tensor does so first: the ellipsis must know how many dimensions the others take.
    Tensors tensors;
    int64_t specified = 0;
    for (Py_ssize_t k = 0; k < n; ++k) {
        PyObject* o = items[k];
        Tensor t = as_index_tensor(o);
        if (t) specified += is_mask(t.dtype()) ? t.ndim() : 1;
        else if (o != Py_None && o != Py_Ellipsis && !PyBool_Check(o)) ++specified;
        tensors.push_back(std::move(t));
    }
    if (specified > x.ndim()) {
        if (x.ndim() == 0 && n == 1 && is_integer(items[0])) select(x, 0, 0, x, 0);
        if (x.ndim() == 0 && n == 1 && PySlice_Check(items[0]))
            fail_as(ErrorKind::Index, "slice() cannot be applied to a 0-dim tensor.");
        fail_as(ErrorKind::Index,
                "too many indices for tensor of dimension {}. There are {}, and the shape is {}.", x.ndim(),
                specified, shape_text(x.layout()));
    }
    Indexed r{x, {}};
    Dims numbers;                   // dimensions of r.x with a number that differs from entry to entry
    int64_t dim = 0, original = 0;  // in the view, in x
    bool ellipsis = false;
    for (Py_ssize_t k = 0; k < n; ++k) {
        PyObject* o = items[k];
        if (const Tensor& t = tensors[static_cast<size_t>(k)]) {
            if (t.is_mapped() && t.ndim() == 0 && !is_differentiable(t.dtype())) {
                if (is_mask(t.dtype())) {
                    r.x = ops::unsqueeze(r.x, dim);
                    collect(r, dim++, ops::unsqueeze(t, 0));
                } else {
                    numbers.push_back(dim);
                    collect(r, dim++, t);
                    ++original;
                }
            } else if (t.ndim() == 0 && !is_differentiable(t.dtype())) {
                Scalar s = t.number();
                if (is_mask(t.dtype())) {
                    r.x = ops::unsqueeze(r.x, dim);
                    collect(r, dim++, truth_index(s.to_bool()));
                } else {
                    r.x = select(r.x, dim, s.to_int(), x, original++);
                }
            } else {
                int64_t covered = is_mask(t.dtype()) ? t.ndim() : 1;
                collect(r, dim, t);
                dim += covered;
                original += covered;
            }
        } else if (is_integer(o)) {
            r.x = select(r.x, dim, integer(o), x, original++);
        } else if (PySlice_Check(o)) {
            Range s = unpack(o);
            if (r.x.ndim() == 0) fail_as(ErrorKind::Index, "slice() cannot be applied to a 0-dim tensor.");
            bool whole = s.start == 0 && s.stop >= r.x.size(dim) && s.step == 1;
            if (!whole || n == 1) r.x = ops::slice(r.x, dim, s.start, s.stop, s.step);
            ++dim;
            ++original;
        } else if (o == Py_Ellipsis) {
            if (ellipsis && specified > 0)
                fail_as(ErrorKind::Index, "an index can only have a single ellipsis ('...')");
            if (!ellipsis) {
                dim += x.ndim() - specified;
                original += x.ndim() - specified;
            }
            ellipsis = true;
        } else if (o == Py_None) {
            r.x = ops::unsqueeze(r.x, dim++);
        } else if (PyBool_Check(o)) {
            r.x = ops::unsqueeze(r.x, dim);
            collect(r, dim++, truth_index(o == Py_True));
        } else {
            Owned number(PyIndex_Check(o) ? PyNumber_Index(o) : nullptr);
            if (!number) {
                PyErr_Clear();
                fail_item(o);
            }
            r.x = select(r.x, dim, integer(number.o), x, original++);
        }
    }
    if (!numbers.empty()) move_numbers(r, numbers);
    return r;
}

// Entries for ops::index: masks take their dimensions at once.
Tensors compact(const Tensors& indices) {
    Tensors out;
    for (size_t i = 0; i < indices.size(); ++i) {
        out.push_back(indices[i]);
        if (indices[i] && is_mask(indices[i].dtype())) i += static_cast<size_t>(indices[i].ndim()) - 1;
    }
    return out;
}

Indexed apply_index(const Tensor& x, PyObject* index) {
    if (!counts_as_tuple(index)) return walk(x, &index, 1);
    if (PyTuple_Check(index)) return walk(x, &PyTuple_GET_ITEM(index, 0), PyTuple_GET_SIZE(index));
    Owned items(checked(PySequence_Tuple(index)));
    return walk(x, &PyTuple_GET_ITEM(items.o, 0), PyTuple_GET_SIZE(items.o));
}

// Whether the indices are numbers that differ from entry to entry: what is written to is a part, whose dtype it takes.
bool only_numbers(const Indexed& r) {
    return std::all_of(r.indices.begin(), r.indices.end(),
                       [](const Tensor& t) { return !t || (t.is_mapped() && t.ndim() == 0); });
}

// Leading dimensions of size one in a value are no dimensions.
Tensor without_leading_ones(const Tensor& v, int64_t ndim) {
    size_t first = 0;
    Dims shape = v.shape();
    while (first < shape.size() && static_cast<int64_t>(shape.size() - first) > ndim && shape[first] == 1)
        ++first;
    return first ? ops::reshape(v, Dims(shape.begin() + first, shape.end())) : v;
}

void assign(const Tensor& target, const Tensor& value) {
    Tensor v = without_leading_ones(value, target.ndim());
    if (!can_sum_to(target.layout(), v.layout())) ops::expand(v, target.shape());  // raises
    ops::copy_(target, v);
}

}  // namespace

PyObject* get_item(PyObject* self, PyObject* index) {
    try {
        Tensor x(self);
        if (is_integer(index)) return select(x, 0, integer(index), x, 0).release();
        Indexed r = apply_index(x, index);
        if (!r.indices.empty()) return ops::index(r.x, compact(r.indices)).release();
        return (r.x.is(x) ? ops::alias(x) : r.x).release();
    } catch (...) {
        return raise_current();
    }
}

int set_item(PyObject* self, PyObject* index, PyObject* value) {
    try {
        if (!value) fail_as(ErrorKind::Type, "Tensor does not support deleting items");
        Tensor x(self), v;
        Scalar number;
        bool is_number = false;
        if (is_tensor(value)) v = Tensor(value);
        else if (is_integer(value)) {
            if (!to_whole(value, &number) || (number.wide && !takes_wide(x.dtype())))
                fail_as(ErrorKind::Value, "Overflow when unpacking long long");
            is_number = true;
        } else if (to_number(value, &number)) is_number = true;
        else if (is_array(value)) v = tensor_of_array(value);
        else
            fail_as(ErrorKind::Type,
                    "can't assign a {} to a pullback.{}Tensor. Give a number, a tensor or an array: "
                    "pullback.tensor(...) makes a tensor of a list.",
                    Py_TYPE(value)->tp_name, dtype_legacy_name(x.dtype()));
        if (index == Py_False) return 0;
        Indexed r;
        if (is_integer(index)) r.x = select(x, 0, integer(index), x, 0);
        else if (index == Py_True) r.x = ops::unsqueeze(x, 0);
        else r = apply_index(x, index);
        if (r.indices.empty()) {
            check_captured(r.x, is_number && !is_integer(index) ? "fill_" : "copy_");
            if (is_number) ops::fill_(r.x, number);
            else assign(r.x, v);
            return 0;
        }
        Tensors indices = compact(r.indices);
        if (is_number) {
            ops::index_fill_at(r.x, indices, number);
        } else {
            // An array's numbers take the tensor's type; a tensor has to have it, as in PyTorch.
            if (!is_tensor(value) || only_numbers(r)) v = ops::to_dtype(v, r.x.dtype());
            ops::index_put(ops::Form::InPlace, r.x, indices, without_leading_ones(v, 0), false);
        }
        return 0;
    } catch (...) {
        raise_current();
        return -1;
    }
}

}  // namespace pb
