// Row: one elementwise function of the table of calculus, as the core runs it.
//
// The table (Python, `pullback.calculus`) states a function's partial derivatives once, as one joint program over
// the operands and the result y. From it follow: what a recorded node saves (the values that the wanted partials
// read), the vector-Jacobian product (a program that multiplies each wanted partial with the cotangent), the
// Jacobian-vector product, and, because every instruction is itself a row, all higher orders.
//
// Of complex operands a partial is the derivative p of a holomorphic function, dy = p dx; or, where y is real, what gives
// dy = Re(p dx). The gradient of a real loss is, as in PyTorch, what it is by the conjugate: a cotangent is multiplied by
// conj(p). That is said once, in `pullback`; of real numbers no conjugate is left in a typed program (program/lower.cpp).
#pragma once
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "array/order.h"
#include "program/program.h"
#include "tensor/tensor.h"

namespace pb {

enum class Promotion : uint8_t {
    Arithmetic,  // the operands' common dtype
    Number,      // likewise, bool becoming int64
    Float,       // likewise, integers and bool becoming the default float
    Compare,     // common dtype, Boolean result
    Predicate,   // any dtype, Boolean result
    Logical,     // any dtypes, each tested against zero, Boolean result
    Bitwise,     // integers and bool
    Where,       // operand 0 Boolean, the others' common dtype
    Close,       // common dtype with integers as float64, Boolean result
};

// Which dtypes the operands may meet in: Numbers refuses bool, Floats integers too; Powers refuses bool but for a last
// operand that is no tensor.
enum class Accepts : uint8_t { Any, Numbers, Powers, Floats };

// What a row may refuse with a message of its own (calculus/row.py: REFUSALS).
enum class Refusal : uint8_t { Bool, Integers, TwoBools, OneBool, NegativePower, count };
constexpr int kRefusals = static_cast<int>(Refusal::count);

// What a partial derivative is.
struct Partial {
    // A gradient is an operand that is one itself: its zeros win, as the cotangent's do. Conjugate is none but says that
    // the differential of y is the conjugate of the operand's.
    enum Kind : uint8_t { None, Constant, Conjugate, Mask, Number, Gradient } kind = None;
    bool is_computed() const { return kind >= Mask; }
    double constant = 0;
    int16_t value = 0;  // in the joint program
};

constexpr int kMaxOperands = 4;

struct Operand;

struct Row {
    std::string name, shown;  // shown: in messages; where one name has several programs, that name
    int arity = 1;
    uint32_t parameters = 0;  // operands that are plain numbers, never differentiated
    Lies lies = Lies::Iterated;
    uint32_t apart = 0;  // operands that have no say in the result's layout where they are numbers
    int primitive = -1;  // -1: composed
    Program forward;
    bool differentiable = false;
    Program partials;  // inputs: operands, then y
    Partial partial[kMaxOperands];
    Promotion promotion = Promotion::Arithmetic;
    Accepts accepts = Accepts::Any;
    std::string refusals[kRefusals];  // empty: not refused
    const std::string& refuses(Refusal r) const { return refusals[static_cast<int>(r)]; }
    uint32_t fits = 0;     // operands that have to fit, as integers, the integer dtype that is computed in
    bool complex = false;  // takes complex numbers; without, only programs give it some
    // What is computed of complex operands in its place, where the function has no complex derivative or another formula
    // than of real ones: a composition.
    using Composition = Tensor (*)(const Operand*);
    Composition of_complex = nullptr, of_narrow = nullptr;  // likewise of narrow floats
    bool divides = false;                                   // integers raise where operand 1 is 0
    std::string node_names[4];                              // all tensors; a number as operand 0, 1, 2
    std::string inplace_name;                               // "add_"

    // The program that pulls a cotangent back to the operands in `wanted`. Its inputs are the saved values in the
    // order of the bits of `uses` (operands, then y), then the cotangent; one output for each wanted operand whose
    // partial is not a constant 1.
    struct Pullback {
        const Row* row = nullptr;
        uint8_t uses = 0;
        uint8_t slots = 0;  // how many values it uses
        uint8_t edges = 0;  // one for each operand; parameters come last, or stay empty
        Program program;
        int8_t output[kMaxOperands];  // -1: the cotangent itself; -2: zero
    };
    const Pullback& pullback(uint8_t wanted) const {
        const Pullback* made = pullbacks[wanted].get();
        return made ? *made : make_pullback(wanted);
    }
    const Pullback& make_pullback(uint8_t wanted) const;
    // Which values (operands, then y) the partial of operand i reads.
    uint8_t reads[kMaxOperands] = {};
    mutable std::unique_ptr<Pullback> pullbacks[1 << kMaxOperands];

    // The program of the first `order` coefficients of a series of results. Its inputs are the operands, y, and of operand
    // i the first given[i] coefficients; an output is -1 where the coefficient is zero.
    const Program& series(int order, const std::vector<int>& given) const;
    mutable std::map<std::pair<int, std::vector<int>>, Program> all_series;
};

// Makes such a program of what the table says (calculus/series.py).
extern void (*make_series)(const Row& row, int order, const std::vector<int>& given, Program& made);

// The registry; rows live for ever.
Row& define_row(std::unique_ptr<Row> row);  // finishes and registers it
Row* find_row(const std::string& name);
Row& row_of(Primitive p);

// Rows that the core itself calls, looked up once after the table is installed.
struct CoreRows {
    Row *add, *sub, *mul, *div, *neg, *zmul, *gmul, *where, *conj, *abs, *pow, *eq, *ne, *lt, *le, *gt, *ge,
        *add_scaled, *sub_scaled;
};
extern CoreRows rows;
void bind_core_rows();

}  // namespace pb
