// The rules of reading and writing at points.
#include "array/limits.h"
#include "ops/index/index.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

using compute::Arrays;
using compute::At;
using compute::Points;
using Numbers = std::array<Array, 1>;

Arrays arrays_from(const Tensors& x, size_t first) {
    Arrays all;
    for (size_t i = first; i < x.size(); ++i) all.push_back(x[i].array());
    return all;
}

// Points of indices in memory that is about to be written.
Points points_to_write(const Naming& n, const Array& target, const Arrays& indices) {
    Array numbers = compute::number(n, target.layout->dims(), indices);
    if (numbers.buffer.get() == target.buffer.get()) {
        Array apart = Array::empty(numbers.dtype, numbers.layout);
        copy_array(numbers, apart);
        numbers = apart;
    }
    return compute::points(n, target.layout->dims(), numbers);
}

struct ReadPoints {
    static constexpr bool moves = true;
    static constexpr bool linear = true, leads = true;
    static constexpr size_t decides_from = 1;
    static constexpr uint32_t saves = 2;
    static constexpr size_t saves_from = 2;
    Naming naming;
    PointNames names;
    bool last;
    const char* node_name() const { return names.read; }
    // PyTorch's take_along_dim wraps numbers in a copy of the index.
    uint32_t reads(uint32_t) const { return naming.kind == Naming::Gather && naming.wraps ? 0 : saves; }
    Computed<1> forward(const Tensors& x) {
        const Array a = x[0].array();
        const Dims input = a.layout->dims();
        compute::Layouts layouts;
        const bool each = naming.kind == Naming::Each;
        Array numbers = compute::number(naming, input, arrays_from(x, 1), each ? &layouts : nullptr);
        const Points p = compute::points(naming, input, numbers);
        Array out = compute::read_points(p, a, last);
        if (each)
            if (Ref<Layout> memory = compute::memory_of_read(p, *a.layout, layouts)) {
                Array laid = Array::empty(out.dtype, memory);
                copy_array(out, laid);
                out = laid;
            }
        return {{Tensor::make(out)}, {numbers}};
    }
    bool add_to(Context& c, const Tensors& g, const Array& whole) {
        if (last) return false;
        before_write(whole);
        const Points p = compute::points(naming, whole.layout->dims(), number_array(c, 1));
        compute::visit_points(p, At::Add, whole, contiguous_array(g[0].array()));
        return true;
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        const Tensor numbers = numbers_of(c, naming, 1);
        const Dims whole = c.input_shape(0);
        out[0] = last ? put_points(zeros(g[0].dtype(), whole), g[0], naming.numbered(), numbers, false)
                      : add_to_zeros(g[0], naming.numbered(), numbers, whole, names);
    }
};

struct AddToZeros {
    static constexpr bool linear = true, leads = true;
    static constexpr size_t decides_from = 1;
    static constexpr uint32_t saves = 2;
    Naming naming;
    Dims whole;  // the shape of an entry
    PointNames names;
    const char* node_name() const { return names.add; }
    Tensor forward(const Tensors& x) {
        const int64_t rank = naming.result_rank();
        Tensor out =
            zeros(x[0].dtype(), behind(x[0].layout(), x[0].ndim() - rank, Layout::contiguous(whole)));
        const Array to = out.array();
        const Dims shape = to.layout->dims();
        const Points p = compute::points(naming, shape, compute::number(naming, shape, {x[1].array()}));
        compute::visit_points(p, At::Add, to, contiguous_array(x[0].array()));
        return out;
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = read_points(g[0], naming, c.input(1), names);
    }
};

// Forgets what was at the points of a gradient that nobody else sees.
void clear_points(const Tensor& g, const Naming& n, const Array& numbers) {
    const Array a = g.array();
    before_write(a);
    compute::fill_points(compute::points(n, a.layout->dims(), numbers), a, Scalar(0));
}

