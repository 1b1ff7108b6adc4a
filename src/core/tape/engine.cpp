// The engine.
//
// One run has three steps. `discover` walks from the roots once, without recursion, and counts for every node how
// many edges lead to it. If only some inputs are wanted, `select` marks the nodes that lead to them. `walk` then
// takes ready nodes (all of whose gradients have arrived) from a heap, youngest first, leaves before all
// others, so that hooks, accumulation and capture happen in PyTorch's documented order.
//
// Counters and gradient slots belong to the run, not to the node, because a hook may start a second backward over
// the same nodes and so may another thread. A node offers one slot (`run`, `slot`) to whoever claims it first; a
// run that finds it claimed by another active run keeps that node's state in a hash table instead. A claim ends with
// its run and is not taken back, and a run counts references to its roots only: they hold everything it walks.
//
// Note [Parts are added where they belong]
// A part of a tensor (x[i], a slice, what an index reads) pulls back to zeros as large as the whole with the part put
// in, so that a loop over n parts would take n times n. Where nobody can see the difference (no graph of the gradient,
// no tangents, no anomaly mode) the engine keeps one gradient of the whole, which it owns, and lets each part add
// itself to it (`Node::add_to`). A part of a view, x[i][j] or x.t()[i], is a part of what is viewed, in the same memory
// geometry: `home_of` goes down through views that nobody looks at (no hooks, no retained gradient, not captured) and
// adds up where they begin. What is read by others as well gets their gradients added to the same memory. The way down
// a long chain of views is kept for all that it passes, so that each part looks at a few nodes. Inside of a vmap the
// memory is that of all entries, with the axes of the gradients around what lies there of one.
#include "tape/engine.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <unordered_map>
#include <vector>

#include "program/profile.h"
#include "program/program.h"
#include "tape/hooks.h"
#include "tape/operations.h"
#include "tape/saved.h"
#include "tape/tangents.h"
#include "tape/variables.h"
#include "tensor/mapped.h"

namespace pb {

namespace {

uint32_t next_run = 0;
std::vector<uint32_t> active_runs;  // usually none or one
class Run;
thread_local Run* innermost __attribute__((tls_model("initial-exec"))) = nullptr;

struct State {
    explicit State(Node* n) : node(n) {}
    Node* node;
    uint32_t waiting = 0;
    bool needed = true;
    bool captured = false;
    Tensor grad;                    // of output 0
    std::unique_ptr<Tensors> more;  // of the others, from output 1
    Tensor& of(uint32_t nr) {
        if (nr == 0) return grad;
        if (!more) more = std::make_unique<Tensors>();
        if (more->size() < nr) more->resize(nr);
        return (*more)[nr - 1];
    }
    bool reached() const { return needed || captured; }
};

class Run {
  public:
    explicit Run(const BackwardOptions& options)
        : options_(options), create_(options.create_graph), id_(++next_run ? next_run : ++next_run) {
        active_runs.push_back(id_);
        outer_ = innermost;
        innermost = this;
    }
    ~Run() {
        innermost = outer_;
        active_runs.erase(std::find(active_runs.begin(), active_runs.end(), id_));
    }

    void add_root(Edge e, Tensor grad) {  // takes the reference in `e`
        beyond_ = beyond_ || grad.requires_grad();
        roots_.push_back(Ref<Node>::steal(e.node));
        add_grad(state(e.node), e.nr, std::move(grad));
    }

    uint32_t id() const { return id_; }
    bool accumulates() const { return options_.accumulate && captures.empty(); }
    bool retains() const { return retain_; }
    // Whether the run will compute the gradients that arrive at this node.
    bool visits(Node* n) const {
        if (n->run == id_) return states_[n->slot].reached();
        auto it = others_.find(n);
        return it != others_.end() && states_[it->second].reached();
    }

    struct Capture {
        Ref<Node> node;
        uint32_t nr;
        Tensor grad;
    };
    std::vector<Capture> captures;

    void end_at_own(const Node* n) {
        end_at(n);
        own_.push_back(n);
    }
    void end_at(const Node* n) { ends_.insert(std::lower_bound(ends_.begin(), ends_.end(), n), n); }
    void go() {
        discover();
        if (!captures.empty()) select();
        if (options_.beyond) create_ = ((*options_.beyond = beyond_) || options_.goes_on) && create_;
        parts_ = !create_ && !modes.anomaly;
        retain_ = options_.retain_graph || (options_.beyond && create_);
        GradMode mode(create_);
        walk();
    }

