// Emission: the machine code of a sequence.
//
// The code is a function of the places of its operands and results and of a number of elements, a multiple of the lanes of
// a vector. It loads, computes and stores a vector at a time: what only the sequence reads stays in registers.
#pragma once
#include <string>
#include <vector>

#include "code/sequence.h"

namespace pb::code {

// An operand or a result: `lane` is as wide as the sequence's floats, truth values have a byte, halves two.
struct Argument {
    enum Form : uint8_t { lane, truth, half } form;
    bool single = false;
};

struct Emitted {
    std::vector<uint8_t> bytes;  // none: the sequence asks for what there is no code for
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
