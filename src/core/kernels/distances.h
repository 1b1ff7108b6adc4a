// Distances of one point from many (compute/distances.cpp), and how they move.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"

namespace pb {

// Sums over differences d of the point `a` from `count` others, coordinate k of which begin at b + k * lead. By dtype, of
// float32 and float64, and by order: [0] for distances that are sums of |d|, [1] for roots of sums of d * d. A term's slope
// is, but for a factor, the sign of d, or d itself.
struct DistanceKernels {
    // For each of the others, over the coordinates: terms, and weights y times slopes. What `out` and `b` have room for is a
    // multiple of kPointBorder, which is worked on as a whole.
    void (*terms[kDTypes][2])(const void* a, const void* b, int64_t lead, int64_t dims, int64_t count,
                              void* out);
    void (*along[kDTypes][2])(const void* y, const void* a, const void* b, int64_t lead, int64_t dims,
                              int64_t count, void* out);
    // For each coordinate, over the others: weights w times slopes, added to `out`. `across` for points of few coordinates;
    // `onto`, for others, has b point by point, the coordinates of which lie together.
    void (*across[kDTypes][2])(const void* w, const void* a, const void* b, int64_t lead, int64_t dims,
                               int64_t count, void* out);
    void (*onto[kDTypes][2])(const void* w, const void* a, const void* b, int64_t dims, int64_t count,
                             void* out);
    // Roots of sums; whether one of those is none of a number of full precision.
    bool (*roots[kDTypes])(const void* sums, void* out, int64_t n);
};
template <class T> inline constexpr int64_t kPointBorder = 64 / sizeof(T);

const DistanceKernels& distance_kernels();

}  // namespace pb
