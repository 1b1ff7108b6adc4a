#include "ops/elementwise/series.h"

#include <algorithm>

#include "ops/operators.h"
#include "ops/rule/series.h"

namespace pb::ops {

namespace {

// Up to which power a tensor has coefficients.
int last_coefficient(const Tensor& x, uint64_t level, int order) {
    int n = order;
    while (n > 0 && !coefficient(x, level, n)) --n;
    return n;
}

// What a program of coefficients takes, in the dtype of y; coefficients above `order` are not known yet.
struct Inputs {
    Inputs(const Row& row, const Tensors& operands, const Operand* below, const Tensor& y, uint64_t level,
           int order, const std::vector<int>& given) {
        size_t count = given.size() + 1;
        for (int n : given) count += static_cast<size_t>(n);
        held.reserve(count);
        for (int i = 0; i < row.arity; ++i) {
            if (below[i].tensor)
                take(*below[i].tensor, row.partials.boolean >> i & 1 ? DType::Bool : dtype_of(y));
            else all.push_back(below[i]);
        }
        take(y, dtype_of(y));
        for (size_t i = 0; i < given.size(); ++i)
            for (int n = 1; n <= given[i]; ++n) {
                if (n > order) {
                    all.emplace_back(0.0);
                    continue;
                }
                const Tensor& x = operands[i];
                Tensor c = coefficient(x, level, n);
                take(c ? c : zeros(x.dtype(), Layout::contiguous(x.shape())), dtype_of(y));
            }
    }
    std::vector<Operand> all;
    static DType dtype_of(const Tensor& y) { return computed_as(y.dtype()); }

  private:
    void take(const Tensor& t, DType dtype) {
        held.push_back(t.dtype() == dtype ? t : to_dtype(t, dtype));
        all.emplace_back(held.back());
    }
    std::vector<Tensor> held;
};

}  // namespace

void expand_row(const Row& row, const Tensors& operands, const Operand* below, const Tensor& y,
                uint64_t level) {
    if (!row.differentiable || !is_differentiable(y.dtype())) return;
    const int order = series_order(level);
    if (is_float(y.dtype()))
        for (const Tensor& x : operands)
            if (x && is_complex(x.dtype()))
                fail_as(ErrorKind::NotImplemented,
                        "jet: {} of complex numbers has no Taylor series: it is not holomorphic. A jet of "
                        "its real "
                        "and imaginary parts has one.",
                        row.shown);
    Expanding e(operands, level, &row);
    std::vector<int> given;
    for (int i = 0; i < row.arity; ++i) {
        const bool flat = row.partial[i].kind == Partial::None;
        const int n = flat ? 0 : last_coefficient(operands[static_cast<size_t>(i)], level, order);
        given.push_back(n && e->replayed ? e->last : n);
    }
    if (std::all_of(given.begin(), given.end(), [](int n) { return n == 0; })) return;
    if (given != e->given) e->given = given, e->found.clear(), e->values = Tensors();
    const Program& program = row.series(e->last, given);
    const Inputs inputs(row, operands, below, y, level, order, given);
    // A coefficient comes before those that follow from it.
    while (static_cast<int>(e->found.size()) < order) {
        const int16_t output = program.outputs[e->found.size()];
        Tensor c;
        if (output >= 0) {
            const int until = output - program.first_result() + 1;
            if (until > static_cast<int>(e->values.size()))
                play_on(program, inputs.all.data(), Inputs::dtype_of(y), static_cast<size_t>(until),
                        e->values);
            const Operand v = played(program, inputs.all.data(), e->values, output);
            c = v.tensor ? to_dtype(*v.tensor, y.dtype()) : scalar_tensor(v.scalar, y.dtype());
            if (row.partial[0].kind == Partial::Conjugate) c = conj(c);
            if (!c.layout().same_shape(y.layout())) c = contiguous(expand(c, y.shape()));
        }
        e->found.push_back(Tensors{c});
    }
    give_coefficients(*e, Tensors{y}, level);
}

}  // namespace pb::ops