  private:
    // The state of a node that a root leads to, or null.
    State* known(Node* n) {
        if (n->run == id_) return &states_[n->slot];
        auto it = others_.find(n);
        return it == others_.end() ? nullptr : &states_[it->second];
    }

    size_t state(Node* n) {
        if (n->run == id_) return n->slot;
        if (!others_.empty()) {  // first: whoever had claimed the node may be done by now
            auto it = others_.find(n);
            if (it != others_.end()) return it->second;
        }
        bool mine =
            n->run == 0 || std::find(active_runs.begin(), active_runs.end(), n->run) == active_runs.end();
        size_t at = states_.size();
        states_.emplace_back(n);
        if (mine) {
            n->run = id_;
            n->slot = static_cast<uint32_t>(at);
        } else {
            others_.emplace(n, at);
        }
        return at;
    }

    void discover() {
        size_t next = 0;  // states are appended in the order of discovery: the vector is its own work list
        while (next < states_.size()) {
            Node* n = states_[next++].node;
            listen(1);
            if (__builtin_expect(options_.beyond != nullptr, 0) && ends_at(*n)) continue;
            for (uint16_t i = 0; i < n->edge_count(); ++i)
                if (Node* to = n->edge(i).node) ++states_[state(to)].waiting;
        }
    }

    // A node is needed if a captured node can be reached from it: decided from the ends of the graph to its roots,
    // in the reverse of a topological order. (Creation order will not do: a stale view gets its node, of an older
    // value, when the operation that reads it is recorded already.)
    void select() {
        for (State& s : states_) s.needed = false;
        for (Capture& c : captures)
            if (State* s = known(c.node.get())) s->captured = true;
        std::vector<uint32_t> order, waiting(states_.size());
        order.reserve(states_.size());
        for (uint32_t i = 0; i < states_.size(); ++i)
            if (!(waiting[i] = states_[i].waiting)) order.push_back(i);
        for (size_t next = 0; next < order.size(); ++next) {
            Node* n = states_[order[next]].node;
            for (uint16_t k = 0, count = edges(n); k < count; ++k)
                if (Node* to = n->edge(k).node) {
                    auto at = static_cast<uint32_t>(state(to));
                    if (--waiting[at] == 0) order.push_back(at);
                }
        }
        for (size_t i = order.size(); i-- > 0;) {
            State& s = states_[order[i]];
            s.needed = options_.accumulate && s.captured && s.node->is_accumulate();
            for (uint16_t k = 0, count = edges(s.node); k < count && !s.needed; ++k)
                if (Node* to = s.node->edge(k).node) s.needed = states_[state(to)].reached();
        }
    }

    void walk() {
        const bool watched = modes.anomaly || profile;
        auto younger = [&](uint32_t a, uint32_t b) { return priority(a) < priority(b); };
        std::vector<uint32_t> ready;
        for (uint32_t i = 0; i < states_.size(); ++i)
            if (states_[i].waiting == 0) ready.push_back(i);
        std::make_heap(ready.begin(), ready.end(), younger);
        while (!ready.empty()) {
            uint32_t at;
            if (ready.size() == 1) {
                at = ready[0];
                ready.clear();
            } else {
                std::pop_heap(ready.begin(), ready.end(), younger);
                at = ready.back();
                ready.pop_back();
            }
            if (__builtin_expect(!waiting_.empty(), 0)) add_waiting(at);
            Node* n = states_[at].node;
            Tensors grads(n->output_count()), out(n->edge_count());
            {
                State& arrived = states_[at];
                grads[0] = std::move(arrived.grad);
                if (auto more = std::move(arrived.more))
                    for (size_t i = 0; i < more->size(); ++i) grads[i + 1] = std::move((*more)[i]);
            }
            watched ? evaluate_watched(at, n, grads, out) : evaluate(at, n, grads, out);
            for (uint16_t i = 0, count = edges(n); i < count; ++i) {
                const Edge e = n->edge(i);
                if (!e.node) continue;
                size_t to = state(e.node);
                if (!states_[to].reached()) continue;
                if (out[i]) add_grad(to, e.nr, std::move(out[i]));
                if (--states_[to].waiting == 0) {
                    ready.push_back(static_cast<uint32_t>(to));
                    if (ready.size() > 1) std::push_heap(ready.begin(), ready.end(), younger);
                }
            }
        }
    }

