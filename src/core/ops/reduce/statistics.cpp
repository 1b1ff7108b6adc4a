// Variances and norms.
//
// At a point where all elements agree the standard deviation, and at zero the norm, has a kink: the derivative
// there is 0, at every order that exists. It is selected, not multiplied, and a zero cotangent stays zero through
// the pole of the branch not taken (zmul), so nothing else has to be said for the higher orders.
#include <cmath>

#include "compute/line_functions.h"
#include "compute/lines.h"
#include "ops/reduce/reduction.h"

namespace pb::ops {

namespace {

// value where y is not 0, else 0.
Tensor zero_at_zero(const Tensor& y, const Tensor& value) { return where(eq(y, 0.0), 0.0, value); }

template <bool root, bool with_mean> struct Variance {
    static constexpr uint32_t saves = 1;
    static constexpr bool saves_output = root, leads = true;
    Dims dims;
    double correction;
    bool keepdim;
    const char* node_name() const {
        return with_mean ? root ? "StdMeanBackward0" : "VarMeanBackward0"
               : root    ? "StdBackward0"
                         : "VarBackward0";
    }
    double freedom(const Layout& l) const {
        double n = static_cast<double>(reduced_count(l, dims)) - correction;
        return n > 0 ? n : 0;
    }

    // The residual is the means, as values: for a pullback that nothing is recorded of.
    Computed<1> forward(const Tensors& inputs) {
        const Array x = inputs[0].array();
        Spread v = spread(x, dims, keepdim, freedom(*x.layout), root);
        if (!with_mean) return {{Tensor::make(v.value)}, {std::move(v.means)}};
        Tensor m = mean_of(Tensor::make(x));
        if (dims.empty()) m = clone(m);
        if (!keepdim && !dims.empty()) m = Tensor::make(m.array().view(v.value.layout, 0));
        return {{Tensor::make(v.value), m}, {std::move(v.means)}};
    }
    Tensor mean_of(const Tensor& x) { return dims.empty() ? x : mean(x, dims, true); }

    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Layout& input = c.input_layout(0);
        if (g[0]) {
            const Tensor& x = c.input(0);
            const Tensor centre =
                !dims.empty() && values_only(g[0], x) ? Tensor::make(c.residual()) : mean_of(x);
            Tensor gv = g[0];
            if constexpr (root) gv = zero_at_zero(c.output(), div(gv, c.output()));
            Tensor scaled = mul(gv, (root ? 1.0 : 2.0) / freedom(input));
            out[0] = zmul(expand_back(scaled, input, dims, keepdim), sub(x, centre));
        }
        if (with_mean && g[1]) {
            Tensor gm = div(g[1], static_cast<double>(reduced_count(input, dims)));
            gm = expand_back(gm, input, dims, keepdim);
            out[0] = out[0] ? add(out[0], gm) : gm;
        }
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        const Tensor& x = c.input(0);
        Tensor v = mul(sum_like(zmul(t[0], sub(x, mean_of(x))), dims, keepdim),
                       (root ? 1.0 : 2.0) / freedom(x.layout()));
        if constexpr (root) v = zero_at_zero(c.output(0), div(v, c.output(0)));
        if (!with_mean) return {v};
        return {v, dims.empty() ? t[0] : mean(t[0], dims, keepdim)};
    }
};

template <bool root, bool with_mean>
Tensors variance(const Tensor& x, const Dims& given, double correction, bool keepdim) {
    const char* name = with_mean ? root ? "std_mean" : "var_mean" : root ? "std" : "var";
    if (!is_differentiable(x.dtype()))
        fail("{} only support floating point and complex dtypes. The input is {}: x.float() first.",
             with_mean ? name : "std and var", dtype_name(x.dtype()));
    Dims dims = reduced_dims(x, given);
    if (static_cast<double>(reduced_count(x.layout(), dims)) <= correction) {
        if (PyErr_WarnFormat(PyExc_UserWarning, 1,
                             "%s(): degrees of freedom is <= 0. Correction should be strictly less than the "
                             "reduction factor (input "
                             "numel divided by output numel).",
                             name) < 0)
            throw PythonError();
    }
    if (is_complex(x.dtype())) {  // of the distance from the mean: the sum over both parts
        Tensor v;
        if constexpr (root) {  // a norm, so that the slope at 0 is that of one
            const double n = static_cast<double>(reduced_count(x.layout(), dims)) - correction;
            v = vector_norm(sub(x, mean(x, given, true)), 2, dims, keepdim, {});
            v = div(v, std::sqrt(n > 0 ? n : 0));
        } else {
            auto of = [&](const Tensor& part) {
                return variance<false, false>(part, given, correction, keepdim)[0];
            };
            v = add(of(real(x)), of(imag(x)));
        }
        return with_mean ? Tensors{v, mean(x, given, keepdim)} : Tensors{v};
    }
    return apply_all(Variance<root, with_mean>{dims, correction, keepdim}, {x});
}

struct VectorNorm {
    static constexpr const char* name = "LinalgVectorNormBackward0";
    static constexpr uint32_t saves = 1;
    static constexpr bool saves_output = true, leads = true;
    static constexpr bool holomorphic = true, adjoint = true;  // of complex numbers only the order 2
    double order;
    Dims dims;
    bool keepdim;
    MaybeDType dtype;

