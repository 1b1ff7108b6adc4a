// Pairs: two instructions in one pass over a block.
//
// A cheap instruction costs as much for bringing its operands from the first-level cache, and its result back, as for
// computing. A product that only the next instruction reads can stay in the processor's registers. Both instructions
// round as they do alone, so a pair has the bits of the two.
#pragma once
#include "core/kernels/kernels.h"

namespace pb {

// `first` of in[0] and in[1], then `second` of that and in[2].
enum class PairFirst : uint8_t { mul, zmul, count };
enum class PairSecond : uint8_t {
    add,
    sub,
    rsub,  // in[2] minus the product
    mul,
    zmul,  // the product is the gradient, in[2] the partial
    count
};

struct PairKernels {
    // [first][second][dtype][single]: bit 0, in[1] is one value; bit 1, in[2] is. Floats only.
    BlockKernel pair[static_cast<int>(PairFirst::count)][static_cast<int>(PairSecond::count)][kDTypes][4];
};

const PairKernels& pair_kernels();
const char* pair_name(PairFirst, PairSecond);

namespace baseline {
void install_pairs(PairKernels&);
}
namespace avx2 {
void install_pairs(PairKernels&);
}
namespace avx512 {
void install_pairs(PairKernels&);
}

}  // namespace pb
