#include "code/emit.h"

#include "code/operations.h"

namespace pb::code {

namespace {

class Emitter : Operations {
  public:
    Emitter(const Sequence& s, const std::vector<Argument>& arguments, bool wide, const Names* names)
        : Operations(s, arguments, wide, names) {
        for (const Operation& x : s.operations) copies_ = std::max(copies_, x.copy + 1);
    }

    // Whether two vectors side by side have registers.
    bool fits_twice() { return !s_.calls && 2 * most_live() + 4 <= vectors_.end(); }
    Emitted run() {
        begin();
        singles();
        if (!s_.calls) pin();
        out_.zero(index_);
        out_.align(32);
        const size_t top = out_.size();
        for (size_t i = 0; i < s_.operations.size(); ++i) {
            at_ = static_cast<int32_t>(i);
            const Operation& x = s_.operations[i];
            if (!uses_.is_wanted(static_cast<int16_t>(i)) || is_read(x.op) || x.op == Op::constant) continue;
            if (names_ && x.step != step_) {
                step_ = x.step;
                out_.remark(names_->steps[static_cast<size_t>(step_)]);
            }
            operation(x, static_cast<int16_t>(i));
            vectors_.locked = masks_.locked = 0;
            for (int32_t slot : left_) slots_.give_back(slot);
            left_.clear();
        }
        out_.add(index_, static_cast<int32_t>((width_ << s_.paired) / item_) * copies_);
        out_.compare(index_, count_);
        out_.jump_if_less(top);
        end();
        return finish();
    }

  private:
    // ---- around the loop ----

    // Functions that are called keep few registers.
    void begin() {
        out_.push(rbp);
        out_.move(rbp, rsp);
        for (Register r : {rbx, r12, r13, r14, r15}) out_.push(r);
        out_.add(rsp, 0);
        frame_at_ = out_.size() - 4;
        out_.and_with(rsp, -64);
        if (s_.calls) {
            index_ = rbx, count_ = r12, table_ = r13, scratch_ = rax;
            out_.move(r12, rsi);
            out_.move(r13, rdi);
        }
        static constexpr Register kept[] = {r14, r15},
                                  all[] = {rdx, rcx, r8, r9, r10, r11, rbx, r12, r13, r14};
        const Register* free = s_.calls ? kept : all;
        const Register* end = s_.calls ? std::end(kept) : std::end(all);
        bases_.assign(arguments_.size(), kNone);
        for (size_t k = 0; k < arguments_.size() && free != end; ++k)
            if (!arguments_[k].single) out_.load(bases_[k] = *free++, table_, static_cast<int32_t>(8 * k));
    }
    // What is one for all elements is repeated in the frame.
    void singles() {
        for (size_t i = 0; i < s_.operations.size(); ++i) {
            const Operation& x = s_.operations[i];
            const auto v = static_cast<int16_t>(i);
            if ((x.op != Op::single && x.op != Op::single_mask) || !uses_.is_wanted(v)) continue;
            const int32_t slot = where(v).slot = slots_.take();
            out_.load(scratch_, table_, static_cast<int32_t>(8 * x.bits));
            Memory one{scratch_, -1, 0, x.imm * item_};
            if (names_) one.name = names_->arguments[static_cast<size_t>(x.bits)];
            if (x.op == Op::single) {
                out_.vector(repeat(), 0, 0, one, kTwo);
            } else {
                out_.vector({"vpbroadcastb", 2, 1, 0x78}, 0, 0, one, kTwo);
                if (wide_) {
                    out_.vector({"vptestmb", 2, 1, 0x26}, 1, 0, 0, {.form = 'k'});
                    out_.mask_store(frame(slot), 1);
                    continue;
                }
                out_.vector(bits("vpxor", "", "", 0xEF), 1, 1, 1, {});
                out_.vector({"vpcmpeqb", 1, 1, 0x74}, 0, 0, 1, {});
                out_.vector(bits("vpxor", "", "", 0xEF), 0, 0, constant(~uint64_t{0}), {});
            }
            out_.vector(kStore, 0, 0, frame(slot), {.two = true, .stores = true});
        }
    }

