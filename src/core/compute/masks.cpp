#include "compute/masks.h"

#include <vector>

#include "program/program.h"

namespace pb::compute {

namespace {

// As truth values, contiguous. A float is tested as itself: 0.5 is not zero.
Array truth_of(const Array& given) {
    Array a = contiguous_array(given);
    if (a.dtype == DType::Bool) return a;
    Array truth = Array::empty(DType::Bool, a.layout->dims());
    if (a.numel()) copy_array(a, truth);
    return truth;
}

int64_t count_true(const uint8_t* truth, int64_t n) {
    int64_t count = 0;
    for (int64_t i = 0; i < n; ++i) count += truth[i] != 0;
    return count;
}

// One store too many is avoided by stopping at the last element found.
void find_true(const uint8_t* truth, int64_t count, int64_t* to) {
    for (int64_t i = 0, found = 0; found < count; ++i) {
        to[found] = i;
        found += truth[i] != 0;
    }
}

}  // namespace

static const char* refusal(Asking who) {
    switch (who) {
        case Asking::Nonzero:
            return "We do not support batching operators that can output dynamic shape. Attempted to vmap "
                   "over "
                   "aten::nonzero.";
        case Asking::Index:
            return "We do not support batching operators that can support dynamic shape. Attempting to batch "
                   "over "
                   "indexing with a boolean mask.";
        case Asking::Select: break;
    }
    return "Attempted to vmap over `mask` in torch.masked_select(self, mask) We cannot support this because "
           "for each "
           "batch this would return a differently shaped Tensor.";
}

Array nonzero_numbers(const Array& given, int64_t lead, Asking who) {
    Array a = truth_of(given);
    const uint8_t* truth = a.as<uint8_t>();
    if (!lead) {
        const int64_t count = count_true(truth, a.numel());
        Array out = Array::empty(DType::Int64, Layout::contiguous(&count, 1));
        find_true(truth, count, out.as<int64_t>());
        return out;
    }
    const int64_t entries = checked_product(a.layout->shape(), a.layout->shape() + lead);
    const int64_t n = entries ? a.numel() / entries : 0, count = entries ? count_true(truth, n) : 0;
    Dims shape(a.layout->shape(), a.layout->shape() + lead);
    shape.push_back(count);
    Array out = Array::empty(DType::Int64, shape);
    for (int64_t e = 0; e < entries; ++e) {
        if (e && count_true(truth + e * n, n) != count)
            fail(
                "vmap: {} It is true another number of times in each entry: use where(mask, x, other), which "
                "keeps the shape.",
                refusal(who));
        find_true(truth + e * n, count, out.as<int64_t>() + e * count);
    }
    return out;
}

static void columns_of(const Array& x, int64_t lead, const int64_t* from, int64_t n, int64_t* to) {
    const int64_t dims = x.ndim() - lead;
    // The numbers increase: mostly the last position moves on and nothing has to be divided.
    Dims index(static_cast<size_t>(dims), 0);
    int64_t last = dims ? x.size(x.ndim() - 1) : 1, before = 0;
    for (int64_t i = 0; dims && i < n; before = from[i++]) {
        int64_t& inner = index.back();
        inner += from[i] - before;
        if (inner >= last) {
            int64_t rest = from[i];
            for (size_t d = index.size(); d-- > 0;) {
                const int64_t size = x.size(static_cast<int64_t>(d) + lead);
                index[d] = rest % size;
                rest /= size;
            }
        }
        for (int64_t d = 0; d < dims; ++d) to[d * n + i] = index[static_cast<size_t>(d)];
    }
}

Array nonzero(const Array& x, int64_t lead) {
    const Array numbers = nonzero_numbers(x, lead, Asking::Nonzero);
    const int64_t n = numbers.size(lead), dims = x.ndim() - lead;
    Dims shape(x.layout->shape(), x.layout->shape() + lead);
    const int64_t entries = checked_product(shape);
    shape.push_back(dims);
    shape.push_back(n);
    Array columns = Array::empty(DType::Int64, shape);
    for (int64_t e = 0; e < entries; ++e)
        columns_of(x, lead, numbers.as<int64_t>() + e * n, n, columns.as<int64_t>() + e * n * dims);
    Dims strides = columns.layout->stride_dims();
    std::swap(shape.end()[-1], shape.end()[-2]);
    strides.end()[-2] = 1;
    strides.end()[-1] = n;
    return columns.view(Layout::strided(shape, strides), 0);
}

}  // namespace pb::compute
