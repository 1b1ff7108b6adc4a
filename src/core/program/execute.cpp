// The blocked executor: binds a lowered program to operands, then runs it block by block.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "array/error.h"
#include "program/program.h"
#include "program/walk.h"

namespace pb {

namespace {

// Where a value is found: `step` bytes per element from `base`; 0 for registers and single values.
struct Place {
    char* base;
    int64_t step;
    bool single;
};

struct Load {  // an input that has to be brought into a register, block by block
    Walker walker;
    BlockKernel cast;  // or null
    char* raw;         // register before conversion
    char* out;
};

struct BoundStep {
    BlockKernel fn;
    int16_t in[3];
    int16_t out;
    uint8_t arity;
    bool once;  // all operands single: computed before the blocks
};

// Registers of one thread; grown, never shrunk.
class Arena {
  public:
    char* get(size_t bytes) {
        if (bytes > bytes_) {
            std::free(memory_);
            memory_ = nullptr;
            bytes_ = 0;
            void* p = nullptr;
            if (posix_memalign(&p, 64, bytes) != 0) throw_out_of_memory(bytes);
            memory_ = static_cast<char*>(p);
            bytes_ = bytes;
        }
        return memory_;
    }
    ~Arena() { std::free(memory_); }

  private:
    char* memory_ = nullptr;
    size_t bytes_ = 0;
};
thread_local Arena arena;

// Whether an operand lies in memory in the order in which the result is walked.
bool in_order(const Array& a, const Layout& shape, const Layout* common) {
    if (common) return a.layout.get() == common || a.layout->same(*common);
    return a.is_contiguous() && a.layout->same_shape(shape);
}

class Execution {
  public:
    Execution(const Lowered& program, const Source* sources, Array* outputs, const Layout& shape)
        : p_(program), sources_(sources), outputs_(outputs), shape_(shape), n_(shape.numel()) {}

    void run() {
        if (n_ == 0) return;
        choose_order();
        choose_block();
        bind_inputs();
        bind_steps();
        bind_outputs();
        for (const BoundStep& s : steps_)
            if (s.once) call(s, 0, 1);
        for (size_t i = 0; i < fills_.size(); ++i) expand(fills_[i].first, fills_[i].second);
        for (int64_t at = 0; at < n_; at += block_) block(at, std::min(block_, n_ - at));
    }

  private:
    // If every full operand and every output has one dense layout, memory order serves; otherwise logical order.
    void choose_order() {
        const Layout* l = outputs_[0].layout.get();
        if (l->is_contiguous() || !l->is_dense()) return;
        for (size_t o = 1; o < p_.outputs.size(); ++o)
            if (!outputs_[o].layout->same(*l)) return;
        for (int i = 0; i < p_.inputs; ++i) {
            const Array* a = sources_[i].array;
            if (a && a->numel() != 1 && !a->layout->same(*l)) return;
        }
        common_ = l;
    }

    void choose_block() {
        size_t widest = 1;
        for (DType t : p_.types) widest = std::max(widest, item_size(t));
        for (size_t o = 0; o < p_.outputs.size(); ++o) widest = std::max(widest, outputs_[o].item());
        int loads = 0;
        for (int i = 0; i < p_.inputs; ++i)
            if (const Array* a = sources_[i].array) {
                widest = std::max(widest, a->item());
                loads += 2;
            }
        block_ = std::max<int64_t>(kBlockBytes / static_cast<int64_t>(widest), 1);
        // One instruction on operands that need no register is one call over everything.
        block_ = std::min(block_, n_);
        register_bytes_ = (static_cast<size_t>(block_) * widest + 63) / 64 * 64;
        // Registers of results, two for each load, one for each operand that may have to be expanded, one for
        // each output that is converted or scattered.
        size_t count = static_cast<size_t>(p_.register_count + loads) + 3 * p_.steps.size() + p_.outputs.size() + p_.types.size();
        size_t singles = p_.types.size() * 16;
        free_ = arena.get(singles + count * register_bytes_ + 64);
        singles_ = free_;
        free_ += (singles + 63) / 64 * 64;
        registers_ = free_;
        free_ += static_cast<size_t>(p_.register_count) * register_bytes_;
        places_.resize(p_.types.size());
    }

