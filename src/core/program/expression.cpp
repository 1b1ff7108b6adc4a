#include "program/expression.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "array/error.h"
#include "program/fuse.h"

namespace pb {

namespace {

constexpr uint32_t kMostInstructions = 256;          // that one expression may take
constexpr int64_t kSited = int64_t(16) << 20;        // bytes of results that remember their line
constexpr size_t kMostPending = 1024;                // expressions
constexpr size_t kMostOrphaned = size_t(128) << 20;  // bytes that only expressions keep alive

int64_t from_environment(const char* name, int64_t otherwise) {
    const char* text = std::getenv(name);
    return text && *text ? std::atoll(text) : otherwise;
}

// All pending expressions, from the oldest to the newest.
Expression *oldest = nullptr, *newest = nullptr;
size_t count = 0;
uint32_t last_mark = 0;

void link(Expression& e) {
    e.older = newest;
    (newest ? newest->newer : oldest) = &e;
    newest = &e;
    ++count;
}
void unlink(Expression& e) {
    (e.older ? e.older->newer : oldest) = e.newer;
    (e.newer ? e.newer->older : newest) = e.older;
    --count;
}

void add_reader(const Array& a, Expression* e) {
    if (a.buffer && a.buffer->is_cached()) a.buffer->readers().push_back(e);
}
void remove_reader(const Array& a, Expression* e) {
    if (!a.buffer || !a.buffer->is_cached()) return;
    Readers& readers = a.buffer->readers();
    for (size_t i = 0; i < readers.size(); ++i)
        if (readers[i] == e) {
            readers.erase(i);
            return;
        }
}

Expression* pending_in(const Expression::Input& input) {
    return input.array.buffer && input.array.buffer->is_pending() ? input.array.buffer->expression()
                                                                  : nullptr;
}

// One element seen many times.
bool is_repeated(const Layout& l) {
    for (int64_t d = 0; d < l.ndim(); ++d)
        if (l.size(d) > 1 && l.stride(d) != 0) return false;
    return true;
}

void take_input(Expression& e, const Source& source) {
    Expression::Input input;
    if (!source.array) {
        input.number = source.scalar;
        e.inputs.push_back(std::move(input));
        return;
    }
    Array a = *source.array;
    if (a.numel() > 1 && is_repeated(*a.layout)) a = a.view(Layout::scalar(), a.offset);
    if (a.buffer->is_pending()) {
        input.array = std::move(a);
    } else if (a.numel() == 1) {
        input.number = Scalar::load(a.dtype, a.data());
        input.array.dtype = a.dtype;
    } else if (a.bytes() <= kCopied) {
        input.array = Array::empty(a.dtype, a.layout->dims());
        copy_array(a, input.array);
    } else if (!a.buffer->is_cached()) {
        // Few elements seen often: the memory is copied as it is.
        input.array = a;
        input.array.buffer = Buffer::allocate(a.buffer->bytes());
        std::memcpy(input.array.buffer->data(), a.buffer->data(), a.buffer->bytes());
    } else {
        input.array = std::move(a);
    }
    add_reader(input.array, &e);
    e.inputs.push_back(std::move(input));
}

void forget(Expression* e) {
    if (e->result) unlink(*e);
    if (e->site.code) sites.forget(e->site);
    for (Expression::Input& input : e->inputs) remove_reader(input.array, e);
    e->~Expression();
    pool_free(e, sizeof(Expression));
}

// ---- plans: what runs together ----

using Members = Small<Expression*, 32>;

// One program that is being put together.
class Plan {
  public:
    // Values of other loops that are pending too are loads of the program, and have to run before it.
    explicit Plan(bool dry = false) : dry_(dry), mark_(++last_mark) {}

    // Adds an expression and what it is computed from; false, and nothing added, when a value of another loop has to
    // run first (`blocker`).
    bool add(Expression* e) {
        size_t before = members.size();
        if (collect(e)) return true;
        while (members.size() > before) {
            members.back()->mark = 0;
            members.pop_back();
        }
        return false;
    }

