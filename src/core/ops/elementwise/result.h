// The result of an elementwise function before it is computed: its dtype, its layout, and what is refused.
#pragma once
#include "ops/elementwise/elementwise.h"

namespace pb::ops {

struct Plan {
    DType compute, result;
};

// While a program of the table is played, rows are given complex numbers that refuse them otherwise.
struct Playing {
    Playing() { ++depth; }
    ~Playing() { --depth; }
    static int depth;
};

// Raises for dtypes and numbers that the row refuses; `target`, if there is one, is what the result is written into.
Plan plan(const Row& row, const Operand* operands, const Tensor* target = nullptr);
// Raises when integers are divided by zero.
void check_divisor(const Row& row, const Operand* operands, DType compute);
[[noreturn]] void fail_unimplemented(const Row& row, DType d);

// Broadcast shape; the operands' order of dimensions (`array/order.h`).
Ref<Layout> result_layout(const Row& row, const Operand* operands, int n);

}  // namespace pb::ops
