// Program: straight-line elementwise instructions on blocks.
//
// Values are numbered: inputs first, then constants, then one value an instruction. A program is untyped, as the
// table of calculus states it; `lower` gives it a compute dtype once (kernels looked up, registers assigned), and
// `execute` runs the lowered form over arrays of any strides: block by block, each block of a value in a register
// of a few KiB that stays in the first-level cache, so intermediates never touch main memory. Inputs that lie in
// the order of the result are read where they are; others are gathered (and converted) block by block; single
// values stay single. A program of one instruction over plain operands is one call of the block kernel: that is
// immediate execution.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "array/array.h"
#include "kernels/kernels.h"

namespace pb {

struct Instruction {
    Primitive primitive;
    uint8_t arity;
    int16_t in[3];
};

struct Lowered;

struct Program {
    int inputs = 0;
    uint32_t boolean = 0;  // inputs that are truth values, whatever the compute dtype is
    std::vector<Scalar> constants;
    std::vector<Instruction> instructions;
    std::vector<int16_t> outputs;  // value numbers
    int first_constant() const { return inputs; }
    int first_result() const { return inputs + static_cast<int>(constants.size()); }
    int values() const { return first_result() + static_cast<int>(instructions.size()); }

    // Forms made so far, by compute dtype.
    mutable std::unique_ptr<Lowered> lowered[kDTypes];
};

// A program with a compute dtype.
struct Lowered {
    struct Step {
        Primitive primitive;  // or cast, when `cast` is set
        BlockKernel cast = nullptr;
        const BlockKernel* kernels = nullptr;  // [which operand is single]
        uint8_t arity;
        int16_t in[3];
        int16_t out;
        DType type;  // of the operands, to expand a single one
    };
    int inputs;
    std::vector<Scalar> constants;
    std::vector<Step> steps;
    std::vector<int16_t> outputs;
    std::vector<DType> types;        // of each value
    std::vector<int16_t> registers;  // of each value; -1: input or constant
    int register_count = 0;
    // What one output takes, when it alone is computed.
    struct Part {
        std::vector<char> needed;  // of the steps
        uint16_t steps = 0;        // how many those are
        uint32_t weight = 0;       // how long they take, an addition being 1
    };
    std::vector<Part> parts;        // by output
    const char* missing = nullptr;  // a primitive without a kernel for this dtype
    bool linear = false;            // fits `execute_linear`
    bool total = true;              // no instruction that may be asked for values it has none for
};
bool fits_linear(const Lowered& program);

const Lowered& lower(const Program& p, DType compute);

// An operand: an array, or a number.
struct Source {
    const Array* array = nullptr;
    Scalar scalar;
};

// Computes `outputs` (allocated, all of shape `shape`) from `sources`. An output may be the very array of a source.
void execute(const Lowered& program, const Source* sources, Array* outputs, const Layout& shape);

// The plain case: every operand is a contiguous run of n elements of the program's own type, or a single value.
struct LinearSource {
    const void* data;
    bool single;
};
// Outputs are contiguous too, of their values' types, and share no memory with a source (or the program is one step).
void execute_linear(const Lowered& program, const LinearSource* sources, void* const* outputs, int64_t n);

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

}  // namespace pb
