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
constexpr double kByte = 0.01, kGathered = 0.5, kReduced = 0.1, kReducedRow = 0.4;
constexpr int64_t kShortRow = 64;  // elements
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
    double other = 0;
    for (const Fused::Operand& o : p.operands)
        if (o.way == Fused::Operand::AsItLies) bytes += o.array->item();
        else if (o.way == Fused::Operand::Gathered) other += kGathered;
    for (const Fused::Output& o : p.outputs)
        if (o.is_stored()) bytes += item_size(o.dtype);
        else other += o.row && o.row < kShortRow ? kReducedRow : kReduced;
    return kByte * static_cast<double>(bytes) + other;
}

class Runner {
  public:
    void run(const Fused& p, const Work& work, const Interruptible* stop) {
        stop_ = stop;
        n_ = p.n;
        sum_ = p.sum;
        int workers = thread_count();
        endings_.clear();
        scratch_.clear();
        placing_.place(p, workers, work.computing * static_cast<double>(n_));
        make_endings(p, *placing_.loop, workers, scratch_, endings_);
        for (Ending* e : endings_) e->value = placing_.whole_unit(e->value);
        fetching_.choose(placing_.places, work.computing, n_, placing_.loop->block, placing_.calls.size());
        worker_bytes_ = placing_.worker_bytes();
        memory_ = arena(worker_bytes_ * static_cast<size_t>(workers) + 64);
        prepared_.assign(static_cast<size_t>(workers), 0);
        tables_.resize(static_cast<size_t>(workers) * placing_.places.size());
        moving_.clear();
        for (size_t v = 0; v < placing_.places.size(); ++v) {
            const Place& p = placing_.places[v];
            if (p.kind == Place::Memory && p.step)
                moving_.push_back({p.base, p.step, static_cast<int16_t>(v)});
        }
        one_call_ = placing_.calls.size() == 1 && placing_.copies.empty() && placing_.worker_bytes() == 0 &&
                    placing_.loads.empty() && endings_.empty();
        parallel(placing_.loop->chunks, work.all(n_), chunk, this);
        if (stops()) throw Interrupted();
        for (Ending* e : endings_) e->finish();
        scratch_.clear();
    }

  private:
    static void chunk(void* context, int64_t chunk, int worker) {
        auto& runner = *static_cast<Runner*>(context);
        if (!runner.stops()) runner.run_chunk(chunk, worker);
    }
    const Place& place(int16_t v) const { return placing_.places[static_cast<size_t>(v)]; }
    bool stops() const { return stop_ && stop_->interrupted(); }

    char* memory_of(int worker) const { return memory_ + static_cast<size_t>(worker) * worker_bytes_; }
    // Where element `at` of the loop lies, in a thread's memory or in memory that all share.
    static char* find(const Place& p, char* memory, int64_t at) {
        return p.base + reinterpret_cast<size_t>(p.kind == Place::Memory ? nullptr : memory) + p.step * at;
    }

    // Each thread has a table of where the values of the current block are.
    char** table_of(int worker) {
        char** now = tables_.data() + static_cast<size_t>(worker) * placing_.places.size();
        if (!prepared_[static_cast<size_t>(worker)]) {
            prepare(now, memory_of(worker));
            prepared_[static_cast<size_t>(worker)] = 1;
        }
        return now;
    }

    void prepare(char** now, char* memory) const {
        for (size_t v = 0; v < placing_.places.size(); ++v) now[v] = find(placing_.places[v], memory, 0);
        for (const Placing::Fill& f : placing_.fills) kernels().fill[f.log](now[f.from], now[f.to], f.count);
        for (const Placing::Load& l : placing_.loads)
            if (l.way == Placing::Load::Tile)
                l.walker.gather(0, std::min(placing_.loop->block, n_), now[l.to]);
    }