    // The edges that the run follows.
    uint16_t edges(const Node* n) const {
        return __builtin_expect(ends_.empty(), 1) ? n->edge_count() : edges_within(n);
    }
    __attribute__((noinline)) uint16_t edges_within(const Node* n) const {
        return std::binary_search(ends_.begin(), ends_.end(), n) ? 0 : n->edge_count();
    }
    // Whether a transform's walk ends at this node; notes what it meets.
    __attribute__((noinline)) bool ends_at(Node& n) {
        const bool ends = std::binary_search(ends_.begin(), ends_.end(), &n);
        beyond_ = beyond_ || goes_beyond(n, ends);
        return ends;
    }

    // Whether the run around goes on at this node.
    __attribute__((noinline)) bool goes_on_at(const Node* n) {
        if (!std::binary_search(ends_.begin(), ends_.end(), n)) return false;
        return std::find(own_.begin(), own_.end(), n) == own_.end();
    }
    // Ctrl-C ends a run: signals are looked at whenever about a millisecond's work is done.
    void listen(int64_t work) {
        if (__builtin_expect((work_ += work) >= 1 << 18, 0)) look_for_signals();
    }
    __attribute__((noinline)) void look_for_signals() {
        work_ = 0;
        if (PyErr_CheckSignals() < 0) throw PythonError();
    }

    uint64_t priority(uint32_t i) const {
        Node* n = states_[i].node;
        return n->is_accumulate() ? UINT64_MAX : n->sequence();
    }

    // Hooks run also where every gradient is undefined, which they see as None; most derivatives need not.
    void evaluate(uint32_t at, Node* n, Tensors& grads, Tensors& out) {
        const bool hooks = options_.hooks && (__builtin_expect(!options_.goes_on, 1) || !goes_on_at(n));
        if (hooks && (n->extra || n->is_accumulate())) run_output_hooks(*n, grads);
        if (states_[at].captured)
            for (Capture& c : captures)
                if (c.node.get() == n) c.grad = grads[c.nr];
        if (!states_[at].needed) return;
        if (hooks && n->extra) run_pre_hooks(*n, grads);
        bool any = false;
        for (size_t i = 0; i < grads.size(); ++i) {
            Tensor& g = grads[i];
            if (!g) continue;
            any = true;
            const OutputMeta& want = n->output(i);
            if (g->layout != want.layout.get() || g->dtype != want.dtype) check_arrived(*n, i, g);
            listen(g.numel() + 256);
        }
        Tensors given;
        bool post = hooks && n->extra && n->extra->post_hooks;
        if (post) given = grads;
        if (any && parts_ && !post && n->adds() && add_parts(*n, grads)) {
            if (!retain_) n->release_saved();
            return;
        }
        if (any || n->pulls_nothing()) n->pull(grads, out);
        for (uint16_t i = 0; i < n->edge_count(); ++i) validate(*n, i, out[i]);
        if (modes.anomaly && modes.anomaly_check_nan) check_anomaly(*n, out);
        if (!retain_) n->release_saved();
        if (!post) return;
        run_post_hooks(*n, given, out);
        for (uint16_t i = 0; i < n->edge_count(); ++i)
            validate(*n, i, out[i]);  // hooks may change them in place
    }

    // A gradient has the shape and dtype of what it is for; a hook that changed it in place may have left another.
    __attribute__((noinline)) void check_arrived(Node& n, size_t i, Tensor& g) {
        const OutputMeta& want = n.output(i);
        if (!want.layout) return;
        if (!g.layout().same_shape(*want.layout))
            fail(
                "Function {} returned an invalid gradient at index {} - got {} but expected shape compatible "
                "with {}. The gradient, or the result that it is for, got another geometry in place (t_(), "
                "data) where that is not recorded: in a hook, which should return the gradient that it "
                "wants, or under no_grad().",
                n.name(), i, shape_text(g.layout()), shape_text(*want.layout));
        if (g.dtype() != want.dtype) g = ops::to_dtype(g, want.dtype);
    }

