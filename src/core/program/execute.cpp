// A lowered program over arrays, now.
//
// Block by block, operands are brought to where the contiguous path wants them: gathered and converted, if they do not lie
// so already. So is a result to where it belongs. What lies so already is one block. A program that does not fit the
// contiguous path is a fused one of its own.
#include <cstring>

#include "program/fuse.h"
#include "program/in_order.h"
#include "program/walk.h"
#include "program/work_log.h"

namespace pb {

namespace {

BlockKernel conversion(DType from, DType to) {
    return kernels().cast[static_cast<int>(from)][static_cast<int>(to)];
}

class Blocks {
  public:
    Blocks(const Lowered& program, const Source* sources, Array* outputs, const Layout& shape)
        : p_(program), shape_(shape), n_(shape.numel()), outputs_(outputs), sources_(sources) {}

    static bool fits(const Lowered& p) {
        return p.contiguous && p.inputs <= kInputs && p.outputs.size() <= kOutputs;
    }

    void run(const Layout* common) {
        for (int v = 0; v < p_.inputs; ++v) bind_input(v, common);
        for (size_t o = 0; o < p_.outputs.size(); ++o) bind_output(o, common);
        if (!brings_) return execute_contiguous(p_, contiguous_, results_, n_);
        const int64_t block = block_elements(width_);
        for (int64_t at = 0; at < n_; at += block) {
            int64_t m = std::min(block, n_ - at);
            for (int v = 0; v < p_.inputs; ++v) contiguous_[v].data = bring(inputs_[v], at, m);
            for (size_t o = 0; o < p_.outputs.size(); ++o)
                results_[o] = outs_[o].raw ? outs_[o].raw : outs_[o].base + outs_[o].step * at;
            execute_contiguous(p_, contiguous_, results_, m);
            for (size_t o = 0; o < p_.outputs.size(); ++o) put(outs_[o], at, m);
        }
    }

  private:
    static constexpr int kInputs = 8;
    static constexpr size_t kOutputs = 4;

    // Memory where a value lies, `step` bytes an element; or the ways between that and a block: through `raw` if it does
    // not lie in order, and through `cast`. Members have no values of their own: most calls need few of these.
    struct Bound {
        char* base;
        int64_t step;
        BlockKernel cast;
        char *raw, *converted;
        int walker;  // or -1
    };
    const Walker& walker(const Bound& b) const { return walkers_[static_cast<size_t>(b.walker)]; }

    const void* bring(const Bound& in, int64_t at, int64_t n) const {
        const void* from = in.base + in.step * at;
        if (in.raw) {
            if (in.walker >= 0) walker(in).gather(at, n, in.raw);
            else std::memcpy(in.raw, from, static_cast<size_t>(n * in.step));
            from = in.raw;
        }
        if (!in.cast) return from;
        in.cast(&from, in.converted, n);
        return in.converted;
    }
    void put(const Bound& out, int64_t at, int64_t n) const {
        const void* from = out.raw;
        if (out.cast) {
            char* to = out.walker >= 0 ? out.converted : out.base + out.step * at;
            out.cast(&from, to, n);
            from = to;
        }
        if (out.walker >= 0) walker(out).scatter(from, at, n);
    }

    // One program runs at a time. An operand, or a result, needs two blocks at most.
    char* room() {
        alignas(64) static char blocks[2 * (kInputs + kOutputs)][(kBlockBytes + 63) / 64 * 64];
        return blocks[rooms_++];
    }

    void bind_input(int v, const Layout* common) {
        const DType want = p_.type(static_cast<int16_t>(v));
        const Array* a = sources_[v].array;
        Bound& in = inputs_[v];
        contiguous_[v] = {&slots_[v], true};
        in = {slots_[v].bytes, 0, nullptr, nullptr, nullptr, -1};
        if (!a) return sources_[v].scalar.store(want, &slots_[v]);
        const bool in_order = is_in_order(*a, shape_, common), overwritten = is_overwritten(*a, in_order);
        in.base = a->data();
        if (!in_order && a->numel() == 1) return bind_single(in, *a, want, overwritten, v);
        in.step = static_cast<int64_t>(a->item());
        contiguous_[v] = {in.base, false};
        if (in_order && a->dtype == want && !overwritten) return;
        brings_ = true;
        width_ = std::max(width_, a->item());
        if (!in_order) in.walker = walk(*a);
        if (!in_order || a->dtype == want) in.raw = room();
        if (a->dtype == want) return;
        in.cast = conversion(a->dtype, want);
        in.converted = room();
    }

