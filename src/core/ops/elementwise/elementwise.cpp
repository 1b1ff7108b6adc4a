#include "ops/elementwise/elementwise.h"

#include <algorithm>

#include "ops/elementwise/elementwise_node.h"
#include "ops/elementwise/fast.h"
#include "ops/elementwise/pending.h"
#include "ops/elementwise/result.h"
#include "ops/elementwise/series.h"
#include "ops/operators.h"
#include "ops/rule/levels.h"
#include "ops/rule/mapped.h"
#include "ops/rule/out.h"
#include "tape/history.h"
#include "tensor/captured.h"
#include "tensor/write_site.h"

namespace pb {

namespace ops {

namespace {

// What meets narrow operands is of their dtype, too: numbers and single elements are rounded to it, as PyTorch does. Only
// factors, divisors, weights and most parameters are not.
bool is_rounded(const Row& row, int i) {
    if (&row == rows.add_scaled || &row == rows.sub_scaled) return true;
    static const Row* const exact[] = {rows.mul, rows.div, find_row("floor_divide"), find_row("trunc_divide"),
                                       find_row("lerp")};
    return std::find(std::begin(exact), std::end(exact), &row) == std::end(exact) &&
           !(row.parameters >> i & 1);
}
Array rounded(const Array& a, DType narrow) {
    if (!is_differentiable(a.dtype) || item_size(a.dtype) <= item_size(narrow)) return a;
    Array out = Array::empty(narrow, a.layout->packed());
    copy_array(a, out);
    return out;
}

// The operands as a program takes them.
struct Sources {
    Source sources[kMaxOperands];
    Array held[kMaxOperands];
    Sources(const Row& row, const Operand* operands, DType compute) {
        for (int i = 0; i < row.arity; ++i) {
            if (const Tensor* t = operands[i].tensor) {
                held[i] = t->value();
                sources[i].array = &held[i];
            } else {
                sources[i].scalar = operands[i].scalar;
            }
            if (__builtin_expect(!is_stored_only(compute), 1) || !is_rounded(row, i)) continue;
            if (sources[i].array) {
                held[i] = rounded(held[i], compute);
                continue;
            }
            Slot slot;
            sources[i].scalar.store(compute, &slot);
            sources[i].scalar = Scalar::load(compute, &slot);
        }
    }
    void settle() const {
        for (const Array& a : held)
            if (a.buffer) a.buffer->data();
    }
};

const Lowered& lowered(const Row& row, DType compute) {
    const Lowered& program = lower(row.forward, compute);
    if (program.missing) fail_unimplemented(row, compute);
    return program;
}

// A new result: pending when it is large.
Array compute_new(const Row& row, const Operand* operands, const Plan& p, const Ref<Layout>& layout) {
    Sources s(row, operands, p.compute);
    const Lowered& program = lowered(row, p.compute);
    if (program.total && leaves_pending(s.sources, row.arity, *layout, p.result))
        return defer(program, 0, s.sources, layout, p.result);
    Array out = Array::empty(p.result, layout);
    if (is_large(layout->numel(), p.compute) && !deferral.immediate)
        compute_over(program, s.sources, out, nullptr);
    else execute(program, s.sources, &out, *layout);
    return out;
}

// Over the elements of `out`, whose other readers run first.
void compute_into(const Row& row, const Operand* operands, DType compute, Array& out,
                  const Buffer* consumed = nullptr) {
    Sources s(row, operands, compute);
    const Lowered& program = lowered(row, compute);
    if (is_stored_only(compute) && is_differentiable(out.dtype) && out.dtype != compute &&
        out.dtype != part_of(compute)) {
        // The result is narrow, and then converted.
        Array result = Array::empty(compute, Layout::contiguous(out.layout->dims()));
        s.settle();
        execute(program, s.sources, &result, *result.layout);
        before_write(out);
        return copy_array(result, out);
    }
    if (is_large(out.numel(), compute) && !deferral.immediate)
        return compute_over(program, s.sources, out, consumed);
    s.settle();  // all that is connected, rather than what this takes alone
    before_write(out);
    execute(program, s.sources, &out, *out.layout);
}

// A write over all of a large value that only its cell holds gives the cell a new, pending value. False where the
// elements have to be written now.
bool replace_value(const Row& row, const Operand* operands, DType compute, const Tensor& target) {
    const Lowered& program = lowered(row, compute);
    if (!program.total || !can_replace(target.value())) return false;
    Sources s(row, operands, compute);
    if (!leaves_pending(s.sources, row.arity, target.layout(), target.dtype())) return false;
    target->cell->buffer = defer_over(program, s.sources, target.value()).buffer;
    return true;
}

uint8_t wanted_operands(const Row& row, const Operand* operands) {
    if (!row.differentiable || !modes.grad) return 0;
    uint8_t wanted = 0;
    for (int i = 0; i < row.arity; ++i)
        if (operands[i].tensor && row.partial[i].kind != Partial::None && operands[i].tensor->requires_grad())
            wanted |= static_cast<uint8_t>(1 << i);
    return wanted;
}

// What is written by a function without a derivative no longer depends on anything: the gradient is zero, not that of what
// was there before.
uint8_t cut_operands(const Row& row, const Operand* operands) {
    uint8_t cut = 0;
    for (int i = 0; modes.grad && i < row.arity; ++i)
        if (operands[i].tensor && operands[i].tensor->requires_grad()) cut |= static_cast<uint8_t>(1 << i);
    return cut;
}

bool any_complex(const Row& row, const Operand* operands) {
    for (int i = 0; i < row.arity; ++i)
        if (operands[i].tensor && is_complex(operands[i].tensor->dtype())) return true;
    return false;
}

// What is computed in the row's place, if something is.
Row::Composition composition(const Row& row, const Operand* operands) {
    if (row.of_complex && any_complex(row, operands)) return row.of_complex;
    if (row.of_narrow && is_narrow_float(result_type(operands, row.arity))) return row.of_narrow;
    return nullptr;
}

// ---- levels ----

inline bool any_levelled(const Row& row, const Operand* operands) {
    for (int i = 0; i < row.arity; ++i)
        if (operands[i].tensor && is_levelled(operands[i].tensor->get())) return true;
    return false;
}

// The tensors among the operands, undefined where there is a number.
Tensors tensors_of(const Row& row, const Operand* operands) {
    Tensors all(static_cast<size_t>(row.arity));
    for (int i = 0; i < row.arity; ++i)
        if (operands[i].tensor) all[static_cast<size_t>(i)] = *operands[i].tensor;
    return all;
}
// Other tensors in their places.
struct Replaced {
    Replaced(const Row& row, const Operand* given, const Tensors& tensors) {
        for (int i = 0; i < row.arity; ++i) {
            operands[i] = given[i];
            if (given[i].tensor) operands[i].tensor = &tensors[static_cast<size_t>(i)];
        }
    }
    Operand operands[kMaxOperands];
};

// All entries of mapped operands, their axes in front of as many dimensions as are seen of any; what has no axes
// broadcasts as it is.
struct Shown {
    Shown(const Row& row, const Operand* given, const Tensor* target = nullptr) {
        Tensors tensors = tensors_of(row, given);
        all = open_axes(tensors);
        if (target) rank = target->ndim();
        for (const Tensor& t : tensors)
            if (t) rank = std::max(rank, t.ndim());
        for (int i = 0; i < row.arity; ++i) {
            operands[i] = given[i];
            const Tensor& t = tensors[static_cast<size_t>(i)];
            if (!t) continue;
            held[i] = t.is_mapped() ? reveal(t, all, rank, true) : reveal(t, MappedAxes());
            operands[i].tensor = &held[i];
        }
    }
    MappedAxes all;
    int64_t rank = 0;
    Operand operands[kMaxOperands];

