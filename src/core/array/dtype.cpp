#include "array/dtype.h"

#include <cstring>
#include <string>

#include "array/error.h"
#include "array/visit.h"

namespace pb {

namespace {
struct Names {
    const char *name, *legacy, *c_name, *number, *format;
};
constexpr Names kNames[kDTypes] = {
#define PB_NAMES(Name, type, name, legacy, c_name, format, ...) {#name, #legacy, c_name, #type, format},
    PB_DTYPES(PB_NAMES)
#undef PB_NAMES
};
const Names& names(DType d) { return kNames[static_cast<int>(d)]; }
}  // namespace

const char* dtype_name(DType d) { return names(d).name; }
const char* dtype_legacy_name(DType d) { return names(d).legacy; }
const char* dtype_c_name(DType d) { return names(d).c_name; }
const char* dtype_number_name(DType d) {
    return is_supported(d) && !is_complex(d) ? names(d).number : names(d).c_name;
}
const char* dtype_format(DType d) { return names(d).format; }

bool dtype_named(const char* name, DType* out) {
    for (int d = 0; d < kDTypes; ++d)
        if (!std::strcmp(kNames[d].name, name)) {
            *out = static_cast<DType>(d);
            return true;
        }
    return false;
}

// Floats first, bool last; the widest first, but among complex numbers: PyTorch's order.
const char* supported_dtypes() {
    static const std::string text = [] {
        std::string all;
        for (Kind kind : {Kind::Float, Kind::Complex, Kind::Integer})
            for (int step = 0; step < 5; ++step) {
                const int size = kind == Kind::Complex ? 1 << step : 16 >> step;
                for (int d = kDTypes; d-- > 0;)
                    if (kSupported[d] && kKind[d] == kind && kItemSize[d] == size)
                        all += std::string(kNames[d].name) + ", ";
            }
        return all + "and bool";
    }();
    return text.c_str();
}

void fail_imaginary(DType d) {
    fail("value cannot be converted to type {} without overflow. It is complex, and pullback.{} is not.",
         dtype_number_name(d), dtype_name(d));
}

void fail_wide() {
    fail(
        "value cannot be converted to type int64_t without overflow: it is 2^63 or more, which "
        "pullback.uint64 "
        "and floats have.");
}

// Within a category the larger type wins, except where neither holds the other's values: uint8 and a signed
// byte need 16 bits, and the two half types meet in float32.
DType promote(DType a, DType b) {
    if (a == b) return a;
    if ((is_bare(a) && !is_float(b)) || (is_bare(b) && !is_float(a)))
        fail(
            "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote {} and {}. "
            "They meet "
            "their like and real floats: convert one first, by x.to(...).",
            dtype_legacy_name(a), dtype_legacy_name(b));
    if (category(a) < category(b)) {
        DType lower = a;
        a = b;
        b = lower;
    }
    if (is_complex(a)) {
        if (a == DType::Complex128 || b == DType::Complex128 || b == DType::Float64) return DType::Complex128;
        const bool halves = a == DType::Complex32 && (b == DType::Float16 || !is_differentiable(b));
        return halves ? DType::Complex32 : DType::Complex64;
    }
    if (category(a) != category(b)) return a;
    if (is_float(a)) {
        if (a == DType::Float64 || b == DType::Float64) return DType::Float64;
        return DType::Float32;
    }
    if (item_size(a) == 1 && item_size(b) == 1) return DType::Int16;
    if (item_size(a) != item_size(b)) return item_size(a) > item_size(b) ? a : b;
    return a;
}

}  // namespace pb
