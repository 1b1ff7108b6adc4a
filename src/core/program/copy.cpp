// Copies between arrays of one shape, whatever their strides, with conversion of dtypes; large ones on several threads.
//
//   dense       both lie in memory in the same order: bytes are moved, or converted, as they lie;
//   transposed  each is contiguous along a dimension of its own: tiles whose sides are cache lines are turned in
//               registers, so that every line is read once and written once;
//   gathered    the rest: the source is read in logical order, block by block.
#include <algorithm>
#include <cstring>

#include "program/arena.h"
#include "program/program.h"
#include "program/threads.h"
#include "program/walk.h"
#include "program/work_log.h"

namespace pb {

namespace {

constexpr int64_t kChunk = 1 << 14;            // elements of a chunk of work
constexpr int64_t kChunkBytes = 1 << 18;       // of memory that is moved as it lies
constexpr int64_t kTransposedNumel = 1 << 10;  // from here on tiles pay

int64_t parts_of(int64_t n, int64_t part) { return (n + part - 1) / part; }

// Calls f(start, count) for the chunks of n elements, `work` nanoseconds each.
template <class F> void share(int64_t n, int64_t chunk, double work, F f) {
    parallel(parts_of(n, chunk), work * static_cast<double>(n),
             [&](int64_t c, int) { f(c * chunk, std::min(chunk, n - c * chunk)); });
}

void copy_dense(const Array& from, const Array& to, BlockKernel cast) {
    int64_t n = to.numel(), in = static_cast<int64_t>(from.item()), out = static_cast<int64_t>(to.item());
    char *source = from.data(), *target = to.data();
    bool apart = source + n * in <= target || target + n * out <= source;
    if (!apart) {
        if (!cast) return void(std::memmove(target, source, static_cast<size_t>(n * out)));
        const void* all[1] = {source};
        return cast(all, target, n);
    }
    share(n, kChunkBytes / out, 0.03 * static_cast<double>(in + out), [=](int64_t start, int64_t count) {
        const void* operand[1] = {source + start * in};
        if (cast) cast(operand, target + start * out, count);
        else std::memcpy(target + start * out, operand[0], static_cast<size_t>(count * out));
    });
}

// `high` rows of `wide` elements become `wide` rows of `high`.
template <class U>
void turn(const U* from, int64_t from_pitch, U* to, int64_t to_pitch, int64_t high, int64_t wide) {
    constexpr int64_t side = 64 / sizeof(U);
    if (high < side || wide < side) {
        for (int64_t j = 0; j < wide; ++j)
            for (int64_t i = 0; i < high; ++i) to[j * to_pitch + i] = from[i * from_pitch + j];
        return;
    }
    alignas(64) U in[side * side], out[side * side];
    for (int64_t i = 0; i < side; ++i) std::memcpy(in + i * side, from + i * from_pitch, 64);
    for (int64_t i = 0; i < side; ++i)
        for (int64_t j = 0; j < side; ++j) out[j * side + i] = in[i * side + j];
    for (int64_t j = 0; j < side; ++j) std::memcpy(to + j * to_pitch, out + j * side, 64);
}

template <class U> void turn_all(const Array& from, const Array& to, int64_t p, int64_t q) {
    constexpr int64_t side = 64 / sizeof(U),
                      part = 256 * side;  // of dimension p, which is contiguous in `to`
    int64_t high = to.size(p), wide = to.size(q), strips = parts_of(wide, side), parts = parts_of(high, part);
    int64_t outer = to.numel() / (high * wide), from_pitch = from.stride(p), to_pitch = to.stride(q);
    double work = 0.5 * static_cast<double>(to.numel());
    parallel(outer * strips * parts, work, [&](int64_t task, int) {
        int64_t start = task % parts * part, j = task / parts % strips * side, rest = task / parts / strips;
        const U* source = from.as<U>() + start * from_pitch + j;
        U* target = to.as<U>() + start + j * to_pitch;
        for (int64_t d = to.ndim() - 1; d >= 0; --d) {
            if (d == p || d == q) continue;
            source += rest % to.size(d) * from.stride(d);
            target += rest % to.size(d) * to.stride(d);
            rest /= to.size(d);
        }
        int64_t count = std::min(part, high - start), columns = std::min(side, wide - j);
        for (int64_t i = 0; i < count; i += side)
            turn(source + i * from_pitch, from_pitch, target + i, to_pitch, std::min(side, count - i),
                 columns);
    });
}

// Whether the copy was such a one, and has been made.
bool copy_transposed(const Array& from, const Array& to) {
    if (to.numel() < kTransposedNumel || !from.layout->same_shape(*to.layout)) return false;
    int64_t p = -1, q = -1;
    for (int64_t d = 0; d < to.ndim(); ++d) {
        if (to.size(d) < 4) continue;
        if (to.stride(d) == 1) p = d;
        if (from.stride(d) == 1) q = d;
    }
    if (p < 0 || q < 0 || p == q || from.stride(p) <= 0 || to.stride(q) <= 0) return false;
    with_item(to.dtype, [&](auto item) { turn_all<decltype(item)>(from, to, p, q); });
    return true;
}

}  // namespace

void copy_array(const Array& from, const Array& to) {
    if (__builtin_expect(work_log != nullptr, 0)) work_log->copy(from, to);
    int64_t n = to.numel();
    if (n == 0) return;
    BlockKernel cast = from.dtype == to.dtype
                           ? nullptr
                           : kernels().cast[static_cast<int>(from.dtype)][static_cast<int>(to.dtype)];
    bool both_dense = from.layout->same(*to.layout) && to.layout->is_dense();
    if (both_dense || (from.is_contiguous() && to.is_contiguous() && from.layout->same_shape(*to.layout)))
        return copy_dense(from, to, cast);
    if (!cast && copy_transposed(from, to)) return;
    Walker read(from, *to.layout), write(to, *to.layout);
    bool direct = to.is_contiguous();
    int64_t out = static_cast<int64_t>(to.item());
    if (direct && !cast)
        return share(n, kChunk, 0.5, [&](int64_t start, int64_t count) {
            read.gather(start, count, to.data() + start * out);
        });
    constexpr int64_t block = 512;
    share(n, kChunk, 1.0, [&](int64_t start, int64_t count) {
        alignas(64) char raw[block * kWidest], converted[block * kWidest];
        for (int64_t at = start; at < start + count; at += block) {
            int64_t m = std::min(block, start + count - at);
            read.gather(at, m, raw);
            const void* operand[1] = {raw};
            char* result = !cast ? raw : direct ? to.data() + at * out : converted;
            if (cast) cast(operand, result, m);
            if (!direct) write.scatter(result, at, m);
        }
    });
}

Array contiguous_array(const Array& a) {
    if (a.is_contiguous()) return a;
    Array out = Array::empty(a.dtype, Layout::contiguous(a.layout->shape(), static_cast<size_t>(a.ndim())));
    copy_array(a, out);
    return out;
}

void fill_array(const Array& a, Scalar value) {
    if (__builtin_expect(work_log != nullptr, 0)) work_log->fill(a, value);
    int64_t n = a.numel();
    if (n == 0) return;
    Slot one;
    value.store(a.dtype, &one);
    const auto fill = kernels().fill[size_index(a.dtype)];
    if (a.layout->is_dense()) {
        fill(&one, a.data(), n);
        return;
    }
    int64_t block = std::min(block_elements(a.item()), n);
    char* full = arena(static_cast<size_t>(block) * a.item());
    fill(&one, full, block);
    Walker write(a, *a.layout);
    for (int64_t at = 0; at < n; at += block) write.scatter(full, at, std::min(block, n - at));
}

}  // namespace pb
