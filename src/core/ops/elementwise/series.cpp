#include "ops/elementwise/series.h"

#include "ops/operators.h"
#include "tape/tangents.h"

namespace pb::ops {

namespace {

uint64_t key(uint64_t level, int n) { return level + static_cast<uint64_t>(n); }

// Up to which power a tensor has coefficients.
int last_coefficient(const Operand& x, uint64_t level, int order) {
    if (!x.tensor || !x.tensor->is_dual()) return 0;
    for (int n = order; n > 0; --n)
        if (tangent_at(*x.tensor, key(level, n))) return n;
    return 0;
}

}  // namespace

void expand_row(const Row& row, const Operand* operands, const Operand* below, const Tensor& y,
                uint64_t level) {
    if (!row.differentiable) return;
    const int order = series_order(level);
    std::vector<int> given;
    size_t count = static_cast<size_t>(row.arity) + 1;
    for (int i = 0; i < row.arity; ++i) {
        const bool flat = row.partial[i].kind == Partial::None || !is_differentiable(y.dtype());
        given.push_back(flat ? 0 : last_coefficient(operands[i], level, order));
        count += static_cast<size_t>(given.back());
    }
    if (count == static_cast<size_t>(row.arity) + 1) return;
    const Program& program = row.series(order, given);
    std::vector<Operand> inputs;
    std::vector<Tensor> held;
    held.reserve(count);
    auto take = [&](const Tensor& t, bool boolean) {
        held.push_back(boolean || t.dtype() == y.dtype() ? t : to_dtype(t, y.dtype()));
        inputs.emplace_back(held.back());
    };
    for (int i = 0; i < row.arity; ++i) {
        if (below[i].tensor) take(*below[i].tensor, row.partials.boolean >> i & 1);
        else inputs.push_back(below[i]);
    }
    take(y, false);
    for (int i = 0; i < row.arity; ++i)
        for (int n = 1; n <= given[static_cast<size_t>(i)]; ++n) {
            const Tensor& x = *operands[i].tensor;
            Tensor c = tangent_at(x, key(level, n));
            take(c ? c : zeros(x.dtype(), Layout::contiguous(x.shape())), false);
        }
    const Tensors found = play(program, inputs.data(), y.dtype());
    for (int n = 1; n <= order; ++n)
        if (Tensor c = found[static_cast<size_t>(n - 1)]) {
            if (!c.layout().same_shape(y.layout())) c = contiguous(expand(c, y.shape()));
            set_tangent(y, key(level, n), c);
        }
}

}  // namespace pb::ops
