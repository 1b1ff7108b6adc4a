// Expression: a pending elementwise value, or a pending reduction of one.
//
// Large elementwise work is not done at the call. The result's buffer is pending and owns an expression: a lowered
// program and its operands, arrays (which may be pending themselves) and numbers. Operands are values that never
// change: small ones are copied, shared memory is never deferred, and a buffer lists the expressions that read it,
// so that whoever writes into it runs those first (`before_write`).
//
// Whoever asks a pending buffer for its bytes runs it (`compute_pending`), and with it all that is connected with it:
// what it is computed from, and what is computed from that. plan.h says in which programs, and what they store.
//
// A write in place over a whole value is pending too: the cell gets a new value, what still reads the old one keeps it,
// and if nothing does the new one is written over its memory.
//
// Two bounds keep the pending from growing without end: the number of expressions, and the bytes that nothing but
// expressions keeps alive. Beyond them the oldest run, and are stored. A third keeps it cheap: what is small is pending
// within a share of the large work. Nothing here recurses: a pending value may be thousands of expressions deep.
#pragma once
#include <string>

#include "kernels/reduce.h"
#include "program/program.h"
#include "program/site.h"

namespace pb {

// What a reduction goes over: everything; the trailing axes, which gives a result for each row; or the leading ones,
// which gives as many results as a row has elements.
enum class Over : uint8_t { all, trailing, leading };

struct Expression {
    // An operand: an array, or a number (an array without a buffer, which tells the dtype it had).
    struct Input {
        Array array;
        Scalar number;
        bool in_order =
            false;  // a pending value of the reader's own loop, element by element, or a single one
        bool is_number() const { return !array.buffer; }
    };

    Buffer* result;          // owns this expression; null while an in-place write runs
    const Lowered* program;  // null: a reduction of the only input
    int16_t output = 0;      // which of the program's outputs
    Reduction reduction = Reduction::count;
    Over over = Over::all;
    int64_t row = 0;     // of a reduction over some axes: the elements of a row
    DType dtype;         // of the result
    Ref<Layout> layout;  // of the elements walked: the result's, or what is reduced
    Small<Input, 3> inputs;

    Site site;  // of the call, if the result is so large that there may be no memory for it
    const Buffer* replaced = nullptr;  // the value of a cell whose place it takes; an input, if it is read
    // All pending expressions, by age.
    Expression *older = nullptr, *newer = nullptr;
    uint64_t number = 0;  // in the order of birth: higher than that of every expression it reads

    bool passed = false;    // a plan has computed it in a register, and left it pending
    bool reserved = false;  // for a write in place that is about to run
    struct Planned {
        uint32_t mark = 0;             // which plan
        Expression* family = nullptr;  // the way to the one that stands for those it shares values with
        int32_t latest = -1;           // program that the family of that one is in
        int32_t home = 0;              // number of the program that computes it
        int32_t copy = -1;             // of another that computes it for itself
        uint32_t weight = 0;           // of all that this takes, from memory: an upper bound
        bool stored = false;
        bool over = false;           // nothing will ask for it any more
        bool anchored = false;       // takes what stays in its home
        Expression* next = nullptr;  // in the same program, younger
        uint32_t emitted = 0;        // the program that has it as ...
        int16_t value = 0;           // ... this value
    } plan;

    bool is_reduction() const { return !program; }
    // One element, which any program can compute on the way.
    bool is_single() const { return program && numel() == 1; }
    bool overwrites() const { return replaced; }
    int64_t numel() const { return layout->numel(); }
    size_t instructions() const { return program ? part().steps : 1; }
    uint32_t weight() const { return program ? part().weight : 1; }
    const Lowered::Part& part() const { return program->parts[static_cast<size_t>(output)]; }
    // Whether somebody besides pending expressions holds the result.
    bool is_held() const { return result && result->holders() > 0; }
};

// Of one thread, about.
inline double nanoseconds(const Expression& e) {
    return 0.05 * static_cast<double>(e.weight()) * static_cast<double>(e.numel());
}

struct Deferral {
    bool immediate;  // PULLBACK_IMMEDIATE: everything is computed at the call
    int64_t from;    // bytes from which on results are pending (PULLBACK_DEFER_FROM)
};
extern Deferral deferral;
// Whether so many elements are so large.
inline bool is_large(int64_t n, DType d) { return n * static_cast<int64_t>(item_size(d)) >= deferral.from; }

// Operands of so many bytes are copied: nothing has to protect them.
constexpr size_t kCopied = 512;

// Whether a result of this shape and dtype that is computed from these should be pending. To be asked once for each result.
bool is_deferred(const Source* inputs, int n, const Layout& layout, DType result);

// A pending array: output `output` of a program, or a reduction, where `row` is the number of elements of a row if it
// does not go over everything. `layout` is dense.
Array defer(const Lowered& program, int output, const Source* inputs, const Ref<Layout>& layout, DType dtype);
Array defer_reduction(Reduction r, const Array& a, const Ref<Layout>& result, Over over, int64_t row);
// The longest rows whose reduction over leading axes can end a program: a leaf's lanes are as many rows.
constexpr int64_t kMostColumns = 16 * kReductionLeaf;
// A pending conversion; of a dtype into itself a copy.
Array defer_cast(const Array& a, DType dtype, const Ref<Layout>& layout);

// A pending value that takes the place of `target`, all of a buffer that nothing but one cell and pending expressions
// hold: a write in place that runs later. It will lie in the old value's memory if nobody reads that any more.
bool can_replace(const Array& target);
Array defer_over(const Lowered& program, const Source* inputs, const Array& target);
// Computes output 0 of a program and writes it over `target`, which may be one of the inputs, in one pass where no
// input overlaps it in another order. `consumed`, if any, is an input that nobody will look at again.
void compute_over(const Lowered& program, const Source* inputs, const Array& target, const Buffer* consumed);

// The pending expression that an operand is, if it is one.
inline Expression* pending_in(const Expression::Input& input) {
    const Buffer* b = input.array.buffer.get();
    return b && b->is_pending() ? b->expression() : nullptr;
}

// Runs everything that is pending.
void synchronize();
size_t pending_count();

// Work done so far. What the planner promises of it is said in plan.h.
struct Counters {
    uint64_t expressions = 0;  // made
    uint64_t visits = 0;       // of expressions, by plans
    uint64_t runs = 0;         // of programs
    uint64_t recorded = 0;     // instructions of the expressions made
    uint64_t executed = 0;     // instructions of the programs run
};
extern Counters counters;

// The program that would compute a pending array, as text, and its machine code; empty when its bytes are there.
std::string explain(const Array& a, bool code);

}  // namespace pb
