// The instructions of each operation, with operands and results where values are (values.h).
#pragma once
#include "code/values.h"

namespace pb::code {

class Operations : protected Values {
  protected:
    using Values::Values;
    static constexpr Encoding kFromFloat = {"vcvtps2pd", 1, 0, 0x5A}, kToFloat = {"vcvtpd2ps", 1, 1, 0x5A, 1},
                              kFromInt32 = {"vpmovsxdq", 2, 1, 0x25};

    // A last operand, which may be in memory.
    struct Last {
        int in = -1;  // a register
        Memory memory = {};
    };
    Last last(int16_t v) {
        if (folds(v)) return {-1, memory_of(v)};
        return {in(v)};
    }
    void vector(const Encoding& e, int d, int a, const Last& b, const Options& o) {
        if (b.in < 0) out_.vector(e, d, a, b.memory, o);
        else out_.vector(e, d, a, b.in, o);
    }
    // op(a, b)
    void apply(int16_t v, const Encoding& e, int16_t a, int16_t b, Options o = {}) {
        const int ra = in(a);
        const Last from = last(b);
        release(a);
        release(b);
        free_locks();
        const int d = take(o.form == 'k' ? masks_ : vectors_);
        vector(e, d, ra, from, o);
        give(v, d);
    }
    // What dies with an operation may give its register to the result.
    void free_locks() {
        for (File* file : {&vectors_, &masks_})
            for (int r = file->first(); r < file->end(); ++r)
                if (file->owner(r) == File::kFree) file->locked &= ~(1u << r);
    }
    void commutes(int16_t v, const Encoding& e, int16_t a, int16_t b) {
        if (where(a).in < 0 && lies(a) && where(b).in >= 0) std::swap(a, b);
        apply(v, e, a, b);
    }
    // Of an operation with one operand: its register, and that of the result, which may be the same.
    struct Way {
        int from, to;
    };
    Way way(int16_t a, File& file) {
        const int from = in(a);
        release(a);
        free_locks();
        return {from, take(file)};
    }
    void apply_one(int16_t v, const Encoding& e, int16_t a, Options o) {
        const auto [r, d] = way(a, o.form == 'k' ? masks_ : vectors_);
        o.two = true;
        out_.vector(e, d, 0, r, o);
        give(v, d);
    }

