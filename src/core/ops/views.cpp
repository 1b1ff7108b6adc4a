// Views: another geometry over the same cell. Each is linear, so that its pushforward is itself and its pullback
// puts the cotangent back where it came from.
#include "ops/operators.h"

#include <algorithm>

namespace pb::ops {

namespace {

// ---- as_strided: the general view, and what a stale view's history is made of ----

struct AsStrided {
    static constexpr const char* name = "AsStridedBackward0";
    static constexpr bool view = true;
    Ref<Layout> layout;
    int64_t offset;  // in the storage
    int64_t input_offset = 0;
    Tensor forward(const Tensors& x) {
        input_offset = x[0]->offset;
        return x[0].alias(layout, offset);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        // The input as a dense block of its own: what the view covers of it receives the gradient, elements that
        // several indices reach receive the sum.
        out[0] = as_strided_gather(g[0], c.input_layout(0), *layout, offset - input_offset);
    }
    Tensors pushforward(Context& c, const Tensors& t) {
        Tensor like_input = as_layout(t[0], Ref<Layout>(const_cast<Layout*>(&c.input_layout(0))));
        return {as_strided(like_input, layout, offset - input_offset)};
    }
    static Tensor as_strided_gather(const Tensor& g, const Layout& input, const Layout& view, int64_t offset);
};

// The adjoint of as_strided as an operator of its own, because it has to be differentiated in turn: a linear map
// from the view's shape to the input's.
struct AsStridedAdjoint {
    static constexpr const char* name = "AsStridedAdjointBackward0";
    Ref<Layout> input, part;
    int64_t offset;

    template <class T>
    static void add_all(const Array& g, const Array& storage, const Layout& view, int64_t offset) {
        Walk walk(view);
        const T* from = g.as<T>();
        T* to = storage.as<T>();
        for (int64_t i = 0, n = view.numel(); i < n; ++i, walk.next()) to[offset + walk.at] += from[i];
    }
    // Offsets of a layout in row-major order.
    struct Walk {
        explicit Walk(const Layout& l) : layout(l), index(static_cast<size_t>(l.ndim()), 0) {}
        void next() {
            for (int64_t d = layout.ndim() - 1; d >= 0; --d) {
                at += layout.stride(d);
                if (++index[static_cast<size_t>(d)] < layout.size(d)) return;
                at -= layout.stride(d) * layout.size(d);
                index[static_cast<size_t>(d)] = 0;
            }
        }
        const Layout& layout;
        Dims index;
        int64_t at = 0;
    };

