// Layer normalisation of arrays: each line less its mean, over its standard deviation.
//
// Forward reads x once and keeps a mean and a reciprocal deviation for each line. The pullback reads x and the cotangent
// once; what lines add to the gradients of weight and bias is summed by blocks of lines, and blocks are added pairwise,
// so the sums do not depend on the number of threads.
#include <cstring>

#include "array/checked.h"
#include "array/visit.h"
#include "compute/line_functions.h"
#include "compute/line_loops.h"

namespace pb {

namespace {

int64_t length(const Layout& l, int64_t dims) {
    return checked_product(l.shape() + l.ndim() - dims, l.shape() + l.ndim());
}

// Weight or bias: for line r of x, that of its entry.
template <class T> class Parameter {
  public:
    Parameter(const Array& given, int64_t n, int64_t lines) : n_(n) {
        if (!given.buffer) return;
        array_ = contiguous_array(given);
        base_ = array_.as<T>();
        if (array_.numel() > n) lines_ = lines / (array_.numel() / n);
    }
    const T* of(int64_t r) const { return lines_ ? base_ + r / lines_ * n_ : base_; }

  private:
    Array array_;
    const T* base_ = nullptr;
    int64_t n_, lines_ = 0;  // of an entry, where entries have their own
};

}  // namespace

Normalized layer_norm(const Array& given, int64_t dims, const Array& weights, const Array& biases,
                      double eps) {
    Array x = contiguous_array(given), y = Array::empty(x.dtype, x.layout->dims());
    int64_t n = length(*x.layout, dims), lines = n ? x.numel() / n : 0;
    Array means = Array::empty(x.dtype, Dims(x.layout->shape(), x.layout->shape() + x.ndim() - dims)),
          deviations = Array::empty(x.dtype, means.layout);
    visit<Family::Floats>(x.dtype, "LayerNormKernelImpl", [&](auto zero) {
        using T = decltype(zero);
        auto normalize = line_kernels().normalize[code_of<T>];
        const Parameter<T> weight(weights, n, lines), bias(biases, n, lines);
        share_lines(lines, n, 0.05 * sizeof(T), [&](int64_t first, int64_t count, int) {
            for (int64_t r = first; r < first + count; ++r)
                normalize(x.as<T>() + r * n, weight.of(r), bias.of(r), eps, y.as<T>() + r * n,
                          means.as<T>() + r, deviations.as<T>() + r, n);
        });
    });
    return {std::move(y), std::move(means), std::move(deviations)};
}

NormalizedPull layer_norm_pull(const Array& given, int64_t dims, const Array& weights, const Array& means,
                               const Array& deviations, const Array& cotangent, bool wants_x,
                               bool wants_parameters) {
    Array x = contiguous_array(given), g = contiguous_array(cotangent);
    const Array hold = weights.buffer ? contiguous_array(weights) : weights;
    const void* weight = hold.buffer ? hold.data() : nullptr;
    int64_t n = length(*x.layout, dims), lines = n ? x.numel() / n : 0;
    Array dx, dw, db;
    if (wants_x) dx = Array::empty(x.dtype, x.layout->dims());
    if (wants_parameters) {
        Dims shape;
        for (int64_t d = x.ndim() - dims; d < x.ndim(); ++d) shape.push_back(x.size(d));
        dw = Array::empty(x.dtype, shape);
        db = Array::empty(x.dtype, shape);
    }
    // Not more than 64 blocks, so that the sums of blocks stay small beside the lines.
    int64_t block = std::max<int64_t>({parts_of(lines, 64), kLinesChunk / std::max<int64_t>(n, 1), 1});
    int64_t blocks = parts_of(lines, block);
    visit<Family::Floats>(x.dtype, "LayerNormKernelImpl", [&](auto zero) {
        using T = decltype(zero);
        std::unique_ptr<T[]> partial(
            new T[static_cast<size_t>(wants_parameters ? std::max<int64_t>(blocks, 1) * 2 * n : 0)]);
        if (wants_parameters && !blocks)
            std::memset(partial.get(), 0, static_cast<size_t>(2 * n) * sizeof(T));
        auto pull = line_kernels().normalize_pull[code_of<T>];
        double work = 0.1 * sizeof(T) * static_cast<double>(lines) * static_cast<double>(n);
        parallel(blocks, work, [&](int64_t b, int) {
            T *own_w = wants_parameters ? partial.get() + b * 2 * n : nullptr,
              *own_b = own_w ? own_w + n : nullptr;
            if (own_w) std::memset(own_w, 0, static_cast<size_t>(2 * n) * sizeof(T));
            for (int64_t r = b * block; r < std::min(lines, (b + 1) * block); ++r)
                pull(x.as<T>() + r * n, g.as<T>() + r * n, weight, means.as<T>() + r, deviations.as<T>() + r,
                     dx.buffer ? dx.as<T>() + r * n : nullptr, own_w, own_b, n);
        });
        if (!wants_parameters) return;
        for (int64_t apart = 1; apart < blocks; apart *= 2)
            for (int64_t b = 0; b + apart < blocks; b += 2 * apart) {
                T *to = partial.get() + b * 2 * n, *from = to + apart * 2 * n;
                for (int64_t i = 0; i < 2 * n; ++i) to[i] += from[i];
            }
        std::memcpy(dw.data(), partial.get(), static_cast<size_t>(n) * sizeof(T));
        std::memcpy(db.data(), partial.get() + n, static_cast<size_t>(n) * sizeof(T));
    });
    return {std::move(dx), std::move(dw), std::move(db)};
}

}  // namespace pb