    void operation(const Operation& x, int16_t v) {
        const int16_t a = x.in[0], b = x.in[1];
        switch (x.op) {
            case Op::add: return commutes(v, floats("vaddps", "vaddpd", 0x58), a, b);
            case Op::mul: return commutes(v, floats("vmulps", "vmulpd", 0x59), a, b);
            case Op::sub: return apply(v, floats("vsubps", "vsubpd", 0x5C), a, b);
            case Op::div: return apply(v, floats("vdivps", "vdivpd", 0x5E), a, b);
            case Op::max: return apply(v, floats("vmaxps", "vmaxpd", 0x5F), a, b);
            case Op::min: return apply(v, floats("vminps", "vminpd", 0x5D), a, b);
            case Op::sqrt: return apply_one(v, floats("vsqrtps", "vsqrtpd", 0x51), a, {});
            case Op::fma: return multiply_add(v, a, b, x.in[2]);
            case Op::round: {
                Encoding e = words("vrndscaleps", "vrndscalepd", 0x08, 0x09, 3);
                if (!wide_) e.name = double_ ? "vroundpd" : "vroundps";
                return apply_one(v, e, a, {.imm = x.imm});
            }
            case Op::half: return round_to_half(v, a);
            case Op::bfloat: return wide_ ? round_to_bfloat(v, x) : round_narrow_to_bfloat(v, x);
            case Op::half_bits: return bits_of_half(v, a);
            case Op::unpack: return apply_one(v, {"vcvtph2ps", 2, 1, 0x13}, a, {});
            case Op::packed_bits: return apply_one(v, kFromUInt16, a, {});
            case Op::packed: return compute_packed(v, x);
            case Op::packed_masked: return zero_wins_packed(v, x);
            case Op::look_up: return look_up(v, x);
            case Op::scale: return apply(v, words("vscalefps", "vscalefpd", 0x2C, 0x2C, 2), a, b);
            case Op::exponent: return apply_one(v, words("vgetexpps", "vgetexppd", 0x42, 0x42, 2), a, {});
            case Op::significand:  // of [1, 2), whatever the sign
                return apply_one(v, words("vgetmantps", "vgetmantpd", 0x26, 0x26, 3), a, {.imm = 4});
            case Op::special: return over_first(v, x, words("vfixupimmps", "vfixupimmpd", 0x54, 0x54, 3), 0);
            case Op::choose_bits:
                return over_first(v, x, words("vpternlogd", "vpternlogq", 0x25, 0x25, 3), 0xD8);
            case Op::masked: return masked(v, x);
            case Op::bit_and: return commutes(v, bits("vpand", "vpandd", "vpandq", 0xDB), a, b);
            case Op::bit_and_not: return apply(v, bits("vpandn", "vpandnd", "vpandnq", 0xDF), a, b);
            case Op::bit_or: return commutes(v, bits("vpor", "vpord", "vporq", 0xEB), a, b);
            case Op::bit_xor: return commutes(v, bits("vpxor", "vpxord", "vpxorq", 0xEF), a, b);
            case Op::word_add: return commutes(v, words("vpaddd", "vpaddq", 0xFE, 0xD4), a, b);
            case Op::word_sub: return apply(v, words("vpsubd", "vpsubq", 0xFA, 0xFB), a, b);
            case Op::word_mul: return commutes(v, words("vpmulld", "vpmullq", 0x40, 0x40, 2), a, b);
            case Op::word_max: return commutes(v, words("vpmaxsd", "vpmaxsq", 0x3D, 0x3D, 2), a, b);
            case Op::word_min: return commutes(v, words("vpminsd", "vpminsq", 0x39, 0x39, 2), a, b);
            case Op::word_compare: return compare_words(v, x);
            case Op::to_float:
                return apply_one(
                    v, double_ ? Encoding{"vcvtqq2pd", 1, 2, 0xE6, 1} : Encoding{"vcvtdq2ps", 1, 0, 0x5B}, a,
                    {});
            case Op::to_word:
                return apply_one(
                    v, double_ ? Encoding{"vcvttpd2qq", 1, 1, 0x7A, 1} : Encoding{"vcvttps2dq", 1, 2, 0x5B},
                    a, {});
            case Op::rounded: return there_and_back(v, a, kToFloat, kFromFloat);
            case Op::word_rounded: return there_and_back(v, a, {"vcvtqq2ps", 1, 0, 0x5B, 1}, kFromFloat);
            case Op::to_int32: return there_and_back(v, a, {"vcvttpd2dq", 1, 1, 0xE6, 1}, kFromInt32);
            case Op::word_cut: {
                const auto [r, d] = way(a, vectors_);
                out_.vector({"vpmovqd", 2, 2, 0x35}, r, 0, d, {.two = true, .stores = true});
                out_.vector(kFromInt32, d, 0, d, kTwo);
                return give(v, d);
            }
            case Op::shift_left:
            case Op::shift_right: {
                const auto [r, d] = way(a, vectors_);
                shift(d, r, x.imm, x.op == Op::shift_left ? 6 : 2);
                return give(v, d);
            }
            case Op::compare:
                return apply(v, floats("vcmpps", "vcmppd", 0xC2), a, b,
                             {.imm = x.imm, .form = wide_ ? 'k' : 'v'});
            case Op::negative: return negative(v, a);
            case Op::mask_and: return of_masks(v, "kandw", 0x41, bits("vpand", "", "", 0xDB), a, b);
            case Op::mask_or: return of_masks(v, "korw", 0x45, bits("vpor", "", "", 0xEB), a, b);
            case Op::mask_xor: return of_masks(v, "kxorw", 0x47, bits("vpxor", "", "", 0xEF), a, b);
            case Op::mask_not: return invert(v, a);
            case Op::select: return choose(v, a, b, x.in[2]);
            case Op::call: return call(v, x);
            case Op::store_pair: return store_pair(x);
            case Op::store: {
                const int r = in(a);
                out_.vector(kStore, r, 0, elements(x), {.two = true, .stores = true});
                return release(a);
            }
            case Op::stream: {
                const int r = in(a);
                out_.vector(floats("vmovntps", "vmovntpd", 0x2B), r, 0, elements(x),
                            {.two = true, .stores = true});
                return release(a);
            }
            case Op::store_half: {
                const int r = in(a);
                out_.vector({"vcvtps2ph", 3, 1, 0x1D}, r, 0, elements(x),
                            {.imm = 0, .two = true, .stores = true});
                return release(a);
            }
            case Op::store_packed: {
                const int r = in(a);
                out_.vector(kStore, r, 0, elements(x), {.bytes = 32, .two = true, .stores = true});
                return release(a);
            }
            case Op::store_bfloat16: return store_words(x, a);
            case Op::store_float: {
                const int r = in(a), t = take(vectors_);
                out_.vector(kToFloat, t, 0, r, kTwo);
                out_.vector(kStore, t, 0, elements(x), {.bytes = width_ / 2, .two = true, .stores = true});
                return release(a);
            }
            case Op::store_int32: {
                const int r = in(a);
                out_.vector({"vpmovqd", 2, 2, 0x35}, r, 0, elements(x), {.two = true, .stores = true});
                return release(a);
            }
            case Op::store_mask: return wide_ ? store_mask(x, a) : store_narrow_mask(x, a);
            default: failed_ = true;
        }
    }

