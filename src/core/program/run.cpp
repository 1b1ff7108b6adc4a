// Running a fused program: block by block, chunks on all threads.
//
// Steps work on registers, blocks that stay in the first-level cache. How the elements are cut into chunks and blocks is
// the loop's business (loop.h), where a value is that of its place (place.h), and what becomes of those that are reduced
// that of the endings (endings.h). Here they are walked. Neither the number of threads nor the length of a block shows
// in a bit.
#include <algorithm>
#include <cstring>

#include "program/arena.h"
#include "program/endings.h"
#include "program/fetch.h"
#include "program/interrupt.h"
#include "program/place.h"
#include "program/stream.h"
#include "program/threads.h"

namespace pb {

namespace {

// Nanoseconds for an element, and for a byte of memory. They decide only who computes, and what is fetched early.
constexpr double kByte = 0.01;
double cost_of(const Step& s, DType type) {
    bool cheap = s.converts() || primitive_info(s.primitive).exact;
    double single = s.chain >= 0 ? 0.03 * s.arity : cheap ? 0.03 : 0.25;
    return item_size(type) >= 8 ? 2.2 * single : single;
}
// Of one element.
double computing(const Fused& p) {
    double sum = 0;
    for (const Step& s : p.steps) sum += cost_of(s, p.type(s.out));
    return sum;
}
double moving(const Fused& p) {
    size_t bytes = 0;
    for (const Fused::Operand& o : p.operands)
        if (o.way == Fused::Operand::Linear) bytes += o.array->item();
    for (const Fused::Output& o : p.outputs)
        if (o.is_stored()) bytes += item_size(o.dtype);
    return kByte * static_cast<double>(bytes);
}

class Runner {
  public:
    void run(const Fused& p, const Interruptible* stop) {
        stop_ = stop;
        n_ = p.n;
        int workers = thread_count();
        endings_.clear();
        placing_.place(p, workers);
        endings_ = endings(p, *placing_.loop, workers);
        for (auto& e : endings_) e->value = placing_.whole_unit(e->value);
        double work = computing(p);
        fetching_.choose(placing_.places, work, n_);
        worker_bytes_ = placing_.worker_bytes();
        memory_ = arena(worker_bytes_ * static_cast<size_t>(workers) + 64);
        prepared_.assign(static_cast<size_t>(workers), 0);
        tables_.resize(static_cast<size_t>(workers) * placing_.places.size());
        parallel(placing_.loop->chunks, (work + moving(p)) * static_cast<double>(n_), chunk, this);
        if (stops()) throw Interrupted();
        for (auto& e : endings_) e->finish();
        endings_.clear();
    }

  private:
    static void chunk(void* context, int64_t chunk, int worker) {
        auto& runner = *static_cast<Runner*>(context);
        if (!runner.stops()) runner.run_chunk(chunk, worker);
    }
    bool stops() const { return stop_ && stop_->interrupted(); }

    char* memory_of(int worker) const { return memory_ + static_cast<size_t>(worker) * worker_bytes_; }
    // What is in a thread's memory lies there at the offset that its place has for a base.
    static char* in_memory(char* memory, const Place& p) { return memory + reinterpret_cast<size_t>(p.base); }
    static char* find(const Place* table, int16_t value, int64_t at) {
        const Place& p = table[value];
        return p.base + p.step * at;
    }

    Place* table_of(int worker) {
        const std::vector<Place>& places = placing_.places;
        Place* table = tables_.data() + static_cast<size_t>(worker) * places.size();
        if (!prepared_[static_cast<size_t>(worker)]) {
            prepare(table, memory_of(worker));
            prepared_[static_cast<size_t>(worker)] = 1;
        }
        return table;
    }

    void prepare(Place* table, char* memory) const {
        const std::vector<Place>& places = placing_.places;
        std::copy(places.begin(), places.end(), table);
        for (size_t v = 0; v < places.size(); ++v)
            if (places[v].kind != Place::Memory) table[v].base = in_memory(memory, places[v]);
        for (const Placing::Fill& f : placing_.fills)
            kernels().fill[f.log](table[f.from].base, table[f.to].base, f.count);
        for (const Placing::Load& l : placing_.loads)
            if (l.way == Placing::Load::Tile)
                l.walker.gather(0, std::min(placing_.loop->block, n_), table[l.to].base);
    }

    void run_chunk(int64_t chunk, int worker) {
        const Loop& loop = *placing_.loop;
        Place* table = table_of(worker);
        char* memory = memory_of(worker);
        loop.runs(chunk, [&](int64_t first, int64_t end) {
            loop.units(first, end, [&](int64_t start, int64_t past) {
                for (int16_t v : placing_.in_unit) {
                    const Place& p = placing_.places[static_cast<size_t>(v)];
                    table[v].base = in_memory(memory, p) - start * p.step;
                }
                for (int64_t at = start; at < past; at += loop.block)
                    block(table, at, std::min(loop.block, past - at));
                for (auto& e : endings_)
                    e->take(find(table, e->value, start), {start, past, first, end}, worker);
            });
        });
        if (placing_.streams()) end_stream();
    }

    void block(Place* table, int64_t at, int64_t n) const {
        for (const Placing::Load& l : placing_.loads) {
            if (l.way == Placing::Load::Gather) l.walker.gather(at, n, find(table, l.to, at));
            else if (l.way == Placing::Load::Follow) table[l.to].base = l.walker.at(at);
        }
        Fetching::Block next = {at + n, n, static_cast<int64_t>(placing_.calls.size())};
        bool fetches = fetching_.pays() && at + 2 * n <= n_;
        for (const Placing::Call& c : placing_.calls) {
            if (fetches) fetching_.ask(next);
            const void* in[kChainOperands];
            for (int k = 0; k < c.arity; ++k) in[k] = find(table, c.in[k], at);
            if (c.chain) c.links(*c.chain, in, find(table, c.out, at), n);
            else c.fn(in, find(table, c.out, at), n);
        }
        for (const Placing::Copy& c : placing_.copies) copy(c, find(table, c.from, at), at, n);
    }

    static void copy(const Placing::Copy& c, const char* from, int64_t at, int64_t n) {
        if (c.walker) return c.walker->scatter(from, at, n);
        char* to = c.to + at * static_cast<int64_t>(c.item);
        if (c.single) kernels().fill[log_of_size(c.item)](from, to, n);
        else if (c.streamed) stream(from, to, n * static_cast<int64_t>(c.item));
        else std::memmove(to, from, static_cast<size_t>(n) * c.item);
    }

    const Interruptible* stop_ = nullptr;
    int64_t n_ = 0;
    Placing placing_;
    Fetching fetching_;
    Endings endings_;
    // Of each worker: where its values are, and whether that is known yet.
    std::vector<Place> tables_;
    std::vector<char> prepared_;
    size_t worker_bytes_ = 0;
    char* memory_ = nullptr;
};

}  // namespace

double work_of(const Fused& p) { return (computing(p) + moving(p)) * static_cast<double>(p.n); }

void run(const Fused& program, const Interruptible* stop) {
    static Runner runner;  // one program runs at a time; what it has allocated serves the next
    if (program.n) runner.run(program, stop);
}

}  // namespace pb
