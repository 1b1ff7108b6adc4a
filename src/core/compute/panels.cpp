// Panels: columns of a matrix, as many as a tile of a product has (kernels/products.cpp), one row of them behind the other.
//
// A single row times a matrix waits for memory, which is read twice as fast where it lies in one piece as in pieces of a
// row. Packing takes as long as a few such products.
#include "compute/panels.h"

#include "array/visit.h"
#include "compute/products.h"
#include "kernels/products.h"
#include "program/program.h"

namespace pb {

namespace {
constexpr int64_t kWorthwhile = 8;    // products
constexpr int64_t kPanelBytes = 256;  // of a row: four vectors of the widest
}  // namespace

Panels::Panels(const Array& weight, bool transpose, int64_t times)
    : terms_(weight.size(transpose ? 1 : 0)), columns_(weight.size(transpose ? 0 : 1)) {
    const bool known = product_kernels().multiply[static_cast<int>(weight.dtype)];
    const int64_t row = weight.stride(transpose ? 1 : 0), column = weight.stride(transpose ? 0 : 1);
    auto view = [&](const Dims& shape, const Dims& strides, int64_t first) {
        return contiguous_array(weight.view(Layout::strided(shape, strides), weight.offset + first * column));
    };
    if (!known || times < kWorthwhile || !terms_) {
        whole_ = view({terms_, columns_}, {row, column}, 0);
        return;
    }
    width_ = kPanelBytes / static_cast<int64_t>(item_size(weight.dtype));
    const int64_t panels = columns_ / width_, packed = panels * width_;
    if (panels) parts_ = view({panels, terms_, width_}, {width_ * column, row, column}, 0);
    if (packed < columns_) rest_ = view({terms_, columns_ - packed}, {row, column}, packed);
}

void Panels::multiply_into(const Array& c, const Array& a, Scalar beta) const {
    if (!width_) return product_into(c, a, whole_, false, false, Scalar(1), beta);
    visit<Family::Floats>(c.dtype, "addmm_impl_cpu_", [&](auto zero) {
        using T = decltype(zero);
        const auto multiply = product_kernels().multiply[code_of<T>];
        MatrixProduct p{.m = a.size(0),
                        .n = width_,
                        .k = terms_,
                        .a = a.as<T>(),
                        .a_row = terms_,
                        .a_column = 1,
                        .b_column = 1,
                        .c_row = columns_,
                        .alpha = 1,
                        .beta = beta.to<double>(),
                        .room = product_room()};
        auto part = [&](const T* from, int64_t first, int64_t count) {
            p.n = p.b_row = count;
            p.b = from;
            p.c = c.as<T>() + first;
            multiply(p);
        };
        int64_t first = 0;
        for (; first + width_ <= columns_; first += width_)
            part(parts_.as<T>() + first * terms_, first, width_);
        if (first < columns_) part(rest_.as<T>(), first, columns_ - first);
    });
}

}  // namespace pb
