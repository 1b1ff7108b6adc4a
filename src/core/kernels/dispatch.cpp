// The list of primitives as data, and the choice of an instruction set.
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <unordered_map>

#include "core/kernels/cells.h"
#include "core/kernels/chains.h"
#include "core/kernels/distances.h"
#include "core/kernels/draw.h"
#include "core/kernels/few.h"
#include "core/kernels/kernels.h"
#include "core/kernels/line_functions.h"
#include "core/kernels/moves.h"
#include "core/kernels/products.h"
#include "core/kernels/reduce.h"
#include "core/kernels/updates.h"
#include "core/kernels/vector_functions.h"

namespace pb {

#define PB_DECLARE_ISA(isa)                          \
    namespace isa {                                  \
    void install_arithmetic(Kernels&);               \
    void install_division(Kernels&);                 \
    void install_logic(Kernels&);                    \
    void install_transcendental(Kernels&);           \
    void install_special(Kernels&);                  \
    void install_complex(Kernels&);                  \
    void install_bessel(Kernels&);                   \
    void install_incomplete_gamma(Kernels&);         \
    void install_polynomials(Kernels&);              \
    void install_conversions(Kernels&);              \
    void install_reductions(Reductions&);            \
    void install_many_reductions(Reductions&);       \
    void install_line_functions(LineKernels&);       \
    void install_draws(DrawKernels&);                \
    void install_moves(MoveKernels&);                \
    void install_products(ProductKernels&);          \
    void install_cells(CellKernels&);                \
    void install_distances(DistanceKernels&);        \
    void install_updates(UpdateKernels&);            \
    void install_few(FewKernels&);                   \
    void resolve_vector_math();                      \
    void install_vector_functions(VectorFunctions&); \
    }
PB_DECLARE_ISA(baseline)
#ifdef PB_X86_ISAS
PB_DECLARE_ISA(avx2)
PB_DECLARE_ISA(avx512)
#endif
#undef PB_DECLARE_ISA

namespace {

enum class Bits { Exact, Vector, Scalar };
enum class Integers { Total, Partial };

constexpr PrimitiveInfo kInfo[] = {
#define PB_INFO(name, arity, result, bits, types, integers, links) \
    {#name,                                                        \
     arity,                                                        \
     Result::result,                                               \
     Bits::bits == Bits::Exact,                                    \
     Primitive::name == Primitive::where,                          \
     Integers::integers == Integers::Partial},
    PB_PRIMITIVES(PB_INFO)
#undef PB_INFO
};

// The links by which the accumulator is operand 0, or operand 1.
#define PB_None(name) \
    { Link::count, Link::count }
#define PB_Lone(name) \
    { Link::name, Link::count }
#define PB_Same(name) \
    { Link::name, Link::name }
#define PB_Sided(name) \
    { Link::name, Link::reversed_##name }
constexpr Link kLinks[][2] = {
#define PB_LINK(name, arity, result, bits, types, integers, links) PB_##links(name),
    PB_PRIMITIVES(PB_LINK)
#undef PB_LINK
};
#undef PB_None
#undef PB_Lone
#undef PB_Same
#undef PB_Sided

#ifdef PB_X86_ISAS
// Older compilers do not know it by name.
bool has_f16c() {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c >> 29 & 1);
}
#endif

const char* chosen_isa() {
#ifdef PB_X86_ISAS
    const char* wish = getenv("PULLBACK_ISA");
    const bool no_more_than_baseline = wish && !strcmp(wish, "baseline");
    const bool no_more_than_avx2 = no_more_than_baseline || (wish && !strcmp(wish, "avx2"));
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                      __builtin_cpu_supports("bmi2") && has_f16c();
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512cd");
    if (avx512 && !no_more_than_avx2) return "avx512";
    if (avx2 && !no_more_than_baseline) return "avx2";
#endif
    return "baseline";
}

struct Chosen {
    const char* isa = chosen_isa();
    Kernels table{};
    Reductions reductions{};
    LineKernels line_functions{};
    DrawKernels draws{};
    MoveKernels moves{};
    ProductKernels products{};
    CellKernels cells{};
    DistanceKernels distances{};
    UpdateKernels updates{};
    FewKernels few{};
    ChainKernels chains{};
    VectorFunctions functions{};

