// Convolutions as arrays, of any number of dimensions, and the two maps that are their derivatives. convolution.cpp has the
// essay.
#pragma once
#include "array/array.h"

namespace pb {

// How windows slide, along each dimension: at position p the element k of a window lies at p * stride + k * dilation -
// padding, beside which there are zeros. So many positions are looked at.
struct Sliding {
    Dims sizes, kernel, positions, stride, padding, dilation;
    int64_t groups = 1;
};

// x (..., N, C, sizes) and w (..., O, C / groups, kernel) give y (..., N, O, positions); what is in front broadcasts. Each
// gives one of the three, of the two others, and is linear in both.
Array convolve(const Array& x, const Array& w, const Sliding& s);
Array convolve_back(const Array& y, const Array& w, const Sliding& s);     // like x
Array convolve_weights(const Array& x, const Array& y, const Sliding& s);  // like w

}  // namespace pb
