// Recurrent layers: a cell at every time of a sequence, whose state is what the next one begins with.
//
// compute/recurrence.cpp steps through time, forward and where gradients are wanted as values only. When a derivative of
// the derivative is wanted, the pullback is composed of differentiable operators instead, from the states, cells and gates
// of all times, which are outputs for that reason: nothing is computed a second time.
#include "compute/recurrence.h"

#include "ops/matrix/products.h"
#include "ops/operators.h"
#include "ops/reduce/reduction.h"
#include "ops/rule/apply.h"

namespace pb::ops {

namespace {

Tensor at(const Tensor& x, int64_t t) { return x ? select(x, 0, t) : x; }
Tensor times(const Tensor& a, const Tensor& b) { return a ? mul(a, b) : a; }

struct Layer {
    static constexpr const char* name = "RecurrentLayerBackward0";
    static constexpr uint32_t saves = 2 | 4 | 8;  // the first state, and the weight
    static constexpr uint32_t saves_outputs = 1 | 2 | 4;
    Recurrent cell;

    uint32_t reads_outputs() const { return cell == Recurrent::lstm ? 7 : cell == Recurrent::gru ? 3 : 1; }

    Tensors forward(const Tensors& in) const {
        Recurred made = recur(cell, in[0].array(), in[1].array(), array_or_none(in[2]), in[3].array(),
                              array_or_none(in[4]));
        Tensors out{Tensor::make(made.states)};
        if (made.gates.buffer) out.push_back(Tensor::make(made.gates));
        if (made.cells.buffer) out.push_back(Tensor::make(made.cells));
        return out;
    }

    void pullback(Context& c, const Tensors& g, Tensors& out) const {
        const Tensor &h = c.input(1), &first = c.input(2), &weight = c.input(3), &y = c.output(0);
        const bool lstm = cell == Recurrent::lstm, gru = cell == Recurrent::gru;
        Tensor gates = lstm || gru ? c.output(1) : Tensor(), cells = lstm ? c.output(2) : Tensor();
        Tensor g_gates = g.size() > 1 ? g[1] : Tensor(), g_cells = lstm ? g[2] : Tensor();
        bool values = !g_gates && values_only(h, weight) && values_only(y, y);
        for (const Tensor& each : {g[0], g_cells, first})
            values = values && (!each || values_only(each, each));
        if (!values)
            return pull_composed(c, {h, first, weight, y, gates, cells}, {g[0], g_gates, g_cells}, out);
        RecurrencePull pulled = recur_pull(cell, {y.array(), array_or_none(cells), array_or_none(gates)},
                                           h.array(), array_or_none(first), weight.array(),
                                           array_or_none(g[0]), array_or_none(g_cells), c.wants(3));
        if (c.wants(0)) out[0] = Tensor::make(pulled.given);
        if (c.wants(1)) out[1] = Tensor::make(pulled.h);
        if (c.wants(2)) out[2] = Tensor::make(pulled.c);
        if (c.wants(3)) out[3] = Tensor::make(pulled.weight);
        if (c.wants(4)) out[4] = sum(Tensor::make(pulled.hidden), Dims{0, 1}, false);
    }

    struct Values {
        Tensor h, c, weight, states, gates, cells;
    };
    struct Cotangents {
        Tensor states, gates, cells;
    };

