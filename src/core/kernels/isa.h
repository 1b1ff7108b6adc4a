// What the sources compiled once per instruction set share.
//
// These files include no standard library and define everything in an anonymous namespace, or under a name that
// carries the instruction set: an inline function that two of them shared would be merged by the linker, and an
// old processor would then run the AVX-512 copy.
#pragma once
#include "core/kernels/kernels.h"
#include "core/kernels/reduce.h"

#if defined(__AVX512F__)
#define PB_ISA avx512
#define PB_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define PB_ISA avx2
#define PB_VECTOR_BYTES 32
#else
#define PB_ISA baseline
#define PB_VECTOR_BYTES 16
#endif

#define PB_INLINE inline __attribute__((always_inline))
#if defined(__clang__)
#define PB_NOINLINE __attribute__((noinline))
#else
#define PB_NOINLINE __attribute__((noinline, noclone))
#endif

namespace pb {
struct LineKernels;
struct DrawKernels;
struct MoveKernels;
struct ProductKernels;
struct CellKernels;
struct DistanceKernels;
struct UpdateKernels;
struct FewKernels;
struct VectorFunctions;
}  // namespace pb

namespace pb::PB_ISA {

// Each fills its part of the table.
void install_arithmetic(Kernels&);
void install_division(Kernels&);
void install_logic(Kernels&);
void install_transcendental(Kernels&);
void install_special(Kernels&);
void install_complex(Kernels&);
void install_bessel(Kernels&);
void install_incomplete_gamma(Kernels&);
void install_polynomials(Kernels&);
void install_conversions(Kernels&);
void install_reductions(Reductions&);
void install_many_reductions(Reductions&);
void install_line_functions(LineKernels&);
void install_draws(DrawKernels&);
void install_moves(MoveKernels&);
void install_products(ProductKernels&);
void install_cells(CellKernels&);
void install_distances(DistanceKernels&);
void install_updates(UpdateKernels&);
void install_few(FewKernels&);

// Points our vector functions at libmvec's, where the C library has them.
void resolve_vector_math();
void install_vector_functions(VectorFunctions&);  // as they are resolved

}  // namespace pb::PB_ISA
