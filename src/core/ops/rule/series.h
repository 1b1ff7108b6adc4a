// Series: the coefficients of an operation's results at a level of series (tape/tangents.h).
//
// Those of a row of the table: ops/elementwise/series.h. Those of a rule come from its pushforward P, which says how results
// move: y' = P(x, y; x'), linear in x'.
//
// - Where P reads nothing that varies, it does to each coefficient what it does to a tangent: all linear rules, and those
//   that select by what does not vary. Whether it reads is seen while it runs.
// - Products of two are convolved.
// - Otherwise P is applied to series, in the very operations that it is written in. The coefficient of t^n in P is
//   n + 1 times that of t^(n + 1) in y. If P reads no result, one application gives all of them. If it does, each application
//   gives one more, and repeats what the last one did: so each operation in it remembers the coefficients that it has
//   found, in a *replay*, and adds one. That keeps the cost polynomial, also where P holds the operation itself, as that of
//   a linear recurrence does.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "program/program.h"
#include "tape/tangents.h"

namespace pb {

// What a pushforward has read.
struct Reads {
    const Small<bool, 4>* varies = nullptr;  // which inputs have coefficients
    bool inputs = false, outputs = false;
    bool any() const { return inputs || outputs; }
};

using Pushforward = std::function<Tensors(const Tensors& inputs, const Tensors& outputs,
                                          const Tensors& tangents, Reads* reads)>;

struct Expansion;

// The operations of a pushforward that is applied again and again, in their order.
struct Replay {
    Replay() = default;
    ~Replay();  // where an expansion is known
    std::vector<std::unique_ptr<Expansion>> operations;
    size_t next = 0;
};

// The coefficients of one operation's results, as far as they are known, and what the next ones follow from.
struct Expansion {
    const void* what = nullptr;  // the operation
    Tensors heads;               // the first coefficients of its operands: the same every time
    int last = 0;                // the highest order that will be asked for
    std::vector<Tensors> found;  // by order, then by output
    bool replayed = false;
    // of a row
    std::vector<int> given;
    Tensors values;
    // of a rule
    Small<bool, 4> varies;
    Reads reads;
    Tensors inputs, moving, results;  // x, x' and y as series
    int followed = 0;                 // up to which order of x
    Replay inner;
};

// The expansion of an operation on `operands` at a level of series: a new one, or what a replay remembers.
class Expanding {
  public:
    Expanding(const Tensors& operands, uint64_t level, const void* what);
    Expansion* operator->() const { return expansion_; }
    Expansion& operator*() const { return *expansion_; }

  private:
    Expansion own_;
    Expansion* expansion_;
};

// Gives `out`, results of what `operands` are `below` the level, their coefficients.
void expand_rule(Expansion& e, const Tensors& operands, const Tensors& below, const Tensors& out,
                 uint64_t level, bool bilinear, const Pushforward& push);
// Gives `out` the coefficients that are found.
void give_coefficients(const Expansion& e, const Tensors& out, uint64_t level);

constexpr uint64_t coefficient_key(uint64_t level, int n) { return level + static_cast<uint64_t>(n); }
// Coefficient n > 0; undefined where it is zero.
inline Tensor coefficient(const Tensor& x, uint64_t level, int n) {
    return x && x.is_dual() ? tangent_at(x, coefficient_key(level, n)) : Tensor();
}
// The derivative of a series, which is one order shorter; undefined if it is zero.
Tensor series_derivative(const Tensor& x, uint64_t level, int order);

}  // namespace pb
