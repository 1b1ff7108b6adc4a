// Products of matrices and vectors, differentiable.
//
// One rule, `Product`, is mm and bmm, with either factor transposed: its derivatives are products again, with the
// transposes moved, so no transposed copy or view is ever made, to any order, and a factor that lies column by column
// gets its gradient so. Batches broadcast; the engine sums cotangents over what was broadcast. `matmul` folds its
// operands into these as PyTorch does.
//
// A large product of a column and a row, the gradient of a weight that met a single example, is an elementwise product
// that broadcasts: pending like others, so that an update which is all that reads it never stores it.
#include "ops/matrix/products.h"

#include "compute/products.h"

namespace pb::ops {

Tensor plus(const Tensor& a, const Tensor& b) { return !a ? b : !b ? a : add(a, b); }

// Rows times columns of a cotangent and a saved vector, g p^T; a zero stays zero.
static Tensor outer_of(const Tensor& g, const Tensor& p) { return zmul(unsqueeze(g, -1), p); }

namespace {

constexpr int64_t kLargeOuter = 4096;  // elements

// The axes that a gradient for a tensor like `factor` is summed over: it is the same for all entries of vmaps that are over,
// and the two that it is the product of are not. The product is summed where it is made, without the terms in memory.
[[gnu::cold, gnu::noinline]] MappedAxes summed_axes(const Tensors& two, const Layout& factor) {
    const MappedAxes own = factor.axes();
    MappedAxes closed;
    for (const MappedAxis& a : axes_of(two))
        if (!is_open_map(a.level) && !has_axis(own, a.level)) closed.push_back(a);
    return closed;
}

// The matrices of an array, the other way round.
Ref<Layout> turned_layout(const Layout& l) {
    Dims shape = l.dims(), strides = l.stride_dims();
    std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
    std::swap(strides[strides.size() - 1], strides[strides.size() - 2]);
    return Layout::strided(shape, strides);
}

// Whether matrices lie column by column.
bool is_turned(const Layout& l) {
    int64_t n = l.ndim(), rows = l.size(n - 2), columns = l.size(n - 1);
    return rows > 1 && columns > 1 && l.stride(n - 2) == 1 && l.stride(n - 1) == rows;
}

struct Product {
    static constexpr bool noted = true;
    bool ta, tb, batched;
    int64_t summed = 0;   // over so many dimensions of the batch, the last
    bool turned = false;  // the result is laid out column by column
    static constexpr uint32_t saves = 3;
    static constexpr bool bilinear = true, leads = true, aligned = true;
    static uint32_t reads(uint32_t wanted) { return partners(wanted, 0); }
    const char* node_name() const { return batched ? "BmmBackward0" : "MmBackward0"; }
    std::array<int64_t, 3> flags() const { return {ta, tb, summed}; }
    Tensor forward(const Tensors& x) {
        if (!turned) return by_rows(x[0], x[1], ta, tb);
        Tensor y = by_rows(x[1], x[0], !tb, !ta);
        return y.alias(turned_layout(y.layout()), y->offset);
    }
    void pullback(Context& c, const Tensors& grads, Tensors& out) {
        Tensor g = grads[0];
        if (g.ndim() > 2)  // it is the same along what was summed over
            for (int64_t d = 0; d < summed; ++d) g = unsqueeze(g, -3);
        if (c.wants(0))
            out[0] = ta ? toward(c, 0, c.input(1), g, tb, true) : toward(c, 0, g, c.input(1), false, !tb);
        if (c.wants(1))
            out[1] = tb ? toward(c, 1, g, c.input(0), true, ta) : toward(c, 1, c.input(0), g, !ta, false);
    }

    // The product summed over axes, too, which are the last dimensions of the batch.
    [[gnu::cold, gnu::noinline]] static Tensor over_axes(const MappedAxes& axes, Product rule, Tensor a,
                                                         Tensor b) {
        while (a.ndim() < b.ndim()) a = unsqueeze(a, 0);
        while (b.ndim() < a.ndim()) b = unsqueeze(b, 0);
        for (const MappedAxis& axis : axes)
            for (Tensor* t : {&a, &b}) *t = unmap_axis(*t, axis.level, t->ndim() - 2, axis.size);
        rule.summed += static_cast<int64_t>(axes.size());
        return apply(rule, {a, b});
    }

