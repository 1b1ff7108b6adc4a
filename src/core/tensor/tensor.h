// Tensor: what users hold. The Python object itself is the tensor: a cell, a geometry over it, and its autograd
// state. `Tensor` is a counted handle to that object, and the C++ half of the library passes these handles.
//
// Autograd state: a leaf that requires grad has `requires_grad` set and, once something is recorded from it, an
// AccumulateGrad node; a result has `grad_fn` and its number among the node's outputs. A differentiable
// view also knows its base; when somebody writes in place through the base or another view, its
// `grad_fn` is made anew on the next look (tape/history.cpp).
//
// Everything rare (hooks, view information, tangents) is behind one pointer, and the byte `exceptional` says
// whether an operator has to leave the fast path.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "array/array.h"
#include "array/error.h"
#include "tensor/cell.h"
#include "tensor/modes.h"

namespace pb {

class Node;
struct TensorExtra;

enum TensorFlag : uint8_t {
    kRequiresGrad = 1,    // a leaf that asked for gradients
    kRetainsGrad = 2,     // a result that keeps its gradient
    kIsView = 4,          // extra->view is set
    kInference = 8,       // born in inference mode
    kWrappedNumber = 16,  // made from a Python number: does not take part in promotion within its category
    kClosed = 32          // a leaf whose gradient nobody will ask for any more (tape/variables.h)
};

enum Exceptional : uint8_t {
    kDual = 1,      // carries tangents
    kSubclass = 2,  // not exactly Tensor or Parameter
    kMapped = 4,    // has axes that a vmap hides (tensor/mapped.h): its layout is mapped
};

struct TensorObject {
    PyObject_HEAD Cell* cell;
    Layout* layout;
    int64_t offset;
    DType dtype;
    uint8_t flags;
    uint8_t exceptional;
    uint32_t output_nr;
    Node* grad_fn;
    Node* accumulator;  // holds the tensor, unless it lies idle
    PyObject* grad;
    TensorExtra* extra;
    PyObject* dict;
    PyObject* weakrefs;
};

extern PyTypeObject* tensor_type;     // Tensor
extern PyTypeObject* parameter_type;  // Parameter, or null
// How many numbers the thread has taken out of tensors: see Tensor::number.
extern constinit thread_local uint64_t numbers_taken __attribute__((tls_model("initial-exec")));

// A view that does not carry its tangents yet: its base got them by a write in place.
bool is_stale_dual(const TensorObject* view);
// Whoever asks a mapped tensor for its elements sees those of one entry only.
[[noreturn, gnu::cold]] void fail_mapped(const TensorObject* t);

class Tensor {
  public:
    Tensor() = default;
    Tensor(std::nullptr_t) {}
    explicit Tensor(TensorObject* o) : o_(o) { Py_XINCREF(reinterpret_cast<PyObject*>(o)); }
    explicit Tensor(PyObject* o) : Tensor(reinterpret_cast<TensorObject*>(o)) {}
    Tensor(const Tensor& t) : o_(t.o_) { Py_XINCREF(reinterpret_cast<PyObject*>(o_)); }
    Tensor(Tensor&& t) noexcept : o_(t.o_) { t.o_ = nullptr; }
    Tensor& operator=(Tensor t) noexcept {
        std::swap(o_, t.o_);
        return *this;
    }
    ~Tensor() { Py_XDECREF(reinterpret_cast<PyObject*>(o_)); }
    static Tensor steal(TensorObject* o) {
        Tensor t;
        t.o_ = o;
        return t;
    }

    // A fresh tensor over an array, with a cell of its own.
    static Tensor make(const Array& a);
    static Tensor make(DType dtype, Ref<Layout> layout);  // uninitialised
    static Tensor fresh(DType dtype, Ref<Layout> layout);
    // Another geometry over the same cell, without autograd state.
    Tensor alias(Ref<Layout> layout, int64_t offset) const;
    Tensor alias() const { return alias(Ref<Layout>(o_->layout), o_->offset); }

    bool defined() const { return o_ != nullptr; }
    explicit operator bool() const { return o_ != nullptr; }
    TensorObject* get() const { return o_; }
    TensorObject* operator->() const { return o_; }
    PyObject* py() const { return reinterpret_cast<PyObject*>(o_); }
    PyObject* release() { return reinterpret_cast<PyObject*>(std::exchange(o_, nullptr)); }
    bool is(const Tensor& t) const { return o_ == t.o_; }

