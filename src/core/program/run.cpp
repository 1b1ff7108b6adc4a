// Running a fused program: block by block, chunks of blocks on all threads.
//
// A block of a value is 4 KiB in a register that stays in the first-level cache. Chunks are cut at multiples of a
// leaf of the reductions' tree (kernels/reduce.h), each leaf is reduced by itself, and the leaves' results are
// combined in order at the end: neither the number of threads nor the length of a block shows in a bit.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "array/error.h"
#include "program/fuse.h"
#include "program/threads.h"
#include "program/walk.h"

namespace pb {

namespace {

constexpr int64_t kChunk = 16 * kReductionLeaf;
constexpr int64_t kSmallChunk = 4 * kReductionLeaf;

// Where a value is found at element `at`: base + step * (at & mask).
struct Place {
    char* base;
    int64_t step;
    int64_t mask;
};

// Memory of one thread's registers; grown, never shrunk, given back when the thread ends.
struct Registers {
    char* memory = nullptr;
    size_t bytes = 0;
    ~Registers() { std::free(memory); }
    char* get(size_t wanted) {
        if (wanted > bytes) {
            std::free(memory);
            bytes = 0;
            void* p = nullptr;
            memory = posix_memalign(&p, 64, wanted) == 0 ? static_cast<char*>(p) : nullptr;
            if (!memory) throw_out_of_memory(wanted);
            bytes = wanted;
        }
        return memory;
    }
};

struct Call {
    BlockKernel fn;
    ChainKernel links;  // instead of `fn`: of a chain
    const Chain* chain;
    int16_t in[kChainOperands];
    int16_t out;
    uint8_t arity;
};
struct Gather {
    Walker walker;
    int16_t to;
};
struct Fill {  // a single value that an instruction wants as a block
    int16_t from, to;
    int log;
    int64_t count;
};
struct Copy {  // an output that no step writes by itself
    int16_t from;
    char* to;
    size_t item;
    bool single;
};
struct Reduce {
    int16_t from;
    size_t item;
    void (*leaf)(const void*, int64_t, void*);
    void (*merge)(const void*, void*, int64_t);
    char* partial;  // for each leaf a row of results, of eight bytes each
    char* out;
    size_t out_item;
    int64_t width = 1;  // results side by side
    void (*columns)(const void*, int64_t, const int64_t*, int64_t, int64_t, void*, void*) = nullptr;
};

int log_of(size_t item) { return __builtin_ctzll(item); }

// The last steps of one thread's work, so that instructions that are costly weigh as they do: nanoseconds.
double cost_of(const Fused::Step& s, DType type) {
    bool cheap = s.cast || primitive_info(s.primitive).exact;
    double single = s.chain >= 0 ? 0.03 * s.arity : cheap ? 0.03 : 0.25;
    return item_size(type) == 8 ? 2.2 * single : single;
}

class Runner {
  public:
    explicit Runner(const Fused& p) : p_(p), places_(p.values.size()) {}

    void run() {
        if (p_.n == 0) return;
        choose_block();
        place_singles();
        place_outputs();
        place_loads();
        place_steps();
        place_copies();
        place_reductions();
        space_at_ = static_cast<size_t>(registers_) * register_bytes_;
        size_t worker_bytes = (space_at_ + space_ + 63) / 64 * 64;
        workers_ = std::max(1, thread_count());
        char* memory = arena().get(worker_bytes * static_cast<size_t>(workers_) + 64);
        memory_ = memory;
        worker_bytes_ = worker_bytes;
        prepared_.assign(static_cast<size_t>(workers_), 0);
        tables_.resize(static_cast<size_t>(workers_));
        chunk_ = p_.n < 2 * kChunk ? kSmallChunk : kChunk;
        if (unit_) chunk_ = unit_ * std::max<int64_t>(1, kChunk / unit_);
        double work = 0.02;
        for (const Fused::Step& s : p_.steps) work += cost_of(s, p_.values[static_cast<size_t>(s.out)].type);
        parallel((p_.n + chunk_ - 1) / chunk_, work * static_cast<double>(p_.n), chunk, this);
        for (const Reduce& r : reduces_) combine(r);
    }

  private:
    static Registers& arena() {
        static Registers registers;
        return registers;
    }

