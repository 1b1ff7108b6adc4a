// Program: straight-line elementwise instructions, as the table of calculus states them.
//
// Values are numbered: inputs first, then constants, then one value an instruction. A program has no types of its own.
// Given those of its inputs, `lower` makes typed steps of it (steps.h), once: an instruction computes in the type that its
// operands promote to, a number takes the type of what it meets, and what an instruction makes of that type its
// primitive says.
//
// `execute` runs the typed form over arrays of any strides and types, now. It ends in `execute_contiguous`, for operands that
// are contiguous or single, which binds nothing: a program of one instruction is one call of a block kernel. What is
// large does not come here but becomes an expression (expression.h).
#pragma once
#include <memory>

#include "array/array.h"
#include "program/steps.h"

namespace pb {

struct Instruction {
    Primitive primitive;
    uint8_t arity;
    int16_t in[3];
};

struct Lowered;

struct Program {
    int inputs = 0;
    uint32_t boolean = 0;  // inputs that are truth values, whatever the type of the others
    std::vector<Scalar> constants;
    std::vector<Instruction> instructions;
    std::vector<int16_t> outputs;  // value numbers
    int first_constant() const { return inputs; }
    int first_result() const { return inputs + static_cast<int>(constants.size()); }
    int values() const { return first_result() + static_cast<int>(instructions.size()); }

    // Forms made so far; and those whose inputs are all of one type, but for the truth values.
    mutable std::vector<std::unique_ptr<Lowered>> lowered;
    mutable const Lowered* alike[kDTypes] = {};
};

// A program whose inputs have types: the first values are its inputs, all of them operands.
struct Lowered : Steps {
    int inputs = 0;
    std::vector<int16_t> outputs;
    // What one output takes, when it alone is computed.
    struct Part {
        std::vector<char> needed;  // of the steps
        uint16_t steps = 0;        // how many those are
        uint32_t weight = 0;       // how long they take, an addition being 1
    };
    std::vector<Part> parts;         // by output
    std::vector<int16_t> registers;  // of each value, -1: none
    int register_count = 0;
    size_t width = 1;               // of a register's element
    const char* missing = nullptr;  // a primitive without a kernel for its operands
    bool contiguous = false;        // fits `execute_contiguous`
    bool total = true;              // no instruction that may be asked for values it has none for
};

// Whether `execute_contiguous` can run it.
bool fits_contiguous(const Lowered& program);

// What is narrow is no type of a lowered program: its operands are converted to what computes for it, and so are its
// results by whoever stores them. So a function is rounded once, after its last instruction.
const Lowered& lower(const Program& p, const DType* inputs);
const Lowered& lower_alike(const Program& p, DType type);
// All inputs are of this type, but for the truth values.
inline const Lowered& lower(const Program& p, DType type) {
    const Lowered* made = p.alike[static_cast<int>(type)];
    return made ? *made : lower_alike(p, type);
}

// An operand: an array, or a number.
struct Source {
    const Array* array = nullptr;
    Scalar scalar;
};

// Computes `outputs` (allocated, all of shape `shape`) from `sources`. An output may be the very array of a source.
void execute(const Lowered& program, const Source* sources, Array* outputs, const Layout& shape);

// The plain case: every operand is a contiguous run of n elements of its input's type, or a single value.
struct ContiguousSource {
    const void* data;
    bool single;
};
// Outputs are contiguous too, of their values' types, and share no memory with a source (or the program is one step).
void execute_contiguous(const Lowered& program, const ContiguousSource* sources, void* const* outputs,
                        int64_t n);

// To be called before a buffer's bytes are overwritten: runs the pending expressions that still have to read them.
void before_write(const Array& target);
// Copies (and converts) between arrays of one shape.
void copy_array(const Array& from, const Array& to);
Array contiguous_array(const Array& a);  // itself when it is contiguous
void fill_array(const Array& a, Scalar value);

constexpr int64_t kBlockBytes =
#ifdef PULLBACK_BLOCK_BYTES
    PULLBACK_BLOCK_BYTES;
#else
    4096;  // a register: 1,024 float32; measured best between 2 and 4 KiB
#endif
// How many elements of so many bytes a register holds.
constexpr int64_t block_elements(size_t width) {
    return std::max<int64_t>(kBlockBytes / static_cast<int64_t>(width), 1);
}

}  // namespace pb
