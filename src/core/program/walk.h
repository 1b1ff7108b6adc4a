// Walking strided arrays in logical (row-major) order: the dimensions of one operand, merged where memory allows,
// and block-wise gathering and scattering of elements.
#pragma once
#include <algorithm>
#include <cstring>

#include "array/array.h"
#include "kernels/kernels.h"
#include "kernels/moves.h"

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
        char* o = static_cast<char*>(out);
        auto run = [&](char* p, int64_t stride, int64_t count) {
            if (stride == 1) std::memcpy(o, p, static_cast<size_t>(count) * item_);
            else if (stride == 0) kernels().fill[log_](p, o, count);
            else kernels().gather[log_](p, stride * static_cast<int64_t>(item_), o, count);
            o += count * static_cast<int64_t>(item_);
        };
        if (!has_short_rows(n)) return runs(at, n, run);
        short_rows(at, n, run, [&](char* p, const Rows& rows) {
            const int64_t have = rows.length * static_cast<int64_t>(item_), all = rows.count * have;
            if (rows.pitch == 0 && rows.step != 1) {  // one row, again and again
                move_kernels().gather_rows[log_](p, {rows.length, rows.step, 1, 0}, o);
                for (int64_t done = have; done < all; done *= 2)
                    std::memcpy(o + done, o, static_cast<size_t>(std::min(done, all - done)));
            } else {
                move_kernels().gather_rows[log_](p, rows, o);
            }
            o += all;
        });
    }
    void scatter(const void* in, int64_t at, int64_t n) const {
        const char* i = static_cast<const char*>(in);
        auto run = [&](char* p, int64_t stride, int64_t count) {
            if (stride == 1) std::memcpy(p, i, static_cast<size_t>(count) * item_);
            else kernels().scatter[log_](i, p, stride * static_cast<int64_t>(item_), count);
            i += count * static_cast<int64_t>(item_);
        };
        if (!has_short_rows(n)) return runs(at, n, run);
        short_rows(at, n, run, [&](char* p, const Rows& rows) {
            move_kernels().scatter_rows[log_](i, p, rows);
            i += rows.count * rows.length * static_cast<int64_t>(item_);
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

    bool has_short_rows(int64_t n) const {
        return sizes_.size() > 1 && sizes_.back() <= kShortRow && n > sizes_.back() &&
               move_kernels().gather_rows[log_];
    }

    // Where rows are short: calls f(pointer, rows) for all rows of one index of the outer dimensions at once, and
    // part(pointer, stride in elements, count) for a part of a row, at either end.
    template <class Part, class F> void short_rows(int64_t at, int64_t n, Part part, F f) const {
        const size_t last = sizes_.size() - 1, mid = last - 1;
        const int64_t inner = sizes_[last], step = strides_[last], pitch = strides_[mid];
        Dims index(sizes_.size(), 0);
        int64_t rest = at, offset = 0;
        for (size_t d = last + 1; d-- > 0;) {
            index[d] = rest % sizes_[d];
            rest /= sizes_[d];
            offset += index[d] * strides_[d];
        }
        while (n > 0) {
            char* p = base_ + offset * static_cast<int64_t>(item_);
            int64_t rows = std::min(sizes_[mid] - index[mid], n / inner);
            if (index[last] || !rows) {
                const int64_t count = std::min(inner - index[last], n);
                part(p, step, count);
                n -= count;
                offset -= index[last] * step;
                index[last] = 0;
                rows = 1;
            } else {
                f(p, Rows{inner, step, rows, pitch});
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
