#include "core/kernels/few.h"

#include "core/kernels/arithmetic.h"
#include "core/kernels/loops.h"

namespace pb {
namespace {

template <class F, class T, int n> void one(const void* const* in, void* out, int64_t) {
    unary<F, T, T>(in, out, n);
}
template <class F, class T, int single, int n> void two(const void* const* in, void* out, int64_t) {
    binary<F, T, T, single>(in, out, n);
}

template <class F, int arity, class T, int n> void install_few(BlockKernel (&slots)[3][kFew]) {
    if constexpr (arity == 1) {
        slots[0][n - 1] = one<F, T, n>;
    } else {
        slots[0][n - 1] = two<F, T, 0, n>;
        slots[1][n - 1] = two<F, T, 1, n>;
        slots[2][n - 1] = two<F, T, 2, n>;
    }
    if constexpr (n > 1) install_few<F, arity, T, n - 1>(slots);
}

}  // namespace

void PB_ISA::install_few(FewKernels& k) {
#define PB_INSTALL_FEW(name, arity)                                                 \
    pb::install_few<name##_functor, arity, float, kFew>(k.of[FewKernels::name][0]); \
    pb::install_few<name##_functor, arity, double, kFew>(k.of[FewKernels::name][1]);
    PB_OF_FEW(PB_INSTALL_FEW)
#undef PB_INSTALL_FEW
}

}  // namespace pb
