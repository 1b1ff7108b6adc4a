// The order of dimensions in memory that results get, which is that of PyTorch's iterator.
//
// Dimensions are sorted by stride, innermost first. The first operand decides that tells two dimensions apart; a stride
// of 0 (broadcast, or expanded) says nothing, and of equal strides the smaller dimension lies inside. Where nobody
// says, the later dimension lies inside. That is no total order: an insertion sort, which passes over pairs that nobody
// tells apart, is part of the definition.
#pragma once
#include "array/layout.h"

namespace pb {

// How a result lies: as the iterator has it, as the iterator has it for operands that lie so, gapless in the order of
// its first operand, or row-major.
enum class Lies : uint8_t { Iterated, Again, LikeInput, RowMajor };

// The dimensions of `shape` from the innermost out; `strides` are those of each operand over `shape`.
Dims memory_order(const Dims& shape, const Dims* strides, size_t operands);

// A new result's layout: gapless in that order.
Ref<Layout> ordered_layout(const Dims& shape, const Dims* strides, size_t operands);

// The strides of `l` over `shape`: 0 where it is broadcast. Where the result's size is 1 too, its own.
Dims iterated_strides(const Layout& l, const Dims& shape);

// Pictures (N, C, H, W) and volumes may lie "channels last", with C innermost: what a few functions keep.
bool is_channels_last(const Layout& l, size_t ndim = 4);  // so many dimensions that lie so without gaps
Ref<Layout> channels_last_layout(const Dims& shape);      // of four or five
// Row-major, or channels last where the strides of all of `like` suggest it.
Ref<Layout> suggested_layout(const Dims& shape, const Small<Ref<Layout>, 4>& like);

// The orders that programs name; `Preserve` is the one that a tensor has.
enum class Format : uint8_t { Preserve, Contiguous, ChannelsLast, ChannelsLast3d };
Format suggested_format(const Layout& l);
// The shape of `like` in that order, without gaps; raises for another number of dimensions.
Ref<Layout> formatted_layout(const Layout& like, Format format);

}  // namespace pb