  private:
    Tensor held[kMaxOperands];
};

[[gnu::cold, gnu::noinline]] Tensor compute_mapped(const Row& row, const Operand* operands, const Plan& p) {
    Shown s(row, operands);
    Tensor y = fast_elementwise(row, s.operands);
    if (!y || y.dtype() != p.result)
        y = Tensor::make(compute_new(row, s.operands, p, result_layout(row, s.operands, row.arity)));
    return hide(std::move(y), s.all);
}

[[gnu::cold, gnu::noinline]] void write_mapped(const Row& row, const Tensor& target, const Operand* operands,
                                               DType compute) {
    // First the target, which is an operand, too: it may have to become mapped, and nobody else hold it.
    spread_target(target, open_axes(tensors_of(row, operands)), row.inplace_name.c_str());
    Shown s(row, operands, &target);
    join_axes(s.all, target.layout());
    Array out = reveal_value(target, s.all, s.rank);
    out.buffer->data();
    compute_into(row, s.operands, compute, out);
}

bool any_mapped(const Row& row, const Operand* operands) { return pb::any_mapped(tensors_of(row, operands)); }

// The tangent of y: each operand's tangent times its partial, summed. Undefined when all are zero.
Tensor pushforward(const Row& row, const Operand* operands, const Tensor& y, const Tensor* tangents) {
    Operand inputs[kMaxOperands + 1];
    Tensor cast[kMaxOperands];
    if (!row.differentiable) return Tensor();
    // Of complex operands the result may be real.
    const DType compute = any_complex(row, operands) ? complex_of(y.dtype()) : y.dtype();
    const Lowered* types = &lower(row.partials, compute);
    for (int i = 0; i < row.arity; ++i) {
        inputs[i] = operands[i];
        const DType want = types->type(static_cast<int16_t>(i));
        if (operands[i].tensor && operands[i].tensor->dtype() != want) {
            cast[i] = to_dtype(*operands[i].tensor, want);
            inputs[i].tensor = &cast[i];
        }
    }
    const Tensor result = to_dtype(y, computed_as(y.dtype()));
    inputs[row.arity].tensor = &result;
    uint32_t wanted = 0;  // of the partials that are computed
    int computed = 0;
    for (int i = 0; i < row.arity; ++i)
        if (row.partial[i].is_computed()) wanted |= static_cast<uint32_t>(bool(tangents[i])) << computed++;
    Tensors partials;
    if (wanted) partials = play(row.partials, inputs, computed_as(compute), wanted);
    Tensor sum;
    size_t at = 0;
    for (int i = 0; i < row.arity; ++i) {
        const Partial& d = row.partial[i];
        size_t mine = at;
        if (d.is_computed()) ++at;
        if (!tangents[i]) continue;
        Tensor t = to_dtype(tangents[i], computed_as(compute));
        Tensor term;
        if (d.kind == Partial::None || (d.kind == Partial::Constant && d.constant == 0)) continue;
        if (d.kind == Partial::Constant)
            term = d.constant == 1    ? t
                   : d.constant == -1 ? elementwise(*rows.neg, {t})
                                      : elementwise(*rows.mul, {t, d.constant});
        else if (d.kind == Partial::Conjugate) term = conj(t);
        else if (d.kind == Partial::Mask) term = elementwise(*rows.where, {partials[mine], t, 0.0});
        else term = elementwise(d.kind == Partial::Gradient ? *rows.gmul : *rows.zmul, {t, partials[mine]});
        sum = sum ? elementwise(*rows.add, {sum, term}) : term;
    }
    if (sum) sum = to_dtype(sum, y.dtype());  // of a complex one the real part
    if (sum && !sum.layout().same_shape(y.layout())) sum = contiguous(expand(sum, y.shape()));
    return sum;
}

[[gnu::cold, gnu::noinline]] Tensor elementwise_dual(const Row& row, const Operand* operands,
                                                     uint64_t level) {
    Tensors out = run_below(
        tensors_of(row, operands), level,
        [&](const Tensors& below) {
            return Tensors{elementwise(row, Replaced(row, operands, below).operands, row.arity)};
        },
        [&](const Tensors& below, const Tensors& y, const Tensors& tangents) {
            Replaced inner(row, operands, below);
            return Tensors{pushforward(row, inner.operands, y[0], tangents.data())};
        },
        [&](const Tensors& below, const Tensors& y) {
            expand_row(row, tensors_of(row, operands), Replaced(row, operands, below).operands, y[0], level);
        });
    return std::move(out[0]);
}

}  // namespace

Tensor elementwise(const Row& row, const Operand* operands, int n) {
    if (n != row.arity) fail_as(ErrorKind::Type, "{}() takes {} operands, got {}", row.name, row.arity, n);
    if (Tensor y = fast_elementwise(row, operands)) return y;
    if (const auto composed = composition(row, operands)) return plan(row, operands), composed(operands);
    bool mapped = false;
    if (__builtin_expect(any_levelled(row, operands), 0)) {
        if (uint64_t level = highest_level(tensors_of(row, operands)))
            return elementwise_dual(row, operands, level);
        mapped = any_mapped(row, operands);
    }
    Plan p = plan(row, operands);
    check_divisor(row, operands, p.compute);
    Tensor y = __builtin_expect(mapped, 0)
                   ? compute_mapped(row, operands, p)
                   : Tensor::make(compute_new(row, operands, p, result_layout(row, operands, n)));
    if (uint8_t wanted = is_differentiable(p.result) ? wanted_operands(row, operands) : 0) {
        Node* node = ElementwiseNode::record(row, operands, y, wanted);
        set_history(y, node);
        node->release();
    }
    return y;
}

// Whether `t` lies in the target's memory in another order: then it has to be read before the target is written.
static bool overlaps_differently(const Tensor& t, const Tensor& target) {
    if (t->cell->buffer.get() != target->cell->buffer.get()) return false;
    return t->offset != target->offset || !t.layout().same(target.layout());
}

static bool partial_overlap(const Tensor& t, const Tensor& target) {
    if (!overlaps_differently(t, target) || t.numel() == 0 || target.numel() == 0) return false;
    int64_t la, ha, lb, hb;  // of one entry
    t.layout().plain()->extent(&la, &ha);
    target.layout().plain()->extent(&lb, &hb);
    // A target that is yet to grow may begin anywhere: differences of offsets fit, sums may not.
    int64_t after = t->offset - target->offset;
    return after < hb - la && -after < ha - lb && t.layout().is_dense() && target.layout().is_dense() &&
           t.dtype() == target.dtype();
}

static void check_target(const Row& row, const Tensor& target, const Operand* operands,
                         const Ref<Layout>& shape, DType result) {
    if (!shape->same_shape(target.layout()))
        fail(
            "output with shape {} doesn't match the broadcast shape {}. The result of {} is written into a "
            "tensor that cannot grow: expand it first, or write the operation out of place.",
            shape_text(target.layout()), shape_text(*shape), row.name);
    if (category(result) > category(target.dtype()))
        fail("result type {} can't be cast to the desired output type {}", dtype_legacy_name(result),
             dtype_legacy_name(target.dtype()));
    check_no_overlap(target);
    for (int i = 0; i < row.arity; ++i)
        if (operands[i].tensor && partial_overlap(*operands[i].tensor, target))
            fail(
                "unsupported operation: some elements of the input tensor and the written-to tensor refer to "
                "a single memory location. Please clone() the tensor before performing the operation.");
}

// A composition reads what it is about to write: where that is differentiated, a copy.
static const Tensor& write_composed(const Row& row, Row::Composition composed, const Tensor& target,
                                    const Operand* given) {
    check_target(row, target, given, result_layout(row, given, row.arity), plan(row, given, &target).result);
    const Tensor kept = target.requires_grad() ? clone(target) : target;
    Operand operands[kMaxOperands];
    for (int i = 0; i < row.arity; ++i)
        operands[i] = given[i].tensor && given[i].tensor->get() == target.get() ? Operand(kept) : given[i];
    copy_(target, composed(operands));
    return target;
}

const Tensor& elementwise_inplace(const Row& row, const Tensor& target, const Operand* given, int n,
                                  const Tensor* consumed) {
    if (n != row.arity)
        fail_as(ErrorKind::Type, "{}() takes {} operands, got {}", row.inplace_name, row.arity, n);
    check_captured(target, row.inplace_name.c_str());
    if (const auto composed = composition(row, given)) return write_composed(row, composed, target, given);
    Operand operands[kMaxOperands];
    std::copy(given, given + n, operands);
    Plan p = plan(row, operands, &target);
    if (is_complex(p.compute) && is_float(p.result))
        fail("In-place {} is not supported for complex tensors. Its result is real: write it out of place.",
             row.name);
    check_target(row, target, operands, result_layout(row, operands, n), p.result);
    uint8_t wanted = is_differentiable(p.result) ? wanted_operands(row, operands) : 0;
    if (!row.differentiable && is_differentiable(target.dtype())) wanted = cut_operands(row, operands);
    check_inplace(target, wanted != 0);
    check_divisor(row, operands, p.compute);
    const bool levelled = any_levelled(row, operands), mapped = levelled && any_mapped(row, operands),
               dual = levelled && highest_level(tensors_of(row, operands));
    // What the derivative reads of the old value, and what overlaps the target in another order, is copied first.
    Tensor copies[kMaxOperands];
    uint8_t reads = wanted ? row.pullback(wanted).uses : 0;
    if (dual) reads = 0xff;
    for (int i = 0; i < n; ++i) {
        const Tensor* t = operands[i].tensor;
        if (!t || t->get()->cell->buffer.get() != target->cell->buffer.get()) continue;
        if (overlaps_differently(*t, target) || (reads >> i & 1)) {
            copies[i] = t->is_contiguous() || t->is_mapped() ? detached_copy(*t)
                                                             : Tensor::make(contiguous_array(t->array()));
            take_history(copies[i], *t);
            operands[i].tensor = &copies[i];
        }
    }
    const char* name = row.inplace_name.c_str();
    if (dual) {  // value, tangents and history out of place
        write_dual(target, elementwise(row, operands, n), name);
    } else {
        if (__builtin_expect(mapped, 0)) {
            write_mapped(row, target, operands, p.compute);
        } else if (!replace_value(row, operands, p.compute, target)) {
            Array out = target.array();
            compute_into(row, operands, p.compute, out, consumed ? (*consumed)->cell->buffer.get() : nullptr);
        }
        note_write(target, name);
    }
    if (wanted) {
        ElementwiseNode* node = ElementwiseNode::record(row, operands, target, wanted);
        if (dual) node->keep_tangents(tensors_of(row, operands), Tensors{target});
        rebase_history(target, node);
        node->release();
    }
    return target;
}

void elementwise_out(const Row& row, const Tensor& out, const Operand* operands, int n) {
    const char* name = row.name.c_str();
    if (const auto composed = composition(row, operands)) {
        plan(row, operands, &out);
        Tensor y = composed(operands);
        check_out_dtype(name, OutRule::Cast, out, y.dtype());
        fit_out(out, y.layout_ref());
        copy_array(y.array(), out.array());
        return note_write(out, name);
    }
    Plan p = plan(row, operands, &out);
    bool records = row.differentiable && is_differentiable(p.result) && should_record(out),
         reads_itself = false;
    refuse_levels(name, out);
    for (int i = 0; i < n; ++i)
        if (const Tensor* t = operands[i].tensor) {
            refuse_levels(name, *t);
            records = records || (row.differentiable && should_record(*t));
            reads_itself = reads_itself || t->is(out);
        }
    if (records) refuse_recording(name);
    check_out_dtype(name, OutRule::Cast, out, p.result);
    check_divisor(row, operands, p.compute);
    Ref<Layout> layout = result_layout(row, operands, n);
    bool fits = reads_itself || layout->same_shape(out.layout());
    check_target(row, fits ? out : out.alias(layout, out->offset), operands, layout, p.result);
    // What lies elsewhere in the target's memory is read before that is written, or moves.
    Operand read[kMaxOperands];
    Tensor copies[kMaxOperands];
    for (int i = 0; i < n; ++i) {
        read[i] = operands[i];
        if (operands[i].tensor && overlaps_differently(*operands[i].tensor, out)) {
            copies[i] = detached_copy(*operands[i].tensor);
            read[i].tensor = &copies[i];
        }
    }
    fit_out(out, layout);
    Array target = out.array();
    compute_into(row, read, p.compute, target);
    note_write(out, name);
}

}  // namespace ops
}  // namespace pb
