// Fused: one program for several pending expressions.
//
// Steps of all expressions in one line, each distinct instruction once (same kernel, same operands: same bits), every
// value in a block register unless it is a load, a number or an output. Programs are not rewritten otherwise, except
// that multiplication by a literal 1 is dropped, that zmul by a number other than 0 is a plain product, and that several
// instructions may become one pass: all give the same bits.
#pragma once
#include <vector>

#include "kernels/chains.h"
#include "program/expression.h"

namespace pb {

struct Fused {
    struct Value {
        enum Kind : uint8_t {
            Number,    // of `numbers`
            Single,    // one element in memory, of `loads`
            Linear,    // read where it lies, of `loads`
            Gathered,  // brought into a register block by block, of `loads`
            Step,      // result of a step
            Once       // result of a step whose operands are all single: computed before the blocks
        } kind;
        DType type;
        int16_t at;
        bool is_single() const { return kind == Number || kind == Single || kind == Once; }
        bool is_load() const { return kind == Single || kind == Linear || kind == Gathered; }
    };
    struct Step {
        const BlockKernel* kernels;  // [which operand is single], or
        BlockKernel cast;
        Primitive primitive;
        uint8_t arity;
        int16_t in[kChainOperands];
        int16_t out;
        int16_t chain = -1;  // of `chains`: several instructions in one
    };
    struct Load {
        const Array* array;
        const Layout* loop;  // the elements walked, when gathered
    };
    struct Output {
        int16_t value;
        DType dtype;
        char* data;
        Expression* expression;
        Reduction reduction = Reduction::count;  // count: elements are stored
        Over over = Over::all;
        int64_t row = 0;
    };
    int64_t n = 0;
    std::vector<Value> values;
    std::vector<Scalar> numbers;
    std::vector<Load> loads;
    std::vector<Step> steps;
    std::vector<Chain> chains;
    std::vector<Output> outputs;

    void clear();
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

// Makes chains (kernels/chains.h) of instructions whose results the next one alone reads. To be called when all is
// emitted.
void link_up(Fused& program);

// Nanoseconds that it takes on one thread.
double work_of(const Fused& program);

class Interruptible;
// Computes all outputs. Their memory is there; an output may lie over a linear load, unless a signal may stop the
// program, which then throws Interrupted.
void run(const Fused& program, const Interruptible* stop);

std::string describe(const Fused& program);

}  // namespace pb