    Chosen() {
#define PB_INSTALL_ISA(name)                          \
    if (!strcmp(isa, #name)) {                        \
        name::install_arithmetic(table);              \
        name::install_division(table);                \
        name::install_logic(table);                   \
        name::install_transcendental(table);          \
        name::install_special(table);                 \
        name::install_complex(table);                 \
        name::install_bessel(table);                  \
        name::install_incomplete_gamma(table);        \
        name::install_polynomials(table);             \
        name::install_conversions(table);             \
        name::install_reductions(reductions);         \
        name::install_many_reductions(reductions);    \
        name::install_line_functions(line_functions); \
        name::install_draws(draws);                   \
        name::install_moves(moves);                   \
        name::install_products(products);             \
        name::install_cells(cells);                   \
        name::install_distances(distances);           \
        name::install_updates(updates);               \
        name::install_few(few);                       \
        name::install_chains(chains);                 \
        name::resolve_vector_math();                  \
        name::install_vector_functions(functions);    \
    }
        PB_INSTALL_ISA(baseline)
#ifdef PB_X86_ISAS
        PB_INSTALL_ISA(avx2)
        PB_INSTALL_ISA(avx512)
#endif
#undef PB_INSTALL_ISA
    }
};

const Chosen& chosen() {
    static const Chosen instance;
    return instance;
}

}  // namespace

const PrimitiveInfo& primitive_info(Primitive p) { return kInfo[static_cast<int>(p)]; }
const Kernels& kernels() { return chosen().table; }
const Reductions& reductions() { return chosen().reductions; }
const LineKernels& line_kernels() { return chosen().line_functions; }
const DrawKernels& draw_kernels() { return chosen().draws; }
const MoveKernels& move_kernels() { return chosen().moves; }
const ProductKernels& product_kernels() { return chosen().products; }
const CellKernels& cell_kernels() { return chosen().cells; }
const DistanceKernels& distance_kernels() { return chosen().distances; }
const UpdateKernels& update_kernels() { return chosen().updates; }
BlockKernel kernel_of_few(BlockKernel kernel, int64_t n) {
    if (n < 1 || n > kFew) return kernel;
    static const std::unordered_map<BlockKernel, const BlockKernel*> known = [] {
        std::unordered_map<BlockKernel, const BlockKernel*> found;
        auto add = [&](Primitive p, const BlockKernel(&of)[2][3][kFew]) {
            for (int single = 0; single < 3; ++single) {
                if (!of[0][single][0]) continue;
                found[kernels().elementwise[static_cast<int>(p)][static_cast<int>(DType::Float32)][single]] =
                    of[0][single];
                found[kernels().elementwise[static_cast<int>(p)][static_cast<int>(DType::Float64)][single]] =
                    of[1][single];
            }
        };
#define PB_ADD(name, arity) add(Primitive::name, chosen().few.of[FewKernels::name]);
        PB_OF_FEW(PB_ADD)
#undef PB_ADD
        return found;
    }();
    const auto found = known.find(kernel);
    return found == known.end() ? kernel : found->second[n - 1];
}
const ChainKernels& chain_kernels() { return chosen().chains; }
const VectorFunctions& vector_functions() { return chosen().functions; }
const char* vector_function_name(VectorFunction f) {
    constexpr const char* names[] = {
#define PB_NAME(name) #name,
        PB_VECTOR_MATH_1(PB_NAME) PB_VECTOR_MATH_2(PB_NAME)
#undef PB_NAME
    };
    return names[static_cast<int>(f)];
}
Link link_of(Primitive p, int operand) { return kLinks[static_cast<int>(p)][operand]; }
const char* link_name(Link link) {
    constexpr const char* names[] = {
#define PB_NAME(name, ...) #name,
        PB_LINKS(PB_NAME) PB_LONE_LINKS(PB_NAME)
#undef PB_NAME
    };
    return names[static_cast<int>(link)];
}
const char* kernels_isa() { return chosen().isa; }

bool run_kernel(const char* name, DType dtype, int single, const void* const* in, void* out, int64_t n) {
    for (int p = 0; p < static_cast<int>(Primitive::count); ++p) {
        if (strcmp(kInfo[p].name, name)) continue;
        if (single < 0 || single > 2) return false;
        const BlockKernel kernel = kernels().elementwise[p][static_cast<int>(dtype)][single];
        if (kernel) kernel(in, out, n);
        return kernel != nullptr;
    }
    return false;
}

namespace {
constexpr const char* reduction_names[kReductions] = {"sum",    "prod", "max", "min",          "argmax",
                                                      "argmin", "any",  "all", "count_nonzero"};
}

const char* reduction_name(Reduction r) { return reduction_names[static_cast<int>(r)]; }

Reduction reduction_named(const char* name) {
    int r = 0;
    while (r < kReductions && strcmp(reduction_names[r], name)) ++r;
    return static_cast<Reduction>(r);
}

bool run_reduction(const char* name, DType dtype, const void* in, int64_t byte_stride, int64_t n, void* out) {
    const int r = static_cast<int>(reduction_named(name)), d = static_cast<int>(dtype);
    if (r == kReductions || !reductions().reduce[r][d]) return false;
    if (byte_stride == static_cast<int64_t>(item_size(dtype))) reductions().reduce[r][d](in, n, out);
    else reductions().reduce_strided[r][d](in, byte_stride, n, out);
    return true;
}

}  // namespace pb