    // To what is half as wide, and the value of that again.
    void there_and_back(int16_t v, int16_t a, Encoding there, const Encoding& back) {
        const auto [r, d] = way(a, vectors_);
        out_.vector(there, d, 0, r, kTwo);
        out_.vector(back, d, 0, d, kTwo);
        give(v, d);
    }
    void compare_words(int16_t v, const Operation& x) {
        if (wide_)
            return apply(v, words("vpcmpd", "vpcmpq", 0x1F, 0x1F, 3), x.in[0], x.in[1],
                         {.imm = x.imm, .form = 'k'});
        const Encoding equal = words("vpcmpeqd", "vpcmpeqq", 0x76, 0x29, double_ ? 2 : 1),
                       above = words("vpcmpgtd", "vpcmpgtq", 0x66, 0x37, double_ ? 2 : 1);
        apply(v, x.imm == kSame ? equal : above, x.in[0], x.in[1]);
    }

    // a * b + c, written over one of the three that nobody needs any more, or over a copy.
    void multiply_add(int16_t v, int16_t a, int16_t b, int16_t c) {
        if (folds(a) && !folds(b)) std::swap(a, b);
        const bool c_there = folds(c), b_there = !c_there && b != a && folds(b);
        const int ra = in(a), rb = b_there ? -1 : in(b), rc = c_there ? -1 : in(c);
        auto spare = [&](int16_t x, int r) { return r >= 0 && dies(x) && vectors_.owner(r) == x; };
        auto form = [&](int opcode, const char* single, const char* twice) {
            return words(single, twice, opcode, opcode, 2);
        };
        const Encoding by_132 = form(0x98, "vfmadd132ps", "vfmadd132pd"),
                       by_213 = form(0xA8, "vfmadd213ps", "vfmadd213pd"),
                       by_231 = form(0xB8, "vfmadd231ps", "vfmadd231pd");
        auto copy = [&](int r) {
            const int d = take(vectors_);
            out_.vector(kMove, d, 0, r, kTwo);
            return d;
        };
        int d;
        if (c_there) {
            int other = rb;
            if (spare(a, ra)) d = ra;
            else if (spare(b, rb)) d = rb, other = ra;
            else d = copy(ra);
            out_.vector(by_213, d, other, memory_of(c), {});
        } else if (b_there) {
            if (c != a && spare(c, rc)) d = rc, out_.vector(by_231, d, ra, memory_of(b), {});
            else if (c != a && spare(a, ra)) d = ra, out_.vector(by_132, d, rc, memory_of(b), {});
            else d = copy(rc), out_.vector(by_231, d, ra, memory_of(b), {});
        } else if (spare(c, rc)) {
            d = rc, out_.vector(by_231, d, ra, rb, {});
        } else if (spare(a, ra)) {
            d = ra, out_.vector(by_213, d, rb, rc, {});
        } else if (spare(b, rb)) {
            d = rb, out_.vector(by_213, d, ra, rc, {});
        } else {
            d = copy(rc), out_.vector(by_231, d, ra, rb, {});
        }
        release(a);
        release(b);
        release(c);
        give(v, d);
    }