    Tensor forward(const Tensors& x) {
        // Room for everything that either geometry reaches.
        int64_t low_i, high_i, low_v, high_v;
        input->extent(&low_i, &high_i);
        part->extent(&low_v, &high_v);
        int64_t low = std::min(low_i, low_v + offset), high = std::max(high_i, high_v + offset);
        Array storage = Array::empty(x[0].dtype(), Dims{high - low});
        fill_array(storage, Scalar(0));
        Array g = contiguous_array(x[0].array());
        if (g.dtype == DType::Float32)
            add_all<float>(g, storage, *part, offset - low);
        else if (g.dtype == DType::Float64)
            add_all<double>(g, storage, *part, offset - low);
        Array out = storage.view(input, -low);
        if (input->overlaps_itself()) {
            // Several indices of the input share an element: its gradient is shared out evenly.
            Array count = Array::empty(x[0].dtype(), Dims{high - low});
            fill_array(count, Scalar(0));
            Array ones = Array::empty(x[0].dtype(), input->dims());
            fill_array(ones, Scalar(1));
            if (g.dtype == DType::Float32)
                add_all<float>(ones, count, *input, -low);
            else if (g.dtype == DType::Float64)
                add_all<double>(ones, count, *input, -low);
            Tensor share = div(Tensor::make(out), Tensor::make(count.view(input, -low)));
            return share;
        }
        return Tensor::make(contiguous_array(out));
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Tensor like_input = as_layout(g[0], input);
        out[0] = as_strided(like_input, part, offset);
    }
    Tensors pushforward(Context&, const Tensors& t) { return {apply(*this, {t[0]})}; }
};

Tensor AsStrided::as_strided_gather(const Tensor& g, const Layout& input, const Layout& view, int64_t offset) {
    return apply(AsStridedAdjoint{Ref<Layout>(const_cast<Layout*>(&input)), Ref<Layout>(const_cast<Layout*>(&view)), offset}, {g});
}

struct AsStridedScatter {
    static constexpr const char* name = "AsStridedScatterBackward0";
    Ref<Layout> layout;
    int64_t offset;
    void write(const Tensors& x) { copy_array(x[1].array(), x[0].array().view(layout, offset)); }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Tensor whole = as_layout(g[0], Ref<Layout>(const_cast<Layout*>(&c.input_layout(0))));
        Tensor part = as_strided(whole, layout, offset);
        if (c.wants(1)) out[1] = part;
        if (c.wants(0)) out[0] = as_strided_scatter(whole, zeros(part.dtype(), c.input_shape(1)), layout, offset);
    }
};

// ---- shape ----

struct Expand {
    static constexpr const char* name = "ExpandBackward0";
    static constexpr bool view = true;
    Dims shape;
    Tensor forward(const Tensors& x) {
        return x[0].alias(Layout::strided(shape, broadcast_strides(x[0].layout(), shape)), x[0]->offset);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) { out[0] = sum_to(g[0], c.input_layout(0)); }
    Tensors pushforward(Context&, const Tensors& t) { return {expand(t[0], shape)}; }
};

struct View {
    static constexpr const char* name = "ViewBackward0";
    static constexpr bool view = true;
    Ref<Layout> layout;
    Tensor forward(const Tensors& x) { return x[0].alias(layout, x[0]->offset); }
    void pullback(Context& c, const Tensors& g, Tensors& out) { out[0] = reshape(g[0], c.input_shape(0)); }
    Tensors pushforward(Context&, const Tensors& t) { return {reshape(t[0], layout->dims())}; }
};

struct Permute {
    const char* node;
    Dims order;
    static constexpr bool view = true;
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) {
        Dims shape, strides;
        for (int64_t d : order) {
            shape.push_back(x[0].size(d));
            strides.push_back(x[0].layout().stride(d));
        }
        return x[0].alias(Layout::strided(shape, strides), x[0]->offset);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Dims back(order.size(), 0);
        for (size_t i = 0; i < order.size(); ++i) back[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
        out[0] = apply(Permute{node, back}, {g[0]});
    }
    Tensors pushforward(Context&, const Tensors& t) { return {apply(*this, {t[0]})}; }
};

struct Squeeze {
    const char* node;
    Dims dims;  // sorted, all of size one
    static constexpr bool view = true;
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) {
        Dims shape, strides;
        for (int64_t d = 0; d < x[0].ndim(); ++d) {
            if (std::find(dims.begin(), dims.end(), d) != dims.end()) continue;
            shape.push_back(x[0].size(d));
            strides.push_back(x[0].layout().stride(d));
        }
        return x[0].alias(Layout::strided(shape, strides), x[0]->offset);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) { out[0] = reshape(g[0], c.input_shape(0)); }
    Tensors pushforward(Context&, const Tensors& t) { return {apply(*this, {t[0]})}; }
};

struct Unsqueeze {
    static constexpr const char* name = "UnsqueezeBackward0";
    static constexpr bool view = true;
    int64_t dim;
    Tensor forward(const Tensors& x) {
        Dims shape = x[0].shape(), strides = x[0].strides();
        auto d = static_cast<size_t>(dim);
        strides.insert(d, d < shape.size() ? shape[d] * strides[d] : 1);
        shape.insert(d, 1);
        return x[0].alias(Layout::strided(shape, strides), x[0]->offset);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) { out[0] = squeeze(g[0], Dims{dim}); }
    Tensors pushforward(Context&, const Tensors& t) { return {unsqueeze(t[0], dim)}; }
};

// ---- parts ----

// A part of one dimension, put into zeros: the adjoint of select and slice.
struct Place {
    const char* node;
    Ref<Layout> whole;
    int64_t dim, start, stop, step;
    bool selected;  // the dimension is missing in the input
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) {
        Tensor out = zeros(x[0].dtype(), whole->dims());
        Tensor part = selected ? select(out, dim, start) : slice(out, dim, start, stop, step);
        copy_array(x[0].array(), part.array());
        return out;
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        out[0] = selected ? select(g[0], dim, start) : slice(g[0], dim, start, stop, step);
    }
    Tensors pushforward(Context&, const Tensors& t) { return {apply(*this, {t[0]})}; }
};

struct Select {
    static constexpr const char* name = "SelectBackward0";
    static constexpr bool view = true;
    int64_t dim, index;
    Tensor forward(const Tensors& x) {
        Dims shape = x[0].shape(), strides = x[0].strides();
        int64_t offset = x[0]->offset + index * strides[static_cast<size_t>(dim)];
        shape.erase(static_cast<size_t>(dim));
        strides.erase(static_cast<size_t>(dim));
        return x[0].alias(Layout::strided(shape, strides), offset);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Ref<Layout> whole(const_cast<Layout*>(&c.input_layout(0)));
        out[0] = apply(Place{"SelectBackwardBackward0", whole, dim, index, index + 1, 1, true}, {g[0]});
    }
    Tensors pushforward(Context&, const Tensors& t) { return {select(t[0], dim, index)}; }
};