    // ---- Note [Parts are added where they belong] ----

    struct Home {  // an output, and where what is added begins in it
        Node* node = nullptr;
        uint32_t nr = 0;
        int64_t shift = 0;
    };

    // Where a view begins in what it views; nothing if this is no view, or somebody sees its gradient.
    std::optional<int64_t> passes_on(const Home& h) {
        if (h.node->is_accumulate() || (options_.hooks && has_hooks(*h.node))) return std::nullopt;
        std::optional<int64_t> shift = h.node->view_shift(h.nr);
        if (shift && !captures.empty() && states_[state(h.node)].captured) return std::nullopt;
        return shift;
    }

    Home home_of(Edge e) {
        Home h{e.node, e.nr, 0};
        size_t steps = 0;
        for (; std::optional<int64_t> shift = passes_on(h); ++steps) h = step(h, *shift);
        if (steps > 4) {  // once more, to remember
            homes_.resize(states_.size());
            for (Home at{e.node, e.nr, 0}; at.node != h.node;) {
                Home& known = homes_[state(at.node)];
                Home next = step(at, *passes_on(at));
                known = {h.node, h.nr, h.shift - at.shift - *at.node->view_shift(at.nr)};
                at = next;
            }
        }
        return h;
    }

    // One view further down, or all the way where that is known.
    Home step(const Home& h, int64_t shift) {
        size_t at = homes_.empty() ? 0 : state(h.node);
        if (at < homes_.size() && homes_[at].node)
            return {homes_[at].node, homes_[at].nr, h.shift + shift + homes_[at].shift};
        const Edge e = h.node->edge(0);
        return {e.node, e.nr, h.shift + shift};
    }

    // The gradient at an output as memory to add to: laid out as the output is, where that has no gaps.
    Array open(const Home& h) {
        const OutputMeta& meta = h.node->output(h.nr);
        Tensor& sum = states_[state(h.node)].of(h.nr);
        Ref<Layout> layout = meta.layout->is_dense() ? meta.layout : Layout::contiguous(meta.layout->dims());
        if (!sum) {
            Array zeros = Array::empty(meta.dtype, layout);
            std::memset(zeros.data(), 0, zeros.bytes());
            sum = Tensor::make(zeros);
        } else if (!is_owned(sum) || !sum.layout().same(*layout)) {
            Array copy = Array::empty(meta.dtype, layout);
            copy_array(sum.array(), copy);
            sum = Tensor::make(copy);
        }
        return sum.array();
    }

    // What is to be added to a node's outputs by parts that have axes or tangents. It waits until all of it is there: then
    // the memory of a few entries is filled after the other, each by all parts while it is in the cache.
    struct Later {
        uint32_t nr;
        uint64_t level;  // of tangents; 0: gradients themselves
        Node* node;
        Tensors grads;
        Ref<Layout> whole;  // of an entry, in memory that lies as the output does
        int64_t shift;
    };
    struct Waiting {
        std::vector<Later> parts;
        int64_t elements = 0;  // of an entry, in the gradients: not more than a few times the whole
    };