    void round_to_half(int16_t v, int16_t a) {
        const auto [r, d] = way(a, vectors_);
        out_.vector({"vcvtps2ph", 3, 1, 0x1D}, r, 0, d, {.imm = 0, .two = true, .stores = true});
        out_.vector({"vcvtph2ps", 2, 1, 0x13}, d, 0, d, kTwo);
        give(v, d);
    }

    // Halves in the lower half of a register; those in memory are read where they lie.
    static Encoding packed_encoding(Op op) {
        switch (op) {
            case Op::add: return {"vaddph", 5, 0, 0x58};
            case Op::sub: return {"vsubph", 5, 0, 0x5C};
            case Op::mul: return {"vmulph", 5, 0, 0x59};
            case Op::div: return {"vdivph", 5, 0, 0x5E};
            default: return {"vsqrtph", 5, 0, 0x51};
        }
    }
    Last packed_last(int16_t v) {
        const bool lies_there = operation_of(v).op == Op::load_packed && where(v).in < 0 && dies(v);
        return lies_there ? Last{-1, elements(operation_of(v))} : Last{in(v)};
    }
    void compute_packed(int16_t v, const Operation& x) {
        const Encoding e = packed_encoding(static_cast<Op>(x.imm));
        const bool lone = x.in[1] < 0;
        const int first = in(x.in[0]);
        const Last from = lone ? Last{first} : packed_last(x.in[1]);
        release(x.in[0]);
        release(x.in[1]);
        free_locks();
        const int d = take(vectors_);
        vector(e, d, lone ? 0 : first, from, {.bytes = 32, .two = lone});
        give(v, d);
    }
    void zero_wins_packed(int16_t v, const Operation& x) {
        const int first = in(x.in[0]), all = in(x.in[2]), some = take(masks_);
        out_.vector({"vptestmw", 2, 1, 0x26, 1}, some, first, all, {.bytes = 32, .form = 'k'});
        const Last from = packed_last(x.in[1]);
        const int d = own(x.in[0], first);
        vector(packed_encoding(Op::mul), d, first, from, {.mask = some, .bytes = 32});
        for (int16_t each : x.in) release(each);
        give(v, d);
    }
    void bits_of_half(int16_t v, int16_t a) {
        const auto [r, d] = way(a, vectors_);
        out_.vector({"vcvtps2ph", 3, 1, 0x1D}, r, 0, d, {.imm = 0, .two = true, .stores = true});
        out_.vector(kFromUInt16, d, 0, d, kTwo);
        give(v, d);
    }
    // The instruction takes a mask of what is to be fetched, and clears it; its result keeps what is not, and so is made not
    // to wait for what was there.
    void look_up(int16_t v, const Operation& x) {
        const int at = in(x.in[0]), d = take(vectors_), all = take(wide_ ? masks_ : vectors_);
        const Table& table = *reinterpret_cast<const Table*>(x.bits);
        const char* name = primitive_info(table.function.primitive).name;
        constexpr Encoding kGather = {"vgatherdps", 2, 1, 0x92};
        out_.vector(bits("vpxor", "vpxord", "", 0xEF), d, d, d, {});
        out_.move_address(scratch_, table.results(x.imm != kAsTheyAre), name);
        // Of the number of the register that is an index, the fifth bit is where an operand's would be.
        Memory from{scratch_, static_cast<int8_t>(at & 15), 2};
        if (names_) from.name = std::string(name) + " + 4 * " + std::to_string(at);
        if (wide_) {
            out_.mask("kxnorw", 0x46, all, all, all);
            out_.vector(kGather, d, at & 16, from, {.mask = all, .two = true});
        } else {
            out_.vector({"vpcmpeqd", 1, 1, 0x76}, all, all, all, {});
            out_.vector(kGather, d, all, from, {});
        }
        release(x.in[0]);
        give(v, d);
    }

