// The symbols that `vector_math.h` makes the compiler call, for one instruction set: each jumps through a pointer
// to libmvec's function or, where there is none, to a loop over the lanes.
#include "core/kernels/isa.h"
#include "core/kernels/vector_functions.h"

#ifdef PB_LIBMVEC
#include <dlfcn.h>

// Only the list: where `simd` declarations are seen, the compiler would define these symbols itself.
#include "core/kernels/vector_math.inc"

#define PB_HIDDEN __attribute__((visibility("hidden")))
#define PB_PASTE_(a, b) a##b
#define PB_PASTE(a, b) PB_PASTE_(a, b)
#define PB_TEXT_(a) #a
#define PB_TEXT(a) PB_TEXT_(a)

// The vector ABI's prefixes: b, d, e for SSE, AVX2, AVX-512, the number of lanes, one v for each argument.
#if PB_VECTOR_BYTES == 64
#define PB_F32(v) _ZGVeN16##v##_
#define PB_F64(v) _ZGVeN8##v##_
#elif PB_VECTOR_BYTES == 32
#define PB_F32(v) _ZGVdN8##v##_
#define PB_F64(v) _ZGVdN4##v##_
#else
#define PB_F32(v) _ZGVbN4##v##_
#define PB_F64(v) _ZGVbN2##v##_
#endif

namespace pb {
namespace {
typedef float F32 __attribute__((vector_size(PB_VECTOR_BYTES)));
typedef double F64 __attribute__((vector_size(PB_VECTOR_BYTES)));
constexpr int kF32 = PB_VECTOR_BYTES / 4, kF64 = PB_VECTOR_BYTES / 8;
}  // namespace
}  // namespace pb

using pb::F32, pb::F64, pb::kF32, pb::kF64;

#define PB_FORWARD_1(prefix, V, lanes, name)                           \
    namespace {                                                        \
    V each_##name(V x) {                                               \
        for (int i = 0; i < lanes; ++i) x[i] = __builtin_##name(x[i]); \
        return x;                                                      \
    }                                                                  \
    V (*pointer_##name)(V) = each_##name;                              \
    }                                                                  \
    extern "C" PB_HIDDEN V PB_PASTE(prefix, pb_##name)(V x) { return pointer_##name(x); }

#define PB_FORWARD_2(prefix, V, lanes, name)                                 \
    namespace {                                                              \
    V each_##name(V x, V y) {                                                \
        for (int i = 0; i < lanes; ++i) x[i] = __builtin_##name(x[i], y[i]); \
        return x;                                                            \
    }                                                                        \
    V (*pointer_##name)(V, V) = each_##name;                                 \
    }                                                                        \
    extern "C" PB_HIDDEN V PB_PASTE(prefix, pb_##name)(V x, V y) { return pointer_##name(x, y); }

#define PB_FORWARD(name) PB_FORWARD_1(PB_F32(v), F32, kF32, name##f) PB_FORWARD_1(PB_F64(v), F64, kF64, name)
PB_VECTOR_MATH_1(PB_FORWARD)
#undef PB_FORWARD
#define PB_FORWARD(name) \
    PB_FORWARD_2(PB_F32(vv), F32, kF32, name##f) PB_FORWARD_2(PB_F64(vv), F64, kF64, name)
PB_VECTOR_MATH_2(PB_FORWARD)
#undef PB_FORWARD

void pb::PB_ISA::resolve_vector_math() {
    void* library = dlopen("libmvec.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (!library) return;
#define PB_FIND(prefix, name)                                 \
    if (void* symbol = dlsym(library, PB_TEXT(prefix) #name)) \
        *reinterpret_cast<void**>(&pointer_##name) = symbol;
#define PB_RESOLVE(name) PB_FIND(PB_F32(v), name##f) PB_FIND(PB_F64(v), name)
    PB_VECTOR_MATH_1(PB_RESOLVE)
#undef PB_RESOLVE
#define PB_RESOLVE(name) PB_FIND(PB_F32(vv), name##f) PB_FIND(PB_F64(vv), name)
    PB_VECTOR_MATH_2(PB_RESOLVE)
#undef PB_RESOLVE
}

// Where loops are not made into vectors, kernels call the scalar functions, whose last bits may be others.
void pb::PB_ISA::install_vector_functions([[maybe_unused]] VectorFunctions& table) {
#if defined(__OPTIMIZE__) && !defined(PULLBACK_SANITIZED)
#define PB_SET(name)                                         \
    table.of_float[static_cast<int>(VectorFunction::name)] = \
        reinterpret_cast<const void*>(pointer_##name##f);    \
    table.of_double[static_cast<int>(VectorFunction::name)] = reinterpret_cast<const void*>(pointer_##name);
    PB_VECTOR_MATH_1(PB_SET)
    PB_VECTOR_MATH_2(PB_SET)
#undef PB_SET
#endif
}

#else
void pb::PB_ISA::resolve_vector_math() {}
void pb::PB_ISA::install_vector_functions(VectorFunctions&) {}
#endif