    void run_chunk(int64_t chunk, int worker) {
        const Loop& loop = *placing_.loop;
        char **now = table_of(worker), *memory = memory_of(worker);
        loop.runs(chunk, [&](int64_t first, int64_t end) {
            if (one_call_) {
                for (const Moving& m : moving_) now[m.value] = m.base + m.step * first;
                return block(now, first, end - first);
            }
            loop.units(first, end, [&](int64_t start, int64_t past) {
                for (int64_t at = start; at < past; at += loop.block) {
                    for (const Moving& m : moving_) now[m.value] = m.base + m.step * at;
                    for (int16_t v : placing_.in_unit) now[v] = find(place(v), memory, at - start);
                    block(now, at, std::min(loop.block, past - at));
                }
                for (Ending* e : endings_) {
                    const Place& p = place(e->value);
                    e->take(find(p, memory, p.kind == Place::Memory ? start : 0), {start, past, first, end},
                            worker);
                }
            });
        });
        if (placing_.streams()) end_stream();
    }

    void block(char** now, int64_t at, int64_t n) const {
        for (const Placing::Load& l : placing_.loads) {
            if (l.way == Placing::Load::Gather) l.walker.gather(at, n, now[l.to]);
            else if (l.way == Placing::Load::Follow) now[l.to] = l.walker.at(at);
        }
        if (fetching_.pays() && at + 2 * n <= n_) {
            Fetching::Block next = {at + n, n, static_cast<int64_t>(placing_.calls.size())};
            for (const Placing::Call& c : placing_.calls) {
                fetching_.ask(next);
                call(c, now, n);
            }
        } else {
            for (const Placing::Call& c : placing_.calls) call(c, now, n);
        }
        for (const Placing::Copy& c : placing_.copies) copy(c, now[c.from], at, n);
    }

    // Blocks are whole rows of the parts of a sum.
    void add_rows(const Placing::Copy& c, const char* from, int64_t at, int64_t n) const {
        const auto item = static_cast<int64_t>(c.item);
        const int64_t length = sum_->length, width = sum_->width, count = n / length;
        char* row = c.to + at / length * width * item;
        const Rows rows{length, 1, count, width};
        if (c.begin) c.begin(from, row, rows, c.at);
        else c.add(from, row + c.at * item, rows);
    }

    // Most calls have up to three operands; those they lack are found all the same.
    static void call(const Placing::Call& c, char* const* now, int64_t n) {
        if (c.code) return run_code(*c.segment, now, n);
        const void* in[kChainOperands] = {now[c.in[0]], now[c.in[1]], now[c.in[2]]};
        for (int k = 3; k < c.arity; ++k) in[k] = now[c.in[k]];
        if (c.chain) c.links(*c.chain, in, now[c.out], n);
        else c.fn(in, now[c.out], n);
    }

    static void run_code(const Segment& s, char* const* now, int64_t n) {
        char* places[code::kMostArguments];
        size_t k = 0;
        for (int16_t v : s.operands) places[k++] = now[v];
        for (int16_t v : s.results) places[k++] = now[v];
        s.code->run(places, n);
    }

    void copy(const Placing::Copy& c, const char* from, int64_t at, int64_t n) const {
        if (c.add) return add_rows(c, from, at, n);
        if (c.walker) return c.walker->scatter(from, at, n);
        char* to = c.to + at * static_cast<int64_t>(c.item);
        if (c.single) kernels().fill[log_of_size(c.item)](from, to, n);
        else if (c.streamed) stream(from, to, n * static_cast<int64_t>(c.item));
        else std::memmove(to, from, static_cast<size_t>(n) * c.item);
    }

    const Interruptible* stop_ = nullptr;
    int64_t n_ = 0;
    const RowSum* sum_ = nullptr;
    bool one_call_ = false;  // from memory to memory: blocks would only divide it
    Placing placing_;
    Fetching fetching_;
    Endings endings_;
    Scratch scratch_;
    // Values that are read or written as they lie: in each block further on.
    struct Moving {
        char* base;
        int64_t step;
        int16_t value;
    };
    std::vector<Moving> moving_;
    // Of each worker: where its values are, and whether that is known yet.
    std::vector<char*> tables_;
    std::vector<char> prepared_;
    size_t worker_bytes_ = 0;
    char* memory_ = nullptr;
};

}  // namespace

Work work_of(const Fused& p) { return {computing(p), moving(p)}; }

void run(const Fused& program, const Work& work, const Interruptible* stop) {
    static Runner runner;  // one program runs at a time; what it has allocated serves the next
    if (program.n) runner.run(program, work, stop);
}

}  // namespace pb
