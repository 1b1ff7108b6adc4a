// The vector functions that kernels call (vector_math.h), for whoever emits calls of them.
#pragma once
#include <cstdint>

#include "core/array/dtype.h"
#include "core/kernels/vector_math.inc"

namespace pb {

enum class VectorFunction : uint8_t {
#define PB_ENUMERATOR(name) name,
    PB_VECTOR_MATH_1(PB_ENUMERATOR) PB_VECTOR_MATH_2(PB_ENUMERATOR)
#undef PB_ENUMERATOR
        count
};

// On whole vectors of the chosen instruction set, by the processor's vector ABI: operands and result in vector
// registers, none of which is kept. Null where the compiler calls none.
struct VectorFunctions {
    const void* of_float[static_cast<int>(VectorFunction::count)];
    const void* of_double[static_cast<int>(VectorFunction::count)];
};
const VectorFunctions& vector_functions();
const char* vector_function_name(VectorFunction);

}  // namespace pb
