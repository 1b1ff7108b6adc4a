#include "array/layout.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "array/error.h"
#include "array/order.h"

namespace pb {

Layout* Layout::scalar_ = nullptr;

static size_t layout_bytes(size_t ndim, size_t axes) {
    size_t numbers = 2 * ndim + 3 * axes;
    return sizeof(Layout) - sizeof(int64_t) + std::max<size_t>(numbers, 1) * sizeof(int64_t);
}

Layout* Layout::make(size_t ndim, size_t axes) {
    if (ndim > UINT16_MAX)
        fail("a tensor has at most {} dimensions. This one would have {}.", UINT16_MAX, ndim);
    auto* l = static_cast<Layout*>(pool_alloc(layout_bytes(ndim, axes)));
    l->refs_ = 1;
    l->ndim_ = static_cast<uint16_t>(ndim);
    l->axes_ = static_cast<uint8_t>(axes) & 63;
    return l;
}

void Layout::destroy() { pool_free(this, layout_bytes(ndim_, axes_)); }

void init_layouts() {
    Layout::scalar_ = Layout::make(0);
    Layout::scalar_->numel_ = 1;
    Layout::scalar_->contiguous_ = Layout::scalar_->dense_ = Layout::scalar_->standard_ = true;
}

void Layout::finish() {
    const int64_t *sh = shape(), *st = strides();
    int64_t expect = 1;
    bool contiguous = true;
    standard_ = true;
    for (int i = ndim_ - 1; i >= 0; --i) {
        standard_ = standard_ && st[i] == expect;
        if (sh[i] != 1 && st[i] != expect) contiguous = false;
        expect *= std::max<int64_t>(sh[i], 1);
    }
    contiguous_ = contiguous || numel_ == 0;
    dense_ = contiguous_;
    if (!dense_ && ndim_ > 1) {
        // Sort dimensions by stride and test again.
        Dims order;
        for (int i = 0; i < ndim_; ++i)
            if (sh[i] != 1) order.push_back(i);
        std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return st[a] < st[b]; });
        int64_t e = 1;
        dense_ = true;
        for (int64_t d : order) {
            if (st[d] != e) dense_ = false;
            e *= sh[d];
        }
    }
}

int64_t checked_numel(const int64_t* shape, size_t ndim) {
    int64_t n = 1;
    bool overflow = false, late = false, zero = false;
    for (size_t i = 0; i < ndim; ++i) {
        if (shape[i] < 0)
            fail("Trying to create tensor with negative dimension {}: {}", shape[i], shape_text(shape, ndim));
        if (shape[i] == 0) zero = true;
        if (mul_overflows(n, std::max<int64_t>(shape[i], 1), &n)) (zero ? late : overflow) = true;
    }
    // Sizes of an empty tensor are multiplied too, into strides.
    if (late && !overflow)
        fail("Stride calculation overflowed: no strides can be given to shape {}", shape_text(shape, ndim));
    if (zero && !overflow) return 0;
    if (overflow || n > (INT64_MAX >> 5))
        fail("Storage size calculation overflowed with sizes={}", shape_text(shape, ndim));
    return n;
}

Ref<Layout> Layout::contiguous(const int64_t* shape, size_t ndim) {
    if (ndim == 0) return scalar();
    int64_t n = checked_numel(shape, ndim);
    Layout* l = make(ndim);
    l->numel_ = n;
    std::memcpy(l->dims_, shape, ndim * sizeof(int64_t));
    int64_t s = 1;
    for (size_t i = ndim; i-- > 0;) {
        l->dims_[ndim + i] = s;
        s *= std::max<int64_t>(shape[i], 1);
    }
    l->contiguous_ = l->dense_ = l->standard_ = true;
    return Ref<Layout>::steal(l);
}

Ref<Layout> Layout::strided(const Dims& shape, const Dims& strides) {
    size_t ndim = shape.size();
    if (ndim == 0) return scalar();
    int64_t n = checked_numel(shape.data(), ndim);
    Layout* l = make(ndim);
    l->numel_ = n;
    std::memcpy(l->dims_, shape.data(), ndim * sizeof(int64_t));
    // Nobody steps along a single element: such a stride may be too large to be multiplied by the size of an item.
    constexpr int64_t kFar = INT64_MAX >> 5;
    for (size_t i = 0; i < ndim; ++i)
        l->dims_[ndim + i] = n == 0 || shape[i] == 1 ? std::clamp(strides[i], -kFar, kFar) : strides[i];
    l->finish();
    return Ref<Layout>::steal(l);
}

