// Fused: steps over arrays, ready to be run.
//
// What several pending expressions become, or one program that does not fit the contiguous path. All
// steps are in one line, each distinct one once (same kernel, same operands: same bits), every value in a block register
// unless it is read or written as it lies, or is single. Programs are not rewritten otherwise, except that
// multiplication by a literal 1 is dropped, that zmul by a number other than 0 is a plain product, and that several
// steps may become one pass (link_up): all give the same bits.
#pragma once
#include "program/expression.h"
#include "program/sums.h"

namespace pb {

struct Fused : Steps {
    // An array that is read.
    struct Operand {
        enum Way : uint8_t {
            Single,  // one element
            AsItLies,
            Gathered  // brought into a register block by block
        } way;
        const Array* array;
        const Layout* loop;  // the elements walked
        int16_t value;
    };
    struct Output {
        int16_t value;
        DType dtype;
        char* data;  // where elements lie one after the other, in the order of the loop
        Expression* expression;
        Reduction reduction = Reduction::count;  // count: elements are stored
        Over over = Over::all;
        int64_t row = 0;
        const Array* scattered = nullptr;  // instead of `data`: they lie otherwise
        int64_t added = -1;  // instead of both: they are added to rows of the sum, from this element on

        bool is_stored() const { return reduction == Reduction::count; }
        bool lies_in_order() const { return !scattered && added < 0; }
        // One element of a program that may have more.
        bool is_single() const { return expression && expression->is_single(); }
    };
    int64_t n = 0;  // elements
    std::vector<Operand> operands;
    std::vector<Chain> chains;
    std::vector<Output> outputs;
    const RowSum* sum = nullptr;  // of some of the outputs

    // What a value is read from; null if it is no operand.
    const Operand* operand(int16_t v) const {
        return value(v).kind == Value::Operand ? &operands[static_cast<size_t>(value(v).at)] : nullptr;
    }
    // Begins a new one, over so many elements. Only what was begun last may grow.
    void begin(int64_t n);
    int16_t add_number(const Slot& number, DType type);
    int16_t add_operand(const Array& a, const Layout& loop);
    // A value in another type.
    int16_t convert(int16_t v, DType to) { return type(v) == to ? v : convert_other(v, to); }
    // Appends the steps of a lowered program, those that are `needed` or all. `of` has the numbers here of its inputs,
    // and gets those of its other values.
    using Numbers = Small<int16_t, 64>;
    void append(const Lowered& program, const std::vector<char>* needed, Numbers& of);

  private:
    int16_t convert_other(int16_t value, DType type);
    int16_t add_once(const Step& s, DType type);
    int16_t add_instruction(const Step& from, const Numbers& of, DType type);
};

// Which program of which plan is being put together.
struct Emission {
    uint32_t plan;
    int32_t program;
    uint32_t number;  // of the emission itself
};
// Appends an expression that the program stores or reduces, and what it is computed from as far as the plan gives that
// to the same program.
void add_output(Fused& program, Expression& e, const Emission& now);

// Whether a float is one of the values of a narrow type already.
bool is_rounded(const Fused& program, int16_t value, DType narrow, int depth = 4);

// Makes chains (kernels/chains.h) of steps whose results the next one alone reads. To be called when all is there.
void link_up(Fused& program);

// Nanoseconds that an element takes on one thread.
struct Work {
    double computing, moving;
    double all(int64_t n) const { return (computing + moving) * static_cast<double>(n); }
};
Work work_of(const Fused& program);

class Interruptible;
// Computes all outputs. Their memory is there; an output may lie over an operand that is read as it lies, unless a signal
// may stop the program, which then throws Interrupted.
void run(const Fused& program, const Work& work, const Interruptible* stop);

// `code`: and the machine code that its steps become.
std::string describe(const Fused& program, bool code = false);

}  // namespace pb