    char* next_register() {
        char* r = free_;
        free_ += register_bytes_;
        return r;
    }

    void bind_inputs() {
        for (int v = 0; v < p_.inputs + static_cast<int>(p_.constants.size()); ++v) {
            DType want = p_.types[static_cast<size_t>(v)];
            Place& place = places_[static_cast<size_t>(v)];
            char* slot = singles_ + 16 * v;
            if (v >= p_.inputs) {
                p_.constants[static_cast<size_t>(v - p_.inputs)].store(want, slot);
                place = {slot, 0, true};
                continue;
            }
            const Array* a = sources_[v].array;
            if (!a) {
                sources_[v].scalar.store(want, slot);
                place = {slot, 0, true};
            } else if (a->numel() == 1) {
                if (a->dtype == want) {
                    place = {a->data(), 0, true};
                } else {
                    const void* in[1] = {a->data()};
                    kernels().cast[static_cast<int>(a->dtype)][static_cast<int>(want)](in, slot, 1);
                    place = {slot, 0, true};
                }
            } else if (in_order(*a, shape_, common_) && a->dtype == want) {
                place = {a->data(), static_cast<int64_t>(a->item()), false};
            } else {
                BlockKernel cast =
                    a->dtype == want ? nullptr : kernels().cast[static_cast<int>(a->dtype)][static_cast<int>(want)];
                char* raw = next_register();
                char* out = cast ? next_register() : raw;
                if (common_) {
                    // Memory order: walk it as one run.
                    Array flat = a->view(Layout::contiguous(Dims{n_}), a->offset);
                    loads_.push_back({Walker(flat, *flat.layout), cast, raw, out});
                } else {
                    loads_.push_back({Walker(*a, shape_), cast, raw, out});
                }
                place = {out, 0, false};
            }
        }
    }

    void bind_steps() {
        for (const Lowered::Step& s : p_.steps) {
            BoundStep b;
            b.arity = s.arity;
            b.out = s.out;
            int singles = 0;
            for (int k = 0; k < s.arity; ++k) {
                b.in[k] = s.in[k];
                singles += places_[static_cast<size_t>(s.in[k])].single;
            }
            b.once = singles == s.arity;
            Place& out = places_[static_cast<size_t>(s.out)];
            out = {registers_ + static_cast<size_t>(p_.registers[static_cast<size_t>(s.out)]) * register_bytes_, 0, b.once};
            if (b.once) out.base = singles_ + 16 * s.out;  // its register may be taken by a later value
            int variant = 0;
            if (s.cast) {
                b.fn = s.cast;
            } else {
                if (!b.once && singles) {
                    if (s.arity == 2) variant = places_[static_cast<size_t>(s.in[0])].single ? 1 : 2;
                    if (s.arity != 2 || !s.kernels[variant]) {
                        variant = 0;
                        for (int k = 0; k < s.arity; ++k)
                            if (places_[static_cast<size_t>(s.in[k])].single) b.in[k] = expanded(s.in[k]);
                    }
                }
                b.fn = s.kernels[variant];
            }
            steps_.push_back(b);
        }
    }

    // A register full of a single value, for instructions that have no form with a single operand.
    int16_t expanded(int16_t value) {
        for (auto& f : fills_)
            if (f.first == value) return f.second;
        auto full = static_cast<int16_t>(places_.size());
        places_.push_back({next_register(), 0, false});
        fills_.push_back({value, full});
        return full;
    }
    void expand(int16_t value, int16_t full) {
        DType t = p_.types[static_cast<size_t>(value)];
        int log = 0;
        while ((size_t(1) << log) < item_size(t)) ++log;
        kernels().fill[log](places_[static_cast<size_t>(value)].base, places_[static_cast<size_t>(full)].base, block_);
    }

