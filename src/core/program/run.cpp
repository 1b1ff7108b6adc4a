// Running a fused program: block by block, chunks on all threads.
//
// Instructions work on registers, blocks that stay in the first-level cache. How the elements are cut into chunks and
// blocks is the loop's business (loop.h), what becomes of those that are reduced that of the endings (endings.h). Here
// every value gets its place: memory that it is read from or written to as it lies, a register, or, if a reduction
// wants more than a block of it, room for a unit. Neither the number of threads nor the length of a block shows in a bit.
#include <algorithm>
#include <cstring>
#include <optional>

#include "program/arena.h"
#include "program/endings.h"
#include "program/fuse.h"
#include "program/interrupt.h"
#include "program/loop.h"
#include "program/stream.h"
#include "program/threads.h"
#include "program/walk.h"

namespace pb {

namespace {

// Where a value is found: element `at` of the loop at base + step * at. In a thread's own memory, `base` is the offset
// there until the thread has a table of its own.
struct Place {
    enum Kind : uint8_t { Memory, Register, InUnit } kind = Memory;
    char* base = nullptr;
    int64_t step = 0;
};

struct Call {
    BlockKernel fn;
    const Chain* chain;  // instead of `fn`, for `links`
    ChainKernel links;
    int16_t in[kChainOperands];
    int16_t out;
    uint8_t arity;
};
struct Load {  // of an operand that does not lie as the loop goes
    enum Way : uint8_t {
        Gather,  // into a register, block by block
        Tile,    // into a register, once: all blocks are alike
        Follow   // read where it lies, at another place in each row, or one value in each
    } way;
    Walker walker;
    int16_t to;
};
struct Fill {  // a single value that an instruction wants as a block
    int16_t from, to;
    int log;
    int64_t count;
};
struct Stream {  // memory that is read or written from front to back
    char* base;
    int64_t item;
};
struct Copy {  // an output that no step writes by itself
    int16_t from;
    char* to;
    size_t item;
    bool single, streamed;
};

// Nanoseconds for an element, and for a byte of memory. They decide only who computes, and what is fetched early.
constexpr double kByte = 0.01;
double cost_of(const Fused::Step& s, DType type) {
    bool cheap = s.cast || primitive_info(s.primitive).exact;
    double single = s.chain >= 0 ? 0.03 * s.arity : cheap ? 0.03 : 0.25;
    return item_size(type) >= 8 ? 2.2 * single : single;
}

// A long program stays on a block for so long that the processor forgets where its streams go on, and waits for the
// first lines of each block. From so many nanoseconds of work for a byte of memory on, it pays to ask for the next
// block's lines early; in a short program the processor does that better by itself.
constexpr double kFetchWork = 0.04;
constexpr int64_t kFetchBytes = 1 << 20;  // what fits the second-level cache is near enough
constexpr int64_t kLine = 64;

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

size_t index(int16_t v) { return static_cast<size_t>(v); }

// Of one element.
double computing(const Fused& p) {
    double sum = 0;
    for (const Fused::Step& s : p.steps) sum += cost_of(s, p.values[index(s.out)].type);
    return sum;
}

class Runner {
  public:
    void run(const Fused& p, const Interruptible* stop) {
        p_ = &p;
        stop_ = stop;
        workers_ = std::max(1, thread_count());
        places_.assign(p.values.size(), {});
        single_.assign(p.values.size(), 0);
        chains_ = p.chains;
        calls_.clear();
        fills_.clear();
        streams_.clear();
        copies_.clear();
        in_unit_.clear();
        registers_ = 0;
        stream_ = false;
        find_loads();
        loop_.emplace(loop());
        register_bytes_ = (static_cast<size_t>(loop_->block) * widest() + 63) / 64 * 64;
        place_singles();
        find_last();
        place_outputs();
        place_loads();
        place_steps();
        place_copies();
        place_streams();
        endings_ = endings(*p_, *loop_, workers_);
        for (auto& e : endings_) e->value = whole_unit(e->value);
        worker_bytes_ = static_cast<size_t>(registers_) * register_bytes_;
        memory_ = arena(worker_bytes_ * static_cast<size_t>(workers_) + 64);
        prepared_.assign(static_cast<size_t>(workers_), 0);
        tables_.resize(static_cast<size_t>(workers_) * places_.size());
        parallel(loop_->chunks, work_of(*p_), chunk, this);
        if (stops()) throw Interrupted();
        for (auto& e : endings_) e->finish();
        endings_.clear();
    }

