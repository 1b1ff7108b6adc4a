#include "ops/elementwise/fast.h"

#include <cstring>

#include "compute/spread.h"
#include "ops/elementwise/elementwise_node.h"
#include "ops/elementwise/pending.h"
#include "ops/operators.h"

namespace pb::ops {

namespace {

inline bool is_simple(const TensorObject* t) {
    return !t->exceptional && !(t->flags & kIsView && is_stale_dual(t)) && is_float(t->dtype) &&
           t->layout->is_standard() && t->layout->numel() > 0;
}
inline bool is_plain(const TensorObject* t) {
    return is_simple(t) && !is_large(t->layout->numel(), t->dtype) && !t->cell->buffer->is_pending();
}
inline bool wants_grad(const TensorObject* t) { return t->grad_fn || t->flags & (kRequiresGrad | kIsView); }

inline const char* data_of(const TensorObject* t) {
    return t->cell->buffer->data() + t->offset * static_cast<int64_t>(item_size(t->dtype));
}

inline void record(const Row& row, const Operand* operands, const Tensor& y, uint8_t wanted) {
    ElementwiseNode* node = ElementwiseNode::record(row, operands, y, wanted);
    y->grad_fn = node;  // takes over the reference
}

// A handle of a tensor that the caller holds, without a reference of its own.
struct Lent {
    explicit Lent(TensorObject* o) : tensor(Tensor::steal(o)) {}
    Lent(const Lent&) = delete;
    ~Lent() { tensor.release(); }
    Tensor tensor;
};

inline void record_binary(const Row& row, TensorObject* a, TensorObject* b, const Tensor& y) {
    if (!modes.grad || !row.differentiable || !(wants_grad(a) || wants_grad(b))) return;
    const Lent ta(a), tb(b);
    const Operand operands[2] = {ta.tensor, tb.tensor};
    uint8_t wanted = static_cast<uint8_t>(
        (wants_grad(a) && ta.tensor.requires_grad() && row.partial[0].kind != Partial::None ? 1 : 0) |
        (wants_grad(b) && tb.tensor.requires_grad() && row.partial[1].kind != Partial::None ? 2 : 0));
    if (wanted) record(row, operands, y, wanted);
}

// Of two shapes. One that is a single value stays one; the other is written out as often as it is repeated.
__attribute__((noinline)) Tensor fast_broadcast(const Row& row, const BlockKernel* kernels, TensorObject* a,
                                                TensorObject* b) {
    Ref<Layout> shape = met_layout(*a->layout, *b->layout);
    if (!shape) return Tensor();
    int64_t n = shape->numel();
    auto is_smaller = [n](const TensorObject* t) {
        return t->layout->numel() != n && t->layout->numel() != 1;
    };
    const int64_t smaller = is_smaller(a) + is_smaller(b);
    if (is_large(n, a->dtype) || !SpreadRoom::fits(smaller, *shape, item_size(a->dtype))) return Tensor();
    SpreadRoom room;
    TensorObject* operands[2] = {a, b};
    const void* in[2];
    int single = 0;
    for (int i = 0; i < 2; ++i) {
        const Layout& l = *operands[i]->layout;
        in[i] = data_of(operands[i]);
        if (l.numel() == n) continue;
        if (l.numel() == 1 && kernels[i + 1]) {
            single = i + 1;
            continue;
        }
        in[i] = room.spread(data_of(operands[i]), l, *shape, item_size(a->dtype));
        if (!in[i]) return Tensor();
    }
    Tensor y = Tensor::fresh(a->dtype, std::move(shape));
    kernels[single](in, y->cell->buffer->data(), n);
    record_binary(row, a, b, y);
    return y;
}

// Which operands a recorded node differentiates by.
inline uint8_t wanted_of(const Row& row, const Operand* operands) {
    uint8_t wanted = 0;
    for (int i = 0; i < row.arity; ++i)
        if (operands[i].tensor && row.partial[i].kind != Partial::None && operands[i].tensor->requires_grad())
            wanted |= static_cast<uint8_t>(1 << i);
    return wanted;
}
inline bool is_boolean(const Row& row) {
    return row.promotion == Promotion::Compare || row.promotion == Promotion::Predicate ||
           row.promotion == Promotion::Logical || row.promotion == Promotion::Close;
}

// The same for operands some of which are large or pending, and stay so: of one shape, or single elements of no
// dimension.
__attribute__((noinline)) Tensor fast_pending(const Row& row, const Operand* operands) {
    if (deferral.immediate || row.promotion == Promotion::Bitwise) return Tensor();
    TensorObject* like = nullptr;
    Small<Array, kMaxOperands> held;
    Source sources[kMaxOperands];
    bool wants = false;
    for (int i = 0; i < row.arity; ++i) {
        if (!operands[i].tensor) {
            if (!operands[i].scalar.is_plain()) return Tensor();
            sources[i].scalar = operands[i].scalar;
            continue;
        }
        TensorObject* t = operands[i].tensor->get();
        if (!is_simple(t) || (like && t->dtype != like->dtype)) return Tensor();
        if (!like || like->layout->ndim() == 0) like = t;
        else if (t->layout != like->layout && t->layout->ndim() && !t->layout->same_shape(*like->layout))
            return Tensor();
        held.push_back(operands[i].tensor->all_value());
        sources[i].array = &held.back();
        wants = wants || wants_grad(t);
    }
    const Lowered& program = lower(row.forward, like->dtype);
    if (program.missing || !program.total) return Tensor();
    for (int i = 0; i < row.arity; ++i)
        if (operands[i].tensor && program.type(static_cast<int16_t>(i)) != like->dtype) return Tensor();
    const DType dtype = program.type(program.outputs[0]);
    const bool boolean = is_boolean(row);
    if ((dtype == DType::Bool) != boolean) return Tensor();
    Ref<Layout> layout(like->layout);
    if (!leaves_pending(sources, row.arity, *layout, dtype)) return Tensor();
    Tensor y = Tensor::make(defer(program, 0, sources, layout, dtype));
    if (wants && modes.grad && row.differentiable && !boolean)
        if (uint8_t wanted = wanted_of(row, operands)) record(row, operands, y, wanted);
    return y;
}

}  // namespace

Tensor fast_elementwise(const Row& row, const Operand* operands) {
    TensorObject* like = nullptr;
    ContiguousSource sources[kMaxOperands];
    const Layout* layouts[kMaxOperands] = {};
    Slot slots[kMaxOperands];
    bool wants = false, alike = true;
    for (int i = 0; i < row.arity; ++i) {
        if (!operands[i].tensor) {
            if (!operands[i].scalar.is_plain()) return Tensor();  // refused by some rows
            continue;
        }
        TensorObject* t = operands[i].tensor->get();
        if (!is_plain(t)) return fast_pending(row, operands);
        if (!like) {
            like = t;
        } else if (t->dtype != like->dtype) {
            return Tensor();
        } else if (t->layout != like->layout && !t->layout->same_shape(*like->layout)) {
            alike = false;
            if (can_sum_to(*t->layout, *like->layout)) like = t;
        }
        sources[i] = {data_of(t), false};
        layouts[i] = t->layout;
        wants = wants || wants_grad(t);
    }
    if (!like || row.promotion == Promotion::Bitwise) return Tensor();
    const Lowered& program = lower(row.forward, like->dtype);
    if (!program.contiguous || program.missing) return Tensor();
    for (int i = 0; i < row.arity; ++i) {
        DType want = program.type(static_cast<int16_t>(i));
        if (operands[i].tensor) {
            if (want != like->dtype) return Tensor();
            continue;
        }
        operands[i].scalar.store(want, &slots[i]);
        sources[i] = {&slots[i], true};
    }
    DType dtype = program.type(program.outputs[0]);
    const bool boolean = is_boolean(row);
    if ((dtype == DType::Bool) != boolean) return Tensor();
    Tensor y = Tensor::fresh(dtype, Ref<Layout>(like->layout));
    void* out[1] = {y->cell->buffer->data()};
    if (alike) execute_contiguous(program, sources, out, like->layout->numel());
    else if (!execute_spread(program, sources, layouts, out, *like->layout)) return Tensor();
    if (wants && modes.grad && row.differentiable && !boolean)
        if (uint8_t wanted = wanted_of(row, operands)) record(row, operands, y, wanted);
    return y;
}

// Whether they may be updated at once: plain tensors of one shape and memory of their own, of which all but the second, the
// gradient, are written.
template <size_t n> static bool are_updatable(TensorObject* const (&tensors)[n]) {
    if (modes.grad || modes.anomaly) return false;
    const TensorObject* first = tensors[0];
    for (size_t i = 0; i < n; ++i) {
        const TensorObject* t = tensors[i];
        if (t->dtype != first->dtype || !is_plain(t)) return false;
        if (t->layout != first->layout && !t->layout->same_shape(*first->layout)) return false;
        for (size_t j = 0; j < i; ++j)
            if (tensors[j]->cell->buffer.get() == t->cell->buffer.get()) return false;
        if (i == 1) continue;
        if (t->flags & (kIsView | kInference) || !t->cell->buffer->is_writable() ||
            t->cell->buffer->has_readers())
            return false;
    }
    return true;
}
static void* memory_of(TensorObject* t) {
    t->cell->written();
    return const_cast<char*>(data_of(t));
}

bool fast_adam(TensorObject* const (&tensors)[4], const AdamStep& step) {
    const auto update = update_kernels().adam[static_cast<int>(tensors[0]->dtype)];
    if (!update || !are_updatable(tensors)) return false;
    update(memory_of(tensors[0]), data_of(tensors[1]), memory_of(tensors[2]), memory_of(tensors[3]), step,
           tensors[0]->layout->numel());
    return true;
}

bool fast_momentum(TensorObject* const (&tensors)[3], const MomentumStep& step) {
    const auto update = update_kernels().momentum[static_cast<int>(tensors[0]->dtype)];
    if (!update || !are_updatable(tensors)) return false;
    update(memory_of(tensors[0]), data_of(tensors[1]), memory_of(tensors[2]), step,
           tensors[0]->layout->numel());
    return true;
}

bool fast_accumulate(TensorObject* a, TensorObject* b) {
    if (a->dtype != b->dtype || !is_plain(a) || !is_plain(b) ||
        a->cell->buffer.get() == b->cell->buffer.get())
        return false;
    if (a->layout != b->layout && !a->layout->same_shape(*b->layout)) return false;
    if (a->flags & kIsView || !a->cell->buffer->is_writable() || a->cell->buffer->has_readers()) return false;
    const BlockKernel add = kernels().elementwise[rows.add->primitive][static_cast<int>(a->dtype)][0];
    if (!add) return false;
    const void* in[2] = {data_of(a), data_of(b)};
    add(in, const_cast<char*>(data_of(a)), a->layout->numel());
    a->cell->written();
    return true;
}

Tensor fast_binary(const Row& row, TensorObject* a, TensorObject* b) {
    if (row.primitive < 0 || a->dtype != b->dtype || !is_plain(a) || !is_plain(b)) return Tensor();
    const BlockKernel* forms = kernels().elementwise[row.primitive][static_cast<int>(a->dtype)];
    if (!forms[0]) return Tensor();  // bitwise functions of floats
    if (a->layout != b->layout && !a->layout->same_shape(*b->layout)) return fast_broadcast(row, forms, a, b);
    Tensor y = Tensor::fresh(a->dtype, Ref<Layout>(a->layout));
    const void* in[2] = {data_of(a), data_of(b)};
    forms[0](in, y->cell->buffer->data(), a->layout->numel());
    record_binary(row, a, b, y);
    return y;
}

Tensor fast_scalar(const Row& row, TensorObject* a, double number, bool number_first) {
    if (row.primitive < 0 || !is_plain(a)) return Tensor();
    int64_t n = a->layout->numel();
    BlockKernel fn = kernels().elementwise[row.primitive][static_cast<int>(a->dtype)][n == 1         ? 0
                                                                                      : number_first ? 1
                                                                                                     : 2];
    if (!fn) return Tensor();
    Slot slot;
    Scalar(number).store(a->dtype, &slot);
    Tensor y = Tensor::fresh(a->dtype, Ref<Layout>(a->layout));
    const void* in[2] = {data_of(a), &slot};
    if (number_first) std::swap(in[0], in[1]);
    fn(in, y->cell->buffer->data(), n);
    if (modes.grad && row.differentiable && wants_grad(a)) {
        const Lent ta(a);
        Operand operands[2] = {ta.tensor, Scalar(number)};
        if (number_first) std::swap(operands[0], operands[1]);
        int at = number_first ? 1 : 0;
        if (ta.tensor.requires_grad() && row.partial[at].kind != Partial::None)
            record(row, operands, y, static_cast<uint8_t>(1 << at));
    }
    return y;
}

}  // namespace pb::ops
