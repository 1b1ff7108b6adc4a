#include "program/plan.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "array/error.h"
#include "kernels/moves.h"
#include "program/interrupt.h"
#include "program/profile.h"

namespace pb {

namespace {

constexpr size_t kMostSteps = 512;
// A family joins a program of others only while the cost of a program is more than that of its instructions.
constexpr size_t kCrowd = 32;
// Values that are cheap to compute, an addition being 1 and a vector function 8. What leaves the second-level cache takes
// long to store and to read: up to so much it is computed again instead, by a second program of the plan that reads it;
// what somebody holds, and may never ask for, is passed over; and so is what nobody holds, but what the plan leaves
// pending reads. What is near is stored as fast as it is computed.
struct Cheap {
    uint32_t copied, passed, left;
};
constexpr Cheap kNear = {2, 0, 2}, kFar = {8, 16, 16};
constexpr int64_t kNearBytes = 1 << 20;
int64_t bytes_of(const Expression& e) { return e.numel() * static_cast<int64_t>(item_size(e.dtype)); }
const Cheap& cheap(const Expression& e) { return bytes_of(e) <= kNearBytes ? kNear : kFar; }
// How many programs, from the latest on, are looked at for one that has the loop of an expression.
constexpr int32_t kLooks = 16;
// So many programs later what is near in the caches still is.
constexpr int32_t kNearby = 4;

uint32_t last_mark = 0, last_emission = 0;

// Scratch of the program that is being built and run: there is one at a time.
Fused scratch;

// The same elements in the same order.
bool same_loop(const Layout& a, const Layout& b) {
    if (a.numel() != b.numel()) return false;
    return a.is_contiguous() ? b.is_contiguous() : a.same(b);
}

// An error that comes later than the call that it belongs to.
[[noreturn]] void throw_late(const Error& error, const Expression& wanted) {
    if (error.kind != ErrorKind::OutOfMemory) throw error;
    std::string line = sites.describe(wanted.site);
    throw Error(error.kind, std::string(error.what()) + " It was needed for a pending value, " +
                                dtype_name(wanted.dtype) + shape_text(*wanted.layout) +
                                (line.empty() ? "" : " of " + line) +
                                ", which is computed where it is looked at. With PULLBACK_IMMEDIATE=1 in the "
                                "environment everything is computed where it is called.");
}

// Whether the program reads the target's memory at other places than it writes.
bool overlaps(const Fused& program, const Array& target) {
    for (const Fused::Operand& o : program.operands) {
        const Array& a = *o.array;
        if (a.buffer == target.buffer &&
            (o.way != Fused::Operand::AsItLies || a.offset != target.offset || a.dtype != target.dtype))
            return true;
    }
    return false;
}

}  // namespace

Plan::Plan(const Seeds& seeds, Reach reach, const Buffer* consumed, const RowSum* sum)
    : reach_(reach),
      consumed_(consumed),
      asked_(reach == Reach::thoroughly ? nullptr : seeds[0]),
      sum_(sum),
      mark_(++last_mark) {
    gather(seeds);
    unite();
    for (Expression* e : members_) place(*e);
    for (size_t i = members_.size(); i-- > 0;) decide(*members_[i]);
    if (sum_ && !can_sum()) sum_ = nullptr;
}

void Plan::gather(const Seeds& seeds) {
    auto add = [this](Expression* e) {
        if (has(e)) return;
        e->plan = {};
        e->plan.mark = mark_;
        members_.push_back(e);
    };
    for (Expression* e : seeds) add(e);
    for (size_t i = 0; i < members_.size(); ++i) {
        Expression* e = members_[i];
        for (const Expression::Input& input : e->inputs)
            if (Expression* p = pending_in(input)) add(p);
        if (reach_ == Reach::needed || !e->result) continue;
        for (Expression* r : e->result->readers())
            if (r->result && !r->reserved) add(r);
    }
    counters.visits += members_.size();
    auto younger = [](const Expression* a, const Expression* b) { return a->number < b->number; };
    if (!std::is_sorted(members_.begin(), members_.end(), younger))
        std::sort(members_.begin(), members_.end(), younger);
}

namespace {

// The one that stands for a family; the way there is halved (R. E. Tarjan, J. van Leeuwen, "Worst-case analysis of set
// union algorithms", 1984).
Expression* head_of(Expression* e) {
    while (e->plan.family != e) e = e->plan.family = e->plan.family->plan.family;
    return e;
}

}  // namespace

// What reads a pending value in its own order belongs to its family. One element is nobody's relative.
void Plan::unite() {
    for (Expression* e : members_) e->plan.family = e;
    for (Expression* e : members_)
        for (const Expression::Input& input : e->inputs) {
            Expression* p = pending_in(input);
            if (p && input.in_order && !p->is_single()) head_of(p)->plan.family = head_of(e);
        }
}

bool Plan::has_room(int32_t program, const Expression& e) const {
    const Part& part = parts_[static_cast<size_t>(program)];
    return (part.open || e.is_single() || same_loop(*part.loop, *e.layout)) &&
           part.steps + e.instructions() <= kMostSteps && (!e.row || !part.row || e.row == part.row);
}

void Plan::enter(int32_t program, const Expression& e) {
    Part& part = parts_[static_cast<size_t>(program)];
    part.steps += e.instructions();
    if (e.row) part.row = e.row;
    if (!part.open || e.is_single()) return;
    part.open = false;
    part.loop = e.layout;
}

int32_t Plan::find_home(Expression& e) const {
    int32_t least = 0, with_operands = -1;
    for (const Expression::Input& input : e.inputs) {
        const Expression* p = pending_in(input);
        if (!p) continue;
        if (input.in_order) with_operands = std::max(with_operands, p->plan.home);
        else least = std::max(least, p->plan.home + 1);
    }
    if (with_operands >= least && has_room(with_operands, e)) return with_operands;
    least = std::max(least, with_operands);
    const int32_t family = head_of(&e)->plan.latest;
    if (family >= least && has_room(family, e)) return family;
    auto past = static_cast<int32_t>(parts_.size());
    for (int32_t i = past - 1; i >= std::max(least, past - kLooks); --i) {
        const Part& part = parts_[static_cast<size_t>(i)];
        if (part.steps < kCrowd && (!part.open || e.is_single()) && has_room(i, e)) return i;
    }
    return past;
}

// Whether a value is wanted where it is computed, whatever becomes of one that reads it.
bool Plan::stays(const Expression& p, const Expression& reader) const {
    if (is_held(p)) return true;
    for (const Expression* r : p.result->readers())
        if (r != &reader) return true;
    return false;
}

void Plan::place(Expression& e) {
    Expression::Planned& mine = e.plan;
    mine.home = head_of(&e)->plan.latest = find_home(e);
    if (static_cast<size_t>(mine.home) == parts_.size()) parts_.push_back({e.layout});
    enter(mine.home, e);
    mine.weight = e.weight();
    for (const Expression::Input& input : e.inputs) {
        const Expression* p = pending_in(input);
        if (!p || !input.in_order || p->is_single()) continue;
        // What takes more will not be computed a second time.
        if (p->plan.home == mine.home || p->plan.weight <= cheap(*p).copied) mine.weight += p->plan.weight;
        if (p->plan.home == mine.home) mine.anchored = mine.anchored || p->plan.anchored || stays(*p, e);
    }
    mine.weight = std::min(mine.weight, 2 * kFar.passed);  // enough to know
}

namespace {

// The programs that read a value in the order of its own loop.
struct Needs {
    int32_t first = -1, second = -1;
    bool more = false;