  private:
    const Fused::Value& value(int16_t v) const { return p_->values[index(v)]; }
    size_t item_of(int16_t v) const { return item_size(value(v).type); }
    const Array& array_of(const Fused::Value& v) const { return *p_->loads[index(v.at)].array; }

    void find_loads() {
        loads_.clear();
        for (size_t v = 0; v < p_->values.size(); ++v) {
            if (p_->values[v].kind != Fused::Value::Gathered) continue;
            const Fused::Load& l = p_->loads[index(p_->values[v].at)];
            loads_.push_back({Load::Gather, walker(*l.array, *l.loop), static_cast<int16_t>(v)});
        }
    }

    size_t widest() const {
        size_t bytes = 1;
        for (const Fused::Value& v : p_->values) bytes = std::max(bytes, item_size(v.type));
        return bytes;
    }

    // Rows are those of the reductions, or else those in which operands repeat themselves.
    Loop loop() const {
        int64_t row = p_->n, most = kReductionLeaf;
        bool whole = false;
        while (most * static_cast<int64_t>(widest()) > kBlockBytes && most > 1) most /= 2;
        for (const Fused::Output& o : p_->outputs) {
            if (o.reduction == Reduction::count) continue;
            if (o.over == Over::all) whole = true;
            else row = o.row;
        }
        if (row == p_->n)
            for (const Load& l : loads_) {
                int64_t n = l.walker.inner_size(), stride = l.walker.inner_stride();
                // Reductions of everything want leaves.
                bool fits = !whole || n % kReductionLeaf == 0 || kReductionLeaf % n == 0;
                if (fits && n > 1 && n < row && p_->n % n == 0 && (stride == 0 || stride == 1)) row = n;
            }
        return Loop(p_->n, row, most, wishes(*p_, row), workers_);
    }

    Place new_register() { return at_register(registers_++); }
    Place at_register(int r) {
        return {Place::Register, reinterpret_cast<char*>(static_cast<size_t>(r) * register_bytes_), 0};
    }
    // Room for `count` elements side by side.
    Place new_room(Place::Kind kind, int64_t count, size_t item) {
        Place p = at_register(registers_);
        size_t bytes = static_cast<size_t>(count) * item;
        registers_ += static_cast<int>((bytes + register_bytes_ - 1) / register_bytes_);
        p.kind = kind;
        if (kind == Place::InUnit) p.step = static_cast<int64_t>(item);
        return p;
    }

    void place_singles() {
        singles_.resize(p_->values.size());
        for (size_t v = 0; v < p_->values.size(); ++v) {
            const Fused::Value& value = p_->values[v];
            char* slot = singles_[v].bytes;
            if (!value.is_single()) continue;
            single_[v] = 1;
            if (value.kind == Fused::Value::Number) {
                p_->numbers[index(value.at)].store(value.type, slot);
            } else if (value.kind == Fused::Value::Single) {
                slot = array_of(value).data();
            } else {
                const Fused::Step& s = p_->steps[index(value.at)];
                const void* in[3];
                for (int k = 0; k < s.arity; ++k) in[k] = places_[index(s.in[k])].base;
                (s.cast ? s.cast : s.kernels[0])(in, slot, 1);
            }
            places_[v] = {Place::Memory, slot, 0};
        }
    }

