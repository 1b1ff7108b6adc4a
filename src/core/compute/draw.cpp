#include "compute/draw.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "array/error.h"
#include "array/order.h"
#include "array/visit.h"
#include "compute/axes.h"
#include "compute/lines.h"
#include "compute/narrow.h"
#include "program/program.h"
#include "program/threads.h"

namespace pb::compute {

namespace {

// ---- where draws go ----

// An array's dimensions in the order that draws go by, the outermost first.
Array in_order(const Array& a, const Dims& order) {
    Dims shape, strides;
    for (size_t i = order.size(); i-- > 0;) {
        shape.push_back(a.size(order[i]));
        strides.push_back(a.stride(order[i]));
    }
    return a.view(Layout::strided(shape, strides), a.offset);
}

// Runs `fill` on the array itself, or on a contiguous stand-in whose dimensions are in the order of memory.
template <class F> void in_memory_order(const Array& a, F&& fill) {
    if (a.is_contiguous()) return fill(a);
    if (a.layout->is_dense()) return fill(a.view(Layout::contiguous(Dims{a.numel()}), a.offset));
    const Array target = in_order(a, a.layout->memory_order());
    const Array apart = Array::empty(a.dtype, target.layout->dims());
    fill(apart);
    copy_array(apart, target);
}

// Calls f(elements, n).
template <Family family, class F> void fill_as(const char* operation, const Array& a, F&& f) {
    auto filled = [&](const Array& x) {
        visit<family>(x.dtype, operation, [&](auto zero) { f(x.as<decltype(zero)>(), x.numel()); });
    };
    in_memory_order(a, [&](const Array& x) {
        if (!filled_wide(x, filled)) filled(x);
    });
}

// x[i] = f(u) for numbers u in [0, 1), which are drawn one after the other; `cost` is what f takes, in nanoseconds.
template <class T, class F> void from_units(Generator& g, T* x, int64_t n, double cost, F f) {
    constexpr int64_t kBlock = 512, kBlocks = 64;
    auto transform = [&](const double* u, T* to, int64_t m) {
        for (int64_t i = 0; i < m; ++i) to[i] = static_cast<T>(f(u[i]));
    };
    if (n <= kBlock) {
        double u[kBlock];
        g.fill_unit(u, n);
        return transform(u, x, n);
    }
    const std::unique_ptr<double[]> units(new double[kBlock * kBlocks]);
    for (int64_t m; n > 0; x += m, n -= m) {
        m = std::min(n, kBlock * kBlocks);
        g.fill_unit(units.get(), m);
        parallel(parts_of(m, kBlock), static_cast<double>(m) * cost, [&](int64_t block, int) {
            const int64_t start = block * kBlock;
            transform(units.get() + start, x + start, std::min(kBlock, m - start));
        });
    }
}

// ---- normal numbers ----

constexpr double kPi = 3.141592653589793238462643383279;

void normal_blocks(float* x, int64_t blocks, float mean, float deviation) {
    draw_kernels().normal_blocks(x, blocks, mean, deviation);
}
void normal_blocks(double* x, int64_t blocks, double mean, double deviation) {
    for (; blocks > 0; --blocks, x += 16)
        for (int i = 0; i < 8; ++i) {
            const double radius = std::sqrt(-2 * std::log(1 - x[i])), angle = 2 * kPi * x[i + 8];
            x[i] = std::fma(radius * std::cos(angle), deviation, mean);
            x[i + 8] = std::fma(radius * std::sin(angle), deviation, mean);
        }
}

// Sixteen and more lie contiguous and are made in blocks of sixteen; others one by one, in double.
template <class T>
void normal_into(Generator& g, T* x, int64_t n, double mean, double deviation, bool blocks) {
    if (n < 16 || !blocks) {
        for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(std::fma(g.normal(), deviation, mean));
        return;
    }
    constexpr int64_t kBlocks = 64;  // of one chunk of work
    constexpr double kCost = sizeof(T) == 4 ? 2 : 30;
    const T centre = static_cast<T>(mean), scale = static_cast<T>(deviation);
    g.fill_unit(x, n);
    parallel(parts_of(n / 16, kBlocks), static_cast<double>(n) * kCost, [&](int64_t chunk, int) {
        const int64_t first = chunk * kBlocks;
        normal_blocks(x + 16 * first, std::min(kBlocks, n / 16 - first), centre, scale);
    });
    if (n % 16) {  // the last sixteen are drawn anew
        g.fill_unit(x + n - 16, 16);
        normal_blocks(x + n - 16, 1, centre, scale);
    }
}

// ---- whole numbers ----

// A range that 32 bits cover evenly enough costs one word, others two. The remainder of a word favours the numbers in front;
// beyond ranges of 2^60, where that could be seen, the last, incomplete run through the range is drawn again.
constexpr uint64_t kWideRange = 1ull << 28, kUnevenRange = 1ull << 60;
uint64_t draw_below(Generator& g, uint64_t range) {
    if (range <= kUnevenRange) return g.next64() % range;
    const uint64_t left_over = (0 - range) % range;  // 2^64 modulo range
    uint64_t word;
    do word = g.next64();
    while (word > UINT64_MAX - left_over);
    return word % range;
}

__extension__ using Wide = unsigned __int128;

template <class T>
void integers_into(Generator& g, T* x, int64_t n, int64_t low, uint64_t range, bool narrow) {
    auto shifted = [low](uint64_t r) {
        return static_cast<T>(static_cast<int64_t>(r + static_cast<uint64_t>(low)));
    };
    if (range == 0 || (range >= kWideRange && !narrow)) {
        for (int64_t i = 0; i < n; ++i) x[i] = shifted(range == 0 ? g.next64() : draw_below(g, range));
        return;
    }
    constexpr int64_t kBlock = 512;
    uint32_t words[kBlock];
    // The remainder by two products: Lemire, Kaser and Kurz, "Faster remainder by direct computation" (2019).
    const uint64_t inverse = UINT64_MAX / range + 1;
    for (int64_t m; n > 0; x += m, n -= m) {
        m = std::min(n, kBlock);
        g.fill_words(words, m);
        for (int64_t i = 0; i < m; ++i)
            x[i] = shifted(static_cast<uint64_t>(static_cast<Wide>(inverse * words[i]) * range >> 64));
    }
}

// ---- the distributions ----

// Complex numbers as the reals that they consist of.
static Array parts_of(const Array& a) {
    Dims shape = a.layout->dims(), strides = a.layout->stride_dims();
    for (int64_t& s : strides) s *= 2;
    shape.push_back(2);
    strides.push_back(1);
    Array parts = a.view(Layout::strided(shape, strides), a.offset * 2);
    parts.dtype = part_of(a.dtype);
    return parts;
}

// Numbers that are rounded to the upper bound become the lower one.
template <class T> void wrap_narrow(const Array& wide, double low, double high) {
    const T from = static_cast<T>(static_cast<float>(low)), to = static_cast<T>(static_cast<float>(high));
    float* x = wide.as<float>();
    for (int64_t i = 0, n = wide.numel(); i < n; ++i)
        if (static_cast<float>(static_cast<T>(x[i])) == static_cast<float>(to)) x[i] = from;
}

void fill_uniform(Generator& g, const Array& a, double low, double high) {
    if (is_complex(a.dtype)) return fill_uniform(g, parts_of(a), low, high);
    if (is_narrow_float(a.dtype))
        return in_memory_order(a, [&](const Array& x) {
            filled_wide(x, [&](const Array& wide) {
                fill_uniform(g, wide, low, high);
                visit<Family::Stored>(a.dtype, "check_uniform_bounds", [&](auto zero) {
                    if constexpr (is_narrow<decltype(zero)>) wrap_narrow<decltype(zero)>(wide, low, high);
                });
            });
        });
    fill_as<Family::Floats>("check_uniform_bounds", a, [&](auto* x, int64_t n) {
        using T = std::remove_pointer_t<decltype(x)>;
        const T from = static_cast<T>(low), to = static_cast<T>(high);
        g.fill_uniform<T>(x, n, from, to - from);
    });
}

void fill_normal(Generator& g, const Array& a, double mean, double deviation) {
    // Each part has half of the variance, and the mean, as PyTorch has it.
    if (is_complex(a.dtype)) return fill_normal(g, parts_of(a), mean, deviation * std::sqrt(0.5));
    const bool blocks = a.is_contiguous();
    const int64_t rest = a.numel() % 16;
    if (is_narrow_float(a.dtype) && blocks && a.numel() > 16 && rest) {
        // Of narrow ones the last sixteen are no part of what is drawn first.
        filled_wide(a, [&](const Array& wide) {
            float* x = wide.as<float>();
            normal_into(g, x, a.numel() - rest, mean, deviation, true);
            normal_into(g, x + a.numel() - 16, 16, mean, deviation, true);
        });
        return;
    }
    fill_as<Family::Floats>("normal_kernel_cpu", a,
                            [&](auto* x, int64_t n) { normal_into(g, x, n, mean, deviation, blocks); });
}

void fill_log_normal(Generator& g, const Array& a, double mean, double deviation) {
    fill_as<Family::Floats>("log_normal_cpu", a, [&](auto* x, int64_t n) {
        using T = std::remove_pointer_t<decltype(x)>;
        for (int64_t i = 0; i < n; ++i)
            x[i] = static_cast<T>(std::exp(std::fma(g.normal(), deviation, mean)));
    });
}

void fill_integers(Generator& g, const Array& a, int64_t low, uint64_t range, bool narrow) {
    fill_as<Family::AllBare>("random_from_to_kernel_cpu", a,
                             [&](auto* x, int64_t n) { integers_into(g, x, n, low, range, narrow); });
}

void fill_bernoulli(Generator& g, const Array& a, double p) {
    fill_as<Family::All>("bernoulli_scalar_cpu_", a, [&](auto* x, int64_t n) {
        from_units(g, x, n, 0.5, [p](double u) { return u < p; });
    });
}

// The others are the quantiles of their distributions.

void fill_exponential(Generator& g, const Array& a, double rate) {
    fill_as<Family::Floats>("exponential_cpu", a, [&](auto* x, int64_t n) {
        from_units(g, x, n, 15, [scale = -1 / rate](double u) { return scale * std::log1p(-u); });
    });
}

void fill_cauchy(Generator& g, const Array& a, double median, double scale) {
    fill_as<Family::Floats>("cauchy_cpu", a, [&](auto* x, int64_t n) {
        from_units(g, x, n, 25, [=](double u) { return std::fma(scale, std::tan(kPi * (u - 0.5)), median); });
    });
}

// A number of trials, of which integers keep what PyTorch leaves of it: the low bits, or the least one.
template <class T> T as_number(double count) {
    if constexpr (std::is_floating_point_v<T>) return static_cast<T>(count);
    else if constexpr (sizeof(T) == 8)
        return static_cast<T>(count < 0x1p63 ? static_cast<int64_t>(count) : INT64_MIN);
    else return static_cast<T>(count < 0x1p31 ? static_cast<int32_t>(count) : INT32_MIN);
}

void fill_geometric(Generator& g, const Array& a, double p) {
    fill_as<Family::Numbers>("geometric_cpu", a, [&](auto* x, int64_t n) {
        using T = std::remove_pointer_t<decltype(x)>;
        from_units(g, x, n, 15, [scale = std::log1p(-p)](double u) {
            return as_number<T>(std::ceil(std::log(u) / scale));
        });
    });
}

}  // namespace

void draw(Generator& g, const Distribution& d, const Array& a) {
    switch (d.kind) {
        case Distribution::Uniform: return fill_uniform(g, a, d.a, d.b);
        case Distribution::Normal: return fill_normal(g, a, d.a, d.b);
        case Distribution::LogNormal: return fill_log_normal(g, a, d.a, d.b);
        case Distribution::Cauchy: return fill_cauchy(g, a, d.a, d.b);
        case Distribution::Exponential: return fill_exponential(g, a, d.a);
        case Distribution::Geometric: return fill_geometric(g, a, d.a);
        case Distribution::Bernoulli: return fill_bernoulli(g, a, d.a);
        case Distribution::Integers: return fill_integers(g, a, d.low, d.range, d.narrow);
    }
}

void draw_bernoulli(Generator& g, const Array& a, const Array& p) {
    const Dims strides[] = {a.layout->stride_dims(), p.layout->stride_dims()};
    const Dims order = memory_order(a.layout->dims(), strides, 2);
    const Array target = in_order(a, order),
                chances = contiguous_array(converted(in_order(p, order), computed_as(p.dtype)));
    const bool direct = target.is_contiguous() && !is_narrow_float(a.dtype);
    const Array apart = direct ? target : Array::empty(computed_as(a.dtype), target.layout->dims());
    visit<Family::All>(apart.dtype, "bernoulli_tensor_cpu_self_", [&](auto zero) {
        auto* x = apart.as<decltype(zero)>();
        visit<Family::Floats>(chances.dtype, "bernoulli_tensor_cpu_p_", [&](auto none) {
            using P = decltype(none);
            constexpr int64_t kBlock = 512;
            P u[kBlock];
            const P* chance = chances.template as<P>();
            for (int64_t start = 0, n = chances.numel(); start < n; start += kBlock) {
                const int64_t m = std::min(kBlock, n - start);
                for (int64_t i = start; i < start + m; ++i)
                    if (!(chance[i] >= 0 && chance[i] <= 1))
                        fail(
                            "Expected p_in >= 0 && p_in <= 1 to be true, but got false. A probability of {} "
                            "is outside [0, 1].",
                            static_cast<double>(chance[i]));
                g.fill_unit(u, m);
                for (int64_t i = 0; i < m; ++i)
                    x[start + i] = static_cast<decltype(zero)>(u[i] < chance[start + i]);
            }
        });
    });
    if (!direct) copy_array(apart, target);
}

void draw_permutation(Generator& g, const Array& a) {
    fill_as<Family::Numbers>("randperm", a, [&](auto* x, int64_t n) {
        using T = std::remove_pointer_t<decltype(x)>;
        for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(i);
        for (int64_t i = 0; i < n - 1; ++i) {
            uint64_t left = static_cast<uint64_t>(n - i),
                     word = left < UINT32_MAX / 20 ? g.next32() : g.next64();
            std::swap(x[i], x[i + static_cast<int64_t>(word % left)]);
        }
    });
}

bool any_negative(const Array& given) {
    const Array a = contiguous_array(converted(given, computed_as(given.dtype)));
    return visit<Family::Floats>(a.dtype, "normal", [&](auto zero) {
        const auto* x = a.as<decltype(zero)>();
        return std::any_of(x, x + a.numel(), [](auto v) { return v < 0; });
    });
}

}  // namespace pb::compute
