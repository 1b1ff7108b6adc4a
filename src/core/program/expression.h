// Expression: a pending elementwise value, or a pending reduction of one.
//
// Large elementwise work is not done at the call. The result's buffer is pending and owns an expression: a lowered
// program and its operands, arrays (which may be pending themselves) and numbers. Operands are values that never
// change: small ones are copied, shared memory is never deferred, and a buffer lists the expressions that read it,
// so that whoever writes into it runs those first (`before_write`).
//
// Whoever asks a pending buffer for its bytes runs it (`compute_pending`), and with it, in one program (fuse.h):
//
//   - what it is computed from, as long as that is pending, has as many elements and is read in the same order:
//     such values stay in block registers and are not stored;
//   - every other pending value that shares such a part with it and that somebody still holds: a loss and all its
//     gradients are one pass over memory, whichever of them is looked at first.
//
// A value that was computed in a register once and is met again while somebody still holds it is stored: nothing is
// computed more than twice. A write in place over a whole value is pending too: the cell gets a new value, what
// still reads the old one keeps it, and if nothing does the new one is written over its memory. Three bounds keep the pending from growing without end: instructions of one expression,
// bytes that nothing but expressions keeps alive, and, with them, the depth of every recursion here.
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

    uint32_t cost = 0;     // an upper bound of the instructions that it takes, everything pending included
    uint8_t computed = 0;  // how often it was computed in a register
    bool overwrites =
        false;  // it takes the place of a cell's value: stored by the first program that computes it
    Site site;  // of the call, if the result is so large that there may be no memory for it
    const Buffer* replaced = nullptr;  // which was this one; an input, if it is read
    // State of a plan that is being made.
    uint32_t mark = 0;
    int16_t value = 0;
    // All pending expressions, by age.
    Expression *older = nullptr, *newer = nullptr;

    bool is_reduction() const { return !program; }
    int64_t numel() const { return layout->numel(); }
    size_t instructions() const { return program ? program->steps.size() : 1; }
    // Whether somebody besides pending expressions holds the result.
    bool is_held() const { return result && result->holders() > 0; }
};

struct Deferral {
    bool immediate;  // PULLBACK_IMMEDIATE: everything is computed at the call
    int64_t from;    // elements from which on results are pending (PULLBACK_DEFER_FROM)
};
extern Deferral deferral;

// Operands of so many bytes are copied: nothing has to protect them.
constexpr size_t kCopied = 512;

// Whether a result of this shape that is computed from these should be pending.
bool is_deferred(const Source* inputs, int n, const Layout& layout);

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

// Runs everything that is pending.
void synchronize();
size_t pending_count();

// The program that would compute a pending array, as text; empty when its bytes are there.
std::string explain(const Array& a);

}  // namespace pb