    // To the nearest: half of the last place is added, less the least if the place is even. NaN stays, or is the usual one.
    void round_to_bfloat(int16_t v, const Operation& x) {
        const int r = in(x.in[0]), t = take(vectors_), odd = take(masks_), number = take(masks_);
        constexpr int kOrdered = 7;
        out_.vector(words("vptestmd", "", 0x27, 0, 2), odd, r, constant(0x10000), {.form = 'k'});
        out_.vector(words("vpaddd", "", 0xFE, 0), t, r, constant(0x7fff), {});
        out_.vector(words("vpaddd", "", 0xFE, 0), t, t, constant(1), {.mask = odd});
        out_.vector(floats("vcmpps", "", 0xC2), number, r, r, {.imm = kOrdered, .form = 'k'});
        const int d = x.imm ? take(vectors_) : own(x.in[0], r);
        if (x.imm) out_.vector(repeat(), d, 0, once(constant(0x7fc00000)), kTwo);
        out_.vector(bits("", "vpandd", "", 0xDB), d, t, constant(0xffff0000u), {.mask = number});
        release(x.in[0]);
        give(v, d);
    }
    void round_narrow_to_bfloat(int16_t v, const Operation& x) {
        const int r = in(x.in[0]), t = take(vectors_), none = take(vectors_);
        shift(t, r, 16, 2);
        out_.vector(bits("vpand", "", "", 0xDB), t, t, constant(1), {});
        out_.vector(words("vpaddd", "", 0xFE, 0), t, t, r, {});
        out_.vector(words("vpaddd", "", 0xFE, 0), t, t, constant(0x7fff), {});
        out_.vector(bits("vpand", "", "", 0xDB), t, t, constant(0xffff0000u), {});
        out_.vector(floats("vcmpps", "", 0xC2), none, r, r, {.imm = kNotEqual});
        const Encoding blend = {"vblendvps", 3, 1, 0x4A};
        if (x.imm) out_.vector(blend, t, t, constant(0x7fc00000), {.fourth = none});
        else out_.vector(blend, t, t, r, {.fourth = none});
        release(x.in[0]);
        give(v, t);
    }
    // A register with a value that may be written over: the value's own where nobody needs it any more, or a copy.
    int own(int16_t v, int r) {
        if (dies(v) && vectors_.owner(r) == v) return r;
        const int d = take(vectors_);
        out_.vector(kMove, d, 0, r, kTwo);
        return d;
    }
    // Of three operands, the first of which the result is written over.
    void over_first(int16_t v, const Operation& x, const Encoding& e, int imm) {
        const int first = in(x.in[0]), second = in(x.in[1]);
        const Last from = last(x.in[2]);
        const int d = own(x.in[0], first);
        vector(e, d, second, from, {.imm = imm});
        for (int16_t each : x.in) release(each);
        give(v, d);
    }
    // What is not set keeps the bits of the second operand.
    void masked(int16_t v, const Operation& x) {
        const int rm = in(x.in[0]), ra = in(x.in[1]);
        const Last from = last(x.in[2]);
        const int d = own(x.in[1], ra);
        const Encoding e = [&] {
            switch (static_cast<Op>(x.imm)) {
                case Op::add: return floats("vaddps", "vaddpd", 0x58);
                case Op::sub: return floats("vsubps", "vsubpd", 0x5C);
                case Op::mul: return floats("vmulps", "vmulpd", 0x59);
                default: return floats("vdivps", "vdivpd", 0x5E);
            }
        }();
        vector(e, d, ra, from, {.mask = rm});
        for (int16_t each : x.in) release(each);
        give(v, d);
    }