struct Slice {
    static constexpr const char* name = "SliceBackward0";
    static constexpr bool view = true;
    int64_t dim, start, stop, step;
    Tensor forward(const Tensors& x) {
        Dims shape = x[0].shape(), strides = x[0].strides();
        auto d = static_cast<size_t>(dim);
        int64_t offset = x[0]->offset + start * strides[d];
        shape[d] = stop > start ? (stop - start + step - 1) / step : 0;
        strides[d] *= step;
        return x[0].alias(Layout::strided(shape, strides), offset);
    }
    void pullback(Context& c, const Tensors& g, Tensors& out) {
        Ref<Layout> whole(const_cast<Layout*>(&c.input_layout(0)));
        out[0] = apply(Place{"SliceBackwardBackward0", whole, dim, start, stop, step, false}, {g[0]});
    }
    Tensors pushforward(Context&, const Tensors& t) { return {slice(t[0], dim, start, stop, step)}; }
};

// The strides with which `shape` views memory laid out as `l`, if there are any.
bool view_strides(const Layout& l, const Dims& shape, Dims* strides) {
    *strides = Dims(shape.size(), 0);
    if (l.numel() == 0) {
        int64_t s = 1;
        for (size_t i = shape.size(); i-- > 0;) {
            (*strides)[i] = s;
            s *= std::max<int64_t>(shape[i], 1);
        }
        return true;
    }
    // Runs of old dimensions that are contiguous among themselves are matched with runs of new ones.
    int64_t v = static_cast<int64_t>(shape.size()) - 1;
    int64_t run = 1, viewed = 1;
    int64_t base = l.ndim() ? l.stride(l.ndim() - 1) : 1;
    for (int64_t d = l.ndim() - 1; d >= 0; --d) {
        run *= l.size(d);
        bool breaks = d == 0 || (l.size(d - 1) != 1 && l.stride(d - 1) != run * base);
        if (!breaks) continue;
        while (v >= 0 && (viewed < run || shape[static_cast<size_t>(v)] == 1)) {
            (*strides)[static_cast<size_t>(v)] = viewed * base;
            viewed *= shape[static_cast<size_t>(v)];
            --v;
        }
        if (viewed != run) return false;
        if (d > 0) {
            base = l.stride(d - 1);
            run = viewed = 1;
        }
    }
    for (; v >= 0; --v) {
        if (shape[static_cast<size_t>(v)] != 1) return false;
        (*strides)[static_cast<size_t>(v)] = viewed * base;
    }
    return true;
}

// Replaces a -1 in `shape`.
Dims infer_shape(const Tensor& x, const Dims& given) {
    Dims shape = given;
    int64_t known = 1, hole = -1;
    for (size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == -1) {
            if (hole >= 0) fail("only one dimension can be inferred");
            hole = static_cast<int64_t>(i);
        } else if (shape[i] < 0) {
            fail("invalid shape dimension %lld at index %zu of shape %s", static_cast<long long>(shape[i]), i, shape_text(shape).c_str());
        } else if (__builtin_mul_overflow(known, shape[i], &known)) {
            fail("Storage size calculation overflowed with sizes=%s", shape_text(shape).c_str());
        }
    }
    bool fits = hole < 0 ? known == x.numel() : known != 0 && x.numel() % known == 0;
    if (hole >= 0 && known == 0 && x.numel() == 0)
        fail("cannot reshape tensor of 0 elements into shape %s because the unspecified dimension size -1 can be any value and is "
             "ambiguous", shape_text(shape).c_str());
    if (!fits)
        fail("shape '%s' is invalid for input of size %lld", shape_text(shape).c_str(), static_cast<long long>(x.numel()));
    if (hole >= 0) shape[static_cast<size_t>(hole)] = x.numel() / known;
    return shape;
}

}  // namespace

Tensor as_strided(const Tensor& x, const Ref<Layout>& layout, int64_t offset) {
    return apply(AsStrided{layout, offset}, {x});
}

Node* as_strided_node(const Tensor& base, const Ref<Layout>& layout, int64_t offset) {
    AsStrided rule{layout, offset, base->offset};
    auto* node = Placed<RuleNode<AsStrided>>::make(1, rule);
    node->take_edge(0, gradient_edge(base));
    node->remember({base}, {});
    return node;
}

Tensor as_strided_scatter(const Tensor& x, const Tensor& part, const Ref<Layout>& layout, int64_t offset) {
    Tensor dense = x->offset == 0 && x.layout().is_dense() ? x : as_layout(x, x.layout_ref());
    return apply(AsStridedScatter{layout, offset - (dense.is(x) ? 0 : x->offset)}, {dense, part});
}