    void bind_outputs() {
        for (size_t o = 0; o < p_.outputs.size(); ++o) {
            int16_t v = p_.outputs[o];
            Array& out = outputs_[o];
            DType have = p_.types[static_cast<size_t>(v)];
            bool direct = in_order(out, shape_, common_);
            Place& place = places_[static_cast<size_t>(v)];
            bool computed = v >= p_.inputs + static_cast<int>(p_.constants.size()) && !place.single;
            bool first = true;
            for (size_t q = 0; q < o; ++q) first = first && p_.outputs[q] != v;
            if (direct && have == out.dtype && computed && first && aliases_nothing(out, v)) {
                // The last instruction writes into the result itself.
                place = {out.data(), static_cast<int64_t>(out.item()), false};
                continue;
            }
            BlockKernel cast = have == out.dtype ? nullptr : kernels().cast[static_cast<int>(have)][static_cast<int>(out.dtype)];
            if (place.single) v = expanded(v);
            Array walked = out;
            if (common_) walked = out.view(Layout::contiguous(Dims{n_}), out.offset);
            const Layout& shape = common_ ? *walked.layout : shape_;
            outs_.push_back({Walker(walked, shape), cast, cast ? next_register() : nullptr, v});
        }
    }

    // An output may share memory with an input (in place); writing it early is safe only if no later step reads that
    // input.
    bool aliases_nothing(const Array& out, int16_t value) const {
        int made = -1;
        for (size_t s = 0; s < p_.steps.size(); ++s)
            if (p_.steps[s].out == value) made = static_cast<int>(s);
        for (int i = 0; i < p_.inputs; ++i) {
            const Array* a = sources_[i].array;
            if (!a || !(a->buffer == out.buffer)) continue;
            if (a->numel() == 1 && n_ > 1) return false;
            for (size_t s = static_cast<size_t>(made) + 1; s < p_.steps.size(); ++s)
                for (int k = 0; k < p_.steps[s].arity; ++k)
                    if (p_.steps[s].in[k] == i) return false;
            for (int16_t o : p_.outputs)
                if (o == i) return false;
        }
        return true;
    }

    void call(const BoundStep& s, int64_t at, int64_t n) {
        const void* in[3];
        for (int k = 0; k < s.arity; ++k) {
            const Place& p = places_[static_cast<size_t>(s.in[k])];
            in[k] = p.base + p.step * at;
        }
        const Place& o = places_[static_cast<size_t>(s.out)];
        s.fn(in, o.base + o.step * at, n);
    }

    void block(int64_t at, int64_t n) {
        for (const Load& l : loads_) {
            l.walker.gather(at, n, l.raw);
            if (l.cast) {
                const void* in[1] = {l.raw};
                l.cast(in, l.out, n);
            }
        }
        for (const BoundStep& s : steps_)
            if (!s.once) call(s, at, n);
        for (const Out& o : outs_) {
            const Place& p = places_[static_cast<size_t>(o.value)];
            const char* from = p.base + p.step * at;
            if (o.cast) {
                const void* in[1] = {from};
                o.cast(in, o.converted, n);
                from = o.converted;
            }
            o.walker.scatter(from, at, n);
        }
    }

    struct Out {
        Walker walker;
        BlockKernel cast;
        char* converted;
        int16_t value;
    };

