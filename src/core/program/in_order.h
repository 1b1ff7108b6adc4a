// Whether arrays lie as the elements of a result are walked.
#pragma once
#include "program/program.h"

namespace pb {

// The layout in which memory order serves, because every full operand and every output has it; null: the elements are
// walked in logical order.
inline const Layout* common_layout(const Lowered& p, const Source* sources, const Array* outputs) {
    const Layout* l = outputs[0].layout.get();
    if (l->is_contiguous() || !l->is_dense()) return nullptr;
    for (size_t o = 1; o < p.outputs.size(); ++o)
        if (!outputs[o].layout->same(*l)) return nullptr;
    for (int i = 0; i < p.inputs; ++i) {
        const Array* a = sources[i].array;
        if (a && a->numel() != 1 && !a->layout->same(*l)) return nullptr;
    }
    return l;
}

// Whether an array lies as its elements are walked.
inline bool is_in_order(const Array& a, const Layout& shape, const Layout* common) {
    return common ? a.layout->same(*common) : a.is_contiguous() && a.layout->same_shape(shape);
}

}  // namespace pb
