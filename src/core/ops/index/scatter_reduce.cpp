// scatter_reduce: values that meet at one element are summed, multiplied, averaged, or the largest or smallest stays.
//
// Products are the delicate ones. Dividing the product by a factor fails at zeros; so the factors of an element are
// multiplied pairwise, as a tree, and a factor's partial derivative is the product of its partners on the way up.
// Only multiplications and reads at constant points take part, so derivatives of every order are right at zeros too.
#include "ops/index/index.h"
#include "ops/operators.h"
#include "ops/shape/create.h"

namespace pb::ops {

namespace {

// How many values each element is made of, at least one: of the shape `whole`, at the numbers that are the input.
struct ValueCounts {
    static constexpr const char* name = "ValueCounts";
    static constexpr bool leads = true;
    Naming naming;
    Dims whole;  // of an entry
    bool include_self;
    DType dtype;
    Tensor forward(const Tensors& x) {
        const Array numbers = x[0].array();
        Dims shape(numbers.layout->shape(), numbers.layout->shape() + (numbers.ndim() - naming.dims));
        for (int64_t n : whole) shape.push_back(n);
        return Tensor::make(
            compute::value_counts(compute::points(naming, shape, numbers), include_self, dtype));
    }
};

// What the rules below have in common: into x, input 0, goes src, input 1, where the index, input 2, says.
struct Scattered {
    static constexpr const char* name = "ScatterReduceBackward0";
    static constexpr bool row_major = true, leads = true;
    static constexpr size_t decides_from = 2;
    Naming naming;
    Reduce reduce;
    bool include_self;
    std::array<Array, 1> write(const Tensors& x) {
        const Array target = x[0].array();
        const Dims shape = target.layout->dims();
        const compute::Points p =
            compute::points(naming, shape, compute::number(naming, shape, {x[2].array()}));
        compute::reduce_into(p, reduce, include_self, target, x[1].array());
        return {p.numbers};
    }
    Tensor at_points(const Tensor& x, const Tensor& numbers) const {
        return read_points(x, naming.numbered(), numbers);
    }
    Tensor from_points(const Tensor& values, const Tensor& numbers, const Dims& whole) const {
        return add_to_zeros(values, naming.numbered(), numbers, whole);
    }
    Tensor without_points(const Tensor& x, const Tensor& numbers) const {
        return fill_points(x, Scalar(0), naming.numbered(), numbers, {.node = "ScatterBackward1"});
    }
};

// ---- sums and means: linear ----

struct ScatterMean : Scattered {  // Sum or Mean
    static constexpr bool linear = true;
    static constexpr uint32_t saves = 4;
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor numbers = numbers_of(c, naming, 2);
        Tensor share = g[0];
        if (reduce == Reduce::Mean) {
            const ValueCounts counts{naming.numbered(), c.input_shape(0), include_self, g[0].dtype()};
            share = div(g[0], apply(counts, {numbers}));
        }
        if (c.wants(0)) out[0] = include_self ? share : without_points(share, numbers);
        if (c.wants(1)) out[1] = at_points(share, numbers);
    }
};

// ---- the largest and the smallest: ties share ----

struct ScatterExtreme : Scattered {
    static constexpr uint32_t saves = 7;
    static constexpr bool saves_output = true;
    struct Shares {
        Tensor x, src;  // Boolean: which values are the extreme
        Tensor count;   // of them, for each element
    };
    Shares shares(Context& c, const Tensor& numbers) {
        GradMode off(false);
        Tensor y = detach(c.output());
        Shares s;
        if (include_self) {
            s.x = eq(detach(c.input(0)), y);
        } else {
            const Tensor all = ones(DType::Bool, Layout::contiguous(c.input_shape(0)));
            s.x = fill_points(all, Scalar(false), naming.numbered(), numbers, {.node = name});
        }
        s.src = eq(detach(c.input(1)), at_points(y, numbers));
        s.count =
            add(to_dtype(s.x, y.dtype()), from_points(to_dtype(s.src, y.dtype()), numbers, c.input_shape(0)));
        return s;
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor numbers = numbers_of(c, naming, 2);
        Shares s = shares(c, numbers);
        Tensor each = div(g[0], s.count);
        if (c.wants(0)) out[0] = where(s.x, each, Scalar(0));
        if (c.wants(1)) out[1] = where(s.src, at_points(each, numbers), Scalar(0));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        const Tensor numbers = numbers_of(c, naming, 2);
        Shares s = shares(c, numbers);
        Tensor sum;
        if (t[0]) sum = where(s.x, t[0], Scalar(0));
        if (t[1]) {
            Tensor from_src = from_points(where(s.src, t[1], Scalar(0)), numbers, c.input_shape(0));
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

// What says where has the axes `single`, of one entry each, that the numbers had.
Tree multiply_out(const Naming& n, const Tensor& numbers, const Tensor& src, const Tensor& self,
                  const Dims& whole, bool want_product, bool want_others, const MappedAxes& single = {}) {
    const compute::Groups g = compute::group(compute::points(n, whole, numbers.array()));
    const std::vector<compute::Round> rounds = compute::rounds_of(g);
    Naming at_elements = n;  // each touched element once
    at_elements.dims = 1;
    at_elements.after = 0;
    auto made = [&](const Array& where) {
        Tensor t = Tensor::make(where);
        if (!single.empty()) set_layout(t, Layout::mapped(t.layout(), single));
        return t;
    };
    const Tensor elements = made(g.elements);
    auto take = [&](const Tensor& from, const Array& index) { return index_select(from, 0, made(index)); };
    Tensor flat = src.ndim() == 1 ? src : reshape(src, Dims{src.numel()});
    Tensors levels{take(flat, compute::vector_of(g.order))};
    auto partners = [&](size_t k) {
        return where(made(rounds[k].in_pairs), take(levels[k], rounds[k].partner), Scalar(1));
    };
    for (size_t k = 0; k < rounds.size(); ++k)
        levels.push_back(mul(take(levels[k], rounds[k].left), take(partners(k), rounds[k].left)));
    const Tensor& products = levels.back();
    Tree t;
    if (want_product)
        t.product =
            put_points(ones(src.dtype(), Layout::contiguous(whole)), products, at_elements, elements, false);
    if (want_others) {
        Tensor others =
            self ? read_points(self, at_elements, elements) : ones(src.dtype(), products.layout_ref());
        for (size_t k = rounds.size(); k-- > 0;) others = mul(take(others, rounds[k].parent), partners(k));
        t.others = reshape(take(others, compute::inverse_of(g.order)), numbers.shape());
    }
    if (!single
             .empty()) {  // elsewhere other values may meet: what follows dependences has to see all of them
        const Tensor here = made(ones(DType::Bool, Layout::scalar()).array());
        const Tensor values = sum(flat, {}, false);
        if (t.product) t.product = where(here, t.product, values);
        if (t.others) t.others = where(here, t.others, self ? add(values, sum(self, {}, false)) : values);
    }
    return t;
}

// The same for all entries of the vmaps that the operands vary over: as one problem, which has those in front, and whose
// numbers go through the entries one after the other. It is made of views and products, so it can be differentiated. Axes
// of one entry stay where they are.
Tree multiply_out_mapped(Naming n, Tensor numbers, Tensor src, Tensor self, Dims whole, bool want_product,
                         bool want_others, const MappedAxes& all) {
    const int64_t elements = checked_product(whole);
    Dims lead;
    MappedAxes single;
    for (const MappedAxis& a : all) {
        if (a.size == 1) {
            if (has_axis(numbers.layout().axes(), a.level)) {
                numbers = select(unmap_axis(numbers, a.level, 0, 1), 0, 0);
                single.push_back({a.level, 1, 0});
            }
            continue;
        }
        const auto at = static_cast<int64_t>(lead.size());
        for (Tensor* t : {&numbers, &src, &self})
            if (*t) *t = unmap_axis(*t, a.level, at, a.size);
        whole.insert(lead.size(), a.size);
        lead.push_back(a.size);
    }
    const int64_t entries = checked_product(lead);
    Dims first = lead;
    for (uint16_t d = 0; d < n.dims; ++d) first.push_back(1);
    if (lead.empty()) return multiply_out(n, numbers, src, self, whole, want_product, want_others, single);
    Tensor offsets = reshape(arange(Scalar(0), Scalar(entries), Scalar(1), DType::Int64), first);
    numbers = add(numbers, mul(offsets, Scalar(elements)));
    n.rank = static_cast<uint16_t>(n.rank + lead.size());
    n.dims = static_cast<uint16_t>(n.dims + lead.size());
    Tree t = multiply_out(n, numbers, src, self, whole, want_product, want_others, single);
    for (const MappedAxis& a : all)
        if (a.size != 1)
            for (Tensor* part : {&t.product, &t.others})
                if (*part) *part = map_axis(*part, a.level, 0);
    return t;
}

struct ScatterProd : Scattered {
    static constexpr bool holomorphic = true;
    static constexpr uint32_t saves = 7;
    Tree tree(Context& c, const Tensor& numbers, bool want_product, bool want_others) {
        const Tensor& src = c.input(1);
        const Tensor self = include_self ? c.input(0) : Tensor();
        want_product = include_self && want_product;
        if (MappedAxes all = axes_of({numbers, src, self}); !all.empty())
            return multiply_out_mapped(naming.numbered(), numbers, src, self, c.input_shape(0), want_product,
                                       want_others, all);
        return multiply_out(naming.numbered(), numbers, src, self, c.input_shape(0), want_product,
                            want_others);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor numbers = numbers_of(c, naming, 2);
        Tree t = tree(c, numbers, c.wants(0), c.wants(1));
        if (c.wants(0)) out[0] = include_self ? zmul(g[0], t.product) : without_points(g[0], numbers);
        if (c.wants(1)) out[1] = zmul(at_points(g[0], numbers), t.others);
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        const Tensor numbers = numbers_of(c, naming, 2);
        Tree all = tree(c, numbers, t[0].defined(), t[1].defined());
        Tensor sum;
        if (t[0]) sum = include_self ? zmul(t[0], all.product) : without_points(t[0], numbers);
        if (t[1]) {
            Tensor from_src = from_points(zmul(t[1], all.others), numbers, c.input_shape(0));
            sum = sum ? add(sum, from_src) : from_src;
        }
        return {sum};
    }
};

template <class R>
Tensor apply_at(Form form, const R& rule, const Tensor& x, const Tensor& src, const Tensor& index) {
    const Tensors inputs{x, src, index};
    return form == Form::InPlace ? apply_inplace(rule, inputs, "scatter_reduce_") : apply(rule, inputs);
}

}  // namespace

Tensor scatter_reduce(Form form, const Tensor& x, int64_t dim, const Tensor& index, const Tensor& src,
                      Reduce reduce, bool include_self) {
    Tensor part;
    const Scattered how{scatter_naming(x, dim, index, src, &part), reduce, include_self};
    if (x.dtype() == DType::Bool && reduce == Reduce::Mean)
        fail_as(ErrorKind::NotImplemented,
                "\"scatter_reduce\" with reduce='mean' not implemented for 'Bool'");
    switch (reduce) {
        case Reduce::Prod: return apply_at(form, ScatterProd{how}, x, part, index);
        case Reduce::AMax:
        case Reduce::AMin: return apply_at(form, ScatterExtreme{how}, x, part, index);
        default: return apply_at(form, ScatterMean{how}, x, part, index);
    }
}

}  // namespace pb::ops