    // The step that computes an output writes it where it belongs, unless that would overwrite what is still read, or
    // the outputs are large: then they are computed in a register and streamed. What lies over an operand is in the
    // cache already.
    void place_outputs() {
        direct_.assign(p_->values.size(), 0);
        int64_t bytes = 0;
        for (const Fused::Output& o : p_->outputs)
            if (is_streamed(o)) bytes += p_->n * static_cast<int64_t>(item_size(o.dtype));
        stream_ = bytes >= kStreamed;
        for (const Fused::Output& o : p_->outputs) {
            size_t v = index(o.value);
            if (o.reduction != Reduction::count || direct_[v] || p_->values[v].kind != Fused::Value::Step ||
                (stream_ && is_streamed(o)) || last_read(o.data) > p_->values[v].at)
                continue;
            direct_[v] = 1;
            places_[v] = {Place::Memory, o.data, static_cast<int64_t>(item_size(o.dtype))};
        }
    }

    bool is_streamed(const Fused::Output& o) const {
        return o.reduction == Reduction::count && last_read(o.data) == INT32_MIN;
    }

    // The step after which nobody reads memory that starts at `data`; INT32_MIN if nobody does at all.
    int32_t last_read(const char* data) const {
        auto at = std::lower_bound(last_reads_.begin(), last_reads_.end(), LastRead{data, 0});
        int32_t last = INT32_MIN;
        for (; at != last_reads_.end() && at->data == data; ++at) last = std::max(last, at->step);
        return last;
    }

    // Which step reads a value last: none, -1; one that comes after all of them, if it is an output.
    void find_last() {
        last_.assign(p_->values.size(), -1);
        for (size_t s = 0; s < p_->steps.size(); ++s)
            for (int k = 0; k < p_->steps[s].arity; ++k)
                last_[index(p_->steps[s].in[k])] = static_cast<int32_t>(s);
        is_reduced_.assign(p_->values.size(), 0);
        for (const Fused::Output& o : p_->outputs) {
            last_[index(o.value)] = INT32_MAX;
            if (o.reduction != Reduction::count) is_reduced_[index(o.value)] = 1;
        }
        last_reads_.clear();
        for (size_t v = 0; v < p_->values.size(); ++v)
            if (p_->values[v].kind == Fused::Value::Linear)
                last_reads_.push_back({array_of(p_->values[v]).data(), last_[v]});
        std::sort(last_reads_.begin(), last_reads_.end());
    }

    void place_loads() {
        for (size_t v = 0; v < p_->values.size(); ++v)
            if (p_->values[v].kind == Fused::Value::Linear)
                places_[v] = {Place::Memory, array_of(p_->values[v]).data(),
                              static_cast<int64_t>(item_size(p_->values[v].type))};
        for (Load& l : loads_) {
            int64_t stride = l.walker.inner_stride();
            bool in_row = loop_->block <= loop_->row && l.walker.inner_size() % loop_->row == 0;
            if (in_row && (stride == 0 || stride == 1)) l.way = Load::Follow;
            else if (loop_->block >= loop_->row && l.walker.repeats(loop_->row)) l.way = Load::Tile;
            if (is_reduced_[index(l.to)]) l.way = Load::Gather;
            if (l.way == Load::Follow && stride == 0) single_[index(l.to)] = 1;
        }
        gather_refused();
        for (Load& l : loads_)
            if (l.way != Load::Follow) places_[index(l.to)] = new_register();
    }

    // One value in each row stays single if all instructions that read it have a form for that. What is no longer single
    // makes it easier for the others.
    void gather_refused() {
        auto refused = [this](const Load& l) {
            size_t v = index(l.to);
            if (!single_[v]) return false;
            bool read = last_[v] == INT32_MAX;
            for (const Fused::Step* s : readers_[v]) read = read || !takes_singles(*s);
            return read;
        };
        auto is_followed = [this](const Load& l) { return single_[index(l.to)] != 0; };
        if (std::none_of(loads_.begin(), loads_.end(), is_followed)) return;
        readers_.assign(p_->values.size(), {});
        for (const Fused::Step& s : p_->steps)
            for (int k = 0; k < s.arity; ++k)
                if (value(s.in[k]).kind == Fused::Value::Gathered) readers_[index(s.in[k])].push_back(&s);
        for (Load& l : loads_) {
            if (!refused(l)) continue;
            l.way = Load::Gather;
            single_[index(l.to)] = 0;
        }
    }

