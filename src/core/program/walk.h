// Walking strided arrays in logical (row-major) order: the dimensions of one operand, merged where memory allows,
// and block-wise gathering and scattering of elements.
#pragma once
#include <algorithm>
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
        log_ = size_index(a.dtype);
    }

    // The innermost dimension.
    int64_t inner_size() const { return sizes_[sizes_.size() - 1]; }
    int64_t inner_stride() const { return strides_[strides_.size() - 1]; }
    // Whether every `n` elements are the same ones.
    bool repeats(int64_t n) const {
        for (size_t d = 0; d + 1 < sizes_.size(); ++d)
            if (strides_[d] != 0) return false;
        return sizes_.size() > 1 && inner_size() == n;
    }
    char* at(int64_t element) const {
        int64_t offset = 0;
        for (size_t d = sizes_.size(); d-- > 0 && element; element /= sizes_[d])
            offset += element % sizes_[d] * strides_[d];
        return base_ + offset * static_cast<int64_t>(item_);
    }

    // Elements [at, at + n) in logical order, into or out of a contiguous run.
    void gather(int64_t at, int64_t n, void* out) const {
        if (sizes_.size() > 1 && sizes_.back() <= kShortRow) {
            if (item_ == 8) return gather_rows(at, n, static_cast<uint64_t*>(out));
            if (item_ == 4) return gather_rows(at, n, static_cast<uint32_t*>(out));
        }
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
    static constexpr int64_t kShortRow = 64;  // elements: a call for each run would cost as much as the copy

    // The same where rows are short: all rows of one index of the outer dimensions at once.
    template <class U> void gather_rows(int64_t at, int64_t n, U* out) const {
        size_t last = sizes_.size() - 1, mid = last - 1;
        int64_t inner = sizes_[last], step = strides_[last], pitch = strides_[mid];
        Dims index(sizes_.size(), 0);
        int64_t rest = at, offset = 0;
        for (size_t d = last + 1; d-- > 0;) {
            index[d] = rest % sizes_[d];
            rest /= sizes_[d];
            offset += index[d] * strides_[d];
        }
        auto row = [inner, step](const U* p, U* to) {
            if (step == 1 && inner > 16) std::memcpy(to, p, static_cast<size_t>(inner) * sizeof(U));
            else if (step == 1)
                for (int64_t j = 0; j < inner; ++j) to[j] = p[j];
            else if (step == 0)
                for (U v = *p, *end = to + inner; to < end; ++to) *to = v;
            else
                for (int64_t j = 0; j < inner; ++j) to[j] = p[j * step];
        };
        for (const U* base = reinterpret_cast<const U*>(base_); n > 0;) {
            const U* p = base + offset;
            int64_t rows = std::min(sizes_[mid] - index[mid], n / inner);
            if (index[last] || !rows) {  // a part of a row, at either end
                int64_t count = std::min(inner - index[last], n);
                for (int64_t j = 0; j < count; ++j) out[j] = p[j * step];
                out += count;
                n -= count;
                if (n == 0) return;
                offset -= index[last] * step;
                index[last] = 0;
                rows = 1;
            } else if (pitch == 0) {  // one row, again and again
                row(p, out);
                int64_t all = rows * inner;
                for (int64_t have = inner; have < all; have *= 2)
                    std::memcpy(out + have, out, static_cast<size_t>(std::min(have, all - have)) * sizeof(U));
                out += all;
                n -= all;
            } else {
                int64_t r = 0;
                if (step == 0 &&
                    inner >= 4)  // by fours: the last reach into the next row, which is written later
                    for (; r + 1 < rows; ++r, out += inner) {
                        U v = p[r * pitch];
                        for (int64_t j = 0; j < inner; j += 4)
                            out[j] = out[j + 1] = out[j + 2] = out[j + 3] = v;
                    }
                for (; r < rows; ++r, out += inner) row(p + r * pitch, out);
                n -= rows * inner;
            }
            offset += rows * pitch;
            index[mid] += rows;
            for (size_t d = mid; d > 0 && index[d] == sizes_[d]; --d) {
                offset += strides_[d - 1] - sizes_[d] * strides_[d];
                index[d] = 0;
                ++index[d - 1];
            }
        }
    }

    char* base_;
    size_t item_;
    int log_ = 0;
    Dims sizes_, strides_;
};

}  // namespace pb