    void pull_composed(Context& context, const Values& v, const Cotangents& g, Tensors& out) const {
        const int64_t steps = v.states.size(0);
        auto before = [](const Tensor& first, const Tensor& all) {
            return cat({unsqueeze(first, 0), narrow(all, 0, 0, all.size(0) - 1)}, 0);
        };
        auto sigmoid_slope = [](const Tensor& y) { return unary("times_complement", y); };
        auto tanh_slope = [](const Tensor& y) { return unary("one_minus_square", y); };
        const Tensor h_before = before(v.h, v.states);
        Tensor dh, dc;  // what comes to the states of a time from the one after it
        Tensors given(static_cast<size_t>(steps)), hidden(static_cast<size_t>(steps));

        if (cell == Recurrent::lstm) {
            Tensors x = chunk(v.gates, 4, -1), gx = g.gates ? chunk(g.gates, 4, -1) : Tensors(4);
            const Tensor c_before = before(v.c, v.cells), u = unary("tanh", v.cells);
            const Tensor through = mul(x[3], tanh_slope(u));
            const Tensor slopes[] = {sigmoid_slope(x[0]), sigmoid_slope(x[1]), tanh_slope(x[2]),
                                     sigmoid_slope(x[3])};
            const Tensor partners[] = {x[2], c_before, x[0], u};
            for (int64_t t = steps; t--;) {
                dh = plus(at(g.states, t), dh);
                dc = plus(plus(at(g.cells, t), dc), times(dh, at(through, t)));
                Tensors parts;
                for (size_t k = 0; k < 4; ++k) {
                    Tensor part = plus(times(k < 3 ? dc : dh, at(partners[k], t)), at(gx[k], t));
                    Tensor slope = at(slopes[k], t);
                    parts.push_back(part ? mul(part, slope) : mul(slope, 0.0));
                }
                given[static_cast<size_t>(t)] = cat(parts, -1);
                dc = times(dc, at(x[1], t));
                dh = matmul(given[static_cast<size_t>(t)], v.weight);
            }
            hidden = given;
        } else if (cell == Recurrent::gru) {
            Tensors x = chunk(v.gates, 4, -1), gx = g.gates ? chunk(g.gates, 4, -1) : Tensors(4);
            const Tensor r = x[0], z = x[1], n = x[2], q = x[3];
            const Tensor rs = sigmoid_slope(r), zs = sigmoid_slope(z), ns = tanh_slope(n), rest = sub(1.0, z),
                         apart = sub(h_before, n);
            const Tensor zero = mul(at(z, 0), 0.0);
            for (int64_t t = steps; t--;) {
                dh = plus(at(g.states, t), dh);
                auto or_zero = [&](const Tensor& x) { return x ? x : zero; };
                Tensor dn = mul(or_zero(plus(times(dh, at(rest, t)), at(gx[2], t))), at(ns, t));
                Tensor dq = plus(mul(dn, at(r, t)), at(gx[3], t));
                Tensor dr = mul(plus(mul(dn, at(q, t)), at(gx[0], t)), at(rs, t));
                Tensor dz = mul(or_zero(plus(times(dh, at(apart, t)), at(gx[1], t))), at(zs, t));
                given[static_cast<size_t>(t)] = cat({dr, dz, dn}, -1);
                hidden[static_cast<size_t>(t)] = cat({dr, dz, dq}, -1);
                dh = plus(times(dh, at(z, t)), matmul(hidden[static_cast<size_t>(t)], v.weight));
            }
        } else {
            const Tensor slopes = cell == Recurrent::tanh
                                      ? tanh_slope(v.states)
                                      : to_dtype(unary("sign", v.states), v.states.dtype());
            for (int64_t t = steps; t--;) {
                Tensor slope = at(slopes, t);
                dh = plus(at(g.states, t), dh);
                given[static_cast<size_t>(t)] = dh ? mul(dh, slope) : mul(slope, 0.0);
                dh = matmul(given[static_cast<size_t>(t)], v.weight);
            }
            hidden = given;
        }

        if (context.wants(0)) out[0] = stack(given, 0);
        if (context.wants(1)) out[1] = dh;
        if (context.wants(2)) out[2] = dc;
        if (context.wants(3))
            out[3] = matmul(transpose(flatten(stack(hidden, 0), 0, 1), 0, 1), flatten(h_before, 0, 1));
        if (context.wants(4)) out[4] = sum(stack(hidden, 0), Dims{0, 1}, false);
    }
};

}  // namespace

Tensors recurrent_layer(Recurrent cell, const Tensor& given, const Tensor& h, const MaybeTensor& c,
                        const Tensor& weight, const MaybeTensor& bias) {
    return apply_all(Layer{cell}, {given, h, c, weight, bias});
}

}  // namespace pb::ops
