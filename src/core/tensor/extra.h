// The rare part of a tensor: what it is a view of, its hooks, its tangents.
#pragma once
#include <memory>
#include <optional>

#include "tensor/tensor.h"

namespace pb {

// How a view came to be decides what in-place writing may do to it.
enum class ViewOrigin : uint8_t {
    Default,      // an ordinary view
    NoGrad,       // made under no_grad: writing in place through it with grad is an error
    MultiOutput,  // one of several outputs (unbind, split, chunk): likewise
    Custom,       // made by a user's Function
    Argument,     // what a transform differentiates by (tape/variables.h): nobody may write through it
};

// Views are made as often as results: what they carry comes from the pool.
#define PB_POOLED                                                         \
    static void* operator new(size_t bytes) { return pool_alloc(bytes); } \
    static void operator delete(void* p, size_t bytes) { pool_free(p, bytes); }

struct ViewInfo {
    PB_POOLED
    Tensor base;
    uint32_t version;  // of the cell when grad_fn was last right
    ViewOrigin origin;
    // Where tangents are the truth, if not at the base: the tensor that make_dual gave, itself a view of the primal.
    Tensor dual = {};
    bool is_dual_root = false;  // this is such a tensor
};
struct Tangent {
    uint64_t level;  // or, at a level of series, the key of a coefficient (tape/tangents.h)
    Tensor value;
};

struct TensorExtra {
    PB_POOLED
    std::unique_ptr<ViewInfo> view;
    PyObject* hooks = nullptr;       // dict of gradient hooks
    PyObject* post_hooks = nullptr;  // dict of post-accumulate hooks, leaves only
    Small<Tangent, 1> tangents;      // sorted by level
    uint32_t tangents_at = 0;        // of a view: the cell's version when they were last right
    PyObject* name = nullptr;
    std::optional<DType> grad_dtype;  // of the gradient, where it is not that of the tensor
    bool any_grad_dtype = false;
    ~TensorExtra() {
        Py_XDECREF(hooks);
        Py_XDECREF(post_hooks);
        Py_XDECREF(name);
    }
};

TensorExtra& extra(const Tensor& t);  // made on demand
// Whose tangents those of `t` are a part of: `t` itself, unless it is a view.
const Tensor& tangent_root(const Tensor& t);

}  // namespace pb
