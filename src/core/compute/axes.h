// Groups of an array's dimensions: those that a reduction sums over or an index covers, and those that stay.
#pragma once
#include <algorithm>

#include "array/array.h"

namespace pb {

// Some of an array's dimensions in logical order, merged where memory allows.
struct Axes {
    Dims sizes, strides;
    int64_t count = 1;
    void add(int64_t size, int64_t stride) {
        count *= size;
        if (size == 1) return;
        if (!sizes.empty() && strides.back() == stride * size) {
            sizes.back() *= size;
            strides.back() = stride;
        } else {
            sizes.push_back(size);
            strides.push_back(stride);
        }
    }
    bool is_run() const { return sizes.size() <= 1; }
    int64_t inner_size() const { return sizes.empty() ? 1 : sizes.back(); }
    int64_t inner_stride() const { return sizes.empty() ? 0 : strides.back(); }
    // Where an element lies, given its number in logical order.
    int64_t offset_of(int64_t number) const {
        if (sizes.empty()) return 0;
        int64_t at = 0;
        for (size_t d = sizes.size(); d-- > 1; number /= sizes[d]) at += number % sizes[d] * strides[d];
        return at + number * strides[0];
    }
    Axes without_inner() const {
        Axes outer(*this);
        if (outer.sizes.empty()) return outer;
        outer.count /= std::max<int64_t>(outer.sizes.back(), 1);
        outer.sizes.pop_back();
        outer.strides.pop_back();
        return outer;
    }
};

// The offsets of the elements, in logical order, in the unit of the strides; `next` says whether there is another.
class Odometer {
  public:
    explicit Odometer(const Axes& axes, int64_t start = 0) : axes_(axes), index_(axes.sizes.size(), 0) {
        for (size_t d = axes_.sizes.size(); start && d-- > 0; start /= axes_.sizes[d]) {
            index_[d] = start % axes_.sizes[d];
            at += axes_.strides[d] * index_[d];
        }
    }
    bool next() {
        for (size_t d = axes_.sizes.size(); d-- > 0;) {
            at += axes_.strides[d];
            if (++index_[d] < axes_.sizes[d]) return true;
            at -= axes_.strides[d] * axes_.sizes[d];
            index_[d] = 0;
        }
        return false;
    }
    int64_t at = 0;

  private:
    const Axes& axes_;
    Dims index_;
};

// Into how many parts of a given size a number of elements falls.
inline int64_t parts_of(int64_t n, int64_t part) { return (n + part - 1) / part; }

// Nanoseconds for reading n elements as they lie, or one by one.
inline double reading_work(int64_t n, size_t item) {
    return static_cast<double>(n) * static_cast<double>(item) * 0.02;
}
inline double collecting_work(int64_t n) { return static_cast<double>(n) * 0.5; }

}  // namespace pb
