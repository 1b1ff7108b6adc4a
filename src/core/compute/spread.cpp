#include "compute/spread.h"

#include <algorithm>
#include <cstring>

namespace pb {

namespace {

// The dimensions of the larger shape, merged where neighbours are alike: either the operand's own, or repetitions.
struct Pattern {
    static constexpr int kMost = 8;
    int64_t size[kMost];
    bool repeated[kMost];
    int count = 0;

    bool read(const Layout& from, const Layout& to) {
        int64_t lead = to.ndim() - from.ndim();
        for (int64_t d = 0; d < to.ndim(); ++d) {
            int64_t n = to.size(d);
            if (n == 1) continue;
            bool again = d < lead || from.size(d - lead) == 1;
            if (count && repeated[count - 1] == again) {
                size[count - 1] *= n;
            } else {
                if (count == kMost) return false;
                size[count] = n;
                repeated[count++] = again;
            }
        }
        return true;
    }
};

// Each of n elements `times` times over; a call for each would cost more than a few copies of it.
template <class T> void repeat_each(const char*& in, char*& out, size_t n, size_t times) {
    const T* from = reinterpret_cast<const T*>(in);
    T* to = reinterpret_cast<T*>(out);
    for (size_t i = 0; i < n; ++i, to += times)
        for (size_t j = 0; j < times; ++j) to[j] = from[i];
    in += n * sizeof(T);
    out += n * times * sizeof(T);
}
constexpr size_t kFewTimes = 64;

// Writes dimension `d` and those inside it; both pointers move on.
void write(const Pattern& p, int d, const char*& in, char*& out, size_t item) {
    auto n = static_cast<size_t>(p.size[d]);
    bool last = d + 1 == p.count;
    if (!p.repeated[d]) {
        if (!last) {
            auto times = static_cast<size_t>(p.size[d + 1]);
            if (d + 2 == p.count && times <= kFewTimes) {
                if (item == 4) return repeat_each<uint32_t>(in, out, n, times);
                if (item == 8) return repeat_each<uint64_t>(in, out, n, times);
            }
            for (size_t i = 0; i < n; ++i) write(p, d + 1, in, out, item);
            return;
        }
        std::memcpy(out, in, n * item);
        in += n * item;
        out += n * item;
        return;
    }
    if (last) {
        kernels().fill[log_of_size(item)](in, out, static_cast<int64_t>(n));
        in += item;
        out += n * item;
        return;
    }
    char* first = out;
    write(p, d + 1, in, out, item);
    auto have = static_cast<size_t>(out - first), all = n * have;
    for (; have < all; have *= 2) std::memcpy(first + have, first, std::min(have, all - have));
    out = first + all;
}

}  // namespace

const char* SpreadRoom::spread(const char* data, const Layout& from, const Layout& to, size_t item) {
    size_t bytes = static_cast<size_t>(to.numel()) * item;
    Pattern p;
    if (bytes > kBytes - used_ || !p.read(from, to)) return nullptr;
    char* out = bytes_ + used_;
    used_ = std::min(kBytes, used_ + (bytes + 63) / 64 * 64);
    char* end = out;
    p.count ? write(p, 0, data, end, item) : void(std::memcpy(out, data, item));
    return out;
}

bool execute_spread(const Lowered& program, ContiguousSource* sources, const Layout* const* layouts,
                    void* const* outputs, const Layout& shape) {
    SpreadRoom room;
    int64_t n = shape.numel(), smaller = 0;
    for (int i = 0; i < program.inputs; ++i)
        smaller += layouts[i] && layouts[i]->numel() != 1 && layouts[i]->numel() != n;
    if (!SpreadRoom::fits(smaller, shape, program.width)) return false;
    for (int i = 0; i < program.inputs; ++i) {
        if (!layouts[i]) continue;
        const Layout& l = *layouts[i];
        if (!can_sum_to(shape, l)) return false;
        sources[i].single = l.numel() == 1;
        if (l.numel() == 1 || l.numel() == n) continue;
        sources[i].data = room.spread(static_cast<const char*>(sources[i].data), l, shape,
                                      item_size(program.type(static_cast<int16_t>(i))));
        if (!sources[i].data) return false;
    }
    execute_contiguous(program, sources, outputs, n);
    return true;
}

Ref<Layout> met_layout(Layout& a, Layout& b) {
    if (can_sum_to(a, b)) return Ref<Layout>(&a);
    if (can_sum_to(b, a)) return Ref<Layout>(&b);
    int64_t n = std::max(a.ndim(), b.ndim());
    Dims shape(static_cast<size_t>(n), 1);
    for (int64_t d = 0; d < n; ++d) {
        int64_t da = d - (n - a.ndim()), db = d - (n - b.ndim());
        int64_t sa = da >= 0 ? a.size(da) : 1, sb = db >= 0 ? b.size(db) : 1;
        if (sa != sb && sa != 1 && sb != 1) return nullptr;
        shape[static_cast<size_t>(d)] = sa == 1 ? sb : sa;
    }
    return Layout::contiguous(shape);
}

}  // namespace pb