    // Linear scan: a result may take the register of an operand that dies in the same step if it is as wide.
    void place_steps() {
        std::vector<int32_t>& free = free_;
        free.clear();
        for (const Load& l : loads_)
            if (l.way == Load::Tile) last_[index(l.to)] = INT32_MAX;
        for (const Fused::Output& o : p_->outputs) {
            if (o.reduction != Reduction::count && value(o.value).kind == Fused::Value::Step)
                whole_unit(o.value);
        }
        for (size_t s = 0; s < p_->steps.size(); ++s) {
            const Fused::Step& step = p_->steps[s];
            size_t out = index(step.out);
            if (p_->values[out].kind == Fused::Value::Once) continue;
            Small<int32_t, 3> after;
            for (int k = 0; k < step.arity; ++k) {
                size_t v = index(step.in[k]);
                bool repeated = false;
                for (int j = 0; j < k; ++j) repeated = repeated || step.in[j] == step.in[k];
                if (repeated || last_[v] != static_cast<int32_t>(s) || places_[v].kind != Place::Register)
                    continue;
                auto r = static_cast<int32_t>(reinterpret_cast<size_t>(places_[v].base) / register_bytes_);
                if (item_size(p_->values[v].type) == item_size(p_->values[out].type)) free.push_back(r);
                else after.push_back(r);
            }
            if (!direct_[out] && places_[out].kind != Place::InUnit) {
                if (free.empty()) {
                    places_[out] = new_register();
                } else {
                    places_[out] = at_register(free.back());
                    free.pop_back();
                }
            }
            for (int32_t r : after) free.push_back(r);
            bind(step);
        }
    }

    // A value whose units lie side by side: this one, if it can, or a block of a single one.
    int16_t whole_unit(int16_t v) {
        if (single_[index(v)]) return filled(v, loop_->unit);
        Place& p = places_[index(v)];
        bool computed = value(v).kind == Fused::Value::Step && !direct_[index(v)];
        bool gathered = p.kind == Place::Register && value(v).kind == Fused::Value::Gathered;
        if (loop_->block < loop_->unit && (computed || gathered) && p.kind != Place::InUnit) {
            p = new_room(Place::InUnit, loop_->unit, item_of(v));
            in_unit_.push_back(v);
        }
        return v;
    }

    // Whether a step takes its single operands as they are; and which kernel does, but for a chain.
    bool takes_singles(const Fused::Step& s, BlockKernel* kernel = nullptr) const {
        if (s.chain >= 0) return !single_[index(s.in[0])];
        int singles = 0, which = 0;
        for (int k = 0; k < s.arity; ++k)
            if (single_[index(s.in[k])]) ++singles, which = k + 1;
        BlockKernel found = singles == 0                   ? (s.cast ? s.cast : s.kernels[0])
                            : singles == 1 && s.arity == 2 ? s.kernels[which]
                                                           : nullptr;
        if (kernel) *kernel = found;
        return found;
    }

    void bind(const Fused::Step& s) {
        Call c{nullptr, nullptr, nullptr, {}, s.out, s.arity};
        for (int k = 0; k < s.arity; ++k) c.in[k] = s.in[k];
        if (s.chain >= 0) {
            // A value that is single within rows became so here.
            Chain& chain = chains_[index(s.chain)];
            for (int i = 0; i < chain.length; ++i)
                if (single_[index(s.in[chain.steps[i].operand])]) chain.steps[i].set_single();
            c.chain = &chain;
            c.links = chain_kernels().run[static_cast<int>(value(s.out).type)];
        } else if (!takes_singles(s, &c.fn)) {
            c.fn = s.cast ? s.cast : s.kernels[0];
            for (int k = 0; k < s.arity; ++k)
                if (single_[index(s.in[k])]) c.in[k] = filled(s.in[k], loop_->block);
        }
        calls_.push_back(c);
    }

