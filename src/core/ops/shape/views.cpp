// Views: another shape over the same cell. Each is linear, so that its pushforward is itself and its pullback
// puts the cotangent back into the input's shape. The in-place forms, at the end, change a tensor's own geometry.
// Views of parts are in parts.cpp, the general one in strided.cpp.
#include <algorithm>
#include <string_view>

#include "ops/operators.h"
#include "tape/hooks.h"
#include "tensor/captured.h"

namespace pb::ops {

namespace {

struct Expand {
    static constexpr const char* name = "ExpandBackward0";
    static constexpr bool view = true, holomorphic = true;
    Ref<Layout> layout;
    Tensor forward(const Tensors& x) { return x[0].alias(layout, x[0]->offset); }
    void pullback(Context& c, const Tensors& g, Tensors& out) { out[0] = sum_to(g[0], c.input_layout(0)); }
    Tensors pushforward(Context&, const Tensors& t) { return {expand(t[0], layout->dims())}; }
};

struct View {
    static constexpr const char* name = "ViewBackward0";
    static constexpr bool view = true, holomorphic = true;
    Ref<Layout> layout;
    Tensor forward(const Tensors& x) { return x[0].alias(layout, x[0]->offset); }
    void pullback(Context& c, const Tensors& g, Tensors& out) { out[0] = reshape(g[0], c.input_shape(0)); }
    Tensors pushforward(Context&, const Tensors& t) { return {reshape(t[0], layout->dims())}; }
};

// Of a copy that nobody else sees: not a view for the purposes of in-place writing.
struct UnsafeView : View {
    static constexpr bool noted = true;
    static constexpr const char* name = "UnsafeViewBackward0";
    static constexpr bool view = false, sees_axes = true, moves = true;
};

struct Alias {
    static constexpr const char* name = "AliasBackward0";
    static constexpr bool view = true, linear = true;
    Tensor forward(const Tensors& x) { return x[0].alias(); }
    void pullback(Context&, const Tensors& g, Tensors& out) { out[0] = g[0]; }
};

struct Permute {
    const char* node;
    Dims order;
    static constexpr bool view = true, linear = true;
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) {
        Dims shape, strides;
        for (int64_t d : order) {
            shape.push_back(x[0].size(d));
            strides.push_back(x[0].layout().stride(d));
        }
        return x[0].alias(Layout::strided(shape, strides), x[0]->offset);
    }
    void pullback(Context&, const Tensors& g, Tensors& out) {
        Dims back(order.size(), 0);
        for (size_t i = 0; i < order.size(); ++i)
            back[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
        out[0] = apply(Permute{"PermuteBackward0", back}, {g[0]});
    }
};

struct Squeeze {
    const char* node;
    Dims dims;  // all of size one
    static constexpr bool view = true, linear = true;
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
};

// The stride of a new dimension in front of one of this size and stride. Tensors without elements may have strides
// that are too large for a product.
int64_t stride_before(int64_t size, int64_t stride) {
    return static_cast<int64_t>(static_cast<uint64_t>(size) * static_cast<uint64_t>(stride));
}

struct Unsqueeze {
    const char* node;
    int64_t dim;
    static constexpr bool view = true, linear = true;
    const char* node_name() const { return node; }
    Tensor forward(const Tensors& x) {
        Dims shape = x[0].shape(), strides = x[0].strides();
        auto d = static_cast<size_t>(dim);
        strides.insert(d, d < shape.size() ? stride_before(shape[d], strides[d]) : 1);
        shape.insert(d, 1);
        return x[0].alias(Layout::strided(shape, strides), x[0]->offset);
    }
    void pullback(Context&, const Tensors& g, Tensors& out) { out[0] = squeeze(g[0], dim); }
};

// Replaces a -1 in `shape`.
Dims infer_shape(const Tensor& x, const Dims& given) {
    Dims shape = given;
    int64_t known = 1, hole = -1;
    bool overflow = false;
    for (size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] == -1) {
            if (hole >= 0) fail("only one dimension can be inferred");
            hole = static_cast<int64_t>(i);
        } else if (shape[i] < 0) {
            fail("invalid shape dimension {} at index {} of shape {}", shape[i], i, shape_text(shape));
        } else {
            overflow = overflow || mul_overflows(known, shape[i], &known);
        }
    }
    bool fits = overflow ? false : hole < 0 ? known == x.numel() : known != 0 && x.numel() % known == 0;
    if (hole >= 0 && known == 0 && x.numel() == 0)
        fail(
            "cannot reshape tensor of 0 elements into shape {} because the unspecified dimension size -1 can "
            "be any value and is ambiguous",
            shape_text(shape));
    if (!fits) fail("shape '{}' is invalid for input of size {}", shape_text(shape), x.numel());
    if (hole >= 0) shape[static_cast<size_t>(hole)] = x.numel() / known;
    return shape;
}

