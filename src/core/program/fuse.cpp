#include "program/fuse.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace pb {

namespace {

// Finds what a program has already, by a hash: tables of the last that had it find nearly all repetitions. What was
// entered for an earlier program does not count.
class Known {
  public:
    void clear() { ++generation_; }
    int32_t& operator[](uint64_t hash) {
        Entry& e = table_[(hash ^ (hash >> 32)) % kTable];
        if (e.generation != generation_) e = {generation_, -1};
        return e.at;
    }

  private:
    static constexpr size_t kTable = 1024;
    struct Entry {
        uint32_t generation = 0;
        int32_t at = -1;
    };
    Entry table_[kTable];
    uint32_t generation_ = 0;
};
// Of the program that was cleared last.
Known known_steps, known_values;

uint64_t mix(uint64_t h, uint64_t x) {
    h = (h ^ x) * 0x9e3779b97f4a7c15ull;
    return h ^ (h >> 29);
}
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

uint64_t hash_of(const Fused::Step& s) {
    auto h = reinterpret_cast<uintptr_t>(s.cast ? reinterpret_cast<const void*>(s.cast)
                                                : static_cast<const void*>(s.kernels));
    uint64_t hash = h;
    for (int k = 0; k < s.arity; ++k) hash = mix(hash, static_cast<uint64_t>(s.in[k]));
    return hash;
}

bool same_step(const Fused::Step& a, const Fused::Step& b) {
    if (a.kernels != b.kernels || a.cast != b.cast || a.arity != b.arity) return false;
    for (int k = 0; k < a.arity; ++k)
        if (a.in[k] != b.in[k]) return false;
    return true;
}

int16_t add_value(Fused& p, Fused::Value::Kind kind, DType type, size_t at) {
    p.values.push_back({kind, type, static_cast<int16_t>(at)});
    return static_cast<int16_t>(p.values.size() - 1);
}

int16_t number(Fused& p, Scalar s, DType type) {
    Slot mine{}, other{};
    s.store(type, &mine);
    int32_t& known = known_values[mix_bytes(static_cast<uint64_t>(type), mine.bytes, sizeof mine)];
    if (known >= 0) {
        const Fused::Value& value = p.values[static_cast<size_t>(known)];
        if (value.kind == Fused::Value::Number && value.type == type) {
            p.numbers[static_cast<size_t>(value.at)].store(type, &other);
            if (!std::memcmp(&mine, &other, sizeof mine)) return static_cast<int16_t>(known);
        }
    }
    p.numbers.push_back(Scalar::load(type, &mine));
    known = add_value(p, Fused::Value::Number, type, p.numbers.size() - 1);
    return static_cast<int16_t>(known);
}

// Whether a value is a number, and which.
bool is_number(const Fused& p, int16_t value, double* out) {
    const Fused::Value& v = p.values[static_cast<size_t>(value)];
    if (v.kind != Fused::Value::Number || !is_float(v.type)) return false;
    *out = p.numbers[static_cast<size_t>(v.at)].to_double();
    return true;
}

// Small operands are copies of their own: the same bytes are the same value.
bool is_copied(const Array& a) {
    return a.bytes() <= kCopied && a.is_contiguous() && !a.buffer->is_pending();
}

bool same_load(const Array& a, const Array& b) {
    if (a.dtype != b.dtype || !a.layout->same(*b.layout)) return false;
    if (a.buffer == b.buffer) return a.offset == b.offset;
    return is_copied(a) && is_copied(b) && !std::memcmp(a.data(), b.data(), a.bytes());
}

int16_t load(Fused& p, const Array& a, const Expression& reader) {
    Fused::Value::Kind kind = Fused::Value::Gathered;
    const Layout& loop = *reader.layout;
    if (a.numel() == 1) kind = Fused::Value::Single;
    else if (a.numel() == p.n && ((a.is_contiguous() && loop.is_contiguous()) || a.layout->same(loop)))
        kind = Fused::Value::Linear;
    uint64_t hash = mix(static_cast<uint64_t>(a.dtype), static_cast<uint64_t>(kind));
    if (kind != Fused::Value::Linear && is_copied(a)) hash = mix_bytes(hash, a.data(), a.bytes());
    else hash = mix(mix(hash, reinterpret_cast<uintptr_t>(a.buffer.get())), static_cast<uint64_t>(a.offset));
    int32_t& known = known_values[hash];
    if (known >= 0 && p.values[static_cast<size_t>(known)].kind == kind) {
        const Fused::Load& l = p.loads[static_cast<size_t>(p.values[static_cast<size_t>(known)].at)];
        bool same =
            kind == Fused::Value::Linear
                ? l.array->buffer == a.buffer && l.array->offset == a.offset && l.array->dtype == a.dtype
                : same_load(*l.array, a) && (kind == Fused::Value::Single || l.loop->same(loop));
        if (same) return static_cast<int16_t>(known);
    }
    p.loads.push_back({&a, reader.layout.get()});
    known = add_value(p, kind, a.dtype, p.loads.size() - 1);
    return static_cast<int16_t>(known);
}

int16_t add_step(Fused& p, Fused::Step s) {
    int32_t& known = known_steps[hash_of(s)];
    if (known >= 0 && same_step(p.steps[static_cast<size_t>(known)], s))
        return p.steps[static_cast<size_t>(known)].out;
    bool once = true;
    for (int k = 0; k < s.arity; ++k) once = once && p.values[static_cast<size_t>(s.in[k])].is_single();
    DType type = p.values[static_cast<size_t>(s.in[0])].type;  // set by the callers below
    known = static_cast<int32_t>(p.steps.size());
    s.out = add_value(p, once ? Fused::Value::Once : Fused::Value::Step, type, p.steps.size());
    p.steps.push_back(s);
    return s.out;
}

int16_t add_instruction(Fused& p, const Lowered::Step& from, const int16_t* in, DType type) {
    Fused::Step s{};
    s.kernels = from.kernels;
    s.primitive = from.primitive;
    s.arity = from.arity;
    for (int k = 0; k < from.arity; ++k) s.in[k] = in[k];
    if (from.arity == 2 && is_float(type)) {
        double c;
        bool product = from.primitive == Primitive::mul || from.primitive == Primitive::zmul ||
                       from.primitive == Primitive::gmul;
        if (product && is_number(p, in[1], &c) && c == 1) return in[0];
        if (product && is_number(p, in[0], &c)) {
            if (c == 1) return in[1];
            if (from.primitive == Primitive::zmul && c != 0) {  // g == 0 ? g : g * p, with a g that is not 0
                s.primitive = Primitive::mul;
                s.kernels = kernels().elementwise[static_cast<int>(Primitive::mul)][static_cast<int>(type)];
            }
        }
    }
    int16_t out = add_step(p, s);
    p.values[static_cast<size_t>(out)].type =
        primitive_info(from.primitive).result == Result::Bool ? DType::Bool : type;
    return out;
}

// A value in another dtype.
int16_t emit_cast(Fused& p, int16_t value, DType dtype) {
    DType from = p.values[static_cast<size_t>(value)].type;
    if (from == dtype) return value;
    if (p.values[static_cast<size_t>(value)].kind == Fused::Value::Number)
        return number(p, p.numbers[static_cast<size_t>(p.values[static_cast<size_t>(value)].at)], dtype);
    Fused::Step s{};
    s.cast = kernels().cast[static_cast<int>(from)][static_cast<int>(dtype)];
    s.primitive = Primitive::count;
    s.arity = 1;
    s.in[0] = value;
    int16_t out = add_step(p, s);
    p.values[static_cast<size_t>(out)].type = dtype;
    return out;
}

// The expression whose value an operand has in this program, if it is computed there.
Expression* computed_here(const Expression::Input& input, const Emission& now) {
    Expression* p = pending_in(input);
    if (!p || p->plan.mark != now.plan || !input.in_order) return nullptr;
    return p->plan.home == now.program || p->plan.copy == now.program ? p : nullptr;
}

// Appends one expression; those it reads here are there.
int16_t emit_one(Fused& p, const Expression& e, const Emission& now) {
    Small<int16_t, 64> of;  // the numbers here of the values of the expression's own program
    for (size_t i = 0; i < e.inputs.size(); ++i) {
        const Expression::Input& input = e.inputs[i];
        DType want = e.program ? e.program->types[i] : input.array.dtype;
        int16_t v;
        if (input.is_number()) {
            v = number(p, input.number, want);
        } else {
            const Expression* inner = computed_here(input, now);
            v = inner ? emit_cast(p, inner->plan.value, inner->dtype) : load(p, input.array, e);
            v = emit_cast(p, v, want);
        }
        of.push_back(v);
    }
    if (!e.program) return of[0];
    const Lowered& l = *e.program;
    for (size_t c = 0; c < l.constants.size(); ++c)
        of.push_back(number(p, l.constants[c], l.types[static_cast<size_t>(l.inputs) + c]));
    const std::vector<char>& needed = e.part().needed;
    for (size_t s = 0; s < l.steps.size(); ++s) {
        const Lowered::Step& step = l.steps[s];
        if (!needed[s]) {
            of.push_back(-1);
            continue;
        }
        int16_t in[3];
        for (int k = 0; k < step.arity; ++k) in[k] = of[static_cast<size_t>(step.in[k])];
        of.push_back(step.cast ? emit_cast(p, in[0], l.types[static_cast<size_t>(step.out)])
                               : add_instruction(p, step, in, step.type));
    }
    return of[static_cast<size_t>(l.outputs[static_cast<size_t>(e.output)])];
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

void Fused::clear() {
    n = 0;
    known_steps.clear();
    known_values.clear();
    values.clear();
    numbers.clear();
    loads.clear();
    steps.clear();
    chains.clear();
    outputs.clear();
}

void add_output(Fused& program, Expression& e, const Emission& now) {
    int16_t value = emit(program, e, now);
    if (!e.is_reduction()) {
        program.outputs.push_back({emit_cast(program, value, e.dtype), e.dtype, nullptr, &e});
        return;
    }
    program.outputs.push_back({value, e.dtype, nullptr, &e, e.reduction, e.over, e.row});
}

namespace {

// A step as a link of the chain whose accumulator it reads as operand k; count if it cannot be one.
Link link_of(const Fused::Step& s, int k) {
    switch (s.primitive) {
        case Primitive::add: return Link::add;
        case Primitive::sub: return k ? Link::reversed_sub : Link::sub;
        case Primitive::mul: return Link::mul;
        case Primitive::zmul: return k ? Link::reversed_zmul : Link::zmul;
        case Primitive::div: return k ? Link::reversed_div : Link::div;
        case Primitive::maximum: return k ? Link::reversed_maximum : Link::maximum;
        case Primitive::minimum: return k ? Link::reversed_minimum : Link::minimum;
        case Primitive::neg: return Link::neg;
        case Primitive::square: return Link::square;
        case Primitive::reciprocal: return Link::reciprocal;
        case Primitive::sqrt: return Link::sqrt;
        default: return Link::count;
    }
}

// A chain while it grows.
struct Growing {
    Chain chain;
    Small<int16_t, kChainOperands> operands;

    // The place of a value among the operands, or -1 if there is none left.
    int place(int16_t value) {
        for (size_t i = 0; i < operands.size(); ++i)
            if (operands[i] == value) return static_cast<int>(i);
        if (operands.size() == kChainOperands) return -1;
        operands.push_back(value);
        return static_cast<int>(operands.size()) - 1;
    }

    // Adds step s, which reads the accumulator as operand k. The accumulator cannot be both operands, unless a link
    // without operand says so, or it is in memory because the chain begins with it.
    bool add(const Fused& p, const Fused::Step& s, int k) {
        Link link = link_of(s, k);
        if (chain.length == kChainLinks) return false;
        int operand = 0;
        bool single = false;
        if (s.arity == 2 && s.in[0] == s.in[1] && (link == Link::add || link == Link::mul)) {
            link = link == Link::add ? Link::twice : Link::square;
        } else if (s.arity == 2) {
            if (chain.length && s.in[0] == s.in[1]) return false;
            operand = place(s.in[1 - k]);
            if (operand < 0) return false;
            single = p.values[static_cast<size_t>(s.in[1 - k])].is_single();
        }
        chain.add(link, operand, single);
        return true;
    }
};

}  // namespace

void link_up(Fused& p) {
    std::vector<uint16_t> uses(p.values.size());
    std::vector<Growing> growing(p.steps.size());
    std::vector<char> gone(p.steps.size());
    for (const Fused::Step& s : p.steps)
        for (int k = 0; k < s.arity; ++k) ++uses[static_cast<size_t>(s.in[k])];
    for (const Fused::Output& o : p.outputs) uses[static_cast<size_t>(o.value)] = UINT16_MAX;
    for (size_t i = 0; i < p.steps.size(); ++i) {
        const Fused::Step& s = p.steps[i];
        const Fused::Value& result = p.values[static_cast<size_t>(s.out)];
        if (result.kind != Fused::Value::Step || s.cast || !is_float(result.type) ||
            link_of(s, 0) == Link::count)
            continue;
        // The chain that this step continues: the later one of two.
        int at = -1, from = 0;
        for (int k = 0; k < s.arity; ++k) {
            const Fused::Value& v = p.values[static_cast<size_t>(s.in[k])];
            int readers = s.arity == 2 && s.in[0] == s.in[1] ? 2 : 1;
            if (v.kind == Fused::Value::Step && uses[static_cast<size_t>(s.in[k])] == readers && v.at > at &&
                growing[static_cast<size_t>(v.at)].chain.length)
                at = v.at, from = k;
        }
        if (at >= 0) {
            Growing longer = growing[static_cast<size_t>(at)];
            if (longer.add(p, s, from)) {
                growing[i] = longer;
                gone[static_cast<size_t>(at)] = 1;
                continue;
            }
        }
        int start = p.values[static_cast<size_t>(s.in[0])].is_single();
        growing[i].operands.push_back(s.in[start]);
        growing[i].add(p, s, start);
    }
    size_t kept = 0;
    for (size_t i = 0; i < p.steps.size(); ++i) {
        if (gone[i]) continue;
        Fused::Step& s = p.steps[kept] = p.steps[i];
        p.values[static_cast<size_t>(s.out)].at = static_cast<int16_t>(kept++);
        const Growing& g = growing[i];
        if (g.chain.length < 2) continue;
        s.chain = static_cast<int16_t>(p.chains.size());
        p.chains.push_back(g.chain);
        s.arity = static_cast<uint8_t>(g.operands.size());
        std::copy(g.operands.begin(), g.operands.end(), s.in);
    }
    p.steps.resize(kept);
}

std::string describe(const Fused& p) {
    std::string text;
    auto name = [&](int16_t v) {
        const Fused::Value& value = p.values[static_cast<size_t>(v)];
        if (value.kind == Fused::Value::Number) {
            char number[40];
            std::snprintf(number, sizeof number, "%.9g",
                          p.numbers[static_cast<size_t>(value.at)].to_double());
            return std::string(number);
        }
        if (value.kind == Fused::Value::Step || value.kind == Fused::Value::Once)
            return "v" + std::to_string(value.at);
        return "x" + std::to_string(value.at);
    };
    size_t read = 0, written = 0;
    for (const Fused::Value& v : p.values) {
        if (!v.is_load()) continue;
        const Array& a = *p.loads[static_cast<size_t>(v.at)].array;
        read += a.bytes();
        text += "  x" + std::to_string(v.at) + " = load " + dtype_name(a.dtype) + shape_text(*a.layout);
        if (v.kind == Fused::Value::Gathered) text += a.numel() < p.n ? "  broadcast" : "  strided";
        text += "\n";
    }
    for (const Fused::Step& s : p.steps) {
        text += "  " + name(s.out) + " = ";
        if (s.chain >= 0) {
            const Chain& chain = p.chains[static_cast<size_t>(s.chain)];
            text += name(s.in[0]);
            for (int k = 0; k < chain.length; ++k) {
                Link link = chain.steps[k].link();
                text += std::string(" | ") + link_name(link);
                if (!is_lone(link)) text += " " + name(s.in[chain.steps[k].operand]);
            }
        } else {
            if (s.cast) text += std::string("to_") + dtype_name(p.values[static_cast<size_t>(s.out)].type);
            else text += primitive_info(s.primitive).name;
            for (int k = 0; k < s.arity; ++k) text += (k ? ", " : " ") + name(s.in[k]);
        }
        if (p.values[static_cast<size_t>(s.out)].kind == Fused::Value::Once) text += "  once";
        text += "\n";
    }
    for (const Fused::Output& o : p.outputs) {
        if (o.reduction == Reduction::count) {
            written += static_cast<size_t>(p.n) * item_size(o.dtype);
            text += "  store " + name(o.value) + " " + dtype_name(o.dtype) + "\n";
        } else {
            text += std::string("  ") + reduction_name(o.reduction) + " " + name(o.value) + " " +
                    dtype_name(o.dtype);
            int64_t results = o.over == Over::all ? 1 : o.over == Over::leading ? o.row : p.n / o.row;
            if (o.over == Over::leading) text += " of " + std::to_string(o.row) + " columns";
            if (o.over == Over::trailing) text += " of rows of " + std::to_string(o.row);
            text += "\n";
            written += item_size(o.dtype) * static_cast<size_t>(results);
        }
    }
    char head[160];
    std::snprintf(head, sizeof head,
                  "program of %zu instruction%s over %lld elements: reads %zu bytes, writes %zu\n",
                  p.steps.size(), p.steps.size() == 1 ? "" : "s", static_cast<long long>(p.n), read, written);
    return head + text;
}

}  // namespace pb