  private:
    Tensor by_rows(const Tensor& a, const Tensor& b, bool ta, bool tb) const {
        int64_t m = a.size(a.ndim() - (ta ? 1 : 2)), n = b.size(b.ndim() - (tb ? 2 : 1));
        bool single = !batched && m > 1 && n > 1 && a.size(a.ndim() - (ta ? 2 : 1)) == 1;
        if (single && checked_mul(m, n) >= kLargeOuter && is_differentiable(a.dtype()))
            return mul(ta ? a.alias(turned_layout(a.layout()), a->offset) : a,
                       tb ? b.alias(turned_layout(b.layout()), b->offset) : b);
        return Tensor::make(product(a.array(), b.array(), ta, tb, summed));
    }

    // The product that pulls back to input i. One matrix that met a whole batch gets the sum, accumulated by BLAS
    // without the terms in memory; sums over fewer dimensions are left to the engine.
    static Tensor toward(Context& c, size_t i, const Tensor& a, const Tensor& b, bool ta, bool tb) {
        const int64_t batch = std::max(a.ndim(), b.ndim()) - 2;
        const Layout& factor = c.input_layout(i);
        const int64_t summed = factor.ndim() == 2 ? batch : 0;
        if (__builtin_expect(a.is_mapped() || b.is_mapped(), 0))
            if (const MappedAxes closed = summed_axes({a, b}, factor); !closed.empty())
                return over_axes(closed, Product{ta, tb, true, summed, is_turned(factor)}, a, b);
        return apply(Product{ta, tb, batch > 0, summed, is_turned(factor)}, {a, b});
    }
};

struct MatrixVector {
    static constexpr bool noted = true;
    bool transpose;
    static constexpr const char* name = "MvBackward0";
    static constexpr uint32_t saves = 3;
    static constexpr bool bilinear = true, leads = true;
    std::array<int64_t, 1> flags() const { return {transpose}; }
    static uint32_t reads(uint32_t wanted) { return partners(wanted, 0); }
    Tensor forward(const Tensors& x) {
        return Tensor::make(matrix_vector(x[0].array(), x[1].array(), transpose));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) {
            const Tensor &rows = transpose ? c.input(1) : g[0], &columns = transpose ? g[0] : c.input(1);
            out[0] = toward_matrix(rows, columns, c.input_layout(0));
        }
        if (c.wants(1)) out[1] = apply(MatrixVector{!transpose}, {c.input(0), g[0]});
    }
    static Tensor toward_matrix(Tensor rows, Tensor columns, const Layout& factor) {
        if (__builtin_expect(rows.is_mapped() || columns.is_mapped(), 0))
            if (const MappedAxes closed = summed_axes({rows, columns}, factor); !closed.empty())
                return Product::over_axes(closed, Product{true, false, true}, unsqueeze(rows, 0),
                                          unsqueeze(columns, 0));
        return outer_of(rows, columns);
    }
};

struct Dot {
    static constexpr bool noted = true;
    const char* node;
    static constexpr uint32_t saves = 3;
    static constexpr bool bilinear = true, leads = true;
    static uint32_t reads(uint32_t wanted) { return partners(wanted, 0); }
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) { return Tensor::make(dot_product(x[0].array(), x[1].array())); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0)) out[0] = zmul(g[0], c.input(1));
        if (c.wants(1)) out[1] = zmul(g[0], c.input(0));
    }
};

// A fresh result in another shape; unlike a view, nobody else sees its memory.
struct Reshaped {
    static constexpr bool noted = true;
    static constexpr bool moves = true;
    static constexpr bool sees_axes = true, holomorphic = true;
    const char* node;
    Ref<Layout> layout;
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) { return x[0].alias(layout, x[0]->offset); }
    void pullback(Context& c, const Tensors& g, Tensors& out) { out[0] = reshape(g[0], c.input_shape(0)); }
    Tensors pushforward(Context&, const Tensors& t) { return {reshape(t[0], layout->dims())}; }
};

