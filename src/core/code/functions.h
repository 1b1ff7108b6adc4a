// Functions: what a primitive is as a sequence of operations.
#pragma once
#include "code/sequence.h"
#include "kernels/chains.h"
#include "kernels/kernels.h"

namespace pb::code {

// Whether a primitive of floats can be said in operations. Where it takes or gives truth values, those are masks.
bool is_stated(Primitive p, DType lane);
// Whether it calls a vector function on the way.
bool has_calls(Primitive p, DType lane);
// Whether such calls pay: those of float32, which take twice the elements at once, where kernels make them at all.
bool calls_pay(DType lane);
// Appends it to a sequence; returns the result.
int16_t state(Sequence& s, Primitive p, const int16_t* in);
// The same for truth values: a primitive of bools.
bool is_stated_of_masks(Primitive p);
int16_t state_of_masks(Sequence& s, Primitive p, const int16_t* in);
// A link of a chain: of the accumulator and, mostly, an operand.
int16_t state_link(Sequence& s, Link link, int16_t accumulator, int16_t operand);
// A power by 2, 3, 1, -1 or 1/2.
int16_t state_power(Sequence& s, int16_t value, double exponent);
// A float rounded to those of a narrow type, as storing and loading does.
int16_t state_narrow(Sequence& s, DType narrow, int16_t value);
// What a table has for a value, which is rounded to those of its narrow type.
int16_t state_table(Sequence& s, int16_t value, const std::shared_ptr<const Table>& table);
// Conversions between floats and truth values.
int16_t state_truth(Sequence& s, int16_t value);
int16_t state_number(Sequence& s, int16_t mask);

}  // namespace pb::code
