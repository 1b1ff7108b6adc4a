#include "compute/join.h"

#include <algorithm>
#include <cstring>

#include "array/order.h"
#include "kernels/moves.h"
#include "program/program.h"
#include "program/threads.h"
#include "program/work_log.h"

namespace pb::compute {

namespace {

constexpr int64_t kShort = 64;       // elements: where a call for each run would take as long as the copy
constexpr int64_t kChunk = 1 << 16;  // bytes that a thread takes at a time
constexpr double kRun = 1, kByte = 0.06;  // nanoseconds of a run, and of each byte

void put_short(const char* from, char* to, const Rows& rows, DType type) {
    const int size = size_index(type);
    const auto item = static_cast<int64_t>(item_size(type));
    if (rows.length == 1) return kernels().scatter[size](from, to, rows.pitch * item, rows.count);
    if (move_kernels().scatter_rows[size]) return move_kernels().scatter_rows[size](from, to, rows);
    for (int64_t i = 0; i < rows.count; ++i, from += rows.length * item, to += rows.pitch * item)
        std::memcpy(to, from, static_cast<size_t>(rows.length * item));
}

// Runs that follow each other go to where each row of them begins.
void put_rows(const char* from, char* to, const Rows& rows, DType type) {
    if (rows.length <= kShort) return put_short(from, to, rows, type);
    const auto item = static_cast<int64_t>(item_size(type)), run = rows.length * item,
               step = rows.pitch * item;
    for (int64_t i = 0; i < rows.count; ++i, from += run, to += step)
        std::memcpy(to, from, static_cast<size_t>(run));
}

// The same, by all threads.
[[gnu::noinline]] void share_rows(const char* from, char* to, const Rows& rows, DType type) {
    const auto item = static_cast<int64_t>(item_size(type)), run = rows.length * item,
               step = rows.pitch * item, together = std::max<int64_t>(kChunk / run, 1);
    const double work = kRun + kByte * static_cast<double>(run);
    parallel((rows.count + together - 1) / together, work * static_cast<double>(rows.count),
             [&](int64_t c, int) {
                 const int64_t first = c * together, count = std::min(together, rows.count - first);
                 put_rows(from + first * run, to + first * step, {rows.length, 1, count, rows.pitch}, type);
             });
}

// Writes `part` into `out` at index `at` of dimension `dim`; both have the same number of dimensions.
void put(const Array& part, const Array& out, int64_t dim, int64_t at) {
    if (part.numel() == 0) return;
    const int64_t *sizes = out.layout->shape(), *along = sizes + dim;
    const int64_t outer = checked_product(sizes, along);
    const auto item = static_cast<int64_t>(out.item());
    const int64_t inner = checked_mul(item, checked_product(along + 1, sizes + out.ndim()));
    // One long run is shared by `copy_array`, which also notes what is put where a log asks for it.
    if (const int64_t run = part.size(dim) * inner, bytes = outer * run;
        !work_log && (outer > 1 || bytes <= kChunk) && part.dtype == out.dtype && part.is_contiguous() &&
        out.is_contiguous()) {
        const char* from = part.data();
        char* to = out.data() + at * inner;
        if (outer == 1) return void(std::memcpy(to, from, static_cast<size_t>(run)));
        const Rows rows{run / item, 1, outer, out.size(dim) * inner / item};
        return bytes <= kChunk ? put_rows(from, to, rows, out.dtype) : share_rows(from, to, rows, out.dtype);
    }
    copy_array(part, out.view(Layout::strided(part.layout->dims(), out.layout->stride_dims()),
                              out.offset + at * out.stride(dim)));
}

}  // namespace

void Joined::add(const Array& part) {
    put(part, out, dim_, at_);
    at_ += part.size(dim_);
}

void Joined::insert(const Array& part) {
    if (!inserted_) {
        Dims shape = part.layout->dims();
        shape.insert(static_cast<size_t>(dim_), 1);
        inserted_ = Layout::contiguous(shape);
    }
    Ref<Layout> l = inserted_;
    if (!part.is_contiguous()) {
        Dims strides = part.layout->stride_dims();
        strides.insert(static_cast<size_t>(dim_), 0);
        l = Layout::strided(l->dims(), strides);
    }
    put(part.view(std::move(l), part.offset), out, dim_, at_++);
}

Array pad(const Array& in, const Dims& before, const Dims& after, Scalar value) {
    Dims shape, common, strides = in.layout->stride_dims();
    int64_t read = in.offset, write = 0;
    for (size_t d = 0; d < before.size(); ++d) {
        int64_t n = in.size(static_cast<int64_t>(d)), cut = std::min<int64_t>(before[d], 0);
        common.push_back(n + cut + std::min<int64_t>(after[d], 0));
        shape.push_back(checked_add(checked_add(n, before[d]), after[d]));
        read -= cut * strides[d];
    }
    Array out = Array::empty(in.dtype, suggested_layout(shape, {in.layout}));
    if (out.numel() == 0) return out;
    fill_array(out, value);
    for (size_t d = 0; d < before.size(); ++d)
        write += std::max<int64_t>(before[d], 0) * out.stride(static_cast<int64_t>(d));
    copy_array(in.view(Layout::strided(common, strides), read),
               out.view(Layout::strided(common, out.layout->stride_dims()), write));
    return out;
}

}  // namespace pb::compute
