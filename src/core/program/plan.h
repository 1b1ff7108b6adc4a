// Plan: what runs when somebody looks, in which programs, and what they store.
//
// A plan covers all pending expressions that are connected with what was asked for: those it is computed from, their
// other readers, what these are computed from, and so on. Nearly all of that is wanted sooner or later, and runs best
// together: a loss and all its gradients are one pass over memory, whichever of them is looked at first. Expressions
// are numbered by birth, which is an order in which they can be computed, so that two passes over them suffice:
//
//   place   From the oldest to the youngest: each gets a home, the number of a program; programs run in the order of
//           their numbers. A value that is read in the order of the reader's own loop may be in the same program: it
//           stays in a block register. What is read otherwise (reductions, broadcasts, strides) has to lie in memory,
//           stored by an earlier program. An expression goes where its operands are, or where its family is (what values
//           in registers connect it with), or else into the latest program of its loop, while that is short: families
//           share nothing, and a program of many has more streams than the caches hold. What has one element has no
//           loop: any program computes it on the way, so that a norm or a rate costs no program of its own.
//   decide  From the youngest to the oldest: an expression moves to the first program that reads it, unless what it
//           takes is near in the caches where it is, and would not be there. If a second one reads it, that computes it
//           once more, if it is cheap; otherwise it is stored. What somebody holds is stored, unless it is cheap and read
//           in the same program; then it is passed over once, and stays pending. So is what nobody holds and something
//           outside of the plan will read. Whatever is read by nobody afterwards is over.
//
// Promises, kept by these rules for every program that a user can write, and tested (tests/fuzz) through `counters`:
//
//   - An expression is passed over by one plan at most. So plans visit an expression a small number of times.
//   - It is computed at most twice: once more for a later program, or in the plan after the one that passed it over.
//   - No pass looks at anything but the members, their operands and their readers: time is linear.
//   - Programs have at most kMostSteps instructions, and an expression's memory is free as soon as it is over.
#pragma once
#include <string>
#include <vector>

#include "program/fuse.h"

namespace pb {

class Plan {
  public:
    using Seeds = Small<Expression*, 8>;
    enum class Reach {
        connected,   // everything connected with the seeds
        thoroughly,  // the same, and nothing is passed over: all of it is over afterwards
        needed       // only what the seeds are computed from
    };

    // The first of the seeds is what was asked for, unless all goes thoroughly: it is stored. `consumed`, if any, nobody
    // will look at. All parts of a `sum`, if there is one, are stored as well, or summed.
    Plan(const Seeds& seeds, Reach reach, const Buffer* consumed = nullptr, const RowSum* sum = nullptr);

    // Runs all programs; may throw Interrupted between two. Where an expression has no result, its elements are written
    // to `target`, whose old ones nobody but this plan still reads.
    void run(const Array* target = nullptr);
    // Whether the sum has been computed: the parts, left pending, must not be asked for any more.
    bool summed() const { return summed_; }
    // The programs as text, one after the other.
    std::string describe(bool code = false);

  private:
    struct Part {  // a program that is being put together
        Ref<Layout> loop;
        bool open = true;  // for any loop: all it has is single
        int64_t row = 0;   // of its reductions
        size_t steps = 0;
        Expression* first = nullptr;  // the oldest
    };

    void gather(const Seeds& seeds);
    void unite();
    void place(Expression& e);
    void enter(int32_t program, const Expression& e);
    int32_t find_home(Expression& e) const;
    bool has_room(int32_t program, const Expression& e) const;
    bool stays(const Expression& p, const Expression& reader) const;
    bool is_better_here(const Expression& e, int32_t reader) const;
    void decide(Expression& e);
    void move(Expression& e, int32_t to);

    bool has(const Expression* e) const { return e->plan.mark == mark_; }
    bool is_held(const Expression& e) const { return e.result != consumed_ && e.is_held(); }
    bool is_done(const Expression* e, int32_t program) const;
    double work() const;
    bool has_outputs(const Part& part) const;
    bool is_summed(const Expression& e) const;
    bool can_sum() const;
    void build(Fused& program, int32_t number);
    Buffer* replaced_by(const Expression* e) const;
    Buffer* donor(const Fused& program, const Fused::Output& output, int32_t number) const;
    void finish(Fused& program, int32_t number, const Array* target, const Interruptible& scope);

    const Reach reach_;
    const Buffer* const consumed_;
    const Expression* const asked_;
    const RowSum* sum_;
    bool summed_ = false;
    const uint32_t mark_;
    Small<Expression*, 32> members_;  // by age
    Small<Part, 4> parts_;
};

}  // namespace pb
