// What a function captured that is being differentiated: tensors that it was not given and has not made.
//
// grad, vjp and jvp differentiate by what they hand to a function. A write in place into anything else would be seen outside,
// where nobody knows of it, or would be kept out of the derivative; so PyTorch refuses it, and so do all writes here. Nobody
// has to mark what is captured: cells know inside of which transform they were born, and what is older than the function's
// level is its own only if it is one of its arguments.
#pragma once
#include "tensor/tensor.h"

namespace pb {

// A new level around a function whose arguments `given.tensors()` lists; asked for only if something is written that is older.
uint64_t open_derivative(PyObject* given);
void close_derivative(uint64_t level);

// Whether a function that is being differentiated here has neither made it nor was given it.
bool is_captured(const Tensor& t);
[[gnu::cold, gnu::noinline]] void refuse_captured(const Tensor& t, const char* operation);
// To be called before a tensor is changed in place.
inline void check_captured(const Tensor& t, const char* operation) {
    if (__builtin_expect(t->cell->born < modes.derivative, 0)) refuse_captured(t, operation);
}

}  // namespace pb
