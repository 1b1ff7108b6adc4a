// Values while code is emitted: in a register, in the frame, or where an operand lies, and the instructions that move them.
//
// An operation asks for its operands by `in`, which gives a register, or reads one in memory where it lies; `take` gives a
// register for its result, and `release` the registers of what nobody reads any more.
#pragma once
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "code/assembler.h"
#include "code/emit.h"
#include "code/registers.h"

namespace pb::code {

using Options = Assembler::Options;
constexpr Options kTwo = {.two = true}, kHalf = {.bytes = 32, .two = true};

class Values {
  protected:
    Values(const Sequence& s, const std::vector<Argument>& arguments, bool wide, const Names* names)
        : s_(s),
          arguments_(arguments),
          names_(names),
          wide_(wide),
          double_(s.is_double()),
          item_(double_ ? 8 : 4),
          width_(wide ? 64 : 32),
          out_(wide, names != nullptr),
          uses_(s),
          vectors_(0, wide ? 32 : 16),
          masks_(1, wide ? 8 : 1),
          places_(s.operations.size()) {}

    struct Where {
        int8_t in = -1;     // a register
        int32_t slot = -1;  // of the frame
    };
    const Operation& operation_of(int16_t v) const { return s_.operations[static_cast<size_t>(v)]; }
    Where& where(int16_t v) { return places_[static_cast<size_t>(v)]; }
    bool is_mask(int16_t v) const { return gives_mask(operation_of(v).op); }
    File& file_of(int16_t v) { return wide_ && is_mask(v) ? masks_ : vectors_; }

    // ---- encodings ----

    // Of floats; their double forms differ by the prefix and, in EVEX, by W.
    Encoding floats(const char* single, const char* twice, int opcode) const {
        return {double_ ? twice : single, 1, static_cast<uint8_t>(double_), static_cast<uint8_t>(opcode),
                static_cast<uint8_t>(double_)};
    }
    // Of integers as wide as a lane.
    Encoding words(const char* of_four, const char* of_eight, int four, int eight, int map = 1) const {
        return {double_ ? of_eight : of_four, static_cast<uint8_t>(map), 1,
                static_cast<uint8_t>(double_ ? eight : four), static_cast<uint8_t>(double_)};
    }
    Encoding bits(const char* narrow, const char* four, const char* eight, int opcode) const {
        return {wide_ ? (double_ ? eight : four) : narrow, 1, 1, static_cast<uint8_t>(opcode),
                static_cast<uint8_t>(wide_ && double_)};
    }
    static constexpr Encoding kLoad = {"vmovups", 1, 0, 0x10}, kStore = {"vmovups", 1, 0, 0x11},
                              kMove = {"vmovaps", 1, 0, 0x28};
    static constexpr Encoding kFromUInt16 = {"vpmovzxwd", 2, 1, 0x33};
    Encoding repeat() const {
        return {double_ ? "vbroadcastsd" : "vbroadcastss", 2, 1, static_cast<uint8_t>(double_ ? 0x19 : 0x18),
                static_cast<uint8_t>(wide_ && double_)};
    }

    // ---- memory ----