    // Adds what shares a part with the members and is worth having: reductions, and what somebody holds.
    void add_companions(const Expression& like) {
        std::vector<Expression*> seen;
        row_ = like.row;
        for (size_t i = 0; i < members.size() && steps_ < kMostSteps; ++i) climb(members[i], like, seen);
        for (size_t i = 0; i < seen.size() && steps_ < kMostSteps; ++i) climb(seen[i], like, seen);
    }

    bool has(const Expression* e) const { return e->mark == mark_; }
    // Whether what reads it here, if anything does, only reduces it.
    bool is_only_reduced(const Expression* e) const {
        if (!e->result) return true;
        for (const Expression* r : e->result->readers())
            if (has(r) && !r->is_reduction()) return false;
        return true;
    }

    Members members;
    Small<Buffer*, 4> blockers;

  private:
    static constexpr size_t kMostSteps = 2048;

    bool collect(Expression* e) {
        if (has(e)) return true;
        e->mark = mark_;
        e->value = -1;
        members.push_back(e);
        steps_ += e->instructions();
        for (Expression::Input& input : e->inputs) {
            Expression* p = pending_in(input);
            if (!p) continue;
            if (is_inline(input, *e)) {
                if (!collect(p)) return false;
            } else {
                blockers.push_back(input.array.buffer.get());
                if (!dry_) return false;
            }
        }
        return true;
    }

    void climb(Expression* e, const Expression& like, std::vector<Expression*>& seen) {
        if (!e->result) return;
        for (size_t i = 0; i < e->result->readers().size(); ++i) {
            Expression* r = e->result->readers()[i];
            if (has(r) || !r->result || std::find(seen.begin(), seen.end(), r) != seen.end()) continue;
            seen.push_back(r);
            bool together =
                r->numel() == like.numel() &&
                (like.layout->is_contiguous() ? r->layout->is_contiguous() : r->layout->same(*like.layout));
            if (!together || !(r->is_reduction() || r->is_held())) continue;
            // Programs are cut where rows end: of one length.
            if (r->row && row_ && r->row != row_) continue;
            size_t blocked = blockers.size();
            bool dry = std::exchange(dry_, false);
            if (add(r) && r->row) row_ = r->row;
            dry_ = dry;
            while (blockers.size() > blocked) blockers.pop_back();
        }
    }