Permute transposition(const char* node, const Tensor& x, int64_t a, int64_t b) {
    a = wrap_dim(a, x.ndim());
    b = wrap_dim(b, x.ndim());
    Dims order;
    for (int64_t d = 0; d < x.ndim(); ++d) order.push_back(d);
    if (x.ndim()) std::swap(order[static_cast<size_t>(a)], order[static_cast<size_t>(b)]);
    return Permute{node, order};
}

Permute matrix_transposition(const char* node, const Tensor& x) {
    if (x.ndim() > 2)
        fail(
            "{}() expects a tensor with <= 2 dimensions, but self is {}D. Use .mT to transpose the last two "
            "dimensions, or .transpose(dim0, dim1).",
            std::string_view(node) == "TBackward1" ? "t_" : "t", x.ndim());
    return transposition(node, x, 0, x.ndim() < 2 ? 0 : 1);
}

Dims ones_of(const Tensor& x) {
    Dims ones;
    for (int64_t d = 0; d < x.ndim(); ++d)
        if (x.size(d) == 1) ones.push_back(d);
    return ones;
}
Dims ones_among(const Tensor& x, const Dims& dims) {
    Dims ones, seen;
    for (int64_t d : dims) {
        d = wrap_dim(d, x.ndim());
        if (std::find(seen.begin(), seen.end(), d) != seen.end())
            fail("dim {} appears multiple times in the list of dims", d);
        seen.push_back(d);
        if (x.ndim() && x.size(d) == 1) ones.push_back(d);
    }
    return ones;
}

// The in-place form of a view: `x` itself gets the geometry that the rule makes of it. It counts as a write, so that
// other views look at their history again, though no element changes.
template <class R> const Tensor& regeometry(R rule, const Tensor& x, const char* operation) {
    check_captured(x, operation);
    bool record = should_record(x) && is_differentiable(x.dtype());
    if (record || x->flags & kInference) check_inplace(x);
    Tensors shaped;
    {
        GradMode off(false);
        shaped.push_back(rule.forward({x}));
    }
    auto node = Ref<Node>::steal(record ? record_rule(rule, {x}, shaped) : nullptr);
    // Tangents of all levels follow; each is an ordinary tensor.
    change_tangents(x, [&](const Tensor& t) { return rule_tangents(rule, {x}, shaped, {t})[0]; });
    std::swap(x->layout, shaped[0]->layout);
    x->offset = shaped[0]->offset;
    note_write(x, operation);
    if (node) {
        Ref<Node> before(x->grad_fn);
        uint32_t nr = x->output_nr;
        set_history(x, node.get(), 0);
        if (before && x->flags & kRetainsGrad) move_retained(x, before.get(), nr);
        if (x->flags & kIsView) x->extra->view->version = x->cell->version;
    }
    return x;
}

}  // namespace

Tensor expand(const Tensor& x, const Dims& shape) {
    int64_t lead = static_cast<int64_t>(shape.size()) - x.ndim();
    if (lead < 0)
        fail(
            "expand(torch.{}Tensor{{{}}}, size={}): the number of sizes provided ({}) must be greater or "
            "equal to the number of dimensions in the tensor ({})",
            dtype_legacy_name(x.dtype()), shape_text(x.layout()), shape_text(shape), shape.size(), x.ndim());
    Dims full = shape, strides(shape.size(), 0);
    for (size_t i = full.size(); i-- > 0;) {
        int64_t d = static_cast<int64_t>(i) - lead, size = d >= 0 ? x.size(d) : 1;
        if (d >= 0) strides[i] = x.layout().stride(d);
        else strides[i] = i + 1 < full.size() ? stride_before(full[i + 1], strides[i + 1]) : 1;
        if (full[i] == -1) {
            if (d < 0)
                fail(
                    "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension "
                    "{}",
                    i);
            full[i] = size;
        }
        if (full[i] == size) continue;
        if (size != 1)
            fail(
                "The expanded size of the tensor ({}) must match the existing size ({}) at non-singleton "
                "dimension {}.  Target sizes: {}.  Tensor sizes: {}",
                full[i], size, i, shape_text(shape), shape_text(x.layout()));
        strides[i] = 0;
    }
    return apply(Expand{Layout::strided(full, strides)}, {x});
}

Tensor view(const Tensor& x, const Dims& given) {
    Ref<Layout> layout = x.layout().viewed(infer_shape(x, given));
    if (!layout)
        fail(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans "
            "across two contiguous subspaces). Use .reshape(...) instead.");
    return apply(View{std::move(layout)}, {x});
}

