#include "ops/rule/levels.h"

#include <algorithm>

#include "ops/rule/mapped.h"
#include "tape/operations.h"
#include "tensor/write_site.h"

namespace pb {

uint64_t highest_level(const Tensors& operands) {
    uint64_t level = 0;
    for (const Tensor& t : operands)
        if (t && t.is_dual()) level = std::max(level, highest_level(t));
    return level;
}

void take_history(const Tensor& copy, const Tensor& from) {
    if (Edge e = gradient_edge(from); e.node) {
        set_history(copy, e.node, e.nr);
        e.node->release();
    }
    if (highest_level(from))
        for (const Tangent& x : from->extra->tangents) set_tangent(copy, x.level, x.value);
}

void write_dual(const Tensor& target, const Tensor& dual, const char* operation) {
    write_elements(target, dual, operation);
    note_write(target, operation);
    // A tangent has the dtype of what it is the tangent of.
    const bool narrows = dual.dtype() != target.dtype() && is_differentiable(target.dtype());
    write_tangents(target, narrows ? ops::to_dtype(dual, target.dtype()) : dual);
}

}  // namespace pb
