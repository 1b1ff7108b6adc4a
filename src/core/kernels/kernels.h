// Kernels: what every elementwise primitive does to a block of elements.
//
// A kernel is a plain loop over raw memory. It knows no shapes, allocates nothing and never fails. There is one
// table of kernels for each instruction set (baseline, AVX2 with FMA, AVX-512); all are compiled from the same
// sources, and one is chosen when the first kernel is asked for.
//
// Same bits everywhere: a result depends on its operands only. It does not depend on its position, on the length
// of the block, or on whether an operand was given as a single value. `primitives.inc` is the list to start from.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"
#include "core/kernels/primitives.inc"

namespace pb {

enum class Primitive : uint16_t {
#define PB_ENUMERATOR(name, ...) name,
    PB_PRIMITIVES(PB_ENUMERATOR)
#undef PB_ENUMERATOR
        count
};

// in[i] is operand i, out the result; n >= 1. Pointers need the alignment of their element only, and `out` may be
// one of the operands.
using BlockKernel = void (*)(const void* const* in, void* out, int64_t n);

enum class Result : uint8_t { Same, Bool, Real };

struct PrimitiveInfo {
    const char* name;
    uint8_t arity;
    Result result;
    bool exact;               // the same bits on every instruction set
    uint8_t condition_first;  // operand 0 is bool, whatever the others are
    bool partial;             // some integers have no result
    // What it makes of operands of a dtype.
    constexpr DType result_type(DType operands) const {
        return result == Result::Bool ? DType::Bool : result == Result::Real ? part_of(operands) : operands;
    }
};

const PrimitiveInfo& primitive_info(Primitive);

// What rounds a float to the values of a narrow type.
constexpr Primitive rounding_to(DType narrow) {
    return narrow == DType::Float16 ? Primitive::to_half : Primitive::to_bfloat16;
}

// A null entry means that the primitive is not defined for the dtype.
struct Kernels {
    // [primitive][dtype of the operands][single]: single = 0, all operands are blocks; 1 and 2, the first or the second
    // operand of a binary primitive is one value.
    BlockKernel elementwise[static_cast<int>(Primitive::count)][kDTypes][3];

    // [from][to], with PyTorch's conversions: towards zero from floats to integers, `!= 0` to bool. A float
    // outside the integer's range, or NaN, becomes the least integer (0 for uint8), as on x86.
    BlockKernel cast[kDTypes][kDTypes];

    // By `size_index` of the dtype: strided load, strided store, and one value repeated.
    void (*gather[kSizes])(const void* base, int64_t byte_stride, void* out, int64_t n);
    void (*scatter[kSizes])(const void* in, void* base, int64_t byte_stride, int64_t n);
    void (*fill[kSizes])(const void* value, void* out, int64_t n);
};

// Chosen once, on first use. PULLBACK_ISA=baseline|avx2|avx512 in the environment lowers the choice.
const Kernels& kernels();
const char* kernels_isa();

// Runs one kernel by name, for tests. False where there is no such primitive, or none for this dtype.
bool run_kernel(const char* name, DType dtype, int single, const void* const* in, void* out, int64_t n);

}  // namespace pb