    void add(int32_t program) {
        if (program < 0 || program == first || program == second) return;
        if (first < 0) first = program;
        else if (second < 0) second = program;
        else more = true;
        if (second >= 0 && second < first) std::swap(first, second);
        if (more && program < first) first = program;
    }
};

}  // namespace

// What is near, and more than a block, stays where what it takes is wanted, or if the way is long: moving it would keep
// what it takes for so long that it is near no more.
bool Plan::is_better_here(const Expression& e, int32_t reader) const {
    if (bytes_of(e) <= kBlockBytes || bytes_of(e) > kNearBytes) return false;
    return e.plan.anchored || reader - e.plan.home > kNearby;
}

void Plan::decide(Expression& e) {
    Expression::Planned& mine = e.plan;
    bool held = is_held(e), read_on = false, waits = held;
    int32_t latest = INT32_MAX;  // program that may still compute it
    Needs needs;
    mine.stored = &e == asked_ || is_summed(e) || (held && (e.is_reduction() || e.overwrites()));
    if (e.result)
        for (const Expression* r : e.result->readers()) {
            if (!has(r)) {
                waits = true;
                continue;
            }
            waits = waits || !r->plan.over;
            for (const Expression::Input& input : r->inputs) {
                if (input.array.buffer.get() != e.result) continue;
                if (input.in_order) {
                    read_on = read_on || !r->is_reduction();
                    needs.add(r->plan.home);
                    needs.add(r->plan.copy);
                } else {
                    mine.stored = true;
                    latest = std::min(latest, r->plan.home - 1);
                }
            }
        }
    // What is left pending is so for one plan.
    bool once = !e.passed && reach_ != Reach::thoroughly;
    bool waiting = held ? read_on && mine.weight <= cheap(e).passed : mine.weight <= cheap(e).left;
    if (waits && !(once && waiting)) mine.stored = true;
    if (needs.first > mine.home && needs.first <= latest) {
        if (!is_better_here(e, needs.first) && has_room(needs.first, e)) move(e, needs.first);
        else mine.stored = true;
    }
    if (!mine.stored && needs.second >= 0) {
        bool again = !needs.more && !waits && !e.passed && mine.weight <= cheap(e).copied;
        if (again && has_room(needs.second, e)) {
            mine.copy = needs.second;
            enter(mine.copy, e);
        } else {
            mine.stored = true;
        }
    }
    if (!mine.stored && needs.first >= 0 && needs.first != mine.home) mine.stored = true;
    mine.over = mine.stored || !waits;
    Part& part = parts_[static_cast<size_t>(mine.home)];
    mine.next = std::exchange(part.first, &e);
}

void Plan::move(Expression& e, int32_t to) {
    parts_[static_cast<size_t>(e.plan.home)].steps -= e.instructions();
    enter(to, e);
    e.plan.home = to;
}

// Whether a reader of memory, or null, has read it once this program has run.
bool Plan::is_done(const Expression* e, int32_t program) const {
    return has(e) && e->plan.over && std::max(e->plan.home, e->plan.copy) <= program;
}

// The value that writes in place have led to this one from, and that lies in memory.
Buffer* Plan::replaced_by(const Expression* e) const {
    while (e && e->overwrites()) {
        Buffer* b = nullptr;
        for (const Expression::Input& input : e->inputs)
            if (input.array.buffer && input.array.buffer.get() == e->replaced) b = input.array.buffer.get();
        if (!b || !b->is_pending()) return b;
        e = b->holders() ? nullptr : b->expression();
    }
    return nullptr;
}

// The old value whose memory a write in place takes over: nobody holds it, all who read it are done with this
// program, and the program reads it in order.
Buffer* Plan::donor(const Fused& program, const Fused::Output& output, int32_t number) const {
    Buffer* b = replaced_by(output.expression);
    if (!b || !b->is_cached() || b->is_shared() || b->holders() ||
        b->bytes() != output.expression->result->bytes())
        return nullptr;
    for (const Expression* r : b->readers())
        if (!is_done(r, number)) return nullptr;
    for (const Fused::Operand& operand : program.operands) {
        const Array& a = *operand.array;
        if (a.buffer.get() != b) continue;
        // Each element is read where it is written.
        bool in_place = operand.way == Fused::Operand::AsItLies && a.offset == 0 &&
                        item_size(a.dtype) == item_size(output.dtype);
        if (!in_place) return nullptr;
        for (const Fused::Output& o : program.outputs)
            if (o.value == operand.value) return nullptr;
    }
    return b;
}

bool Plan::has_outputs(const Part& part) const {
    for (const Expression* e = part.first; e; e = e->plan.next)
        if (e->plan.stored) return true;
    return false;
}

bool Plan::is_summed(const Expression& e) const {
    if (!sum_) return false;
    return std::any_of(sum_->parts.begin(), sum_->parts.end(),
                       [&](const RowSum::Part& part) { return part.value == e.result; });
}

// Whether one program computes all parts, row after row, and nobody wants one of them afterwards.
bool Plan::can_sum() const {
    const int32_t home = sum_->parts[0].value->expression()->plan.home;
    const int64_t row = parts_[static_cast<size_t>(home)].row;
    if (sum_->rows() < 2 || (row && row != sum_->length)) return false;
    for (const RowSum::Part& part : sum_->parts) {
        const Expression& e = *part.value->expression();
        if (e.is_reduction() || e.overwrites() || e.plan.home != home || part.value->holders() != 1 ||
            e.dtype != sum_->whole.dtype || !adding_rows(e.dtype) || !e.layout->is_contiguous() ||
            e.numel() != sum_->rows() * sum_->length)
            return false;
        for (const Expression* r : part.value->readers())
            if (!has(r) || !r->plan.over || r->plan.home != home || r->plan.copy >= 0) return false;
    }
    return true;
}

namespace {

// What takes long may be stopped, and must not write over its operands then.
bool takes_long(const Fused& program, const Work& work) { return work.all(program.n) > kPatience; }

// Whether blocks of a program can be whole rows.
bool goes_by(const Fused& program, int64_t row) {
    if (row > kReductionLeaf || row * static_cast<int64_t>(program.widest()) > kBlockBytes) return false;
    for (const Fused::Output& o : program.outputs)
        if (!o.is_stored() && o.over == Over::all && kReductionLeaf % row != 0) return false;
    return true;
}

}  // namespace

void Plan::build(Fused& program, int32_t number) {
    const Part& part = parts_[static_cast<size_t>(number)];
    bool single = true;  // what had a loop may have moved away
    for (const Expression* e = part.first; e; e = e->plan.next)
        single = single && (e->is_single() || !e->plan.stored);
    program.begin(single ? 1 : part.loop->numel());
    ++last_emission;
    for (Expression* e = part.first; e; e = e->plan.next)
        if (e->plan.stored && !is_summed(*e)) add_output(program, *e, {mark_, number, last_emission});
    if (!sum_ || sum_->parts[0].value->expression()->plan.home != number) return;
    program.sum = sum_;
    for (const RowSum::Part& part : sum_->parts) {
        add_output(program, *part.value->expression(), {mark_, number, last_emission});
        program.outputs.back().added = part.at;
    }
    // What is added to must not be added to again, by a program that was stopped.
    if (goes_by(program, sum_->length) && (sum_->begins || !takes_long(program, work_of(program)))) return;
    sum_ = nullptr;
    build(program, number);
}

// Takes memory for the outputs that have none, runs, and gives the results to their buffers.
void Plan::finish(Fused& program, int32_t number, const Array* target, const Interruptible& scope) {
    Small<Fused::Output*, 8> own;
    Small<Buffer*, 8> donors;
    Array temporary;
    const Expression* wanted = nullptr;
    const Work work = work_of(program);
    const bool stoppable = takes_long(program, work);
    auto discard = [&] {
        for (size_t i = 0; i < own.size(); ++i)
            if (!donors[i]) own[i]->expression->result->discard(own[i]->data);
    };
    try {
        for (Fused::Output& o : program.outputs) {
            wanted = o.expression;
            if (o.added >= 0) continue;
            if (!wanted->result) {
                if (stoppable || !target->layout->is_dense() || overlaps(program, *target))
                    temporary = Array::empty(target->dtype, wanted->layout);
                o.data = temporary.buffer ? temporary.data() : target->data();
                continue;
            }
            Buffer* given = stoppable ? nullptr : donor(program, o, number);
            for (Buffer* taken : donors)
                if (taken == given) given = nullptr;
            o.data = given ? given->data() : o.expression->result->prepare();
            own.push_back(&o);
            donors.push_back(given);
        }
        pb::run(program, work, stoppable ? &scope : nullptr);
    } catch (const Error& error) {
        discard();
        throw_late(error, *wanted);
    } catch (...) {
        discard();
        throw;
    }
    for (Buffer* given : donors)
        if (given) given->surrender();
    Small<Ref<Buffer>, 8> held;
    Small<Expression*, 8> done;
    for (Fused::Output* o : own) {
        held.push_back(Ref<Buffer>(o->expression->result));
        done.push_back(o->expression);
        o->expression->result->settle(o->data);
    }
    for (Expression* e : done) forget_pending(e);
    if (temporary.buffer) copy_array(temporary, *target);
}

double Plan::work() const {
    double sum = 0;
    for (const Expression* e : members_) sum += nanoseconds(*e);
    return sum;
}

// A program as an event: what it consists of is its name, each instruction once.
static std::unique_ptr<Measured> measure(const Fused& program) {
    std::string names;
    size_t count = 0;
    auto add = [&](const std::string& name) {
        if ((" " + names + " ").find(" " + name + " ") != std::string::npos) return;
        if (++count <= 8) names += (names.empty() ? "" : " ") + name;
        else if (count == 9) names += " ...";
    };
    for (const Step& s : program.steps)
        add(s.converts() ? std::string("to_") + dtype_name(program.type(s.out))
                         : primitive_info(s.primitive).name);
    for (const Fused::Output& o : program.outputs)
        if (!o.is_stored()) add(reduction_name(o.reduction));
    auto measured =
        std::make_unique<Measured>(Event::Program, "program: " + (names.empty() ? "copy" : names));
    measured->event()->shapes = {{program.n}};
    measured->event()->text = describe(program);
    return measured;
}

void Plan::run(const Array* target) {
    Interruptible scope(work());
    for (size_t i = 0; i < parts_.size(); ++i) {
        for (Expression* e = parts_[i].first; e; e = e->plan.next)
            if (!e->plan.over) e->passed = true;
        if (!has_outputs(parts_[i])) continue;
        if (scope.interrupted()) throw Interrupted();
        auto number = static_cast<int32_t>(i);
        build(scratch, number);
        ++counters.runs;
        counters.executed += scratch.steps.size();
        for (const Fused::Output& o : scratch.outputs) counters.executed += !o.is_stored();
        std::unique_ptr<Measured> measured;
        if (profile) measured = measure(scratch);
        link_up(scratch);
        finish(scratch, number, target, scope);
        summed_ = summed_ || scratch.sum;
    }
}

std::string Plan::describe(bool code) {
    std::string text;
    for (size_t i = 0; i < parts_.size(); ++i) {
        if (!has_outputs(parts_[i])) continue;
        Fused program;
        build(program, static_cast<int32_t>(i));
        link_up(program);
        text += (text.empty() ? "" : "\n") + pb::describe(program, code);
    }
    return text;
}

}  // namespace pb
