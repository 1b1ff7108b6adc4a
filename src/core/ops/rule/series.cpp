#include "ops/rule/series.h"

#include "ops/operators.h"
#include "ops/rule/levels.h"

namespace pb {

namespace {

// The same value, coefficients included, as a tensor that can be given others.
Tensor twin(const Tensor& t) {
    Tensor s = t.alias();
    take_history(s, t);
    s->flags |= t->flags & kInference;
    return s;
}

struct Expanding {
    const Tensors &operands, &below, &out;
    uint64_t level;
    int order;
    const Pushforward& push;

    Tensors coefficients(int n) const {
        Tensors all(operands.size());
        for (size_t i = 0; i < operands.size(); ++i)
            if (operands[i] && operands[i].is_dual())
                all[i] = tangent_at(operands[i], level + static_cast<uint64_t>(n));
        return all;
    }
    void set(int n, const Tensors& coefficients) const {
        for (size_t j = 0; j < coefficients.size(); ++j)
            if (coefficients[j] && is_differentiable(out[j].dtype()))
                set_tangent(out[j], level + static_cast<uint64_t>(n), coefficients[j]);
    }

    void each(int from) const {
        for (int n = from; n <= order; ++n)
            if (Tensors t = coefficients(n); any(t)) set(n, push(below, out, t, nullptr));
    }
    static bool any(const Tensors& all) {
        for (const Tensor& t : all)
            if (t) return true;
        return false;
    }

    void convolve() const {
        std::vector<Tensors> all;
        for (int n = 1; n <= order; ++n) {
            all.push_back(coefficients(n));
            Tensors found = any(all.back()) ? push(below, out, all.back(), nullptr) : Tensors(1);
            for (int j = 1; j < n; ++j) {
                const Tensor &a = all[static_cast<size_t>(j - 1)][0],
                             &b = all[static_cast<size_t>(n - j - 1)][1];
                if (!a || !b) continue;
                Tensor product = push({below[0], b}, out, {a, Tensor()}, nullptr)[0];
                found[0] = found[0] ? ops::add(found[0], product) : product;
            }
            set(n, found);
        }
    }

    void general() const {
        Small<bool, 4> varies(operands.size(), false);
        int first = 0;
        for (int n = order; n >= 1; --n) {
            const Tensors t = coefficients(n);
            for (size_t i = 0; i < t.size(); ++i)
                if (t[i]) varies[i] = true, first = n;
        }
        if (!first) return;
        // The first coefficient that there is moves as a tangent does.
        Reads reads{&varies};
        set(first, push(below, out, coefficients(first), &reads));
        if (first == order) return;
        if (!reads.any()) return each(first + 1);
        Tensors moving(operands.size()), values(out);
        for (size_t i = 0; i < operands.size(); ++i)
            if (varies[i]) moving[i] = series_derivative(operands[i], level, order);
        for (int known = first; known < order; known = reads.outputs ? known + 1 : order) {
            const int m = reads.outputs ? known : order - 1;  // of the derivative, coefficients 0 to m
            for (size_t j = 0; j < out.size(); ++j)
                if (is_differentiable(out[j].dtype())) values[j] = twin(out[j]);
            SeriesOrder limit(level, m);
            const Tensors pushed = push(operands, values, moving, nullptr);
            for (int n = known + 1; n <= m + 1; ++n) {
                Tensors next(pushed.size());
                for (size_t j = 0; j < pushed.size(); ++j)
                    if (pushed[j])
                        if (Tensor c = tangent_at(pushed[j], level + static_cast<uint64_t>(n - 1)))
                            next[j] = ops::div(c, static_cast<double>(n));
                set(n, next);
            }
        }
    }
};

}  // namespace

void expand_series(const Tensors& operands, const Tensors& below, const Tensors& out, uint64_t level,
                   bool bilinear, const Pushforward& push) {
    Expanding e{operands, below, out, level, series_order(level), push};
    bilinear ? e.convolve() : e.general();
}

Tensor series_derivative(const Tensor& x, uint64_t level, int order) {
    Tensor d;
    for (int n = order; n >= 1; --n)
        if (tangent_at(x, level + static_cast<uint64_t>(n))) d = x;
    if (!d) return d;
    const Tensor first = tangent_at(x, level + 1);
    d = first ? twin(first) : ops::zeros(x.dtype(), Layout::contiguous(x.shape()));
    for (int n = 1; n < order; ++n)
        if (Tensor c = tangent_at(x, level + static_cast<uint64_t>(n + 1)))
            set_tangent(d, level + static_cast<uint64_t>(n), ops::mul(c, static_cast<double>(n + 1)));
    return d;
}

}  // namespace pb
