// Searching and counting: unique, searchsorted, bucketize, bincount, histc. Nothing here has a derivative.
#include "compute/bins.h"

#include <algorithm>

#include "compute/lines.h"
#include "ops/reduce/reduction.h"

namespace pb::ops {

namespace {

// How many there are is known from the values only: no entry is computed beside another.
struct Unique {
    const char* node;
    const char* called;  // by PyTorch, of whose derivative there is none
    int64_t dim;         // 0: of elements
    bool consecutive;
    const char* node_name() const { return node; }
    Tensors forward(const Tensors& x) {
        Distinct found = distinct(x[0].array(), dim, consecutive);
        return {Tensor::make(found.values), Tensor::make(found.inverse), Tensor::make(found.counts)};
    }
    // Recorded, so that a gradient does not end here unnoticed.
    void pullback(Context&, const Tensors&, Tensors&) {
        fail_as(ErrorKind::NotImplemented,
                "the derivative for '{}' is not implemented. x.detach() says that none is wanted; sort() has "
                "one.",
                called);
    }
};

// Of a sequence, values, and the sequence's order if there is one.
struct SearchSorted {
    static constexpr bool leads = true;
    bool right, int32;
    Tensor forward(const Tensors& x) {
        const DType d = promote(x[0].dtype(), x[1].dtype());
        Array sequence = converted(x[0].array(), d);
        if (x[2]) sequence = in_order_of(sequence, x[2].array());
        Array places = places_in(sequence, converted(x[1].array(), d), right);
        return Tensor::make(int32 ? converted(places, DType::Int32) : places);
    }
};

struct IsIn {
    bool invert;
    int64_t front = 0;
    void lead(const MappedAxes& axes) { front = static_cast<int64_t>(axes.size()); }
    Tensor forward(const Tensors& x) {
        const DType d = promote(x[0].dtype(), x[1].dtype());
        return Tensor::make(contained(converted(x[0].array(), d), converted(x[1].array(), d), invert, front));
    }
};

struct BinCount {
    static constexpr bool leads = true;
    int64_t minlength;
    int64_t rank;
    Tensor forward(const Tensors& x) {
        return Tensor::make(counts_of(x[0].array(), x[1] ? x[1].array() : Array(), minlength, rank));
    }
};

struct Histogram {
    static constexpr bool leads = true;
    int64_t rank, bins;
    double low, high;
    Tensor forward(const Tensors& x) { return Tensor::make(histogram(x[0].array(), rank, bins, low, high)); }
};

Tensor as_tensor_of(const Operand& o) {
    return o.tensor ? *o.tensor : scalar_tensor(o.scalar, result_type(&o, 1));
}

}  // namespace

Tensors unique(const Tensor& x, MaybeDim given, bool consecutive) {
    if (!is_supported(x.dtype())) fail_unsupported("unique", x.dtype());
    if (!given) {
        if (consecutive)
            return apply_all(Unique{"UniqueConsecutiveBackward0", "unique_consecutive", 0, true}, {x});
        return apply_all(Unique{"Unique2Backward0", "_unique2", 0, false}, {x});
    }
    if (x.ndim() == 0)
        fail_as(ErrorKind::Index, "Dimension specified as {} but tensor has no dimensions", *given);
    const int64_t dim = from_end(*given, x.ndim());
    const Dims shape = x.shape();
    if (const auto empty = std::count(shape.begin(), shape.end(), 0)) {
        if (line_length(x.layout(), dim) != 0)
            fail("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied");
        if (empty > 1) fail("Number of zero sized dimensions is more than one, so unique cannot be applied ");
    }
    if (consecutive)
        return apply_all(Unique{"UniqueDimConsecutiveBackward0", "unique_dim_consecutive", dim, true}, {x});
    return apply_all(Unique{"UniqueDimBackward0", "unique_dim", dim, false}, {x});
}

Tensor searchsorted(const Tensor& sequence, const Operand& values, bool right, const MaybeTensor& sorter,
                    bool int32) {
    const Tensor v = as_tensor_of(values);
    if (sequence.ndim() == 0)
        fail("torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension");
    if (sequence.ndim() != 1) {
        bool fits = v.ndim() == sequence.ndim();
        for (int64_t d = 0; fits && d + 1 < v.ndim(); ++d) fits = v.size(d) == sequence.size(d);
        if (v.ndim() == 0)
            fail(
                "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is "
                "1, but we got boundaries tensor dim({}) and input value's dim(0) numel(1)",
                sequence.ndim());
        if (!fits)
            fail(
                "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions "
                "of boundaries tensor and input value tensor must match, but we got boundaries tensor {} and "
                "input value tensor {}",
                shape_text(sequence.layout()), shape_text(v.layout()));
    }
    if (sorter && !sorter.layout().same_shape(sequence.layout()))
        fail(
            "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor {} "
            "and got sorter tensor {}",
            shape_text(sequence.layout()), shape_text(sorter.layout()));
    if (sorter && sorter.dtype() != DType::Int64)
        fail("torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {}",
             dtype_legacy_name(sorter.dtype()));
    return apply(SearchSorted{right, int32}, {sequence, v, sorter});
}

// Sorting what is searched is cheap beside the searches, whether or not it is unique.
Tensor isin(const Operand& elements, const Operand& test_elements, bool, bool invert) {
    if (!elements.tensor && !test_elements.tensor)
        fail_as(ErrorKind::Type,
                "isin() received an invalid combination of arguments - got two numbers: one has to be a "
                "tensor.");
    if (elements.tensor && !test_elements.tensor && is_bare(elements.tensor->dtype()))
        return elementwise(invert ? *rows.ne : *rows.eq, {elements, test_elements});
    const Tensor x = as_tensor_of(elements), among = as_tensor_of(test_elements);
    for (const Tensor* t : {&x, &among})
        if (t->dtype() == DType::Bool)
            fail("Unsupported input type encountered for isin(): Bool. Convert it first: x.int().");
    return apply(IsIn{invert}, {x, among});
}

Tensor bincount(const Tensor& x, const MaybeTensor& weights, int64_t minlength) {
    if (is_differentiable(x.dtype()) || x.dtype() == DType::Bool) fail_unsupported("bincount_cpu", x.dtype());
    if (minlength < 0) fail("minlength should be >= 0");
    // Weights of any other dtype are added in float64.
    const bool kept =
        !weights || (is_float(weights.dtype()) && computed_as(weights.dtype()) == weights.dtype());
    return apply(BinCount{minlength, x.ndim()},
                 {x, kept ? weights : MaybeTensor(to_dtype(weights, DType::Float64))});
}

Tensor histc(const Tensor& x, int64_t bins, double low, double high) {
    if (!is_float(x.dtype()) || !is_supported(x.dtype())) fail_unsupported("histogram_cpu", x.dtype());
    if (bins <= 0) fail("torch.histogram(): bins must be > 0, but got {} for dimension 0", bins);
    return apply(Histogram{x.ndim(), bins, low, high}, {x});
}

}  // namespace pb::ops
