// Fetching: the lines of memory that the next block will need, asked for early.
//
// A long program stays on a block for so long that the processor forgets where its streams go on, and waits for the
// first lines of each block. From so many nanoseconds of work for a byte of memory on, it pays to ask for the next
// block's lines before each call; in a short program the processor does that better by itself. It pays as long as there
// are calls enough to ask for a few lines before each. A processor has room for a dozen or two that are on their way, and
// waits when there are more: where machine code makes one call of a program, asking took longer than all that it computes.
#pragma once
#include <algorithm>

#include "program/place.h"

namespace pb {

class Fetching {
  public:
    // The memory that a program reads or writes from front to back, if it pays: `work` nanoseconds for each of n elements,
    // in so many calls for each block.
    void choose(const std::vector<Place>& places, double work, int64_t n, int64_t block, size_t calls) {
        streams_.clear();
        bytes_ = 0;
        for (const Place& p : places)
            if (p.kind == Place::Memory && p.step) bytes_ += p.step;
        if (bytes_ * n <= kNear) return;
        for (const Place& p : places)
            if (p.kind == Place::Memory && p.step) streams_.push_back({p.base, p.step});
        auto before = [](const Stream& a, const Stream& b) { return a.base < b.base; };
        auto same = [](const Stream& a, const Stream& b) { return a.base == b.base; };
        std::sort(streams_.begin(), streams_.end(), before);
        streams_.erase(std::unique(streams_.begin(), streams_.end(), same), streams_.end());
        bytes_ = 0;
        for (const Stream& s : streams_) bytes_ += s.item;
        const bool many = block * bytes_ > kMost * kLine * static_cast<int64_t>(calls);
        if (bytes_ * n <= kNear || many || work < kWork * static_cast<double>(bytes_)) streams_.clear();
    }

    bool pays() const { return !streams_.empty(); }

    // The lines of the next block, of one stream after the other.
    struct Block {
        int64_t at, n, calls;  // elements from `at` on; what is left of the calls
        size_t stream = 0;
        int64_t byte = 0, left = -1;  // lines
    };
    // Asks for some of them before each call. Inlined by force: GCC takes a function that only fetches for one without
    // effect, and drops its calls.
    __attribute__((always_inline)) void ask(Block& f) const {
        if (f.left < 0) f.left = f.n * bytes_ / kLine;
        int64_t now = f.left / f.calls--;
        f.left -= now;
        for (; now > 0 && f.stream < streams_.size(); --now) {
            const Stream& s = streams_[f.stream];
            __builtin_prefetch(s.base + f.at * s.item + f.byte);
            f.byte += kLine;
            if (f.byte < f.n * s.item) continue;
            f.byte = 0;
            ++f.stream;
        }
    }

  private:
    static constexpr double kWork = 0.04;
    static constexpr int64_t kNear = 1 << 20;         // what fits the second-level cache is near enough
    static constexpr int64_t kLine = 64, kMost = 32;  // lines, before a call
    struct Stream {
        char* base;
        int64_t item;
    };
    std::vector<Stream> streams_;
    int64_t bytes_ = 0;  // of one element of all
};

}  // namespace pb
