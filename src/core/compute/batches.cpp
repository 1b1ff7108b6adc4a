#include "compute/batches.h"

#include "array/checked.h"

namespace pb {

Batch::Batch(std::initializer_list<Operand> operands) {
    auto own = [](const Operand& o) { return static_cast<size_t>(o.array.ndim() - o.inside); };
    size_t nd = 0;
    for (const Operand& o : operands) nd = std::max(nd, own(o));
    shape = Dims(nd, 1);
    for (const Operand& o : operands)
        for (size_t d = 0, n = own(o); d < n; ++d) {
            int64_t& size = shape[nd - n + d];
            const int64_t own_size = o.array.size(static_cast<int64_t>(d));
            if (size == 1) size = own_size;
            else if (own_size != 1 && own_size != size)
                fail_broadcast(size, own_size, static_cast<int64_t>(nd - n + d),
                               "Batches broadcast: a dimension of size 1 stands for any.");
        }
    for (int64_t n : shape) count = checked_mul(count, n);
    Axes* place = places_;
    for (const Operand& o : operands) {
        const auto missing = static_cast<int64_t>(nd - own(o));
        for (int64_t d = 0; d < static_cast<int64_t>(nd); ++d) {
            const bool same = d < missing || o.array.size(d - missing) == 1;
            place->add(shape[static_cast<size_t>(d)], same ? 0 : o.array.stride(d - missing));
        }
        ++place;
    }
}

}  // namespace pb

namespace pb::compute {

namespace {

// Of a dimension, counted from the end.
int64_t size(const Array& a, int64_t d) { return a.size(a.ndim() + d); }
int64_t stride(const Array& a, int64_t d) { return a.stride(a.ndim() + d); }
bool has_batch(const Array& a) { return a.ndim() > 2; }

constexpr int64_t kBatch = -3;  // the last dimension of the batch

// Whether all entries of the last dimension of the batch are one, for as many entries as the other factor has.
bool is_same(const Array& a, const Array& other) {
    if (!has_batch(a) || size(a, kBatch) == 1) return true;
    return stride(a, kBatch) == 0 && has_batch(other) && size(a, kBatch) == size(other, kBatch);
}

// Whether that dimension goes on where dimension `d` ends.
bool goes_on(const Array& a, int64_t d) {
    return has_batch(a) && (size(a, d) == 1 || stride(a, kBatch) == size(a, d) * stride(a, d));
}

Array without_batch(const Array& a) {
    if (!has_batch(a)) return a;
    Dims shape = a.layout->dims(), strides = a.layout->stride_dims();
    shape.erase(shape.size() - 3);
    strides.erase(strides.size() - 3);
    return a.view(Layout::strided(shape, strides), a.offset);
}

// With that dimension as a part of dimension `d`.
Array merged(const Array& a, int64_t d) {
    const int64_t n = size(a, kBatch), step = size(a, d) == 1 ? stride(a, kBatch) : stride(a, d);
    Array one = without_batch(a);
    Dims shape = one.layout->dims(), strides = one.layout->stride_dims();
    shape.end()[d] *= n;
    strides.end()[d] = step;
    return one.view(Layout::strided(shape, strides), one.offset);
}

// A vector in each entry, as the rows of a matrix.
Array vectors_as_rows(const Array& b, bool transposed) {
    Dims shape = b.layout->dims(), strides = b.layout->stride_dims();
    const size_t one = shape.size() - (transposed ? 2 : 1);
    shape.erase(one);
    strides.erase(one);
    return b.view(Layout::strided(shape, strides), b.offset);
}

}  // namespace

void merge_batches(Array& a, Array& b, bool& ta, bool& tb, int64_t& summed) {
    while (has_batch(a) || has_batch(b)) {
        const int64_t rows = ta ? -1 : -2, inner_a = ta ? -2 : -1, inner_b = tb ? -1 : -2,
                      columns = tb ? -2 : -1;
        if (summed) {
            if (!goes_on(a, inner_a) || !goes_on(b, inner_b) || size(a, kBatch) != size(b, kBatch)) return;
            a = merged(a, inner_a);
            b = merged(b, inner_b);
            --summed;
        } else if (is_same(b, a) && goes_on(a, rows)) {
            a = merged(a, rows);
            b = without_batch(b);
        } else if (is_same(a, b) && has_batch(b) && size(b, columns) == 1) {
            const Array matrix = without_batch(a);
            a = vectors_as_rows(b, tb);
            b = matrix;
            tb = !ta;
            ta = false;
        } else {
            return;
        }
    }
}

}  // namespace pb::compute
