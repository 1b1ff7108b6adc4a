// Emission: the machine code of a sequence.
//
// The code is a function of the places of its operands and results and of a number of elements, a multiple of the lanes of
// a vector. It loads, computes and stores a vector at a time: what only the sequence reads stays in registers.
#pragma once
#include <string>
#include <vector>

#include "code/sequence.h"

namespace pb::code {

// An operand or a result: `lane` is as wide as the sequence's floats, truth values have a byte, the others what they say.
struct Argument {
    enum Form : uint8_t { lane, truth, half, bfloat16, float32, int32, int16, int8, uint8 } form;
    bool single = false;
    bool streamed = false;  // a result that goes past the caches; it begins with a line of them
};
constexpr size_t size_of(const Argument& a, size_t lane) {
    constexpr size_t sizes[] = {0, 1, 2, 2, 4, 4, 2, 1, 1};
    return a.form == Argument::lane ? lane : sizes[a.form];
}
// What a sequence computes in; what is as wide; and what else its operands and results may be.
inline bool is_lane(DType d) { return d == DType::Float32 || d == DType::Float64; }
inline bool is_as_wide(DType d, DType lane) {
    return d == lane || d == (lane == DType::Float64 ? DType::Int64 : DType::Int32);
}
// The floats as wide as an integer; other types as they are.
inline DType lane_of(DType d) {
    return d == DType::Int32 ? DType::Float32 : d == DType::Int64 ? DType::Float64 : d;
}
// Integers that are not as wide are read, not written.
inline bool is_small(DType d) { return d == DType::UInt8 || d == DType::Int8 || d == DType::Int16; }
inline bool fits(DType d, DType lane, bool wide) {
    if (d == DType::Bool || is_as_wide(d, lane)) return true;
    if (lane == DType::Float32) return is_narrow_float(d) || is_small(d);
    return d == DType::Float32 || (wide && d == DType::Int32);
}
inline Argument::Form form_of(DType d, DType lane) {
    if (is_as_wide(d, lane)) return Argument::lane;
    switch (d) {
        case DType::Float16: return Argument::half;
        case DType::BFloat16: return Argument::bfloat16;
        case DType::Float32: return Argument::float32;
        case DType::Int32: return Argument::int32;
        case DType::Int16: return Argument::int16;
        case DType::Int8: return Argument::int8;
        case DType::UInt8: return Argument::uint8;
        default: return Argument::truth;
    }
}
inline Op read_as(const Argument& a) {
    constexpr Op all[] = {Op::load,       Op::load_mask,  Op::load_half, Op::load_bfloat16, Op::load_float,
                          Op::load_int32, Op::load_int16, Op::load_int8, Op::load_uint8};
    if (!a.single) return all[a.form];
    return a.form == Argument::truth ? Op::single_mask : Op::single;
}
inline Op stored_as(const Argument& a) {
    constexpr Op all[] = {Op::store,          Op::store_mask,  Op::store_half,
                          Op::store_bfloat16, Op::store_float, Op::store_int32};
    return a.streamed ? Op::stream : all[a.form];
}

struct Emitted {
    std::vector<uint8_t> bytes;                    // none: the sequence asks for what there is no code for
    int instructions = 0, spills = 0, copies = 1;  // vectors in a round
    std::string text;
    std::vector<std::shared_ptr<const Table>> tables = {};  // that it reads
};

// What a listing calls things.
struct Names {
    std::vector<std::string> arguments, steps;
};

// `wide`: for AVX-512, else for AVX2.
Emitted emit(const Sequence& sequence, const std::vector<Argument>& arguments, bool wide, const Names* names);
// Elements of a vector, or of the two of complex numbers.
inline int64_t lanes_of(bool wide, DType lane) {
    return (wide ? 64 : 32) / static_cast<int64_t>(item_size(part_of(lane)));
}

}  // namespace pb::code