    bool dry_;
    uint32_t mark_;
    size_t steps_ = 0;
    int64_t row_ = 0;
};

// Scratch of the program that is being built and run; there is one at a time, because a plan runs what blocks it
// before it builds.
Fused scratch;

// Which members leave the program: what was asked for, reductions, what somebody holds and members at most reduce, and
// what is met for the second time.
bool leaves(const Plan& plan, const Expression* e, const Expression* asked, const Buffer* consumed) {
    if (e->result && e->result == consumed) return false;
    if (e == asked || e->is_reduction()) return true;
    return e->is_held() && (e->overwrites || e->computed > 0 || plan.is_only_reduced(e));
}

void add_output(Fused& program, Expression* e) {
    if (e->is_reduction()) {
        int16_t value = emit(program, *e);
        program.outputs.push_back({value, e->dtype, nullptr, e, e->reduction, e->over, e->row});
        return;
    }
    int16_t value = emit_cast(program, emit(program, *e), e->dtype);
    program.outputs.push_back({value, e->dtype, nullptr, e});
}

// Whether an expression is over once the outputs are there: it is one, or is read by nothing else.
bool ends_with(const Fused& program, const Expression* e) {
    if (!e->result) return false;
    for (const Fused::Output& o : program.outputs)
        if (o.expression == e) return true;
    if (e->is_held() || e->result->readers().empty()) return false;
    for (const Expression* r : e->result->readers())
        if (!ends_with(program, r)) return false;
    return true;
}

// The value that writes in place have led to this one from, and that lies in memory.
Buffer* replaced_by(const Expression* e) {
    while (e && e->overwrites) {
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
Buffer* donor(const Fused& program, const Fused::Output& output) {
    Buffer* b = replaced_by(output.expression);
    if (!b || !b->is_cached() || b->is_shared() || b->is_pinned() || b->holders() ||
        b->bytes() != output.expression->result->bytes())
        return nullptr;
    for (const Expression* r : b->readers())
        if (!ends_with(program, r)) return nullptr;
    for (size_t v = 0; v < program.values.size(); ++v) {
        const Fused::Value& value = program.values[v];
        if (!value.is_load() || program.loads[static_cast<size_t>(value.at)].array->buffer.get() != b)
            continue;
        if (value.kind != Fused::Value::Linear) return nullptr;
        for (const Fused::Output& o : program.outputs)
            if (o.value == static_cast<int16_t>(v)) return nullptr;
    }
    return b;
}

// An error that comes later than the call that it belongs to.
[[noreturn]] void throw_late(const Error& error, const Expression& asked) {
    if (error.kind != ErrorKind::OutOfMemory) throw error;
    std::string line = sites.describe(asked.site);
    throw Error(error.kind, std::string(error.what()) + " It was needed for a pending value, " +
                                dtype_name(asked.dtype) + shape_text(*asked.layout) +
                                (line.empty() ? "" : " of " + line) +
                                ", which is computed where it is looked at. With PULLBACK_IMMEDIATE=1 in the "
                                "environment everything is computed where it is called.");
}

// Takes memory for the outputs that have none, runs, and gives the results to their buffers.
void finish(Fused& program, const Plan& plan) {
    Small<Fused::Output*, 8> own;
    Small<Buffer*, 8> donors;
    auto discard = [&] {
        for (size_t i = 0; i < own.size(); ++i)
            if (!donors[i]) own[i]->expression->result->discard(own[i]->data);
    };
    try {
        for (Fused::Output& o : program.outputs) {
            if (o.data) continue;
            Buffer* given = donor(program, o);
            for (Buffer* taken : donors)
                if (taken == given) given = nullptr;
            o.data = given ? given->data() : o.expression->result->prepare();
            own.push_back(&o);
            donors.push_back(given);
        }
        run(program);
    } catch (const Error& error) {
        discard();
        throw_late(error, *program.outputs.back().expression);
    } catch (...) {
        discard();
        throw;
    }
    for (Buffer* given : donors)
        if (given) given->surrender();
    for (Expression* e : plan.members)
        if (e->computed < 2) ++e->computed;
    Small<Ref<Buffer>, 8> held;  // until all are settled: freeing one expression may free another's value
    Small<Expression*, 8> done;
    for (Fused::Output* o : own) {
        held.push_back(Ref<Buffer>(o->expression->result));
        done.push_back(o->expression);
        o->expression->result->settle(o->data);
    }
    for (Expression* e : done) forget(e);
}

// `consumed`, if any, nobody will look at.
void build(Fused& program, const Plan& plan, Expression* asked, const Buffer* consumed = nullptr) {
    program.clear();
    program.n = asked->numel();
    for (Expression* e : plan.members)
        if (leaves(plan, e, asked, consumed) && e != asked) add_output(program, e);
    add_output(program, asked);
    link_up(program);
}

void compute(Buffer& b) {
    Ref<Buffer> alive(&b);
    while (b.is_pending()) {
        Expression* e = b.expression();
        Plan plan;
        if (!plan.add(e)) {
            compute(*plan.blockers[0]);
            continue;
        }
        plan.add_companions(*e);
        build(scratch, plan, e);
        finish(scratch, plan);
    }
}

// What is computed last from an expression: running it runs the expression too.
Expression* top(Expression* e) {
    while (!e->result->readers().empty() && e->result->readers()[0]->result) e = e->result->readers()[0];
    return e;
}

// The exact number of instructions, each expression once.
uint32_t count_instructions(Expression& e, uint32_t mark) {
    if (e.mark == mark) return 0;
    e.mark = mark;
    auto n = static_cast<uint32_t>(e.instructions());
    for (Expression::Input& input : e.inputs)
        if (Expression* p = pending_in(input)) n += count_instructions(*p, mark);
    return n;
}

void bound_instructions(Expression& e) {
    e.cost = static_cast<uint32_t>(e.instructions());
    for (Expression::Input& input : e.inputs)
        if (Expression* p = pending_in(input)) e.cost += p->cost;
    if (e.cost <= kMostInstructions) return;
    e.cost = count_instructions(e, ++last_mark);
    if (e.cost <= kMostInstructions) return;
    for (Expression::Input& input : e.inputs)
        if (pending_in(input)) input.array.buffer->data();
    e.cost = static_cast<uint32_t>(e.instructions());
}

// Bytes that nobody but expressions holds; each buffer counts with its first reader.
size_t orphaned_bytes() {
    size_t bytes = 0;
    for (Expression* e = oldest; e; e = e->newer)
        for (Expression::Input& input : e->inputs) {
            const Ref<Buffer>& b = input.array.buffer;
            if (b && b->is_cached() && !b->is_pending() && b->readers()[0] == e && b->holders() == 0)
                bytes += b->bytes();
        }
    return bytes;
}

void bound_pending() {
    static uint32_t created = 0;
    while (count > kMostPending) compute(*top(oldest)->result);
    if (++created % 16) return;
    while (oldest && orphaned_bytes() > kMostOrphaned) compute(*top(oldest)->result);
}

Expression* make(const Lowered* program, const Source* inputs, int n, const Ref<Layout>& layout,
                 DType dtype) {
    auto* e = new (pool_alloc(sizeof(Expression))) Expression;
    e->result = nullptr;
    e->program = program;
    e->dtype = dtype;
    e->layout = layout;
    try {
        for (int i = 0; i < n; ++i) take_input(*e, inputs[i]);
        if (layout->numel() * static_cast<int64_t>(item_size(dtype)) >= kSited) e->site = sites.here();
        bound_instructions(*e);
    } catch (...) {
        forget(e);
        throw;
    }
    return e;
}

Array adopt(Expression* e, const Ref<Layout>& layout) {
    Array a;
    a.buffer = Buffer::pending(static_cast<size_t>(layout->numel()) * item_size(e->dtype), e);
    a.layout = layout;
    a.dtype = e->dtype;
    e->result = a.buffer.get();
    link(*e);
    bound_pending();
    return a;
}

struct Installed {
    Installed() {
        compute_pending = compute;
        forget_pending = forget;
    }
} installed;

}  // namespace

Deferral deferral = {from_environment("PULLBACK_IMMEDIATE", 0) != 0,
                     std::max<int64_t>(from_environment("PULLBACK_DEFER_FROM", 4096), 1)};

bool is_deferred(const Source* inputs, int n, const Layout& layout) {
    if (deferral.immediate || layout.numel() == 0) return false;
    bool large = layout.numel() >= deferral.from, pending = false;
    for (int i = 0; i < n; ++i) {
        const Array* a = inputs[i].array;
        if (!a) continue;
        if (a->buffer->is_pending()) {
            pending = true;
            // A part of something larger: it has to have its bytes anyway.
            if (!large && a->bytes() != a->buffer->bytes()) return false;
        } else if (a->buffer->is_shared() && a->bytes() > kCopied && !is_repeated(*a->layout)) {
            return false;
        }
    }
    return large || pending;
}

Array defer(const Lowered& program, int output, const Source* inputs, const Ref<Layout>& layout,
            DType dtype) {
    Expression* e = make(&program, inputs, program.inputs, layout, dtype);
    e->output = static_cast<int16_t>(output);
    return adopt(e, layout);
}

bool can_replace(const Array& target) {
    const Buffer& b = *target.buffer;
    return !deferral.immediate && target.numel() >= deferral.from && target.offset == 0 &&
           target.layout->is_dense() && b.is_cached() && !b.is_shared() && !b.is_pinned() &&
           b.bytes() == target.bytes() && b.holders() == 2;  // the cell, and `target`
}

Array defer_over(const Lowered& program, const Source* inputs, const Array& target) {
    Expression* e = make(&program, inputs, program.inputs, target.layout, target.dtype);
    e->overwrites = true;
    e->replaced = target.buffer.get();
    return adopt(e, target.layout);
}

Array defer_reduction(Reduction r, const Array& a, const Ref<Layout>& result, Over over, int64_t row) {
    Source input{&a, {}};
    Ref<Layout> loop = a.is_contiguous() ? a.layout : Layout::contiguous(a.layout->dims());
    Expression* e = make(nullptr, &input, 1, loop, reduction_dtype(r, a.dtype));
    e->reduction = r;
    e->over = over;
    e->row = row;
    return adopt(e, result);
}

Array defer_cast(const Array& a, DType dtype, const Ref<Layout>& layout) {
    static Program identity;
    identity.inputs = 1;
    identity.outputs = {0};
    Source input{&a, {}};
    return defer(lower(identity, a.dtype), 0, &input, layout, dtype);
}

void before_write(const Array& target) {
    if (target.buffer->is_pending()) target.data();
    while (target.buffer->has_readers()) compute(*top(target.buffer->readers()[0])->result);
}

namespace {

// Whether `r` is computed for `e` alone, so that it may still read what `e` overwrites.
bool belongs_to(const Expression* r, const Expression* e, const Buffer* consumed) {
    if (r == e) return true;
    if (!r->result || r->result->holders() > (r->result == consumed ? 2u : 0u)) return false;
    for (const Expression* q : r->result->readers())
        if (!belongs_to(q, e, consumed)) return false;
    return true;
}

void run_other_readers(const Array& target, Expression* e, const Buffer* consumed) {
    Readers& readers = target.buffer->readers();
    for (size_t i = 0; i < readers.size();) {
        Expression* r = readers[i];
        if (belongs_to(r, e, consumed)) {
            ++i;
            continue;
        }
        Expression* t = top(r);
        compute(*t->result);
        i = 0;
    }
}

// Whether the program reads the target's memory at other places than it writes.
bool overlaps(const Fused& program, const Array& target) {
    for (const Fused::Value& v : program.values) {
        if (!v.is_load()) continue;
        const Array& a = *program.loads[static_cast<size_t>(v.at)].array;
        if (a.buffer == target.buffer &&
            (v.kind != Fused::Value::Linear || a.offset != target.offset || a.dtype != target.dtype))
            return true;
    }
    return false;
}

struct Forget {
    Expression* e;
    ~Forget() { forget(e); }
};

}  // namespace

void compute_over(const Lowered& program, const Source* inputs, const Array& target, const Buffer* consumed) {
    bool dense = target.layout->is_dense();
    Ref<Layout> loop = dense ? target.layout : Layout::contiguous(target.layout->dims());
    target.data();  // a pending target gets its bytes first
    Expression* e = make(&program, inputs, program.inputs, loop, target.dtype);
    Forget end{e};
    if (target.buffer->is_cached()) run_other_readers(target, e, consumed);
    Plan plan;
    while (!plan.add(e)) {
        Buffer* b = plan.blockers[0];
        compute(*b);
        plan = Plan();
    }
    Fused& fused = scratch;
    build(fused, plan, e, consumed);
    Array temporary;
    if (!dense || overlaps(fused, target)) temporary = Array::empty(target.dtype, loop);
    fused.outputs.back().data = temporary.buffer ? temporary.data() : target.data();
    // What still reads the old value belongs to this expression alone; nobody will look at it again.
    finish(fused, plan);
    if (temporary.buffer) copy_array(temporary, target);
}

void synchronize() {
    while (oldest) compute(*top(oldest)->result);
}

size_t pending_count() { return count; }

std::string explain(const Array& a) {
    if (!a.buffer->is_pending()) return "";
    Expression* e = a.buffer->expression();
    Plan plan(true);
    plan.add(e);
    std::string before;
    for (Buffer* b : plan.blockers) {
        Array first;
        first.buffer = Ref<Buffer>(b);
        before += explain(first) + "\n";
    }
    plan.add_companions(*e);
    Fused program;
    build(program, plan, e);
    return before + describe(program);
}

}  // namespace pb