[[noreturn]] void fail_dtypes(const Tensor& a, const Tensor& b) {
    fail(
        "expected m1 and m2 to have the same dtype, but got: {} != {}. Convert one of them, for example with "
        ".to({}).",
        dtype_c_name(a.dtype()), dtype_c_name(b.dtype()), dtype_name(promote(a.dtype(), b.dtype())));
}

}  // namespace

void check_same_scalar_type(const Tensor& a, const Tensor& b) {
    if (a.dtype() != b.dtype())
        fail(
            "expected scalar type {} but found {}. Both factors of a product need one dtype; convert one "
            "with .to({}).",
            dtype_legacy_name(a.dtype()), dtype_legacy_name(b.dtype()),
            dtype_name(promote(a.dtype(), b.dtype())));
}

void check_matrices(const Tensor& a, const Tensor& b) {
    if (a.size(1) != b.size(0))
        fail(
            "mat1 and mat2 shapes cannot be multiplied ({}x{} and {}x{}). The columns of the first, {}, must "
            "be as many as the rows of the second, {}.",
            a.size(0), a.size(1), b.size(0), b.size(1), a.size(1), b.size(0));
}

void check_batches(const Tensor& a, const Tensor& b) {
    if (a.ndim() != 3) fail("batch1 must be a 3D tensor. It has {} dimensions.", a.ndim());
    if (b.ndim() != 3) fail("batch2 must be a 3D tensor. It has {} dimensions.", b.ndim());
    if (a.size(0) != b.size(0) || a.size(2) != b.size(1))
        fail("Expected size for first two dimensions of batch2 tensor to be: [{}, {}] but got: [{}, {}].",
             a.size(0), a.size(2), b.size(0), b.size(1));
}

Tensor product_of(const Tensor& a, const Tensor& b, bool ta, bool tb) {
    return apply(Product{ta, tb, a.ndim() > 2 || b.ndim() > 2}, {a, b});
}

Tensor reshaped(const Tensor& x, const Dims& shape, const char* node) {
    return apply(Reshaped{node, Layout::contiguous(shape)}, {x});
}

Tensor mm(const Tensor& a, const Tensor& b) {
    if (a.ndim() != 2)
        fail("self must be a matrix. It has {} dimensions; matmul takes any number.", a.ndim());
    if (b.ndim() != 2)
        fail("mat2 must be a matrix. It has {} dimensions; matmul takes any number.", b.ndim());
    check_matrices(a, b);
    if (a.dtype() != b.dtype()) fail_dtypes(a, b);
    return apply(Product{false, false, false}, {a, b});
}

Tensor bmm(const Tensor& a, const Tensor& b) {
    check_batches(a, b);
    check_same_scalar_type(a, b);
    return apply(Product{false, false, true}, {a, b});
}

Tensor mv(const Tensor& a, const Tensor& x) {
    if (a.ndim() != 2 || x.ndim() != 1)
        fail("vector + matrix @ vector expected, got 1, {}, {}", a.ndim(), x.ndim());
    if (a.size(1) != x.size(0))
        fail(
            "size mismatch, got input ({}), mat ({}x{}), vec ({}). The columns of the matrix must be as many "
            "as the elements of the vector.",
            a.size(0), a.size(0), a.size(1), x.size(0));
    if (a.dtype() != x.dtype())
        fail(
            "addmv input tensors must have the same dtype, but got {}, {}, and {}. Convert one of them with "
            ".to(...).",
            dtype_legacy_name(x.dtype()), dtype_legacy_name(a.dtype()), dtype_legacy_name(x.dtype()));
    return apply(MatrixVector{false}, {a, x});
}

