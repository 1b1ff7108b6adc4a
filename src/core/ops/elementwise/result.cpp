#include "ops/elementwise/result.h"

#include <algorithm>
#include <cstring>

#include "array/limits.h"
#include "array/order.h"
#include "ops/operators.h"
#include "ops/rule/out.h"
#include "program/work_log.h"
#include "tensor/mapped.h"

namespace pb {

DType default_dtype = DType::Float32;

DType number_dtype(int category) {
    switch (static_cast<Kind>(category)) {
        case Kind::Bool: return DType::Bool;
        case Kind::Integer: return DType::Int64;
        case Kind::Float: return default_dtype;
        case Kind::Complex: break;
    }
    return complex_of(default_dtype);
}

DType result_type(const Operand* operands, int n) {
    // One dtype for each rank of operand: with dimensions, 0-d, number; -1 where there is none.
    int full = -1, zero = -1, number = -1;
    auto join = [](int& slot, DType d) {
        slot = slot < 0 ? static_cast<int>(d) : static_cast<int>(promote(static_cast<DType>(slot), d));
    };
    for (int i = 0; i < n; ++i) {
        if (const Tensor* t = operands[i].tensor) {
            if ((*t)->flags & kWrappedNumber)
                join(number, is_differentiable(t->dtype()) ? number_dtype(category(t->dtype())) : t->dtype());
            else join(t->ndim() > 0 ? full : zero, t->dtype());
        } else {
            join(number, number_dtype(operands[i].scalar.cat()));
        }
    }
    // A lower rank decides only if its category is higher.
    auto combine = [](int higher, int lower) {
        if (higher < 0) return lower;
        if (lower < 0) return higher;
        auto h = static_cast<DType>(higher), l = static_cast<DType>(lower);
        if (category(l) <= category(h)) return higher;
        if (is_bare(h) && is_complex(l)) return lower;
        // A float gets an imaginary part as wide as itself.
        return static_cast<int>(is_float(h) ? complex_of(h) : promote(h, l));
    };
    int d = combine(full, combine(zero, number));
    return static_cast<DType>(d < 0 ? static_cast<int>(default_dtype) : d);
}

namespace ops {

int Playing::depth = 0;

namespace {

bool is_bool(const Operand& o) {
    return o.tensor ? o.tensor->dtype() == DType::Bool : o.scalar.kind == Scalar::Bool;
}

[[noreturn]] void refuse(const Row& row, Refusal r) { fail("{}", row.refuses(r)); }

void check_bools(const Row& row, const Operand* operands) {
    bool both = !row.refuses(Refusal::TwoBools).empty(), one = !row.refuses(Refusal::OneBool).empty();
    if (!both && !one) return;
    bool a = is_bool(operands[0]), b = is_bool(operands[1]);
    if (a && b && both) refuse(row, Refusal::TwoBools);
    if ((a || b) && one) refuse(row, Refusal::OneBool);
}

// Functions that do not let a number wrap around in the dtype they compute in.
void check_numbers_fit(const Row& row, const Operand* operands, DType compute) {
    if (!row.fits || !is_integral(compute)) return;
    for (int i = 0; i < row.arity; ++i) {
        if (!(row.fits >> i & 1) || operands[i].tensor || operands[i].scalar.kind != Scalar::Int) continue;
        if (!fits(operands[i].scalar, compute))
            fail(
                "value cannot be converted to type {} without overflow: {}, in {}() of {} tensors. Convert "
                "the tensor to a wider dtype first.",
                dtype_number_name(compute), operands[i].scalar.i, row.shown, dtype_name(compute));
    }
}

void check_power(const Row& row, const Operand* operands, DType compute) {
    if (row.refuses(Refusal::NegativePower).empty() || is_differentiable(compute)) return;
    const Operand& power = operands[row.arity - 1];
    if (!power.tensor && power.scalar.kind == Scalar::Int && power.scalar.is_negative())
        refuse(row, Refusal::NegativePower);
}

// Parameters take no part in promotion.
void check_parameters(const Row& row, const Operand* operands, DType compute) {
    if (is_complex(compute)) return;
    for (int i = 0; i < row.arity; ++i)
        if (row.parameters >> i & 1 && !operands[i].tensor && operands[i].scalar.kind == Scalar::Complex)
            fail(
                "For non-complex input tensors, argument alpha must not be a complex number. {}() is given "
                "one, "
                "and tensors of {}.",
                row.shown, dtype_name(compute));
}

DType promoted(const Row& row, const Operand* operands) {
    if (row.promotion == Promotion::Where) return result_type(operands + 1, row.arity - 1);
    // Parameters are numbers that never decide.
    Operand deciding[kMaxOperands];
    int n = 0;
    for (int i = 0; i < row.arity; ++i)
        if (!(row.parameters >> i & 1)) deciding[n++] = operands[i];
    return result_type(deciding, n);
}

}  // namespace

// What PyTorch's kernel is called: as the function, mostly.
static std::string kernel_name(const std::string& row) {
    struct Other {
        const char *rows, *kernel;
    };
    static const Other others[] = {{" add sub rsub add_scaled sub_scaled ", "add_stub"},
                                   {" pow square ", "pow"},
                                   {" floor_divide ", "div_floor_cpu"},
                                   {" trunc_divide ", "div_trunc_cpu"},
                                   {" fmax ", "maximum_cpu"},
                                   {" fmin ", "minimum_cpu"},
                                   {" sgn ", "sign_cpu"},
                                   {" clamp ", "clamp_scalar_cpu"},
                                   {" relu clamp_low ", "clamp_min_scalar_cpu"},
                                   {" clamp_high ", "clamp_max_scalar_cpu"},
                                   {" addcmul ", "addcmul_cpu_out"},
                                   {" round_decimals ", "round_cpu"},
                                   {" left_shift ", "lshift_cpu"},
                                   {" right_shift ", "rshift_cpu"}};
    for (const Other& o : others)
        if (std::string(o.rows).find(" " + row + " ") != std::string::npos) return o.kernel;
    return row + "_cpu";
}

void fail_unimplemented(const Row& row, DType d) {
    if (is_bare(d)) fail_unsupported(kernel_name(row.name).c_str(), d);
    if (d == DType::Bool && !row.refuses(Refusal::Bool).empty()) refuse(row, Refusal::Bool);
    if (is_supported(d) && !is_differentiable(d) && !row.refuses(Refusal::Integers).empty())
        refuse(row, Refusal::Integers);
    const char* shift = row.name == "left_shift" ? "lshift" : row.name == "right_shift" ? "rshift" : nullptr;
    std::string name = shift ? shift : row.name;
    const bool order = row.promotion == Promotion::Compare && is_complex(d);
    if (row.promotion == Promotion::Bitwise || shift || order || name == "abs") name += "_cpu";
    fail_unsupported(name.c_str(), d);
}

// PyTorch asks whether the result can be cast to the target before it looks for a kernel, unless it refuses it at once.
[[noreturn]] static void refuse_dtype(const Row& row, const Operand* operands, DType d,
                                      const Tensor* target) {
    const bool keeps = row.promotion == Promotion::Arithmetic || row.promotion == Promotion::Number ||
                       row.promotion == Promotion::Float || row.promotion == Promotion::Bitwise;
    bool named = false;  // complex by the first operand, or a number
    for (int i = 0; i < row.arity; ++i)
        if (const Tensor* t = operands[i].tensor) named = named || (i == 0 && is_complex(t->dtype()));
        else named = named || operands[i].scalar.kind == Scalar::Complex;
    const bool at_once = is_complex(d) ? refuses_complex_at_once(row.name.c_str(), named)
                                       : !is_differentiable(d) && !row.refuses(Refusal::Integers).empty();
    if (target && keeps && !at_once) check_out_dtype(row.name.c_str(), OutRule::Cast, *target, d);
    fail_unimplemented(row, d);
}

// Whole numbers from 2^63 on are nothing beside integers that do not have them.
static void check_wide(const Row& row, const Operand* operands, DType compute) {
    for (int i = 0; i < row.arity; ++i)
        if (!operands[i].tensor && operands[i].scalar.wide && !takes_wide(compute)) fail_wide();
}

Plan plan(const Row& row, const Operand* operands, const Tensor* target) {
    check_bools(row, operands);
    if (row.promotion == Promotion::Where && operands[0].tensor) {
        DType d = operands[0].tensor->dtype();
        if (!is_mask(d))
            fail(
                "where expected condition to be a boolean tensor, but got a tensor with dtype {}. Compare "
                "first: where(condition != 0, ...).",
                dtype_legacy_name(d));
    }
    DType d = promoted(row, operands);
    check_wide(row, operands, d);
    bool floating = is_differentiable(d);
    if ((row.accepts == Accepts::Numbers && d == DType::Bool) ||
        (row.accepts == Accepts::Powers && d == DType::Bool && operands[row.arity - 1].tensor) ||
        (row.accepts == Accepts::Floats && !floating) || (row.promotion == Promotion::Bitwise && floating))
        refuse_dtype(row, operands, d, target);
    if (is_complex(d) && !row.complex && !Playing::depth) refuse_dtype(row, operands, d, target);
    check_parameters(row, operands, d);
    check_power(row, operands, d);
    check_numbers_fit(row, operands, d);
    switch (row.promotion) {
        case Promotion::Float: return floating ? Plan{d, d} : Plan{default_dtype, default_dtype};
        case Promotion::Number:
            if (d == DType::Bool) d = DType::Int64;
            return {d, d};
        case Promotion::Close: return {floating ? d : DType::Float64, DType::Bool};
        case Promotion::Compare:
        case Promotion::Predicate:
        case Promotion::Logical: return {d, DType::Bool};
        case Promotion::Arithmetic:
        case Promotion::Bitwise:
        case Promotion::Where: break;
    }
    if (is_complex(d)) {
        const Lowered& program = lower(row.forward, d);
        return {d, stored_like(program.type(program.outputs[0]), d)};
    }
    return {d, d};
}

void check_divisor(const Row& row, const Operand* operands, DType compute) {
    if (!row.divides || !is_integral(compute) || is_bare(compute)) return;
    if (work_log) work_log->spoil("divisors are looked at");
    // In the dtype of the division: 256 is no divisor of uint8.
    size_t item = item_size(compute);
    static const Slot none{};
    bool zero = false;
    if (!operands[1].tensor) {
        Slot slot;
        operands[1].scalar.store(compute, &slot);
        // Nothing is divided by it where there is nothing.
        zero =
            std::memcmp(&slot, &none, item) == 0 && !(operands[0].tensor && operands[0].tensor->numel() == 0);
    } else {
        const Tensor& divisor = *operands[1].tensor;
        Array a = reveal_value(divisor, divisor.layout().axes());
        a.buffer->data();
        if (a.dtype != compute) {
            Array converted = Array::empty(compute, Layout::contiguous(a.layout->dims()));
            copy_array(a, converted);
            a = converted;
        }
        a = contiguous_array(a);
        for (int64_t i = 0; i < a.numel() && !zero; ++i)
            zero = std::memcmp(a.data() + static_cast<size_t>(i) * item, &none, item) == 0;
    }
    if (zero)
        fail(
            "ZeroDivisionError: an integer tensor was divided by zero. Floating-point tensors give inf or "
            "nan there.");
}

// As PyTorch's iterator has it: operands that agree hand on their layout; a 0-d operand, or a number that is treated as
// one, makes it look at the strides, with other results for dimensions of size 1.
Ref<Layout> result_layout(const Row& row, const Operand* operands, int n) {
    Layout *first = nullptr, *layouts[kMaxOperands];
    Ref<Layout> converted[kMaxOperands];
    bool scalars = false, same = true, agree = true, contiguous = true, pictures = true, standard = true;
    for (int i = 0; i < n; ++i) {
        const Tensor* t = operands[i].tensor;
        if (!t || t->ndim() == 0) {
            scalars = scalars || t || !((row.parameters | row.apart) >> i & 1);
            continue;
        }
        Layout* l = t->get()->layout;
        // where converts its operands before they meet: what is converted lies without gaps.
        if (row.promotion == Promotion::Where && i > 0 && !l->is_dense() &&
            t->dtype() != result_type(operands + 1, 2))
            l = (converted[i] = l->packed()).get();
        layouts[i] = l;
        contiguous = contiguous && l->is_contiguous();
        standard = standard && l->is_standard();
        pictures = pictures && is_channels_last(*l);
        if (!first) first = l;
        if (first == l) continue;
        same = same && first->same_shape(*l);
        agree = agree && first->same(*l);
    }
    if (!first) return Layout::scalar();
    if (&row == rows.pow && !operands[0].tensor)
        return Layout::contiguous(first->dims());  // PyTorch's base alone
    if (same && standard && first->numel()) return Ref<Layout>(first);
    if (row.lies == Lies::LikeInput) return first->packed();
    if (row.lies == Lies::RowMajor) return Layout::contiguous(first->dims());
    if (same && !scalars) {
        if (contiguous) return Layout::contiguous(first->dims());
        if (pictures) return channels_last_layout(first->dims());
        if (agree && first->is_dense()) return Ref<Layout>(first);
    }
    // Dense strides of dimensions that are all longer than 1 tell all of them apart.
    const int64_t *sizes = first->shape(), *end = sizes + first->ndim();
    if (agree && first->is_dense() && std::all_of(sizes, end, [](int64_t size) { return size > 1; }))
        return Ref<Layout>(first);
    Dims shape = first->dims();
    if (!same) {
        Ref<Layout> met(first);
        for (int i = 0; i < n; ++i)
            if (const Tensor* t = operands[i].tensor)
                met = Layout::contiguous(broadcast_shapes(*met, t->layout()));
        shape = met->dims();
    }
    Dims strides[kMaxOperands];
    size_t count = 0;
    for (int i = 0; i < n; ++i)
        if (const Tensor* t = operands[i].tensor)
            if (t->ndim()) strides[count++] = iterated_strides(*layouts[i], shape);
    Ref<Layout> l = ordered_layout(shape, strides, count);
    // An operand that lies so shares its layout: then they are walked together.
    for (int i = 0; i < n; ++i)
        if (operands[i].tensor && operands[i].tensor->layout().same(*l)) l = operands[i].tensor->layout_ref();
    if (row.lies == Lies::Again && l->is_contiguous()) return Layout::contiguous(shape);
    if (row.lies == Lies::Again && is_channels_last(*l)) return channels_last_layout(shape);
    return l;
}

}  // namespace ops
}  // namespace pb
