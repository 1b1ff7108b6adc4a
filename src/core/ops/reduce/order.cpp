// Orders: sort, topk, kthvalue, median, mode.
//
// Each finds indices first, from values alone; the result is then the elements picked there, and its derivative
// puts the cotangent back.
#include <cmath>

#include "compute/lines.h"
#include "compute/sort.h"
#include "compute/storage.h"
#include "ops/reduce/reduction.h"
#include "program/program.h"

namespace pb::ops {

namespace {

// What is chosen of each line.
struct Sorted {
    bool descending;
    Array indices(const Array& a, int64_t dim) const { return sorted_indices(a, dim, descending); }
};
struct Top {
    int64_t k;
    bool largest;
    Array indices(const Array& a, int64_t dim) const { return top_indices(a, dim, k, largest); }
};
struct Ranked {
    int64_t k;
    Array indices(const Array& a, int64_t dim) const { return ranked_indices(a, dim, k); }
};
struct Median {
    bool ignore_nan;
    Array indices(const Array& a, int64_t dim) const { return median_indices(a, dim, ignore_nan); }
};
struct Mode {
    Array indices(const Array& a, int64_t dim) const { return mode_indices(a, dim); }
};

// Sorted elements lie as the input does.
Tensor lying_as(const Array& a, const Layout& input) {
    return Tensor::make(input.is_standard() ? a : compute::relaid(a, input.packed()));
}

// The elements that are chosen, and their indices.
template <class Choice> struct Chosen {
    static constexpr bool saves_output = true, leads = true;
    static constexpr uint8_t saved_output = 1;
    const char* node;
    Choice choice;
    int64_t dim;
    bool squeezed;  // one index along dim, and the dimension is gone from the result
    const char* node_name() const { return node; }
    Tensors forward(const Tensors& x) {
        const Array a = x[0].array(), index = choice.indices(a, dim), values = pick_array(a, dim, index);
        if constexpr (std::same_as<Choice, Sorted>)
            return {lying_as(values, *a.layout), lying_as(index, *a.layout)};
        if (!squeezed) return {Tensor::make(values), Tensor::make(index)};
        Ref<Layout> l = Layout::contiguous(reduced_shape(*index.layout, Dims{dim}, false));
        return {Tensor::make(values.view(l, 0)), Tensor::make(index.view(l, 0))};
    }
    Tensor wide(const Tensor& t) const { return squeezed ? unsqueeze(t, dim) : t; }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = place_along(wide(g[0]), dim, wide(c.output(1)), c.input_shape(0));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Tensor values = pick_along(t[0], dim, wide(c.output(1)));
        return {squeezed ? squeeze(values, Dims{dim}) : values, Tensor()};
    }
};
template <class Choice>
Tensors choose(const char* node, Choice choice, const Tensor& x, int64_t dim, bool squeezed) {
    return apply_all(Chosen<Choice>{node, choice, dim, squeezed && dim}, {x});
}

// The indices alone, without a derivative.
struct SortedIndices {
    static constexpr bool leads = true;
    bool descending;
    int64_t dim;
    Tensor forward(const Tensors& x) {
        const Array a = x[0].array();
        return lying_as(sorted_indices(a, dim, descending), *a.layout);
    }
};

// Of all elements; ties share the gradient.
struct MedianOfAll {
    static constexpr uint32_t saves = 1;
    static constexpr bool saves_output = true, leads = true;
    bool ignore_nan;
    Dims dims;  // all
    const char* node_name() const { return ignore_nan ? "NanmedianBackward0" : "MedianBackward0"; }
    Tensor forward(const Tensors& x) {
        const Array a = flattened(x[0].array(), static_cast<int64_t>(dims.size()));
        Array value = Array::empty(a.dtype, reduced_shape(*a.layout, Dims{-1}, false));
        if (a.numel()) value = pick_array(a, -1, median_indices(a, -1, ignore_nan)).view(value.layout, 0);
        else fill_array(value, is_float(a.dtype) ? Scalar(std::nan("")) : Scalar(INT64_MIN));
        return Tensor::make(value);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = shared_pull(g[0], c.input(0), c.output(), dims, false);
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        return {shared_push(t[0], c.input(0), c.output(), dims, false)};
    }
};

void check_length(const Tensor& x, int64_t dim, const char* name) {
    if (dim && x.size(x.ndim() + dim) == 0)
        fail_as(ErrorKind::Index, "{}(): Expected reduction dim {} to have non-zero size.", name,
                x.ndim() + dim);
}
void check_not_bool(const Tensor& x, const char* kernel) {
    if (x.dtype() == DType::Bool) fail_unsupported(kernel, x.dtype());
}

}  // namespace

Tensors sort(const Tensor& x, int64_t dim, bool descending, bool stable) {
    return choose(stable ? "SortBackward1" : "SortBackward0", Sorted{descending}, x, from_end(dim, x.ndim()),
                  false);
}

Tensor argsort(const Tensor& x, int64_t dim, bool descending) {
    return apply(SortedIndices{descending, from_end(dim, x.ndim())}, {x});
}

Tensors topk(const Tensor& x, int64_t k, int64_t dim, bool largest) {
    dim = from_end(dim, x.ndim());
    if (x.dtype() == DType::Bool)
        fail("topk does not support bool dtypes on CPU. Convert it first: x.int().");
    int64_t n = line_length(x.layout(), dim);
    if (k < 0 || k > n)
        fail("selected index k out of range. k is {}, and dimension {} has {} elements.", k, x.ndim() + dim,
             n);
    if (!dim && k == 0) k = 1;
    return choose("TopkBackward0", Top{k, largest}, x, dim, false);
}

Tensors kthvalue(const Tensor& x, int64_t k, int64_t dim, bool keepdim) {
    dim = from_end(dim, x.ndim());
    check_length(x, dim, "kthvalue");
    check_not_bool(x, "kthvalue_cpu");
    int64_t n = line_length(x.layout(), dim);
    if (k < 1 || k > n)
        fail(
            "kthvalue(): selected number k out of range for dimension {}. k is {}, counted from 1, of {} "
            "elements.",
            x.ndim() + dim, k, n);
    return choose("KthvalueBackward0", Ranked{k - 1}, x, dim, !keepdim);
}

Tensor median(const Tensor& x, bool ignore_nan) {
    check_not_bool(x, "median_cpu");
    return apply(MedianOfAll{ignore_nan, reduced_dims(x, {})}, {x});
}

Tensors median_along(const Tensor& x, int64_t dim, bool keepdim, bool ignore_nan) {
    dim = from_end(dim, x.ndim());
    check_not_bool(x, "median_out");
    check_length(x, dim, ignore_nan ? "nanmedian" : "median");
    return choose(ignore_nan ? "NanmedianBackward1" : "MedianBackward1", Median{ignore_nan}, x, dim,
                  !keepdim);
}

Tensors mode(const Tensor& x, int64_t dim, bool keepdim) {
    dim = from_end(dim, x.ndim());
    check_length(x, dim, "mode");
    return choose("ModeBackward0", Mode{}, x, dim, !keepdim);
}

}  // namespace pb::ops
