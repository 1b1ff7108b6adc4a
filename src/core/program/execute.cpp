// The blocked executor: binds a lowered program to operands, then runs it block by block.
#include <algorithm>
#include <cstring>

#include "program/arena.h"
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
        size_t count = static_cast<size_t>(p_.register_count + loads) + 3 * p_.steps.size() +
                       p_.outputs.size() + p_.types.size();
        size_t singles = p_.types.size() * kWidest;
        free_ = arena(singles + count * register_bytes_ + 64);
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
            char* slot = singles_ + kWidest * static_cast<size_t>(v);
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
                BlockKernel cast = a->dtype == want
                                       ? nullptr
                                       : kernels().cast[static_cast<int>(a->dtype)][static_cast<int>(want)];
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
            out = {
                registers_ + static_cast<size_t>(p_.registers[static_cast<size_t>(s.out)]) * register_bytes_,
                0, b.once};
            if (b.once)
                out.base = singles_ + kWidest * static_cast<size_t>(
                                                    s.out);  // its register may be taken by a later value
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
        kernels().fill[size_index(t)](places_[static_cast<size_t>(value)].base,
                                      places_[static_cast<size_t>(full)].base, block_);
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
            BlockKernel cast = have == out.dtype
                                   ? nullptr
                                   : kernels().cast[static_cast<int>(have)][static_cast<int>(out.dtype)];
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

namespace {

// More values than any row of the table has; longer programs take the general way.
constexpr size_t kLinearValues = 48;

void linear_blocks(const Lowered& p, const LinearSource* sources, void* const* outputs, int64_t n) {
    struct {
        char* base;
        int32_t step;
        bool single;
    } places[kLinearValues];
    Slot constants[kLinearValues];
    constexpr auto wide = static_cast<int64_t>(kWidest);
    int64_t block = std::min<int64_t>(n, std::max<int64_t>(kBlockBytes / wide, 1));
    size_t bytes = (static_cast<size_t>(block) * kWidest + 63) / 64 * 64;
    char* registers = arena((static_cast<size_t>(p.register_count) + 3) * bytes + kLinearValues * kWidest);
    char* singles = registers + (static_cast<size_t>(p.register_count) + 3) * bytes;
    char* expanded = registers + static_cast<size_t>(p.register_count) * bytes;
    for (int v = 0; v < p.inputs; ++v) {
        bool single = sources[v].single;
        places[v] = {const_cast<char*>(static_cast<const char*>(sources[v].data)),
                     single ? 0 : static_cast<int32_t>(item_size(p.types[static_cast<size_t>(v)])),
                     single && n > 1};
    }
    for (size_t c = 0; c < p.constants.size(); ++c) {
        size_t v = static_cast<size_t>(p.inputs) + c;
        p.constants[c].store(p.types[v], &constants[c]);
        places[v] = {constants[c].bytes, 0, n > 1};
    }
    for (const Lowered::Step& s : p.steps) {
        bool single = n > 1;
        for (int k = 0; k < s.arity; ++k) single = single && places[s.in[k]].single;
        char* base = single
                         ? singles + kWidest * static_cast<size_t>(s.out)
                         : registers + static_cast<size_t>(p.registers[static_cast<size_t>(s.out)]) * bytes;
        places[s.out] = {base, 0, single};
    }
    for (size_t o = 0; o < p.outputs.size(); ++o) {
        int16_t v = p.outputs[o];
        places[v] = {static_cast<char*>(outputs[o]),
                     static_cast<int32_t>(item_size(p.types[static_cast<size_t>(v)])), false};
    }
    for (int64_t at = 0; at < n; at += block) {
        int64_t m = std::min(block, n - at);
        for (const Lowered::Step& s : p.steps) {
            const void* in[3];
            int singles_in = 0, variant = 0;
            for (int k = 0; k < s.arity; ++k) {
                const auto& place = places[s.in[k]];
                in[k] = place.base + place.step * at;
                if (place.single) {
                    ++singles_in;
                    variant = k + 1;
                }
            }
            const auto& out = places[s.out];
            char* to = out.base + out.step * at;
            if (out.single) {  // once is enough
                if (at == 0) s.cast ? s.cast(in, to, 1) : s.kernels[0](in, to, 1);
                continue;
            }
            if (s.cast) {
                s.cast(in, to, m);
                continue;
            }
            if (singles_in == 0) {
                s.kernels[0](in, to, m);
            } else if (s.arity == 2 && singles_in == 1 && s.kernels[variant]) {
                s.kernels[variant](in, to, m);
            } else {
                for (int k = 0; k < s.arity; ++k) {
                    if (!places[s.in[k]].single) continue;
                    char* full = expanded + static_cast<size_t>(k) * bytes;
                    DType t = p.types[static_cast<size_t>(s.in[k])];
                    kernels().fill[size_index(t)](in[k], full, m);
                    in[k] = full;
                }
                s.kernels[0](in, to, m);
            }
        }
    }
}

}  // namespace

