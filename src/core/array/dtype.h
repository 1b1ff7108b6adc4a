// Element types: their codes, sizes, names and kinds, and how two of them promote. `dtypes.inc` is the list.
//
// This header is included by files compiled per instruction set: it holds plain constants and constexpr functions only.
// Code that does something else for each type does not ask here but goes through `visit` (visit.h), which raises on
// what it is not written for.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/array/complex.h"
#include "core/array/dtypes.inc"
#include "core/array/half.h"

namespace pb {

enum class DType : uint8_t {
#define PB_CODE(Name, ...) Name,
    PB_DTYPES(PB_CODE)
#undef PB_CODE
};
#define PB_ONE(...) +1
constexpr int kDTypes = 0 PB_DTYPES(PB_ONE);
#undef PB_ONE

// An element of a dtype that no kernel reads.
template <int size> struct Unread { char bytes[size]; };
template <class T> inline constexpr bool is_read = true;
template <int size> inline constexpr bool is_read<Unread<size>> = false;
// Unsigned integers that are bare, as PyTorch has it: they are stored, moved, converted and compared for equality, and a
// few functions more take them. They meet floats, and no other integer.
template <class T> inline constexpr bool is_bare_v = false;
template <> inline constexpr bool is_bare_v<uint16_t> = true;
template <> inline constexpr bool is_bare_v<uint32_t> = true;
template <> inline constexpr bool is_bare_v<uint64_t> = true;

// PyTorch's categories, in promotion order.
enum class Kind : uint8_t { Bool, Integer, Float, Complex };

#define PB_SIZE(Name, type, ...) sizeof(type),
#define PB_KIND(Name, type, name, legacy, c_name, format, kind, running) Kind::kind,
#define PB_READ(Name, type, ...) is_read<type>,
#define PB_NARROW(Name, type, ...) is_narrow<type>,
#define PB_BARE(Name, type, ...) is_bare_v<type>,
constexpr uint8_t kItemSize[kDTypes] = {PB_DTYPES(PB_SIZE)};
constexpr Kind kKind[kDTypes] = {PB_DTYPES(PB_KIND)};
constexpr bool kSupported[kDTypes] = {PB_DTYPES(PB_READ)};
constexpr bool kNarrow[kDTypes] = {PB_DTYPES(PB_NARROW)};
constexpr bool kBare[kDTypes] = {PB_DTYPES(PB_BARE)};
#undef PB_SIZE
#undef PB_KIND
#undef PB_READ
#undef PB_NARROW
#undef PB_BARE

constexpr size_t item_size(DType d) { return kItemSize[static_cast<int>(d)]; }
constexpr Kind kind_of(DType d) { return kKind[static_cast<int>(d)]; }
constexpr int category(DType d) { return static_cast<int>(kind_of(d)); }
constexpr bool is_float(DType d) { return kind_of(d) == Kind::Float; }
constexpr bool is_complex(DType d) { return kind_of(d) == Kind::Complex; }
constexpr bool is_differentiable(DType d) { return is_float(d) || is_complex(d); }
constexpr bool is_integral(DType d) { return kind_of(d) == Kind::Integer; }
// What the parts of complex numbers are, and the complex numbers with such parts; other dtypes as they are, and floats.
constexpr DType part_of(DType d) {
    return d == DType::Complex64    ? DType::Float32
           : d == DType::Complex128 ? DType::Float64
           : d == DType::Complex32  ? DType::Float16
                                    : d;
}
constexpr DType complex_of(DType d) {
    return is_complex(d)         ? d
           : d == DType::Float64 ? DType::Complex128
           : d == DType::Float16 ? DType::Complex32
                                 : DType::Complex64;
}
// Whether few operators take it: see is_bare_v.
constexpr bool is_bare(DType d) { return kBare[static_cast<int>(d)]; }
// Whether whole numbers from 2^63 on are among its own.
constexpr bool takes_wide(DType d) { return is_differentiable(d) || d == DType::UInt64; }
constexpr bool is_signed(DType d) { return d != DType::UInt8 && d != DType::Bool && !is_bare(d); }
// Whether kernels exist for it.
constexpr bool is_supported(DType d) { return kSupported[static_cast<int>(d)]; }
// Whether it is stored only, and computed with as another dtype: the one that kernels compute in.
constexpr bool is_stored_only(DType d) { return kNarrow[static_cast<int>(d)]; }
constexpr bool is_narrow_float(DType d) { return is_stored_only(d) && is_float(d); }
constexpr DType computed_as(DType d) {
    return !is_stored_only(d) ? d : is_complex(d) ? DType::Complex64 : DType::Float32;
}
// What a result of what `like` is computed as is, where `like` is stored only: in its dtype, or that of its parts.
constexpr DType stored_like(DType result, DType like) {
    return !is_stored_only(like)                  ? result
           : result == computed_as(like)          ? like
           : result == part_of(computed_as(like)) ? part_of(like)
                                                  : result;
}
// Numbers of elements, and masks of the old kind.
constexpr bool is_index(DType d) { return d == DType::Int64 || d == DType::Int32; }
constexpr bool is_mask(DType d) { return d == DType::Bool || d == DType::UInt8; }

// Elements are moved by their size alone, in 1, 2, 4, 8 or 16 bytes: by the logarithm of that.
constexpr int kSizes = 5;
constexpr int log_of_size(size_t size) { return __builtin_ctzll(size); }
constexpr int size_index(DType d) { return log_of_size(item_size(d)); }
// The widest element that kernels compute with: what a register or a slot for one number has to hold.
constexpr size_t widest_item() {
    size_t most = 1;
    for (int d = 0; d < kDTypes; ++d)
        if (kSupported[d] && kItemSize[d] > most) most = kItemSize[d];
    return most;
}
constexpr size_t kWidest = widest_item();
struct alignas(kWidest) Slot {
    char bytes[kWidest];
};

// The families that kernels and operators are written for: sets of kinds, a bit each, with the fifth bit also what is
// narrow, and with the sixth what is bare. Complex numbers have no order: All, Numbers and Floats are Any, Rings and
// Fields without them.
enum class Family : uint8_t {
    Integers = 0b0010,
    Bits = 0b0011,
    Floats = 0b0100,
    Numbers = 0b0110,
    All = 0b0111,
    Complexes = 0b1000,
    Fields = 0b1100,
    Rings = 0b1110,
    Any = 0b1111,
    Stored = 0b10111,
    IntegersBare = 0b100010,
    BitsBare = 0b100011,
    NumbersBare = 0b100110,
    AllBare = 0b100111,
    StoredBare = 0b110111,
    Elements = 0b111111
};

// Whether code that is written for a family is instantiated for T.
template <Family family, class T> constexpr bool is_visited(Kind kind) {
    constexpr int bits = static_cast<int>(family);
    return is_read<T> && bits >> static_cast<int>(kind) & 1 && (!is_narrow<T> || bits & 0b10000) &&
           (!is_bare_v<T> || bits & 0b100000);
}

// The dtype whose elements are T.
template <class T> constexpr DType dtype_of() {
    static_assert(is_read<T>);
#define PB_OF(Name, type, ...) \
    if constexpr (__is_same(T, type)) return DType::Name;
    PB_DTYPES(PB_OF)
#undef PB_OF
}
// Where tables by dtype have what is of T.
template <class T> inline constexpr int code_of = static_cast<int>(dtype_of<T>());
// What sums of many T are kept in.
template <class T> constexpr auto running_of() {
#define PB_RUNNING(Name, type, name, legacy, c_name, format, kind, running) \
    if constexpr (__is_same(T, type)) return running{};                     \
    else
    PB_DTYPES(PB_RUNNING) return T{};
#undef PB_RUNNING
}
template <class T> using Running = decltype(running_of<T>());

const char* dtype_name(DType d);         // "float32"
const char* dtype_legacy_name(DType d);  // "Float", as most of PyTorch's messages call it
const char* dtype_c_name(DType d);       // "long int", as those about operands of one dtype do
const char* dtype_number_name(DType d);  // "int64_t", as those about numbers that do not fit do
const char* dtype_format(DType d);       // "q", as the buffer protocol does; "" where it has no letter
bool dtype_named(const char* name, DType* out);
const char* supported_dtypes();  // "float64, float32, int64, ..., and bool"
DType promote(DType a, DType b);

}  // namespace pb
