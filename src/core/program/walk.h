// Walking strided arrays in logical (row-major) order: the dimensions of one operand, merged where memory allows,
// and block-wise gathering and scattering of elements.
#pragma once
#include <cstring>

#include "array/array.h"
#include "kernels/kernels.h"

namespace pb {

class Walker {
  public:
    // `a` seen with shape `shape` (broadcast where its own size is 1).
    Walker(const Array& a, const Layout& shape) : base_(a.data()), item_(a.item()) {
        int64_t n = shape.ndim(), lead = n - a.ndim();
        for (int64_t d = 0; d < n; ++d) {
            int64_t size = shape.size(d);
            if (size == 1) continue;
            int64_t stride = d < lead || a.size(d - lead) == 1 ? 0 : a.stride(d - lead);
            if (!sizes_.empty() && strides_.back() == stride * size) {
                sizes_.back() *= size;
                strides_.back() = stride;
            } else {
                sizes_.push_back(size);
                strides_.push_back(stride);
            }
        }
        if (sizes_.empty()) {
            sizes_.push_back(1);
            strides_.push_back(1);
        }
        for (int k = 0; k < 4; ++k)
            if (item_ == size_t(1) << k) log_ = k;
    }

    // Elements [at, at + n) in logical order, into or out of a contiguous run.
    void gather(int64_t at, int64_t n, void* out) const {
        char* o = static_cast<char*>(out);
        runs(at, n, [&](char* p, int64_t stride, int64_t count) {
            if (stride == 1) std::memcpy(o, p, static_cast<size_t>(count) * item_);
            else if (stride == 0) kernels().fill[log_](p, o, count);
            else kernels().gather[log_](p, stride * static_cast<int64_t>(item_), o, count);
            o += count * static_cast<int64_t>(item_);
        });
    }
    void scatter(const void* in, int64_t at, int64_t n) const {
        const char* i = static_cast<const char*>(in);
        runs(at, n, [&](char* p, int64_t stride, int64_t count) {
            if (stride == 1) std::memcpy(p, i, static_cast<size_t>(count) * item_);
            else kernels().scatter[log_](i, p, stride * static_cast<int64_t>(item_), count);
            i += count * static_cast<int64_t>(item_);
        });
    }

    // Calls f(pointer, stride in elements, count) for each run along the innermost dimension.
    template <class F> void runs(int64_t at, int64_t n, F f) const {
        size_t last = sizes_.size() - 1;
        int64_t inner = sizes_[last];
        if (last == 0) {
            f(base_ + at * strides_[0] * static_cast<int64_t>(item_), strides_[0], n);
            return;
        }
        Dims index(sizes_.size(), 0);
        int64_t rest = at, offset = 0;
        for (size_t d = last + 1; d-- > 0;) {
            index[d] = rest % sizes_[d];
            rest /= sizes_[d];
            offset += index[d] * strides_[d];
        }
        while (n > 0) {
            int64_t count = inner - index[last];
            if (count > n) count = n;
            f(base_ + offset * static_cast<int64_t>(item_), strides_[last], count);
            n -= count;
            if (n == 0) return;
            offset -= index[last] * strides_[last];
            index[last] = 0;
            for (size_t d = last; d-- > 0;) {
                offset += strides_[d];
                if (++index[d] < sizes_[d]) break;
                offset -= sizes_[d] * strides_[d];
                index[d] = 0;
            }
        }
    }

  private:
    char* base_;
    size_t item_;
    int log_ = 0;
    Dims sizes_, strides_;
};

}  // namespace pb
