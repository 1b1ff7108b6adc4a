// Two instructions in one pass; pairs.h has the essay.
#include "core/kernels/pairs.h"

#include "core/kernels/loops.h"

namespace pb {
namespace {

struct Product {
    template <class T> static PB_INLINE T apply(T a, T b) { return a * b; }
};
struct ZeroProduct {
    template <class T> static PB_INLINE T apply(T a, T b) { return a == T{0} ? a : a * b; }
};
struct Plus {
    template <class T> static PB_INLINE T apply(T a, T b) { return a + b; }
};
struct Minus {
    template <class T> static PB_INLINE T apply(T a, T b) { return a - b; }
};
struct From {
    template <class T> static PB_INLINE T apply(T a, T b) { return b - a; }
};

template <class First, class Second, class T, int single>
void pair(const void* const* in, void* out, int64_t n) {
    auto a = static_cast<const T*>(in[0]);
    auto b = static_cast<const T*>(in[1]);
    auto c = static_cast<const T*>(in[2]);
    auto o = static_cast<T*>(out);
    const T one = *b, other = *c;
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
        const T product = First::template apply<T>(a[i], single & 1 ? one : b[i]);
        o[i] = Second::template apply<T>(product, single & 2 ? other : c[i]);
    }
}

template <class First, class Second, class T>
void install_variants(PairKernels& table, PairFirst first, PairSecond second) {
    BlockKernel* slot =
        table.pair[static_cast<int>(first)][static_cast<int>(second)][static_cast<int>(dtype_of<T>())];
    slot[0] = pair<First, Second, T, 0>;
    slot[1] = pair<First, Second, T, 1>;
    slot[2] = pair<First, Second, T, 2>;
    slot[3] = pair<First, Second, T, 3>;
}

template <class First, class Second>
void install_pair(PairKernels& table, PairFirst first, PairSecond second) {
    install_variants<First, Second, float>(table, first, second);
    install_variants<First, Second, double>(table, first, second);
}

template <class First> void install_first(PairKernels& table, PairFirst first) {
    install_pair<First, Plus>(table, first, PairSecond::add);
    install_pair<First, Minus>(table, first, PairSecond::sub);
    install_pair<First, From>(table, first, PairSecond::rsub);
    install_pair<First, Product>(table, first, PairSecond::mul);
    install_pair<First, ZeroProduct>(table, first, PairSecond::zmul);
}

}  // namespace

void PB_ISA::install_pairs(PairKernels& table) {
    install_first<Product>(table, PairFirst::mul);
    install_first<ZeroProduct>(table, PairFirst::zmul);
}

}  // namespace pb
