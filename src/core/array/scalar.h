// Scalar: a Python number on its way into a kernel. It has a category but no dtype of its own.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "array/visit.h"

namespace pb {

// RuntimeError: value cannot be converted to type float without overflow.
[[noreturn]] void fail_imaginary(DType d);
[[noreturn]] void fail_wide();

// The nearest number towards zero that a machine's conversion gives: 2^63 for what is no uint64, nor an int64.
inline uint64_t unsigned_of(double f) {
    if (f >= 0x1p63 && f < 0x1p64) return static_cast<uint64_t>(f);
    return f >= -0x1p63 && f < 0x1p63 ? static_cast<uint64_t>(static_cast<int64_t>(f)) : uint64_t{1} << 63;
}

struct Scalar {
    enum Kind : uint8_t { Bool, Int, Float, Complex } kind = Float;
    // A whole number from 2^63 on, whose bits i has. Of integers only uint64 can be it: others raise.
    bool wide = false;
    union {
        double f;
        int64_t i;
    };
    double im = 0;  // of a complex number, whose real part is f
    Scalar() : f(0) {}
    Scalar(double v) : kind(Float), f(v) {}
    Scalar(int64_t v) : kind(Int), i(v) {}
    Scalar(int v) : kind(Int), i(v) {}
    Scalar(uint64_t v) : kind(Int), wide(v >> 63), i(static_cast<int64_t>(v)) {}
    Scalar(bool v) : kind(Bool), i(v) {}
    Scalar(pb::Complex<double> v) : kind(Complex), f(v.re), im(v.im) {}

    bool is_plain() const { return kind == Int || kind == Float; }
    bool is_floating() const { return kind >= Float; }
    // Of a complex number its real part: who lets one in asks for its kind before.
    double to_double() const {
        return is_floating() ? f
               : wide        ? static_cast<double>(static_cast<uint64_t>(i))
                             : static_cast<double>(i);
    }
    int64_t to_int() const {
        if (__builtin_expect(wide, 0)) fail_wide();
        if (!is_floating()) return i;
        if (!(f >= -0x1p63 && f < 0x1p63)) return INT64_MIN;  // what x86 gives for nan, inf and out of range
        return static_cast<int64_t>(f);
    }
    uint64_t to_unsigned() const { return is_floating() ? unsigned_of(f) : static_cast<uint64_t>(i); }
    // The number as it is stored in an integer dtype.
    Scalar to_whole(DType d) const { return takes_wide(d) ? Scalar(to_unsigned()) : Scalar(to_int()); }
    bool is_negative() const { return !wide && to_double() < 0; }
    bool to_bool() const { return is_floating() ? f != 0 || im != 0 : i != 0; }
    bool is(double v) const { return to_double() == v && im == 0; }
    // The dtype a Python number takes when nothing else decides.
    int cat() const { return kind; }

    // As an element of type T: integers wrap around, truth is whatever is not zero. Raises where an imaginary part would
    // be lost.
    template <class T> T to() const {
        if constexpr (!is_complex_v<T> && !std::is_same_v<T, bool>)
            if (__builtin_expect(kind == Complex && im != 0, 0)) fail_imaginary(dtype_of<T>());
        if constexpr (std::is_same_v<T, bool>) return to_bool();
        else if constexpr (is_complex_v<T>) return T(pb::Complex<double>(to_double(), im));
        else if constexpr (is_narrow<T>) return static_cast<float>(to_double());
        else if constexpr (std::is_floating_point_v<T>) return static_cast<T>(to_double());
        else if constexpr (std::is_same_v<T, uint64_t>) return to_unsigned();
        else return static_cast<T>(to_int());
    }

    // Writes the number as one element of dtype `d`, and reads one.
    void store(DType d, void* out) const {
        if (kind == Float && (d == DType::Float32 || d == DType::Float64)) {  // most often
            if (d == DType::Float64) std::memcpy(out, &f, sizeof f);
            else {
                const float v = static_cast<float>(f);
                std::memcpy(out, &v, sizeof v);
            }
            return;
        }
        visit<Family::Elements>(d, "fill_", [&](auto zero) {
            using T = decltype(zero);
            T v;
            if (std::is_same_v<T, uint8_t> && d == DType::Bool) v = static_cast<T>(to<bool>());
            else v = to<T>();
            std::memcpy(out, &v, sizeof v);
        });
    }
    static Scalar load(DType d, const void* p) {
        return visit<Family::Elements>(d, "item", [&](auto zero) {
            using T = decltype(zero);
            T v;
            std::memcpy(&v, p, sizeof v);
            if constexpr (std::is_same_v<T, uint8_t>)
                if (d == DType::Bool) return Scalar(v != 0);
            if constexpr (is_complex_v<T>) return Scalar(pb::Complex<double>(v));
            else if constexpr (std::is_floating_point_v<T> || is_narrow<T>)
                return Scalar(static_cast<double>(v));
            else if constexpr (std::is_same_v<T, uint64_t>) return Scalar(v);
            else return Scalar(static_cast<int64_t>(v));
        });
    }
};

}  // namespace pb
