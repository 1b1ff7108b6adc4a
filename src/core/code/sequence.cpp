#include "code/sequence.h"

#include <bit>

#include "array/half.h"

namespace pb::code {

namespace {
bool commutes(Op op) { return op == Op::add || op == Op::mul; }
bool table_rounds(uint64_t table, DType to) {
    return reinterpret_cast<const Table*>(table)->function.narrow == to;
}
}  // namespace

// Whether rounding to a narrow type leaves a value as it is.
bool Sequence::is_rounded(int16_t v, Op to, int depth) const {
    const Operation& x = at(v);
    switch (x.op) {
        case Op::load_half: return to == Op::half;
        case Op::load_bfloat16: return to == Op::bfloat;
        case Op::unpack: return to == Op::half;
        case Op::half:
        case Op::bfloat: return x.op == to;
        case Op::look_up: return x.imm == (to == Op::half ? kHalves : kBfloats);
        case Op::constant: return to == Op::bfloat && !(x.bits & 0xffff);
        case Op::bit_xor: return depth && is_negated(v) && is_rounded(x.in[0], to, depth - 1);
        case Op::bit_and:
            return depth && is_constant(x.in[1], sign() - 1) && is_rounded(x.in[0], to, depth - 1);
        case Op::max:
        case Op::min:
            return depth && is_rounded(x.in[0], to, depth - 1) && is_rounded(x.in[1], to, depth - 1);
        case Op::select:
            return depth && is_rounded(x.in[1], to, depth - 1) && is_rounded(x.in[2], to, depth - 1);
        default: return false;
    }
}

// A value rounded already, or looked up among rounded ones; -1: it has to be computed.
int16_t Sequence::rounded(int16_t v, Op to) {
    if (is_rounded(v, to)) return v;
    const bool halves = to == Op::half;
    if (halves && packs)
        if (const int16_t made = computed_packed(v); made >= 0) return add(Op::unpack, made);
    const Operation x = at(v);
    if (x.op != Op::look_up || !table_rounds(x.bits, halves ? DType::Float16 : DType::BFloat16)) return -1;
    return add(Op::look_up, x.in[0], -1, -1, halves ? kHalves : kBfloats, x.bits);
}

// A float as a half that it is, where that takes no conversion; -1 elsewhere.
int16_t Sequence::packed(int16_t v) {
    const Operation x = at(v);
    constexpr uint64_t kBoth = 0x10001;
    switch (x.op) {
        case Op::unpack: return x.in[0];
        case Op::load_half: return add(Op::load_packed, -1, -1, -1, 0, x.bits);
        case Op::bit_xor:
            if (!is_negated(v)) return -1;
            if (const int16_t of = packed(x.in[0]); of >= 0)
                return add(Op::bit_xor, of, word(0x8000 * kBoth));
            return -1;
        case Op::constant: {
            const float number = std::bit_cast<float>(static_cast<uint32_t>(x.bits));
            const uint32_t half = halves_of_floats<uint32_t>(number);
            return floats_of_halves<float>(half) == number ? word(half * kBoth) : int16_t{-1};
        }
        default: return -1;
    }
}
// An operation on halves whose result is to be rounded, as one of halves: a float has more than twice their bits, so that
// rounding it once more gives the half next to the result.
int16_t Sequence::computed_packed(int16_t v) {
    const Operation x = at(v);
    const bool lone = x.op == Op::sqrt, masked = x.op == Op::masked && x.imm == static_cast<uint8_t>(Op::mul);
    if (x.op != Op::add && x.op != Op::sub && x.op != Op::mul && x.op != Op::div && !lone && !masked)
        return -1;
    const int16_t a = packed(x.in[masked]);
    if (a < 0) return -1;
    if (lone) return add(Op::packed, a, -1, -1, static_cast<uint8_t>(x.op));
    const int16_t b = packed(x.in[masked + 1]);
    if (b < 0) return -1;
    if (!masked) return add(Op::packed, a, b, -1, static_cast<uint8_t>(x.op));
    const Operation m = at(x.in[0]);
    const bool zero_wins =
        m.op == Op::compare && m.imm == kNotEqual && m.in[0] == x.in[1] && is_constant(m.in[1], 0);
    return zero_wins ? add(Op::packed_masked, a, b, word(0x7fff7fff)) : int16_t{-1};
}

// A value that has the bits of an operation, and takes fewer; -1 if there is none.
int16_t Sequence::in_fewer(const Operation& x) {
    const int16_t a = x.in[0], b = x.in[1];
    switch (x.op) {
        case Op::bit_xor:
            // The same bits turned twice are what they were; a sign that was taken away is set.
            if (at(a).op == Op::bit_xor && at(a).in[1] == b) return at(a).in[0];
            if (is_constant(b, sign()) && at(a).op == Op::bit_and && is_constant(at(a).in[1], sign() - 1))
                return add(Op::bit_or, at(a).in[0], b);
            return -1;
        case Op::bit_and: return is_constant(b, sign() - 1) ? size_of_difference(x) : int16_t{-1};
        case Op::bit_or: return is_constant(b, sign()) ? size_of_difference(x) : int16_t{-1};
        case Op::half: return rounded(a, Op::half);
        case Op::bfloat: return x.imm && at(a).op != Op::look_up ? int16_t{-1} : rounded(a, Op::bfloat);
        case Op::half_bits:
            if (at(a).op == Op::load_half) return add(Op::load_uint16, -1, -1, -1, 0, at(a).bits);
            if (at(a).op == Op::unpack) return add(Op::packed_bits, at(a).in[0]);
            return at(a).op == Op::half ? add(Op::half_bits, at(a).in[0]) : int16_t{-1};
        case Op::store_half:
            if (at(a).op == Op::unpack) return add(Op::store_packed, at(a).in[0], -1, -1, 0, x.bits);
            return at(a).op == Op::half ? add(Op::store_half, at(a).in[0], -1, -1, 0, x.bits) : int16_t{-1};
        case Op::rounded: return at(a).op == Op::load_float || at(a).op == Op::rounded ? a : int16_t{-1};
        case Op::store_float:
            return at(a).op == Op::rounded ? add(Op::store_float, at(a).in[0], -1, -1, 0, x.bits)
                                           : int16_t{-1};
        case Op::word_cut: return at(a).op == Op::load_int32 || at(a).op == Op::to_int32 ? a : int16_t{-1};
        case Op::store_int32:
            return at(a).op == Op::word_cut ? add(Op::store_int32, at(a).in[0], -1, -1, 0, x.bits)
                                            : int16_t{-1};
        case Op::select: return selected(x);
        default: return -1;
    }
}

// The size of a difference is that of the other way round, if that was there before.
int16_t Sequence::size_of_difference(const Operation& x) {
    const Operation& difference = at(x.in[0]);
    if (difference.op != Op::sub) return -1;
    const int16_t other = find({Op::sub, 0, {difference.in[1], difference.in[0], -1}});
    return other >= 0 && other < x.in[0] ? add(x.op, other, x.in[1]) : int16_t{-1};
}

// A selection among what was compared is a maximum or a minimum, which choose as it does: where neither is less, or one is
// NaN, the second operand. One of a value and of what is made of it is an operation under a mask.
int16_t Sequence::selected(const Operation& x) {
    const int16_t mask = x.in[0], a = x.in[1], b = x.in[2];
    if (a == b) return a;
    const Operation& m = at(mask);
    if (m.op == Op::compare && m.imm == kLess) {
        if (m.in[0] == b && m.in[1] == a) return add(Op::max, a, b);
        if (m.in[0] == a && m.in[1] == b) return add(Op::min, a, b);
    }
    if (!wide) return -1;
    auto made_of = [&](int16_t result, int16_t from) -> int16_t {
        const Operation& r = at(result);
        if (r.op != Op::add && r.op != Op::sub && r.op != Op::mul && r.op != Op::div) return -1;
        if (r.in[0] == from) return r.in[1];
        return commutes(r.op) && r.in[1] == from ? r.in[0] : int16_t{-1};
    };
    if (const int16_t other = made_of(a, b); other >= 0)
        return add(Op::masked, mask, b, other, static_cast<uint8_t>(at(a).op));
    if (const int16_t other = made_of(b, a); other >= 0 && m.op == Op::compare) {
        const auto op = static_cast<uint8_t>(at(b).op);
        constexpr uint8_t kOpposite = 4;
        const int16_t inverse = add(Op::compare, m.in[0], m.in[1], -1, m.imm ^ kOpposite);
        return add(Op::masked, inverse, a, other, op);
    }
    return -1;
}

}  // namespace pb::code
