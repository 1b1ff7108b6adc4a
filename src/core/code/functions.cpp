#include "code/functions.h"

#include "code/stated.inc"
#include "code/trace.h"
// Kernels are looked up where they are used, and find what is traced by its namespace.
#include "core/kernels/arithmetic.h"
#include "core/kernels/logic.h"
#include "core/kernels/normal.h"
#include "core/kernels/transcendental.h"

namespace pb::code {

namespace {

template <class T> int16_t number_of(Traced<T> x) { return x.at(); }
template <class T> int16_t number_of(TracedMask<T> m) { return m.id; }

template <class T> int16_t state_as(Primitive p, const int16_t* in) {
    auto operand = [in](int k) { return Traced<T>::of(in[k]); };
    switch (p) {
#define PB_STATE(name) \
    case Primitive::name: return number_of(name##_functor::apply(operand(0)));
        PB_STATED_1(PB_STATE)
#undef PB_STATE
#define PB_STATE(name) \
    case Primitive::name: return number_of(name##_functor::apply(operand(0), operand(1)));
        PB_STATED_2(PB_STATE)
#undef PB_STATE
        case Primitive::where: return traced->add(Op::select, in[0], in[1], in[2]);
        default: return -1;
    }
}

template <class T> int16_t power_as(Traced<T> x, double exponent) {
    if (exponent == 2) return (x * x).at();
    if (exponent == 3) return (x * x * x).at();
    if (exponent == -1) return (1 / x).at();
    return exponent == 1 ? x.at() : square_root_power(x).at();
}

}  // namespace

bool is_stated(Primitive p, DType lane) {
    switch (p) {
#define PB_STATE(name) case Primitive::name:
        PB_STATED_1(PB_STATE)
        PB_STATED_2(PB_STATE)
#undef PB_STATE
        case Primitive::where: return true;
        case Primitive::to_half:
        case Primitive::to_bfloat16: return lane == DType::Float32;
        default: return false;
    }
}

bool has_calls(Primitive p, DType lane) {
    enum : int8_t { unknown, no, yes };
    static int8_t known[2][static_cast<int>(Primitive::count)];
    int8_t& answer = known[lane == DType::Float64][static_cast<int>(p)];
    if (answer == unknown) {
        Sequence tried(lane, false);
        int16_t in[3];
        for (int k = 0; k < 3; ++k) in[k] = tried.add(Op::load, -1, -1, -1, 0, static_cast<uint64_t>(k));
        state(tried, p, in);
        answer = tried.calls ? yes : no;
    }
    return answer == yes;
}

bool calls_pay(DType lane) {
    return lane == DType::Float32 && vector_functions().of_float[static_cast<int>(VectorFunction::tanh)];
}

int16_t state(Sequence& s, Primitive p, const int16_t* in) {
    if (p == Primitive::to_half) return s.add(Op::half, in[0]);
    if (p == Primitive::to_bfloat16) return s.add(Op::bfloat, in[0]);
    const Tracing tracing(s);
    return s.is_double() ? state_as<double>(p, in) : state_as<float>(p, in);
}

bool is_stated_of_masks(Primitive p) {
    switch (p) {
        case Primitive::add:
        case Primitive::mul:
        case Primitive::maximum:
        case Primitive::minimum:
        case Primitive::eq:
        case Primitive::ne:
        case Primitive::logical_and:
        case Primitive::logical_or:
        case Primitive::logical_xor:
        case Primitive::logical_not:
        case Primitive::bitwise_and:
        case Primitive::bitwise_or:
        case Primitive::bitwise_xor:
        case Primitive::bitwise_not: return true;
        default: return false;
    }
}

int16_t state_of_masks(Sequence& s, Primitive p, const int16_t* in) {
    switch (p) {
        case Primitive::add:
        case Primitive::maximum:
        case Primitive::logical_or:
        case Primitive::bitwise_or: return s.add(Op::mask_or, in[0], in[1]);
        case Primitive::mul:
        case Primitive::minimum:
        case Primitive::logical_and:
        case Primitive::bitwise_and: return s.add(Op::mask_and, in[0], in[1]);
        case Primitive::eq: return s.add(Op::mask_not, s.add(Op::mask_xor, in[0], in[1]));
        case Primitive::ne:
        case Primitive::logical_xor:
        case Primitive::bitwise_xor: return s.add(Op::mask_xor, in[0], in[1]);
        default: return s.add(Op::mask_not, in[0]);
    }
}

int16_t state_link(Sequence& s, Link link, int16_t x, int16_t y) {
    const int16_t forward[2] = {x, y}, backward[2] = {y, x}, both[2] = {x, x};
    switch (link) {
#define PB_STATE(name) \
    case Link::name: return state(s, Primitive::name, forward);
        PB_STATE(add)
        PB_STATE(sub)
        PB_STATE(mul)
        PB_STATE(zmul)
        PB_STATE(div)
        PB_STATE(maximum)
        PB_STATE(minimum)
        PB_STATE(neg)
        PB_STATE(square)
        PB_STATE(reciprocal)
        PB_STATE(sqrt)
        PB_STATE(to_half)
        PB_STATE(to_bfloat16)
#undef PB_STATE
#define PB_STATE(name) \
    case Link::reversed_##name: return state(s, Primitive::name, backward);
        PB_STATE(sub)
        PB_STATE(zmul)
        PB_STATE(div)
        PB_STATE(maximum)
        PB_STATE(minimum)
#undef PB_STATE
        case Link::twice: return state(s, Primitive::add, both);
        default: return -1;
    }
}

int16_t state_power(Sequence& s, int16_t x, double exponent) {
    const Tracing tracing(s);
    if (s.is_double()) return power_as(Traced<double>::of(x), exponent);
    return power_as(Traced<float>::of(x), exponent);
}
int16_t state_narrow(Sequence& s, DType narrow, int16_t x) {
    if (narrow == DType::Float16) return s.add(Op::half, x);
    return s.add(Op::bfloat, x, -1, -1, 1);
}
// A NaN that only its lower bits tell from infinity has to become the usual one; arithmetic gives none.
static bool is_quiet(const Sequence& s, int16_t rounded) {
    const Operation& x = s.operations[static_cast<size_t>(rounded)];
    if (x.op != Op::bfloat) return false;
    const Op made_by = s.operations[static_cast<size_t>(x.in[0])].op;
    return x.imm || (made_by >= Op::add && made_by <= Op::fma) || made_by == Op::look_up;
}
int16_t state_table(Sequence& s, int16_t v, const std::shared_ptr<const Table>& table) {
    s.tables.push_back(table);
    int16_t bits;
    const Operation x = s.operations[static_cast<size_t>(v)];
    if (table->function.narrow == DType::Float16) {
        bits = s.add(Op::half_bits, v);
    } else if (x.op == Op::load_bfloat16) {
        bits = s.add(Op::load_uint16, -1, -1, -1, 0, x.bits);
    } else {
        bits = s.add(Op::shift_right, is_quiet(s, v) ? v : s.add(Op::bfloat, v, -1, -1, 1), -1, -1, 16);
    }
    return s.add(Op::look_up, bits, -1, -1, 0, reinterpret_cast<uint64_t>(table.get()));
}
int16_t state_truth(Sequence& s, int16_t value) {
    return s.add(Op::compare, value, s.constant(0), -1, kNotEqual);
}
int16_t state_number(Sequence& s, int16_t mask) {
    return s.add(Op::select, mask, s.constant(1), s.constant(0));
}

}  // namespace pb::code
