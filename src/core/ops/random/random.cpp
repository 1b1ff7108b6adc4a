#include "ops/random/random.h"

#include "array/limits.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

Tensor zeros_of(Context& c, size_t i) {
    return zeros(c.input_dtype(i), Layout::contiguous(c.input_shape(i)));
}
void pull_zeros(Context& c, Tensors& out) {
    for (size_t i = 0; i < c.inputs(); ++i)
        if (c.wants(i)) out[i] = zeros_of(c, i);
}
Tensors push_zeros(Context& c) { return {zeros(c.output().dtype(), c.output().layout_ref())}; }

// In place.
struct Overwrite {
    static constexpr bool moves = true;
    static constexpr bool leads = true, holomorphic = true;
    const char* node;
    Distribution d;
    Generator* g;
    const char* node_name() const { return node; }
    void write(const Tensors& x) { compute::draw(*g, d, x[0].array()); }
    void pullback(Context& c, const Tensors&, Tensors& out) { pull_zeros(c, out); }
    Tensors pushforward(Context& c, const Tensors&) { return push_zeros(c); }
};

// The same with a probability for each element, input 1.
struct OverwriteBernoulli {
    static constexpr bool holomorphic = true;
    static constexpr bool moves = true;
    static constexpr const char* name = "BernoulliBackward1";
    Generator* g;
    void write(const Tensors& x) { compute::draw_bernoulli(*g, x[0].array(), x[1].array()); }
    void pullback(Context& c, const Tensors&, Tensors& out) { pull_zeros(c, out); }
    Tensors pushforward(Context& c, const Tensors&) { return push_zeros(c); }
};

// Of the shape of the input, row-major.
struct DrawnLike {
    static constexpr bool moves = true;
    static constexpr bool leads = true, holomorphic = true;
    const char* node;
    Distribution d;
    Generator* g;
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) {
        Tensor t = empty(x[0].dtype(), x[0].shape());
        compute::draw(*g, d, t.array());
        return t;
    }
    void pullback(Context& c, const Tensors&, Tensors& out) { pull_zeros(c, out); }
    Tensors pushforward(Context& c, const Tensors&) { return push_zeros(c); }
};

struct Bernoulli {
    static constexpr bool moves = true;
    static constexpr const char* name = "BernoulliBackward0";
    static constexpr bool leads = true;
    Generator* g;
    Tensor forward(const Tensors& x) {
        Tensor t = empty(x[0].dtype(), x[0].shape());
        compute::draw_bernoulli(*g, t.array(), x[0].array());
        return t;
    }
    void pullback(Context& c, const Tensors&, Tensors& out) { pull_zeros(c, out); }
    Tensors pushforward(Context& c, const Tensors&) { return push_zeros(c); }
};

}  // namespace

void check_deviations(const Tensor& each) {
    if (is_float(each.dtype()) && compute::any_negative(each.array()))
        fail("normal expects all elements of std >= 0.0");
}

namespace {

// Of the tensors among mean and deviation; what is no tensor is a number.
struct Normal {
    static constexpr bool moves = true;
    bool has_mean, has_deviation;
    double mean, deviation;
    Generator* g;
    const char* node_name() const {
        return !has_deviation ? "NormalBackward1" : !has_mean ? "NormalBackward2" : "NormalBackward3";
    }
    Tensor forward(const Tensors& x) {
        const Tensor& first = x[0];
        const Tensor& last = x[x.size() - 1];
        if (has_deviation) check_deviations(last);
        Tensor t =
            empty(first.dtype(), has_mean && has_deviation ? broadcast_shapes(first.layout(), last.layout())
                                                           : first.shape());
        compute::draw(*g, {Distribution::Normal, 0, has_deviation ? 1 : deviation}, t.array());
        // What is rounded to the result's dtype is a product, and then a sum.
        if (has_deviation) copy_array(mul(t, last).array(), t.array());
        copy_array(add(t, has_mean ? Operand(first) : Operand(mean)).array(), t.array());
        return t;
    }
    void pullback(Context& c, const Tensors&, Tensors& out) { pull_zeros(c, out); }
    Tensors pushforward(Context& c, const Tensors&) { return push_zeros(c); }
};

// Rows of positions, drawn with the weights of each row.
struct Multinomial {
    static constexpr const char* name = "Multinomial";
    static constexpr bool leads = true;
    int64_t draws;
    bool replacement;
    Generator* g;
    Tensor forward(const Tensors& x) {
        return Tensor::make(compute::draw_multinomial(*g, x[0].array(), draws, replacement));
    }
};

// Counts of chances that elements give.
struct Counts {
    static constexpr bool leads = true;
    const char* node;
    Generator* g;
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) {
        return Tensor::make(x.size() == 1 ? compute::draw_poisson(*g, x[0].array())
                                          : compute::draw_binomial(*g, x[0].array(), x[1].array()));
    }
    void pullback(Context& c, const Tensors&, Tensors& out) { pull_zeros(c, out); }
    Tensors pushforward(Context& c, const Tensors&) { return push_zeros(c); }
};

