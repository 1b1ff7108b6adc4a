#include "compute/points.h"

#include <algorithm>
#include <vector>

#include "array/visit.h"
#include "compute/axes.h"
#include "compute/wrapping.h"
#include "program/program.h"

namespace pb::compute {

namespace {

// The dimensions that are not covered.
Dims kept_dims(const Points& p) {
    Dims kept;
    const int64_t *next = p.covered.begin(), *end = p.covered.end();
    for (int64_t d = 0, n = static_cast<int64_t>(p.input.size()); d < n; ++d) {
        if (next != end && *next == d) ++next;
        else kept.push_back(d);
    }
    return kept;
}

// For each point, how far its element lies from the array's first, in elements: int64, as the numbers are.
Array offsets(const Points& p, const Array& x) {
    Axes covered;
    for (int64_t d : p.covered) covered.add(x.size(d), x.stride(d));
    if (covered.is_run() && covered.inner_stride() == 1) return p.numbers;
    int64_t n = p.numbers.numel();
    Array offsets = Array::empty(DType::Int64, p.numbers.layout);
    const int64_t* numbers = p.numbers.as<int64_t>();
    int64_t* out = offsets.as<int64_t>();
    for (int64_t i = 0; i < n; ++i) out[i] = covered.offset_of(numbers[i]);
    return offsets;
}

template <class T, class F> void visit_each(const Points& p, const Array& x, const Array& y, F f) {
    Dims kept = kept_dims(p);
    Axes entries, leading, trailing;
    for (size_t i = 0; i < kept.size(); ++i)
        (p.varies && i < p.lead ? entries
         : i < p.position       ? leading
                                : trailing)
            .add(x.size(kept[i]), x.stride(kept[i]));
    const int64_t length = trailing.inner_size(), stride = trailing.inner_stride();
    const Axes outer = trailing.without_inner();
    Odometer entry(entries), before(leading), after(outer);
    Array held = offsets(p, x);
    const int64_t *at = held.as<int64_t>(), *end = at + (p.varies ? p.count() : held.numel());
    T* out = y.as<T>();
    const int64_t step = y.numel() == 1 ? 0 : 1;
    do {
        T* base = x.as<T>() + entry.at;
        do {
            T* b = base + before.at;
            if (length == 1) {
                for (const int64_t* o = at; o < end; ++o) {
                    f(b[*o], *out);
                    out += step;
                }
                continue;
            }
            for (const int64_t* o = at; o < end; ++o) do {
                    T* from = b + *o + after.at;
                    if (stride == 1 && step == 1)
                        for (int64_t i = 0; i < length; ++i) f(from[i], out[i]);
                    else
                        for (int64_t i = 0; i < length; ++i) f(from[i * stride], out[i * step]);
                    out += length * step;
                } while (after.next());
        } while (before.next());
        int64_t n = end - at;
        at += n;
        end += n;
    } while (entry.next());
}

template <class T> void visit_moves(const Points& p, At what, const Array& x, const Array& y) {
    if (what == At::Read) visit_each<T>(p, x, y, [](T& a, T& b) { b = a; });
    else visit_each<T>(p, x, y, [](T& a, T& b) { a = b; });
}

template <class T> T quotient(T a, T b) {  // rounded down, of integers
    if constexpr (std::is_integral_v<T>) return static_cast<T>(a / b - (a % b != 0 && (a < 0) != (b < 0)));
    else return a / b;
}

template <class T> void visit_numbers(const Points& p, At what, const Array& x, const Array& y) {
    switch (what) {
        case At::Read:
        case At::Write: return;  // moves, whatever the type
        case At::Add: return visit_each<T>(p, x, y, [](T& a, T& b) { a = wrapping_sum(a, b); });
        case At::Multiply: return visit_each<T>(p, x, y, [](T& a, T& b) { a = wrapping_product(a, b); });
        case At::Divide: return visit_each<T>(p, x, y, [](T& a, T& b) { a = quotient(a, b); });
        case At::Max:
        case At::Min: break;
    }
    // A NaN wins, as in maximum and minimum.
    if constexpr (is_complex_v<T>) fail_unsupported("scatter_reduce", x.dtype);
    else if (what == At::Max)
        return visit_each<T>(p, x, y, [](T& a, T& b) {
            if (b > a || b != b) a = b;
        });
    else
        return visit_each<T>(p, x, y, [](T& a, T& b) {
            if (b < a || b != b) a = b;
        });
}

// For each point whether it is the last with its number, that is, whether what is written there survives; with how
// many points an entry has. Empty when all do.
std::vector<uint8_t> survivors(const int64_t* numbers, int64_t n) {
    if (n == 1) return {};
    // From the last to the first, in an order by number: the work goes by the points, however large the tensor.
    std::vector<int64_t> order(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) order[static_cast<size_t>(i)] = i;
    std::stable_sort(order.begin(), order.end(),
                     [numbers](int64_t a, int64_t b) { return numbers[a] < numbers[b]; });
    std::vector<uint8_t> last(static_cast<size_t>(n));
    bool all = true;
    for (size_t k = 0; k < order.size(); ++k) {
        bool survives = k + 1 == order.size() || numbers[order[k]] != numbers[order[k + 1]];
        last[static_cast<size_t>(order[k])] = survives;
        all = all && survives;
    }
    if (all) last.clear();
    return last;
}

// Zeros what was read at points that another one follows.
void clear_overwritten(const Points& p, const Array& read) {
    if (read.numel() == 0) return;
    const int64_t n = p.count(), entries = p.numbers.numel() / n;
    int64_t outer = 1,
            inner = 1;  // of the dimensions that stay, before the points and after them, for each entry
    const Dims kept = kept_dims(p);
    for (size_t i = p.varies ? p.lead : 0; i < kept.size(); ++i)
        (i < p.position ? outer : inner) *= p.input[static_cast<size_t>(kept[i])];
    const auto run = static_cast<size_t>(inner) * read.item();
    char* at = read.data();
    for (int64_t e = 0; e < entries; ++e) {
        const std::vector<uint8_t> last = survivors(p.numbers.as<int64_t>() + e * n, n);
        if (last.empty()) {
            at += static_cast<size_t>(outer * n) * run;
            continue;
        }
        for (int64_t o = 0; o < outer; ++o)
            for (int64_t i = 0; i < n; ++i, at += run)
                if (!last[static_cast<size_t>(i)]) std::fill(at, at + run, char{0});
    }
}

// The values of a write as the loops want them: contiguous of the result's shape, or one element; and never memory
// that is being written.
Array spread(const Array& given, const Points& p, const Dims& result, const Array& target) {
    Array values = given;
    // Leading dimensions meet leading ones.
    if (const auto n = static_cast<size_t>(values.ndim());
        p.lead && n < result.size() && values.numel() != 1) {
        Dims shape = values.layout->dims(), strides = values.layout->stride_dims();
        for (size_t i = n; i < result.size(); ++i) {
            shape.insert(p.lead, 1);
            strides.insert(p.lead, 0);
        }
        values = values.view(Layout::strided(shape, strides), values.offset);
    }
    bool apart = values.buffer.get() != target.buffer.get();
    bool as_is = values.is_contiguous() && (values.numel() == 1 || values.layout->dims() == result);
    if (apart && as_is) return values;
    Array out = Array::empty(values.dtype, values.numel() == 1 ? values.layout->dims() : result);
    if (out.numel()) copy_array(values, out);
    return out;
}

}  // namespace

Dims Points::result() const {
    Dims out;
    Dims kept = kept_dims(*this);
    for (size_t i = 0; i <= kept.size(); ++i) {
        if (i == position)
            for (int64_t s : shape) out.push_back(s);
        if (i < kept.size()) out.push_back(input[static_cast<size_t>(kept[i])]);
    }
    return out;
}

int64_t Points::covered_count() const {
    int64_t n = 1;
    for (int64_t d : covered) n = checked_mul(n, input[static_cast<size_t>(d)]);
    return n;
}

void visit_points(const Points& p, At what, const Array& x, const Array& y) {
    if (p.numbers.numel() == 0 || x.numel() == 0) return;
    if (what == At::Read || what == At::Write)
        return with_item(x.dtype, [&](auto item) { visit_moves<decltype(item)>(p, what, x, y); });
    if (x.dtype ==
        DType::Bool) {  // truth values: a sum and a maximum are "or", a product and a minimum are "and"
        if (what == At::Add || what == At::Max)
            return visit_each<uint8_t>(p, x, y, [](uint8_t& a, uint8_t& b) { a |= b; });
        return visit_each<uint8_t>(p, x, y, [](uint8_t& a, uint8_t& b) { a &= b; });
    }
    visit<Family::Elements>(x.dtype, "index",
                            [&](auto zero) { visit_numbers<decltype(zero)>(p, what, x, y); });
}

Array read_points(const Points& p, const Array& x, bool last) {
    Array out = Array::empty(x.dtype, p.result());
    visit_points(p, At::Read, x, out);
    if (last) clear_overwritten(p, out);
    return out;
}

void put_points(const Points& p, At what, const Array& target, const Array& values) {
    visit_points(p, what, target, spread(values, p, p.result(), target));
}

void fill_points(const Points& p, const Array& target, Scalar value) {
    Array one = Array::empty(target.dtype, Layout::scalar());
    value.store(one.dtype, one.data());
    visit_points(p, At::Write, target, one);
}

}  // namespace pb::compute