    Array measure(const Tensor& x) const {
        if (order == 0)
            return converted(reduced(Reduction::count_nonzero, x.value(), dims, keepdim), x.dtype());
        if (order == 2) {
            Tensor s = Tensor::make(reduced(Reduction::sum, mul(x, x).value(), dims, keepdim));
            return unary("sqrt", s).array();
        }
        Tensor a = unary("abs", x);
        if (std::isinf(order))
            return reduced(order > 0 ? Reduction::max : Reduction::min, a.value(), dims, keepdim);
        if (order == 1) return reduced(Reduction::sum, a.value(), dims, keepdim);
        Tensor s = Tensor::make(reduced(Reduction::sum, pow(a, order).value(), dims, keepdim));
        return pow(s, 1 / order).array();
    }

    Tensor forward(const Tensors& inputs) {
        Tensor x = typed(Tensor::make(inputs[0].array()), dtype);
        if (is_complex(x.dtype())) x = abs(x);
        Array y = measure(x);
        if (order <= 0 || order == 1 || std::isinf(order) || x.numel() == 0) return Tensor::make(y);
        // Powers may leave the range of the dtype although the norm is in it: such norms are taken of x / max|x|.
        Array lost = out_of_range(y, order);
        if (!lost.buffer) return Tensor::make(y);
        Tensor largest = Tensor::make(reduced(Reduction::max, unary("abs", x).value(), dims, keepdim));
        Tensor usable = elementwise(*rows.lt, {largest, std::numeric_limits<double>::infinity()});
        Tensor scale = where(usable, where(eq(largest, 0.0), 1.0, largest), 1.0);
        Tensor rescaled = Tensor::make(measure(div(x, expand_back(scale, x.layout(), dims, keepdim))));
        return where(Tensor::make(lost), mul(rescaled, scale), Tensor::make(y));
    }

    Tensor wide(const Tensor& y, const Tensor& x) const { return expand_back(y, x.layout(), dims, keepdim); }

