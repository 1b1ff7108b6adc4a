// Products that are added to something: beta * input + alpha * product, in one pass over the result.
//
// The product is written where the scaled input already stands, which BLAS does for nothing. A beta of 0 means
// that the input is not read at all: its nan and inf do not reach the result.
#include "array/limits.h"
#include "array/order.h"
#include "compute/products.h"
#include "compute/storage.h"
#include "ops/matrix/products.h"
#include "program/program.h"

namespace pb::ops {

namespace {

bool is_one(Scalar s) { return s.is(1); }
bool is_zero(Scalar s) { return s.is(0); }

Tensor scaled(const Tensor& t, Scalar s) { return is_one(s) ? t : mul(t, s); }
Tensor scaled_input(const Tensor& g, Scalar beta) {
    return is_zero(beta) ? zeros(g.dtype(), Layout::contiguous(g.shape())) : scaled(g, beta);
}

// The dimensions of `t` but for the first `front` as broadcasting would have them in a tensor of `ndim` dimensions.
Tensor aligned_behind(const Tensor& t, int64_t front, int64_t ndim) {
    if (!front || t.ndim() == ndim) return t;
    Dims shape = t.shape();
    while (static_cast<int64_t>(shape.size()) < ndim) shape.insert(static_cast<size_t>(front), 1);
    return reshape(t, shape);
}

// beta * input, broadcast to the shape of the result, whose first `front` dimensions lead; anything where beta is 0.
Array start(const Tensor& input, const Dims& shape, Scalar beta, int64_t front) {
    Array c = Array::empty(input.dtype(), shape);
    Tensor wide = expand(aligned_behind(input, front, static_cast<int64_t>(shape.size())),
                         shape);  // also where it is not read: it has to fit
    if (!is_zero(beta)) copy_array(wide.array(), c);
    return c;
}

// What the four have in common: the tangent of a sum, and writing in place.
template <class R> struct Added {
    Scalar beta, alpha;

    Tensor forward(const Tensors& x) {
        auto& rule = static_cast<R&>(*this);
        Array c = start(x[0], rule.shape(x), beta, x[1].ndim() - rule.rank(x));
        rule.add(c, x[1], x[2]);
        return Tensor::make(c);
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        auto& rule = static_cast<R&>(*this);
        Tensor sum;
        if (t[1]) sum = rule.times(t[1], c.input(2));
        if (t[2]) sum = plus(sum, rule.times(c.input(1), t[2]));
        if (sum) sum = scaled(sum, alpha);
        if (t[0]) sum = plus(sum, expand(scaled_input(t[0], beta), c.output().shape()));
        return {contiguous(sum)};
    }
};

// addmm, baddbmm; `tb` takes the second factor transposed (linear).
struct AddMatrices : Added<AddMatrices> {
    static constexpr bool noted = true;
    bool tb = false, batched = false;
    static constexpr uint32_t saves = 6;
    static constexpr bool leads = true, aligned = true, holomorphic = true;
    static uint32_t reads(uint32_t wanted) { return partners(wanted, 1); }
    static int64_t rank(const Tensors& x) { return x[1].ndim(); }  // aligned
    const char* node_name() const { return batched ? "BaddbmmBackward0" : "AddmmBackward0"; }
    Dims shape(const Tensors& x) const {
        Dims s = x[1].shape();
        s.back() = x[2].size(tb ? -2 + x[2].ndim() : x[2].ndim() - 1);
        return s;
    }
    void add(const Array& c, const Tensor& a, const Tensor& b) const {
        product_into(c, a.array(), b.array(), false, tb, alpha, beta);
    }
    Tensor times(const Tensor& a, const Tensor& b) const { return product_of(a, b, false, tb); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = scaled_input(g[0], beta);
        if (c.wants(1)) out[1] = scaled(product_of(g[0], c.input(2), false, !tb), alpha);
        if (c.wants(2))
            out[2] = scaled(
                tb ? product_of(g[0], c.input(1), true, false) : product_of(c.input(1), g[0], true, false),
                alpha);
    }
};

// The products of a batch, summed.
struct AddBatches : Added<AddBatches> {
    static constexpr const char* name = "AddbmmBackward0";
    static constexpr uint32_t saves = 6;
    static constexpr bool leads = true, holomorphic = true;
    static uint32_t reads(uint32_t wanted) { return partners(wanted, 1); }
    static int64_t rank(const Tensors&) { return 3; }
    Dims shape(const Tensors& x) const {
        const Layout& a = x[1].layout();
        Dims s(a.shape(), a.shape() + (a.ndim() - 3));
        s.push_back(x[1].size(x[1].ndim() - 2));
        s.push_back(x[2].size(x[2].ndim() - 1));
        return s;
    }
    void add(const Array& c, const Tensor& a, const Tensor& b) const {
        product_into(c, a.array(), b.array(), false, false, alpha, beta, 1);
    }
    Tensor times(const Tensor& a, const Tensor& b) const {
        return sum(product_of(a, b, false, false), Dims{0}, false);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = scaled_input(g[0], beta);
        if (c.wants(1)) out[1] = scaled(product_of(g[0], c.input(2), false, true), alpha);
        if (c.wants(2)) out[2] = scaled(product_of(c.input(1), g[0], true, false), alpha);
    }
};

struct AddVector : Added<AddVector> {
    static constexpr bool noted = true;
    static constexpr const char* name = "AddmvBackward0";
    static constexpr uint32_t saves = 6;
    static constexpr bool leads = true, holomorphic = true;
    static uint32_t reads(uint32_t wanted) { return partners(wanted, 1); }
    static int64_t rank(const Tensors&) { return 2; }
    Dims shape(const Tensors& x) const {
        Dims s = x[1].shape();
        s.pop_back();
        return s;
    }
    void add(const Array& y, const Tensor& a, const Tensor& v) const {
        matrix_vector_into(y, a.array(), v.array(), false, alpha, beta);
    }
    Tensor times(const Tensor& a, const Tensor& v) const { return mv(a, v); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = scaled_input(g[0], beta);
        if (c.wants(1)) out[1] = scaled(zmul(unsqueeze(g[0], -1), c.input(2)), alpha);
        if (c.wants(2)) out[2] = scaled(mv(transpose(c.input(1), 0, 1), g[0]), alpha);
    }
};

struct AddOuter {
    Scalar beta, alpha;
    static constexpr const char* name = "AddrBackward0";
    static constexpr uint32_t saves = 6;
    static constexpr bool leads = true, holomorphic = true;
    static uint32_t reads(uint32_t wanted) { return partners(wanted, 1); }
    Tensor forward(const Tensors& x) {
        const int64_t front = x[1].ndim() - 1;
        Tensor column = unsqueeze(x[1], -1), row = front ? unsqueeze(x[2], -2) : x[2];
        // All three are computed with in their common type.
        if (x[0].ndim()) column = to_dtype(column, promote(x[0].dtype(), column.dtype()));
        Tensor product = scaled(mul(column, row), alpha);
        Tensor input = expand(aligned_behind(x[0], front, product.ndim()), product.shape());
        Tensor y = is_zero(beta) ? to_dtype(product, promote(x[0].dtype(), product.dtype()))
                                 : add(scaled(input, beta), product);
        // It lies as one function of three operands does.
        Dims shape = product.shape(), strides[3];
        strides[0] = iterated_strides(input.layout(), shape);
        strides[1] = iterated_strides(column.layout(), shape);
        strides[2] = iterated_strides(row.layout(), shape);
        Ref<Layout> layout = ordered_layout(shape, strides, 3);
        return y.layout().same(*layout) ? y : Tensor::make(compute::relaid(y.array(), layout));
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Tensor sum;
        if (t[1]) sum = zmul(unsqueeze(t[1], -1), c.input(2));
        if (t[2]) sum = plus(sum, zmul(t[2], unsqueeze(c.input(1), -1)));
        if (sum) sum = scaled(sum, alpha);
        if (t[0]) sum = plus(sum, expand(scaled_input(t[0], beta), c.output().shape()));
        return {to_dtype(contiguous(sum), c.output().dtype())};
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = scaled_input(g[0], beta);
        if (c.wants(1)) out[1] = scaled(mv(g[0], to_dtype(c.input(2), g[0].dtype())), alpha);
        if (c.wants(2)) out[2] = scaled(mv(transpose(g[0], 0, 1), to_dtype(c.input(1), g[0].dtype())), alpha);
    }
};

void check_same(const Tensor& input, const Tensor& a, const Tensor& b) {
    const Tensor& other = b.dtype() != input.dtype() ? b : a;
    if (other.dtype() != input.dtype())
        fail("self and mat2 must have the same dtype, but got {} and {}. Convert one of them with .to(...).",
             dtype_legacy_name(input.dtype()), dtype_legacy_name(other.dtype()));
}

// A rule whose factors are elements of the input's dtype.
template <class R> R fitting(R rule, const Tensor& input) {
    check_fits(rule.beta, input.dtype());
    check_fits(rule.alpha, input.dtype());
    return rule;
}

template <class R> R with(Scalar beta, Scalar alpha) {
    R rule{};
    rule.beta = beta;
    rule.alpha = alpha;
    return rule;
}

// The same operator writing into its input.
template <class R> struct InPlace : R {
    void write(const Tensors& x) {
        Array target = x[0].array();
        if constexpr (requires(R r) { r.add(target, x[1], x[2]); }) {
            bool apart = target.buffer != x[1]->cell->buffer && target.buffer != x[2]->cell->buffer;
            if (apart && target.is_contiguous() && target.layout->dims() == R::shape(x))
                return R::add(target, x[1], x[2]);
        }
        Tensor y = R::forward(x);
        if (!y.layout().same_shape(x[0].layout()))
            fail("Bad in-place call: input tensor size {} and output tensor size {} should match",
                 shape_text(x[0].layout()), shape_text(y.layout()));
        if (y.dtype() != target.dtype && category(y.dtype()) > category(target.dtype))
            fail("result type {} can't be cast to the desired output type {}", dtype_legacy_name(y.dtype()),
                 dtype_legacy_name(target.dtype));
        copy_array(y.array(), target);
    }
};

AddMatrices addmm_rule(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
    if (a.ndim() != 2) fail("mat1 must be a matrix, got {}-D tensor", a.ndim());
    if (b.ndim() != 2) fail("mat2 must be a matrix, got {}-D tensor", b.ndim());
    check_matrices(a, b);
    check_same(input, a, b);
    return with<AddMatrices>(beta, alpha);
}

AddMatrices baddbmm_rule(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
    check_batches(a, b);
    if (input.dtype() != a.dtype() || a.dtype() != b.dtype())
        fail(
            "Input dtypes must be the same, got: input {}, batch1: {}, batch2: {}. Convert them with "
            ".to(...).",
            dtype_c_name(input.dtype()), dtype_c_name(a.dtype()), dtype_c_name(b.dtype()));
    AddMatrices rule = with<AddMatrices>(beta, alpha);
    rule.batched = true;
    return rule;
}

AddBatches addbmm_rule(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
    if (a.ndim() != 3) fail("batch1 must be a 3D tensor. It has {} dimensions.", a.ndim());
    if (b.ndim() != 3) fail("batch2 must be a 3D tensor. It has {} dimensions.", b.ndim());
    if (a.size(0) != b.size(0))
        fail("batch1 and batch2 must have same number of batches, got {} and {}", a.size(0), b.size(0));
    if (a.size(2) != b.size(1))
        fail("Incompatible matrix sizes for bmm ({}x{} and {}x{})", a.size(1), a.size(2), b.size(1),
             b.size(2));
    check_same(input, a, b);
    return with<AddBatches>(beta, alpha);
}

AddVector addmv_rule(const Tensor& input, const Tensor& a, const Tensor& x, Scalar beta, Scalar alpha) {
    if (a.ndim() != 2 || x.ndim() != 1 || input.ndim() > 1)
        fail("vector + matrix @ vector expected, got {}, {}, {}", input.ndim(), a.ndim(), x.ndim());
    if (a.size(1) != x.size(0) || (input.numel() != 1 && input.size(0) != a.size(0)))
        fail("size mismatch, got input ({}), mat ({}x{}), vec ({})", input.ndim() ? input.size(0) : 1,
             a.size(0), a.size(1), x.size(0));
    if (a.dtype() != x.dtype() || input.dtype() != x.dtype())
        fail(
            "addmv input tensors must have the same dtype, but got {}, {}, and {}. Convert one of them with "
            ".to(...).",
            dtype_legacy_name(input.dtype()), dtype_legacy_name(a.dtype()), dtype_legacy_name(x.dtype()));
    return with<AddVector>(beta, alpha);
}

AddOuter addr_rule(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {
    if (a.ndim() != 1) fail("addr: Expected 1-D argument vec1, but got {}-D", a.ndim());
    if (b.ndim() != 1) fail("addr: Expected 1-D argument vec2, but got {}-D", b.ndim());
    if (!is_differentiable(input.dtype()) && !is_differentiable(a.dtype()) && !is_differentiable(b.dtype())) {
        if (beta.kind == Scalar::Float)
            fail("For integral input tensors, argument beta must not be a floating point number.");
        if (alpha.kind == Scalar::Float)
            fail("For integral input tensors, argument alpha must not be a floating point number.");
    }
    return AddOuter{beta, alpha};
}

}  // namespace

#define ADDED(name)                                                                                    \
    Tensor name(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) {    \
        return apply(fitting(name##_rule(input, a, b, beta, alpha), input), {input, a, b});            \
    }                                                                                                  \
    Tensor name##_(const Tensor& input, const Tensor& a, const Tensor& b, Scalar beta, Scalar alpha) { \
        auto rule = fitting(name##_rule(input, a, b, beta, alpha), input);                             \
        return apply_inplace(InPlace<decltype(rule)>{rule}, {input, a, b}, #name "_");                 \
    }
PB_ADDED_PRODUCTS(ADDED)
#undef ADDED

Tensor linear(const Tensor& x, const Tensor& weight, const MaybeTensor& bias) {
    if (x.ndim() == 0 || weight.ndim() == 0)
        fail("both arguments to linear need to be at least 1D, but they are {}D and {}D", x.ndim(),
             weight.ndim());
    if (weight.ndim() == 1 && !bias) return matmul(x, weight);
    if (weight.ndim() > 2)
        fail(
            "t() expects a tensor with <= 2 dimensions, but self is {}D. A weight is (out_features, "
            "in_features).",
            weight.ndim());
    if (weight.ndim() == 1)
        fail("weight must be a matrix of shape (out_features, in_features). It has 1 dimension.");
    Dims shape = x.shape();
    int64_t k = shape.back();
    shape.pop_back();
    int64_t rows = checked_product(shape);
    if (k != weight.size(1))
        fail(
            "mat1 and mat2 shapes cannot be multiplied ({}x{} and {}x{}). The input's last size, {}, must be "
            "the weight's, which has shape (out_features, in_features) = {}.",
            rows, k, weight.size(1), weight.size(0), k, shape_text(weight.layout()));
    if (x.dtype() != weight.dtype())
        fail(
            "expected m1 and m2 to have the same dtype, but got: {} != {}. Convert the input, or the module, "
            "with .to(...).",
            dtype_c_name(x.dtype()), dtype_c_name(weight.dtype()));
    // A bias that is no row of numbers is added to the result as it is shaped; of one number no dtype is asked.
    if (bias && x.ndim() != 2 && bias.ndim() != 1 && (!bias.ndim() || bias.numel() != weight.size(0))) {
        const Tensor y = linear(x, weight, {});
        const Dims all = broadcast_shapes(y.layout(), bias.layout());
        if (all != y.shape())
            fail("output with shape {} doesn't match the broadcast shape {}. The bias has shape {}.",
                 shape_text(y.layout()), shape_text(all), shape_text(bias.layout()));
        return add(y, bias);
    }
    Tensor folded = x.ndim() == 2 ? x : reshape(x, Dims{rows, k});
    Tensor y;
    if (bias) {
        check_same(bias, folded, weight);
        AddMatrices rule = with<AddMatrices>(Scalar(1), Scalar(1));
        rule.tb = true;
        y = apply(rule, {bias, folded, weight});
    } else {
        y = product_of(folded, weight, false, true);
    }
    if (x.ndim() == 2) return y;
    shape.push_back(weight.size(0));
    return reshaped(y, shape,
                    bias            ? "ViewBackward0"
                    : x.ndim() == 1 ? "SqueezeBackward4"
                                    : "UnsafeViewBackward0");
}

}  // namespace pb::ops
