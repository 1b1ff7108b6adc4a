// The tensor type: the number slots (the hot path), and the attributes that are autograd state.
// Everything else a tensor can do is attached by the package, as operators (operator_object.cpp) or in Python.
#include "python/types/tensor_type.h"

#include <structmember.h>

#include "ops/elementwise/fast.h"
#include "ops/linear/linear.h"
#include "ops/operators.h"
#include "python/bind/overriding.h"
#include "python/bind/watch.h"
#include "python/hints.h"
#include "python/read/from_data.h"
#include "python/types/mapping.h"
#include "python/types/node_object.h"
#include "tape/hooks.h"
#include "tensor/mapped.h"

namespace pb {

namespace {

void destroy(PyObject* self) {
    auto* o = as_tensor(self);
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (o->weakrefs) PyObject_ClearWeakRefs(self);
    Py_CLEAR(o->dict);
    Node* node = std::exchange(o->grad_fn, nullptr);
    PyObject* grad = std::exchange(o->grad, nullptr);
    TensorExtra* extra = std::exchange(o->extra, nullptr);
    Cell* cell = std::exchange(o->cell, nullptr);
    Layout* layout = std::exchange(o->layout, nullptr);
    free_tensor_object(o);
    Py_DECREF(type);
    // Last, because these may free other tensors in turn.
    if (cell) cell->release();
    if (layout) layout->release();
    delete extra;
    Py_XDECREF(grad);
    if (node) node->release();
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    auto* o = as_tensor(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(o->dict);
    Py_VISIT(o->grad);
    if (o->extra) {
        Py_VISIT(o->extra->hooks);
        Py_VISIT(o->extra->post_hooks);
        if (o->extra->view) {
            Py_VISIT(o->extra->view->base.py());
            Py_VISIT(o->extra->view->dual.py());
        }
    }
    return o->grad_fn ? traverse_owned(o->grad_fn, visit, arg) : 0;
}

int clear(PyObject* self) {
    auto* o = as_tensor(self);
    Py_CLEAR(o->dict);
    Py_CLEAR(o->grad);
    if (o->extra) {
        Py_CLEAR(o->extra->hooks);
        Py_CLEAR(o->extra->post_hooks);
    }
    if (Node* n = std::exchange(o->grad_fn, nullptr)) n->release();
    return 0;
}

// ---- number slots ----

// Outside of a try block: what a class answers that overrides operators (bind/overriding.h).
template <class F> [[gnu::cold]] PyObject* answered(F ask) {
    try {
        return ask();
    } catch (...) {
        return raise_current();
    }
}

// Raises where a number or a tensor is missing and the cure is known.
void refuse(const Row& row, PyObject* a, PyObject* b, bool inplace);

PyObject* slow_binary(const Row& row, PyObject* a, PyObject* b, bool inplace) {
    if (may_override(a) || may_override(b)) return ask_about_sign(row.name.c_str(), a, b, inplace);
    Tensor hold[2];
    Operand operands[2];
    PyObject* given[2] = {a, b};
    for (int i = 0; i < 2; ++i) {
        if (is_tensor(given[i])) {
            hold[i] = Tensor(given[i]);
            operands[i] = hold[i];
        } else if (is_numpy_array(given[i])) {
            hold[i] = Tensor::make(array_from_numpy(given[i]));
            operands[i] = hold[i];
        } else {
            Scalar s;
            if (!to_operand_scalar(given[i], &s)) {
                refuse(row, a, b, inplace);
                Py_RETURN_NOTIMPLEMENTED;
            }
            operands[i] = s;
        }
    }
    if (inplace) {
        // A right-hand side that only the interpreter's stack and `hold` refer to is gone after this.
        bool last = PY_VERSION_HEX < 0x030E0000 && hold[1] && Py_REFCNT(b) == 2 && hold[1]->cell->is_unique();
        ops::elementwise_inplace(row, hold[0], operands, 2, last ? &hold[1] : nullptr);
        Py_INCREF(a);
        return a;
    }
    return ops::elementwise(row, operands, 2).release();
}

inline PyObject* binary(const Row* row, PyObject* a, PyObject* b) {
    try {
        if (is_exact_tensor(a)) {
            if (is_exact_tensor(b)) {
                if (Tensor y = ops::fast_binary(*row, as_tensor(a), as_tensor(b))) return y.release();
            } else if (PyFloat_CheckExact(b)) {
                if (Tensor y = ops::fast_scalar(*row, as_tensor(a), PyFloat_AS_DOUBLE(b), false))
                    return y.release();
            } else if (PyLong_CheckExact(b) && is_float(as_tensor(a)->dtype)) {
                double v = PyLong_AsDouble(b);
                if (v == -1 && PyErr_Occurred()) {
                    PyErr_Clear();
                } else if (v > -9e15 && v < 9e15) {
                    if (Tensor y = ops::fast_scalar(*row, as_tensor(a), v, false)) return y.release();
                }
            }
        } else if (is_exact_tensor(b) && PyFloat_CheckExact(a)) {
            if (Tensor y = ops::fast_scalar(*row, as_tensor(b), PyFloat_AS_DOUBLE(a), true))
                return y.release();
        }
        return slow_binary(*row, a, b, false);
    } catch (...) {
        return raise_current();
    }
}

PyObject* inplace(const Row* row, PyObject* a, PyObject* b) {
    try {
        return slow_binary(*row, a, b, true);
    } catch (...) {
        return raise_current();
    }
}

PyObject* unary(const Row* row, PyObject* a, const char* method) {
    try {
        if (may_override(a)) return ask_about_slot(method, &a, 1);
        Tensor t(a);
        return ops::elementwise(*row, {t}).release();
    } catch (...) {
        return raise_current();
    }
}

Row *row_floor_divide, *row_remainder, *row_abs, *row_and, *row_or, *row_xor, *row_not, *row_left, *row_right,
    *row_reciprocal;

// The sign that a row is written with.
const char* symbol_of(const Row& row, bool inplace) {
    const std::pair<const Row*, const char*> symbols[] = {
        {rows.add, "+="},          {rows.sub, "-="},      {rows.mul, "*="},   {rows.div, "/="},
        {row_floor_divide, "//="}, {row_remainder, "%="}, {row_and, "&="},    {row_or, "|="},
        {row_xor, "^="},           {row_left, "<<="},     {row_right, ">>="}, {rows.pow, "**="}};
    static const char* plain[] = {"+", "-", "*", "/", "//", "%", "&", "|", "^", "<<", ">>", "** or pow()"};
    for (size_t i = 0; i < std::size(symbols); ++i)
        if (symbols[i].first == &row) return inplace ? symbols[i].second : plain[i];
    const std::pair<const Row*, const char*> orders[] = {
        {rows.lt, "<"}, {rows.le, "<="}, {rows.gt, ">"}, {rows.ge, ">="}};
    for (auto [order, symbol] : orders)
        if (order == &row) return symbol;
    return nullptr;  // == and != answer False and True
}

[[gnu::cold, gnu::noinline]] void refuse(const Row& row, PyObject* a, PyObject* b, bool inplace) {
    if (const char* symbol = symbol_of(row, inplace)) refuse_operand(symbol, a, b);
}

#define SLOT(name, row)                                                    \
    PyObject* name(PyObject* a, PyObject* b) { return binary(row, a, b); } \
    PyObject* name##_in(PyObject* a, PyObject* b) { return inplace(row, a, b); }
SLOT(add, rows.add)
SLOT(sub, rows.sub)
SLOT(mul, rows.mul)
SLOT(floor_divide, row_floor_divide)
SLOT(remainder, row_remainder)
SLOT(bit_and, row_and)
SLOT(bit_or, row_or)
SLOT(bit_xor, row_xor)
SLOT(left, row_left)
SLOT(right, row_right)
#undef SLOT

// A number over a tensor is that number times a reciprocal, as on PyTorch's tape.
PyObject* divide(PyObject* a, PyObject* b) {
    if (!is_tensor(a) && is_tensor(b) && !is_numpy_array(a)) {
        try {
            if (may_override(a) || may_override(b)) return ask_about_sign("div", a, b);
            Scalar s;
            if (!to_number(a, &s)) {
                refuse_operand("/", a, b);
                Py_RETURN_NOTIMPLEMENTED;
            }
            Tensor t(b);
            Tensor r = ops::elementwise(*row_reciprocal, {t});
            return ops::mul(r, s).release();
        } catch (...) {
            return raise_current();
        }
    }
    return binary(rows.div, a, b);
}
PyObject* divide_in(PyObject* a, PyObject* b) { return inplace(rows.div, a, b); }

PyObject* power(PyObject* a, PyObject* b, PyObject* modulus) {
    if (modulus != Py_None) {
        PyErr_SetString(PyExc_TypeError, "pow() with a modulus is not supported on tensors");
        return nullptr;
    }
    try {
        if (may_override(a) || may_override(b)) return ask_about_sign("pow", a, b);
        if (is_tensor(a) && !is_tensor(b) && is_integral(as_tensor(a)->dtype)) {
            Scalar s;
            if (to_scalar(b, &s) && s.kind == Scalar::Int && s.i < 0)
                fail("Integers to negative integer powers are not allowed.");
        }
    } catch (...) {
        return raise_current();
    }
    return binary(rows.pow, a, b);
}
PyObject* power_in(PyObject* a, PyObject* b, PyObject*) { return inplace(rows.pow, a, b); }

PyObject* negative(PyObject* a) { return unary(rows.neg, a, "neg"); }
PyObject* positive(PyObject* a) {
    if (may_override(a)) return answered([&] { return ask_about_slot("__pos__", &a, 1); });
    if (as_tensor(a)->dtype == DType::Bool) {
        PyErr_SetString(PyExc_RuntimeError, "The `+` operator, on a bool tensor is not supported.");
        return nullptr;
    }
    Py_INCREF(a);
    return a;
}
PyObject* absolute(PyObject* a) { return unary(row_abs, a, "abs"); }
PyObject* invert(PyObject* a) {
    if (!may_override(a) && is_differentiable(as_tensor(a)->dtype)) {
        PyErr_Format(
            PyExc_TypeError,
            "~ (operator.invert) is only implemented on integer and Boolean-type tensors. This one is of "
            "%s: 1 - x turns truth values round that are floats.",
            dtype_name(as_tensor(a)->dtype));
        return nullptr;
    }
    return unary(row_not, a, "__invert__");
}

PyObject* matrix_multiply(PyObject* a, PyObject* b) {
    try {
        if (may_override(a) || may_override(b)) return ask_about_sign("matmul", a, b);
        if (is_tensor(a) && is_tensor(b)) return ops::matmul(Tensor(a), Tensor(b)).release();
        if (!is_numpy_array(a) && !is_numpy_array(b)) {
            refuse_operand("@", a, b);
            Py_RETURN_NOTIMPLEMENTED;
        }
        // An array takes part as in sums: as a tensor, and the two meet in a common dtype.
        auto as_operand = [](PyObject* o) {
            return is_tensor(o) ? Tensor(o) : Tensor::make(array_from_numpy(o));
        };
        Tensor left = as_operand(a), right = as_operand(b);
        DType common = promote(left.dtype(), right.dtype());
        return ops::matmul(ops::to_dtype(left, common), ops::to_dtype(right, common)).release();
    } catch (...) {
        return raise_current();
    }
}

int truth(PyObject* a) {
    try {
        if (may_override(a)) {
            Owned answer(ask_about_slot("__bool__", &a, 1));
            return PyObject_IsTrue(answer.o);
        }
        Tensor t(a);
        if (t.numel() != 1)
            fail("Boolean value of Tensor with {} is ambiguous{}",
                 t.numel() ? "more than one value" : "no values", hint("ambiguous", {a}));
        if (t.is_mapped())
            fail_as(ErrorKind::Mapped,
                    "vmap: It looks like you're attempting to use a Tensor in some data-dependent control "
                    "flow. We "
                    "don't support that yet. This condition has another value for each entry of the vmap: "
                    "where(condition, a, b) chooses for each.");
        return Scalar::load(t.dtype(), t.data()).to_bool();
    } catch (...) {
        raise_current();
        return -1;
    }
}

void check_one_element(PyObject* a) {
    if (as_tensor(a)->layout->numel() != 1)
        fail_as(ErrorKind::Value, "only one element tensors can be converted to Python scalars{}",
                hint("one_number", {a}));
}

// The element as a Python number that is no complex one.
struct RealItem {
    RealItem(PyObject* a, const char* wanted) : o(item_object(Tensor(a))) {
        if (!PyComplex_Check(o.o)) return;
        const Py_complex z = PyComplex_AsCComplex(o.o);
        if (z.imag != 0)
            fail(
                "value cannot be converted to type {} without overflow. It is complex: .real and .abs() are "
                "not.",
                wanted);
        Py_XDECREF(std::exchange(o.o, checked(PyFloat_FromDouble(z.real))));
    }
    Owned o;
};

PyObject* to_python_float(PyObject* a) {
    try {
        if (may_override(a)) return ask_about_slot("__float__", &a, 1);
        check_one_element(a);
        return PyFloat_FromDouble(PyFloat_AsDouble(RealItem(a, "double").o.o));
    } catch (...) {
        return raise_current();
    }
}
PyObject* to_python_int(PyObject* a) {
    try {
        if (may_override(a)) return ask_about_slot("__int__", &a, 1);
        check_one_element(a);
        return PyNumber_Long(RealItem(a, "int64_t").o.o);
    } catch (...) {
        return raise_current();
    }
}
PyObject* to_index(PyObject* a) {
    try {
        if (may_override(a)) return ask_about_slot("__index__", &a, 1);
        Tensor t(a);
        if (t.numel() != 1 || is_differentiable(t.dtype()))
            fail_as(ErrorKind::Type,
                    "only integer tensors of a single element can be converted to an index{}",
                    hint("index", {a}));
        return PyNumber_Long(Owned(item_object(t)).o);
    } catch (...) {
        return raise_current();
    }
}

PyObject* compare(PyObject* a, PyObject* b, int op) {
    Row* row = op == Py_EQ   ? rows.eq
               : op == Py_NE ? rows.ne
               : op == Py_LT ? rows.lt
               : op == Py_LE ? rows.le
               : op == Py_GT ? rows.gt
                             : rows.ge;
    try {
        return slow_binary(*row, a, b, false);
    } catch (...) {
        return raise_current();
    }
}

Py_ssize_t length(PyObject* a) {
    if (may_override(a)) {
        Owned answer(answered([&] { return ask_about_slot("__len__", &a, 1); }));
        return answer.o ? PyNumber_AsSsize_t(answer.o, PyExc_OverflowError) : -1;
    }
    const Layout* l = as_tensor(a)->layout;
    if (l->ndim() == 0) {
        PyErr_SetString(PyExc_TypeError, "len() of a 0-d tensor. It is a single number: item() gives it.");
        return -1;
    }
    return l->size(0);
}

Py_hash_t hash(PyObject* self) { return static_cast<Py_hash_t>(reinterpret_cast<uintptr_t>(self) >> 4); }

// ---- attributes ----

PyObject* get_shape(PyObject* self, void*) {
    try {
        const Layout* l = as_tensor(self)->layout;
        return shape_object(l->shape(), l->ndim());
    } catch (...) {
        return raise_current();
    }
}
PyObject* get_dtype(PyObject* self, void*) {
    PyObject* d = dtype_object(as_tensor(self)->dtype);
    Py_INCREF(d);
    return d;
}
PyObject* get_ndim(PyObject* self, void*) { return PyLong_FromLongLong(as_tensor(self)->layout->ndim()); }
PyObject* get_requires_grad(PyObject* self, void*) { return boolean(Tensor(self).requires_grad()); }
PyObject* get_is_leaf(PyObject* self, void*) {
    try {
        return boolean(!current_grad_fn(Tensor(self)));
    } catch (...) {
        return raise_current();
    }
}
PyObject* get_grad_fn(PyObject* self, void*) {
    try {
        return node_object(current_grad_fn(Tensor(self)));
    } catch (...) {
        return raise_current();
    }
}
PyObject* get_version(PyObject* self, void*) {
    if (as_tensor(self)->flags & kInference) {
        PyErr_SetString(PyExc_RuntimeError, "Inference tensors do not track version counter.");
        return nullptr;
    }
    return PyLong_FromUnsignedLong(as_tensor(self)->cell->version);
}
PyObject* get_output_nr(PyObject* self, void*) { return PyLong_FromUnsignedLong(as_tensor(self)->output_nr); }
PyObject* get_retains_grad(PyObject* self, void*) { return boolean(as_tensor(self)->flags & kRetainsGrad); }
PyObject* get_base(PyObject* self, void*) {
    auto* o = as_tensor(self);
    if (!(o->flags & kIsView)) Py_RETURN_NONE;
    return Tensor(o->extra->view->base).release();
}
PyObject* is_view(PyObject* self, PyObject*) { return boolean(as_tensor(self)->flags & kIsView); }
PyObject* is_inference(PyObject* self, PyObject*) { return boolean(as_tensor(self)->flags & kInference); }

int set_requires_grad(PyObject* self, PyObject* value, void*) {
    if (!value || !PyBool_Check(value)) {
        PyErr_SetString(PyExc_RuntimeError, "requires_grad must be a bool");
        return -1;
    }
    try {
        Tensor t(self);
        bool on = value == Py_True;
        if (current_grad_fn(t)) {
            fail("you can only change requires_grad flags of leaf variables.{}",
                 on ? ""
                    : " If you want to use a computed variable in "
                      "a subgraph that doesn't require differentiation use var_no_grad = var.detach().");
        }
        if (on && !is_differentiable(t.dtype()))
            fail(
                "only Tensors of floating point and complex dtype can require gradients. This one has dtype "
                "pullback.{}: convert it with .to(pullback.float32) first.",
                dtype_name(t.dtype()));
        if (on && t->flags & kInference && !modes.inference)
            fail("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.");
        if (on) t->flags |= kRequiresGrad;
        else t->flags &= static_cast<uint8_t>(~kRequiresGrad);
        return 0;
    } catch (...) {
        raise_current();
        return -1;
    }
}

PyObject* get_grad(PyObject* self, void*) {
    auto* o = as_tensor(self);
    if (!o->grad && o->grad_fn && !(o->flags & kRetainsGrad)) {
        if (PyErr_WarnEx(
                PyExc_UserWarning,
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its "
                ".grad attribute won't be "
                "populated during autograd.backward(). If you indeed want the .grad field to be "
                "populated for a non-leaf "
                "Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf "
                "Tensor by mistake, make sure "
                "you access the leaf Tensor instead. `w = w - lr * w.grad` makes a new tensor, which is "
                "no leaf: write `with pullback.no_grad(): w -= lr * w.grad`.",
                1) < 0)
            return nullptr;
    }
    PyObject* g = o->grad ? o->grad : Py_None;
    Py_INCREF(g);
    return g;
}

int set_grad(PyObject* self, PyObject* value, void*) {
    auto* o = as_tensor(self);
    try {
        if (!value || value == Py_None) {
            Py_CLEAR(o->grad);
            return 0;
        }
        if (!is_tensor(value))
            fail_as(ErrorKind::Type, "assigned grad expected to be a Tensor or None but got grad of type {}",
                    Py_TYPE(value)->tp_name);
        auto* g = as_tensor(value);
        if (g == o) fail("can't assign Variable as its own grad");
        const auto wanted = o->extra && o->extra->grad_dtype ? *o->extra->grad_dtype : o->dtype;
        if (g->dtype != wanted && !(o->extra && o->extra->any_grad_dtype))
            fail(
                "attempting to assign a gradient with dtype '{}' to a tensor with grad_dtype '{}'. The "
                "gradient must match the tensor's grad_dtype (defaults to the tensor's dtype). You can set "
                "the tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. Set "
                "grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break "
                "downstream systems that assume they match.",
                dtype_c_name(g->dtype), dtype_legacy_name(wanted));
        if (!g->layout->same_shape(*o->layout))
            fail(
                "attempting to assign a gradient of size '{}' to a tensor of size '{}'. Please ensure that "
                "the gradient and the tensor are the same size",
                shape_text(*g->layout), shape_text(*o->layout));
        Py_INCREF(value);
        PyObject* old = std::exchange(o->grad, value);
        Py_XDECREF(old);
        return 0;
    } catch (...) {
        raise_current();
        return -1;
    }
}

// grad_dtype: the dtype that `.grad` has; None: any.
PyObject* get_grad_dtype(PyObject* self, void*) {
    auto* o = as_tensor(self);
    if (o->grad_fn) {
        PyErr_SetString(PyExc_RuntimeError, "grad_dtype can only be accessed on leaf tensors.");
        return nullptr;
    }
    if (o->extra && o->extra->any_grad_dtype) Py_RETURN_NONE;
    return Py_NewRef(dtype_object(o->extra && o->extra->grad_dtype ? *o->extra->grad_dtype : o->dtype));
}
int set_grad_dtype(PyObject* self, PyObject* value, void*) {
    auto* o = as_tensor(self);
    try {
        if (o->grad_fn) fail("grad_dtype can only be set on leaf tensors.");
        const bool any = value == Py_None;
        std::optional<DType> dtype;
        if (DType found; value && !any && to_dtype_code(value, &found)) dtype = found;
        if (!any && !dtype)
            fail("grad_dtype must be a torch.dtype or None, but got {}",
                 value ? Py_TYPE(value)->tp_name : "nothing");
        if (dtype && o->grad && as_tensor(o->grad)->dtype != *dtype)
            fail(
                "Cannot set grad_dtype to '{}' because there is already a gradient with dtype '{}'. Please "
                "clear "
                "the gradient (.grad = None) before changing grad_dtype, or ensure the new grad_dtype "
                "matches "
                "the existing gradient's dtype.",
                dtype_legacy_name(*dtype), dtype_c_name(as_tensor(o->grad)->dtype));
        TensorExtra& x = extra(Tensor(self));
        x.any_grad_dtype = any;
        x.grad_dtype = dtype == o->dtype ? std::nullopt : dtype;
        return 0;
    } catch (...) {
        raise_current();
        return -1;
    }
}
int set_grad_fn(PyObject* self, PyObject* value, void*) {
    if (value == Py_None) {
        clear_history(Tensor(self));
        return 0;
    }
    PyErr_SetString(PyExc_RuntimeError, "_grad_fn can be only set to None");
    return -1;
}

// data: the same value with a version counter of its own.
PyObject* plain_data(PyObject* self) {
    try {
        auto* o = as_tensor(self);
        Tensor t = Tensor(self).alias();
        Cell* shared = std::exchange(t->cell, Cell::make(o->cell->buffer).detach());
        shared->release();
        t->flags = o->flags & kInference;
        return t.release();
    } catch (...) {
        return raise_current();
    }
}
PyObject* get_data(PyObject* self, void*) {
    if (__builtin_expect(watched, 0)) {
        static PyObject* getter =
            PyObject_CallMethod(Owned(PyImport_ImportModule("operator")).o, "attrgetter", "s", "data");
        if (!getter) return nullptr;
        return watch("data", getter, &self, 1, nullptr, [&] { return plain_data(self); });
    }
    return plain_data(self);
}
int set_data(PyObject* self, PyObject* value, void*) {
    try {
        if (!value || !is_tensor(value))
            fail_as(ErrorKind::Type, "Variable data has to be a tensor, but got {}",
                    value ? Py_TYPE(value)->tp_name : "nothing");
        auto *o = as_tensor(self), *v = as_tensor(value);
        if (o->dtype != v->dtype && (o->grad_fn || o->flags & kRequiresGrad) && !is_differentiable(v->dtype))
            fail("data set to a tensor that requires gradients must be floating point or complex dtype");
        // The new value comes in a cell of its own, so that what was saved from the old one keeps it.
        Ref<Cell> cell = Cell::make(v->cell->buffer);
        cell->version = o->cell->version;
        Cell* old_cell = std::exchange(o->cell, cell.detach());
        set_layout(Tensor(self), Ref<Layout>(v->layout));
        o->offset = v->offset;
        o->dtype = v->dtype;
        old_cell->release();
        return 0;
    } catch (...) {
        raise_current();
        return -1;
    }
}

PyObject* transposed(PyObject* self, const char* attribute) {
    try {
        Tensor t(self);
        int64_t n = t.ndim();
        if (n == 0) {
            const char* warning =
                attribute[0] == 'm'
                    ? "Tensor.mT is deprecated on 0-D tensors. This function is the identity in these cases."
                    : "Tensor.T is deprecated on 0-D tensors. This function is the identity in these cases.";
            if (PyErr_WarnEx(PyExc_UserWarning, warning, 1) < 0) return nullptr;
            if (attribute[0] == 'm') return t.release();
        } else if (attribute[0] == 'm') {
            if (n < 2)
                fail("tensor.mT is only supported on matrices or batches of matrices. Got {}-D tensor.", n);
            return ops::transpose(t, -2, -1).release();
        }
        if (n != 2 && n != 0 &&
            PyErr_WarnEx(PyExc_UserWarning,
                         "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is "
                         "deprecated and it will throw "
                         "an error in a future release. Consider `x.mT` to transpose batches of matrices or "
                         "`x.permute(*torch.arange("
                         "x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
                         1) < 0)
            return nullptr;
        Dims order;
        for (int64_t d = n - 1; d >= 0; --d) order.push_back(d);
        return ops::permute(t, order).release();
    } catch (...) {
        return raise_current();
    }
}
PyObject* get_T(PyObject* self, void*) { return transposed(self, "T"); }
PyObject* get_mT(PyObject* self, void*) { return transposed(self, "mT"); }

// What an index that differs from entry to entry of a vmap reads or writes, entry by entry.
[[gnu::cold, gnu::noinline]] PyObject* item_over_entries(const char* function, PyObject* const* args,
                                                         size_t n) {
    if (!PyErr_ExceptionMatches(mapped_error)) return nullptr;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyObject* module = PyImport_ImportModule("operator");
    PyObject* callable = module ? PyObject_GetAttrString(module, function) : nullptr;
    Py_XDECREF(module);
    PyErr_Restore(type, value, trace);
    PyObject* result = over_entries(callable, args, n, nullptr);
    Py_XDECREF(callable);
    return result;
}
PyObject* get_item_slot(PyObject* self, PyObject* index) {
    if (may_override(self) || may_override(index)) {
        PyObject* args[] = {self, index};
        return answered([&] { return ask_about_slot("__getitem__", args, 2); });
    }
    if (PyObject* part = get_item(self, index)) return part;
    PyObject* args[2] = {self, index};
    return item_over_entries("getitem", args, 2);
}
int set_item_slot(PyObject* self, PyObject* index, PyObject* value) {
    if (value && (may_override(self) || may_override(index) || may_override(value))) {
        PyObject* args[] = {self, index, value};
        Owned answer(answered([&] { return ask_about_slot("__setitem__", args, 3); }));
        return answer.o ? 0 : -1;
    }
    int failed = set_item(self, index, value);
    if (!failed || !value) return failed;
    PyObject* args[3] = {self, index, value};
    PyObject* done = item_over_entries("setitem", args, 3);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

PyObject* create(PyTypeObject* type, PyObject* args, PyObject* keywords) {
    // Tensor(...) is PyTorch's legacy constructor; the package provides it.
    static PyObject* legacy = nullptr;
    if (!legacy) {
        PyObject* module = PyImport_ImportModule("pullback.construct");
        if (!module) return nullptr;
        legacy = PyObject_GetAttrString(module, "legacy_tensor");
        Py_DECREF(module);
        if (!legacy) return nullptr;
    }
    PyObject* made = PyObject_Call(legacy, args, keywords);
    if (!made || type == tensor_type) return made;
    PyObject* cast = PyObject_CallMethod(made, "as_subclass", "O", type);
    Py_DECREF(made);
    return cast;
}

PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(TensorObject, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(TensorObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyMethodDef methods[] = {
    {"_is_view", is_view, METH_NOARGS, nullptr},
    {"is_inference", is_inference, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
// Attributes, of which a class may be asked first.
template <getter get> PyObject* get_attribute(PyObject* self, void* name) {
    if (may_override(self))
        return answered(
            [&] { return ask_about_attribute(static_cast<const char*>(name), "__get__", &self, 1); });
    return get(self, nullptr);
}
template <setter set> int set_attribute(PyObject* self, PyObject* value, void* name) {
    if (may_override(self)) {
        PyObject* args[] = {self, value};
        Owned answer(answered([&] {
            return ask_about_attribute(static_cast<const char*>(name), value ? "__set__" : "__delete__", args,
                                       value ? 2 : 1);
        }));
        return answer.o ? 0 : -1;
    }
    return set(self, value, nullptr);
}
#define READ(name, get) \
    { #name, get_attribute < get>, nullptr, nullptr, const_cast < char*>(#name) }
#define WRITE(name, get, set) \
    { #name, get_attribute < get>, set_attribute < set>, nullptr, const_cast < char*>(#name) }
PyGetSetDef getset[] = {
    READ(shape, get_shape),
    READ(dtype, get_dtype),
    READ(ndim, get_ndim),
    WRITE(requires_grad, get_requires_grad, set_requires_grad),
    WRITE(grad, get_grad, set_grad),
    WRITE(grad_dtype, get_grad_dtype, set_grad_dtype),
    READ(grad_fn, get_grad_fn),
    WRITE(_grad_fn, get_grad_fn, set_grad_fn),
    READ(is_leaf, get_is_leaf),
    READ(_version, get_version),
    READ(output_nr, get_output_nr),
    READ(retains_grad, get_retains_grad),
    READ(_base, get_base),
    WRITE(data, get_data, set_data),
    READ(T, get_T),
    READ(mT, get_mT),
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

#undef READ
#undef WRITE

#define F(f) reinterpret_cast<void*>(f)
PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("Tensor(*data, device=None)\n--\n\n")},  // the text is attributes.py's
    {Py_tp_new, F(create)},
    {Py_tp_dealloc, F(destroy)},
    {Py_tp_traverse, F(traverse)},
    {Py_tp_clear, F(clear)},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_tp_richcompare, F(compare)},
    {Py_tp_hash, F(hash)},
    {Py_mp_length, F(length)},
    {Py_mp_subscript, F(get_item_slot)},
    {Py_mp_ass_subscript, F(set_item_slot)},
    {Py_nb_add, F(add)},
    {Py_nb_inplace_add, F(add_in)},
    {Py_nb_subtract, F(sub)},
    {Py_nb_inplace_subtract, F(sub_in)},
    {Py_nb_multiply, F(mul)},
    {Py_nb_inplace_multiply, F(mul_in)},
    {Py_nb_true_divide, F(divide)},
    {Py_nb_inplace_true_divide, F(divide_in)},
    {Py_nb_floor_divide, F(floor_divide)},
    {Py_nb_inplace_floor_divide, F(floor_divide_in)},
    {Py_nb_remainder, F(remainder)},
    {Py_nb_inplace_remainder, F(remainder_in)},
    {Py_nb_power, F(power)},
    {Py_nb_inplace_power, F(power_in)},
    {Py_nb_matrix_multiply, F(matrix_multiply)},
    {Py_nb_negative, F(negative)},
    {Py_nb_positive, F(positive)},
    {Py_nb_absolute, F(absolute)},
    {Py_nb_invert, F(invert)},
    {Py_nb_and, F(bit_and)},
    {Py_nb_inplace_and, F(bit_and_in)},
    {Py_nb_or, F(bit_or)},
    {Py_nb_inplace_or, F(bit_or_in)},
    {Py_nb_xor, F(bit_xor)},
    {Py_nb_inplace_xor, F(bit_xor_in)},
    {Py_nb_lshift, F(left)},
    {Py_nb_inplace_lshift, F(left_in)},
    {Py_nb_rshift, F(right)},
    {Py_nb_inplace_rshift, F(right_in)},
    {Py_nb_bool, F(truth)},
    {Py_nb_float, F(to_python_float)},
    {Py_nb_int, F(to_python_int)},
    {Py_nb_index, F(to_index)},
    {0, nullptr},
};
#undef F
PyType_Spec spec = {"pullback.Tensor", sizeof(TensorObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

void init_tensor_type(PyObject* module) {
    tensor_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    if (PyModule_AddObjectRef(module, "Tensor", reinterpret_cast<PyObject*>(tensor_type)) < 0)
        throw PythonError();
}

void bind_slot_rows() {
    row_floor_divide = find_row("floor_divide");
    row_remainder = find_row("remainder");
    row_abs = find_row("abs");
    row_and = find_row("bitwise_and");
    row_or = find_row("bitwise_or");
    row_xor = find_row("bitwise_xor");
    row_not = find_row("bitwise_not");
    row_left = find_row("left_shift");
    row_right = find_row("right_shift");
    row_reciprocal = find_row("reciprocal");
}

}  // namespace pb