Tensor expand(const Tensor& x, const Dims& shape) {
    int64_t lead = static_cast<int64_t>(shape.size()) - x.ndim();
    if (lead < 0)
        fail("expand: the number of sizes provided (%zu) must be greater or equal to the number of dimensions in the tensor (%lld)",
             shape.size(), static_cast<long long>(x.ndim()));
    Dims full = shape;
    for (size_t i = 0; i < full.size(); ++i) {
        int64_t d = static_cast<int64_t>(i) - lead;
        if (full[i] == -1) {
            if (d < 0)
                fail("The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension %zu", i);
            full[i] = x.size(d);
        } else if (d >= 0 && x.size(d) != 1 && x.size(d) != full[i]) {
            fail("The expanded size of the tensor (%lld) must match the existing size (%lld) at non-singleton dimension %zu.  Target "
                 "sizes: %s.  Tensor sizes: %s", static_cast<long long>(full[i]), static_cast<long long>(x.size(d)), i,
                 shape_text(shape).c_str(), shape_text(x.layout()).c_str());
        } else if (full[i] < 0) {
            fail("The expanded size of the tensor (%lld) isn't allowed: a size is at least 0", static_cast<long long>(full[i]));
        }
    }
    return apply(Expand{full}, {x});
}

Tensor view(const Tensor& x, const Dims& given) {
    Dims shape = infer_shape(x, given), strides;
    if (!view_strides(x.layout(), shape, &strides))
        fail("view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous "
             "subspaces). Use .reshape(...) instead.");
    return apply(View{Layout::strided(shape, strides)}, {x});
}

Tensor reshape(const Tensor& x, const Dims& given) {
    Dims shape = infer_shape(x, given), strides;
    if (view_strides(x.layout(), shape, &strides)) return apply(View{Layout::strided(shape, strides)}, {x});
    return apply(View{Layout::contiguous(shape)}, {contiguous(x)});
}

Tensor permute(const Tensor& x, const Dims& order) {
    if (static_cast<int64_t>(order.size()) != x.ndim())
        fail("permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of "
             "dimensions i.e. input.dim() = %lld is not equal to len(dims) = %zu", static_cast<long long>(x.ndim()), order.size());
    Dims wrapped;
    for (int64_t d : order) {
        d = wrap_dim(d, x.ndim());
        if (std::find(wrapped.begin(), wrapped.end(), d) != wrapped.end()) fail("permute(): duplicate dims are not allowed.");
        wrapped.push_back(d);
    }
    return apply(Permute{"PermuteBackward0", wrapped}, {x});
}

Tensor transpose(const Tensor& x, int64_t a, int64_t b) {
    a = wrap_dim(a, x.ndim());
    b = wrap_dim(b, x.ndim());
    Dims order;
    for (int64_t d = 0; d < x.ndim(); ++d) order.push_back(d);
    if (x.ndim()) std::swap(order[static_cast<size_t>(a)], order[static_cast<size_t>(b)]);
    return apply(Permute{"TransposeBackward0", order}, {x});
}

Tensor squeeze(const Tensor& x, const Dims& dims) {
    Dims ones;
    for (int64_t d : dims) {
        d = wrap_dim(d, x.ndim());
        if (x.ndim() && x.size(d) == 1) ones.push_back(d);
    }
    return apply(Squeeze{"SqueezeBackward1", ones}, {x});
}

Tensor unsqueeze(const Tensor& x, int64_t dim) { return apply(Unsqueeze{wrap_dim(dim, x.ndim() + 1)}, {x}); }

Tensor select(const Tensor& x, int64_t dim, int64_t index) {
    if (x.ndim() == 0) fail_as(ErrorKind::Index, "select() cannot be applied to a 0-dim tensor.");
    dim = wrap_dim(dim, x.ndim());
    int64_t n = x.size(dim);
    if (index < -n || index >= n)
        fail_as(ErrorKind::Index, "index %lld is out of bounds for dimension %lld with size %lld", static_cast<long long>(index),
                static_cast<long long>(dim), static_cast<long long>(n));
    return apply(Select{dim, index < 0 ? index + n : index}, {x});
}

Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t stop, int64_t step) {
    if (x.ndim() == 0) fail("slice() cannot be applied to a 0-dim tensor.");
    if (step <= 0) fail_as(ErrorKind::Value, "step must be greater than zero");
    dim = wrap_dim(dim, x.ndim());
    int64_t n = x.size(dim);
    if (start < 0) start = std::max<int64_t>(start + n, 0);
    if (stop < 0) stop = std::max<int64_t>(stop + n, 0);
    start = std::min(start, n);
    stop = std::min(std::max(stop, start), n);
    return apply(Slice{dim, start, stop, step}, {x});
}

}  // namespace pb::ops
