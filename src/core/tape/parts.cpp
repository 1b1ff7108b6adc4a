// Note [Parts are added where they belong]
// A part of a tensor (x[i], a slice, what an index reads) pulls back to zeros as large as the whole with the part put
// in, so that a loop over n parts would take n times n. Where nobody can see the difference (no graph of the gradient,
// no tangents, no anomaly mode) a run keeps one gradient of the whole, which it owns, and lets each part add
// itself to it (`Node::add_to`). A part of a view, x[i][j] or x.t()[i], is a part of what is viewed, in the same memory
// geometry: `home_of` goes down through views that nobody looks at (no hooks, no retained gradient, not captured) and
// adds up where they begin. What is read by others as well gets their gradients added to the same memory. The way down
// a long chain of views is kept for all that it passes, so that each part looks at a few nodes. Inside of a vmap the
// memory is that of all entries, with the axes of the gradients around what lies there of one; there, and with tangents
// of one level, parts wait until all of them are known. Pending ones may never need memory of their own (program/sums.h).
#include "tape/parts.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "program/program.h"
#include "program/sums.h"
#include "program/work_log.h"
#include "tape/hooks.h"
#include "tape/operations.h"
#include "tape/tangents.h"
#include "tensor/mapped.h"

namespace pb {

namespace {

constexpr int64_t kInCache = 8000, kWorthCall = 1500;  // elements

Ref<Layout> entry_layout(const OutputMeta& meta) {
    return meta.layout->is_dense() ? meta.layout->plain() : Layout::contiguous(meta.layout->dims());
}

Array entries_of(const Array& a, int64_t from, int64_t n) {
    Dims shape = a.layout->dims();
    shape[0] = n;
    return a.view(Layout::strided(shape, a.layout->stride_dims()), a.offset + from * a.stride(0));
}

bool is_complete(const Tensors& grads) {
    if (grads.size() == 1) return false;
    for (const Tensor& g : grads)
        if (!g) return false;
    return true;
}

// The gradient at an output as memory of all entries, its old value in it or anything; `fresh` says which.
[[gnu::cold, gnu::noinline]] Array open_mapped(const OutputMeta& meta, Tensor& sum, const MappedAxes& axes,
                                               bool* fresh) {
    Ref<Layout> laid = around(*entry_layout(meta), axes);
    *fresh = !sum;
    if (!sum || !is_sole(sum) || !sum.layout().same(*laid)) {
        Array all = Array::empty(meta.dtype, laid->physical(axes));
        if (sum) copy_array(reveal_value(sum, axes), all);
        Tensor whole = hide(Tensor::make(all), axes);
        if (sum && sum.is_dual())
            for (const Tangent& t : sum->extra->tangents) set_tangent(whole, t.level, t.value);
        sum = std::move(whole);
    }
    return reveal_value(sum, axes);
}

// The axes that parts are added along: those of the gradients, of what is there and of the whole itself. False where
// the engine has to settle them first: a gradient differs within a vmap that is over, and the whole does not.
[[gnu::cold, gnu::noinline]] bool find_axes(const Tensors& grads, const Layout& whole, MappedAxes& axes) {
    join_axes(axes, whole);
    for (const Tensor& g : grads)
        if (g) {
            for (const MappedAxis& a : g.layout().axes())
                if (!is_open_map(a.level) && !has_axis(axes, a.level)) return false;
            for (const MappedAxis& a : whole.axes())
                if (!has_axis(g.layout().axes(), a.level)) return false;
        }
    join_axes(axes, axes_of(grads));
    return true;
}

}  // namespace

// Where a view begins in what it views; nothing if this is no view, or somebody sees its gradient.
std::optional<int64_t> Parts::passes_on(const Home& h) {
    if (h.node->is_accumulate() || (hooks_ && has_hooks(*h.node))) return std::nullopt;
    std::optional<int64_t> shift = h.node->view_shift(h.nr);
    if (shift && captures && states_.of(h.node).captured) return std::nullopt;
    return shift;
}

Parts::Home Parts::home_of(Edge e) {
    Home h{e.node, e.nr, 0};
    size_t steps = 0;
    for (; std::optional<int64_t> shift = passes_on(h); ++steps) h = step(h, *shift);
    if (steps > 4) {  // once more, to remember
        homes_.resize(states_.size());
        for (Home at{e.node, e.nr, 0}; at.node != h.node;) {
            Home& known = homes_[states_.at(at.node)];
            Home next = step(at, *passes_on(at));
            known = {h.node, h.nr, h.shift - at.shift - *at.node->view_shift(at.nr)};
            at = next;
        }
    }
    return h;
}

// One view further down, or all the way where that is known.
Parts::Home Parts::step(const Home& h, int64_t shift) {
    size_t at = homes_.empty() ? 0 : states_.at(h.node);
    if (at < homes_.size() && homes_[at].node)
        return {homes_[at].node, homes_[at].nr, h.shift + shift + homes_[at].shift};
    const Edge e = h.node->edge(0);
    return {e.node, e.nr, h.shift + shift};
}

// The gradient at an output as memory to add to: laid out as the output is, where that has no gaps.
Array Parts::open(const Home& h) {
    const OutputMeta& meta = h.node->output(h.nr);
    Tensor& sum = states_.of(h.node).of(h.nr);
    Ref<Layout> layout = meta.layout->is_dense() ? meta.layout : Layout::contiguous(meta.layout->dims());
    if (!sum) {
        Array zeros = Array::empty(meta.dtype, layout);
        fill_array(zeros, Scalar(0));
        sum = Tensor::make(zeros);
    } else if (!is_owned(sum) || !sum.layout().same(*layout)) {
        Array copy = Array::empty(meta.dtype, layout);
        copy_array(sum.array(), copy);
        sum = Tensor::make(copy);
    }
    return sum.array();
}

// Adds all that waits for a node.
[[gnu::cold, gnu::noinline]] void Parts::add_waiting(size_t at) {
    auto found = waiting_.find(at);
    if (found == waiting_.end()) return;
    std::vector<Later> all = std::move(found->second.parts);
    waiting_.erase(found);
    auto before = [](const Later& a, const Later& b) {
        return a.nr != b.nr ? a.nr < b.nr : a.level < b.level;
    };
    std::stable_sort(all.begin(), all.end(), before);
    State& s = states_[at];
    for (auto first = all.begin(), last = first; first != all.end(); first = last) {
        last = std::upper_bound(first, all.end(), *first, before);
        Tensor& sum = s.of(first->nr);
        if (!first->level) {
            add_together(s.node->output(first->nr), sum, first, last);
            continue;
        }
        Tensor tangent;
        add_together(s.node->output(first->nr), tangent, first, last);
        if (const Tensor other = tangent_at(sum, first->level)) tangent = ops::add(other, tangent);
        sum = sum.is_dual() ? strip_level(sum, first->level) : sum.alias();
        set_tangent(sum, first->level, tangent);
    }
}

// Where a part begins in an entry, if it is one run of its memory: nothing if not.
std::optional<int64_t> Parts::run_in_entry(const Later& part) {
    const Edge e = part.node->edge(0);
    if (part.grads.size() != 1 || !part.grads[0] || part.node->output_count() != 1) return std::nullopt;
    const OutputMeta &own = part.node->output(0), &whole = e.node->output(e.nr);
    if (!own.layout->is_contiguous() || !whole.layout->is_contiguous()) return std::nullopt;
    const std::optional<int64_t> shift = part.node->view_shift(0);
    return shift ? std::optional<int64_t>(part.shift + *shift) : std::nullopt;
}

// Pending parts, which are runs of all entries, in one program (program/sums.h). False where they have to be added one by one.
bool Parts::add_pending(const Array& all, bool fresh, int64_t each, Iterator first, Iterator last) {
    if (!all.is_contiguous() || !each || (!fresh && all.buffer->has_readers())) return false;
    RowSum sum{all, fresh, each, first->grads[0] ? first->node->output(0).layout->numel() : 0, {}};
    for (auto l = first; l != last; ++l) {
        const std::optional<int64_t> at = run_in_entry(*l);
        if (!at) return false;
        const Tensor& g = l->grads[0];
        const Buffer& buffer = *g->cell->buffer;
        auto is_same = [&](const Later& other) { return other.grads[0] && other.grads[0]->cell == g->cell; };
        const bool own = g->cell->holders() == static_cast<uint32_t>(std::count_if(first, last, is_same));
        if (!buffer.is_pending() || !own || !g.layout().is_contiguous() || g->offset || *at < 0 ||
            g.numel() != sum.rows() * sum.length || *at + sum.length > each ||
            buffer.bytes() != static_cast<size_t>(g.numel()) * item_size(g.dtype()))
            return false;
        sum.parts.push_back({g->cell->buffer.get(), *at});
    }
    if (!fresh) compute_alone(*all.buffer);
    if (!sum_rows(sum)) return false;
    for (auto l = first; l != last; ++l) l->grads.clear();
    return true;
}

// Parts in memory, which are runs of all entries, a few entries after the other (program/sums.h). False as above, and where
// a log asks for the additions: one by one they are noted.
bool Parts::add_computed(const Array& all, bool fresh, int64_t each, Iterator first, Iterator last) {
    if (work_log || !all.is_contiguous() || !each || !adds_runs(all.dtype)) return false;
    std::vector<RowRun> runs;
    for (auto l = first; l != last; ++l) {
        const std::optional<int64_t> at = run_in_entry(*l);
        if (!at || *at < 0) return false;
        const Array part = l->grads[0].array();
        const int64_t length = l->node->output(0).layout->numel();
        if (!part.is_contiguous() || part.numel() != all.numel() / each * length || *at + length > each)
            return false;
        runs.push_back({part.data(), *at, length});
    }
    add_runs(all, fresh, each, runs);
    return true;
}

void Parts::add_together(const OutputMeta& meta, Tensor& sum, Iterator first, Iterator last) {
    MappedAxes axes;
    if (sum) join_axes(axes, sum.layout());
    for (auto l = first; l != last; ++l) {
        join_axes(axes, *l->whole);
        join_axes(axes, axes_of(l->grads));
    }
    bool fresh;
    const Array all = open_mapped(meta, sum, axes, &fresh);
    const MappedAxes laid = around(*entry_layout(meta), axes)->axes();
    const int64_t entries = axes.empty() ? 1 : axes[0].size, each = entries ? all.numel() / entries : 0;
    int64_t count = 1;  // of entries of all axes
    for (const MappedAxis& a : axes) count *= a.size;
    std::vector<Array> wholes;
    int64_t elements = 1;
    for (auto l = first; l != last; ++l) {
        wholes.push_back(all.view(Layout::mapped(*l->whole, laid)->physical(axes), all.offset + l->shift));
        for (Tensor& g : l->grads)
            if (g) {
                g = reveal(g, axes);
                elements += entries ? g.numel() / entries : 0;
            }
    }
    const int64_t entry = all.numel() / std::max<int64_t>(count, 1);
    if (!axes.empty() && add_pending(all, fresh, entry, first, last)) return;
    for (auto l = first; l != last; ++l)
        for (Tensor& g : l->grads)
            if (g) g->cell->buffer->data();
    before_write(all);
    if (!axes.empty() && add_computed(all, fresh, entry, first, last)) return;
    if (axes.empty()) {
        if (fresh) fill_array(all, Scalar(0));
        for (auto l = first; l != last; ++l)
            l->node->add_to(l->grads, wholes[static_cast<size_t>(l - first)]);
        return;
    }
    // As many entries as stay in the cache, but not so few that calls take longer than what they add.
    const int64_t few = kInCache / std::max<int64_t>(each, 1), worth = kWorthCall * (last - first) / elements,
                  step = std::max<int64_t>({1, few, worth});
    for (int64_t from = 0; from < entries; from += step) {
        const int64_t n = std::min(step, entries - from);
        if (fresh) fill_array(entries_of(all, from, n), Scalar(0));
        for (auto l = first; l != last; ++l) {
            Tensors grads;
            for (const Tensor& g : l->grads)
                grads.push_back(g ? Tensor::make(entries_of(g.array(), from, n)) : g);
            l->node->add_to(grads, entries_of(wholes[static_cast<size_t>(l - first)], from, n));
        }
    }
}

[[gnu::cold, gnu::noinline]] bool Parts::add_mapped(Node& n, const Tensors& grads, Home h, const Edge& e,
                                                    MappedAxes& axes) {
    const OutputMeta &whole = e.node->output(e.nr), &meta = h.node->output(h.nr);
    const size_t at = states_.at(h.node);
    const Ref<Layout> part_of = h.node == e.node ? entry_layout(meta) : whole.layout;
    if (n.adds_later()) {
        wait_for(at, {h.nr, 0, &n, grads, part_of, h.shift});
        return true;
    }
    Tensor& sum = states_[at].of(h.nr);
    if (sum) join_axes(axes, sum.layout());
    bool fresh;
    const Array all = open_mapped(meta, sum, axes, &fresh);
    if (fresh) fill_array(all, Scalar(0));
    const MappedAxes laid = around(*entry_layout(meta), axes)->axes();
    Tensors shown;
    for (const Tensor& g : grads) shown.push_back(g ? reveal(g, axes) : g);
    return n.add_to(shown, all.view(Layout::mapped(*part_of, laid)->physical(axes), all.offset + h.shift));
}

void Parts::wait_for(size_t at, Later part) {
    Waiting& w = waiting_[at];
    for (const Tensor& g : part.grads) w.elements += g ? g.numel() : 0;
    const bool many = w.elements > 4 * part.whole->numel() + kInCache;
    w.parts.push_back(std::move(part));
    if (many) add_waiting(at);
}

// Gradients with tangents of one level: both are added.
[[gnu::cold, gnu::noinline]] bool Parts::add_dual(Node& n, const Tensors& grads, const Edge& e) {
    const OutputMeta& whole = e.node->output(e.nr);
    if (!n.adds_later() || is_complete(grads)) return false;
    uint64_t level = 0;
    for (const Tensor& g : grads)
        if (g) level = std::max(level, highest_level(g));
    Tensors below(grads), tangents(grads.size());
    for (size_t i = 0; i < grads.size(); ++i) {
        if (!grads[i] || !grads[i].is_dual()) continue;
        tangents[i] = tangent_at(grads[i], level);
        below[i] = strip_level(grads[i], level);
    }
    MappedAxes axes, axes_of_tangents;
    for (const Tensors& all : {below, tangents})
        for (const Tensor& g : all)
            if (g && (g.is_dual() || g.dtype() != whole.dtype)) return false;
    if (!find_axes(below, *whole.layout, axes) || !find_axes(tangents, *whole.layout, axes_of_tangents))
        return false;
    const Home h = dense_home_of(e, true);
    const Ref<Layout> part_of = h.node == e.node ? entry_layout(h.node->output(h.nr)) : whole.layout;
    wait_for(states_.at(h.node), {h.nr, 0, &n, below, part_of, h.shift});
    wait_for(states_.at(h.node), {h.nr, level, &n, tangents, part_of, h.shift});
    return true;
}

Parts::Home Parts::dense_home_of(const Edge& e, bool levelled) {
    Home h = home_of(e);
    if (h.node == e.node) return h;
    const OutputMeta &meta = h.node->output(h.nr), &whole = e.node->output(e.nr);
    bool fits = meta.layout->is_dense() && meta.dtype == whole.dtype;
    if (__builtin_expect(levelled, 0)) fits = fits && axes_beyond(meta.layout->axes(), *whole.layout).empty();
    return fits ? h : Home{e.node, e.nr, 0};
}

bool Parts::add(Node& n, const Tensors& grads) {
    const Edge e = n.edge(0);
    if (!e.node || !states_.of(e.node).reached()) return false;
    const OutputMeta& whole = e.node->output(e.nr);
    if (!whole.layout || !is_differentiable(whole.dtype)) return false;
    bool mapped = whole.layout->is_mapped();
    for (const Tensor& g : grads) {
        if (!g) continue;
        if (__builtin_expect(g.is_dual(), 0)) return add_dual(n, grads, e);
        if (g.dtype() != whole.dtype) return false;
        mapped = mapped || g.is_mapped();
    }
    MappedAxes axes;
    if (__builtin_expect(mapped, 0) && !find_axes(grads, *whole.layout, axes)) return false;
    const Home h = dense_home_of(e, mapped);
    const Tensor& there = states_.of(h.node).of(h.nr);
    // Of several parts that are all there a new whole is made more cheaply than zeros are added to.
    if (there ? there.is_dual() : is_complete(grads)) return false;
    if (__builtin_expect(mapped || (there && there.is_mapped()), 0)) return add_mapped(n, grads, h, e, axes);
    Array sum = open(h);
    return n.add_to(grads, h.node == e.node ? sum : sum.view(whole.layout, sum.offset + h.shift));
}

}  // namespace pb
