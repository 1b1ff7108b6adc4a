// Reductions.
#include "ops/operators.h"

#include <algorithm>

namespace pb::ops {

namespace {

// Which dimensions a list names; an empty list names all.
Dims reduced_dims(const Tensor& x, const Dims& dims) {
    Dims out;
    if (dims.empty()) {
        for (int64_t d = 0; d < x.ndim(); ++d) out.push_back(d);
        return out;
    }
    for (int64_t d : dims) {
        d = wrap_dim(d, x.ndim());
        if (std::find(out.begin(), out.end(), d) != out.end())
            fail("dim %lld appears multiple times in the list of dims", static_cast<long long>(d));
        if (x.ndim()) out.push_back(d);
    }
    std::sort(out.begin(), out.end());
    return out;
}

Dims reduced_shape(const Layout& l, const Dims& dims, bool keepdim) {
    Dims shape;
    for (int64_t d = 0; d < l.ndim(); ++d) {
        bool gone = std::find(dims.begin(), dims.end(), d) != dims.end();
        if (!gone)
            shape.push_back(l.size(d));
        else if (keepdim)
            shape.push_back(1);
    }
    return shape;
}

// The reduced dimensions last, as a matrix of `rows` by `length`.
Array as_rows(const Array& a, const Dims& dims, int64_t* rows, int64_t* length) {
    Dims shape, strides, tail_shape, tail_strides;
    *rows = *length = 1;
    for (int64_t d = 0; d < a.ndim(); ++d) {
        bool gone = std::find(dims.begin(), dims.end(), d) != dims.end();
        (gone ? tail_shape : shape).push_back(a.size(d));
        (gone ? tail_strides : strides).push_back(a.stride(d));
        *(gone ? length : rows) *= a.size(d);
    }
    for (size_t i = 0; i < tail_shape.size(); ++i) {
        shape.push_back(tail_shape[i]);
        strides.push_back(tail_strides[i]);
    }
    return contiguous_array(a.view(Layout::strided(shape, strides), a.offset));
}

template <class T>
T pairwise(const T* p, int64_t n) {
    if (n <= 64) {
        T s = 0;
        for (int64_t i = 0; i < n; ++i) s += p[i];
        return s;
    }
    int64_t half = n / 2 / 32 * 32;
    return pairwise(p, half) + pairwise(p + half, n - half);
}

template <class T>
void sum_rows(const Array& a, int64_t rows, int64_t length, Array& out) {
    const T* p = a.as<T>();
    T* o = out.as<T>();
    for (int64_t r = 0; r < rows; ++r) o[r] = pairwise(p + r * length, length);
}

Array sum_array(Array a, const Dims& dims, bool keepdim) {
    int64_t rows, length;
    Dims shape = reduced_shape(*a.layout, dims, keepdim);
    if (!is_differentiable(a.dtype) && a.dtype != DType::Int64) {
        Array wide = Array::empty(DType::Int64, a.layout->dims());
        copy_array(a, wide);
        a = wide;
    }
    Array m = as_rows(a, dims, &rows, &length);
    Array out = Array::empty(a.dtype, shape);
    if (a.dtype == DType::Float32)
        sum_rows<float>(m, rows, length, out);
    else if (a.dtype == DType::Float64)
        sum_rows<double>(m, rows, length, out);
    else
        sum_rows<int64_t>(m, rows, length, out);
    return out;
}

// A reduced value seen against the input again.
Tensor expand_back(const Tensor& g, const Layout& input, const Dims& dims, bool keepdim) {
    Tensor t = g;
    if (!keepdim)
        for (int64_t d : dims) t = unsqueeze(t, d);
    return expand(t, input.dims());
}

struct Sum {
    Dims dims;
    bool keepdim, all;
    const char* node_name() const { return all ? "SumBackward0" : "SumBackward1"; }
    Tensor forward(const Tensors& x) { return Tensor::make(sum_array(x[0].array(), dims, keepdim)); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = expand_back(g[0], c.input_layout(0), dims, keepdim);
    }
    Tensors pushforward(Context&, const Tensors& t) { return {apply(*this, {t[0]})}; }
};

}  // namespace

Tensor sum(const Tensor& x, const Dims& dims, bool keepdim) {
    return apply(Sum{reduced_dims(x, dims), keepdim, dims.empty() && !keepdim}, {x});
}

bool can_sum_to(const Layout& from, const Layout& to) {
    if (to.ndim() > from.ndim()) return false;
    int64_t lead = from.ndim() - to.ndim();
    for (int64_t d = 0; d < to.ndim(); ++d)
        if (to.size(d) != from.size(d + lead) && to.size(d) != 1) return false;
    return true;
}

Tensor sum_to(const Tensor& x, const Layout& shape) {
    if (x.layout().same_shape(shape)) return x;
    int64_t lead = x.ndim() - shape.ndim();
    Dims dims;
    for (int64_t d = 0; d < x.ndim(); ++d)
        if (d < lead || (shape.size(d - lead) == 1 && x.size(d) != 1)) dims.push_back(d);
    if (shape.ndim() == 0) return sum(x, Dims{}, false);
    Tensor s = dims.empty() ? x : sum(x, dims, true);
    return reshape(s, shape.dims());
}

}  // namespace pb::ops
