// Joining tensors: along a dimension they have (cat), or along a new one (stack).
#include <algorithm>

#include "array/order.h"
#include "compute/join.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

using Int = long long;

// A node counts its edges in 16 bits: longer lists are joined in two steps.
constexpr size_t kMost = 60000;

DType common_dtype(const Tensors& parts) {
    DType d = parts[0].dtype();
    for (const Tensor& x : parts)
        if (x.dtype() != d) d = promote(d, x.dtype());
    if (!is_supported(d))
        fail_as(ErrorKind::NotImplemented, "\"cat_cpu\" not implemented for '{}'", dtype_legacy_name(d));
    return d;
}

struct Cat {
    static constexpr bool noted = true;
    static constexpr bool moves = true;
    static constexpr const char* name = "CatBackward0";
    static constexpr bool linear = true, leads = true;
    int64_t dim;   // from the end
    int64_t rank;  // of the result
    DType dtype;
    // A legacy empty has a dimension of its own, behind those that lead.
    bool is_nothing(const Layout& l, int64_t lead) const { return compute::is_legacy_empty(l, lead + 1); }
    Tensor forward(const Tensors& parts) {
        int64_t most = 0;
        for (const Tensor& x : parts) most = std::max(most, x.ndim());
        const int64_t lead = most - rank, along = most + dim;
        Dims shape;
        int64_t total = 0;
        for (const Tensor& x : parts) {
            if (is_nothing(x.layout(), lead)) continue;
            if (shape.empty()) shape = x.shape();
            total = checked_add(total, x.size(along));
        }
        if (shape.empty()) shape = parts[0].shape();
        shape[static_cast<size_t>(along)] = total;
        Small<Ref<Layout>, 4> layouts;
        if (shape.size() > 3)
            for (const Tensor& x : parts) layouts.push_back(x.layout_ref());
        compute::Joined all(dtype, suggested_layout(shape, layouts), along);
        for (const Tensor& x : parts)
            if (!is_nothing(x.layout(), lead)) all.add(x.array());
        return Tensor::make(all.out);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        int64_t at = 0;
        for (size_t i = 0; i < c.inputs(); ++i) {
            const Layout& l = c.input_layout(i);
            bool nothing = is_nothing(l, 0);
            int64_t n = nothing ? 0 : l.size(rank + dim);
            if (c.wants(i)) out[i] = nothing ? zeros(dtype, Dims{0}) : slice(g[0], dim, at, at + n, 1);
            at += n;
        }
    }
};

struct Stack {
    static constexpr bool noted = true;
    static constexpr bool moves = true;
    static constexpr const char* name = "StackBackward0";
    static constexpr bool linear = true, leads = true;
    int64_t dim;  // from the end of the result
    DType dtype;
    // Contiguous parts are written side by side; others are joined as tensors with one more dimension.
    static Ref<Layout> layout_of(const Tensors& parts, int64_t dim) {
        Dims shape = parts[0].shape();
        shape.insert(static_cast<size_t>(dim), static_cast<int64_t>(parts.size()));
        bool contiguous = shape.size() < 4 || dim < parts[0].ndim();
        for (const Tensor& x : parts) contiguous = contiguous && (shape.size() < 4 || x.is_contiguous());
        if (contiguous) return Layout::contiguous(shape);
        Dims one = shape;
        one[static_cast<size_t>(dim)] = 1;
        Small<Ref<Layout>, 4> layouts;
        for (const Tensor& x : parts) {
            Dims strides = x.strides();
            bool inside = dim < x.ndim();
            int64_t n = inside ? x.size(dim) : 1, stride = inside ? x.layout().stride(dim) : 1, before;
            if (mul_overflows(n, stride, &before)) before = 0;
            strides.insert(static_cast<size_t>(dim), before);
            layouts.push_back(Layout::strided(one, strides));
        }
        return suggested_layout(shape, layouts);
    }
    Tensor forward(const Tensors& parts) {
        const int64_t along = parts[0].ndim() + 1 + dim;
        compute::Joined all(dtype, layout_of(parts, along), along);
        for (const Tensor& x : parts) all.insert(x.array());
        return Tensor::make(all.out);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        for (size_t i = 0; i < c.inputs(); ++i)
            if (c.wants(i)) out[i] = select(g[0], dim, static_cast<int64_t>(i));
    }
};

// Joins groups of at most kMost, then the results.
template <class F> Tensor in_groups(const Tensors& parts, F join, int64_t dim) {
    Tensors groups;
    for (size_t i = 0; i < parts.size(); i += kMost)
        groups.push_back(
            join(Tensors(parts.begin() + i, parts.begin() + std::min(i + kMost, parts.size())), dim));
    return cat(groups, dim);
}

}  // namespace

Tensor cat(const Tensors& parts, int64_t dim) {
    if (parts.empty()) fail_as(ErrorKind::Value, "torch.cat(): expected a non-empty list of Tensors");
    const Tensor* model = nullptr;
    for (size_t i = 0; i < parts.size(); ++i) {
        if (parts[i].ndim() == 0)
            fail(
                "zero-dimensional tensor (at position {}) cannot be concatenated. Use stack, which joins "
                "along a new dimension.",
                i);
        if (!model && !compute::is_legacy_empty(parts[i].layout())) model = &parts[i];
    }
    if (!model) model = &parts[0];
    dim = wrap_dim(dim, model->ndim());
    int64_t total = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
        const Layout& l = parts[i].layout();
        if (compute::is_legacy_empty(l)) continue;
        if (l.ndim() != model->ndim())
            fail("Tensors must have same number of dimensions: got {} and {}", Int(model->ndim()),
                 Int(l.ndim()));
        for (int64_t d = 0; d < l.ndim(); ++d)
            if (d != dim && l.size(d) != model->size(d))
                fail(
                    "Sizes of tensors must match except in dimension {}. Expected size {} but got size {} "
                    "for tensor number {} in the list.",
                    Int(dim), Int(model->size(d)), Int(l.size(d)), i);
        total = checked_add(total, l.size(dim));
    }
    if (parts.size() > kMost) return in_groups(parts, cat, dim);
    return apply(Cat{dim - model->ndim(), model->ndim(), common_dtype(parts)}, parts);
}

Tensor stack(const Tensors& parts, int64_t dim) {
    if (parts.empty()) fail("stack expects a non-empty TensorList");
    dim = wrap_dim(dim, parts[0].ndim() + 1);
    for (size_t i = 1; i < parts.size(); ++i)
        if (!parts[i].layout().same_shape(parts[0].layout()))
            fail("stack expects each tensor to be equal size, but got {} at entry 0 and {} at entry {}",
                 shape_text(parts[0].layout()), shape_text(parts[i].layout()), i);
    if (parts.size() > kMost) return in_groups(parts, stack, dim);
    return apply(Stack{dim - parts[0].ndim() - 1, common_dtype(parts)}, parts);
}

}  // namespace pb::ops
