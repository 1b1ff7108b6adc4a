// The engine.
//
// One run has three steps. `discover` walks from the roots once, without recursion, and counts for every node how
// many edges lead to it. If only some inputs are wanted, `select` marks the nodes that lead to them. `walk` then
// takes ready nodes (all of whose gradients have arrived) from a heap, youngest first, leaves before all
// others, so that hooks, accumulation and capture happen in PyTorch's documented order.
//
// Counters and gradients belong to the run, not to the node (tape/states.h). A run counts references to its roots only:
// they hold everything it walks. Gradients of parts are added where they belong (tape/parts.cpp).
#include "tape/engine.h"

#include <algorithm>
#include <memory>
#include <unordered_set>
#include <vector>

#include "program/profile.h"
#include "program/work_log.h"
#include "tape/hooks.h"
#include "tape/operations.h"
#include "tape/parts.h"
#include "tape/saved.h"
#include "tape/states.h"
#include "tape/tangents.h"
#include "tape/variables.h"
#include "tensor/mapped.h"

namespace pb {

namespace {

// Goes on with "does not require grad".
constexpr const char* kReturned =
    ". It was computed inside of a function whose transform (grad, vjp, jacrev) has returned, from the "
    "arguments of that "
    "function alone: outside it is a constant. Return it from the function (has_aux=True) and differentiate "
    "the result.";

class Run;
thread_local Run* innermost __attribute__((tls_model("initial-exec"))) = nullptr;

class Run {
  public:
    explicit Run(const BackwardOptions& options)
        : options_(options),
          create_(options.create_graph),
          outer_(innermost),
          parts_(states_, options.hooks) {
        innermost = this;
    }
    ~Run() { innermost = outer_; }

    void add_root(Edge e, Tensor grad) {  // takes the reference in `e`
        beyond_ = beyond_ || grad.requires_grad();
        roots_.push_back(Ref<Node>::steal(e.node));
        add_grad(states_.at(e.node), e.nr, std::move(grad));
    }

    uint32_t id() const { return states_.id(); }
    bool accumulates() const { return options_.accumulate && captures.empty(); }
    bool retains() const { return retain_; }
    // Whether the run will compute the gradients that arrive at this node.
    bool visits(Node* n) {
        State* s = states_.known(n);
        return s && s->reached();
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
        if (__builtin_expect(!lives_, 0) && accumulates() && !roots_.empty()) look_for_hooks();
        if (!captures.empty()) select();
        if (options_.beyond) create_ = ((*options_.beyond = beyond_) || options_.goes_on) && create_;
        adds_parts_ = !create_ && !modes.anomaly;
        parts_.captures = !captures.empty();
        retain_ = options_.retain_graph || (options_.beyond && create_);
        GradMode mode(create_);
        walk();
    }

  private:
    void discover() {
        size_t next = 0;  // states are appended in the order of discovery: the vector is its own work list
        while (next < states_.size()) {
            Node* n = states_[next++].node;
            listen(1);
            if (__builtin_expect(options_.beyond != nullptr, 0) && ends_at(*n)) continue;
            if (!n->edge_count()) lives_ = lives_ || !is_closed(*n);
            for (uint16_t i = 0; i < n->edge_count(); ++i)
                if (Node* to = n->edge(i).node) ++states_.of(to).waiting;
        }
    }

    // All leaves that were met are closed variables: unless a hook wants a gradient on the way, nobody gets one.
    [[gnu::cold]] void look_for_hooks() {
        for (State& s : states_)
            if (s.node->extra && has_hooks(*s.node)) return;
        fail("element 0 of tensors does not require grad and does not have a grad_fn{}", kReturned);
    }

    // A node is needed if a captured node can be reached from it: decided from the ends of the graph to its roots,
    // in the reverse of a topological order. (Creation order will not do: a stale view gets its node, of an older
    // value, when the operation that reads it is recorded already.)
    void select() {
        for (State& s : states_) s.needed = false;
        for (Capture& c : captures)
            if (State* s = states_.known(c.node.get())) s->captured = true;
        std::vector<uint32_t> order, waiting(states_.size());
        order.reserve(states_.size());
        for (uint32_t i = 0; i < states_.size(); ++i)
            if (!(waiting[i] = states_[i].waiting)) order.push_back(i);
        for (size_t next = 0; next < order.size(); ++next) {
            Node* n = states_[order[next]].node;
            for (uint16_t k = 0, count = edges(n); k < count; ++k)
                if (Node* to = n->edge(k).node) {
                    auto at = static_cast<uint32_t>(states_.at(to));
                    if (--waiting[at] == 0) order.push_back(at);
                }
        }
        for (size_t i = order.size(); i-- > 0;) {
            State& s = states_[order[i]];
            s.needed = options_.accumulate && s.captured && s.node->is_accumulate();
            for (uint16_t k = 0, count = edges(s.node); k < count && !s.needed; ++k)
                if (Node* to = s.node->edge(k).node) s.needed = states_.of(to).reached();
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
            if (__builtin_expect(parts_.any_waiting(), 0)) parts_.add_waiting(at);
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
                size_t to = states_.at(e.node);
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
        if (__builtin_expect(work_log != nullptr, 0) && !n->is_noted()) work_log->spoil(n->name());
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
        if (any && adds_parts_ && !post && n->adds() && parts_.add(*n, grads)) {
            if (!retain_) n->release_saved();
            return;
        }
        // A transform that has returned freed what only it needed.
        if (__builtin_expect(n->was_released(), 0) && captures.empty() && leads_nowhere(*n, nowhere_)) return;
        if (any || n->pulls_nothing()) n->pull(grads, out);
        for (uint16_t i = 0, count = n->edge_count(); i < count; ++i)
            if (out[i]) validate(*n, i, out[i]);
        if (modes.anomaly && modes.anomaly_check_nan) check_anomaly(*n, out);
        if (!retain_) n->release_saved();
        if (!post) return;
        run_post_hooks(*n, given, out);
        for (uint16_t i = 0; i < n->edge_count(); ++i)
            if (out[i]) validate(*n, i, out[i]);  // hooks may change them in place
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
        const Edge e = n.edge(i);
        if (!e.node) {
            g = Tensor();
            return;
        }
        const OutputMeta& want = e.node->output(e.nr);
        if (g->layout != want.layout.get() || g->dtype != want.dtype || g->exceptional & kMapped)
            settle(n, i, g, want);
    }
    __attribute__((noinline)) void settle(Node& n, uint16_t i, Tensor& g, const OutputMeta& want) {
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

    const BackwardOptions& options_;
    bool create_;                    // whether the gradients get a graph
    bool retain_ = false;            // whether what is saved is kept
    bool lives_ = false;             // whether it has met a leaf that is not a transform's which has returned
    bool beyond_ = false;            // whether the run reaches what a transform did not make itself
    bool adds_parts_ = false;        // whether parts are added in place
    std::vector<const Node*> ends_;  // sorted: where a transform's walk ends
    std::vector<const Node*> own_;   // those of them that are its variables
    std::unordered_set<const Node*> nowhere_;  // what is known to lead nowhere (tape/variables.h)
    int64_t work_ = 0;                         // since signals were looked at
    Run* outer_;
    std::vector<Ref<Node>> roots_;
    States states_;
    Parts parts_;
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
    if (!p.node && !current_grad_fn(p.tensor) && p.tensor->flags & kRequiresGrad) {
        if (Node* recorded = recorded_accumulator(p.tensor)) return recorded->retain(), Edge{recorded, 0};
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
