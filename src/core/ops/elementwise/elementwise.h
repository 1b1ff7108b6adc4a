// Applying rows of the table to tensors: promotion, broadcasting, execution, recording, tangents.
#pragma once
#include "ops/elementwise/row.h"
#include "tape/node.h"

namespace pb {

// An operand of an elementwise function: a tensor, or a number.
struct Operand {
    const Tensor* tensor = nullptr;
    Scalar scalar;
    Operand() = default;
    Operand(const Tensor& t) : tensor(&t) {}
    Operand(Scalar s) : scalar(s) {}
    Operand(double v) : scalar(v) {}
};

extern DType default_dtype;

// That of a Python number of a category (Scalar::cat) which nothing else decides.
DType number_dtype(int category);

// The dtype that these operands meet in: tensors with dimensions decide within a category, then 0-d tensors, then
// Python numbers (torch.result_type).
DType result_type(const Operand* operands, int n);

namespace ops {

Tensor elementwise(const Row& row, const Operand* operands, int n);
inline Tensor elementwise(const Row& row, std::initializer_list<Operand> operands) {
    return elementwise(row, operands.begin(), static_cast<int>(operands.size()));
}
// In place: the result goes into `target`, which is operand 0 (x.add_(y)). Recorded as such. `consumed`, if any, is
// an operand that nobody holds any more: it may be computed from the target's old elements while those go.
const Tensor& elementwise_inplace(const Row& row, const Tensor& target, const Operand* operands, int n,
                                  const Tensor* consumed = nullptr);
// out=: like PyTorch, for tensors that do not require grad; `out` is resized when it is empty.
void elementwise_out(const Row& row, const Tensor& out, const Operand* operands, int n);

// Plays a program instruction by instruction through the recorder (create_graph, forward mode). Of the outputs it computes
// those whose bits are set in `wanted`; the others are undefined.
Tensors play(const Program& program, const Operand* inputs, DType compute, uint32_t wanted = ~0u);
// The same up to instruction `until`, from the first whose value is not there; and a value by its number.
void play_on(const Program& program, const Operand* inputs, DType compute, size_t until, Tensors& values,
             const char* needed = nullptr);  // by instruction; null: all are
Operand played(const Program& program, const Operand* inputs, const Tensors& values, int16_t number);

}  // namespace ops
}  // namespace pb