void execute_linear(const Lowered& p, const LinearSource* sources, void* const* outputs, int64_t n) {
    if (p.steps.size() == 1 && p.constants.empty()) {
        const Lowered::Step& s = p.steps[0];
        const void* in[3];
        int singles = 0, variant = 0;
        for (int k = 0; k < s.arity; ++k) {
            in[k] = sources[s.in[k]].data;
            if (sources[s.in[k]].single) {
                ++singles;
                variant = k + 1;
            }
        }
        if (n == 1 || singles == 0) {
            s.kernels[0](in, outputs[0], n);
            return;
        }
        if (singles == 1 && s.arity == 2 && s.kernels[variant]) {
            s.kernels[variant](in, outputs[0], n);
            return;
        }
    }
    linear_blocks(p, sources, outputs, n);
}

bool fits_linear(const Lowered& p) {
    if (p.types.size() > kLinearValues) return false;
    // Every output is the result of a step of its own.
    for (size_t o = 0; o < p.outputs.size(); ++o) {
        if (p.outputs[o] < p.inputs + static_cast<int>(p.constants.size())) return false;
        for (size_t q = 0; q < o; ++q)
            if (p.outputs[q] == p.outputs[o]) return false;
    }
    return true;
}

void execute(const Lowered& program, const Source* sources, Array* outputs, const Layout& shape) {
    int64_t n = shape.numel();
    if (n == 0) return;
    size_t count = program.outputs.size();
    // What is pending runs now: it uses the memory for registers too.
    for (int v = 0; v < program.inputs; ++v)
        if (sources[v].array) sources[v].array->data();
    if (program.linear && program.inputs <= 8 && count <= 4) {
        LinearSource linear[8];
        void* out[4];
        Slot slots[8];
        bool plain = true;
        for (size_t o = 0; o < count && plain; ++o) {
            plain = outputs[o].is_contiguous() &&
                    outputs[o].dtype == program.types[static_cast<size_t>(program.outputs[o])];
            out[o] = outputs[o].data();
        }
        for (int v = 0; v < program.inputs && plain; ++v) {
            DType want = program.types[static_cast<size_t>(v)];
            const Array* a = sources[v].array;
            if (!a) {
                sources[v].scalar.store(want, &slots[v]);
                linear[v] = {&slots[v], true};
                continue;
            }
            bool full = a->is_contiguous() && a->layout->same_shape(shape);
            plain = a->dtype == want && (full || a->numel() == 1);
            linear[v] = {a->data(), !full};
            for (size_t o = 0; o < count && plain; ++o)
                if (a->buffer == outputs[o].buffer)
                    plain = full && program.steps.size() == 1 && a->offset == outputs[o].offset;
        }
        if (plain) {
            execute_linear(program, linear, out, n);
            return;
        }
    }
    Execution(program, sources, outputs, shape).run();
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
    Slot one;
    value.store(a.dtype, &one);
    const auto fill = kernels().fill[size_index(a.dtype)];
    if (a.layout->is_dense()) {
        fill(&one, a.data(), n);
        return;
    }
    int64_t block = std::min<int64_t>(std::max<int64_t>(kBlockBytes / static_cast<int64_t>(a.item()), 1), n);
    char* full = arena(static_cast<size_t>(block) * kWidest + 64);
    fill(&one, full, block);
    Walker write(a, *a.layout);
    for (int64_t at = 0; at < n; at += block) write.scatter(full, at, std::min(block, n - at));
}

}  // namespace pb