Tensor reshape(const Tensor& x, const Dims& given) {
    Dims shape = infer_shape(x, given);
    if (Ref<Layout> layout = x.layout().viewed(shape)) return apply(View{std::move(layout)}, {x});
    return apply(UnsafeView{{Layout::contiguous(shape)}}, {contiguous(x)});
}

Tensor flatten(const Tensor& x, int64_t start, int64_t end) {
    start = wrap_dim(start, x.ndim());
    end = wrap_dim(end, x.ndim());
    if (start > end) fail("flatten() has invalid args: start_dim cannot come after end_dim");
    if (x.ndim() == 0) return reshape(x, Dims{1});
    if (start == end) return x;
    Dims shape;
    int64_t run = 1;
    for (int64_t d = 0; d < x.ndim(); ++d) {
        if (d < start || d > end) {
            shape.push_back(x.size(d));
        } else {
            run = checked_mul(run, x.size(d));
            if (d == end) shape.push_back(run);
        }
    }
    return reshape(x, shape);
}

Tensor unflatten(const Tensor& x, int64_t dim, const Dims& sizes) {
    dim = wrap_dim(dim, x.ndim());
    if (sizes.empty()) fail("unflatten: sizes must be non-empty");
    if (x.ndim() == 0)
        fail(
            "unflatten got an unexpected error:\nDimension specified as {} but tensor has no dimensions. "
            "reshape() gives a tensor of one element any number of dimensions.",
            dim);
    int64_t known = 1, hole = -1, n = x.size(dim);
    bool overflow = false;
    for (size_t i = 0; i < sizes.size(); ++i) {
        if (sizes[i] == -1 && hole < 0) hole = static_cast<int64_t>(i);
        else if (sizes[i] < 0)
            fail(
                "unflatten got an unexpected error: only one dimension can be inferred, and sizes are not "
                "negative; got {}",
                shape_text(sizes));
        else overflow = overflow || mul_overflows(known, sizes[i], &known);
    }
    if (overflow || (hole < 0 ? known != n : known == 0 || n % known != 0))
        fail("unflatten: Provided sizes {} don't multiply up to the size of dim {} ({}) in the input tensor",
             shape_text(sizes), dim, n);
    Dims shape;
    for (int64_t d = 0; d < x.ndim(); ++d) {
        if (d != dim) {
            shape.push_back(x.size(d));
            continue;
        }
        for (size_t i = 0; i < sizes.size(); ++i)
            shape.push_back(static_cast<int64_t>(i) == hole ? n / known : sizes[i]);
    }
    return view(x, shape);
}

Tensor atleast(const Tensor& x, int64_t ndim) {
    if (x.ndim() >= ndim) return x;
    if (x.ndim() == 0) return reshape(x, Dims(static_cast<size_t>(ndim), 1));
    Tensor y = x.ndim() == 1 ? unsqueeze(x, 0) : x;
    return ndim == 3 ? unsqueeze(y, 2) : y;
}

Tensors broadcast(const Tensors& xs) {
    Tensors out(xs);
    if (xs.empty()) return out;
    Ref<Layout> shape = xs[0].layout_ref();
    for (const Tensor& x : xs)
        if (!x.layout().same_shape(*shape)) shape = Layout::contiguous(broadcast_shapes(*shape, x.layout()));
    for (size_t i = 0; i < xs.size(); ++i)
        if (!xs[i].layout().same_shape(*shape)) out[i] = expand(xs[i], shape->dims());
    return out;
}

Tensor permute(const Tensor& x, const Dims& order) {
    if (static_cast<int64_t>(order.size()) != x.ndim())
        fail(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the "
            "desired ordering of dimensions i.e. input.dim() = {} is not equal to len(dims) = {}",
            x.ndim(), order.size());
    Dims wrapped;
    for (int64_t d : order) {
        d = wrap_dim(d, x.ndim());
        if (std::find(wrapped.begin(), wrapped.end(), d) != wrapped.end())
            fail("permute(): duplicate dims are not allowed.");
        wrapped.push_back(d);
    }
    return apply(Permute{"PermuteBackward0", wrapped}, {x});
}

Tensor transpose(const Tensor& x, int64_t a, int64_t b) {
    return apply(transposition("TransposeBackward0", x, a, b), {x});
}
Tensor t(const Tensor& x) { return apply(matrix_transposition("TBackward0", x), {x}); }

