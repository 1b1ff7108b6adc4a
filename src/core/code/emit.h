// Emission: the machine code of a sequence.
//
// The code is a function of the places of its operands and results and of a number of elements, a multiple of the lanes of
// a vector. It loads, computes and stores a vector at a time: what only the sequence reads stays in registers.
#pragma once
#include <string>
#include <vector>

#include "code/sequence.h"

namespace pb::code {

// An operand or a result: `lane` is as wide as the sequence's floats, truth values have a byte, narrow floats two.
struct Argument {
    enum Form : uint8_t { lane, truth, half, bfloat16 } form;
    bool single = false;
};
// What a sequence computes in; and what else its operands and results may be.
inline bool is_lane(DType d) { return d == DType::Float32 || d == DType::Float64; }
inline bool fits(DType d, DType lane) {
    return d == lane || d == DType::Bool || (is_narrow_float(d) && lane == DType::Float32);
}
inline Argument::Form form_of(DType d) {
    if (is_narrow_float(d)) return d == DType::Float16 ? Argument::half : Argument::bfloat16;
    return d == DType::Bool ? Argument::truth : Argument::lane;
}
inline Op read_as(const Argument& a) {
    constexpr Op all[] = {Op::load, Op::load_mask, Op::load_half, Op::load_bfloat16};
    if (!a.single) return all[a.form];
    return a.form == Argument::truth ? Op::single_mask : Op::single;
}
inline Op stored_as(const Argument& a) {
    constexpr Op all[] = {Op::store, Op::store_mask, Op::store_half, Op::store_bfloat16};
    return all[a.form];
}

struct Emitted {
    std::vector<uint8_t> bytes;                    // none: the sequence asks for what there is no code for
    int instructions = 0, spills = 0, copies = 1;  // vectors in a round
    std::string text;
};

// What a listing calls things.
struct Names {
    std::vector<std::string> arguments, steps;
};

// `wide`: for AVX-512, else for AVX2.
Emitted emit(const Sequence& sequence, const std::vector<Argument>& arguments, bool wide, const Names* names);
// Elements of a vector.
inline int64_t lanes_of(bool wide, DType lane) { return (wide ? 64 : 32) / (lane == DType::Float64 ? 8 : 4); }

}  // namespace pb::code