// What distributions/ differentiates.
struct Gammas {
    static constexpr const char* name = "NotImplemented";
    static constexpr bool leads = true;
    Array (*draw)(Generator& g, const Array& parameters);
    Generator* g;
    Tensor forward(const Tensors& x) { return Tensor::make(draw(*g, x[0].array())); }
};

void check_probability(double p) {
    if (!(p >= 0 && p <= 1)) fail("bernoulli_ expects p to be in [0, 1], but got p={}", p);
}

}  // namespace

Tensor drawn(DType dtype, Ref<Layout> layout, const Distribution& d, Generator& g) {
    Tensor t = Tensor::make(dtype, std::move(layout));
    compute::draw(g, d, t.array());
    return t;
}

Tensor permutation(int64_t n, DType dtype, Generator& g) {
    Tensor t = empty(dtype, Dims{n});
    compute::check_permutation(n, dtype);
    check_fits(Scalar(n), dtype);
    compute::draw_permutation(g, t.array());
    return t;
}

Tensor overwrite(const Tensor& target, const char* node, const char* operation, const Distribution& d,
                 Generator& g) {
    return apply_inplace(Overwrite{node, d, &g}, {target}, operation);
}

Tensor bernoulli(const Tensor& x, Generator& g) { return apply(Bernoulli{&g}, {x}); }

Tensor bernoulli(const Tensor& x, double p, Generator& g) {
    check_probability(p);
    return apply(DrawnLike{"BernoulliBackward2", {Distribution::Bernoulli, p}, &g}, {x});
}

Tensor bernoulli_(const Tensor& target, const Tensor& p, Generator& g) {
    Tensor each = p.shape() == target.shape() ? p : expand(p, target.shape());
    return apply_inplace(OverwriteBernoulli{&g}, {target, each}, "bernoulli_");
}

Tensor normal(const Operand& mean, const Operand& deviation, Generator& g) {
    Tensors inputs;
    if (mean.tensor) inputs.push_back(*mean.tensor);
    if (deviation.tensor) inputs.push_back(*deviation.tensor);
    return apply(Normal{mean.tensor != nullptr, deviation.tensor != nullptr, mean.scalar.to_double(),
                        deviation.scalar.to_double(), &g},
                 inputs);
}

Tensor multinomial(const Tensor& weights, int64_t draws, bool replacement, Generator& g) {
    const Tensor& x = weights;
    if (x.ndim() < 1 || x.ndim() > 2) fail("prob_dist must be 1 or 2 dim");
    if (!is_float(x.dtype()))
        fail("multinomial only supports floating-point dtypes for input, got: {}",
             dtype_legacy_name(x.dtype()));
    if (draws <= 0) fail("cannot sample n_sample <= 0 samples");
    int64_t n = x.size(x.ndim() - 1), rows = x.ndim() == 2 ? x.size(0) : 1;
    if (!replacement && draws > n)
        fail(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement: there are {} "
            "categories and {} draws.",
            n, draws);
    if (n == 0 && rows > 0) fail("cannot sample from a distribution without categories");
    return apply(Multinomial{draws, replacement, &g}, {x});
}

Tensor poisson(const Tensor& rate, Generator& g) { return apply(Counts{"PoissonBackward0", &g}, {rate}); }

Tensor binomial(const Tensor& count, const Tensor& probability, Generator& g) {
    const DType d = count.dtype();
    if (!is_float(d))
        fail_as(ErrorKind::Value, "binomial only supports floating-point dtypes for count, got: {}",
                dtype_legacy_name(d));
    if (is_narrow_float(d)) fail_unsupported("binomial_cpu", d);
    if (probability.dtype() != d)
        fail("Found dtype {} but expected {}: count and prob have one dtype",
             dtype_legacy_name(probability.dtype()), dtype_legacy_name(d));
    const Dims shape = broadcast_shapes(count.layout(), probability.layout());
    auto over = [&](const Tensor& t) { return t.shape() == shape ? t : expand(t, shape); };
    return apply(Counts{"BinomialBackward0", &g}, {over(count), over(probability)});
}

Tensor drawn_gamma(const Tensor& shape, Generator& g) {
    return apply(Gammas{compute::draw_gamma, &g}, {shape});
}
Tensor drawn_dirichlet(const Tensor& concentration, Generator& g) {
    return apply(Gammas{compute::draw_dirichlet, &g}, {concentration});
}

}  // namespace pb::ops
