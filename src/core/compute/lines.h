// Lines: an array seen along one of its dimensions.
//
// Everywhere in this folder dimensions are counted from the end, -1 being the last, so that further ones in front of an
// array's change nothing: each entry is computed as it would be alone. 0 stands for none: each element is a line.
#pragma once
#include "array/array.h"
#include "array/checked.h"

namespace pb {

// A contiguous array as (outer, n, inner) around a dimension.
struct Split {
    int64_t outer, n = 1, inner = 1;
    Split(const Layout& l, int64_t dim) {
        const int64_t *sizes = l.shape(), *at = sizes + l.ndim() + dim, *end = sizes + l.ndim();
        outer = checked_product(sizes, at);
        if (!dim) return;
        n = *at;
        inner = checked_product(at + 1, end);
    }
};

inline int64_t line_length(const Layout& l, int64_t dim) { return dim ? l.size(l.ndim() + dim) : 1; }
// The shape with another length of the lines.
inline Dims with_length(const Layout& l, int64_t dim, int64_t length) {
    Dims shape = l.dims();
    if (dim) shape[shape.size() - static_cast<size_t>(-dim)] = length;
    return shape;
}

// `a` converted, or itself.
Array converted(const Array& a, DType dtype);
// The last `rank` dimensions as one, contiguous.
Array flattened(const Array& a, int64_t rank);
// `a` with dimension `dim` last, contiguous: a matrix whose rows are the lines. A copy unless it already lies so.
Array lines_along(const Array& a, int64_t dim);
// An array of the shape of `like` whose dimension `dim` was moved last, put back in place.
Array from_lines(const Array& lines, const Layout& like, int64_t dim);
// The elements at `index` of each line; the shape of the result is the index's. Indices are in range.
Array pick_array(const Array& x, int64_t dim, const Array& index);

}  // namespace pb
