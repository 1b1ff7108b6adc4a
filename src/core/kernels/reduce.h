// Reductions: many elements to one.
//
// Every reduction follows one tree over logical indices, so its bits depend on the operands and their number only:
// not on the instruction set, the stride, or the thread. Runs are cut into leaves of 1,024 elements. Within a leaf
// 256 bytes of lanes accumulate side by side and are folded in halves; leaves are combined pairwise, like a binary
// counter. A float32 sum of n terms thus adds at most 16 + 6 + log2(n / 1024) times along any path.
//
// A caller that splits long runs among threads cuts where a leaf begins whose number is a multiple of a fixed power of
// two: such a part is a subtree, and the results of parts are combined like those of leaves.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace pb {

enum class Reduction : uint8_t { sum, prod, max, min, argmax, argmin, any, all, count_nonzero, count };

constexpr int kReductions = static_cast<int>(Reduction::count);
constexpr int64_t kReductionLeaf = 1024;

// sum and prod of integers and bool are int64, any and all are bool, indices and counts are int64.
constexpr DType reduction_dtype(Reduction r, DType d) {
    switch (r) {
        case Reduction::sum:
        case Reduction::prod: return is_integral(d) || d == DType::Bool ? DType::Int64 : d;
        case Reduction::max:
        case Reduction::min: return d;
        case Reduction::any:
        case Reduction::all: return DType::Bool;
        default: return DType::Int64;
    }
}

// How many lanes a leaf of n elements has.
constexpr int64_t reduction_lanes(int64_t n, size_t item) {
    const int64_t wide = item >= 8 ? 32 : 64;
    return n >= wide ? wide : n >= 16 ? 8 : 1;
}
constexpr int64_t column_space(int64_t n, size_t item, int64_t width) {
    return 16 * reduction_lanes(n, item) * width + 1024;
}

// By [reduction][dtype of the elements]; a null entry means that it is not defined for the dtype.
struct Reductions {
    // A contiguous run of n >= 1 elements. NaN wins in max, min, argmax and argmin; the first index wins ties.
    void (*reduce[kReductions][kDTypes])(const void* in, int64_t n, void* out);
    // The same, with the same bits, for elements that are a number of bytes apart.
    void (*reduce_strided[kReductions][kDTypes])(const void* in, int64_t byte_stride, int64_t n, void* out);
    // `count` runs of n elements each that follow one another, n at most a leaf; for argmax and argmin, at most 64.
    void (*rows[kReductions][kDTypes])(const void* in, int64_t count, int64_t n, void* out);
    // A leaf of each of `width` columns: n elements, at most a leaf, in rows that are `pitch` bytes apart or, where
    // `offsets` is given, at those. `space` has column_space() bytes. No argmax and argmin.
    void (*columns[kReductions][kDTypes])(const void* in, int64_t pitch, const int64_t* offsets, int64_t n,
                                          int64_t width, void* space, void* out);
    // The same in pieces: n elements join as many lanes, from number `at` on, of the tile that `columns` has in its
    // `space`: reduction_lanes() rows of `width`. Rows join lane by lane, round and round; a lane's `first` element
    // needs nothing to be there. `fold` makes a leaf's results of the tile.
    void (*join[kReductions][kDTypes])(const void* in, int64_t n, void* space, int64_t at, bool first);
    void (*fold[kReductions][kDTypes])(void* space, int64_t lanes, int64_t width, void* out);
    // Combines a row of n elements into a row of n results, which starts as the identity. No argmax and argmin.
    void (*accumulate[kReductions][kDTypes])(const void* in, void* inout, int64_t n);
    // The result of no elements at all. No argmax and argmin.
    void (*identity[kReductions][kDTypes])(void* out);
    // argmax [0] and argmin [1] over leading axes: where a row's element beats the best so far, it becomes the best
    // and its row's index is noted. Index 0 always wins, so nothing needs to be initialised.
    void (*accumulate_index[2][kDTypes])(const void* in, int64_t index, void* best, int64_t* where,
                                         int64_t n);
};

const Reductions& reductions();

const char* reduction_name(Reduction r);
// By name; Reduction::count if there is none.
Reduction reduction_named(const char* name);

// Runs one reduction by name, for tests. False where there is no such reduction, or none for this dtype.
bool run_reduction(const char* name, DType dtype, const void* in, int64_t byte_stride, int64_t n, void* out);

}  // namespace pb