bool Layout::same_shape(const Layout& o) const {
    if (this == &o) return true;
    return ndim_ == o.ndim_ && std::memcmp(dims_, o.dims_, ndim_ * sizeof(int64_t)) == 0;
}

bool Layout::same(const Layout& o) const {
    if (this == &o) return true;
    size_t numbers = 2 * static_cast<size_t>(ndim_) + 3 * static_cast<size_t>(axes_);
    return ndim_ == o.ndim_ && axes_ == o.axes_ &&
           std::memcmp(dims_, o.dims_, numbers * sizeof(int64_t)) == 0;
}

// ---- mapped axes ----

Ref<Layout> Layout::mapped(const Layout& entry, const MappedAxes& axes) {
    if (axes.empty()) return entry.plain();
    constexpr size_t kMostAxes = 63;
    if (axes.size() > kMostAxes) fail("vmap: at most {} of them can be inside one another", kMostAxes);
    Layout* l = make(entry.ndim_, axes.size());
    l->numel_ = entry.numel_;
    l->contiguous_ = entry.contiguous_;
    l->dense_ = entry.dense_;
    l->standard_ = entry.standard_;
    std::memcpy(l->dims_, entry.dims_, 2 * entry.ndim_ * sizeof(int64_t));
    int64_t* at = l->dims_ + 2 * entry.ndim_;
    for (const MappedAxis& a : axes) {
        *at++ = static_cast<int64_t>(a.level);
        *at++ = a.size;
        *at++ = a.stride;
    }
    return Ref<Layout>::steal(l);
}

MappedAxes Layout::axes() const {
    MappedAxes all;
    const int64_t* at = dims_ + 2 * ndim_;
    for (int i = 0; i < axes_; ++i, at += 3) all.push_back({static_cast<uint64_t>(at[0]), at[1], at[2]});
    return all;
}

Ref<Layout> Layout::plain() const {
    if (!axes_) return Ref<Layout>(const_cast<Layout*>(this));
    return strided(dims(), stride_dims());
}

Ref<Layout> Layout::physical(const MappedAxes& all, int64_t rank, bool ones) const {
    Dims shape, strides;
    const MappedAxes own = axes();
    for (const MappedAxis& a : all) {
        const MappedAxis* mine = nullptr;
        for (const MappedAxis& m : own)
            if (m.level == a.level) mine = &m;
        shape.push_back(mine || !ones ? a.size : 1);
        strides.push_back(mine ? mine->stride : 0);
    }
    for (int64_t d = ndim_; d < rank; ++d) {
        shape.push_back(1);
        strides.push_back(0);
    }
    for (int64_t d = 0; d < ndim_; ++d) {
        shape.push_back(size(d));
        strides.push_back(stride(d));
    }
    return strided(shape, strides);
}

// Interleaved dimensions need not meet: strides 2 and 3 over sizes 3 and 2 reach six different elements. Counted
// where that is cheap; beyond, they are taken to overlap.
static bool reaches_twice(const Layout& l) {
    int64_t low, high;
    l.extent(&low, &high);
    if (high - low < l.numel() || high - low > int64_t(1) << 24) return true;
    std::vector<bool> seen(static_cast<size_t>(high - low));
    Dims index(static_cast<size_t>(l.ndim()), 0);
    int64_t at = -low;
    for (int64_t n = l.numel(); n > 0; --n) {
        if (seen[static_cast<size_t>(at)]) return true;
        seen[static_cast<size_t>(at)] = true;
        for (int64_t d = l.ndim() - 1; d >= 0; --d) {
            at += l.stride(d);
            if (++index[static_cast<size_t>(d)] < l.size(d)) break;
            at -= l.stride(d) * l.size(d);
            index[static_cast<size_t>(d)] = 0;
        }
    }
    return false;
}

bool Layout::overlaps_itself() const {
    if (axes_) return physical(axes())->overlaps_itself();
    if (contiguous_ || dense_ || numel_ <= 1) return false;
    const int64_t *sh = shape(), *st = strides();
    Dims order;
    for (int i = 0; i < ndim_; ++i)
        if (sh[i] > 1) {
            if (st[i] == 0) return true;
            order.push_back(i);
        }
    std::sort(order.begin(), order.end(),
              [&](int64_t a, int64_t b) { return std::abs(st[a]) < std::abs(st[b]); });
    int64_t reach = 0;  // the furthest element that the smaller dimensions reach
    for (int64_t d : order) {
        if (std::abs(st[d]) <= reach) return reaches_twice(*this);
        reach += std::abs(st[d]) * (sh[d] - 1);
    }
    return false;
}

Dims Layout::memory_order() const {
    Dims own = stride_dims();
    return pb::memory_order(dims(), &own, 1);
}