    // The gradient of y at x, without the cotangent; constant pieces for the orders 0, 1 and infinity.
    Tensor direction(const Tensor& x, const Tensor& y) const {
        if (order == 1) return unary("sgn", x);
        if (std::isinf(order)) {
            Tensor ties = eq(unary("abs", x), wide(y, x));
            Tensor count = to_dtype(count_like(ties, dims, keepdim), x.dtype());
            return where(ties, mul(unary("sgn", x), wide(div(1.0, count), x)), 0.0);
        }
        Tensor flat = eq(y, 0.0);
        if (is_complex(x.dtype())) return where(wide(flat, x), 0.0, div(x, wide(where(flat, 1.0, y), x)));
        // Quotients are in range where reciprocals of subnormal norms are not; those by infinity are 0 to every order.
        if (order == 2) return div(x, wide(where(flat, std::numeric_limits<double>::infinity(), y), x));
        // sign(x) (|x| / y)^(order - 1): the ratio is at most 1.
        Tensor safe = where(flat, 1.0, y);
        Tensor power = pow(div(unary("abs", x), wide(safe, x)), order - 1);
        if (order < 1) power = where(eq(x, 0.0), 0.0, power);
        return where(wide(flat, x), 0.0, mul(unary("sgn", x), power));
    }

    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Tensor x = typed(c.input(0), dtype);
        if (order == 0) {
            out[0] = zeros(x.dtype(), x.shape());
            return;
        }
        const Tensor& y = c.output();
        out[0] = zmul(wide(g[0], x), direction(x, y));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Tensor x = typed(c.input(0), dtype);
        if (order == 0) return {zeros(x.dtype(), c.output().layout_ref())};
        const Tensor& y = c.output();
        Tensor to = direction(x, y), along = typed(t[0], dtype);
        Tensor parts = is_complex(x.dtype()) ? real(zmul(along, conj(to))) : zmul(along, to);
        return {sum_like(parts, dims, keepdim)};
    }
};

}  // namespace

Tensor var(const Tensor& x, DimsOrAll dims, double correction, bool keepdim) {
    return std::move(variance<false, false>(x, dims, correction, keepdim)[0]);
}
Tensor std(const Tensor& x, DimsOrAll dims, double correction, bool keepdim) {
    return std::move(variance<true, false>(x, dims, correction, keepdim)[0]);
}
Tensors var_mean(const Tensor& x, DimsOrAll dims, double correction, bool keepdim) {
    return variance<false, true>(x, dims, correction, keepdim);
}
Tensors std_mean(const Tensor& x, DimsOrAll dims, double correction, bool keepdim) {
    return variance<true, true>(x, dims, correction, keepdim);
}

void check_norm_dtype(const char* operation, DType from, DType to) {
    if (!is_differentiable(to))
        fail("{}: dtype should be floating point or complex, but got {}", operation, dtype_legacy_name(to));
    if (is_complex(from) != is_complex(to)) {
        const char* kind = is_complex(from) ? "complex" : "real";
        fail(
            "{}: dtype should be {} for {} inputs, but got {}. The norm of complex numbers "
            "is real.",
            operation, kind, kind, dtype_legacy_name(to));
    }
    if (promote(from, to) != to)
        fail(
            "{}: the dtype of the input ({}) should be convertible without narrowing to the "
            "specified dtype ({}). Convert the norm instead: it is smaller than its operand.",
            operation, dtype_legacy_name(from), dtype_legacy_name(to));
}

Tensor vector_norm(const Tensor& x, double order, DimsOrAll given, bool keepdim, MaybeDType dtype) {
    const DType d = dtype.value_or(x.dtype());
    if (!is_differentiable(x.dtype()))
        fail(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got {}. Convert it "
            "first: x.float().",
            dtype_legacy_name(x.dtype()));
    check_norm_dtype("linalg.vector_norm", x.dtype(), d);
    if (!is_supported(d)) fail_unsupported("norm_cpu", d);
    Dims dims = reduced_dims(x, given);
    if ((order < 0 || std::isinf(order)) && reduced_count(x.layout(), dims) == 0) {
        const char* text = std::isinf(order) ? order > 0 ? "inf" : "-inf" : "negative";
        if (static_cast<const Dims&>(given).empty())
            fail(
                "linalg.vector_norm cannot compute the {} norm on an empty tensor because the operation does "
                "not have an identity",
                text);
        for (int64_t k : dims)
            if (x.size(x.ndim() + k) == 0)
                fail(
                    "linalg.vector_norm cannot compute the {} norm on the dimension {}because this dimension "
                    "is empty and the operation does not have an identity",
                    text, x.ndim() + k);
    }
    // Of other orders an element that is 0 has no slope, or none of the second order.
    if (is_complex(d) && order != 2) return vector_norm(abs(to_dtype(x, d)), order, given, keepdim, {});
    return apply(VectorNorm{order, dims, keepdim, d == x.dtype() ? MaybeDType() : d}, {x});
}

}  // namespace pb::ops