    const Layout& layout() const { return *o_->layout; }
    Ref<Layout> layout_ref() const { return Ref<Layout>(o_->layout); }
    DType dtype() const { return o_->dtype; }
    int64_t numel() const { return o_->layout->numel(); }
    int64_t ndim() const { return o_->layout->ndim(); }
    int64_t size(int64_t d) const { return o_->layout->size(d); }
    Dims shape() const { return o_->layout->dims(); }
    Dims strides() const { return o_->layout->stride_dims(); }
    bool is_contiguous() const { return o_->layout->is_contiguous(); }
    uint32_t version() const { return o_->cell->version; }
    bool is_dual() const { return o_->exceptional & kDual || (o_->flags & kIsView && is_stale_dual(o_)); }

    bool is_mapped() const { return o_->exceptional & kMapped; }

    // Elements are reached through three doors, which are closed for mapped tensors: `reveal` sees theirs.
    // The value, with its bytes; every structured operator looks through here.
    Array array() const {
        if (__builtin_expect(is_mapped(), 0)) fail_mapped(o_);
        o_->cell->buffer->data();
        return value();
    }
    // The value, which may be pending: for what can become a part of a program.
    Array value() const {
        if (__builtin_expect(is_mapped(), 0)) fail_mapped(o_);
        return all_value();
    }
    // No door: the layout may have axes, and who asks sees to them.
    Array all_value() const {
        Array a;
        a.buffer = o_->cell->buffer;
        a.layout = Ref<Layout>(o_->layout);
        a.offset = o_->offset;
        a.dtype = o_->dtype;
        return a;
    }
    char* data() const {
        if (__builtin_expect(is_mapped(), 0)) fail_mapped(o_);
        return o_->cell->buffer->data() + o_->offset * static_cast<int64_t>(item_size(o_->dtype));
    }

    // The first element, for whoever goes on with it as a number.
    Scalar number() const;

    bool requires_grad() const {
        return o_->grad_fn || (o_->flags & kRequiresGrad) || (o_->flags & kIsView && view_requires_grad());
    }
    bool is_leaf() const { return !requires_grad() || !o_->grad_fn; }

  private:
    bool view_requires_grad() const;
    TensorObject* o_ = nullptr;
};

template <> inline constexpr bool moves_as_bytes<Tensor> = true;
using Tensors = Small<Tensor, 4>;

// As a parameter: a tensor, or none, which is undefined.
struct MaybeTensor : Tensor {
    MaybeTensor() = default;
    MaybeTensor(Tensor t) : Tensor(std::move(t)) {}
};

// Nobody else sees its elements; tangents are left out.
inline bool is_sole(const Tensor& t) {
    return Py_REFCNT(t.py()) == 1 && t->cell->is_unique() && t->cell->buffer->holders() == 1 && !t->grad_fn &&
           !t->cell->buffer->is_shared() && (t.is_contiguous() || !t.layout().overlaps_itself());
}
inline bool is_owned(const Tensor& t) { return is_sole(t) && !t.is_dual() && !t.is_mapped(); }

inline bool is_exact_tensor(PyObject* o) {
    return Py_TYPE(o) == tensor_type || (parameter_type && Py_TYPE(o) == parameter_type);
}
inline bool is_tensor(PyObject* o) { return is_exact_tensor(o) || PyType_IsSubtype(Py_TYPE(o), tensor_type); }
inline TensorObject* as_tensor(PyObject* o) { return reinterpret_cast<TensorObject*>(o); }

// The memory of Python objects. The caller of the first sets the fields; the second wants them given back.
TensorObject* new_tensor_object();
// Uninitialised, of a layout that hides no axes.
[[gnu::always_inline]] inline Tensor Tensor::fresh(DType dtype, Ref<Layout> layout) {
    Ref<Cell> cell = Cell::make(Buffer::allocate(static_cast<size_t>(layout->numel()) * item_size(dtype)));
    TensorObject* o = new_tensor_object();
    o->cell = cell.detach();
    o->layout = layout.detach();
    o->dtype = dtype;
    if (modes.inference) o->flags |= kInference;
    return steal(o);
}
// Freed tensors of the exact type, kept for the next operation.
constexpr size_t kKept = 2048;
extern TensorObject* kept_objects[kKept];
extern size_t kept_count;
inline void free_tensor_object(TensorObject* o) {
    PyTypeObject* type = Py_TYPE(o);
    if (type == tensor_type && kept_count < kKept) kept_objects[kept_count++] = o;
    else type->tp_free(o);
}

}  // namespace pb
