// Elementwise functions by name, as other operators call them; elementwise.h has the general door.
#pragma once
#include "ops/elementwise/elementwise.h"
#include "tape/operations.h"

namespace pb::ops {

inline Tensor add(const Operand& a, const Operand& b) { return elementwise(*rows.add, {a, b}); }
inline Tensor sub(const Operand& a, const Operand& b) { return elementwise(*rows.sub, {a, b}); }
inline Tensor mul(const Operand& a, const Operand& b) { return elementwise(*rows.mul, {a, b}); }
inline Tensor div(const Operand& a, const Operand& b) { return elementwise(*rows.div, {a, b}); }
inline Tensor neg(const Tensor& a) { return elementwise(*rows.neg, {a}); }
inline Tensor zmul(const Operand& g, const Operand& p) { return elementwise(*rows.zmul, {g, p}); }
inline Tensor where(const Operand& c, const Operand& a, const Operand& b) {
    return elementwise(*rows.where, {c, a, b});
}
// Of a real tensor itself.
inline Tensor conj(const Tensor& a) { return is_complex(a.dtype()) ? elementwise(*rows.conj, {a}) : a; }
inline Tensor abs(const Tensor& a) { return elementwise(*rows.abs, {a}); }
inline Tensor pow(const Operand& a, const Operand& b) { return elementwise(*rows.pow, {a, b}); }
inline Tensor eq(const Operand& a, const Operand& b) { return elementwise(*rows.eq, {a, b}); }
Tensor unary(const char* name, const Tensor& x);  // exp, log, ...: looked up by name

}  // namespace pb::ops
