// The attributes of tensors: shape and dtype, and what is autograd state. Their documentation, and what else reads like an
// attribute, are the package's (attributes.py).
#include "ops/operators.h"
#include "python/bind/overriding.h"
#include "python/bind/watch.h"
#include "python/read/from_data.h"
#include "python/types/node_object.h"
#include "python/types/tensor_parts.h"
#include "tape/hooks.h"

namespace pb {

namespace {

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
        check_open(Tensor(self));
        Tensor t = Tensor(self).alias();
        Cell* shared = std::exchange(t->cell, Cell::make(o->cell->buffer).detach());
        t->cell->born = shared->born;
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
        if (o->cell->born < modes.scope)
            fail(
                "mutating directly with `.data` {} transform is not allowed. The tensor was made outside of "
                "the function: "
                "give it another value there, or compute with a new tensor.",
                modes.scope == modes.map_level ? "under vmap" : "inside functorch");
        if (o->dtype != v->dtype && (o->grad_fn || o->flags & kRequiresGrad) && !is_differentiable(v->dtype))
            fail("data set to a tensor that requires gradients must be floating point or complex dtype");
        // The new value comes in a cell of its own, so that what was saved from the old one keeps it.
        Ref<Cell> cell = Cell::make(v->cell->buffer);
        cell->version = o->cell->version;
        cell->born = o->cell->born;
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

}  // namespace

PyGetSetDef tensor_attributes[] = {
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

}  // namespace pb