Tensor movedim(const Tensor& x, const Dims& source, const Dims& destination) {
    if (source.size() != destination.size())
        fail(
            "movedim: Invalid source or destination dims: source ({} dims) should contain the same number of "
            "dims as destination ({} dims)",
            shape_text(source), shape_text(destination));
    auto n = static_cast<size_t>(x.ndim());
    Dims from, to, order(n, -1), rest;
    for (int64_t d : source) from.push_back(wrap_dim(d, x.ndim()));
    for (int64_t d : destination) to.push_back(wrap_dim(d, x.ndim()));
    auto repeated = [](const Dims& dims) {
        for (size_t i = 0; i < dims.size(); ++i)
            for (size_t j = 0; j < i; ++j)
                if (dims[i] == dims[j]) return true;
        return false;
    };
    if (repeated(from)) fail("movedim: repeated dim in `source` ({})", shape_text(source));
    if (repeated(to)) fail("movedim: repeated dim in `destination` ({})", shape_text(destination));
    if (n == 0) return alias(x);
    for (size_t i = 0; i < from.size(); ++i) order[static_cast<size_t>(to[i])] = from[i];
    for (int64_t d = 0, at = 0; d < x.ndim(); ++d) {
        if (std::find(from.begin(), from.end(), d) != from.end()) continue;
        while (order[static_cast<size_t>(at)] >= 0) ++at;
        order[static_cast<size_t>(at)] = d;
    }
    return apply(Permute{"PermuteBackward0", order}, {x});
}

Tensor squeeze(const Tensor& x) { return apply(Squeeze{"SqueezeBackward0", ones_of(x)}, {x}); }
Tensor squeeze(const Tensor& x, int64_t dim) {
    return apply(Squeeze{"SqueezeBackward1", ones_among(x, Dims{dim})}, {x});
}
Tensor squeeze(const Tensor& x, const Dims& dims) {
    return apply(Squeeze{"SqueezeBackward2", ones_among(x, dims)}, {x});
}
Tensor unsqueeze(const Tensor& x, int64_t dim) {
    return apply(Unsqueeze{"UnsqueezeBackward0", wrap_dim(dim, x.ndim() + 1)}, {x});
}
Tensor alias(const Tensor& x) { return apply(Alias{}, {x}); }

Tensor view_dtype(const Tensor& x, DType dtype) {
    Tensor y = x.alias();
    y->flags |= x->flags & kInference;
    if (!is_supported(dtype)) fail_unsupported("view", dtype);
    auto from = static_cast<int64_t>(item_size(x.dtype())), to = static_cast<int64_t>(item_size(dtype));
    if (from != to) {
        const char *a = dtype_legacy_name(x.dtype()), *b = dtype_legacy_name(dtype);
        if (x.ndim() == 0) fail("self.dim() cannot be 0 to view {} as {} (different element sizes)", a, b);
        auto last = static_cast<size_t>(x.ndim() - 1);
        Dims shape = x.shape(), strides = x.strides();
        int64_t ratio = from > to ? from / to : to / from;
        auto scaled = [&](int64_t v, const char* what) {
            if (from > to) return v * ratio;
            if (v % ratio)
                fail("{} must be divisible by {} to view {} as {} (different element sizes), but got {}",
                     what, ratio, a, b, v);
            return v / ratio;
        };
        MappedAxes axes = x.layout().axes();
        for (MappedAxis& a : axes) a.stride = scaled(a.stride, "a stride of the vmap");
        shape[last] = scaled(shape[last], "self.size(-1)");
        y->offset = scaled(y->offset, "self.storage_offset()");
        if (strides[last] != 1)
            fail("self.stride(-1) must be 1 to view {} as {} (different element sizes), but got {}", a, b,
                 strides[last]);
        for (size_t d = 0; d < last; ++d) strides[d] = scaled(strides[d], "self.stride(d)");
        set_layout(y, Layout::mapped(*Layout::strided(shape, strides), axes));
    }
    y->dtype = dtype;
    return y;
}

const Tensor& squeeze_(const Tensor& x) {
    return regeometry(Squeeze{"SqueezeBackward3", ones_of(x)}, x, "squeeze_");
}
const Tensor& squeeze_(const Tensor& x, int64_t dim) {
    return regeometry(Squeeze{"SqueezeBackward4", ones_among(x, Dims{dim})}, x, "squeeze_");
}
const Tensor& squeeze_(const Tensor& x, const Dims& dims) {
    return regeometry(Squeeze{"SqueezeBackward5", ones_among(x, dims)}, x, "squeeze_");
}
const Tensor& unsqueeze_(const Tensor& x, int64_t dim) {
    return regeometry(Unsqueeze{"UnsqueezeBackward1", wrap_dim(dim, x.ndim() + 1)}, x, "unsqueeze_");
}
const Tensor& transpose_(const Tensor& x, int64_t a, int64_t b, const char* operation) {
    return regeometry(transposition("TransposeBackward1", x, a, b), x, operation);
}
const Tensor& t_(const Tensor& x) { return regeometry(matrix_transposition("TBackward1", x), x, "t_"); }

}  // namespace pb::ops
