// Chains made of steps: what hands its result to the next step alone joins that one.
#include <utility>

#include "program/fuse.h"

namespace pb {

namespace {

// What a chain reads of an operand: a value, or the narrow one that it was converted from.
struct Taken {
    int16_t value;
    Chain::Form form = Chain::Block;
};
constexpr uint16_t kFewReaders = 2;  // for which it pays to convert anew
Taken taken(const Fused& p, int16_t v, uint16_t readers) {
    const Value& value = p.value(v);
    if (value.kind != Value::Result || value.single || readers > kFewReaders) return {v};
    const Step& s = p.steps[static_cast<size_t>(value.at)];
    const DType from = p.type(s.in[0]);
    if (!s.converts() || !is_narrow_float(from) || value.type != computed_as(from)) return {v};
    const Fused::Operand* o = p.operand(s.in[0]);
    if (o && o->way != Fused::Operand::AsItLies) return {v};
    return {s.in[0], Chain::form_of(from)};
}

// A chain while it grows.
struct Growing {
    Chain chain;
    uint8_t count = 0;
    bool narrow = false;  // an operand or the result is
    int16_t operands[kChainOperands];

    // The place of a value among the operands, or -1 if there is none left.
    int place(int16_t value) {
        for (int i = 0; i < count; ++i)
            if (operands[i] == value) return i;
        if (count == kChainOperands) return -1;
        operands[count] = value;
        return count++;
    }

    // Begins with a value.
    void begin(const Taken& first) {
        place(first.value);
        chain.start = first.form;
        narrow = first.form != Chain::Block;
    }

    // Adds step s, which reads the accumulator as operand k. The accumulator cannot be both operands, unless a link
    // without operand says so, or it is in memory because the chain begins with it.
    template <class Take> bool add(const Fused& p, const Step& s, int k, Take take) {
        Link link = link_of(s.primitive, k);
        if (chain.length == kChainLinks || chain.end) return false;
        int operand = 0;
        Chain::Form form = Chain::Block;
        if (s.arity == 2 && s.in[0] == s.in[1] && (link == Link::add || link == Link::mul)) {
            link = link == Link::add ? Link::twice : Link::square;
        } else if (s.arity == 2) {
            if (chain.length && s.in[0] == s.in[1]) return false;
            const Taken other = take(s.in[1 - k]);
            operand = place(other.value);
            if (operand < 0) return false;
            form = p.value(s.in[1 - k]).single ? Chain::Single : other.form;
            narrow = narrow || other.form != Chain::Block;
        }
        chain.add(link, operand, form);
        return true;
    }
};

bool may_link(const Fused& p, const Step& s) {
    const Value& result = p.value(s.out);
    return !result.single && !s.converts() && is_float(result.type) && link_of(s.primitive, 0) != Link::count;
}

}  // namespace

void link_up(Fused& p) {
    if (p.steps.size() < 2) return;
    static std::vector<uint16_t> uses;  // of each value
    static std::vector<Growing> growing;
    static std::vector<int32_t> ends;  // which chain ends with each step
    constexpr int32_t kNone = -1, kGone = -2;
    uses.assign(p.values.size(), 0);
    growing.clear();
    ends.assign(p.steps.size(), kNone);
    for (const Step& s : p.steps)
        for (int k = 0; k < s.arity; ++k) ++uses[static_cast<size_t>(s.in[k])];
    for (const Fused::Output& o : p.outputs) uses[static_cast<size_t>(o.value)] = UINT16_MAX;
    // A conversion that only a rounding was made of goes. One that is single costs nothing, and stays.
    for (size_t i = p.steps.size(); i-- > 0;) {
        const Step& s = p.steps[i];
        if (!s.converts() || p.value(s.out).single || uses[static_cast<size_t>(s.out)]) continue;
        ends[i] = kGone;
        --uses[static_cast<size_t>(s.in[0])];
    }
    static std::vector<uint16_t> readers;  // at first
    readers = uses;
    auto take = [&](int16_t v) { return taken(p, v, readers[static_cast<size_t>(v)]); };
    // What chains read narrow needs no conversion for them.
    auto read_narrow = [&](const Step& s) {
        for (int k = 0; k < s.arity; ++k) {
            if (take(s.in[k]).value == s.in[k] || --uses[static_cast<size_t>(s.in[k])]) continue;
            ends[static_cast<size_t>(p.value(s.in[k]).at)] = kGone;
        }
    };
    for (size_t i = 0; i < p.steps.size(); ++i) {
        const Step& s = p.steps[i];
        if (ends[i] == kGone) continue;
        // A chain whose result nothing else reads than a conversion to a narrow type stores that.
        if (const Value& v = p.value(s.in[0]);
            s.converts() && is_narrow_float(p.type(s.out)) && v.kind == Value::Result && !v.single &&
            v.type == computed_as(p.type(s.out)) && uses[static_cast<size_t>(s.in[0])] == 1 &&
            ends[static_cast<size_t>(v.at)] >= 0) {
            int32_t& end = ends[static_cast<size_t>(v.at)];
            Growing& g = growing[static_cast<size_t>(end)];
            g.chain.end = Chain::form_of(p.type(s.out));
            g.narrow = true;
            ends[i] = std::exchange(end, kGone);
            continue;
        }
        if (!may_link(p, s)) continue;
        // The chain that this step continues: the later one of two.
        int at = -1, from = 0;
        for (int k = 0; k < s.arity; ++k) {
            const Value& v = p.value(s.in[k]);
            int both = s.arity == 2 && s.in[0] == s.in[1] ? 2 : 1;
            if (v.kind == Value::Result && !v.single && uses[static_cast<size_t>(s.in[k])] == both &&
                v.at > at && ends[static_cast<size_t>(v.at)] >= 0)
                at = v.at, from = k;
        }
        if (at >= 0) {
            int32_t& end = ends[static_cast<size_t>(at)];
            if (growing[static_cast<size_t>(end)].add(p, s, from, take)) {
                ends[i] = std::exchange(end, kGone);
                read_narrow(s);
                continue;
            }
        }
        int start = p.value(s.in[0]).single;
        ends[i] = static_cast<int32_t>(growing.size());
        growing.emplace_back();
        growing.back().begin(take(s.in[start]));
        growing.back().add(p, s, start, take);
        if (growing.back().narrow) read_narrow(s);
    }
    size_t kept = 0;
    for (size_t i = 0; i < p.steps.size(); ++i) {
        if (ends[i] == kGone) continue;
        if (kept < i) p.steps[kept] = p.steps[i];
        Step& s = p.steps[kept];
        p.values[static_cast<size_t>(s.out)].at = static_cast<int16_t>(kept++);
        if (ends[i] == kNone) continue;
        const Growing& g = growing[static_cast<size_t>(ends[i])];
        if (g.chain.length < 2 && !g.narrow) continue;
        s.kernels = nullptr;
        s.chain = static_cast<int16_t>(p.chains.size());
        p.chains.push_back(g.chain);
        s.arity = g.count;
        std::copy(g.operands, g.operands + g.count, s.in);
    }
    p.steps.resize(kept);
}

}  // namespace pb
