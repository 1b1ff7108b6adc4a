// Chains: several cheap instructions in one pass over a block.
//
// A cheap instruction costs as much for bringing its operands from the first-level cache, and its result back, as for
// computing. A result that only the next instruction reads can stay in the processor's registers. So a chain is a
// little program for an accumulator: it starts with an operand, and each link applies one operation to the
// accumulator and, mostly, one more operand. A kernel walks a block in tiles of eight vectors, which are the
// accumulator, and walks the links once for each tile; what a link asks for is a jump that the processor learns to
// predict. Every link rounds as the instruction by itself does, so a chain has the bits of its instructions.
//
// Operands and the result of a chain of float32 may lie in memory as narrow floats: they are converted where they are loaded
// and stored, and rounding to such a type in between is a link.
#pragma once
#include "core/kernels/kernels.h"

namespace pb {

// What links make of the accumulator x and their operand y. Reversed: the accumulator is the second operand.
#define PB_LINKS(X)                                   \
    X(add, (x + y))                                   \
    X(sub, (x - y))                                   \
    X(reversed_sub, (y - x))                          \
    X(mul, (x * y))                                   \
    X(zmul, (x == zero ? x : x * y))                  \
    X(reversed_zmul, (y == zero ? y : y * x))         \
    X(div, (x / y))                                   \
    X(reversed_div, (y / x))                          \
    X(maximum, ((x > y) | (x != x) ? x : y))          \
    X(reversed_maximum, ((y > x) | (y != y) ? y : x)) \
    X(minimum, ((x < y) | (x != x) ? x : y))          \
    X(reversed_minimum, ((y < x) | (y != y) ? y : x))
// Those that have no operand.
#define PB_LONE_LINKS(X)          \
    X(neg, (-x))                  \
    X(twice, (x + x))             \
    X(square, (x * x))            \
    X(reciprocal, (one / x))      \
    X(sqrt, (square_roots<T>(x))) \
    X(to_half, (halves<T>(x)))    \
    X(to_bfloat16, (bfloats<T>(x)))

enum class Link : uint8_t {
#define PB_ENUMERATOR(name, ...) name,
    PB_LINKS(PB_ENUMERATOR) PB_LONE_LINKS(PB_ENUMERATOR)
#undef PB_ENUMERATOR
        count
};
constexpr bool is_lone(Link link) { return link >= Link::neg; }

constexpr int kChainLinks = 12, kChainOperands = 6;

struct Chain {
    // How an operand lies: element by element in the chain's type, one value for all, or element by element, narrow.
    enum Form : uint8_t { Block, Single, Half, BFloat16, kForms };
    struct Step {
        uint8_t code;  // as many times the link as there are forms, and the form of its operand
        uint8_t operand;
        Link link() const { return static_cast<Link>(code / kForms); }
        void set_single() {
            if (!is_lone(link())) code = static_cast<uint8_t>(code / kForms * kForms + Single);
        }
    };
    uint8_t length = 0;
    Form start = Block, end = Block;  // of operand 0, and of the result
    Step steps[kChainLinks];

    void add(Link link, int operand, Form form) {
        if (is_lone(link)) form = Block;
        steps[length++] = {static_cast<uint8_t>(kForms * static_cast<int>(link) + form),
                           static_cast<uint8_t>(operand)};
    }
    static constexpr Form form_of(DType d) {
        return !is_narrow_float(d) ? Block : d == DType::Float16 ? Half : BFloat16;
    }
};

// Operand 0 is a block, which the accumulator starts with. `out` may be one of the operands.
using ChainKernel = void (*)(const Chain&, const void* const* in, void* out, int64_t n);

struct ChainKernels {
    ChainKernel run[kDTypes];  // floats only
};

const ChainKernels& chain_kernels();
const char* link_name(Link);
// As which link a primitive continues a chain whose accumulator is its operand 0 or 1; Link::count if it does not.
Link link_of(Primitive, int operand);

namespace baseline {
void install_chains(ChainKernels&);
}
namespace avx2 {
void install_chains(ChainKernels&);
}
namespace avx512 {
void install_chains(ChainKernels&);
}

}  // namespace pb
