#include "compute/draw.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "array/error.h"
#include "array/visit.h"
#include "program/program.h"

namespace pb {

void Generator::reseed(uint64_t seed) {
    seed_ = seed;
    words_[0] = static_cast<uint32_t>(seed);
    for (uint32_t i = 1; i < kWords; ++i) words_[i] = 1812433253u * (words_[i - 1] ^ words_[i - 1] >> 30) + i;
    at_ = kWords;
    has_spare_ = false;
}

void Generator::refill() {
    constexpr int kShift = 397;
    auto twist = [](uint32_t high, uint32_t low) {
        uint32_t y = (high & 0x80000000u) | (low & 0x7fffffffu);
        return y >> 1 ^ (low & 1 ? 0x9908b0dfu : 0);
    };
    int i = 0;
    for (; i < kWords - kShift; ++i) words_[i] = words_[i + kShift] ^ twist(words_[i], words_[i + 1]);
    for (; i < kWords - 1; ++i) words_[i] = words_[i + kShift - kWords] ^ twist(words_[i], words_[i + 1]);
    words_[kWords - 1] = words_[kShift - 1] ^ twist(words_[kWords - 1], words_[0]);
    at_ = 0;
}

constexpr double kTwoPi = 6.283185307179586476925286766559;

double Generator::normal() {
    if (has_spare_) {
        has_spare_ = false;
        return spare_;
    }
    double u1 = uniform_double(), u2 = uniform_double();
    double radius = std::sqrt(-2 * std::log1p(-u2));
    spare_ = radius * std::sin(kTwoPi * u1);
    has_spare_ = true;
    return radius * std::cos(kTwoPi * u1);
}

Generator::State Generator::state() const {
    State s{};
    s.seed = seed_;
    s.left = kWords + 1 - at_;
    s.seeded = 1;
    s.next = s.left == 1 ? 0 : static_cast<uint64_t>(at_);  // at the end of a block it is never read
    for (int i = 0; i < kWords; ++i) s.words[i] = words_[i];
    s.has_spare = has_spare_;
    s.spare = spare_;
    return s;
}

bool Generator::set_state(const State& s) {
    // A fresh generator has one word left: none, and it stands at 0 or at the end.
    if (s.left < 1 || s.left > kWords ||
        (s.left != 1 && s.next + static_cast<uint64_t>(s.left) != kWords + 1))
        return false;
    seed_ = s.seed;
    at_ = kWords + 1 - s.left;
    for (int i = 0; i < kWords; ++i) words_[i] = static_cast<uint32_t>(s.words[i]);
    has_spare_ = s.has_spare;
    spare_ = s.spare;
    return true;
}

uint64_t entropy() {
    std::random_device device;
    return (static_cast<uint64_t>(device()) << 32 | device()) & ((1ull << 53) - 1);
}

Generator& default_generator() {
    static auto* g = new Generator(entropy());
    return *g;
}

namespace compute {

namespace {

template <class T> T draw_uniform(Generator& g) {
    if constexpr (sizeof(T) == 4) return g.uniform_float();
    else return g.uniform_double();
}

// Sixteen uniform numbers become sixteen normal ones: the first half gives the radii, the second the angles.
template <class T> void normal_from_uniform(T* x, T mean, T deviation) {
    for (int i = 0; i < 8; ++i) {
        T u1 = 1 - x[i], u2 = x[i + 8];
        T radius = std::sqrt(T(-2) * std::log(u1)), angle = T(kTwoPi) * u2;
        x[i] = radius * std::cos(angle) * deviation + mean;
        x[i + 8] = radius * std::sin(angle) * deviation + mean;
    }
}

template <class T>
void normal_into(Generator& g, T* x, int64_t n, double mean, double deviation, bool blocks) {
    if (n < 16 || !blocks) {
        for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(g.normal() * deviation + mean);
        return;
    }
    for (int64_t i = 0; i < n; ++i) x[i] = draw_uniform<T>(g);
    for (int64_t i = 0; i < n - 15; i += 16)
        normal_from_uniform(x + i, static_cast<T>(mean), static_cast<T>(deviation));
    if (n % 16) {  // the last sixteen are drawn anew
        x += n - 16;
        for (int i = 0; i < 16; ++i) x[i] = draw_uniform<T>(g);
        normal_from_uniform(x, static_cast<T>(mean), static_cast<T>(deviation));
    }
}

// A range that 32 bits cover evenly enough costs one word, others two. Of these the last, incomplete run through a range
// is drawn again, so that all numbers are equally likely; for ranges below 2^40 that happens once in 2^24 draws.
constexpr uint64_t kWideRange = 1ull << 28;
uint64_t draw_below(Generator& g, uint64_t range) {
    const uint64_t left_over = (0 - range) % range;  // 2^64 modulo range
    uint64_t word;
    do word = g.next64();
    while (word > UINT64_MAX - left_over);
    return word % range;
}

template <class T>
void integers_into(Generator& g, T* x, int64_t n, int64_t low, uint64_t range, bool narrow) {
    for (int64_t i = 0; i < n; ++i) {
        uint64_t r = range == 0                       ? g.next64()
                     : range >= kWideRange && !narrow ? draw_below(g, range)
                                                      : g.next32() % range;
        x[i] = static_cast<T>(static_cast<int64_t>(r + static_cast<uint64_t>(low)));
    }
}

// Runs `fill` on the array itself, or on a contiguous stand-in whose dimensions are in the order of memory.
template <class F> void in_memory_order(const Array& a, F&& fill) {
    if (a.is_contiguous()) return fill(a);
    Dims order = a.layout->memory_order(), shape, strides;
    for (size_t i = order.size(); i-- > 0;) {
        shape.push_back(a.size(order[i]));
        strides.push_back(a.stride(order[i]));
    }
    Array apart = Array::empty(a.dtype, shape);
    fill(apart);
    copy_array(apart, a.view(Layout::strided(shape, strides), a.offset));
}

// Calls f(elements, n).
template <Family family, class F> void fill_as(const char* operation, const Array& a, F&& f) {
    in_memory_order(a, [&](const Array& x) {
        visit<family>(x.dtype, operation, [&](auto zero) { f(x.as<decltype(zero)>(), x.numel()); });
    });
}

// An exponential draw, by inversion.
double exponential(Generator& g, double rate) { return -std::log1p(-g.uniform_double()) / rate; }

template <class T> void check_weights(const T* weight, int64_t n, int64_t needed) {
    double total = 0;
    int64_t possible = 0;
    for (int64_t i = 0; i < n; ++i) {
        if (!(weight[i] >= 0) || std::isinf(weight[i]))
            fail("probability tensor contains either `inf`, `nan` or element < 0");
        total += static_cast<double>(weight[i]);
        possible += weight[i] != 0;
    }
    if (!(total > 0)) fail("invalid multinomial distribution (sum of probabilities <= 0)");
    if (possible < needed)
        fail(
            "invalid multinomial distribution (with replacement=False, not enough non-negative category to "
            "sample): {} draws from {} categories whose weight is not 0. Draw less, or with replacement.",
            needed, possible);
}

// By inversion of the cumulated weights.
template <class T>
void draw_replacing(Generator& g, int64_t* out, const T* weight, int64_t n, int64_t draws) {
    std::vector<T> cumulated(static_cast<size_t>(n));
    T sum = 0;
    for (int64_t i = 0; i < n; ++i) cumulated[static_cast<size_t>(i)] = sum += weight[i];
    for (T& c : cumulated) c /= sum;
    for (int64_t k = 0; k < draws; ++k) {
        double u = g.uniform_double();
        int64_t at = std::lower_bound(cumulated.begin(), cumulated.end() - 1, u,
                                      [](T c, double v) { return static_cast<double>(c) < v; }) -
                     cumulated.begin();
        while (at > 0 && weight[at] == 0)
            --at;  // rounding may end on a weight of zero, and so may a draw of 0
        while (weight[at] == 0) ++at;
        out[k] = at;
    }
}

// A race: the largest of weight over exponential are a draw without replacement, in its order.
template <class T> void draw_racing(Generator& g, int64_t* out, const T* weight, int64_t n, int64_t draws) {
    std::vector<T> race(static_cast<size_t>(n));
    std::vector<int64_t> order(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
        T pace = static_cast<T>(exponential(g, 1));
        race[static_cast<size_t>(i)] =
            weight[i] == 0 ? T(-1) : weight[i] / pace;  // behind all that can be drawn
        order[static_cast<size_t>(i)] = i;
    }
    std::partial_sort(order.begin(), order.begin() + draws, order.end(), [&](int64_t a, int64_t b) {
        T x = race[static_cast<size_t>(a)], y = race[static_cast<size_t>(b)];
        return x != y ? x > y : a < b;
    });
    std::copy(order.begin(), order.begin() + draws, out);
}

void fill_uniform(Generator& g, const Array& a, double low, double high) {
    fill_as<Family::Floats>("check_uniform_bounds", a, [&](auto* x, int64_t n) {
        using T = std::remove_pointer_t<decltype(x)>;
        T from = static_cast<T>(low), to = static_cast<T>(high), width = to - from;
        for (int64_t i = 0; i < n; ++i) {
            T v = draw_uniform<T>(g) * width + from;
            x[i] = v == to ? from : v;  // rounding may reach the bound, which is not in the range
        }
    });
}

void fill_normal(Generator& g, const Array& a, double mean, double deviation) {
    bool blocks = a.is_contiguous();
    fill_as<Family::Floats>("normal_kernel_cpu", a,
                            [&](auto* x, int64_t n) { normal_into(g, x, n, mean, deviation, blocks); });
}

void fill_integers(Generator& g, const Array& a, int64_t low, uint64_t range, bool narrow) {
    fill_as<Family::All>("random_from_to_kernel_cpu", a,
                         [&](auto* x, int64_t n) { integers_into(g, x, n, low, range, narrow); });
}

void fill_bernoulli(Generator& g, const Array& a, double p) {
    fill_as<Family::All>("bernoulli_scalar_cpu_", a, [&](auto* x, int64_t n) {
        using T = std::remove_pointer_t<decltype(x)>;
        for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(g.uniform_double() < p);
    });
}

void fill_exponential(Generator& g, const Array& a, double rate) {
    fill_as<Family::Floats>("exponential_cpu", a, [&](auto* x, int64_t n) {
        using T = std::remove_pointer_t<decltype(x)>;
        for (int64_t i = 0; i < n; ++i) x[i] = static_cast<T>(exponential(g, rate));
    });
}

}  // namespace

void draw(Generator& g, const Distribution& d, const Array& a) {
    switch (d.kind) {
        case Distribution::Uniform: return fill_uniform(g, a, d.a, d.b);
        case Distribution::Normal: return fill_normal(g, a, d.a, d.b);
        case Distribution::Exponential: return fill_exponential(g, a, d.a);
        case Distribution::Bernoulli: return fill_bernoulli(g, a, d.a);
        case Distribution::Integers: return fill_integers(g, a, d.low, d.range, d.narrow);
    }
}

void draw_bernoulli(Generator& g, const Array& a, const Array& given) {
    const Array p = contiguous_array(given);
    Array apart = Array::empty(a.dtype, a.layout->dims());
    fill_as<Family::All>("bernoulli_tensor_cpu_self_", apart, [&](auto* x, int64_t n) {
        using T = std::remove_pointer_t<decltype(x)>;
        visit<Family::Floats>(p.dtype, "bernoulli_tensor_cpu_p_", [&](auto none) {
            using P = decltype(none);
            const P* chance = p.as<P>();
            for (int64_t i = 0; i < n; ++i) {
                if (!(chance[i] >= 0 && chance[i] <= 1))
                    fail(
                        "Expected p_in >= 0 && p_in <= 1 to be true, but got false. A probability of {} is "
                        "outside [0, 1].",
                        static_cast<double>(chance[i]));
                x[i] = static_cast<T>(draw_uniform<P>(g) < chance[i]);
            }
        });
    });
    copy_array(apart, a);
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

Array draw_multinomial(Generator& g, const Array& weights, int64_t draws, bool replacement) {
    Dims shape = weights.layout->dims();
    shape.back() = draws;
    Array out = Array::empty(DType::Int64, shape);
    const int64_t rows = out.numel() / draws;
    int64_t* to = out.as<int64_t>();
    fill_as<Family::Floats>("multinomial", contiguous_array(weights), [&](auto* w, int64_t total) {
        int64_t n = rows ? total / rows : 0;
        for (int64_t r = 0; r < rows; ++r) check_weights(w + r * n, n, replacement ? 0 : draws);
        for (int64_t r = 0; r < rows; ++r) {
            if (replacement && draws > 1) draw_replacing(g, to + r * draws, w + r * n, n, draws);
            else draw_racing(g, to + r * draws, w + r * n, n, draws);
        }
    });
    return out;
}

bool any_negative(const Array& given) {
    const Array a = contiguous_array(given);
    return visit<Family::Floats>(a.dtype, "normal", [&](auto zero) {
        const auto* x = a.as<decltype(zero)>();
        return std::any_of(x, x + a.numel(), [](auto v) { return v < 0; });
    });
}

}  // namespace compute
}  // namespace pb