    int32_t constant_number(uint64_t bits) {
        auto [at, fresh] = pool_at_.try_emplace(bits, static_cast<int32_t>(pool_.size()));
        if (fresh) pool_.push_back(bits);
        return at->second;
    }
    // Each constant of AVX2 is a whole vector, since no operand is repeated there.
    Memory constant(uint64_t bits) {
        Memory m{-1, -1, 0, constant_number(bits), wide_};
        if (names_) m.name = number_text(bits);
        return m;
    }
    std::string number_text(uint64_t bits) const {
        double number;
        float narrow;
        __builtin_memcpy(&number, &bits, sizeof number);
        __builtin_memcpy(&narrow, &bits, sizeof narrow);
        if (!double_) number = static_cast<double>(narrow);
        char text[40];
        const double size = number < 0 ? -number : number;
        if (number == 0 || (size > 1e-30 && size < 1e30)) std::snprintf(text, sizeof text, "%.9g", number);
        else std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(bits));
        return text;
    }
    Memory frame(int32_t slot) const {
        Memory m{rsp, -1, 0, slot * width_, false};
        if (names_) m.name = "rsp + " + std::to_string(m.offset);
        return m;
    }
    // Where the elements of an argument are that the loop is at.
    Memory elements(const Operation& x) {
        const auto k = static_cast<size_t>(x.bits);
        Register base = scratch_;
        if (bases_[k] >= 0) base = bases_[k];
        else out_.load(scratch_, table_, static_cast<int32_t>(8 * k));
        const Argument& a = arguments_[k];
        const int scale = log_of_size(size_of(a, static_cast<size_t>(item_)));
        const int offset = x.copy * (width_ << s_.paired) / item_ << scale;
        Memory m{base, index_, static_cast<uint8_t>(scale), offset, false};
        if (names_) m.name = names_->arguments[k] + (offset ? " + " + std::to_string(offset) : "");
        return m;
    }
    // Whether a vector can be read where it lies.
    bool lies(int16_t v) {
        const Op op = operation_of(v).op;
        return op == Op::constant || op == Op::single || op == Op::load || where(v).slot >= 0;
    }
    // Whether an instruction had better read it there than have it brought into a register.
    bool folds(int16_t v) {
        return where(v).in < 0 && lies(v) && (operation_of(v).op != Op::load || dies(v));
    }
    Memory memory_of(int16_t v) {
        const Operation& x = operation_of(v);
        if (x.op == Op::constant) return constant(x.bits);
        if (where(v).slot >= 0) return frame(where(v).slot);
        return elements(x);
    }

    // ---- registers ----