Ref<Layout> Layout::packed() const {
    if (axes_) return plain()->packed();
    if (dense_) return Ref<Layout>(const_cast<Layout*>(this));
    Dims strides(ndim_, 0);
    int64_t next = 1;
    for (int64_t d : memory_order()) {
        strides[static_cast<size_t>(d)] = next;
        next *= std::max<int64_t>(size(d), 1);
    }
    return strided(dims(), strides);
}

Ref<Layout> Layout::viewed(const Dims& shape) const {
    if (numel_ == 0 && dims() == shape) return strided(shape, stride_dims());
    if (standard_ || numel_ == 0) return contiguous(shape);
    // Runs of old dimensions that are contiguous among themselves are matched with runs of new ones.
    Dims strides(shape.size(), 0);
    auto v = static_cast<int64_t>(shape.size()) - 1;
    int64_t run = 1, seen = 1, base = stride(ndim_ - 1);
    for (int64_t d = ndim_ - 1; d >= 0; --d) {
        run *= size(d);
        bool breaks = d == 0 || (size(d - 1) != 1 && stride(d - 1) != run * base);
        if (!breaks) continue;
        for (; v >= 0 && (seen < run || shape[static_cast<size_t>(v)] == 1); --v) {
            strides[static_cast<size_t>(v)] = seen * base;
            seen *= shape[static_cast<size_t>(v)];
        }
        if (seen != run) return nullptr;
        if (d > 0) {
            base = stride(d - 1);
            run = seen = 1;
        }
    }
    return v < 0 ? strided(shape, strides) : nullptr;
}

void Layout::extent(int64_t* low, int64_t* high) const {
    *low = *high = 0;
    if (numel_ == 0) return;
    for (int i = 0; i < ndim_; ++i) {
        int64_t reach = (size(i) - 1) * stride(i);
        (reach < 0 ? *low : *high) += reach;
    }
    const int64_t* axis = dims_ + 2 * ndim_;
    for (int i = 0; i < axes_; ++i, axis += 3) {
        if (axis[1] == 0) {
            *low = *high = 0;
            return;
        }
        int64_t reach = (axis[1] - 1) * axis[2];
        (reach < 0 ? *low : *high) += reach;
    }
    *high += 1;
}

std::string shape_text(const int64_t* shape, size_t ndim) {
    std::string s = "[";
    for (size_t i = 0; i < ndim; ++i) s += (i ? ", " : "") + std::to_string(shape[i]);
    return s + "]";
}

void fail_broadcast(int64_t a, int64_t b, int64_t dim, const std::string& cure) {
    fail("The size of tensor a ({}) must match the size of tensor b ({}) at non-singleton dimension {}. {}",
         a, b, dim, cure);
}

Dims broadcast_shapes(const Layout& a, const Layout& b) {
    int64_t n = std::max(a.ndim(), b.ndim());
    Dims out(static_cast<size_t>(n), 1);
    for (int64_t i = n - 1; i >= 0; --i) {
        int64_t ia = i - (n - a.ndim()), ib = i - (n - b.ndim());
        int64_t sa = ia >= 0 ? a.size(ia) : 1, sb = ib >= 0 ? b.size(ib) : 1;
        if (sa != sb && sa != 1 && sb != 1)
            fail_broadcast(sa, sb, i,
                           "The shapes are " + shape_text(a) + " and " + shape_text(b) +
                               ": aligned from the right, each pair of sizes must be equal or contain a 1.");
        out[static_cast<size_t>(i)] = sa == 1 ? sb : sa;
    }
    return out;
}

Dims broadcast_strides(const Layout& l, const Dims& shape) {
    int64_t n = static_cast<int64_t>(shape.size()), lead = n - l.ndim();
    Dims st(shape.size(), 0);
    for (int64_t i = lead; i < n; ++i)
        st[static_cast<size_t>(i)] = l.size(i - lead) == 1 ? 0 : l.stride(i - lead);
    return st;
}

bool can_sum_to(const Layout& from, const Layout& to) {
    if (to.ndim() > from.ndim()) return false;
    int64_t lead = from.ndim() - to.ndim();
    for (int64_t d = 0; d < to.ndim(); ++d)
        if (to.size(d) != from.size(d + lead) && to.size(d) != 1) return false;
    return true;
}

int64_t wrap_dim(int64_t dim, int64_t ndim) {
    int64_t n = ndim > 0 ? ndim : 1;
    if (dim < -n || dim >= n)
        fail_as(ErrorKind::Index, "Dimension out of range (expected to be in range of [{}, {}], but got {})",
                -n, n - 1, dim);
    return dim < 0 ? dim + n : dim;
}

}  // namespace pb
