// Tangents of forward mode, stored per level. An operation works on the highest level of its operands, and calls itself
// on what `strip_level` leaves of them. How views and writes in place take part: tangents.cpp.
//
// A level of series has several tangents, the coefficients of t, t^2, ..., t^order of a power series whose constant term
// is the tensor; they are stored under the keys level + 1, ..., level + order. What is linear, as views and writes in
// place are, treats them as so many tangents; functions go through ops/rule/series.h.
#pragma once
#include "tensor/extra.h"

namespace pb {

Tensor tangent_at(const Tensor& t, uint64_t key);  // undefined when there is none
void set_tangent(const Tensor& t, uint64_t key, Tensor tangent);
uint64_t highest_level(const Tensor& t);  // 0 when it carries none
// Levels from kManaged on are opened and closed; tangents of a closed one are dropped when somebody meets them. They are
// kRoom apart, for the keys of a series.
constexpr uint64_t kManaged = 1 << 20, kRoom = 1 << 12;
constexpr uint64_t level_of(uint64_t key) { return key < kManaged ? key : key & ~(kRoom - 1); }
void open_level(uint64_t level, int order = 0);
void close_level(uint64_t level);
// Up to which power a level has coefficients; 0: it is an ordinary one, with one tangent.
int series_order(uint64_t level);
void set_series_order(uint64_t level, int order);
// After a write in place: `t`, and what it is a view of, take the tangents of `result`.
void write_tangents(const Tensor& t, const Tensor& result);
// The same tensor (same history, same cell) without its tangents of `level`.
Tensor strip_level(const Tensor& t, uint64_t level);

// Series end at a lower order while it lives: what is computed of higher coefficients would be dropped.
class SeriesOrder {
  public:
    SeriesOrder(uint64_t level, int order) : level_(level), before_(series_order(level)) {
        set_series_order(level, order);
    }
    ~SeriesOrder() { set_series_order(level_, before_); }
    SeriesOrder(const SeriesOrder&) = delete;
    SeriesOrder& operator=(const SeriesOrder&) = delete;

  private:
    uint64_t level_;
    int before_;
};

}  // namespace pb
