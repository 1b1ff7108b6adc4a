#include "compute/groups.h"

#include <algorithm>

#include "array/limits.h"
#include "program/program.h"

namespace pb::compute {

namespace {

Array as_dtype(const Array& a, DType dtype) {
    Array out = Array::empty(dtype, a.layout);
    copy_array(a, out);
    return out;
}

// Points at the elements, one each, which lie as those of `p` do.
Points points_at(const Points& p, const Array& elements) {
    Points e = p;
    e.shape = elements.layout->dims();
    e.numbers = elements;
    return e;
}

Scalar identity(Reduce reduce, DType d) {
    if (reduce == Reduce::Prod) return Scalar(1);
    if (reduce == Reduce::Sum || reduce == Reduce::Mean) return Scalar(0);
    return extreme_identity(d, reduce == Reduce::AMax);
}

At combining(Reduce reduce) {
    switch (reduce) {
        case Reduce::Prod: return At::Multiply;
        case Reduce::AMax: return At::Max;
        case Reduce::AMin: return At::Min;
        default: return At::Add;
    }
}

}  // namespace

// The entries one after the other, as a single one whose dimensions are all covered.
static Points in_one(const Points& p) {
    if (!p.lead) return p;
    Points one;
    one.input = p.input;
    one.shape = Dims(p.input.begin(), p.input.begin() + p.lead);
    const int64_t entries = checked_product(one.shape), n = p.count(), elements = p.covered_count();
    for (int64_t s : p.shape) one.shape.push_back(s);
    for (size_t d = 0; d < p.input.size(); ++d) one.covered.push_back(static_cast<int64_t>(d));
    one.numbers = Array::empty(DType::Int64, one.shape);
    const int64_t* from = p.numbers.as<int64_t>();
    int64_t* to = one.numbers.as<int64_t>();
    for (int64_t e = 0; e < entries; ++e, from += p.varies ? n : 0)
        for (int64_t i = 0; i < n; ++i) *to++ = from[i] + e * elements;
    return one;
}

Groups group(const Points& p) {
    Groups g;
    int64_t n = p.count();
    const int64_t* numbers = p.numbers.as<int64_t>();
    std::vector<int64_t> start(static_cast<size_t>(p.covered_count()) + 1, 0);
    for (int64_t i = 0; i < n; ++i) ++start[static_cast<size_t>(numbers[i]) + 1];
    std::vector<int64_t> touched;
    for (size_t r = 0; r + 1 < start.size(); ++r) {
        if (start[r + 1]) {
            touched.push_back(static_cast<int64_t>(r));
            g.counts.push_back(start[r + 1]);
        }
        start[r + 1] += start[r];
    }
    g.order.resize(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i)
        g.order[static_cast<size_t>(start[static_cast<size_t>(numbers[i])]++)] = i;
    g.elements = vector_of(touched);
    return g;
}

std::vector<Round> rounds_of(const Groups& g) {
    std::vector<Round> rounds;
    std::vector<int64_t> sizes = g.counts;
    for (bool more = true; more;) {
        more = false;
        std::vector<int64_t> left, partner, parent;
        std::vector<uint8_t> paired;
        int64_t at = 0;
        for (int64_t& n : sizes) {
            for (int64_t i = 0; i < n; ++i) {
                bool alone = i == n - 1 && n % 2 == 1;
                if (i % 2 == 0) left.push_back(at + i);
                partner.push_back(alone ? at + i : at + (i ^ 1));
                parent.push_back(static_cast<int64_t>(left.size()) - 1);
                paired.push_back(!alone);
                more = more || !alone;
            }
            at += n;
            n = (n + 1) / 2;
        }
        if (!more) break;
        Array a = Array::empty(DType::Bool, Dims{at});
        std::copy(paired.begin(), paired.end(), a.as<uint8_t>());
        rounds.push_back({vector_of(partner), vector_of(parent), vector_of(left), a});
    }
    return rounds;
}

Array vector_of(const std::vector<int64_t>& v) {
    Array a = Array::empty(DType::Int64, Dims{static_cast<int64_t>(v.size())});
    std::copy(v.begin(), v.end(), a.as<int64_t>());
    return a;
}

Array inverse_of(const std::vector<int64_t>& order) {
    Array a = Array::empty(DType::Int64, Dims{static_cast<int64_t>(order.size())});
    for (size_t i = 0; i < order.size(); ++i) a.as<int64_t>()[order[i]] = static_cast<int64_t>(i);
    return a;
}

void reduce_into(const Points& p, Reduce reduce, bool include_self, const Array& x, const Array& values) {
    Array src = contiguous_array(values);
    if (src.buffer.get() == x.buffer.get()) {
        src = Array::empty(values.dtype, values.layout->dims());
        copy_array(values, src);
    }
    if (!include_self) fill_points(p, x, identity(reduce, x.dtype));
    visit_points(p, combining(reduce), x, src);
    if (reduce != Reduce::Mean || !p.count()) return;
    const Points one = in_one(p);
    Groups g = group(one);
    if (include_self)
        for (int64_t& c : g.counts) ++c;
    visit_points(points_at(one, g.elements), At::Divide, x, as_dtype(vector_of(g.counts), x.dtype));
}

Array value_counts(const Points& p, bool include_self, DType dtype) {
    const Points one = in_one(p);
    Groups g = group(one);
    Array out = Array::empty(dtype, p.input);
    fill_array(out, Scalar(1));
    if (include_self)
        for (int64_t& c : g.counts) ++c;
    visit_points(points_at(one, g.elements), At::Write, out, as_dtype(vector_of(g.counts), dtype));
    return out;
}

}  // namespace pb::compute
