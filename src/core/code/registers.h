// Registers: which value is in which register, and which value goes when there is none left.
//
// The operations of a sequence are walked once. A value stays in its register until its last use; when one is wanted and
// none is free, the value whose next use is furthest away goes. Constants, single operands and elements that are read
// are in memory anyway; of others a copy is kept in a slot of the frame.
#pragma once
#include <algorithm>
#include <climits>
#include <cstdint>
#include <vector>

#include "code/sequence.h"

namespace pb::code {

// When values are used: positions of operations, by value.
class Uses {
  public:
    explicit Uses(const Sequence& s);
    bool is_wanted(int16_t v) const { return wanted_[static_cast<size_t>(v)]; }
    bool any(int16_t v) const { return first_[static_cast<size_t>(v)] < first_[static_cast<size_t>(v) + 1]; }
    // The first use at a position or later; kNever if there is none.
    static constexpr int32_t kNever = INT32_MAX;
    int32_t next(int16_t v, int32_t at) {
        int32_t& k = now_[static_cast<size_t>(v)];
        while (k < first_[static_cast<size_t>(v) + 1] && all_[static_cast<size_t>(k)] < at) ++k;
        return k < first_[static_cast<size_t>(v) + 1] ? all_[static_cast<size_t>(k)] : kNever;
    }
    // The use that follows one.
    int32_t after(int16_t v, int32_t at) const {
        for (int32_t k = first_[static_cast<size_t>(v)]; k < first_[static_cast<size_t>(v) + 1]; ++k)
            if (all_[static_cast<size_t>(k)] > at) return all_[static_cast<size_t>(k)];
        return kNever;
    }
    int32_t first(int16_t v) const {
        return any(v) ? all_[static_cast<size_t>(first_[static_cast<size_t>(v)])] : kNever;
    }
    int32_t last(int16_t v) const {
        return any(v) ? all_[static_cast<size_t>(first_[static_cast<size_t>(v) + 1]) - 1] : -1;
    }

  private:
    std::vector<char> wanted_;
    std::vector<int32_t> first_, now_, all_;
};

// One kind of registers.
class File {
  public:
    File(int first, int count) : first_(first), owners_(static_cast<size_t>(count), kFree) {}
    static constexpr int16_t kFree = -1, kReserved = -2;
    int first() const { return first_; }
    int end() const { return static_cast<int>(owners_.size()); }
    int16_t owner(int r) const { return owners_[static_cast<size_t>(r)]; }
    void give(int r, int16_t v) { owners_[static_cast<size_t>(r)] = v; }
    int find_free() const {
        for (int r = first_; r < end(); ++r)
            if (owner(r) == kFree && !(locked >> r & 1)) return r;
        return -1;
    }
    int find_free_from_above() const {
        for (int r = end(); r-- > first_;)
            if (owner(r) == kFree) return r;
        return -1;
    }
    uint32_t locked = 0;  // operands of the operation at hand

  private:
    int first_;
    std::vector<int16_t> owners_;
};

// Slots of the frame, all of one size.
class Slots {
  public:
    int32_t take() {
        if (free_.empty()) return count_++;
        const int32_t slot = free_.back();
        free_.pop_back();
        return slot;
    }
    void give_back(int32_t slot) { free_.push_back(slot); }
    int32_t count() const { return count_; }

  private:
    int32_t count_ = 0;
    std::vector<int32_t> free_;
};

}  // namespace pb::code
