// Scalar: a Python number on its way into a kernel. It has a category but no dtype of its own.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "array/dtype.h"

namespace pb {

struct Scalar {
    enum Kind : uint8_t { Bool, Int, Float } kind = Float;
    union {
        double f;
        int64_t i;
    };
    Scalar() : f(0) {}
    Scalar(double v) : kind(Float), f(v) {}
    Scalar(int64_t v) : kind(Int), i(v) {}
    Scalar(int v) : kind(Int), i(v) {}
    Scalar(bool v) : kind(Bool), i(v) {}

    double to_double() const { return kind == Float ? f : static_cast<double>(i); }
    int64_t to_int() const {
        if (kind != Float) return i;
        if (!(f >= -0x1p63 && f < 0x1p63)) return INT64_MIN;  // what x86 gives for nan, inf and out of range
        return static_cast<int64_t>(f);
    }
    bool to_bool() const { return kind == Float ? f != 0 : i != 0; }
    // The dtype a Python number takes when nothing else decides.
    int cat() const { return kind == Bool ? 0 : kind == Int ? 1 : 2; }

    // Writes the number as one element of dtype `d`.
    void store(DType d, void* out) const {
        switch (d) {
            case DType::Float32: {
                float v = static_cast<float>(to_double());
                std::memcpy(out, &v, 4);
                return;
            }
            case DType::Float64: {
                double v = to_double();
                std::memcpy(out, &v, 8);
                return;
            }
            case DType::Int64: {
                int64_t v = to_int();
                std::memcpy(out, &v, 8);
                return;
            }
            case DType::Int32: {
                auto v = static_cast<int32_t>(static_cast<uint32_t>(to_int()));
                std::memcpy(out, &v, 4);
                return;
            }
            case DType::UInt8: {
                auto v = static_cast<uint8_t>(to_int());
                std::memcpy(out, &v, 1);
                return;
            }
            case DType::Bool: {
                uint8_t v = to_bool();
                std::memcpy(out, &v, 1);
                return;
            }
            default: return;
        }
    }
    static Scalar load(DType d, const void* p) {
        switch (d) {
            case DType::Float32: {
                float v;
                std::memcpy(&v, p, 4);
                return Scalar(static_cast<double>(v));
            }
            case DType::Float64: {
                double v;
                std::memcpy(&v, p, 8);
                return Scalar(v);
            }
            case DType::Int64: {
                int64_t v;
                std::memcpy(&v, p, 8);
                return Scalar(v);
            }
            case DType::Int32: {
                int32_t v;
                std::memcpy(&v, p, 4);
                return Scalar(static_cast<int64_t>(v));
            }
            case DType::UInt8: {
                uint8_t v;
                std::memcpy(&v, p, 1);
                return Scalar(static_cast<int64_t>(v));
            }
            case DType::Bool: {
                uint8_t v;
                std::memcpy(&v, p, 1);
                return Scalar(v != 0);
            }
            default: return Scalar();
        }
    }
};

}  // namespace pb
