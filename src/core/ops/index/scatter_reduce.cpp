// scatter_reduce: values that meet at one element are summed, multiplied, averaged, or the largest or smallest stays.
//
// Products are the delicate ones. Dividing the product by a factor fails at zeros; so the factors of an element are
// multiplied pairwise, as a tree, and a factor's partial derivative is the product of its partners on the way up.
// Only multiplications and reads at constant points take part, so derivatives of every order are right at zeros too.
#include <cmath>
#include <limits>
#include <vector>

#include "array/limits.h"
#include "ops/index/index.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

// The points by element: each touched element once, how many points it has, and the points in that order.
struct Groups {
    PointsRef elements;           // increasing rows, one point each
    std::vector<int64_t> counts;  // of points, for each
    std::vector<int64_t> order;   // the points, element by element
};

Groups group(const Points& p) {
    Groups g;
    int64_t n = p.count();
    const int64_t* rows = p.rows.as<int64_t>();
    std::vector<int64_t> start(static_cast<size_t>(p.row_count()) + 1, 0);
    for (int64_t i = 0; i < n; ++i) ++start[static_cast<size_t>(rows[i]) + 1];
    std::vector<int64_t> touched;
    for (size_t r = 0; r + 1 < start.size(); ++r) {
        if (start[r + 1]) {
            touched.push_back(static_cast<int64_t>(r));
            g.counts.push_back(start[r + 1]);
        }
        start[r + 1] += start[r];
    }
    g.order.resize(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) g.order[static_cast<size_t>(start[static_cast<size_t>(rows[i])]++)] = i;
    auto e = std::make_shared<Points>(p);
    e->shape = Dims{static_cast<int64_t>(touched.size())};
    e->rows = Array::empty(DType::Int64, e->shape);
    std::copy(touched.begin(), touched.end(), e->rows.as<int64_t>());
    g.elements = e;
    return g;
}

Tensor numbers(const std::vector<int64_t>& v) {
    Array a = Array::empty(DType::Int64, Dims{static_cast<int64_t>(v.size())});
    std::copy(v.begin(), v.end(), a.as<int64_t>());
    return Tensor::make(a);
}

// How many values each element is made of, at least one.
Tensor value_counts(const Points& p, bool include_self, DType dtype) {
    Groups g = group(p);
    Tensor out = ones(dtype, Layout::contiguous(p.input));
    std::vector<int64_t> n = g.counts;
    if (include_self)
        for (int64_t& c : n) ++c;
    visit_points(*g.elements, At::Write, out.array(), to_dtype(numbers(n), dtype).array());
    return out;
}

Scalar identity(Reduce reduce, DType d) {
    if (reduce == Reduce::Prod) return Scalar(1);
    if (reduce == Reduce::Sum || reduce == Reduce::Mean) return Scalar(0);
    return extreme_identity(d, reduce == Reduce::AMax);
}

void reduce_into(const Points& p, Reduce reduce, bool include_self, const Array& x, const Array& values) {
    Array src = contiguous_array(values);
    if (src.buffer.get() == x.buffer.get()) {
        src = Array::empty(values.dtype, values.layout->dims());
        copy_array(values, src);
    }
    if (!include_self) {
        Array one = Array::empty(x.dtype, Layout::scalar());
        identity(reduce, x.dtype).store(x.dtype, one.data());
        visit_points(p, At::Write, x, one);
    }
    bool add = reduce == Reduce::Sum || reduce == Reduce::Mean;
    visit_points(p,
                 add                      ? At::Add
                 : reduce == Reduce::Prod ? At::Multiply
                 : reduce == Reduce::AMax ? At::Max
                                          : At::Min,
                 x, src);
    if (reduce == Reduce::Mean && p.count()) {
        Groups g = group(p);
        if (include_self)
            for (int64_t& c : g.counts) ++c;
        visit_points(*g.elements, At::Divide, x, to_dtype(numbers(g.counts), x.dtype).array());
    }
}

// ---- sums and means: linear ----

struct ScatterMean {
    static constexpr const char* name = "ScatterReduceBackward0";
    static constexpr bool row_major = true, linear = true;
    PointsRef p;
    Reduce reduce;  // Sum or Mean
    bool include_self;
    void write(const Tensors& x) { reduce_into(*p, reduce, include_self, x[0].array(), x[1].array()); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Tensor share =
            reduce == Reduce::Mean ? div(g[0], value_counts(*p, include_self, g[0].dtype())) : g[0];
        if (c.wants(0)) out[0] = include_self ? share : fill_points(share, Scalar(0), p, name);
        if (c.wants(1)) out[1] = read_points(share, p);
    }
};

// ---- the largest and the smallest: ties share ----

struct ScatterExtreme {
    static constexpr const char* name = "ScatterReduceBackward0";
    static constexpr bool row_major = true;
    static constexpr uint32_t saves = 3;
    static constexpr bool saves_output = true;
    PointsRef p;
    Reduce reduce;
    bool include_self;
    struct Shares {
        Tensor x, src;  // Boolean: which values are the extreme
        Tensor count;   // of them, for each element
    };
    Shares shares(Context& c) {
        GradMode off(false);
        Tensor y = detach(c.output());
        Shares s;
        if (include_self) {
            s.x = eq(detach(c.input(0)), y);
        } else {
            s.x = ones(DType::Bool, Layout::contiguous(p->input));
            fill_points_(s.x, Scalar(false), p, name, name);
        }
        s.src = eq(detach(c.input(1)), read_points(y, p));
        s.count = add(to_dtype(s.x, y.dtype()), add_to_zeros(to_dtype(s.src, y.dtype()), p));
        return s;
    }
    void write(const Tensors& x) { reduce_into(*p, reduce, include_self, x[0].array(), x[1].array()); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Shares s = shares(c);
        Tensor each = div(g[0], s.count);
        if (c.wants(0)) out[0] = where(s.x, each, Scalar(0));
        if (c.wants(1)) out[1] = where(s.src, read_points(each, p), Scalar(0));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Shares s = shares(c);
        Tensor sum;
        if (t[0]) sum = where(s.x, t[0], Scalar(0));
        if (t[1]) {
            Tensor from_src = add_to_zeros(where(s.src, t[1], Scalar(0)), p);
            sum = sum ? add(sum, from_src) : from_src;
        }
        return {div(sum, s.count)};
    }
};

