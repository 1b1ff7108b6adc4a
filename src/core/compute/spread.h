// Spreading: a small contiguous operand written out as often as broadcasting repeats it.
//
// The kernels of the contiguous path want runs of equal length. While the result is small, writing a row, a column or
// anything between out in full costs less than binding a program to walked operands, and the values meet the very
// same kernels either way. The general executor does the rest.
#pragma once
#include "program/program.h"

namespace pb {

// Room for the operands of one call, on the stack; what does not fit goes the general way.
class SpreadRoom {
  public:
    // `data`, of layout `from`, repeated to the shape `to`: elements of `item` bytes. Both contiguous and not empty,
    // and `from` broadcasts to `to`. Null when there is no room left.
    const char* spread(const char* data, const Layout& from, const Layout& to, size_t item);
    // Whether there is room for so many operands of this shape: to be asked first, for half of them are in vain.
    static bool fits(int64_t operands, const Layout& to, size_t item) {
        return static_cast<size_t>(operands * to.numel()) * item <= kBytes;
    }

  private:
    static constexpr size_t kBytes = 32768;
    alignas(64) char bytes_[kBytes];
    size_t used_ = 0;
};

// `execute_contiguous` where operands may be smaller than the result. Numbers have no layout; tensors are contiguous.
// False, with nothing done, where they do not broadcast to `shape` or there is no room.
bool execute_spread(const Lowered& program, ContiguousSource* sources, const Layout* const* layouts,
                    void* const* outputs, const Layout& shape);

// The shape in which contiguous operands meet; the layout of one of them where that is it. Null when they do not fit.
Ref<Layout> met_layout(Layout& a, Layout& b);

}  // namespace pb
