// The inner nodes of a reduction's tree (kernels/reduce.h): a stack of partial results, one for each set bit of the
// number of leaves so far.
#pragma once
#include <cstdint>
#include <cstring>

namespace pb {

class LeafStack {
  public:
    using Merge = void (*)(const void*, void*, int64_t);
    LeafStack() = default;
    // Leaves of `width` results side by side, `pitch` bytes; `space` has room for `rows_for` of them.
    LeafStack(char* space, int64_t width, int64_t pitch, Merge merge)
        : space_(space), width_(width), pitch_(pitch), merge_(merge) {}
    static int64_t rows_for(int64_t leaves) {
        return 65 - __builtin_clzll(static_cast<uint64_t>(leaves) | 1);
    }

    char* top() { return space_ + depth_ * pitch_; }  // where the next leaf's results go
    void push() {
        ++depth_;
        for (int64_t bits = leaves_++; bits & 1; bits >>= 1) fold();
    }
    void push(const char* leaf) {
        std::memcpy(top(), leaf, static_cast<size_t>(pitch_));
        push();
    }
    // The results of all leaves, and of none so far.
    char* finish() {
        while (depth_ > 1) fold();
        depth_ = 0, leaves_ = 0;
        return space_;
    }

  private:
    void fold() {
        --depth_;
        merge_(space_ + depth_ * pitch_, space_ + (depth_ - 1) * pitch_, width_);
    }
    char* space_ = nullptr;
    int64_t width_ = 1, pitch_ = 8;
    Merge merge_ = nullptr;
    int64_t depth_ = 0, leaves_ = 0;
};

}  // namespace pb
