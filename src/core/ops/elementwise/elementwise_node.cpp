#include "ops/elementwise/elementwise_node.h"

#include <cstring>

#include "compute/spread.h"
#include "ops/elementwise/pending.h"
#include "ops/operators.h"
#include "tape/hooks.h"
#include "tensor/mapped.h"

namespace pb {

constexpr int64_t kNegatedLater = 4096;  // elements from which on it pays to sum first

ElementwiseNode* ElementwiseNode::record(const Row& row, const Operand* operands, const Tensor& y,
                                         uint8_t wanted) {
    const Row::Pullback& pullback = row.pullback(wanted);
    const uint16_t edges = pullback.edges;
    const uint8_t slots = pullback.slots;
    void* p = pool_alloc(bytes(edges, slots));
    auto* node = new (p) ElementwiseNode(edges, pullback, wanted, slots);
    Edge* e = reinterpret_cast<Edge*>(static_cast<char*>(p) + sizeof(ElementwiseNode));
    for (uint16_t i = 0; i < edges; ++i) new (e + i) Edge();
    node->attach_edges(e);
    Saved* s = node->saved();
    for (uint8_t i = 0; i < slots; ++i) new (s + i) Saved();
    try {
        const int arity = row.arity;
        for (int i = 0; i < arity; ++i) {
            if (const Tensor* t = operands[i].tensor) {
                if (is_complex(t->dtype())) node->of_complex_ = true;
                if (wanted >> i & 1) node->lead_to(static_cast<size_t>(i), gradient_edge(*t));
            } else if (i < 3 && !(row.parameters >> i & 1)) {
                node->form_ = static_cast<uint8_t>(i + 1);
            }
        }
        for (uint32_t uses = pullback.uses; uses; uses &= uses - 1, ++s) {
            const int v = __builtin_ctz(uses);
            if (v == arity) s->save(y, Saved::kOutput, 0);
            else if (const Tensor* t = operands[v].tensor)
                s->save(*t, Saved::kInput, static_cast<uint8_t>(v));
            else s->save_scalar(operands[v].scalar);
        }
        node->set_output(y);
    } catch (...) {
        node->release();
        throw;
    }
    return node;
}

ElementwiseNode::~ElementwiseNode() {
    for (uint8_t i = 0; i < slots_; ++i) saved()[i].~Saved();
}

void ElementwiseNode::destroy() {
    size_t n = bytes(edge_count(), slots_);
    this->~ElementwiseNode();
    pool_free(this, n);
}

void ElementwiseNode::release_saved() {
    for (uint8_t i = 0; i < slots_; ++i) saved()[i].reset();
    released_ = slots_ > 0;
}

void ElementwiseNode::keep_tangents(const Tensors& operands, const Tensors& results) {
    int slot = 0;
    for (int v = 0; v <= pullback_.row->arity; ++v) {
        if (!(pullback_.uses >> v & 1)) continue;
        Saved& s = saved()[slot++];
        if (s.holds_tensor())
            s.keep_tangents(v == pullback_.row->arity ? results[0] : operands[static_cast<size_t>(v)]);
    }
}

// `_partials`: for each operand what its partial derivative is, and which values it reads: a bit for each operand, 128 for
// the result.
PyObject* ElementwiseNode::attribute(const char* key) {
    if (std::strcmp(key, "_partials") != 0) return nullptr;
    static constexpr const char* kinds[] = {"none", "constant", "conjugate", "mask", "number", "gradient"};
    const Row& row = *pullback_.row;
    PyObject* all = PyTuple_New(edge_count());
    for (uint16_t i = 0; all && i < edge_count(); ++i) {
        const char* kind = kinds[row.partial[i].kind];
        if (row.partial[i].kind == Partial::Constant && row.partial[i].constant == 0) kind = "none";
        const int operands = row.reads[i] & ((1 << row.arity) - 1), result = row.reads[i] >> row.arity & 1;
        PyTuple_SET_ITEM(all, i, Py_BuildValue("(si)", kind, operands | result << 7));
    }
    return all;
}

// Without a graph of the gradient, and everything contiguous: memory in, memory out.
bool ElementwiseNode::pull_contiguous(const Tensor& g, Tensors& out) {
    const Layout* shape = g->layout;
    if (!shape->is_contiguous() || shape->numel() == 0 || is_large(shape->numel(), g.dtype()) ||
        g->cell->buffer->is_pending() || !is_float(g.dtype()) || of_complex_)
        return false;
    const int edges = edge_count();
    if (const size_t count = pullback_.program.outputs.size()) {
        const Lowered& program = lower(pullback_.program, g.dtype());
        if (!program.contiguous) return false;
        ContiguousSource sources[kMaxOperands + 2];
        const Layout* layouts[kMaxOperands + 2];
        Slot slots[kMaxOperands + 2];
        bool alike = true;
        Saved* each = saved();
        for (int i = 0, last = slots_; i < last; ++i) {
            Saved& s = each[i];
            if (!s.holds_tensor()) {
                s.scalar().store(program.type(static_cast<int16_t>(i)), &slots[i]);
                sources[i] = {&slots[i], true};
                layouts[i] = nullptr;
                continue;
            }
            const Layout* l = s.layout();
            if (!s.is_plain()) return false;
            if (!s.is_current()) s.check(*this);
            if (s.dtype() != program.type(static_cast<int16_t>(i)) || !l->is_contiguous() || l->is_mapped() ||
                s.is_pending())
                return false;
            alike = alike && (l == shape || l->same_shape(*shape));
            sources[i] = {s.data(), false};
            layouts[i] = l;
        }
        if (program.type(slots_) != g.dtype()) return false;
        sources[slots_] = {g.data(), false};
        layouts[slots_] = nullptr;
        void* memory[kMaxOperands];
        for (int i = 0; i < edges; ++i)
            if (const int o = pullback_.output[i]; wanted_ >> i & 1 && o >= 0) {
                Tensor& result = out[static_cast<size_t>(i)] = Tensor::fresh(g.dtype(), g.layout_ref());
                memory[o] = result->cell->buffer->data();
            }
        if (alike) execute_contiguous(program, sources, memory, shape->numel());
        else if (!execute_spread(program, sources, layouts, memory, *shape)) {
            for (Tensor& result : out) result = Tensor();
            return false;
        }
    }
    for (int i = 0; i < edges; ++i) {
        if (const int o = pullback_.output[i]; wanted_ >> i & 1 && o < 0)
            out[static_cast<size_t>(i)] = o == -1 ? g : ops::zeros(g.dtype(), g.layout_ref());
    }
    return true;
}

// Without a graph of the gradient: arrays in, arrays out, one program.
bool ElementwiseNode::pull_arrays(const Tensor& g, Tensors& out) {
    Source sources[kMaxOperands + 2];
    Array held[kMaxOperands + 2];
    if (__builtin_expect(any_mapped(g), 0)) return pull_mapped(g, out);
    for (uint8_t i = 0; i < slots_; ++i) {
        Saved& s = saved()[i];
        if (!s.holds_tensor()) {
            sources[i].scalar = s.scalar();
            continue;
        }
        if (!s.is_plain()) return false;
        held[i] = s.array(*this);
        sources[i].array = &held[i];
    }
    held[slots_] = g.value();
    sources[slots_].array = &held[slots_];
    const DType type = pulled_in(g);
    const Lowered& program = lower(pullback_.program, type);
    Array results[kMaxOperands];
    size_t n = pullback_.program.outputs.size();
    const Layout& shape = g.layout();
    Ref<Layout> dense = shape.is_dense()
                            ? g.layout_ref()
                            : Layout::contiguous(shape.shape(), static_cast<size_t>(shape.ndim()));
    if (ops::leaves_pending(sources, slots_ + 1, shape, type)) {
        for (size_t i = 0; i < n; ++i) results[i] = defer(program, static_cast<int>(i), sources, dense, type);
    } else {
        for (size_t i = 0; i < n; ++i) results[i] = Array::empty(type, dense);
        if (n) execute(program, sources, results, shape);
    }
    for (uint16_t i = 0; i < edge_count(); ++i) {
        if (!(wanted_ >> i & 1)) continue;
        int o = pullback_.output[i];
        out[i] = o >= 0 ? Tensor::make(results[o]) : o == -1 ? g : ops::zeros(g.dtype(), g.layout_ref());
    }
    return true;
}

bool ElementwiseNode::any_mapped(const Tensor& g) {
    bool mapped = g.is_mapped();
    for (uint8_t i = 0; i < slots_; ++i)
        if (const Saved& s = saved()[i]; s.holds_tensor() && s.is_plain())
            mapped = mapped || s.layout()->is_mapped();
    return mapped;
}

// The same over all entries: the axes stand in front of everything.
[[gnu::cold, gnu::noinline]] bool ElementwiseNode::pull_mapped(const Tensor& g, Tensors& out) {
    MappedAxes all = g.layout().axes();
    for (uint8_t i = 0; i < slots_; ++i) {
        if (!saved()[i].holds_tensor()) continue;
        if (!saved()[i].is_plain()) return false;
        join_axes(all, *saved()[i].layout());
    }
    Source sources[kMaxOperands + 2];
    Array held[kMaxOperands + 2];
    for (uint8_t i = 0; i < slots_; ++i) {
        Saved& s = saved()[i];
        if (!s.holds_tensor()) {
            sources[i].scalar = s.scalar();
            continue;
        }
        held[i] = s.array(*this);
        if (held[i].layout->is_mapped()) held[i].layout = held[i].layout->physical(all, g.ndim(), true);
        sources[i].array = &held[i];
    }
    held[slots_] = reveal_value(g, all);
    sources[slots_].array = &held[slots_];
    const DType type = pulled_in(g);
    const Lowered& program = lower(pullback_.program, type);
    Array results[kMaxOperands];
    size_t n = pullback_.program.outputs.size();
    Ref<Layout> dense = Layout::contiguous(held[slots_].layout->dims());
    if (ops::leaves_pending(sources, slots_ + 1, *dense, type)) {
        for (size_t i = 0; i < n; ++i) results[i] = defer(program, static_cast<int>(i), sources, dense, type);
    } else {
        for (size_t i = 0; i < n; ++i) results[i] = Array::empty(type, dense);
        if (n) execute(program, sources, results, *dense);
    }
    for (uint16_t i = 0; i < edge_count(); ++i) {
        if (!(wanted_ >> i & 1)) continue;
        int o = pullback_.output[i];
        out[i] = o >= 0    ? hide(Tensor::make(results[o]), all)
                 : o == -1 ? g
                           : ops::zeros(g.dtype(), g.layout_ref());
    }
    return true;
}

// What was subtracted from something larger: its gradient is summed first, then negated, which has the same bits. A
// pending gradient is negated where it is computed, so that the sum ends that program.
bool ElementwiseNode::pull_negated_sum(const Tensor& g, Tensors& out) {
    if (pullback_.program.outputs.size() != 1 || !g.layout().is_contiguous() || g->cell->buffer->is_pending())
        return false;
    for (uint16_t i = 0; i < edge_count(); ++i) {
        if (!(wanted_ >> i & 1) || pullback_.output[i] != 0) continue;
        const Partial& partial = pullback_.row->partial[i];
        if (partial.kind != Partial::Constant || partial.constant != -1) return false;
        const Edge e = edge(i);
        const Layout* smaller = e.node ? e.node->output(e.nr).layout.get() : nullptr;
        if (!smaller || smaller->numel() >= g.numel() || !can_sum_to(g.layout(), *smaller)) return false;
        out[i] = ops::unary("neg", ops::sum_to(g, *smaller));
    }
    for (uint16_t i = 0; i < edge_count(); ++i)
        if (wanted_ >> i & 1 && pullback_.output[i] < 0)
            out[i] = pullback_.output[i] == -1 ? g : ops::zeros(g.dtype(), g.layout_ref());
    return true;
}

void ElementwiseNode::pull(Tensors& grads, Tensors& out) {
    if (released_) fail_released(*this);
    const Tensor& g = grads[0];
    if (!modes.grad && !g.is_dual() &&
        ((!g.is_mapped() &&
          ((!slots_ && g.numel() >= kNegatedLater && pull_negated_sum(g, out)) || pull_contiguous(g, out))) ||
         pull_arrays(g, out)))
        return;
    // With a graph, with tangents, or of what was packed: the same program through the recorder. Every operand is brought to the
    // dtype the function was computed in first.
    Tensor unpacked[kMaxOperands + 1];
    Operand operands[kMaxOperands + 2];
    const DType type = pulled_in(g);
    const Lowered& program = lower(pullback_.program, type);
    for (uint8_t i = 0; i < slots_; ++i) {
        Saved& s = saved()[i];
        if (!s.holds_tensor()) {
            operands[i].scalar = s.scalar();
            continue;
        }
        unpacked[i] = s.unpack(*this);
        if (unpacked[i].dtype() != program.type(i)) unpacked[i] = ops::to_dtype(unpacked[i], program.type(i));
        operands[i].tensor = &unpacked[i];
    }
    const Tensor cotangent = ops::to_dtype(g, computed_as(g.dtype()));
    operands[slots_].tensor = &cotangent;
    Tensors results = ops::play(pullback_.program, operands, computed_as(type));
    for (uint16_t i = 0; i < edge_count(); ++i) {
        if (!(wanted_ >> i & 1)) continue;
        int o = pullback_.output[i];
        out[i] = o >= 0    ? results[static_cast<size_t>(o)]
                 : o == -1 ? g
                           : ops::zeros(g.dtype(), g.layout_ref());
    }
}

PyObject* ElementwiseNode::saved_value(size_t number) {
    if (!(pullback_.uses >> number & 1)) return nullptr;
    if (released_) fail_released(*this);
    int slot = __builtin_popcount(pullback_.uses & ((1u << number) - 1));
    Saved& s = saved()[slot];
    if (s.holds_tensor()) return s.unpack(*this).release();
    Scalar v = s.scalar();
    return v.kind == Scalar::Complex ? PyComplex_FromDoubles(v.f, v.im)
           : v.kind == Scalar::Float ? PyFloat_FromDouble(v.f)
                                     : PyLong_FromLongLong(v.i);
}

}  // namespace pb
