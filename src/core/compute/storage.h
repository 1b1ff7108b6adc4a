// Geometries over memory: arrays with gaps, with elements that are reached several times, and sums into parts of others.
#pragma once
#include "array/array.h"

namespace pb::compute {

// Memory for a layout, gaps included, which are zero; contiguous where the layout overlaps itself.
Array empty_strided(DType dtype, const Ref<Layout>& layout);
Array relaid(const Array& a, const Ref<Layout>& layout);  // the same elements in another, dense layout
// from is written into `to`, which may lie in the same memory.
void copy_apart(const Array& from, const Array& to);

// to += from, of one floating point dtype and shape; an element that `to` has twice gets both.
void add_array(const Array& from, const Array& to);

// How often each element of a layout is reached by it, as numbers in row-major order.
Array multiplicity(DType dtype, const Layout& layout);
// What `to` finds, `offset` elements on, in a run of memory where `a`, laid out as `from`, has been added to zeros.
Array through_storage(const Array& a, const Ref<Layout>& from, const Ref<Layout>& to, int64_t offset);

}  // namespace pb::compute