    // A register full of a single value.
    int16_t filled(int16_t value, int64_t count) {
        for (const Fill& f : fills_)
            if (f.from == value && f.count == count) return f.to;
        auto to = static_cast<int16_t>(places_.size());
        places_.push_back(new_room(Place::Register, count, item_of(value)));
        fills_.push_back({value, to, log_of_size(item_of(value)), count});
        return to;
    }

    void place_copies() {
        for (const Fused::Output& o : p_->outputs) {
            size_t v = index(o.value);
            if (o.reduction != Reduction::count || (direct_[v] && places_[v].base == o.data)) continue;
            bool single = single_[v] != 0;
            copies_.push_back(
                {o.value, o.data, item_size(o.dtype), single, !single && stream_ && is_streamed(o)});
        }
    }

    void place_streams() {
        for (const Place& p : places_)
            if (p.kind == Place::Memory && p.step) streams_.push_back({p.base, p.step});
        auto before = [](const Stream& a, const Stream& b) { return a.base < b.base; };
        auto same = [](const Stream& a, const Stream& b) { return a.base == b.base; };
        std::sort(streams_.begin(), streams_.end(), before);
        streams_.erase(std::unique(streams_.begin(), streams_.end(), same), streams_.end());
        stream_bytes_ = 0;
        for (const Stream& s : streams_) stream_bytes_ += s.item;
        auto bytes = static_cast<double>(stream_bytes_);
        bool far = bytes * static_cast<double>(p_->n) > kFetchBytes;
        if (!far || computing(*p_) < kFetchWork * bytes) streams_.clear();
    }

    // ---- on every thread ----

    static void chunk(void* context, int64_t chunk, int worker) {
        auto& runner = *static_cast<Runner*>(context);
        if (!runner.stops()) runner.run_chunk(chunk, worker);
    }
    bool stops() const { return stop_ && stop_->interrupted(); }

    Place* table_of(int worker) { return tables_.data() + static_cast<size_t>(worker) * places_.size(); }

    void prepare(int worker) {
        char* memory = memory_ + static_cast<size_t>(worker) * worker_bytes_;
        Place* table = table_of(worker);
        std::copy(places_.begin(), places_.end(), table);
        for (size_t v = 0; v < places_.size(); ++v)
            if (table[v].kind != Place::Memory)
                table[v].base = memory + reinterpret_cast<size_t>(table[v].base);
        for (const Fill& f : fills_) kernels().fill[f.log](table[f.from].base, table[f.to].base, f.count);
        for (const Load& l : loads_)
            if (l.way == Load::Tile) l.walker.gather(0, std::min(loop_->block, p_->n), table[l.to].base);
        prepared_[static_cast<size_t>(worker)] = 1;
    }

    void run_chunk(int64_t chunk, int worker) {
        if (!prepared_[static_cast<size_t>(worker)]) prepare(worker);
        Place* table = table_of(worker);
        char* memory = memory_ + static_cast<size_t>(worker) * worker_bytes_;
        loop_->runs(chunk, [&](int64_t first, int64_t end) {
            loop_->units(first, end, [&](int64_t start, int64_t past) {
                for (int16_t v : in_unit_) {
                    const Place& p = places_[index(v)];
                    table[v].base = memory + reinterpret_cast<size_t>(p.base) - start * p.step;
                }
                for (int64_t at = start; at < past; at += loop_->block)
                    block(table, at, std::min(loop_->block, past - at));
                for (auto& e : endings_)
                    e->take(find(table, e->value, start), {start, past, first, end}, worker);
            });
        });
        if (stream_) end_stream();
    }

