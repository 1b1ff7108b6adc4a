#include "compute/rearrange.h"

#include <algorithm>
#include <cstring>

#include "array/order.h"
#include "array/visit.h"
#include "compute/axes.h"
#include "compute/create.h"
#include "compute/wrapping.h"
#include "kernels/reduce.h"
#include "program/program.h"

namespace pb::compute {

namespace {

// The input as outer x size x inner runs of bytes, for loops along one dimension.
struct Runs {
    int64_t outer, size, inner;
    Runs(const Layout& l, int64_t dim)
        : outer(checked_product(l.shape(), l.shape() + dim)),
          size(l.size(dim)),
          inner(checked_product(l.shape() + dim + 1, l.shape() + l.ndim())) {}
};

// Zeros what lies beyond the diagonal, in every matrix of a contiguous array.
void cut(const Array& a, int64_t diagonal, bool upper) {
    int64_t rows = a.size(a.ndim() - 2), columns = a.size(a.ndim() - 1);
    auto item = static_cast<int64_t>(a.item());
    if (a.numel() == 0) return;
    char* p = a.data();
    for (int64_t m = a.numel() / (rows * columns); m > 0; --m)
        for (int64_t r = 0; r < rows; ++r, p += columns * item) {
            int64_t at = triangle_edge(r, columns, diagonal, upper);
            if (upper) std::memset(p, 0, static_cast<size_t>(at * item));
            else std::memset(p + at * item, 0, static_cast<size_t>((columns - at) * item));
        }
}

}  // namespace

// ---- repetition ----

Array repeat(const Array& a, const Dims& repeats, int64_t lead) {
    // As an array of twice the dimensions, repetitions and sizes alternating.
    Dims pairs, strides, shape;
    auto add = [&](int64_t times, int64_t size, int64_t stride) {
        pairs.push_back(times);
        pairs.push_back(size);
        strides.push_back(0);
        strides.push_back(stride);
        shape.push_back(checked_mul(times, size));
    };
    for (int64_t d = 0; d < lead; ++d) add(1, a.size(d), a.stride(d));
    int64_t d = a.ndim() - static_cast<int64_t>(repeats.size());
    for (size_t i = 0; i < repeats.size(); ++i, ++d)
        if (d < lead) add(repeats[i], 1, 0);
        else add(repeats[i], a.size(d), a.stride(d));
    Array out = Array::empty(a.dtype, shape);
    Ref<Layout> whole = Layout::contiguous(pairs);
    if (out.numel()) copy_array(a.view(Layout::strided(pairs, strides), a.offset), out.view(whole, 0));
    return out;
}

Array interleave(const Array& a, const Array& counts, int64_t dim, int64_t total) {
    Array from = contiguous_array(a);
    Dims shape = from.layout->dims();
    shape[static_cast<size_t>(dim)] = total;
    Array to = Array::empty(from.dtype, shape);
    Runs r(*from.layout, dim);
    auto run = static_cast<size_t>(r.inner) * from.item();
    const char* p = from.data();
    char* o = to.data();
    const int64_t* n = counts.as<int64_t>();
    for (int64_t i = 0; i < r.outer; ++i)
        for (int64_t at = 0; at < r.size; ++at) {
            for (int64_t k = 0; k < n[at]; ++k, o += run) std::memcpy(o, p, run);
            p += run;
        }
    return to;
}

Array sum_runs(const Array& a, const Array& counts, int64_t dim) {
    Array from = contiguous_array(a);
    Dims shape = from.layout->dims();
    shape[static_cast<size_t>(dim)] = counts.numel();
    Array to = Array::empty(from.dtype, shape);
    fill_array(to, Scalar(0));
    Runs r(*from.layout, dim);
    const int64_t* counted = counts.as<int64_t>();
    visit<Family::Fields>(from.dtype, "index_add_", [&](auto zero) {
        using T = decltype(zero);
        const T* p = from.as<T>();
        T* o = to.as<T>();
        for (int64_t i = 0; i < r.outer; ++i)
            for (int64_t at = 0, n = counts.numel(); at < n; ++at) {
                for (int64_t k = 0; k < counted[at]; ++k)
                    for (int64_t j = 0; j < r.inner; ++j) o[j] += *p++;
                o += r.inner;
            }
    });
    return to;
}

int64_t total_of(const Array& counts) {
    int64_t total = 0;
    const int64_t* n = counts.as<int64_t>();
    for (int64_t i = 0; i < counts.numel(); ++i) {
        if (n[i] < 0) fail("repeats can not be negative");
        if (add_overflows(total, n[i], &total))
            fail("repeat_interleave: the output has more elements than can be counted");
    }
    return total;
}

void repeated_positions(const Array& counts, const Array& out) {
    int64_t* to = out.as<int64_t>();
    for (int64_t i = 0; i < counts.numel(); ++i)
        for (int64_t k = 0; k < counts.as<int64_t>()[i]; ++k) *to++ = i;
}

// ---- order ----

Array flip(const Array& a, const Dims& dims) {
    Dims strides = a.layout->stride_dims();
    int64_t offset = a.offset;
    for (int64_t d : dims) {
        offset += std::max<int64_t>(a.size(d) - 1, 0) * a.stride(d);
        strides[static_cast<size_t>(d)] = -a.stride(d);
    }
    Array out = Array::empty(a.dtype, a.layout->packed());
    if (a.numel()) copy_array(a.view(Layout::strided(a.layout->dims(), strides), offset), out);
    return out;
}

Array turn(const Array& a, int64_t k, int64_t from, int64_t to) {
    if (k == 0) {
        Array out = Array::empty(a.dtype, a.layout->dims());
        copy_array(a, out);
        return out;
    }
    Array out = flip(a, k == 1 ? Dims{to} : k == 2 ? Dims{from, to} : Dims{from});
    if (k == 2) return out;
    Dims shape = out.layout->dims(), strides = out.layout->stride_dims();
    std::swap(shape[static_cast<size_t>(from)], shape[static_cast<size_t>(to)]);
    std::swap(strides[static_cast<size_t>(from)], strides[static_cast<size_t>(to)]);
    return out.view(Layout::strided(shape, strides), out.offset);
}

Array roll(const Array& a, int64_t shift, int64_t dim) {
    if (a.numel() == 0) return Array::empty(a.dtype, a.layout);
    int64_t n = a.size(dim);
    shift %= n;
    if (shift < 0) shift += n;
    // The two parts change places; the result lies as if they were joined.
    Dims front = a.layout->dims(), back = front;
    front[static_cast<size_t>(dim)] = shift;
    back[static_cast<size_t>(dim)] = n - shift;
    Array out = Array::empty(
        a.dtype, suggested_layout(a.layout->dims(), {Layout::strided(front, a.layout->stride_dims()),
                                                     Layout::strided(back, a.layout->stride_dims())}));
    auto move = [&](int64_t from, int64_t to, int64_t count) {
        Dims shape = a.layout->dims();
        shape[static_cast<size_t>(dim)] = count;
        copy_array(a.view(Layout::strided(shape, a.layout->stride_dims()), a.offset + from * a.stride(dim)),
                   out.view(Layout::strided(shape, out.layout->stride_dims()), to * out.stride(dim)));
    };
    if (shift) move(n - shift, 0, shift);
    move(0, shift, n - shift);
    return out;
}
// ---- triangles ----

Array triangle(const Array& a, int64_t diagonal, bool upper) {
    Array out = Array::empty(a.dtype, a.layout->dims());
    copy_array(a, out);
    cut(out, diagonal, upper);
    return out;
}

void cut_triangle(const Array& a, int64_t diagonal, bool upper) {
    if (a.is_contiguous()) return cut(a, diagonal, upper);
    Array whole = contiguous_array(a);
    cut(whole, diagonal, upper);
    copy_array(whole, a);
}

Array trace(const Array& a, DType d) {
    const int64_t rows = a.ndim() - 2, columns = a.ndim() - 1;
    Dims shape = a.layout->dims();
    shape.pop_back();
    shape.pop_back();
    Array out = Array::empty(d, shape);
    Axes outer;
    for (int64_t i = 0; i < rows; ++i) outer.add(a.size(i), a.stride(i));
    const int64_t n = std::min(a.size(rows), a.size(columns)), step = a.stride(rows) + a.stride(columns);
    if (!out.numel()) return out;
    visit<Family::Rings>(a.dtype, "trace", [&](auto zero) {
        using T = decltype(zero);
        Odometer matrix(outer);
        char* to = out.data();
        do {
            const T* x = a.as<T>() + matrix.at;
            auto s = Running<T>(0);
            for (int64_t i = 0; i < n; ++i) s = wrapping_sum(s, static_cast<Running<T>>(x[i * step]));
            Scalar(s).store(d, to);
            to += out.item();
        } while (matrix.next());
    });
    return out;
}

}  // namespace pb::compute