static Tensor dot_named(const Tensor& a, const Tensor& b, const char* node) {
    if (a.ndim() != 1 || b.ndim() != 1)
        fail("1D tensors expected, but got {}D and {}D tensors", a.ndim(), b.ndim());
    if (a.dtype() != b.dtype())
        fail(
            "dot : expected both vectors to have same dtype, but found {} and {}. Convert one of them with "
            ".to(...).",
            dtype_legacy_name(a.dtype()), dtype_legacy_name(b.dtype()));
    if (a.size(0) != b.size(0))
        fail(
            "inconsistent tensor size, expected tensor [{}] and src [{}] to have the same number of "
            "elements, but got {} and {} elements respectively",
            a.size(0), b.size(0), a.size(0), b.size(0));
    return apply(Dot{node}, {a, b});
}
Tensor dot(const Tensor& a, const Tensor& b) { return dot_named(a, b, "DotBackward0"); }
Tensor vdot(const Tensor& a, const Tensor& b) { return dot_named(conj(a), b, "VdotBackward0"); }

Tensor outer(const Tensor& a, const Tensor& b) {
    if (a.ndim() != 1) fail("outer: Expected 1-D argument self, but got {}-D", a.ndim());
    if (b.ndim() != 1) fail("outer: Expected 1-D argument vec2, but got {}-D", b.ndim());
    return mul(reshape(a, Dims{a.size(0), 1}), b);
}

Tensor matmul(const Tensor& a, const Tensor& b) {
    int64_t na = a.ndim(), nb = b.ndim();
    if (na == 2 && nb == 2) return mm(a, b);
    if (na == 0 || nb == 0)
        fail(
            "both arguments to matmul need to be at least 1D, but they are {}D and {}D. A number times a "
            "tensor is `*`.",
            na, nb);
    if (nb == 1) {
        if (na == 1) return dot(a, b);
        if (na == 2) return mv(a, b);
    }
    if (na == 1 && nb == 2) return reshaped(mm(unsqueeze(a, 0), b), Dims{b.size(1)}, "SqueezeBackward4");
    if (nb <= 2) {
        // All matrices of a meet the same one: their rows are one long matrix.
        Dims shape = a.shape();
        shape.pop_back();
        Tensor folded = reshape(a, Dims{checked_product(shape), a.size(na - 1)});
        if (nb == 2) shape.push_back(b.size(1));
        return reshaped(nb == 1 ? mv(folded, b) : mm(folded, b), shape, "UnsafeViewBackward0");
    }
    Tensor left = na == 1 ? unsqueeze(a, 0) : a;
    int64_t n = left.ndim(), d = std::max(n, nb) - 2;
    Dims shape(static_cast<size_t>(d), 1);
    for (int64_t i = 0; i < d; ++i) {
        int64_t ia = i - (d - n + 2), ib = i - (d - nb + 2);
        int64_t sa = ia >= 0 ? left.size(ia) : 1, sb = ib >= 0 ? b.size(ib) : 1;
        if (sa != sb && sa != 1 && sb != 1)
            fail_broadcast(sa, sb, i,
                           "These are batch dimensions of the shapes " + shape_text(a.layout()) + " and " +
                               shape_text(b.layout()) + ": each pair of sizes must be equal or contain a 1.");
        shape[static_cast<size_t>(i)] = sa == 1 ? sb : sa;
    }
    if (left.size(n - 1) != b.size(nb - 2)) {
        int64_t count = checked_product(shape);
        fail(
            "Expected size for first two dimensions of batch2 tensor to be: [{}, {}] but got: [{}, {}]. The "
            "shapes are {} and {}: the last size of the first must be the last but one of the second.",
            count, left.size(n - 1), count, b.size(nb - 2), shape_text(a.layout()), shape_text(b.layout()));
    }
    check_same_scalar_type(left, b);
    Tensor y = product_of(left, b, false, false);
    if (na > 1) shape.push_back(left.size(n - 2));
    shape.push_back(b.size(nb - 1));
    return reshaped(y, shape, "UnsafeViewBackward0");
}

}  // namespace pb::ops
