#include "ops/rule/series.h"

#include "ops/operators.h"
#include "ops/rule/levels.h"

namespace pb {

Replay::~Replay() = default;

namespace {

// The replays that this thread is inside of, the innermost first.
struct Active {
    uint64_t level;
    int last;  // the highest order that operations inside will be asked for
    Replay* replay;
    Active* outer;
};
thread_local Active* active = nullptr;

// One more application of a pushforward, with series up to `order`.
class Application {
  public:
    Application(Replay& replay, uint64_t level, int order, int last)
        : limit_(level, order), mine_{level, last, &replay, active} {
        replay.next = 0;
        active = &mine_;
    }
    ~Application() { active = mine_.outer; }
    Application(const Application&) = delete;
    Application& operator=(const Application&) = delete;

  private:
    SeriesOrder limit_;
    Active mine_;
};

// The same value, coefficients included, as a tensor that can be given others.
Tensor twin(const Tensor& t) {
    Tensor s = t.alias();
    take_history(s, t);
    s->flags |= t->flags & kInference;
    return s;
}

Tensor zeros_like(const Tensor& x) { return ops::zeros(x.dtype(), Layout::contiguous(x.shape())); }

bool any(const Tensors& all) {
    for (const Tensor& t : all)
        if (t) return true;
    return false;
}

struct Rule {
    Expansion& e;
    const Tensors &operands, &below, &out;
    uint64_t level;
    int order;
    const Pushforward& push;

    int known() const { return static_cast<int>(e.found.size()); }

    Tensors coefficients(int n) const {
        Tensors all(operands.size());
        for (size_t i = 0; i < operands.size(); ++i) all[i] = coefficient(operands[i], level, n);
        return all;
    }
    // What moves as a tangent does.
    Tensors alone(int n, Reads* reads = nullptr) const {
        const Tensors t = coefficients(n);
        return any(t) ? push(below, out, t, reads) : Tensors(out.size());
    }

    void convolve() const {
        for (int n = known() + 1; n <= order; ++n) {
            Tensors sum = alone(n);
            for (int j = 1; j < n; ++j) {
                const Tensor a = coefficient(operands[0], level, j);
                const Tensor b = a ? coefficient(operands[1], level, n - j) : Tensor();
                if (!b) continue;
                Tensor product = push({below[0], b}, out, {a, Tensor()}, nullptr)[0];
                sum[0] = sum[0] ? ops::add(sum[0], product) : product;
            }
            e.found.push_back(sum);
        }
    }

    void expand() const {
        if (!known()) begin();
        if (!e.reads.any()) {
            while (known() < order) e.found.push_back(alone(known() + 1));
        } else if (e.replayed || e.reads.outputs) {
            while (known() < order) {
                const int n = known();  // the derivative's coefficient n is the next one's
                follow(n + 1);
                Application again(e.inner, level, n, e.last - 1);
                take(push(e.inputs, e.results, e.moving, nullptr), n + 1);
            }
        } else if (known() < order) {
            follow(order);
            SeriesOrder limit(level, order - 1);
            const Tensors moved = push(e.inputs, out, e.moving, nullptr);
            while (known() < order) take(moved, known() + 1);
        }
    }

  private:
    // The first coefficient that there is, and whether the others can be had like it.
    void begin() const {
        e.varies = Small<bool, 4>(operands.size(), false);
        int first = 0;
        for (int n = order; n >= 1; --n) {
            const Tensors t = coefficients(n);
            for (size_t i = 0; i < t.size(); ++i)
                if (t[i]) e.varies[i] = true, first = n;
        }
        if (!first) return e.found.assign(static_cast<size_t>(order), Tensors(out.size()));
        e.found.assign(static_cast<size_t>(first - 1), Tensors(out.size()));
        Tensors t = coefficients(first);
        for (size_t i = 0; i < t.size(); ++i)  // all that varies moves, so that all is read that will be
            if (e.varies[i] && !t[i]) t[i] = zeros_like(operands[i]);
        Reads reads{&e.varies};
        e.found.push_back(push(below, out, t, &reads));
        e.reads = {nullptr, reads.inputs, reads.outputs};
    }