    // Converted, or taken before it is written over, now.
    void bind_single(Bound& in, const Array& a, DType want, bool overwritten, int v) {
        if (a.dtype != want || overwritten) {
            char* copy = room();
            const void* from = in.base;
            if (a.dtype == want) std::memcpy(copy, from, a.item());
            else conversion(a.dtype, want)(&from, copy, 1);
            in.base = copy;
        }
        contiguous_[v].data = in.base;
    }

    void bind_output(size_t o, const Layout* common) {
        const Array& a = outputs_[o];
        const DType have = p_.type(p_.outputs[o]);
        const bool in_order = is_in_order(a, shape_, common);
        Bound& out = outs_[o];
        out = {a.data(), static_cast<int64_t>(a.item()), nullptr, nullptr, nullptr, -1};
        results_[o] = out.base;
        if (in_order && a.dtype == have) return;
        brings_ = true;
        width_ = std::max(width_, a.item());
        out.raw = room();
        if (!in_order) out.walker = walk(a);
        if (a.dtype == have) return;
        out.cast = conversion(have, a.dtype);
        if (!in_order) out.converted = room();
    }

    int walk(const Array& a) {
        walkers_.push_back(Walker(a, shape_));
        return static_cast<int>(walkers_.size()) - 1;
    }

    // Whether results may be written while an operand is still read there. One instruction reads each element before it
    // writes it.
    bool is_overwritten(const Array& a, bool in_order) const {
        for (size_t o = 0; o < p_.outputs.size(); ++o)
            if (a.buffer == outputs_[o].buffer &&
                !(in_order && p_.steps.size() == 1 && a.offset == outputs_[o].offset &&
                  a.item() >= outputs_[o].item()))
                return true;
        return false;
    }

    const Lowered& p_;
    const Layout& shape_;
    const int64_t n_;
    Array* outputs_;
    const Source* sources_;
    size_t width_ = p_.width;
    int rooms_ = 0;
    bool brings_ = false;
    ContiguousSource contiguous_[kInputs];
    void* results_[kOutputs];
    Slot slots_[kInputs];
    Bound inputs_[kInputs], outs_[kOutputs];
    Small<Walker, 2> walkers_;
};

// One program runs at a time; what it has allocated serves the next.
Fused scratch;

void execute_fused(const Lowered& p, const Source* sources, Array* outputs, const Layout& shape,
                   const Layout* common) {
    Ref<Layout> contiguous;
    if (!common && !shape.is_contiguous())
        contiguous = Layout::contiguous(shape.shape(), static_cast<size_t>(shape.ndim()));
    const Layout& loop = common ? *common : contiguous ? *contiguous : shape;
    auto is_overwritten = [&](const Array& a) {
        for (size_t o = 0; o < p.outputs.size(); ++o)
            if (a.buffer == outputs[o].buffer) return a.numel() == 1;
        return false;
    };
    // What is pending runs now, for it is a fused program too.
    for (int v = 0; v < p.inputs; ++v)
        if (sources[v].array) sources[v].array->data();
    scratch.begin(shape.numel());
    Fused::Numbers of;
    for (int v = 0; v < p.inputs; ++v) {
        DType want = p.type(static_cast<int16_t>(v));
        const Array* a = sources[v].array;
        // A single element is taken before it is written over.
        if (!a || is_overwritten(*a)) {
            Scalar number = a ? Scalar::load(a->dtype, a->data()) : sources[v].scalar;
            of.push_back(scratch.add_number(Steps::stored(number, want), want));
        } else {
            of.push_back(scratch.convert(scratch.add_operand(*a, loop), want));
        }
    }
    scratch.append(p, nullptr, of);
    for (size_t o = 0; o < p.outputs.size(); ++o) {
        const Array& out = outputs[o];
        int16_t value = scratch.convert(of[static_cast<size_t>(p.outputs[o])], out.dtype);
        scratch.outputs.push_back({value, out.dtype, out.data(), nullptr});
        if (!is_in_order(out, shape, common)) scratch.outputs.back().scattered = &out;
    }
    run(scratch, work_of(scratch), nullptr);
}

}  // namespace

void execute(const Lowered& program, const Source* sources, Array* outputs, const Layout& shape) {
    if (__builtin_expect(work_log != nullptr, 0)) work_log->elementwise(program, sources, outputs, shape);
    if (shape.numel() == 0) return;
    const Layout* common = common_layout(program, sources, outputs);
    if (Blocks::fits(program)) Blocks(program, sources, outputs, shape).run(common);
    else execute_fused(program, sources, outputs, shape, common);
}

}  // namespace pb
