#include "program/place.h"

#include <cstring>

#include "program/endings.h"
#include "program/stream.h"

namespace pb {

namespace {

size_t index(int16_t v) { return static_cast<size_t>(v); }

// Elements in the order in which the loop's own elements lie in memory.
Walker walker(const Array& a, const Layout& loop) {
    if (loop.is_contiguous()) return Walker(a, loop);
    Dims order = loop.memory_order(), shape, strides;
    Dims seen = broadcast_strides(*a.layout, loop.dims());
    for (size_t k = order.size(); k-- > 0;) {
        auto d = static_cast<size_t>(order[k]);
        shape.push_back(loop.size(order[k]));
        strides.push_back(seen[d]);
    }
    Ref<Layout> permuted = Layout::strided(shape, strides);
    return Walker(a.view(permuted, a.offset), *permuted);
}

}  // namespace

void Placing::place(const Fused& p, int workers, double nanoseconds) {
    p_ = &p;
    places.assign(p.values.size(), {});
    facts_.assign(p.values.size(), {});
    chains_ = p.chains;
    loads.clear();
    fills.clear();
    calls.clear();
    copies.clear();
    in_unit.clear();
    registers_.clear();
    widest_ = p.widest();
    find_loads();
    loop.emplace(make_loop(workers));
    register_bytes_ = (static_cast<size_t>(loop->block) * widest_ + 63) / 64 * 64;
    place_singles();
    find_lasts();
    place_outputs();
    place_operands();
    place_steps(nanoseconds);
    place_copies();
}

void Placing::find_loads() {
    for (const Fused::Operand& o : p_->operands)
        if (o.way == Fused::Operand::Gathered)
            loads.push_back({Load::Gather, walker(*o.array, *o.loop), o.value});
}

// Rows are those of the reductions, or else those in which operands repeat themselves.
Loop Placing::make_loop(int workers) const {
    int64_t row = p_->n, most = kReductionLeaf;
    bool whole = false;
    while (most * static_cast<int64_t>(widest_) > kBlockBytes && most > 1) most /= 2;
    for (const Fused::Output& o : p_->outputs) {
        if (o.is_stored()) continue;
        if (o.over == Over::all) whole = true;
        else row = o.row;
    }
    if (p_->sum) row = p_->sum->length;
    if (row == p_->n)
        for (const Load& l : loads) {
            int64_t n = l.walker.inner_size(), stride = l.walker.inner_stride();
            // Reductions of everything want leaves.
            bool fits = !whole || n % kReductionLeaf == 0 || kReductionLeaf % n == 0;
            if (fits && n > 1 && n < row && p_->n % n == 0 && (stride == 0 || stride == 1)) row = n;
        }
    return Loop(p_->n, row, most, wishes(*p_, row), workers);
}

Place Placing::register_at(int32_t r) const {
    return {Place::Register, reinterpret_cast<char*>(static_cast<size_t>(r) * register_bytes_), 0};
}
int32_t Placing::register_of(int16_t v) const {
    const Place& p = at(v);
    if (p.kind != Place::Register) return -1;
    return static_cast<int32_t>(reinterpret_cast<size_t>(p.base) / register_bytes_);
}
// Room for `count` elements side by side.
Place Placing::room(Place::Kind kind, int64_t count, size_t item) {
    size_t bytes = static_cast<size_t>(count) * item;
    auto registers = static_cast<int32_t>((bytes + register_bytes_ - 1) / register_bytes_);
    Place p = register_at(registers_.take(registers));
    p.kind = kind;
    if (kind == Place::InUnit) p.step = static_cast<int64_t>(item);
    return p;
}

void Placing::place_singles() {
    singles_.resize(p_->values.size());
    for (size_t v = 0; v < p_->values.size(); ++v) {
        const Value& value = p_->values[v];
        if (!value.single) continue;
        facts_[v].single = true;
        char* slot = singles_[v].bytes;
        if (value.kind == Value::Number) {
            slot = const_cast<char*>(p_->numbers[index(value.at)].bytes);
        } else if (value.kind == Value::Operand) {
            slot = p_->operands[index(value.at)].array->data();
        } else {
            const Step& s = p_->steps[index(value.at)];
            const void* in[3];
            for (int k = 0; k < s.arity; ++k) in[k] = at(s.in[k]).base;
            s.kernels[0](in, slot, 1);
        }
        places[v] = {Place::Memory, slot, 0};
    }
    for (const Fused::Output& o : p_->outputs)
        if (o.is_single()) std::memcpy(o.data, at(o.value).base, item_size(o.dtype));
}

void Placing::find_lasts() {
    find_last_reads(*p_, last_);
    reads_ = last_;
    for (const Fused::Output& o : p_->outputs) {
        last_[index(o.value)] = kAlways;
        if (!o.is_stored()) facts(o.value).reduced = true;
    }
    last_reads_.clear();
    for (const Fused::Operand& o : p_->operands)
        if (o.way == Fused::Operand::AsItLies)
            last_reads_.push_back({o.array->data(), last_[index(o.value)]});
    std::sort(last_reads_.begin(), last_reads_.end());
}

// The step after which nobody reads memory that starts at `data`; INT32_MIN if nobody does at all.
int32_t Placing::last_read(const char* data) const {
    auto at = std::lower_bound(last_reads_.begin(), last_reads_.end(), LastRead{data, 0});
    int32_t last = INT32_MIN;
    for (; at != last_reads_.end() && at->data == data; ++at) last = std::max(last, at->step);
    return last;
}

bool Placing::is_streamed(const Fused::Output& o) const {
    return o.is_stored() && o.lies_in_order() && !o.is_single() && last_read(o.data) == INT32_MIN;
}

// Whether a segment may write an output past the caches by itself: it wants whole lines, and nobody else the value.
bool Placing::code_streams(const Fused::Output& o) const {
    constexpr size_t kLine = 64;
    const Value& value = p_->value(o.value);
    auto same = [&](const Fused::Output& other) { return other.value == o.value; };
    return value.kind == Value::Result && reinterpret_cast<size_t>(o.data) % kLine == 0 &&
           loop->begins_at(static_cast<int64_t>(kLine / item_size(o.dtype))) &&
           std::count_if(p_->outputs.begin(), p_->outputs.end(), same) == 1;
}

// The step that computes an output writes it where it belongs, unless that would overwrite what is still read, or the
// outputs are large: then they are computed in a register and streamed, or a segment does. What lies over an operand is in
// the cache already.
void Placing::place_outputs() {
    int64_t bytes = 0;
    for (const Fused::Output& o : p_->outputs)
        if (is_streamed(o)) bytes += p_->n * static_cast<int64_t>(item_size(o.dtype));
    streams_ = bytes >= kStreamed;
    streamed_.assign(p_->values.size(), kAlways);
    for (const Fused::Output& o : p_->outputs) {
        const Value& value = p_->value(o.value);
        if (streams_ && is_streamed(o)) {
            if (code_streams(o)) streamed_[index(o.value)] = reads_[index(o.value)];
            continue;
        }
        if (!o.is_stored() || !o.lies_in_order() || facts(o.value).direct || value.kind != Value::Result ||
            value.single || last_read(o.data) > value.at)
            continue;
        facts(o.value).direct = true;
        at(o.value) = {Place::Memory, o.data, static_cast<int64_t>(item_size(o.dtype))};
    }
}

void Placing::place_operands() {
    for (const Fused::Operand& o : p_->operands)
        if (o.way == Fused::Operand::AsItLies)
            at(o.value) = {Place::Memory, o.array->data(), static_cast<int64_t>(o.array->item())};
    for (Load& l : loads) {
        int64_t stride = l.walker.inner_stride();
        bool in_row = loop->block <= loop->row && l.walker.inner_size() % loop->row == 0;
        if (in_row && (stride == 0 || stride == 1)) l.way = Load::Follow;
        else if (loop->block >= loop->row && l.walker.repeats(loop->row)) l.way = Load::Tile;
        if (facts(l.to).reduced) l.way = Load::Gather;
        if (l.way == Load::Follow && stride == 0) facts(l.to).single = true;
    }
    gather_refused();
    for (Load& l : loads) {
        if (l.way != Load::Follow) at(l.to) = register_at(registers_.take());
        if (l.way == Load::Tile) last_[index(l.to)] = kAlways;
    }
}

// One value in each row stays single if all steps that read it have a form for that. What is no longer single makes it
// easier for the others.
void Placing::gather_refused() {
    auto is_followed = [this](const Load& l) { return facts(l.to).single; };
    if (std::none_of(loads.begin(), loads.end(), is_followed)) return;
    readers_.assign(p_->values.size(), {});
    for (const Step& s : p_->steps)
        for (int k = 0; k < s.arity; ++k)
            if (p_->value(s.in[k]).kind == Value::Operand) readers_[index(s.in[k])].push_back(&s);
    auto refused = [this](const Load& l) {
        if (!facts(l.to).single) return false;
        bool read = last_[index(l.to)] == kAlways;
        for (const Step* s : readers_[index(l.to)]) read = read || !takes_singles(*s);
        return read;
    };
    for (Load& l : loads) {
        if (!refused(l)) continue;
        l.way = Load::Gather;
        facts(l.to).single = false;
    }
}

void Placing::place_steps(double nanoseconds) {
    for (const Fused::Output& o : p_->outputs) {
        const Value& value = p_->value(o.value);
        if (!o.is_stored() && value.kind == Value::Result && !value.single) whole_unit(o.value);
    }
    single_.clear();
    for (const Facts& f : facts_) single_.push_back(f.single);
    segments_.find(*p_, {single_, last_, streamed_}, nanoseconds);
    auto of = [this](int16_t v) { return register_of(v); };
    for (size_t s = 0; s < p_->steps.size(); ++s) {
        const Step& step = p_->steps[s];
        if (p_->value(step.out).single) continue;
        if (const Segment* segment = segments_.at(s)) {
            place_segment(*segment);
            s = segment->past - 1;
            continue;
        }
        bool wants = !facts(step.out).direct && at(step.out).kind != Place::InUnit;
        int32_t mine = registers_.pass(*p_, s, last_, wants, of);
        if (wants) at(step.out) = register_at(mine);
        bind(step);
    }
}

// As one step of many operands and results, which are read and written side by side.
void Placing::place_segment(const Segment& s) {
    for (size_t r = 0; r < s.results.size(); ++r) {
        const int16_t v = s.results[r];
        if (s.arguments[s.operands.size() + r].streamed) {
            auto stores = [v](const Fused::Output& o) { return o.value == v; };
            const Fused::Output& o = *std::find_if(p_->outputs.begin(), p_->outputs.end(), stores);
            facts(v).direct = true;
            at(v) = {Place::Memory, o.data, static_cast<int64_t>(item_size(o.dtype))};
        } else if (!facts(v).direct && at(v).kind != Place::InUnit) {
            at(v) = register_at(registers_.claim());
        }
    }
    for (int16_t v : s.operands) {
        const int32_t r = register_of(v);
        if (r >= 0 && last_[index(v)] < static_cast<int32_t>(s.past)) registers_.release(r);
    }
    Call c{};
    c.code = s.code.get();
    c.segment = &s;
    calls.push_back(c);
}

int16_t Placing::whole_unit(int16_t v) {
    if (facts(v).single) return filled(v, loop->unit);
    const Value& value = p_->value(v);
    Place& p = at(v);
    bool computed = value.kind == Value::Result && !facts(v).direct;
    bool gathered = p.kind == Place::Register && value.kind == Value::Operand;
    if (loop->block < loop->unit && (computed || gathered) && p.kind != Place::InUnit) {
        p = room(Place::InUnit, loop->unit, item_size(value.type));
        in_unit.push_back(v);
    }
    return v;
}

unsigned Placing::singles_of(const Step& s) const {
    unsigned singles = 0;
    for (int k = 0; k < s.arity; ++k) singles |= static_cast<unsigned>(facts(s.in[k]).single) << k;
    return singles;
}

bool Placing::takes_singles(const Step& s) const {
    return s.chain >= 0 ? !facts(s.in[0]).single : s.form(singles_of(s)) != nullptr;
}

void Placing::bind(const Step& s) {
    Call c{nullptr, nullptr, nullptr, {}, s.out, s.arity};
    for (int k = 0; k < s.arity; ++k) c.in[k] = s.in[k];
    if (s.chain >= 0) {
        // A value that is single within rows became so here.
        Chain& chain = chains_[index(s.chain)];
        for (int i = 0; i < chain.length; ++i)
            if (facts(s.in[chain.steps[i].operand]).single) chain.steps[i].set_single();
        c.chain = &chain;
        c.links = chain_kernels().run[static_cast<int>(computed_as(p_->type(s.out)))];
    } else if (c.fn = s.form(singles_of(s)); !c.fn) {
        c.fn = s.kernels[0];
        for (int k = 0; k < s.arity; ++k)
            if (facts(s.in[k]).single) c.in[k] = filled(s.in[k], loop->block);
    }
    calls.push_back(c);
}

// A register full of a single value.
int16_t Placing::filled(int16_t value, int64_t count) {
    for (const Fill& f : fills)
        if (f.from == value && f.count == count) return f.to;
    size_t item = item_size(p_->type(value));
    auto to = static_cast<int16_t>(places.size());
    places.push_back(room(Place::Register, count, item));
    fills.push_back({value, to, log_of_size(item), count});
    return to;
}

void Placing::place_copies() {
    for (const Fused::Output& o : p_->outputs) {
        if (!o.is_stored() || o.is_single() || (facts(o.value).direct && at(o.value).base == o.data))
            continue;
        bool single = facts(o.value).single;
        Copy c{o.value, o.data, item_size(o.dtype), single, !single && streams_ && is_streamed(o), {}};
        if (!o.lies_in_order() && single) c.from = filled(o.value, loop->block), c.single = false;
        if (o.scattered) c.walker.emplace(*o.scattered, *o.scattered->layout);
        if (o.added >= 0) {
            auto is_added = [](const Copy& other) { return other.add != nullptr; };
            if (p_->sum->begins && std::none_of(copies.begin(), copies.end(), is_added))
                c.begin = move_kernels().begin_rows[static_cast<int>(o.dtype)];
            c.to = p_->sum->whole.data();
            c.at = o.added;
            c.add = adding_rows(o.dtype);
        }
        copies.push_back(std::move(c));
    }
}

}  // namespace pb
