#include "program/fuse.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "array/hash.h"

namespace pb {

namespace {

// Finds what a program has already, by a hash: one of a few places of a table, so that all but a few repetitions are
// found, whatever addresses the hash is made of. What was entered for an earlier program does not count.
class Known {
  public:
    void clear() { ++generation_; }
    // The number of what is the same, or a place for the number of what is not there, which has -1.
    template <class Same> int32_t& find(uint64_t hash, Same same) {
        hash ^= hash >> 32;
        for (size_t k = 0; k < kPlaces; ++k) {
            Entry& e = table_[(hash + k) % kTable];
            if (e.generation != generation_) e = {generation_, -1};
            if (e.at < 0 || same(e.at)) return e.at;
        }
        Entry& first = table_[hash % kTable];
        first.at = -1;
        return first.at;
    }

  private:
    static constexpr size_t kTable = 2048, kPlaces = 16;
    struct Entry {
        uint32_t generation = 0;
        int32_t at = -1;
    };
    Entry table_[kTable];
    uint32_t generation_ = 0;
};
constexpr size_t kHashed = 64;  // bytes of an operand that tell it from most others
// Of the program that was begun last.
Known known_steps, known_values;

uint64_t mix_bytes(uint64_t h, const char* bytes, size_t n) {
    for (; n >= 8; bytes += 8, n -= 8) {
        uint64_t word;
        std::memcpy(&word, bytes, 8);
        h = mix(h, word);
    }
    uint64_t rest = 0;
    std::memcpy(&rest, bytes, n);
    return mix(h, rest);
}

uint64_t hash_of(const Step& s) {
    uint64_t hash = reinterpret_cast<uintptr_t>(s.kernels);
    for (int k = 0; k < s.arity; ++k) hash = mix(hash, static_cast<uint64_t>(s.in[k]));
    return hash;
}

bool same_step(const Step& a, const Step& b) {
    return a.kernels == b.kernels && a.arity == b.arity && std::equal(a.in, a.in + a.arity, b.in);
}

// Whether a value is a number, and which.
bool is_number(const Fused& p, int16_t value, double* out) {
    const Value& v = p.value(value);
    if (v.kind != Value::Number || !is_float(v.type)) return false;
    *out = p.number(v).to_double();
    return true;
}

// Whether a function gives one of its operands, or a whole number next to it.
bool selects(Primitive p) {
    static const Primitive all[] = {Primitive::abs,     Primitive::neg,      Primitive::maximum,
                                    Primitive::minimum, Primitive::fmax,     Primitive::fmin,
                                    Primitive::floor,   Primitive::ceil,     Primitive::round,
                                    Primitive::trunc,   Primitive::copysign, Primitive::where};
    return std::find(std::begin(all), std::end(all), p) != std::end(all);
}

// Small operands are copies of their own: the same bytes are the same value.
bool is_copied(const Array& a) {
    return a.bytes() <= kCopied && a.is_contiguous() && !a.buffer->is_pending();
}

bool same_array(const Array& a, const Array& b) {
    if (a.dtype != b.dtype || !a.layout->same(*b.layout)) return false;
    if (a.buffer == b.buffer) return a.offset == b.offset;
    return is_copied(a) && is_copied(b) && !std::memcmp(a.data(), b.data(), a.bytes());
}

}  // namespace

bool is_rounded(const Fused& p, int16_t v, DType narrow, int depth) {
    const Value& value = p.value(v);
    double number;
    if (is_number(p, v, &number)) {
        const Slot slot = Steps::stored(Scalar(number), narrow);
        return Scalar::load(narrow, &slot).to_double() == number;
    }
    if (value.kind != Value::Result || value.type != computed_as(narrow)) return false;
    const Step& s = p.steps[static_cast<size_t>(value.at)];
    if (s.chain >= 0) {  // what its last link rounds, or that with its sign turned
        const Chain& chain = p.chains[static_cast<size_t>(s.chain)];
        int k = chain.length;
        while (k && chain.steps[k - 1].link() == Link::neg) --k;
        if (k) return chain.steps[k - 1].link() == link_of(rounding_to(narrow), 0);
        return p.type(s.in[0]) == narrow || (depth && is_rounded(p, s.in[0], narrow, depth - 1));
    }
    if (s.converts()) return p.type(s.in[0]) == narrow;
    if (s.primitive == rounding_to(narrow)) return true;
    if (!depth || !selects(s.primitive)) return false;
    for (int k = s.primitive == Primitive::where; k < s.arity; ++k)
        if (!is_rounded(p, s.in[k], narrow, depth - 1)) return false;
    return true;
}

void Fused::begin(int64_t elements) {
    n = elements;
    known_steps.clear();
    known_values.clear();
    values.clear();
    numbers.clear();
    operands.clear();
    steps.clear();
    chains.clear();
    outputs.clear();
    sum = nullptr;
}

int16_t Fused::add_number(const Slot& number, DType type) {
    auto same = [&](int32_t at) {
        const Value& v = values[static_cast<size_t>(at)];
        return v.kind == Value::Number && v.type == type &&
               !std::memcmp(&numbers[static_cast<size_t>(v.at)], &number, sizeof number);
    };
    int32_t& known =
        known_values.find(mix_bytes(static_cast<uint64_t>(type), number.bytes, sizeof number), same);
    if (known < 0) known = add(number, type);
    return static_cast<int16_t>(known);
}

int16_t Fused::add_operand(const Array& a, const Layout& loop) {
    Operand::Way way = Operand::Gathered;
    if (a.numel() == 1) way = Operand::Single;
    else if (a.numel() == n && ((a.is_contiguous() && loop.is_contiguous()) || a.layout->same(loop)))
        way = Operand::AsItLies;
    uint64_t hash = mix(static_cast<uint64_t>(a.dtype), static_cast<uint64_t>(way));
    if (way != Operand::AsItLies && is_copied(a))
        hash = mix_bytes(hash, a.data(), std::min(a.bytes(), kHashed));
    else hash = mix(mix(hash, reinterpret_cast<uintptr_t>(a.buffer.get())), static_cast<uint64_t>(a.offset));
    auto same = [&](int32_t at) {
        const Operand* o = operand(static_cast<int16_t>(at));
        if (!o || o->way != way) return false;
        const Array& b = *o->array;
        return way == Operand::AsItLies ? b.buffer == a.buffer && b.offset == a.offset && b.dtype == a.dtype
                                        : same_array(b, a) && (way == Operand::Single || o->loop->same(loop));
    };
    int32_t& known = known_values.find(hash, same);
    if (known >= 0) return static_cast<int16_t>(known);
    int16_t v = add(Value::Operand, way == Operand::Single, a.dtype, operands.size());
    operands.push_back({way, &a, &loop, v});
    known = v;
    return v;
}

int16_t Fused::add_once(const Step& s, DType type) {
    int32_t& known = known_steps.find(
        hash_of(s), [&](int32_t at) { return same_step(steps[static_cast<size_t>(at)], s); });
    if (known >= 0) return steps[static_cast<size_t>(known)].out;
    known = static_cast<int32_t>(steps.size());
    return add(s, type);
}

int16_t Fused::convert_other(int16_t v, DType type) {
    const Value from = value(v);
    if (from.kind == Value::Number) {
        Slot converted{};
        const void* in[1] = {&numbers[static_cast<size_t>(from.at)]};
        conversion(v, from.type, type).kernels[0](in, &converted, 1);
        return add_number(converted, type);
    }
    // What a conversion to a narrow type has made is the same value for who takes it on in the wide one, rounded: the
    // result of a step, which may be a link of a chain, instead of two conversions.
    const Step* made = from.kind == Value::Result ? &steps[static_cast<size_t>(from.at)] : nullptr;
    if (made && made->converts()) {
        const DType before = this->type(made->in[0]);
        if (is_narrow_float(from.type) && before == type && type == computed_as(from.type))
            return is_rounded(*this, made->in[0], from.type)
                       ? made->in[0]
                       : add_once(rounding(made->in[0], from.type), type);
        if (is_narrow_float(type) && before == type && from.type == computed_as(type)) return made->in[0];
    }
    return add_once(conversion(v, from.type, type), type);
}

int16_t Fused::add_instruction(const Step& from, const Numbers& of, DType type) {
    Step s = from;
    for (int k = 0; k < s.arity; ++k) s.in[k] = of[static_cast<size_t>(from.in[k])];
    double c;
    bool product =
        s.primitive == Primitive::mul || s.primitive == Primitive::zmul || s.primitive == Primitive::gmul;
    // Of g == 0 ? g : g * p, with a g that is not 0, or with a positive and finite p, which leaves a zero as it is.
    bool plain = false;
    if (product && is_number(*this, s.in[1], &c)) {
        if (c == 1) return s.in[0];
        plain = c > 0 && c < std::numeric_limits<double>::infinity();
    }
    if (product && is_number(*this, s.in[0], &c)) {
        if (c == 1) return s.in[1];
        plain = c != 0;
    }
    if (plain && s.primitive == Primitive::zmul) {
        s.primitive = Primitive::mul;
        s.kernels = kernels().elementwise[static_cast<int>(Primitive::mul)][static_cast<int>(type)];
    }
    return add_once(s, type);
}

void Fused::append(const Lowered& l, const std::vector<char>* needed, Numbers& of) {
    for (size_t v = of.size(); v < l.values.size(); ++v) {
        const Value& value = l.values[v];
        auto at = static_cast<size_t>(value.at);
        if (value.kind == Value::Number) {
            of.push_back(add_number(l.numbers[at], value.type));
        } else if (needed && !(*needed)[at]) {
            of.push_back(-1);
        } else {
            const Step& s = l.steps[at];
            of.push_back(s.converts() ? convert(of[static_cast<size_t>(s.in[0])], value.type)
                                      : add_instruction(s, of, value.type));
        }
    }
}

namespace {

// The expression whose value an operand has in this program, if it is computed there.
Expression* computed_here(const Expression::Input& input, const Emission& now) {
    Expression* p = pending_in(input);
    if (!p || p->plan.mark != now.plan || !input.in_order) return nullptr;
    return p->plan.home == now.program || p->plan.copy == now.program ? p : nullptr;
}

// Appends one expression; those it reads here are there.
int16_t emit_one(Fused& p, const Expression& e, const Emission& now) {
    Fused::Numbers of;
    for (size_t i = 0; i < e.inputs.size(); ++i) {
        const Expression::Input& input = e.inputs[i];
        DType want = e.program ? e.program->type(static_cast<int16_t>(i)) : input.array.dtype;
        if (input.is_number()) {
            of.push_back(p.add_number(Steps::stored(input.number, want), want));
        } else {
            const Expression* inner = computed_here(input, now);
            int16_t v =
                inner ? p.convert(inner->plan.value, inner->dtype) : p.add_operand(input.array, *e.layout);
            of.push_back(p.convert(v, want));
        }
    }
    if (!e.program) return of[0];
    p.append(*e.program, &e.part().needed, of);
    return of[static_cast<size_t>(e.program->outputs[static_cast<size_t>(e.output)])];
}

// Operands first, from the first to the last.
int16_t emit(Fused& p, Expression& e, const Emission& now) {
    Small<Expression*, 32> waiting{&e};
    while (!waiting.empty()) {
        Expression* x = waiting.back();
        if (x->plan.emitted == now.number) {
            waiting.pop_back();
            continue;
        }
        size_t before = waiting.size();
        for (size_t i = x->inputs.size(); i-- > 0;) {
            Expression* inner = computed_here(x->inputs[i], now);
            if (inner && inner->plan.emitted != now.number) waiting.push_back(inner);
        }
        if (waiting.size() > before) continue;
        x->plan.value = emit_one(p, *x, now);
        x->plan.emitted = now.number;
        waiting.pop_back();
    }
    return e.plan.value;
}

}  // namespace

void add_output(Fused& program, Expression& e, const Emission& now) {
    int16_t value = emit(program, e, now);
    if (!e.is_reduction()) {
        program.outputs.push_back({program.convert(value, e.dtype), e.dtype, nullptr, &e});
        return;
    }
    program.outputs.push_back({value, e.dtype, nullptr, &e, e.reduction, e.over, e.row});
}

}  // namespace pb