    bool dies(int16_t v) { return uses_.next(v, at_ + 1) == Uses::kNever; }
    void release(int16_t v) {
        if (v < 0 || !dies(v)) return;
        Where& w = where(v);
        File& file = file_of(v);
        if (w.in >= 0 && file.owner(w.in) == v) file.give(w.in, File::kFree), w.in = -1;
        // What an operation reads from a slot lies there until it is over.
        if (w.slot >= 0 && operation_of(v).op > Op::constant) left_.push_back(w.slot), w.slot = -1;
    }
    // A copy in the frame, of what is in no other memory.
    void keep(int16_t v) {
        Where& w = where(v);
        const Op op = operation_of(v).op;
        if (w.slot >= 0 || op <= Op::constant) return;
        w.slot = slots_.take();
        ++spills_;
        if (wide_ && is_mask(v)) out_.mask_store(frame(w.slot), w.in);
        else out_.vector(kStore, w.in, 0, frame(w.slot), {.two = true, .stores = true});
    }
    int take(File& file) {
        int r = file.find_free();
        if (r >= 0) return lock(file, r);
        int32_t furthest = -1;
        for (int k = file.first(); k < file.end(); ++k) {
            if ((file.locked >> k & 1) || file.owner(k) < 0) continue;
            const int32_t next = uses_.next(file.owner(k), at_ + 1);
            if (next > furthest) furthest = next, r = k;
        }
        if (r < 0) {
            failed_ = true;
            return file.first();
        }
        const int16_t v = file.owner(r);
        keep(v);
        where(v).in = -1;
        file.give(r, File::kFree);
        return lock(file, r);
    }
    static int lock(File& file, int r) {
        file.locked |= 1u << r;
        return r;
    }
    void give(int16_t v, int r) {
        where(v).in = static_cast<int8_t>(r);
        file_of(v).give(r, v);
    }
    // The register of a value, into which it is brought.
    int in(int16_t v) {
        File& file = file_of(v);
        if (where(v).in >= 0) return lock(file, where(v).in);
        const int r = take(file);
        fetch(v, r);
        give(v, r);
        return r;
    }
    void fetch(int16_t v, int r) {
        const Operation& x = operation_of(v);
        if (wide_ && is_mask(v)) {
            if (where(v).slot >= 0) return out_.mask_load(r, frame(where(v).slot));
            const int t = take(vectors_);
            load_bytes(x, t);
            out_.vector(words("vptestmd", "vptestmq", 0x27, 0x27, 2), r, t, t, {.form = 'k'});
            return;
        }
        if (where(v).slot >= 0) {
            out_.vector(kLoad, r, 0, frame(where(v).slot), kTwo);
        } else if (x.op == Op::constant) {
            if (wide_) out_.vector(repeat(), r, 0, once(constant(x.bits)), kTwo);
            else out_.vector(kLoad, r, 0, constant(x.bits), kTwo);
        } else if (x.op == Op::load) {
            out_.vector(kLoad, r, 0, elements(x), kTwo);
        } else if (x.op == Op::real || x.op == Op::imaginary) {
            // Of each 16 bytes of both vectors the even or the odd places; the order is the same for all.
            const Memory first = elements(x);
            const bool odd = x.op == Op::imaginary;
            out_.vector(kLoad, r, 0, first, kTwo);
            if (double_) out_.vector(unpack(odd), r, r, next(first), {});
            else out_.vector({"vshufps", 1, 0, 0xC6}, r, r, next(first), {.imm = odd ? 0xDD : 0x88});
        } else if (x.op == Op::load_packed) {
            out_.vector(kLoad, r, 0, elements(x), kHalf);
        } else if (x.op == Op::load_half) {
            out_.vector({"vcvtph2ps", 2, 1, 0x13}, r, 0, elements(x), kTwo);
        } else if (const Encoding widen = widening(x.op); widen.name) {
            out_.vector(widen, r, 0, elements(x), kTwo);
        } else if (x.op == Op::load_bfloat16) {
            out_.vector(kFromUInt16, r, 0, elements(x), kTwo);
            shift(r, r, 16, 6);
        } else {
            load_bytes(x, r);
            out_.vector(words("vpcmpgtd", "vpcmpgtq", 0x66, 0x37, double_ ? 2 : 1), r, r, constant(0), {});
        }
    }
    // Of each 16 bytes of two vectors, their lower or upper halves taking turns.
    Encoding unpack(bool upper) const {
        return upper ? floats("vunpckhps", "vunpckhpd", 0x15) : floats("vunpcklps", "vunpcklpd", 0x14);
    }
    // The vector after another one.
    Memory next(Memory m) const {
        m.offset += width_;
        if (names_) m.name += " + " + std::to_string(width_);
        return m;
    }
    // The instruction that reads what is narrower than a lane; none by name for other operations.
    static Encoding widening(Op op) {
        switch (op) {
            case Op::load_float: return {"vcvtps2pd", 1, 0, 0x5A};
            case Op::load_uint8: return {"vpmovzxbd", 2, 1, 0x31};
            case Op::load_int8: return {"vpmovsxbd", 2, 1, 0x21};
            case Op::load_int16: return {"vpmovsxwd", 2, 1, 0x23};
            case Op::load_uint16: return kFromUInt16;
            case Op::load_int32: return {"vpmovsxdq", 2, 1, 0x25};
            default: return {nullptr, 0, 0, 0};
        }
    }
    static Memory once(Memory m) {
        m.repeated = false;
        return m;
    }
    void load_bytes(const Operation& x, int r) {
        const Encoding widen = {double_ ? "vpmovzxbq" : "vpmovzxbd", 2, 1,
                                static_cast<uint8_t>(double_ ? 0x32 : 0x31)};
        out_.vector(widen, r, 0, elements(x), kTwo);
    }
    void shift(int d, int a, int by, int way) {
        Encoding e = way == 6 ? words("vpslld", "vpsllq", 0x72, 0x73) : words("vpsrld", "vpsrlq", 0x72, 0x73);
        if (way == 4) e = {"vpsrad", 1, 1, 0x72};
        out_.vector(e, way, d, a, {.imm = by, .shifts = true});
    }

    const Sequence& s_;
    const std::vector<Argument>& arguments_;
    const Names* names_;
    const bool wide_, double_;
    const int32_t item_, width_;
    Assembler out_;
    Uses uses_;
    File vectors_, masks_;
    std::vector<Where> places_;
    Slots slots_;
    std::vector<int32_t> left_;  // slots that are free after this operation
    static constexpr auto kNone = static_cast<Register>(-1);
    std::vector<Register> bases_;  // of arguments: where they lie, as far as registers are there
    Register index_ = rax, count_ = rsi, table_ = rdi, scratch_ = r15;
    std::vector<uint64_t> pool_;
    std::map<uint64_t, int32_t> pool_at_;
    int32_t at_ = 0;  // the operation at hand
    int spills_ = 0;
    bool failed_ = false;
};

}  // namespace pb::code