    void choose_block() {
        size_t widest = 1;
        for (const Fused::Value& v : p_.values) widest = std::max(widest, item_size(v.type));
        block_ = kReductionLeaf;
        while (block_ * static_cast<int64_t>(widest) > kBlockBytes && block_ > 1) block_ /= 2;
        register_bytes_ = (static_cast<size_t>(block_) * widest + 63) / 64 * 64;
        for (const Fused::Output& o : p_.outputs)
            if (o.columns) unit_ = kReductionLeaf * o.columns;
    }

    // A place in the thread's registers is an offset, with the flag that it has to be moved there.
    Place new_register() { return at_register(registers_++); }
    Place at_register(int r) {
        return {reinterpret_cast<char*>(static_cast<size_t>(r) * register_bytes_), 0, kInRegister};
    }

    void place_singles() {
        singles_.resize(p_.values.size() * 8);
        for (size_t v = 0; v < p_.values.size(); ++v) {
            const Fused::Value& value = p_.values[v];
            char* slot = singles_.data() + 8 * v;
            if (value.kind == Fused::Value::Number) {
                p_.numbers[static_cast<size_t>(value.at)].store(value.type, slot);
                places_[v] = {slot, 0, 0};
            } else if (value.kind == Fused::Value::Single) {
                places_[v] = {p_.loads[static_cast<size_t>(value.at)].array->data(), 0, 0};
            } else if (value.kind == Fused::Value::Once) {
                const Fused::Step& s = p_.steps[static_cast<size_t>(value.at)];
                const void* in[3];
                for (int k = 0; k < s.arity; ++k) in[k] = places_[static_cast<size_t>(s.in[k])].base;
                (s.cast ? s.cast : s.kernels[0])(in, slot, 1);
                places_[v] = {slot, 0, 0};
            }
        }
    }

    // The step that computes an output writes it where it belongs, unless that would overwrite what is still read.
    void place_outputs() {
        direct_.assign(p_.values.size(), 0);
        for (const Fused::Output& o : p_.outputs) {
            size_t v = static_cast<size_t>(o.value);
            if (o.reduction != Reduction::count || direct_[v] || p_.values[v].kind != Fused::Value::Step ||
                is_read_later(o.data, p_.values[v].at))
                continue;
            direct_[v] = 1;
            places_[v] = {o.data, static_cast<int64_t>(item_size(o.dtype)), -1};
        }
    }

    // Whether memory that starts at `data` is read by a step after this one, or once a block is done.
    bool is_read_later(const char* data, int16_t step) const {
        for (size_t v = 0; v < p_.values.size(); ++v) {
            if (p_.values[v].kind != Fused::Value::Linear) continue;
            if (p_.loads[static_cast<size_t>(p_.values[v].at)].array->data() != data) continue;
            for (size_t s = static_cast<size_t>(step) + 1; s < p_.steps.size(); ++s)
                for (int k = 0; k < p_.steps[s].arity; ++k)
                    if (p_.steps[s].in[k] == static_cast<int16_t>(v)) return true;
            for (const Fused::Output& o : p_.outputs)
                if (o.value == static_cast<int16_t>(v)) return true;
        }
        return false;
    }

    void place_loads() {
        for (size_t v = 0; v < p_.values.size(); ++v) {
            const Fused::Value& value = p_.values[v];
            if (value.kind == Fused::Value::Linear) {
                const Array& a = *p_.loads[static_cast<size_t>(value.at)].array;
                places_[v] = {a.data(), static_cast<int64_t>(a.item()), -1};
            } else if (value.kind == Fused::Value::Gathered) {
                places_[v] = new_register();
                const Fused::Load& l = p_.loads[static_cast<size_t>(value.at)];
                gathers_.push_back({walker(*l.array, *l.loop), static_cast<int16_t>(v)});
            }
        }
    }