    // The lines of the next block, of one stream after the other.
    struct Fetch {
        int64_t at, n, calls;  // elements from `at` on; what is left of the calls
        size_t stream = 0;
        int64_t byte = 0, left = -1;  // lines
    };
    // Asks for some of them before each call. Inlined by force: GCC takes a function that only fetches for one without
    // effect, and drops its calls.
    __attribute__((always_inline)) void ask(Fetch& f) const {
        if (f.left < 0) f.left = f.n * stream_bytes_ / kLine;
        int64_t now = f.left / f.calls--;
        f.left -= now;
        for (; now > 0 && f.stream < streams_.size(); --now) {
            const Stream& s = streams_[f.stream];
            __builtin_prefetch(s.base + f.at * s.item + f.byte);
            f.byte += kLine;
            if (f.byte < f.n * s.item) continue;
            f.byte = 0;
            ++f.stream;
        }
    }

    static char* find(const Place* table, int16_t value, int64_t at) {
        const Place& p = table[value];
        return p.base + p.step * at;
    }

    void block(Place* table, int64_t at, int64_t n) {
        for (const Load& l : loads_) {
            if (l.way == Load::Gather) l.walker.gather(at, n, find(table, l.to, at));
            else if (l.way == Load::Follow) table[l.to].base = l.walker.at(at);
        }
        Fetch fetch = {at + n, n, static_cast<int64_t>(calls_.size())};
        bool fetches = !streams_.empty() && at + 2 * n <= p_->n;
        for (const Call& c : calls_) {
            if (fetches) ask(fetch);
            const void* in[kChainOperands];
            for (int k = 0; k < c.arity; ++k) in[k] = find(table, c.in[k], at);
            if (c.chain) c.links(*c.chain, in, find(table, c.out, at), n);
            else c.fn(in, find(table, c.out, at), n);
        }
        for (const Copy& c : copies_) {
            char* to = c.to + at * static_cast<int64_t>(c.item);
            const char* from = find(table, c.from, at);
            if (c.single) kernels().fill[log_of_size(c.item)](from, to, n);
            else if (c.streamed) stream(from, to, n * static_cast<int64_t>(c.item));
            else std::memmove(to, from, static_cast<size_t>(n) * c.item);
        }
    }

    const Fused* p_ = nullptr;
    const Interruptible* stop_ = nullptr;
    std::vector<Place> places_, tables_;
    std::vector<int32_t> free_;  // registers
    std::vector<int32_t> last_;  // step that reads a value last
    struct LastRead {
        const char* data;
        int32_t step;
        bool operator<(const LastRead& o) const { return data < o.data; }
    };
    std::vector<LastRead> last_reads_;  // the same for memory that is read linearly, by address
    std::vector<char> single_, is_reduced_, direct_, prepared_;
    std::vector<Slot> singles_;
    std::vector<Load> loads_;
    std::vector<Small<const Fused::Step*, 4>> readers_;  // of those
    std::vector<Chain> chains_;
    int workers_ = 1;
    std::optional<Loop> loop_;
    std::vector<Call> calls_;
    std::vector<Fill> fills_;
    std::vector<Stream> streams_;
    int64_t stream_bytes_ = 0;  // of one element of all
    std::vector<Copy> copies_;
    std::vector<int16_t> in_unit_;
    Endings endings_;
    size_t register_bytes_ = 64, worker_bytes_ = 0;
    int registers_ = 0;
    bool stream_ = false;
    char* memory_ = nullptr;
};

}  // namespace

double work_of(const Fused& p) {
    double sum = computing(p);
    for (const Fused::Value& v : p.values)
        if (v.kind == Fused::Value::Linear) sum += kByte * static_cast<double>(item_size(v.type));
    for (const Fused::Output& o : p.outputs)
        if (o.reduction == Reduction::count) sum += kByte * static_cast<double>(item_size(o.dtype));
    return sum * static_cast<double>(p.n);
}

void run(const Fused& program, const Interruptible* stop) {
    static Runner runner;  // one program runs at a time; what it has allocated serves the next
    if (program.n) runner.run(program, stop);
}

}  // namespace pb
