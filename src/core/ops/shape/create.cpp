// Making tensors out of nothing.
#include "ops/shape/create.h"

#include <cmath>

#include "array/limits.h"

namespace pb::ops {

Tensor empty(DType dtype, const Dims& shape) { return Tensor::make(dtype, Layout::contiguous(shape)); }

Tensor full(DType dtype, Ref<Layout> layout, Scalar value) {
    // Callers pass the layout of what the result is like; with gaps or overlaps it is no layout for fresh memory.
    if (!layout->is_dense()) layout = Layout::contiguous(layout->dims());
    Tensor t = Tensor::make(dtype, std::move(layout));
    fill_array(t.array(), value);
    return t;
}

Tensor scalar_tensor(Scalar value, DType dtype) {
    Tensor t = Tensor::make(dtype, Layout::scalar());
    value.store(dtype, t.data());
    return t;
}

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

// A double as an element; out of range it becomes something, never undefined behaviour.
template <class T> T convert(double v) {
    if constexpr (std::is_floating_point_v<T>) return static_cast<T>(v);
    else return static_cast<T>(Scalar(v).to_int());
}

// Counted from both ends, so that the ends are met exactly. Integers step in double, as PyTorch does.
template <class T, class F> void spaced(T* x, int64_t n, double start, double end, F&& f) {
    using Step = std::conditional_t<std::is_floating_point_v<T>, T, double>;
    auto first = static_cast<Step>(convert<T>(start)), last = static_cast<Step>(convert<T>(end));
    Step step = n > 1 ? (last - first) / static_cast<Step>(n - 1) : 0;
    for (int64_t i = 0; i < n; ++i)
        x[i] = f(i < n / 2 || n == 1 ? first + step * static_cast<Step>(i)
                                     : last - step * static_cast<Step>(n - 1 - i));
}

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
    visit<Family::Numbers>(dtype, "arange_cpu", [&](auto zero) {
        using T = decltype(zero);
        T* x = t.array().as<T>();
        if constexpr (std::is_floating_point_v<T>) {
            for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(low + by * static_cast<double>(i));
        } else {  // unsigned, so that what lies beyond the last element may overflow
            uint64_t v = static_cast<uint64_t>(start.to_int()), s = static_cast<uint64_t>(step.to_int());
            for (int64_t i = 0; i < n; ++i, v += s) x[i] = static_cast<T>(v);
        }
    });
    return t;
}

Tensor linspace(double start, double end, int64_t steps, DType dtype) {
    check_steps(steps);
    check_fits(Scalar(start), dtype);
    check_fits(Scalar(end), dtype);
    Tensor t = empty(dtype, {steps});
    visit<Family::Numbers>(dtype, "linspace_cpu", [&](auto zero) {
        using T = decltype(zero);
        spaced(t.array().as<T>(), steps, start, end, [](auto v) { return convert<T>(v); });
    });
    return t;
}

Tensor logspace(double start, double end, int64_t steps, double base, DType dtype) {
    check_steps(steps);
    check_fits(Scalar(start), dtype);
    check_fits(Scalar(end), dtype);
    Tensor t = empty(dtype, {steps});
    visit<Family::Numbers>(dtype, "logspace_cpu", [&](auto zero) {
        using T = decltype(zero);
        spaced(t.array().as<T>(), steps, start, end,
               [&](auto v) { return convert<T>(std::pow(static_cast<decltype(v)>(base), v)); });
    });
    return t;
}

Tensor eye(int64_t n, int64_t m, DType dtype) {
    if (n < 0) fail("n must be greater or equal to 0, got {}", n);
    if (m < 0) fail("m must be greater or equal to 0, got {}", m);
    Tensor t = zeros(dtype, Dims{n, m});
    int64_t shortest = std::min(n, m);
    if (shortest) fill_array(t.array().view(Layout::strided({shortest}, {m + 1}), 0), Scalar(1));
    return t;
}

}  // namespace pb::ops
