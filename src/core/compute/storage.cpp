#include "compute/storage.h"

#include <algorithm>

#include "array/visit.h"
#include "compute/axes.h"
#include "kernels/moves.h"
#include "program/expression.h"
#include "program/work_log.h"

namespace pb::compute {

namespace {

// Offsets of a layout in row-major order.
struct Offsets {
    explicit Offsets(const Layout& l) : layout(l), index(static_cast<size_t>(l.ndim()), 0) {}
    void next() {
        for (int64_t d = layout.ndim() - 1; d >= 0; --d) {
            at += layout.stride(d);
            if (++index[static_cast<size_t>(d)] < layout.size(d)) return;
            at -= layout.stride(d) * layout.size(d);
            index[static_cast<size_t>(d)] = 0;
        }
    }
    const Layout& layout;
    Dims index;
    int64_t at = 0;
};

template <class T>
void add_all(const Array& values, const Array& storage, const Layout& layout, int64_t offset) {
    Offsets walk(layout);
    const T* from = values.as<T>();
    T* to = storage.as<T>();
    for (int64_t i = 0, n = layout.numel(); i < n; ++i, walk.next()) {
        T& x = to[offset + walk.at];
        x = static_cast<T>(x + from[i]);
    }
}

// storage[offset + where] += values, for every element of `layout`; `values` is contiguous and floating point.
void add_into(const Array& values, const Array& storage, const Layout& layout, int64_t offset) {
    visit<Family::Elements>(values.dtype, "as_strided_backward",
                            [&](auto zero) { add_all<decltype(zero)>(values, storage, layout, offset); });
}

void add_one_by_one(const Array& from, const Array& to) {
    Array storage = to;
    storage.offset = 0;
    add_into(contiguous_array(from), storage, *to.layout, to.offset);
}

const Lowered& addition(DType dtype) {
    static const Program* program = [] {
        auto* p = new Program;
        p->inputs = 2;
        p->instructions.push_back({Primitive::add, 2, {0, 1, 0}});
        p->outputs.push_back(2);
        return p;
    }();
    return lower(*program, dtype);
}

}  // namespace

Array empty_strided(DType dtype, const Ref<Layout>& layout) {
    if (layout->is_dense()) return Array::empty(dtype, layout);
    if (layout->overlaps_itself()) return Array::empty(dtype, layout->packed());
    // Gaps are part of the geometry: a view may reach them, so they are zero and not what memory happened to hold.
    int64_t low, high;
    layout->extent(&low, &high);
    Array a;
    a.buffer = Buffer::zeros(static_cast<size_t>(high - low) * item_size(dtype));
    a.layout = layout;
    a.offset = -low;
    a.dtype = dtype;
    return a;
}

Array relaid(const Array& a, const Ref<Layout>& layout) {
    if (a.layout->same(*layout)) return a;
    Array out = Array::empty(a.dtype, layout);
    copy_array(a, out);
    return out;
}

void copy_apart(const Array& from, const Array& to) {
    if (from.buffer == to.buffer && !(from.offset == to.offset && from.layout->same(*to.layout))) {
        Array apart = Array::empty(from.dtype, from.layout->dims());
        copy_array(from, apart);
        return copy_array(apart, to);
    }
    copy_array(from, to);
}

// Null where elements are narrow, which a program adds.
static BlockKernel adding(DType dtype) {
    return kernels().elementwise[static_cast<int>(Primitive::add)][static_cast<int>(dtype)][0];
}

// Elements up to which rows are added by one thread.
static constexpr int64_t kFewRows = 65536;

// Whether it was done: elements that follow each other are added to rows of them, which may lie anywhere.
static bool add_rows(const Array& from, const Array& to) {
    const auto add = adding_rows(to.dtype);
    if (!add || !from.is_contiguous()) return false;
    Axes axes;
    for (int64_t d = 0; d < to.ndim(); ++d) axes.add(to.size(d), to.stride(d));
    Rows rows{1, 1, 1, 1};
    if (axes.inner_stride() == 1) {
        rows.length = axes.inner_size();
        axes = axes.without_inner();
    }
    rows.count = axes.inner_size();
    rows.pitch = axes.inner_stride();
    axes = axes.without_inner();
    const int64_t each = rows.length * rows.count;
    const auto item = static_cast<int64_t>(item_size(to.dtype));
    const char* next = from.data();
    Odometer outer(axes);
    do {
        add(next, to.data() + outer.at * item, rows);
        next += each * item;
    } while (outer.next());
    return true;
}

void add_array(const Array& from, const Array& to) {
    int64_t n = to.numel();
    if (n == 0) return;
    bool pending = from.buffer->is_pending() || to.buffer->is_pending(),
         large = is_large(n, to.dtype) && !deferral.immediate;
    const BlockKernel add = adding(to.dtype);
    if (add && !pending && !large && from.is_contiguous() && to.is_contiguous() &&
        !to.buffer->has_readers()) {
        const void* in[2] = {to.data(), from.data()};
        if (__builtin_expect(work_log != nullptr, 0)) work_log->kernel(add, {&to, &from}, to);
        add(in, to.data(), n);
        return;
    }
    before_write(to);
    if (to.layout->overlaps_itself()) {
        if (work_log) work_log->spoil("elements are added to some that are reached twice");
        return add_one_by_one(from, to);
    }
    if (!pending && !work_log && n < kFewRows && add_rows(from, to)) return;
    const Lowered& program = addition(to.dtype);
    Source sources[2] = {{&to, {}}, {&from, {}}};
    Array out = to;
    if (pending || large) compute_over(program, sources, out, nullptr);
    else execute(program, sources, &out, *out.layout);
}

Array multiplicity(DType dtype, const Layout& layout) {
    int64_t low, high;
    layout.extent(&low, &high);
    Array storage = Array::empty(dtype, Dims{high - low}), ones = Array::empty(dtype, layout.dims());
    fill_array(storage, Scalar(0));
    fill_array(ones, Scalar(1));
    add_into(ones, storage, layout, -low);
    return contiguous_array(storage.view(Ref<Layout>(const_cast<Layout*>(&layout)), -low));
}

Array through_storage(const Array& a, const Ref<Layout>& from, const Ref<Layout>& to, int64_t offset) {
    int64_t low_f, high_f, low_t, high_t;
    from->extent(&low_f, &high_f);
    to->extent(&low_t, &high_t);
    int64_t low = std::min(low_f, low_t + offset), high = std::max(high_f, high_t + offset);
    Array storage = Array::empty(a.dtype, Dims{high - low});
    fill_array(storage, Scalar(0));
    if (from->overlaps_itself()) add_into(contiguous_array(a), storage, *from, -low);
    else copy_array(a, storage.view(from, -low));
    return contiguous_array(storage.view(to, offset - low));
}

}  // namespace pb::compute