    const Lowered& p_;
    const Source* sources_;
    Array* outputs_;
    const Layout& shape_;
    int64_t n_;
    const Layout* common_ = nullptr;
    int64_t block_ = 1;
    size_t register_bytes_ = 0;
    char *free_ = nullptr, *singles_ = nullptr, *registers_ = nullptr;
    Small<Place, 16> places_;
    Small<Load, 2> loads_;
    Small<Out, 2> outs_;
    Small<BoundStep, 8> steps_;
    Small<std::pair<int16_t, int16_t>, 4> fills_;
};

}  // namespace

void execute(const Lowered& program, const Source* sources, Array* outputs, const Layout& shape) {
    // One instruction over plain operands: one call.
    if (program.steps.size() == 1 && program.outputs.size() == 1 && program.steps[0].kernels && program.constants.empty()) {
        const Lowered::Step& s = program.steps[0];
        Array& out = outputs[0];
        bool plain = out.is_contiguous() && out.dtype == program.types[static_cast<size_t>(s.out)] &&
                     program.outputs[0] == s.out && shape.numel() > 0 && s.arity <= 2;
        const void* in[2];
        alignas(16) char slots[2][16];
        int singles = 0, variant = 0;
        for (int k = 0; k < s.arity && plain; ++k) {
            const Source& source = sources[s.in[k]];
            DType want = program.types[static_cast<size_t>(s.in[k])];
            if (!source.array) {
                source.scalar.store(want, slots[k]);
                in[k] = slots[k];
                ++singles;
                variant = k + 1;
            } else if (source.array->dtype != want) {
                plain = false;
            } else if (source.array->layout->is_contiguous() && source.array->layout->same_shape(shape)) {
                in[k] = source.array->data();
            } else if (source.array->numel() == 1) {
                in[k] = source.array->data();
                ++singles;
                variant = k + 1;
                plain = !(source.array->buffer == out.buffer);  // it would be overwritten on the way
            } else {
                plain = false;
            }
        }
        if (plain) {
            int64_t n = shape.numel();
            if (singles == 0 || n == 1) {
                s.kernels[0](in, out.data(), n);
                return;
            }
            if (singles == 1 && s.arity == 2 && s.kernels[variant]) {
                s.kernels[variant](in, out.data(), n);
                return;
            }
        }
    }
    Execution(program, sources, outputs, shape).run();
}

void copy_array(const Array& from, const Array& to) {
    int64_t n = to.numel();
    if (n == 0) return;
    BlockKernel cast = from.dtype == to.dtype ? nullptr : kernels().cast[static_cast<int>(from.dtype)][static_cast<int>(to.dtype)];
    bool both_dense = from.layout->same(*to.layout) && to.layout->is_dense();
    if (both_dense || (from.is_contiguous() && to.is_contiguous() && from.layout->same_shape(*to.layout))) {
        if (!cast) {
            std::memmove(to.data(), from.data(), static_cast<size_t>(n) * to.item());
        } else {
            const void* in[1] = {from.data()};
            cast(in, to.data(), n);
        }
        return;
    }
    Walker read(from, *to.layout), write(to, *to.layout);
    int64_t block = std::max<int64_t>(kBlockBytes / static_cast<int64_t>(std::max(from.item(), to.item())), 1);
    block = std::min(block, n);
    bool direct = to.is_contiguous();
    char* raw = arena.get(2 * (static_cast<size_t>(block) * 16 + 64));
    char* converted = raw + static_cast<size_t>(block) * 16 + 64;
    if (direct && !cast) {
        read.gather(0, n, to.data());
        return;
    }
    for (int64_t at = 0; at < n; at += block) {
        int64_t m = std::min(block, n - at);
        read.gather(at, m, raw);
        char* out = raw;
        if (cast) {
            const void* in[1] = {raw};
            cast(in, converted, m);
            out = converted;
        }
        write.scatter(out, at, m);
    }
}

Array contiguous_array(const Array& a) {
    if (a.is_contiguous()) return a;
    Array out = Array::empty(a.dtype, Layout::contiguous(a.layout->shape(), static_cast<size_t>(a.ndim())));
    copy_array(a, out);
    return out;
}

void fill_array(const Array& a, Scalar value) {
    int64_t n = a.numel();
    if (n == 0) return;
    alignas(16) char one[16];
    value.store(a.dtype, one);
    int log = 0;
    while ((size_t(1) << log) < a.item()) ++log;
    if (a.layout->is_dense()) {
        kernels().fill[log](one, a.data(), n);
        return;
    }
    int64_t block = std::min<int64_t>(std::max<int64_t>(kBlockBytes / static_cast<int64_t>(a.item()), 1), n);
    char* full = arena.get(static_cast<size_t>(block) * 16 + 64);
    kernels().fill[log](one, full, block);
    Walker write(a, *a.layout);
    for (int64_t at = 0; at < n; at += block) write.scatter(full, at, std::min(block, n - at));
}

}  // namespace pb