struct PutPoints {
    static constexpr bool moves = true;
    static constexpr bool linear = true, leads = true;
    static constexpr size_t decides_from = 2;
    static constexpr uint32_t saves = 4;
    static constexpr size_t saves_from = 3;
    Naming naming;
    bool add;
    const char* node;
    bool row_major;
    const char* node_name() const { return node; }
    // The derivative by what is added to does not ask where. PyTorch's does in some cases, and saves the index.
    uint32_t reads(uint32_t wanted) const {
        bool where = !add || wanted & 2 || naming.kind == Naming::Each || naming.kind == Naming::Flat;
        return where ? saves : 0;
    }
    Numbers write(const Tensors& x) {
        const Array target = x[0].array(), values = x[1].array();
        const Points p = points_to_write(naming, target, arrays_from(x, 2));
        if (naming.kind == Naming::Each) check_values(p, *values.layout);
        compute::put_points(p, add ? At::Add : At::Write, target, values);
        return {p.numbers};
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        if (c.wants(0))
            out[0] = add ? g[0]
                         : fill_points(g[0], Scalar(0), naming.numbered(), numbers_of(c, naming, 2),
                                       {.node = node});
        if (add) c.check(2);
        if (c.wants(1)) out[1] = of_values(c, g[0]);
    }
    void pullback_over(Context& c, Tensors& g, Tensors& out) {
        c.check(2);
        if (c.wants(1)) out[1] = of_values(c, g[0]);
        if (!c.wants(0)) return;
        if (!add) clear_points(g[0], naming, number_array(c, 2));
        out[0] = std::move(g[0]);
    }
    // Where several values go to one place, the last one stays: only it gets the gradient.
    Tensor of_values(Context& c, const Tensor& g) {
        return read_points(g, naming.numbered(), numbers_of(c, naming, 2), {}, !add);
    }
    static void check_values(const Points& p, const Layout& values) {
        const Dims result = p.result();
        const Ref<Layout> wanted = Layout::contiguous(result.begin() + p.lead, result.size() - p.lead),
                          given = Layout::contiguous(values.shape() + p.lead,
                                                     static_cast<size_t>(values.ndim()) - p.lead);
        if (!can_sum_to(*wanted, *given))
            fail(
                "shape mismatch: value tensor of shape {} cannot be broadcast to indexing result of shape {}",
                shape_text(*given), shape_text(*wanted));
    }
};

struct FillPoints {
    static constexpr bool moves = true;
    static constexpr bool leads = true, holomorphic = true;
    static constexpr size_t decides_from = 1;
    static constexpr uint32_t saves = 2;
    static constexpr size_t saves_from = 2;
    Naming naming;
    Scalar value;
    const char* node;
    bool row_major;
    const char* node_name() const { return node; }
    Numbers write(const Tensors& x) {
        const Array target = x[0].array();
        const Points p = points_to_write(naming, target, arrays_from(x, 1));
        compute::fill_points(p, target, value);
        return {p.numbers};
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = fill_points(g[0], Scalar(0), naming.numbered(), numbers_of(c, naming, 1), {.node = node});
    }
    void pullback_over(Context& c, Tensors& g, Tensors& out) {
        clear_points(g[0], naming, number_array(c, 1));
        out[0] = std::move(g[0]);
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        return {fill_points(t[0], Scalar(0), naming.numbered(), numbers_of(c, naming, 1), {.node = node})};
    }
};

void add_indices(Tensors& inputs, const Indices& indices) {
    for (size_t i = 0; i < indices.count; ++i) inputs.push_back(indices.first[i]);
}

}  // namespace

Array number_array(Context& c, size_t first) {
    c.check(first);
    return c.residual();
}

Tensor numbers_of(Context& c, const Naming& n, size_t first) {
    const Array& numbers = number_array(c, first);
    const bool made = n.kind == Naming::Gather || n.kind == Naming::Mask || c.inputs() <= first;
    if (made) return Tensor::make(numbers);
    const Tensor& index = c.input(first);
    return index->cell->buffer == numbers.buffer ? index : Tensor::make(numbers);
}

Tensor read_points(const Tensor& x, const Naming& n, Indices indices, PointNames names, bool last) {
    Tensors inputs;
    inputs.push_back(x);
    add_indices(inputs, indices);
    return apply(ReadPoints{n, names, last}, inputs);
}

Tensor add_to_zeros(const Tensor& values, const Naming& n, const Tensor& numbers, const Dims& whole,
                    PointNames names) {
    return apply(AddToZeros{n, whole, names}, {values, numbers});
}

Tensor put_points(const Tensor& x, const Tensor& values, const Naming& n, Indices indices, bool add,
                  const Writing& w) {
    PutPoints rule{n, add, w.node, w.row_major};
    Tensors inputs{x, values};
    add_indices(inputs, indices);
    return w.form == Form::InPlace ? apply_inplace(rule, inputs, w.operation) : apply(rule, inputs);
}

Tensor fill_points(const Tensor& x, Scalar value, const Naming& n, Indices indices, const Writing& w) {
    check_fits(value, x.dtype());
    FillPoints rule{n, value, w.node, w.row_major};
    Tensors inputs{x};
    add_indices(inputs, indices);
    return w.form == Form::InPlace ? apply_inplace(rule, inputs, w.operation) : apply(rule, inputs);
}

}  // namespace pb::ops
