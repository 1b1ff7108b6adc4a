#include "program/expression.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "array/error.h"
#include "program/interrupt.h"
#include "program/plan.h"
#include "program/profile.h"

namespace pb {

namespace {

constexpr int64_t kSited = int64_t(16) << 20;  // bytes of results that remember their line
constexpr size_t kMostPending = 1024;          // expressions
// Bytes that only expressions keep alive: a few of the largest results, within these bounds. Less would part what runs
// best together; more would fall out of the caches before it is read.
constexpr size_t kFewOrphaned = 2, kLeastOrphaned = size_t(4) << 20, kMostOrphaned = size_t(128) << 20;

// What is small, and computed from something pending, costs more as an expression than at the call. All of it together
// may cost a part of what large expressions take, in nanoseconds; beyond that it is computed at the call, as everything
// that it takes is. A program may begin with some.
constexpr double kSmallCost = 200, kShare = 0.15, kMostCredit = 1e5;
double credit = kMostCredit;

int64_t from_environment(const char* name, int64_t otherwise) {
    const char* text = std::getenv(name);
    return text && *text ? std::atoll(text) : otherwise;
}

// All pending expressions, from the oldest to the newest.
Expression *oldest = nullptr, *newest = nullptr;
size_t count = 0;
size_t largest = 0;  // bytes of a result, since nothing was pending
uint64_t last_number = 0;

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

// One element seen many times.
bool is_repeated(const Layout& l) {
    for (int64_t d = 0; d < l.ndim(); ++d)
        if (l.size(d) > 1 && l.stride(d) != 0) return false;
    return true;
}

// Whether the widest of what is read and written for so many elements is large.
bool is_large(const Source* inputs, int n, const Layout& layout, DType result) {
    DType widest = result;
    for (int i = 0; i < n; ++i) {
        const Array* a = inputs[i].array;
        if (a && a->numel() == layout.numel() && item_size(a->dtype) > item_size(widest)) widest = a->dtype;
    }
    return is_large(layout.numel(), widest);
}

// Whether `reader` takes the elements of a pending value as it goes through its own, or one for all.
bool is_in_order(const Array& a, const Expression& p, const Expression& reader) {
    if (p.is_reduction() || a.offset != 0 || a.dtype != p.dtype) return false;
    if (p.is_single()) return true;
    if (a.numel() != p.numel() || a.numel() != reader.numel()) return false;
    if (a.is_contiguous() && p.layout->is_contiguous() && reader.layout->is_contiguous()) return true;
    return a.layout->same(*p.layout) && reader.layout->same(*p.layout);
}

void take_input(Expression& e, const Source& source) {
    e.inputs.push_back({});
    Expression::Input& input = e.inputs.back();
    if (!source.array) {
        input.number = source.scalar;
        return;
    }
    Array a = *source.array;
    if (!a.is_contiguous() && is_repeated(*a.layout)) a = a.view(Layout::scalar(), a.offset);
    if (a.buffer->is_pending()) {
        input.in_order = is_in_order(a, *a.buffer->expression(), e);
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
    if (input.array.buffer) input.array.buffer->add_reader(&e);
}

// An expression that goes may be the last that holds another one's result: those wait for their turn.
void forget(Expression* e) {
    static std::vector<Expression*> gone;
    static bool busy = false;
    gone.push_back(e);
    if (std::exchange(busy, true)) return;
    while (!gone.empty()) {
        e = gone.back();
        gone.pop_back();
        if (e->result) unlink(*e);
        if (e->site.code) sites.forget(e->site);
        for (Expression::Input& input : e->inputs) {
            Buffer* b = input.array.buffer.get();
            if (b && b == e->replaced) b->replace(false);
            if (b) b->remove_reader(e);
        }
        e->~Expression();
        pool_free(e, sizeof(Expression));
    }
    busy = false;
}

// Instructions: those of the program, and conversions of operands and result.
uint64_t count_instructions(const Expression& e) {
    if (!e.program) return 1;
    const Lowered& l = *e.program;
    uint64_t n = e.instructions() + (l.type(l.outputs[static_cast<size_t>(e.output)]) != e.dtype);
    for (size_t i = 0; i < e.inputs.size(); ++i)
        n += e.inputs[i].array.dtype != l.type(static_cast<int16_t>(i));
    return n;
}

// What takes about as long as planning for it: nanoseconds.
constexpr double kAtOnce = 10'000;

// Computes what is connected with nothing that is pending, and is short, without a plan. False where it is not so.
bool compute_at_once(Expression& e) {
    const bool simple = e.program && e.program->outputs.size() == 1 && !e.overwrites() && !profile;
    if (!simple || nanoseconds(e) > kAtOnce || !e.result->readers().empty()) return false;
    Small<Source, 3> sources;
    for (const Expression::Input& input : e.inputs) {
        if (input.is_number()) {
            sources.push_back({nullptr, input.number});
        } else if (input.array.buffer->is_pending()) {
            return false;
        } else {
            sources.push_back({&input.array, {}});
        }
    }
    Array out;
    out.buffer = Buffer::pending(e.result->bytes(), nullptr);
    out.buffer->settle(out.buffer->prepare());
    out.layout = e.layout;
    out.dtype = e.dtype;
    execute(*e.program, sources.data(), &out, *e.layout);
    ++counters.runs, ++counters.visits;
    counters.executed += count_instructions(e);
    e.result->settle(out.buffer->surrender());
    forget(&e);
    return true;
}

// Where memory is too short for everything that is connected with a value, the value itself may still fit.
void compute(Buffer& b) {
    Ref<Buffer> alive(&b);
    with_interrupts([&] {
        if (!b.is_pending()) return;
        try {
            if (!compute_at_once(*b.expression())) Plan({b.expression()}, Plan::Reach::connected).run();
        } catch (const Error& error) {
            if (error.kind != ErrorKind::OutOfMemory) throw;
            if (b.is_pending()) Plan({b.expression()}, Plan::Reach::needed).run();
        }
    });
}

// Runs the oldest expressions, and all that is connected with them.
void compute_oldest(size_t n) {
    with_interrupts([n] {
        Plan::Seeds seeds;
        for (Expression* e = oldest; e && seeds.size() < n; e = e->newer) seeds.push_back(e);
        if (!seeds.empty()) Plan(seeds, Plan::Reach::thoroughly).run();
    });
}

// A result of so many bytes is new. Computed at the call it would have kept its operands alive, too: a couple of its size
// are nothing special.
void bound_pending(size_t bytes) {
    if (count > kMostPending) compute_oldest(kMostPending / 2);
    largest = count == 1 ? bytes : std::max(largest, bytes);
    const size_t most = std::clamp(kFewOrphaned * largest, kLeastOrphaned, kMostOrphaned);
    while (oldest && orphaned_bytes() > most + 2 * bytes) compute_oldest(1);
}

Expression* make(const Lowered* program, int output, const Source* inputs, int n, const Ref<Layout>& layout,
                 DType dtype) {
    auto* e = new (pool_alloc(sizeof(Expression))) Expression;
    e->result = nullptr;
    e->number = ++last_number;
    e->program = program;
    e->output = static_cast<int16_t>(output);
    e->dtype = dtype;
    e->layout = layout;
    try {
        for (int i = 0; i < n; ++i) take_input(*e, inputs[i]);
        if (layout->numel() * static_cast<int64_t>(item_size(dtype)) >= kSited) e->site = sites.here();
        if (is_large(inputs, n, *layout, dtype))
            credit = std::min(credit + kShare * nanoseconds(*e), kMostCredit);
        ++counters.expressions;
        counters.recorded += count_instructions(*e);
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
    bound_pending(a.buffer->bytes());
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
                     std::max<int64_t>(from_environment("PULLBACK_DEFER_FROM", 32768), 1)};

Counters counters;

bool is_deferred(const Source* inputs, int n, const Layout& layout, DType result) {
    if (deferral.immediate || layout.numel() == 0) return false;
    bool large = is_large(inputs, n, layout, result), pending = false;
    for (int i = 0; i < n; ++i) {
        const Array* a = inputs[i].array;
        if (!a) continue;
        if (a->buffer->is_pending()) {
            pending = true;
            // A part of something large: that has to have its bytes anyway.
            if (!large && a->bytes() != a->buffer->bytes() && a->buffer->bytes() > kCopied) return false;
        } else if (a->buffer->is_shared() && a->bytes() > kCopied && !is_repeated(*a->layout)) {
            return false;
        }
    }
    if (large || !pending) return large;
    if (credit < kSmallCost) return false;
    credit -= kSmallCost;
    return true;
}

Array defer(const Lowered& program, int output, const Source* inputs, const Ref<Layout>& layout,
            DType dtype) {
    return adopt(make(&program, output, inputs, program.inputs, layout, dtype), layout);
}

bool can_replace(const Array& target) {
    const Buffer& b = *target.buffer;
    return !deferral.immediate && is_large(target.numel(), target.dtype) && target.offset == 0 &&
           target.layout->is_dense() && b.is_cached() && !b.is_shared() && b.bytes() == target.bytes() &&
           b.holders() == 2;  // the cell, and `target`
}

Array defer_over(const Lowered& program, const Source* inputs, const Array& target) {
    Expression* e = make(&program, 0, inputs, program.inputs, target.layout, target.dtype);
    e->replaced = target.buffer.get();
    for (const Expression::Input& input : e->inputs)
        if (input.array.buffer == target.buffer) target.buffer->replace(true);
    return adopt(e, target.layout);
}

Array defer_reduction(Reduction r, const Array& a, const Ref<Layout>& result, Over over, int64_t row) {
    Source input{&a, {}};
    Ref<Layout> loop = a.is_contiguous() ? a.layout : Layout::contiguous(a.layout->dims());
    Expression* e = make(nullptr, 0, &input, 1, loop, reduction_dtype(r, a.dtype));
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

namespace {

// Runs all that reads a target's memory and is not reserved.
void run_readers(const Array& target) {
    auto left = [&] {
        Plan::Seeds seeds;
        for (Expression* r : target.buffer->readers())
            if (!r->reserved) seeds.push_back(r);
        return seeds;
    };
    if (!target.buffer->has_readers() || left().empty()) return;
    try {
        Plan(left(), Plan::Reach::thoroughly).run();
    } catch (const Error& error) {
        if (error.kind != ErrorKind::OutOfMemory) throw;
        for (Plan::Seeds seeds = left(); !seeds.empty(); seeds = left())
            Plan({seeds[0]}, Plan::Reach::needed).run();
    }
}

}  // namespace

void before_write(const Array& target) {
    if (target.buffer->is_pending()) target.data();
    with_interrupts([&] { run_readers(target); });
}

namespace {

// Finds the expressions that are computed for `e` alone: they may still read what `e` overwrites, and wait for it.
class Reserved {
  public:
    Reserved(Expression& e, const Buffer* consumed) {
        add(&e);
        for (size_t i = 0; i < all_.size(); ++i)
            for (const Expression::Input& input : all_[i]->inputs)
                if (Expression* p = pending_in(input); p && !p->reserved) add(p);
        counters.visits += all_.size();
        std::sort(all_.begin(), all_.end(), [](auto* a, auto* b) { return a->number > b->number; });
        for (Expression* p : all_) p->reserved = p == &e || is_alone(*p, consumed);
        auto others = std::remove_if(all_.begin(), all_.end(), [](auto* p) { return !p->reserved; });
        all_.erase(others, all_.end());  // they may be gone before this is
    }
    Reserved(const Reserved&) = delete;
    ~Reserved() {
        for (Expression* p : all_) p->reserved = false;
    }

  private:
    // Whether only reserved ones read it; younger ones are settled by then.
    static bool is_alone(const Expression& p, const Buffer* consumed) {
        if (p.result->holders() > (p.result == consumed ? 2u : 0u)) return false;
        for (const Expression* r : p.result->readers())
            if (!r->reserved) return false;
        return true;
    }
    void add(Expression* p) {
        all_.push_back(p);
        p->reserved = true;
    }
    std::vector<Expression*> all_;
};

void run_other_readers(const Array& target, Expression& e, const Buffer* consumed) {
    const Readers& readers = target.buffer->readers();
    if (std::all_of(readers.begin(), readers.end(), [&](auto* r) { return r == &e; })) return;
    Reserved reserved(e, consumed);
    run_readers(target);
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
    Expression* e = make(&program, 0, inputs, program.inputs, loop, target.dtype);
    Forget end{e};
    with_interrupts([&] {
        if (target.buffer->is_cached()) run_other_readers(target, *e, consumed);
        // What still reads the old value belongs to this expression alone; nobody will look at it again. The program that
        // writes is the last of its plan: whatever goes wrong, or is stopped, leaves the target as it was.
        Plan({e}, Plan::Reach::needed, consumed).run(&target);
    });
}

void compute_alone(Buffer& whole) {
    Ref<Buffer> alive(&whole);
    with_interrupts([&] {
        if (whole.is_pending()) Plan({whole.expression()}, Plan::Reach::needed).run();
    });
}

bool sum_rows(const RowSum& sum) {
    bool summed = false;
    with_interrupts([&] {
        if (summed) return;
        Plan::Seeds seeds;
        for (const RowSum::Part& part : sum.parts)
            if (part.value->is_pending()) seeds.push_back(part.value->expression());
        if (seeds.empty()) return;
        Plan plan(seeds, Plan::Reach::connected, nullptr, seeds.size() == sum.parts.size() ? &sum : nullptr);
        try {
            plan.run();
        } catch (const Interrupted&) {
            summed = plan.summed();
            throw;
        } catch (const Error& error) {  // without the others there may be memory enough
            if (error.kind != ErrorKind::OutOfMemory) throw;
        }
        summed = plan.summed();
    });
    return summed;
}

void synchronize() {
    while (oldest) compute_oldest(count);
}

size_t pending_count() { return count; }

std::string explain(const Array& a, bool code) {
    if (!a.buffer->is_pending()) return "";
    Counters before = counters;
    std::string text = Plan({a.buffer->expression()}, Plan::Reach::connected).describe(code);
    counters = before;
    return text;
}

}  // namespace pb
