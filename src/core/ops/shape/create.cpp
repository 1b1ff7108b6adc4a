// Making tensors out of nothing.
#include "ops/shape/create.h"

#include <cmath>

#include "array/limits.h"
#include "compute/create.h"

namespace pb::ops {

Tensor empty(DType dtype, const Dims& shape) { return Tensor::make(dtype, Layout::contiguous(shape)); }

Tensor full(DType dtype, Ref<Layout> layout, Scalar value) {
    // Callers pass the layout of what the result is like; with gaps or overlaps it is no layout for fresh memory.
    if (!layout->is_dense()) layout = Layout::contiguous(layout->dims());
    Tensor t = Tensor::make(dtype, std::move(layout));
    fill_array(t.array(), value);
    return t;
}

Tensor scalar_tensor(Scalar value, DType dtype) { return Tensor::make(compute::of_number(value, dtype)); }

Tensor zeros(DType dtype, Ref<Layout> layout) { return full(dtype, std::move(layout), Scalar(0)); }
Tensor ones(DType dtype, Ref<Layout> layout) { return full(dtype, std::move(layout), Scalar(1)); }

Tensor empty_strided(DType dtype, const Dims& shape, const Dims& strides) {
    if (shape.size() != strides.size())
        fail("dimensionality of sizes ({}) must match dimensionality of strides ({})", shape.size(),
             strides.size());
    checked_numel(shape.data(), shape.size());
    int64_t last = 0;
    for (size_t i = 0; i < shape.size(); ++i) {
        int64_t reach;
        if (strides[i] < 0 || mul_overflows(std::max<int64_t>(shape[i] - 1, 0), strides[i], &reach) ||
            add_overflows(last, reach, &last) || last > (INT64_MAX >> 5))
            fail("Storage size calculation overflowed with sizes={} and strides={}", shape_text(shape),
                 shape_text(strides));
    }
    Array a;
    a.dtype = dtype;
    a.layout = Layout::strided(shape, strides);
    int64_t elements = a.layout->numel() ? last + 1 : 0;
    a.buffer = Buffer::allocate(static_cast<size_t>(elements) * item_size(dtype));
    return Tensor::make(a);
}

namespace {

void check_steps(int64_t steps) {
    if (steps < 0) fail("number of steps must be non-negative");
}

}  // namespace

Tensor arange(Scalar start, Scalar end, Scalar step, DType dtype) {
    double low = start.to_double(), high = end.to_double(), by = step.to_double();
    bool whole = dtype == DType::Int64;  // counted in integers: doubles lose the last bits
    if (whole ? step.to_int() == 0 : !(by > 0 || by < 0))
        fail("step must be nonzero. It is what each element adds to the one before.");
    if (!std::isfinite(low) || !std::isfinite(high)) fail("unsupported range: {} -> {}", low, high);
    if (by > 0 ? high < low : high > low)
        fail(
            "upper bound and lower bound inconsistent with step sign: from {} in steps of {}, {} is never "
            "reached.",
            low, by, high);
    int64_t n;
    if (whole) {
        __int128 a = start.to_int(), b = end.to_int(), s = step.to_int(), sign = s > 0 ? 1 : -1,
                 count = (b - a + s - sign) / s;
        n = count < 0 ? 0 : count > (INT64_MAX >> 5) ? -1 : static_cast<int64_t>(count);
    } else {
        double count = std::ceil((high - low) / by);
        n = count >= 0 && count < 0x1p58 ? static_cast<int64_t>(count) : -1;
    }
    if (n < 0) fail("invalid size, possible overflow?");
    Tensor t = empty(dtype, {n});
    compute::count_up(t.array(), start, step);
    return t;
}

Tensor linspace(Scalar start, Scalar end, int64_t steps, DType dtype) {
    check_steps(steps);
    check_fits(start, dtype);
    check_fits(end, dtype);
    Tensor t = empty(dtype, {steps});
    compute::space_evenly(t.array(), start, end);
    return t;
}

Tensor logspace(Scalar start, Scalar end, int64_t steps, double base, DType dtype) {
    check_steps(steps);
    check_fits(start, dtype);
    check_fits(end, dtype);
    Tensor t = empty(dtype, {steps});
    compute::space_powers(t.array(), start, end, base);
    return t;
}

Tensor eye(int64_t n, int64_t m, DType dtype) {
    if (n < 0) fail("n must be greater or equal to 0, got {}", n);
    if (m < 0) fail("m must be greater or equal to 0, got {}", m);
    return Tensor::make(compute::identity(dtype, n, m));
}

}  // namespace pb::ops
