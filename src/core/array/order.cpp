#include "array/order.h"

#include <cstdlib>

namespace pb {

Dims memory_order(const Dims& shape, const Dims* strides, size_t operands) {
    size_t n = shape.size();
    // Whether a lies outside b: 1, inside: -1, or nobody says: 0.
    auto compare = [&](int64_t a, int64_t b) {
        for (size_t i = 0; i < operands; ++i) {
            int64_t sa = strides[i][static_cast<size_t>(a)], sb = strides[i][static_cast<size_t>(b)];
            if (sa == 0 || sb == 0 || sa == -sb) continue;
            if (sa != sb) return std::abs(sa) > std::abs(sb) ? 1 : -1;
            if (shape[static_cast<size_t>(a)] > shape[static_cast<size_t>(b)]) return 1;
        }
        return 0;
    };
    Dims order;
    for (size_t d = n; d-- > 0;) order.push_back(static_cast<int64_t>(d));
    for (size_t i = 1; i < n; ++i)
        for (size_t at = i, k = i; k-- > 0;) {
            int outside = compare(order[k], order[at]);
            if (outside < 0) break;
            if (outside == 0) continue;
            std::swap(order[k], order[at]);
            at = k;
        }
    return order;
}

Ref<Layout> ordered_layout(const Dims& shape, const Dims* strides, size_t operands) {
    Dims order = memory_order(shape, strides, operands), packed(shape.size(), 0);
    int64_t next = 1;
    bool row_major = true;
    for (size_t i = 0; i < shape.size(); ++i) {
        auto d = static_cast<size_t>(order[i]);
        row_major = row_major && d == shape.size() - 1 - i;
        packed[d] = next;
        next *= shape[d];  // 0 included: so are the strides of PyTorch's empty results
    }
    return row_major ? Layout::contiguous(shape) : Layout::strided(shape, packed);
}

Dims iterated_strides(const Layout& l, const Dims& shape) {
    size_t lead = shape.size() - static_cast<size_t>(l.ndim());
    Dims strides(shape.size(), 0);
    for (size_t d = lead; d < shape.size(); ++d) {
        auto own = static_cast<int64_t>(d - lead);
        strides[d] = l.size(own) == 1 && shape[d] != 1 ? 0 : l.stride(own);
    }
    return strides;
}

// The dimensions from the innermost out.
static Dims channels_last_order(size_t ndim) {
    if (ndim == 4) return {1, 3, 2, 0};
    if (ndim == 5) return {1, 4, 3, 2, 0};
    return {};
}

bool is_channels_last(const Layout& l, size_t ndim) {
    if (l.ndim() != static_cast<int64_t>(ndim)) return false;
    int64_t expect = 1;
    for (int64_t d : channels_last_order(ndim)) {
        if (l.size(d) == 1) continue;
        if (l.stride(d) != expect) return false;
        expect *= l.size(d);
    }
    return true;
}

Ref<Layout> channels_last_layout(const Dims& shape) {
    Dims strides(shape.size(), 0);
    int64_t next = 1;
    for (int64_t d : channels_last_order(shape.size())) {
        strides[static_cast<size_t>(d)] = next;
        next *= shape[static_cast<size_t>(d)];
    }
    return Layout::strided(shape, strides);
}

// Gaps are allowed; what could be either is row-major.
static bool suggests_channels_last(const Layout& l) {
    Dims order = channels_last_order(static_cast<size_t>(l.ndim()));
    if (order.empty() || l.stride(1) == 0) return false;
    int64_t least = 0;
    for (int64_t d : order) {
        if (l.size(d) == 0 || l.stride(d) < least || (d == 0 && least == l.stride(1))) return false;
        least = l.size(d) > 1 ? checked_mul(l.stride(d), l.size(d)) : l.stride(d);
    }
    return true;
}

Ref<Layout> suggested_layout(const Dims& shape, const Small<Ref<Layout>, 4>& like) {
    bool last = shape.size() == 4 || shape.size() == 5;
    for (const Ref<Layout>& l : like)
        last = last && l->ndim() == static_cast<int64_t>(shape.size()) && suggests_channels_last(*l);
    return last ? channels_last_layout(shape) : Layout::contiguous(shape);
}

Format suggested_format(const Layout& l) {
    if (!suggests_channels_last(l)) return Format::Contiguous;
    return l.ndim() == 4 ? Format::ChannelsLast : Format::ChannelsLast3d;
}

Ref<Layout> formatted_layout(const Layout& like, Format format) {
    if (format == Format::Preserve) return like.packed();
    if (format == Format::Contiguous) return Layout::contiguous(like.dims());
    const bool volumes = format == Format::ChannelsLast3d;
    if (const int rank = volumes ? 5 : 4; like.ndim() != rank)
        fail("required rank {} tensor to use {} format. This one has shape {}.", rank,
             volumes ? "channels_last_3d" : "channels_last", shape_text(like));
    return channels_last_layout(like.dims());
}

}  // namespace pb
