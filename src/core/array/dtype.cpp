#include "array/dtype.h"

namespace pb {

const char* dtype_name(DType d) {
    static const char* names[kDTypes] = {"uint8",     "int8",       "int16",   "int32",
                                         "int64",     "float16",    "float32", "float64",
                                         "complex64", "complex128", "bool",    "bfloat16"};
    return names[static_cast<int>(d)];
}

const char* dtype_legacy_name(DType d) {
    static const char* names[kDTypes] = {"Byte",         "Char",          "Short", "Int",
                                         "Long",         "Half",          "Float", "Double",
                                         "ComplexFloat", "ComplexDouble", "Bool",  "BFloat16"};
    return names[static_cast<int>(d)];
}

// Within a category the larger type wins, except where neither holds the other's values: uint8 and a signed
// byte need 16 bits, and the two half types meet in float32.
DType promote(DType a, DType b) {
    if (a == b) return a;
    if (category(a) < category(b)) {
        DType lower = a;
        a = b;
        b = lower;
    }
    if (is_complex(a))
        return a == DType::Complex128 || b == DType::Complex128 || b == DType::Float64 ? DType::Complex128
                                                                                       : DType::Complex64;
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
