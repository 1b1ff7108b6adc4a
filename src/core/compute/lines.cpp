#include "compute/lines.h"

#include "array/visit.h"
#include "program/program.h"

namespace pb {

Array converted(const Array& a, DType dtype) {
    if (a.dtype == dtype) return a;
    Array out = Array::empty(dtype, a.layout->is_dense() ? a.layout : Layout::contiguous(a.layout->dims()));
    copy_array(a, out);
    return out;
}

Array flattened(const Array& given, int64_t rank) {
    Array a = contiguous_array(given);
    const int64_t *sizes = a.layout->shape(), *inner = sizes + a.ndim() - rank;
    Dims shape(sizes, inner);
    shape.push_back(checked_product(inner, sizes + a.ndim()));
    return a.view(Layout::contiguous(shape), a.offset);
}

namespace {
Array moved_last(const Array& a, int64_t dim) {
    if (!dim) return a;
    const int64_t at = a.ndim() + dim;
    Dims shape, strides;
    for (int64_t d = 0; d < a.ndim(); ++d) {
        if (d == at) continue;
        shape.push_back(a.size(d));
        strides.push_back(a.stride(d));
    }
    shape.push_back(a.size(at));
    strides.push_back(a.stride(at));
    return a.view(Layout::strided(shape, strides), a.offset);
}
}  // namespace

Array lines_along(const Array& a, int64_t dim) {
    if (a.is_contiguous() && dim >= -1) return a;
    return contiguous_array(moved_last(a, dim));
}

Array from_lines(const Array& lines, const Layout& like, int64_t dim) {
    Dims shape = like.dims();
    if (dim >= -1) return lines.view(Layout::contiguous(shape), lines.offset);
    Array out = Array::empty(lines.dtype, shape);
    copy_array(lines, moved_last(out, dim));
    return out;
}

Array pick_array(const Array& given, int64_t dim, const Array& index) {
    Array x = contiguous_array(given), out = Array::empty(x.dtype, index.layout->dims());
    const Split s(*x.layout, dim);
    const int64_t m = line_length(*index.layout, dim);
    const auto* at = index.as<int64_t>();
    with_item(x.dtype, [&](auto item) {
        using T = decltype(item);
        const T* from = x.as<T>();
        T* to = out.as<T>();
        for (int64_t o = 0; o < s.outer; ++o, from += s.n * s.inner)
            for (int64_t k = 0; k < m; ++k)
                for (int64_t i = 0; i < s.inner; ++i) *to++ = from[*at++ * s.inner + i];
    });
    return out;
}

}  // namespace pb
