// Functions of complex numbers that have no complex derivative, or are made of real functions where numbers are real, as
// compositions of others: each mode differentiates those.
#include "ops/elementwise/complex.h"

#include <cmath>

#include "array/limits.h"
#include "ops/elementwise/named.h"
#include "ops/shape/shape.h"

namespace pb::ops {

namespace {

// An operand, a number also, as a tensor.
Tensor tensor_of(const Operand& o, DType d) {
    return o.tensor ? to_dtype(*o.tensor, d) : scalar_tensor(o.scalar, d);
}

// z / |z|, and 0 of 0.
Tensor direction(const Operand* z) {
    Tensor length = abs(*z[0].tensor);
    return where(eq(length, 0.0), 0.0, div(z[0], length));
}

// sin(pi z) / (pi z). Where |pi z| < 1 it is its series, whose derivatives are right at 0, too: 12 terms are exact there.
Tensor sinc(const Operand* z) {
    const Tensor turned = mul(z[0], M_PI), square = mul(turned, turned);
    const Tensor near = elementwise(*rows.lt, {abs(detach(turned)), 1.0});
    Tensor sum;
    for (int k = 11; k > 0; --k) {
        // 1 - square / (2 k (2 k + 1)) (1 - ...)
        const double factor = -1.0 / (2 * k * (2 * k + 1));
        sum = add(sum ? mul(mul(square, factor), sum) : mul(square, factor), 1.0);
    }
    return where(near, sum, div(unary("sin", turned), where(near, 1.0, turned)));
}

Tensor silu(const Operand* z) { return mul(z[0], unary("sigmoid", *z[0].tensor)); }
Tensor softsign(const Operand* z) { return div(z[0], add(abs(*z[0].tensor), 1.0)); }
Tensor tanhshrink(const Operand* z) { return sub(z[0], unary("tanh", *z[0].tensor)); }

// Each part by itself; the numbers that stand for what is replaced are real.
Tensor nan_to_num(const Operand* z) {
    const Row& row = *find_row("nan_to_num");
    auto part = [&](const Tensor& x) { return elementwise(row, {x, z[1], z[2], z[3]}); };
    return complex(part(real(*z[0].tensor)), part(imag(*z[0].tensor)));
}

// log(e^a + e^b) = m + log1p(e^(n - m)), where m is the one with the larger real part. Where both are infinite their
// difference is nothing: the smaller one counts at -inf, and the sum itself at inf.
Tensor logaddexp(const Operand* z) {
    const DType d = result_type(z, 2);
    const Tensor a = tensor_of(z[0], d), b = tensor_of(z[1], d);
    const Tensor first = elementwise(*rows.ge, {real(detach(a)), real(detach(b))});
    const Tensor most = where(first, a, b), least = where(first, b, a);
    const Tensor high = real(detach(most)), low = real(detach(least));
    const Tensor both = unary("isinf", where(eq(high, low), high, 0.0));
    const Tensor apart = where(both, 0.0, sub(least, most));
    const Tensor sum = add(most, unary("log1p", unary("exp", apart)));
    const Tensor infinite = where(elementwise(*rows.lt, {low, 0.0}), least,
                                  unary("log", add(unary("exp", most), unary("exp", least))));
    return where(both, infinite, sum);
}

// The next number of a narrow dtype. In float32 a step of 0.6 units in the last place, away from 0 or towards it, ends nearest
// to the neighbour: the units below a power of 2 are half as large, and the step is more than half of one and less than
// one and a half in each of them.
Tensor next_narrow(const Operand* o) {
    const DType d = result_type(o, 2);
    const double unit = 2.0 / static_cast<double>(whole_numbers(d)), largest = largest_float(d);
    const double smallest = visit<Family::Stored>(d, "nextafter_cpu", [](auto least) {
        if constexpr (is_narrow<decltype(least)>) least.bits = 1;
        return static_cast<double>(least);
    });
    auto is = [](const Row* row, const Operand& a, const Operand& b) { return elementwise(*row, {a, b}); };
    const Tensor given = tensor_of(o[0], DType::Float32), x = detach(given),
                 y = detach(tensor_of(o[1], DType::Float32));
    const Tensor step = elementwise(*find_row("maximum"), {mul(abs(x), 0.6 * unit), 0.6 * smallest});
    Tensor moved = add(x, where(is(rows.gt, y, x), step, neg(step)));
    moved = where(unary("isinf", x), where(is(rows.gt, x, 0.0), largest, -largest), moved);
    moved = where(is(rows.eq, x, y), y, where(is(rows.eq, y, y), moved, y));
    // The derivative is 1 where there is a step.
    const Tensor along = where(is(rows.ne, x, y), given, x);
    return to_dtype(sub(moved, where(unary("isfinite", x), sub(x, along), 0.0)), d);
}

}  // namespace

void bind_compositions() {
    for (const char* name : {"sign", "sgn"}) find_row(name)->of_complex = direction;
    find_row("sinc")->of_complex = sinc;
    find_row("silu")->of_complex = silu;
    find_row("softsign")->of_complex = softsign;
    find_row("tanhshrink")->of_complex = tanhshrink;
    find_row("nan_to_num")->of_complex = nan_to_num;
    find_row("logaddexp")->of_complex = logaddexp;
    find_row("nextafter")->of_narrow = next_narrow;
}

}  // namespace pb::ops