    // Elements in the order in which the loop's own elements lie in memory.
    static Walker walker(const Array& a, const Layout& loop) {
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

    // Linear scan: a result may take the register of an operand that dies in the same step if it is as wide.
    void place_steps() {
        std::vector<int32_t>& last = last_;
        last.assign(p_.values.size(), -1);
        for (size_t s = 0; s < p_.steps.size(); ++s)
            for (int k = 0; k < p_.steps[s].arity; ++k)
                last[static_cast<size_t>(p_.steps[s].in[k])] = static_cast<int32_t>(s);
        for (const Fused::Output& o : p_.outputs) {
            size_t v = static_cast<size_t>(o.value);
            last[v] = INT32_MAX;
            // Collected leaf by leaf; a leaf of columns serves a sum over everything, too.
            if (o.columns && !direct_[v] && p_.values[v].kind == Fused::Value::Step) place_unit(v);
        }
        for (const Fused::Output& o : p_.outputs) {
            size_t v = static_cast<size_t>(o.value);
            if (o.reduction != Reduction::count && !direct_[v] && p_.values[v].kind == Fused::Value::Step &&
                !is_leaf(v))
                place_leaf(v);
        }
        std::vector<int32_t>& free = free_;
        free.clear();
        for (size_t s = 0; s < p_.steps.size(); ++s) {
            const Fused::Step& step = p_.steps[s];
            size_t out = static_cast<size_t>(step.out);
            if (p_.values[out].kind == Fused::Value::Once) continue;
            Small<int32_t, 3> after;
            for (int k = 0; k < step.arity; ++k) {
                size_t v = static_cast<size_t>(step.in[k]);
                bool repeated = false;
                for (int j = 0; j < k; ++j) repeated = repeated || step.in[j] == step.in[k];
                if (repeated || last[v] != static_cast<int32_t>(s) || places_[v].mask != kInRegister)
                    continue;
                auto r = static_cast<int32_t>(reinterpret_cast<size_t>(places_[v].base) / register_bytes_);
                if (item_size(p_.values[v].type) == item_size(p_.values[out].type)) free.push_back(r);
                else after.push_back(r);
            }
            if (!direct_[out] && !is_leaf(out)) {
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

    bool is_leaf(size_t v) const {
        return places_[v].step && (places_[v].mask == kReductionLeaf - 1 || places_[v].mask == kInUnit);
    }
    void place_leaf(size_t v) {
        auto item = static_cast<int64_t>(item_size(p_.values[v].type));
        places_[v] = {take_room(kReductionLeaf * item), item, kReductionLeaf - 1};
        leaves_.push_back(static_cast<int16_t>(v));
    }
    // Room for 1,024 rows of a value whose columns are reduced.
    void place_unit(size_t v) {
        if (places_[v].mask == kInUnit) return;
        auto item = static_cast<int64_t>(item_size(p_.values[v].type));
        places_[v] = {take_room(unit_ * item), item, kInUnit};
        units_.push_back(static_cast<int16_t>(v));
    }
    char* take_room(int64_t bytes) {
        char* first = at_register(registers_).base;
        auto each = static_cast<int64_t>(register_bytes_);
        registers_ += static_cast<int>((bytes + each - 1) / each);
        return first;
    }

    void bind(const Fused::Step& s) {
        Call c{nullptr, nullptr, nullptr, {}, s.out, s.arity};
        int singles = 0, variant = 0;
        for (int k = 0; k < s.arity; ++k) {
            c.in[k] = s.in[k];
            if (p_.values[static_cast<size_t>(s.in[k])].is_single()) {
                ++singles;
                variant = k + 1;
            }
        }
        if (s.cast) {
            c.fn = s.cast;
        } else if (s.chain >= 0) {
            c.links = chain_kernels().run[static_cast<int>(p_.values[static_cast<size_t>(s.out)].type)];
            c.chain = &p_.chains[static_cast<size_t>(s.chain)];
        } else if (singles == 1 && s.arity == 2 && s.kernels[variant]) {
            c.fn = s.kernels[variant];
        } else {
            c.fn = s.kernels[0];
            for (int k = 0; k < s.arity && singles; ++k)
                if (p_.values[static_cast<size_t>(s.in[k])].is_single()) c.in[k] = filled(s.in[k], block_);
        }
        calls_.push_back(c);
    }

    // A register full of a single value.
    int16_t filled(int16_t value, int64_t count) {
        for (const Fill& f : fills_)
            if (f.from == value && f.count == count) return f.to;
        size_t item = item_size(p_.values[static_cast<size_t>(value)].type);
        auto to = static_cast<int16_t>(places_.size());
        places_.push_back({take_room(count * static_cast<int64_t>(item)), 0, kInRegister});
        fills_.push_back({value, to, log_of(item), count});
        return to;
    }

    void place_copies() {
        for (size_t i = 0; i < p_.outputs.size(); ++i) {
            const Fused::Output& o = p_.outputs[i];
            size_t v = static_cast<size_t>(o.value);
            if (o.reduction != Reduction::count || (direct_[v] && places_[v].base == o.data)) continue;
            copies_.push_back({o.value, o.data, item_size(o.dtype), p_.values[v].is_single()});
        }
    }

    void place_reductions() {
        int64_t leaves = (p_.n + kReductionLeaf - 1) / kReductionLeaf;
        size_t total = 0;
        for (const Fused::Output& o : p_.outputs)
            if (o.reduction != Reduction::count) total += static_cast<size_t>(o.columns ? units(o) : leaves);
        partials_.resize(total * 8);
        char* partial = partials_.data();
        for (const Fused::Output& o : p_.outputs) {
            if (o.reduction == Reduction::count) continue;
            const Fused::Value& value = p_.values[static_cast<size_t>(o.value)];
            int r = static_cast<int>(o.reduction), d = static_cast<int>(value.type);
            Reduction joined = o.reduction == Reduction::count_nonzero ? Reduction::sum : o.reduction;
            int16_t from = o.value;
            auto merge = reductions().accumulate[static_cast<int>(joined)][static_cast<int>(o.dtype)];
            size_t item = item_size(value.type), out_item = item_size(o.dtype);
            if (o.columns) {
                if (value.is_single()) from = filled(o.value, unit_);
                if (value.kind == Fused::Value::Gathered) place_unit(static_cast<size_t>(o.value));
                space_ = std::max(space_, static_cast<size_t>(column_space(kReductionLeaf, item, o.columns)));
                reduces_.push_back({from, item, nullptr, merge, partial, o.data, out_item, o.columns,
                                    reductions().columns[r][d]});
                partial += units(o) * 8;
                continue;
            }
            if (value.is_single() || value.kind == Fused::Value::Gathered) from = collected(o.value);
            reduces_.push_back({from, item, reductions().reduce[r][d], merge, partial, o.data, out_item});
            partial += leaves * 8;
        }
    }

    int64_t units(const Fused::Output& o) const { return (p_.n + unit_ - 1) / unit_ * o.columns; }

    // A leaf's worth of a value that is in a register of one block, or single.
    int16_t collected(int16_t value) {
        if (p_.values[static_cast<size_t>(value)].is_single()) return filled(value, kReductionLeaf);
        if (!is_leaf(static_cast<size_t>(value)))
            place_leaf(static_cast<size_t>(value));  // the gather goes there
        return value;
    }

    // ---- on every thread ----

    static void chunk(void* context, int64_t chunk, int worker) {
        static_cast<Runner*>(context)->run_chunk(chunk, worker);
    }

    void prepare(int worker) {
        auto w = static_cast<size_t>(worker);
        char* base = memory_ + w * worker_bytes_;
        std::vector<Place>& table = tables_[w];
        table = places_;
        for (Place& p : table) {
            if (p.mask == kInRegister) p = {base + reinterpret_cast<size_t>(p.base), 0, 0};
        }
        for (int16_t v : leaves_)
            if (table[static_cast<size_t>(v)].mask != kInUnit)
                table[static_cast<size_t>(v)].base += reinterpret_cast<size_t>(base);
        for (const Fill& f : fills_)
            kernels().fill[f.log](table[static_cast<size_t>(f.from)].base,
                                  table[static_cast<size_t>(f.to)].base, f.count);
        prepared_[w] = 1;
    }

    void run_chunk(int64_t chunk, int worker) {
        if (!prepared_[static_cast<size_t>(worker)]) prepare(worker);
        Place* table = tables_[static_cast<size_t>(worker)].data();
        char* memory = memory_ + static_cast<size_t>(worker) * worker_bytes_;
        int64_t end = std::min(p_.n, (chunk + 1) * chunk_), unit = unit_ ? unit_ : chunk_;
        for (int64_t start = chunk * chunk_; start < end; start += unit) {
            for (int16_t v : units_) {
                const Place& p = places_[static_cast<size_t>(v)];
                table[v] = {memory + reinterpret_cast<size_t>(p.base) - start * p.step, p.step, -1};
            }
            int64_t past = std::min(end, start + unit);
            for (int64_t at = start; at < past; at += block_) block(table, at, std::min(block_, past - at));
            for (const Reduce& r : reduces_)
                if (r.columns) reduce_columns(table, r, start, past, memory + space_at_);
        }
    }

    void reduce_columns(const Place* table, const Reduce& r, int64_t start, int64_t past, char* space) {
        r.columns(find(table, r.from, start), r.width * static_cast<int64_t>(r.item), nullptr,
                  (past - start) / r.width, r.width, space, r.partial + start / unit_ * r.width * 8);
    }

    static char* find(const Place* table, int16_t value, int64_t at) {
        const Place& p = table[value];
        return p.base + p.step * (at & p.mask);
    }

    void block(const Place* table, int64_t at, int64_t n) {
        for (const Gather& g : gathers_) g.walker.gather(at, n, find(table, g.to, at));
        for (const Call& c : calls_) {
            const void* in[kChainOperands];
            for (int k = 0; k < c.arity; ++k) in[k] = find(table, c.in[k], at);
            if (c.chain) c.links(*c.chain, in, find(table, c.out, at), n);
            else c.fn(in, find(table, c.out, at), n);
        }
        for (const Copy& c : copies_) {
            char* to = c.to + at * static_cast<int64_t>(c.item);
            const char* from = find(table, c.from, at);
            if (c.single) kernels().fill[log_of(c.item)](from, to, n);
            else std::memmove(to, from, static_cast<size_t>(n) * c.item);
        }
        int64_t past = at + n;
        if (reduces_.empty() || (past % kReductionLeaf && past != p_.n)) return;
        int64_t leaf = (past - 1) / kReductionLeaf, first = leaf * kReductionLeaf;
        for (const Reduce& r : reduces_)
            if (!r.columns) r.leaf(find(table, r.from, first), past - first, r.partial + 8 * leaf);
    }

    // The inner nodes of the tree: as a binary counter adds.
    void combine(const Reduce& r) {
        std::vector<double> space(static_cast<size_t>(64 * r.width));
        char* stack = reinterpret_cast<char*>(space.data());
        int64_t leaf = r.columns ? unit_ : kReductionLeaf, leaves = (p_.n + leaf - 1) / leaf;
        int64_t pitch = 8 * r.width, depth = 0;
        auto fold = [&] {
            --depth;
            r.merge(stack + pitch * depth, stack + pitch * (depth - 1), r.width);
        };
        for (int64_t i = 0; i < leaves; ++i) {
            std::memcpy(stack + pitch * depth++, r.partial + pitch * i, static_cast<size_t>(pitch));
            for (int64_t bits = i; bits & 1; bits >>= 1) fold();
        }
        while (depth > 1) fold();
        std::memcpy(r.out, stack, r.out_item * static_cast<size_t>(r.width));
    }

    static constexpr int64_t kInRegister = -2;
    static constexpr int64_t kInUnit = -3;

    const Fused& p_;
    std::vector<Place> places_;
    std::vector<char> singles_, direct_, partials_, prepared_;
    std::vector<int32_t> last_, free_;
    std::vector<Call> calls_;
    std::vector<Gather> gathers_;
    std::vector<Fill> fills_;
    std::vector<Copy> copies_;
    std::vector<Reduce> reduces_;
    std::vector<int16_t> leaves_, units_;
    std::vector<std::vector<Place>> tables_;
    int64_t block_ = 1, chunk_ = kChunk;
    int64_t unit_ = 0;  // elements of 1,024 rows, where columns are reduced
    size_t register_bytes_ = 64, worker_bytes_ = 0;
    size_t space_ = 0, space_at_ = 0;  // scratch of column reductions
    int registers_ = 0, workers_ = 1;
    char* memory_ = nullptr;
};

}  // namespace

void run(const Fused& program) { Runner(program).run(); }

}  // namespace pb