    // How many vectors are wanted at the same time, at most.
    int32_t most_live() {
        const size_t n = s_.operations.size();
        std::vector<int32_t> begins(n + 1, 0);
        auto counts = [&](size_t i) {
            const Op op = s_.operations[i].op;
            const auto v = static_cast<int16_t>(i);
            return uses_.is_wanted(v) && !is_store(op) && op != Op::constant && op != Op::single &&
                   !(wide_ && is_mask(v)) && op != Op::single_mask;
        };
        for (size_t i = 0; i < n; ++i) {
            if (!counts(i)) continue;
            const auto v = static_cast<int16_t>(i);
            const int32_t from = is_read(s_.operations[i].op) ? uses_.first(v) : static_cast<int32_t>(i);
            ++begins[static_cast<size_t>(from)];
            if (uses_.any(v)) --begins[static_cast<size_t>(uses_.last(v)) + (uses_.last(v) == from)];
        }
        int32_t most = 0, now = 0;
        for (size_t i = 0; i < n; ++i) now += begins[i], most = std::max(most, now);
        return most;
    }
    // Constants and single values that instructions want in registers stay there, as far as registers are left.
    void pin() {
        const size_t n = s_.operations.size();
        int room = vectors_.end() - most_live() - 3;
        struct Wish {
            int weight;
            int16_t v;
        };
        std::vector<Wish> wishes;
        for (size_t i = 0; i < n; ++i) {
            const auto v = static_cast<int16_t>(i);
            const Op op = s_.operations[i].op;
            if ((op != Op::constant && op != Op::single) || !uses_.any(v)) continue;
            wishes.push_back({weight(v), v});
        }
        std::stable_sort(wishes.begin(), wishes.end(),
                         [](const Wish& a, const Wish& b) { return a.weight > b.weight; });
        for (const Wish& w : wishes) {
            if (room-- <= 0) break;
            const int r = vectors_.find_free_from_above();
            fetch(w.v, r);
            where(w.v).in = static_cast<int8_t>(r);
            vectors_.give(r, File::kReserved);
        }
    }
    // A first operand has to be in a register.
    int weight(int16_t v) {
        int sum = 0;
        for (int32_t at = uses_.first(v); at != Uses::kNever;) {
            const Operation& x = s_.operations[static_cast<size_t>(at)];
            const bool commutes = x.op == Op::add || x.op == Op::mul || x.op == Op::bit_and ||
                                  x.op == Op::bit_or || x.op == Op::bit_xor || x.op == Op::word_add;
            const int place = x.op == Op::select ? 2 : x.op == Op::masked;
            const bool first = x.in[place] == v && !commutes;
            sum += first || is_store(x.op) ? 4 : 1;
            at = uses_.after(v, at);
        }
        return sum;
    }

    void end() {
        if (names_) out_.remark("the end");
        out_.load_address(rsp, rbp, -40);
        for (Register r : {r15, r14, r13, r12, rbx}) out_.pop(r);
        out_.pop(rbp);
        out_.clear_upper();
        out_.give_back();
    }
    Emitted finish() {
        constexpr int32_t kMostFrame = 16384;
        const int32_t room = (slots_.count() + 1) * width_;
        if (failed_ || room > kMostFrame) return {};
        out_.put_word(frame_at_, -room);
        while (out_.size() % 64) out_.byte(0x90);
        const auto start = static_cast<int32_t>(out_.size());
        const int32_t each = wide_ ? item_ : width_;
        for (uint64_t bits : pool_)
            for (int32_t k = 0; k < each; ++k) out_.byte(static_cast<int>(bits >> (8 * (k % item_)) & 255));
        for (const Assembler::Reference& r : out_.references()) {
            const int32_t from = static_cast<int32_t>(r.at) + 4 + r.rest;
            out_.put_word(r.at, start + r.number * each - from);
        }
        return {out_.bytes(), out_.count(), spills_, copies_, out_.text(), s_.tables};
    }

    size_t frame_at_ = 0;
    int16_t step_ = -1;
    int copies_ = 1;
};

}  // namespace

Emitted emit(const Sequence& s, const std::vector<Argument>& arguments, bool wide, const Names* names) {
    Emitter one(s, arguments, wide, names);
    constexpr size_t kMostTwice = 12000;  // values are numbered by 16 bits
    if (s.operations.size() > kMostTwice || !one.fits_twice()) return one.run();
    const Sequence two = s.interleaved(2);
    return Emitter(two, arguments, wide, names).run();
}

}  // namespace pb::code