    void negative(int16_t v, int16_t a) {
        if (wide_) {
            const Encoding e = {double_ ? "vpmovq2m" : "vpmovd2m", 2, 2, 0x39, static_cast<uint8_t>(double_)};
            return apply_one(v, e, a, {.form = 'k'});
        }
        const auto [r, d] = way(a, vectors_);
        if (!double_) {
            shift(d, r, 31, 4);
        } else {  // 0 > a
            const int zero = d == r ? take(vectors_) : d;
            out_.vector(bits("vpxor", "", "", 0xEF), zero, zero, zero, {});
            out_.vector({"vpcmpgtq", 2, 1, 0x37}, d, zero, r, {});
        }
        give(v, d);
    }

    void of_masks(int16_t v, const char* name, int opcode, const Encoding& narrow, int16_t a, int16_t b) {
        if (!wide_) return apply(v, narrow, a, b);
        const int ra = in(a), rb = in(b);
        release(a);
        release(b);
        free_locks();
        const int d = take(masks_);
        out_.mask(name, opcode, d, ra, rb);
        give(v, d);
    }
    void invert(int16_t v, int16_t a) {
        const auto [r, d] = way(a, wide_ ? masks_ : vectors_);
        if (wide_) out_.mask_not(d, r);
        else out_.vector(bits("vpxor", "", "", 0xEF), d, r, constant(~uint64_t{0}), {});
        give(v, d);
    }

    // Where the mask is set a, else b.
    void choose(int16_t v, int16_t mask, int16_t a, int16_t b) {
        const int rm = in(mask), rb = in(b);
        const Last from = last(a);
        release(mask);
        release(a);
        release(b);
        free_locks();
        const int d = take(vectors_);
        Encoding e;
        Options o;
        if (wide_) e = words("vblendmps", "vblendmpd", 0x65, 0x65, 2), o.mask = rm;
        else
            e = {double_ ? "vblendvpd" : "vblendvps", 3, 1, static_cast<uint8_t>(double_ ? 0x4B : 0x4A)},
            o.fourth = rm;
        vector(e, d, rb, from, o);
        give(v, d);
    }

    // Of the registers a function keeps none.
    void call(int16_t v, const Operation& x) {
        const auto& functions = vector_functions();
        const void* target = (double_ ? functions.of_double : functions.of_float)[x.imm];
        if (!target) failed_ = true;
        for (File* file : {&vectors_, &masks_})
            for (int r = file->first(); r < file->end(); ++r)
                if (file->owner(r) >= 0 && !dies(file->owner(r))) keep(file->owner(r));
        const int16_t a = x.in[0], b = x.in[1];
        if (b >= 0) {
            const int rb = where(b).in, ra = where(a).in;
            const int aside = ra == 2 ? 3 : 2;
            if (rb == 0) out_.vector(kMove, aside, 0, rb, kTwo);
            into(a, ra, 0);
            into(b, rb == 0 ? aside : rb, 1);
        } else {
            into(a, where(a).in, 0);
        }
        release(a);
        release(b);
        for (File* file : {&vectors_, &masks_})
            for (int r = file->first(); r < file->end(); ++r)
                if (file->owner(r) >= 0) where(file->owner(r)).in = -1, file->give(r, File::kFree);
        vectors_.locked = masks_.locked = 0;
        const auto which = static_cast<VectorFunction>(x.imm);
        out_.move_address(rax, target, vector_function_name(which));
        out_.call(rax);
        give(v, 0);
    }
    void into(int16_t v, int from, int r) {
        if (from < 0) fetch(v, r);
        else if (from != r) out_.vector(kMove, r, 0, from, kTwo);
    }

