#include "program/work_log.h"

#include <cstring>

#include "program/in_order.h"

namespace pb {

constinit thread_local WorkLog* work_log __attribute__((tls_model("initial-exec"))) = nullptr;

namespace {

// Elements up to which a table of where they are is worth its memory.
constexpr int64_t kLongestTable = 1 << 16;
// What is larger is fused, and goes through the cache block by block.
constexpr int64_t kMostBytes = 1 << 15;

BlockKernel conversion(DType from, DType to) {
    return kernels().cast[static_cast<int>(from)][static_cast<int>(to)];
}

}  // namespace

// ---- memory ------------------------------------------------------------------------------------------------------

void WorkLog::add_input(const Array& a) {
    int64_t low, high;
    a.layout->extent(&low, &high);
    const auto item = static_cast<int64_t>(a.item());
    const char* base = a.data();
    Memory m{Memory::Input,
             static_cast<int32_t>(memories.size()),
             a.buffer->bytes(),
             a.buffer,
             base,
             base + low * item,
             base + high * item};
    auto& others = known_[a.buffer.get()];
    for (int32_t other : others) {
        const Memory& o = memories[static_cast<size_t>(other)];
        if (m.low < o.high && o.low < m.high) spoil("two inputs lie in the same memory");
    }
    others.push_back(m.number);
    memories.push_back(std::move(m));
}

Spot WorkLog::place_of(const Array& a) {
    const char* data = a.data();
    const auto found = known_.find(a.buffer.get());
    if (found != known_.end())
        for (int32_t number : found->second) {
            const Memory& m = memories[static_cast<size_t>(number)];
            if (m.kind == Memory::Made || a.numel() == 0 || (m.low <= data && data < m.high))
                return {number, data - m.base};
        }
    spoil("something is read that was not noted");
    return {};
}

Spot WorkLog::made(const Array& a) {
    const auto found = known_.find(a.buffer.get());
    if (found != known_.end()) {
        if (memories[static_cast<size_t>(found->second[0])].kind == Memory::Input)
            spoil("something is written into an input");
        return place_of(a);
    }
    const auto number = static_cast<int32_t>(memories.size());
    const char* base = a.buffer->data();
    memories.push_back({Memory::Made, -1, a.buffer->bytes(), a.buffer, base, nullptr, nullptr});
    known_[a.buffer.get()] = {number};
    return {number, a.data() - base};
}

Spot WorkLog::room(size_t bytes) {
    memories.push_back({Memory::Made, -1, bytes, nullptr, nullptr, nullptr, nullptr});
    return {static_cast<int32_t>(memories.size() - 1), 0};
}

Spot WorkLog::number(const Slot& slot) {
    memories.push_back({Memory::Number, static_cast<int32_t>(numbers.size()), sizeof(Slot), nullptr, nullptr,
                        nullptr, nullptr});
    numbers.push_back(slot);
    return {static_cast<int32_t>(memories.size() - 1), 0};
}

// ---- moves -------------------------------------------------------------------------------------------------------

// Where the elements of `a`, seen with `shape`, are, counted from its first.
int32_t WorkLog::table_of(const Array& a, const Layout& shape) {
    const int64_t n = shape.numel();
    if (n > kLongestTable) spoil("much is read or written that does not lie in order");
    if (spoiled()) return -1;
    const Dims strides = broadcast_strides(*a.layout, shape.dims());
    std::vector<int32_t> table;
    Dims index(static_cast<size_t>(shape.ndim()), 0);
    for (int64_t i = 0, at = 0; i < n; ++i) {
        if (at != static_cast<int32_t>(at)) spoil("memory is far apart");
        table.push_back(static_cast<int32_t>(at));
        for (size_t d = index.size(); d-- > 0;) {
            at += strides[d];
            if (++index[d] < shape.size(static_cast<int64_t>(d))) break;
            at -= strides[d] * index[d];
            index[d] = 0;
        }
    }
    tables.push_back(std::move(table));
    return static_cast<int32_t>(tables.size() - 1);
}

Spot WorkLog::gathered(const Array& a, const Layout& shape) {
    const Spot from = place_of(a), to = room(static_cast<size_t>(shape.numel()) * a.item());
    work.push_back({.act = Act::Gather,
                    .size = static_cast<uint8_t>(size_index(a.dtype)),
                    .at = table_of(a, shape),
                    .in = {from},
                    .out = to,
                    .n = shape.numel()});
    return to;
}

void WorkLog::scatter(Spot from, const Array& to) {
    work.push_back({.act = Act::Scatter,
                    .size = static_cast<uint8_t>(size_index(to.dtype)),
                    .at = table_of(to, *to.layout),
                    .in = {from},
                    .out = made(to),
                    .n = to.numel()});
}

Spot WorkLog::converted(Spot p, DType from, DType to, int64_t n) {
    if (from == to) return p;
    const Spot out = room(static_cast<size_t>(n) * item_size(to));
    work.push_back({.act = Act::Kernel, .kernel = conversion(from, to), .in = {p}, .out = out, .n = n});
    return out;
}

void WorkLog::copy_bytes(Spot from, Spot to, size_t bytes) {
    work.push_back({.act = Act::Copy, .in = {from}, .out = to, .n = static_cast<int64_t>(bytes)});
}

void WorkLog::fill_from(Spot value, Spot to, int size, int64_t n) {
    work.push_back({.act = Act::Fill, .size = static_cast<uint8_t>(size), .in = {value}, .out = to, .n = n});
}

void WorkLog::copy(const Array& from, const Array& to) {
    const int64_t n = to.numel();
    if (!n) return void(made(to));
    const bool both_dense = from.layout->same(*to.layout) && to.layout->is_dense();
    const bool in_order = from.is_contiguous() && from.layout->same_shape(*to.layout);
    const bool straight = to.is_contiguous() || both_dense;
    Spot p = both_dense || in_order ? place_of(from) : gathered(from, *to.layout);
    if (!straight) return scatter(converted(p, from.dtype, to.dtype, n), to);
    if (from.dtype == to.dtype) return copy_bytes(p, made(to), to.bytes());
    work.push_back(
        {.act = Act::Kernel, .kernel = conversion(from.dtype, to.dtype), .in = {p}, .out = made(to), .n = n});
}

void WorkLog::fill(const Array& a, Scalar value) {
    if (!a.numel()) return void(made(a));
    Slot one{};
    value.store(a.dtype, &one);
    const int size = size_index(a.dtype);
    if (a.layout->is_dense()) return fill_from(number(one), made(a), size, a.numel());
    const Spot full = room(a.bytes());
    fill_from(number(one), full, size, a.numel());
    scatter(full, a);
}

// ---- computing ---------------------------------------------------------------------------------------------------

void WorkLog::kernel(BlockKernel k, std::initializer_list<const Array*> in, const Array& out) {
    Noted w{.act = Act::Kernel, .kernel = k, .n = out.numel()};
    size_t i = 0;
    for (const Array* a : in) w.in[i++] = place_of(*a);
    w.out = made(out);
    work.push_back(w);
}

void WorkLog::reduce(ReduceKernel k, const Array& a, const Array& out) {
    work.push_back({.act = Act::Reduce, .reduce = k, .in = {place_of(a)}, .out = made(out), .n = a.numel()});
}

void WorkLog::call(Function f, const Array& out, std::initializer_list<const Array*> in) {
    Called c{std::move(f), {}};
    std::vector<Array> all{out};
    for (const Array* a : in) {
        c.arguments.push_back({place_of(*a), a->layout, a->dtype});
        all.push_back(*a);
    }
    c.arguments.insert(c.arguments.begin(), {made(out), out.layout, out.dtype});
    {
        const Unnoted none;
        c.function(all.data());
    }
    functions.push_back(std::move(c));
    work.push_back({.act = Act::Call, .at = static_cast<int32_t>(functions.size() - 1)});
}

void WorkLog::truth(const Array& a, bool expected) {
    work.push_back({.act = Act::Truth, .size = expected, .dtype = a.dtype, .in = {place_of(a)}});
}

void WorkLog::same(const Array& a) {
    if (!a.is_contiguous()) return spoil("something is looked at that does not lie in order");
    const Spot p = place_of(a);
    for (size_t at = 0; at < a.bytes(); at += sizeof(Slot)) {
        Slot was{};
        const size_t n = std::min(sizeof(Slot), a.bytes() - at);
        std::memcpy(&was, a.data() + at, n);
        const Spot from{p.memory, p.offset + static_cast<int64_t>(at)};
        work.push_back({.act = Act::Same, .in = {from, number(was)}, .n = static_cast<int64_t>(n)});
    }
}

// A program of the table: step by step, each over all elements. As the executor does it, what is single stays one value.
void WorkLog::elementwise(const Lowered& p, const Source* sources, const Array* outputs,
                          const Layout& shape) {
    struct Known {
        Spot place;
        bool single;
    };
    const int64_t n = shape.numel();
    if (n * static_cast<int64_t>(p.width) > kMostBytes) spoil("much is computed element by element");
    const Layout* common = common_layout(p, sources, outputs);
    const size_t count = p.outputs.size();
    if (!n) {
        for (size_t o = 0; o < count; ++o) made(outputs[o]);
        return;
    }
    std::vector<Known> known(p.values.size());
    bool overwrites = false;  // what it may still have to read
    for (int i = 0; i < p.inputs; ++i) {
        const DType want = p.type(static_cast<int16_t>(i));
        Known& k = known[static_cast<size_t>(i)];
        if (!sources[i].array) {
            Slot slot{};
            sources[i].scalar.store(want, &slot);
            k = {number(slot), n > 1};
            continue;
        }
        const Array& a = *sources[i].array;
        for (size_t o = 0; o < count; ++o) overwrites = overwrites || a.buffer == outputs[o].buffer;
        const bool single = a.numel() == 1, straight = single || is_in_order(a, shape, common);
        const Spot from = straight ? place_of(a) : gathered(a, shape);
        k = {converted(from, a.dtype, want, single ? 1 : n), single && n > 1};
    }
    overwrites = overwrites && (p.steps.size() > 1 || count > 1);

    std::vector<char> direct(count);
    for (size_t o = 0; o < count; ++o) {
        const int16_t v = p.outputs[o];
        const Array& out = outputs[o];
        bool own = p.value(v).kind == Value::Result && out.dtype == p.type(v) &&
                   is_in_order(out, shape, common) && !overwrites;
        for (size_t q = 0; q < o; ++q) own = own && p.outputs[q] != v;
        direct[o] = own;
        if (own) known[static_cast<size_t>(v)].place = made(out);
    }

    for (size_t v = static_cast<size_t>(p.inputs); v < p.values.size(); ++v) {
        const Value& value = p.values[v];
        Known& k = known[v];
        if (value.kind == Value::Number) {
            k = {number(p.numbers[static_cast<size_t>(value.at)]), n > 1};
            continue;
        }
        const Step& s = p.steps[static_cast<size_t>(value.at)];
        Noted w{.act = Act::Kernel};
        unsigned singles = 0;
        for (int i = 0; i < s.arity; ++i) {
            const Known& operand = known[static_cast<size_t>(s.in[i])];
            w.in[i] = operand.place;
            singles |= static_cast<unsigned>(operand.single) << i;
        }
        const unsigned all = (1u << s.arity) - 1;
        const bool own = k.place.memory >= 0;
        k.single = n > 1 && singles == all;
        w.n = k.single ? 1 : n;
        const size_t item = item_size(value.type);
        w.out = own && !k.single ? k.place : room(static_cast<size_t>(w.n) * item);
        w.kernel = k.single ? s.kernels[0] : s.form(singles);
        for (int i = 0; !w.kernel && i < s.arity; ++i) {
            if (!(singles >> i & 1)) continue;
            const DType type = p.type(s.in[i]);
            const Spot full = room(static_cast<size_t>(n) * item_size(type));
            fill_from(w.in[i], full, size_index(type), n);
            w.in[i] = full;
        }
        if (!w.kernel) w.kernel = s.kernels[0];
        work.push_back(w);
        if (own && k.single) fill_from(w.out, k.place, size_index(value.type), n);
        k.place = w.out;
    }

    for (size_t o = 0; o < count; ++o) {
        if (direct[o]) continue;
        const int16_t v = p.outputs[o];
        const Array& out = outputs[o];
        Spot from = known[static_cast<size_t>(v)].place;
        if (known[static_cast<size_t>(v)].single) {
            const Spot full = room(static_cast<size_t>(n) * item_size(p.type(v)));
            fill_from(from, full, size_index(p.type(v)), n);
            from = full;
        }
        from = converted(from, p.type(v), out.dtype, n);
        if (is_in_order(out, shape, common)) copy_bytes(from, made(out), out.bytes());
        else scatter(from, out);
    }
}

}  // namespace pb
