// Kernels for a few elements whose number is known: loops that are laid out.
//
// What a kernel spends on finding out how far to go is most of what two or three elements take. Nobody but a script
// (program/script.h) knows the number so long before that another kernel can be chosen.
#pragma once
#include "core/kernels/kernels.h"

namespace pb {

constexpr int kFew = 4;  // elements at most

// Those of floats that are a machine instruction or two.
#define PB_OF_FEW(X) X(add, 2) X(sub, 2) X(mul, 2) X(div, 2) X(neg, 1) X(square, 1) X(zmul, 2) X(gmul, 2)

struct FewKernels {
    enum Index : uint8_t {
#define PB_ENUMERATOR(name, arity) name,
        PB_OF_FEW(PB_ENUMERATOR)
#undef PB_ENUMERATOR
            count
    };
    BlockKernel of[count][2][3][kFew];  // [primitive][float, double][single][n - 1]
};

// The kernel that does to n elements what another does to any number of them, with the same bits: that itself, where
// there is no other.
BlockKernel kernel_of_few(BlockKernel kernel, int64_t n);

}  // namespace pb