    void store_pair(const Operation& x) {
        const int re = in(x.in[0]), im = in(x.in[1]), t = take(vectors_);
        const Memory first = elements(x);
        const Encoding e = x.imm ? floats("vmovntps", "vmovntpd", 0x2B) : kStore;
        for (bool upper : {false, true}) {
            out_.vector(unpack(upper), t, re, im, {});
            out_.vector(e, t, 0, upper ? next(first) : first, {.two = true, .stores = true});
        }
        release(x.in[0]);
        release(x.in[1]);
    }
    void store_mask(const Operation& x, int16_t a) {
        const int k = in(a), t = take(vectors_);
        const auto w = static_cast<uint8_t>(double_);
        out_.vector({double_ ? "vpmovm2q" : "vpmovm2d", 2, 2, 0x38, w}, t, 0, k, kTwo);
        shift(t, t, double_ ? 63 : 31, 2);
        out_.vector({double_ ? "vpmovqb" : "vpmovdb", 2, 2, static_cast<uint8_t>(double_ ? 0x32 : 0x31)}, t,
                    0, elements(x), {.two = true, .stores = true});
        release(a);
        vectors_.locked = 0;
    }
    // The lower and the upper half of a vector of masks, packed to bytes.
    void store_narrow_mask(const Operation& x, int16_t a) {
        const int r = in(a), t = take(vectors_);
        upper_half(r, t);
        if (double_) out_.vector({"vshufps", 1, 0, 0xC6}, t, r, t, {.imm = 0x88, .bytes = 16});
        out_.vector({"vpackssdw", 1, 1, 0x6B}, t, double_ ? t : r, t, {.bytes = 16});
        out_.vector({"vpacksswb", 1, 1, 0x63}, t, t, t, {.bytes = 16});
        const uint64_t ones = 0x0101010101010101ull;
        out_.vector({"vpand", 1, 1, 0xDB}, t, t, constant(double_ ? ones : ones & 0xffffffffu),
                    {.bytes = 16});
        const Encoding e = {double_ ? "vmovd" : "vmovq", 1, 1, static_cast<uint8_t>(double_ ? 0x7E : 0xD6)};
        out_.vector(e, t, 0, elements(x), {.bytes = 16, .two = true, .stores = true});
        release(a);
    }
    void upper_half(int r, int t) {
        out_.vector({"vextracti128", 3, 1, 0x39}, r, 0, t, {.imm = 1, .two = true, .stores = true});
    }
    // The upper two bytes of each lane.
    void store_words(const Operation& x, int16_t a) {
        const int r = in(a), t = take(vectors_);
        shift(t, r, 16, 2);
        if (wide_) {
            out_.vector({"vpmovdw", 2, 2, 0x33}, t, 0, elements(x), {.two = true, .stores = true});
        } else {
            const int u = take(vectors_);
            upper_half(t, u);
            out_.vector({"vpackusdw", 2, 1, 0x2B}, t, t, u, {.bytes = 16});
            out_.vector({"vmovdqu", 1, 2, 0x7F}, t, 0, elements(x),
                        {.bytes = 16, .two = true, .stores = true});
        }
        release(a);
    }
};

}  // namespace pb::code
