// Element types: their codes, sizes, names, and how two of them promote.
//
// The codes follow PyTorch's ScalarType order, so that categories are ranges. Kernels exist for the types in
// `is_supported`; the others have their place (size, name, promotion) and say so when they are asked for.
// This header is included by files compiled per instruction set: it holds plain constants and constexpr
// functions only.
#pragma once
#include <cstddef>
#include <cstdint>

namespace pb {

enum class DType : uint8_t {
    UInt8,
    Int8,
    Int16,
    Int32,
    Int64,
    Float16,
    Float32,
    Float64,
    Complex64,
    Complex128,
    Bool,
    BFloat16,
};
constexpr int kDTypes = 12;

constexpr size_t kItemSize[kDTypes] = {1, 1, 2, 4, 8, 2, 4, 8, 8, 16, 1, 2};
constexpr size_t item_size(DType d) { return kItemSize[static_cast<int>(d)]; }

constexpr bool is_float(DType d) {
    return d == DType::Float16 || d == DType::Float32 || d == DType::Float64 || d == DType::BFloat16;
}
constexpr bool is_complex(DType d) { return d == DType::Complex64 || d == DType::Complex128; }
constexpr bool is_differentiable(DType d) { return is_float(d) || is_complex(d); }
constexpr bool is_integral(DType d) { return static_cast<int>(d) <= static_cast<int>(DType::Int64); }

// The types that kernels exist for today.
constexpr bool is_supported(DType d) {
    return d == DType::UInt8 || d == DType::Int32 || d == DType::Int64 || d == DType::Float32 ||
           d == DType::Float64 || d == DType::Bool;
}

// PyTorch's categories, in promotion order: Boolean < integral < floating < complex.
constexpr int category(DType d) { return d == DType::Bool ? 0 : is_integral(d) ? 1 : is_float(d) ? 2 : 3; }

const char* dtype_name(DType d);         // "float32"
const char* dtype_legacy_name(DType d);  // "Float", as PyTorch's messages call it
DType promote(DType a, DType b);

}  // namespace pb