    // Brings x and x' up to orders n and n - 1, and y to what is known of it. What varies has a first coefficient, be it zero:
    // so it is in every application that the same operations see series.
    void follow(int n) const {
        if (e.inputs.empty()) {
            e.inputs = below;
            e.results = out;
            e.moving = Tensors(operands.size());
            for (size_t i = 0; i < operands.size(); ++i) {
                if (!e.varies[i]) continue;
                Tensor head = coefficient(operands[i], level, 1);
                if (!head) head = zeros_like(operands[i]);
                e.inputs[i] = twin(below[i]);
                set_tangent(e.inputs[i], coefficient_key(level, 1), head);
                e.moving[i] = twin(head);
                set_tangent(e.moving[i], coefficient_key(level, 1), zeros_like(operands[i]));
            }
            for (size_t j = 0; j < out.size(); ++j)
                if (is_differentiable(out[j].dtype())) e.results[j] = twin(out[j]);
        }
        for (size_t i = 0; i < operands.size(); ++i)
            for (int k = e.followed + 1; k <= n && e.varies[i]; ++k)
                if (Tensor c = coefficient(operands[i], level, k)) {
                    set_tangent(e.inputs[i], coefficient_key(level, k), c);
                    if (k > 1)
                        set_tangent(e.moving[i], coefficient_key(level, k - 1),
                                    ops::mul(c, static_cast<double>(k)));
                }
        e.followed = n;
        give_coefficients(e, e.results, level);
    }

    // Coefficient n, from the derivative.
    void take(const Tensors& derivative, int n) const {
        Tensors next(out.size());
        for (size_t j = 0; j < derivative.size(); ++j)
            if (Tensor c = coefficient(derivative[j], level, n - 1))
                next[j] = ops::div(c, static_cast<double>(n));
        e.found.push_back(next);
    }
};

}  // namespace

Expanding::Expanding(const Tensors& operands, uint64_t level, const void* what) : expansion_(&own_) {
    own_.last = series_order(level);
    Active* in = active;
    while (in && in->level != level) in = in->outer;
    if (!in) return;
    Tensors heads(operands.size());
    for (size_t i = 0; i < operands.size(); ++i) heads[i] = coefficient(operands[i], level, 1);
    Replay& replay = *in->replay;
    auto same = [&](const Expansion& e) {
        for (size_t i = 0; i < heads.size() && e.heads.size() == heads.size(); ++i)
            if (!heads[i].is(e.heads[i])) return false;
        return e.what == what && e.heads.size() == heads.size();
    };
    if (replay.next < replay.operations.size() && !same(*replay.operations[replay.next]))
        replay.operations.resize(replay.next);
    if (replay.next == replay.operations.size()) {
        replay.operations.push_back(std::make_unique<Expansion>());
        Expansion& e = *replay.operations.back();
        e.what = what;
        e.heads = heads;
        e.last = in->last;
        e.replayed = true;
    }
    expansion_ = replay.operations[replay.next++].get();
}

void expand_rule(Expansion& e, const Tensors& operands, const Tensors& below, const Tensors& out,
                 uint64_t level, bool bilinear, const Pushforward& push) {
    Rule rule{e, operands, below, out, level, series_order(level), push};
    bilinear ? rule.convolve() : rule.expand();
    give_coefficients(e, out, level);
}

void give_coefficients(const Expansion& e, const Tensors& out, uint64_t level) {
    for (size_t n = 1; n <= e.found.size(); ++n)
        for (size_t j = 0; j < e.found[n - 1].size(); ++j)
            if (const Tensor& c = e.found[n - 1][j]; c && is_differentiable(out[j].dtype()))
                set_tangent(out[j], coefficient_key(level, static_cast<int>(n)), c);
}

Tensor series_derivative(const Tensor& x, uint64_t level, int order) {
    bool varies = false;
    for (int n = 1; n <= order; ++n) varies = varies || coefficient(x, level, n);
    if (!varies) return Tensor();
    const Tensor first = coefficient(x, level, 1);
    Tensor d = first ? twin(first) : zeros_like(x);
    for (int n = 1; n < order; ++n)
        if (Tensor c = coefficient(x, level, n + 1))
            set_tangent(d, coefficient_key(level, n), ops::mul(c, static_cast<double>(n + 1)));
    return d;
}

}  // namespace pb
