// Tangents of forward mode, stored per level. An operation works on the highest level of its operands, and calls itself
// on what `strip_level` leaves of them. How views and writes in place take part: tangents.cpp.
#pragma once
#include "tensor/extra.h"

namespace pb {

Tensor tangent_at(const Tensor& t, uint64_t level);  // undefined when there is none
void set_tangent(const Tensor& t, uint64_t level, Tensor tangent);
uint64_t highest_level(const Tensor& t);  // 0 when it carries none
// Levels from kManaged on are opened and closed; tangents of a closed one are dropped when somebody meets them.
constexpr uint64_t kManaged = 1 << 20;
void open_level(uint64_t level);
void close_level(uint64_t level);
// After a write in place: `t`, and what it is a view of, take the tangents of `result`.
void write_tangents(const Tensor& t, const Tensor& result);
// The same tensor (same history, same cell) without its tangent of `level`.
Tensor strip_level(const Tensor& t, uint64_t level);

}  // namespace pb
