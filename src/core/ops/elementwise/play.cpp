// Programs of the table, instruction by instruction through the recorder: where derivatives are differentiated.
#include "ops/elementwise/elementwise.h"
#include "ops/elementwise/result.h"
#include "ops/elementwise/row.h"
#include "ops/operators.h"

namespace pb {

namespace ops {

namespace {

// The instructions that these outputs take.
Small<char, 32> needed_for(const Program& p, uint32_t wanted) {
    Small<char, 32> needed(p.instructions.size(), 0);
    auto mark = [&](int16_t v) {
        if (v >= p.first_result()) needed[static_cast<size_t>(v - p.first_result())] = 1;
    };
    for (size_t o = 0; o < p.outputs.size(); ++o)
        if (wanted >> o & 1) mark(p.outputs[o]);
    for (size_t s = p.instructions.size(); s-- > 0;)
        if (needed[s])
            for (int k = 0; k < p.instructions[s].arity; ++k) mark(p.instructions[s].in[k]);
    return needed;
}

}  // namespace

void play_on(const Program& p, const Operand* inputs, DType compute, size_t until, Tensors& values,
             const char* needed) {
    const Playing all_numbers;
    for (size_t s = values.size(); s < until; ++s) {
        const Instruction& ins = p.instructions[s];
        if (needed && !needed[s]) {
            values.push_back(Tensor());
            continue;
        }
        Operand operands[3];
        for (int k = 0; k < ins.arity; ++k) operands[k] = played(p, inputs, values, ins.in[k]);
        // Numbers among themselves are computed in the program's dtype, not in that of a Python number.
        Tensor number;
        int first = primitive_info(ins.primitive).condition_first ? 1 : 0;
        bool any = false;
        for (int k = first; k < ins.arity; ++k) any = any || operands[k].tensor;
        if (!any) {
            number = scalar_tensor(operands[first].scalar, compute);
            operands[first].tensor = &number;
        }
        if (ins.primitive == Primitive::conj && !is_complex(operands[0].tensor->dtype()))
            values.push_back(*operands[0].tensor);
        else values.push_back(elementwise(row_of(ins.primitive), operands, ins.arity));
    }
}

Operand played(const Program& p, const Operand* inputs, const Tensors& values, int16_t v) {
    if (v < p.inputs) return inputs[v];
    if (v < p.first_result()) return p.constants[static_cast<size_t>(v - p.inputs)];
    return values[static_cast<size_t>(v - p.first_result())];
}

Tensors play(const Program& p, const Operand* inputs, DType compute, uint32_t wanted) {
    Tensors values, out;
    values.reserve(p.instructions.size());
    const bool all = wanted == ~0u;
    const Small<char, 32> needed = all ? Small<char, 32>() : needed_for(p, wanted);
    play_on(p, inputs, compute, p.instructions.size(), values, all ? nullptr : needed.data());
    for (size_t o = 0; o < p.outputs.size(); ++o) {
        if (!all && !(wanted >> o & 1)) {
            out.push_back(Tensor());
            continue;
        }
        Operand v = played(p, inputs, values, p.outputs[o]);
        out.push_back(v.tensor ? *v.tensor : scalar_tensor(v.scalar, compute));
    }
    return out;
}

}  // namespace ops
}  // namespace pb