// ---- products ----

struct Tree {
    Tensor product;  // of an element's factors from src; 1 where there are none
    Tensor others;  // for each point, the product of its element's other factors, the element itself included
};

Tree multiply_out(const Points& p, const Tensor& src, const Tensor& self, bool want_product,
                  bool want_others) {
    Groups g = group(p);
    struct Level {
        Tensor values;                 // element by element
        std::vector<int64_t> partner;  // of each value; itself where it has none
        std::vector<int64_t> parent;
        Tensor has_partner;
    };
    std::vector<Level> levels;
    std::vector<int64_t> sizes = g.counts;
    Tensor flat = src.ndim() == 1 ? src : reshape(src, Dims{src.numel()});
    Tensor values = index_select(flat, 0, numbers(g.order));
    for (bool more = true; more;) {
        more = false;
        Level l;
        std::vector<int64_t> left;
        std::vector<uint8_t> paired;
        int64_t at = 0;
        for (int64_t& n : sizes) {
            for (int64_t i = 0; i < n; ++i) {
                bool alone = i == n - 1 && n % 2 == 1;
                if (i % 2 == 0) left.push_back(at + i);
                l.partner.push_back(alone ? at + i : at + (i ^ 1));
                l.parent.push_back(static_cast<int64_t>(left.size()) - 1);
                paired.push_back(!alone);
                more = more || !alone;
            }
            at += n;
            n = (n + 1) / 2;
        }
        if (!more) break;
        Array a = Array::empty(DType::Bool, Dims{at});
        std::copy(paired.begin(), paired.end(), a.as<uint8_t>());
        l.has_partner = Tensor::make(a);
        l.values = values;
        Tensor lefts = numbers(left);
        Tensor partners = where(l.has_partner, index_select(values, 0, numbers(l.partner)), Scalar(1));
        values = mul(index_select(values, 0, lefts), index_select(partners, 0, lefts));
        levels.push_back(std::move(l));
    }
    Tree t;
    if (want_product)
        t.product = write_points(ones(src.dtype(), Layout::contiguous(p.input)), values, g.elements, false,
                                 "IndexPutBackward0");
    if (want_others) {
        Tensor others = self ? read_points(self, g.elements) : ones(src.dtype(), values.layout_ref());
        for (size_t k = levels.size(); k-- > 0;) {
            Level& l = levels[k];
            Tensor partners = where(l.has_partner, index_select(l.values, 0, numbers(l.partner)), Scalar(1));
            others = mul(index_select(others, 0, numbers(l.parent)), partners);
        }
        std::vector<int64_t> inverse(g.order.size());
        for (size_t i = 0; i < g.order.size(); ++i)
            inverse[static_cast<size_t>(g.order[i])] = static_cast<int64_t>(i);
        t.others = reshape(index_select(others, 0, numbers(inverse)), p.shape);
    }
    return t;
}

struct ScatterProd {
    static constexpr const char* name = "ScatterReduceBackward0";
    static constexpr bool row_major = true;
    static constexpr uint32_t saves = 3;
    PointsRef p;
    bool include_self;
    void write(const Tensors& x) { reduce_into(*p, Reduce::Prod, include_self, x[0].array(), x[1].array()); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Tree t = multiply_out(*p, c.input(1), include_self ? c.input(0) : Tensor(),
                              include_self && c.wants(0), c.wants(1));
        if (c.wants(0)) out[0] = include_self ? zmul(g[0], t.product) : fill_points(g[0], Scalar(0), p, name);
        if (c.wants(1)) out[1] = zmul(read_points(g[0], p), t.others);
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Tree tree = multiply_out(*p, c.input(1), include_self ? c.input(0) : Tensor(), include_self && t[0],
                                 t[1].defined());
        Tensor sum;
        if (t[0]) sum = include_self ? zmul(t[0], tree.product) : fill_points(t[0], Scalar(0), p, name);
        if (t[1]) {
            Tensor from_src = add_to_zeros(zmul(t[1], tree.others), p);
            sum = sum ? add(sum, from_src) : from_src;
        }
        return {sum};
    }
};

template <class R> Tensor at(Place place, const R& rule, const Tensor& x, const Tensor& src) {
    return place == Place::Here ? apply_inplace(rule, {x, src}, "scatter_reduce_") : apply(rule, {x, src});
}

}  // namespace

Tensor scatter_reduce(Place place, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                      Reduce reduce, bool include_self) {
    Tensor part;
    PointsRef p = scatter_points(x, dim, index, src, &part);
    if (x.dtype() == DType::Bool && reduce == Reduce::Mean)
        fail_as(ErrorKind::NotImplemented,
                "\"scatter_reduce\" with reduce='mean' not implemented for 'Bool'");
    switch (reduce) {
        case Reduce::Prod: return at(place, ScatterProd{p, include_self}, x, part);
        case Reduce::AMax:
        case Reduce::AMin: return at(place, ScatterExtreme{p, reduce, include_self}, x, part);
        default: return at(place, ScatterMean{p, reduce, include_self}, x, part);
    }
}

}  // namespace pb::ops