    // The gradient at an output as memory of all entries, its old value in it or anything; `fresh` says which.
    [[gnu::cold, gnu::noinline]] Array open_mapped(const OutputMeta& meta, Tensor& sum,
                                                   const MappedAxes& axes, bool* fresh) {
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
    static Ref<Layout> entry_layout(const OutputMeta& meta) {
        return meta.layout->is_dense() ? meta.layout->plain() : Layout::contiguous(meta.layout->dims());
    }

    // Adds all that waits for a node.
    [[gnu::cold, gnu::noinline]] void add_waiting(size_t at) {
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
    using Parts = std::vector<Later>::iterator;
    void add_together(const OutputMeta& meta, Tensor& sum, Parts first, Parts last) {
        MappedAxes axes;
        if (sum) join_axes(axes, sum.layout());
        for (Parts l = first; l != last; ++l) {
            join_axes(axes, *l->whole);
            join_axes(axes, axes_of(l->grads));
        }
        bool fresh;
        const Array all = open_mapped(meta, sum, axes, &fresh);
        const MappedAxes laid = around(*entry_layout(meta), axes)->axes();
        const int64_t entries = axes.empty() ? 1 : axes[0].size, each = entries ? all.numel() / entries : 0;
        std::vector<Array> wholes;
        int64_t elements = 1;
        for (Parts l = first; l != last; ++l) {
            wholes.push_back(
                all.view(Layout::mapped(*l->whole, laid)->physical(axes), all.offset + l->shift));
            for (Tensor& g : l->grads)
                if (g) {
                    g = reveal(g, axes);
                    g->cell->buffer->data();
                    elements += entries ? g.numel() / entries : 0;
                }
        }
        before_write(all);
        if (axes.empty()) {
            if (fresh) fill_array(all, Scalar(0));
            for (Parts l = first; l != last; ++l)
                l->node->add_to(l->grads, wholes[static_cast<size_t>(l - first)]);
            return;
        }
        // As many entries as stay in the cache, but not so few that calls take longer than what they add.
        const int64_t few = kInCache / std::max<int64_t>(each, 1),
                      worth = kWorthCall * (last - first) / elements,
                      step = std::max<int64_t>({1, few, worth});
        for (int64_t from = 0; from < entries; from += step) {
            const int64_t n = std::min(step, entries - from);
            if (fresh) fill_array(entries_of(all, from, n), Scalar(0));
            for (Parts l = first; l != last; ++l) {
                Tensors grads;
                for (const Tensor& g : l->grads)
                    grads.push_back(g ? Tensor::make(entries_of(g.array(), from, n)) : g);
                l->node->add_to(grads, entries_of(wholes[static_cast<size_t>(l - first)], from, n));
            }
        }
    }
    static constexpr int64_t kInCache = 8000, kWorthCall = 1500;  // elements
    static Array entries_of(const Array& a, int64_t from, int64_t n) {
        Dims shape = a.layout->dims();
        shape[0] = n;
        return a.view(Layout::strided(shape, a.layout->stride_dims()), a.offset + from * a.stride(0));
    }

    // The axes that parts are added along: those of the gradients, of what is there and of the whole itself. False where
    // the engine has to settle them first: a gradient differs within a vmap that is over, and the whole does not.
    [[gnu::cold, gnu::noinline]] static bool find_axes(const Tensors& grads, const Layout& whole,
                                                       MappedAxes& axes) {
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

    [[gnu::cold, gnu::noinline]] bool add_mapped_parts(Node& n, const Tensors& grads, Home h, const Edge& e,
                                                       MappedAxes& axes) {
        const OutputMeta &whole = e.node->output(e.nr), &meta = h.node->output(h.nr);
        const size_t at = state(h.node);
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
        return n.add_to(shown,
                        all.view(Layout::mapped(*part_of, laid)->physical(axes), all.offset + h.shift));
    }

    void wait_for(size_t at, Later part) {
        Waiting& w = waiting_[at];
        for (const Tensor& g : part.grads) w.elements += g ? g.numel() : 0;
        const bool many = w.elements > 4 * part.whole->numel() + kInCache;
        w.parts.push_back(std::move(part));
        if (many) add_waiting(at);
    }

    // Gradients with tangents of one level: both are added.
    [[gnu::cold, gnu::noinline]] bool add_dual_parts(Node& n, const Tensors& grads, const Edge& e) {
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
        wait_for(state(h.node), {h.nr, 0, &n, below, part_of, h.shift});
        wait_for(state(h.node), {h.nr, level, &n, tangents, part_of, h.shift});
        return true;
    }

    Home dense_home_of(const Edge& e, bool levelled) {
        Home h = home_of(e);
        if (h.node == e.node) return h;
        const OutputMeta &meta = h.node->output(h.nr), &whole = e.node->output(e.nr);
        bool fits = meta.layout->is_dense() && meta.dtype == whole.dtype;
        if (__builtin_expect(levelled, 0))
            fits = fits && axes_beyond(meta.layout->axes(), *whole.layout).empty();
        return fits ? h : Home{e.node, e.nr, 0};
    }

    __attribute__((noinline)) bool add_parts(Node& n, const Tensors& grads) {
        const Edge e = n.edge(0);
        if (!e.node || !states_[state(e.node)].reached()) return false;
        const OutputMeta& whole = e.node->output(e.nr);
        if (!whole.layout || !is_differentiable(whole.dtype)) return false;
        bool mapped = whole.layout->is_mapped();
        for (const Tensor& g : grads) {
            if (!g) continue;
            if (__builtin_expect(g.is_dual(), 0)) return add_dual_parts(n, grads, e);
            if (g.dtype() != whole.dtype) return false;
            mapped = mapped || g.is_mapped();
        }
        MappedAxes axes;
        if (__builtin_expect(mapped, 0) && !find_axes(grads, *whole.layout, axes)) return false;
        const Home h = dense_home_of(e, mapped);
        const Tensor& there = states_[state(h.node)].of(h.nr);
        // Of several parts that are all there a new whole is made more cheaply than zeros are added to.
        if (there ? there.is_dual() : is_complete(grads)) return false;
        if (__builtin_expect(mapped || (there && there.is_mapped()), 0))
            return add_mapped_parts(n, grads, h, e, axes);
        Array sum = open(h);
        return n.add_to(grads, h.node == e.node ? sum : sum.view(whole.layout, sum.offset + h.shift));
    }

    static bool is_complete(const Tensors& grads) {
        if (grads.size() == 1) return false;
        for (const Tensor& g : grads)
            if (!g) return false;
        return true;
    }

    void evaluate_watched(uint32_t at, Node* n, Tensors& grads, Tensors& out) {
        std::unique_ptr<Measured> measured;
        if (profile) {
            measured = std::make_unique<Measured>(Event::Node, n->name());
            measured->event()->sequence = n->sequence();
        }
        try {
            evaluate(at, n, grads, out);
        } catch (...) {
            if (modes.anomaly) warn_of_anomaly(*n);
            throw;
        }
    }

    // Undoes broadcasting and promotion, once, for every rule.
    void validate(Node& n, uint16_t i, Tensor& g) {
        if (!g) return;
        const Edge e = n.edge(i);
        if (!e.node) {
            g = Tensor();
            return;
        }
        const OutputMeta& want = e.node->output(e.nr);
        if (!want.layout) return;
        if (__builtin_expect(g.is_mapped() || want.layout->is_mapped(), 0))
            g = ops::settle_axes(g, *want.layout);
        if (g->layout != want.layout.get() && !g.layout().same_shape(*want.layout)) {
            if (!can_sum_to(g.layout(), *want.layout))
                fail(
                    "Function {} returned an invalid gradient at index {} - got {} but expected shape "
                    "compatible with {}",
                    n.name(), i, shape_text(g.layout()), shape_text(*want.layout));
            g = ops::sum_to(g, *want.layout);
        }
        if (g.dtype() != want.dtype) {
            if (!is_differentiable(want.dtype)) {
                g = Tensor();
                return;
            }
            g = ops::to_dtype(g, want.dtype);
        }
    }

    void add_grad(size_t at, uint32_t nr, Tensor g) {
        Tensor& sum = states_[at].of(nr);
        if (!sum) sum = std::move(g);
        else
            sum = modes.grad || sum.is_dual() || g.is_dual() ? ops::add(sum, g)
                                                             : ops::add_owned(std::move(sum), g);
    }

    std::unordered_map<size_t, Waiting> waiting_;  // for the nodes of states
    const BackwardOptions& options_;
    bool create_;                    // whether the gradients get a graph
    bool retain_ = false;            // whether what is saved is kept
    bool beyond_ = false;            // whether the run reaches what a transform did not make itself
    std::vector<const Node*> ends_;  // sorted: where a transform's walk ends
    std::vector<const Node*> own_;   // those of them that are its variables
    bool parts_ = false;             // whether parts are added in place
    int64_t work_ = 0;               // since signals were looked at
    std::vector<Home> homes_;        // by state: where what is added to the input of a view belongs
    uint32_t id_;
    Run* outer_;
    std::vector<State> states_;
    std::vector<Ref<Node>> roots_;
    std::unordered_map<Node*, size_t> others_;
};

}  // namespace

uint32_t current_run() { return innermost ? innermost->id() : 0; }

bool run_accumulates() { return innermost && innermost->accumulates(); }
bool run_retains() { return innermost && innermost->retains(); }

bool will_run(const Tensor& t) {
    if (!innermost) return false;
    Edge e = gradient_edge(t);
    if (!e.node) return false;
    bool visits = innermost->visits(e.node);
    e.node->release();
    return visits;
}

GraphPoints as_points(const Tensors& ts) {
    GraphPoints points;
    for (const Tensor& t : ts) points.push_back({t, Ref<Node>(), 0});
    return points;
}

static Edge edge_of(const GraphPoint& p) {
    if (!p.node) return gradient_edge(p.tensor);
    p.node->retain();
    return {p.node.get(), p.nr};
}

Edge recorded_edge_of(const GraphPoint& p) {
    if (!p.node && !current_grad_fn(p.tensor) && p.tensor->flags & kRequiresGrad && p.tensor->accumulator) {
        p.tensor->accumulator->retain();
        return {p.tensor->accumulator, 0};
    }
    return edge_of(p);
}

// Goes on with "does not require grad".
static std::string why_no_grad(const Tensor& t) {
    if (!is_differentiable(t.dtype()))
        return std::string(". It has the dtype ") + dtype_name(t.dtype()) +
               ", and only floating point values have derivatives: something on the way (argmax, a "
               "comparison, "
               "a cast) made integers or truth values of it.";
    return ". Nothing it was computed from has requires_grad=True, or the graph was cut on the way: by "
           "detach(), by no_grad(), by item() or numpy(), or by building a new tensor from numbers. Under "
           "no_grad() "
           "`w = w - lr * w.grad` makes such a tensor: `w -= lr * w.grad` updates the one that there is.";
}

Tensors run_backward(const GraphPoints& outputs, const Tensors& grads, const GraphPoints& inputs,
                     const BackwardOptions& options, const GraphPoints& own) {
    Tensors results(options.accumulate ? 0 : inputs.size());
    Run run(options);
    for (const GraphPoint& x : inputs) {
        Edge e = recorded_edge_of(x);
        if (!e.node)
            fail(
                "One of the differentiated Tensors does not require grad. Call requires_grad_() on it before "
                "it is used, so that what is computed from it is recorded.");
        run.captures.push_back({Ref<Node>::steal(e.node), e.nr, Tensor()});
        if (options.beyond) run.end_at(e.node);
    }
    std::vector<Ref<Node>> kept;  // as long as the run knows them
    for (const GraphPoint& x : own)
        if (Edge e = recorded_edge_of(x); e.node) {
            kept.push_back(Ref<Node>::steal(e.node));
            run.end_at_own(e.node);
        }
    for (size_t i = 0; i < outputs.size(); ++i) {
        Edge e = edge_of(outputs[i]);
        if (!e.node)
            fail("element {} of tensors does not require grad and does not have a grad_fn{}", i,
                 why_no_grad(outputs[i].tensor));
        Tensor g = grads[i];
        if (!g) {
            const OutputMeta& meta = e.node->output(e.nr);
            if (meta.layout->numel() != 1) {
                std::string shape = shape_text(*meta.layout);
                e.node->release();
                fail(
                    "grad can be implicitly created only for scalar outputs. This output has shape {}: sum() "
                    "it, or say how much each element counts with backward(gradient=...) or grad(..., "
                    "grad_outputs=...).",
                    shape);
            }
            if (is_complex(meta.dtype)) {
                const DType dtype = meta.dtype;
                e.node->release();
                fail(
                    "grad can be implicitly created only for real scalar outputs but got pullback.{}. Of a "
                    "complex "
                    "output take a real function, such as abs() or .real, or give backward(gradient=...).",
                    dtype_name(dtype));
            }
            g = ops::ones(meta.dtype, meta.layout);
        }
        run.add_root(e, std::move(g));
    }
    run.go();
    if (!options.accumulate)
        for (size_t i = 0; i < inputs.size(); ++i) {
            results[i] = run.captures[i].grad;
            if (!results[i] && !options.allow_unused)
                fail(
                    "The differentiated Tensor at index {} appears to not have been used in the graph. Set "
                    "allow_unused=True if this is the desired behavior. It has shape {}: either the output "
                    "does not depend on it, or the dependence was cut by detach(), no_grad() or item().",
                    i, shape_text(*run.captures[i].node->output(run.captures[i].nr).layout));
        }
    return results;
}

}  // namespace pb
