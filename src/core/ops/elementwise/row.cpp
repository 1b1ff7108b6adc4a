#include "ops/elementwise/row.h"

#include "array/error.h"
#include "ops/elementwise/complex.h"

namespace pb {

namespace {
std::unordered_map<std::string, std::unique_ptr<Row>>& registry() {
    static auto* all = new std::unordered_map<std::string, std::unique_ptr<Row>>;
    return *all;
}
Row* by_primitive[static_cast<int>(Primitive::count)];

// Values that `value` of the joint program depends on, as bits over its inputs (operands and y).
uint32_t reachable(const Program& p, int16_t value, std::vector<bool>* instructions) {
    if (value < p.inputs) return 1u << value;
    if (value < p.first_result()) return 0;
    size_t at = static_cast<size_t>(value - p.first_result());
    if (instructions) (*instructions)[at] = true;
    uint32_t bits = 0;
    const Instruction& i = p.instructions[at];
    for (int k = 0; k < i.arity; ++k) bits |= reachable(p, i.in[k], instructions);
    return bits;
}
}  // namespace

CoreRows rows;

Row& define_row(std::unique_ptr<Row> row) {
    auto& all = registry();
    if (all.count(row->name))
        fail_as(ErrorKind::Value, "an elementwise function named '{}' is already defined", row->name);
    for (int i = 0; i < row->arity; ++i)
        if (row->partial[i].is_computed())
            row->reads[i] = static_cast<uint8_t>(reachable(row->partials, row->partial[i].value, nullptr));
    Row& r = *row;
    r.inplace_name = r.name + "_";
    if (r.primitive >= 0) by_primitive[r.primitive] = &r;
    all.emplace(r.name, std::move(row));
    return r;
}

Row* find_row(const std::string& name) {
    auto it = registry().find(name);
    return it == registry().end() ? nullptr : it->second.get();
}

Row& row_of(Primitive p) {
    Row* r = by_primitive[static_cast<int>(p)];
    if (!r) fail("the primitive '{}' has no row in the table of calculus", primitive_info(p).name);
    return *r;
}

void bind_core_rows() {
    rows.add = find_row("add");
    rows.sub = find_row("sub");
    rows.mul = find_row("mul");
    rows.div = find_row("div");
    rows.neg = find_row("neg");
    rows.zmul = find_row("zmul");
    rows.gmul = find_row("gmul");
    rows.where = find_row("where");
    rows.conj = find_row("conj");
    rows.abs = find_row("abs");
    ops::bind_compositions();
    rows.pow = find_row("pow");
    rows.eq = find_row("eq");
    rows.ne = find_row("ne");
    rows.lt = find_row("lt");
    rows.le = find_row("le");
    rows.gt = find_row("gt");
    rows.ge = find_row("ge");
    rows.add_scaled = find_row("add_scaled");
    rows.sub_scaled = find_row("sub_scaled");
}

void (*make_series)(const Row&, int, const std::vector<int>&, Program&) = nullptr;

const Program& Row::series(int order, const std::vector<int>& given) const {
    auto found = all_series.find({order, given});
    if (found == all_series.end()) {
        Program made;
        made.boolean = partials.boolean;
        make_series(*this, order, given, made);
        found = all_series.emplace(std::pair(order, given), std::move(made)).first;
    }
    return found->second;
}

const Row::Pullback& Row::make_pullback(uint8_t wanted) const {
    auto& slot = pullbacks[wanted];
    auto made = std::make_unique<Pullback>();
    made->row = this;
    for (int i = 0; i < arity; ++i)
        if (wanted >> i & 1) made->uses |= reads[i];
    made->slots = static_cast<uint8_t>(__builtin_popcount(made->uses));
    made->edges = static_cast<uint8_t>(arity);
    while (parameters >> (made->edges - 1) & 1) --made->edges;
    Program& q = made->program;
    // Inputs: what is saved, in the order of its bits, then the cotangent.
    std::vector<int16_t> number(static_cast<size_t>(partials.values()), -1);
    int16_t next = 0;
    for (int v = 0; v < partials.inputs; ++v)
        if (made->uses >> v & 1) {
            if (partials.boolean >> v & 1) q.boolean |= 1u << next;
            number[static_cast<size_t>(v)] = next++;
        }
    int16_t cotangent = next++;
    q.inputs = next;
    q.constants = partials.constants;
    q.constants.push_back(Scalar(0.0));
    for (size_t c = 0; c < partials.constants.size(); ++c)
        number[static_cast<size_t>(partials.inputs) + c] = next++;
    int16_t zero = next++;
    std::vector<int16_t> constant(static_cast<size_t>(arity), zero);
    for (int i = 0; i < arity; ++i)
        if (partial[i].kind == Partial::Constant && partial[i].constant != 1 && partial[i].constant != -1) {
            q.constants.push_back(Scalar(partial[i].constant));
            constant[static_cast<size_t>(i)] = next++;
        }
    std::vector<bool> needed(partials.instructions.size());
    for (int i = 0; i < arity; ++i)
        if (wanted >> i & 1 && partial[i].is_computed()) reachable(partials, partial[i].value, &needed);
    auto emit = [&](Primitive p, std::initializer_list<int16_t> in) {
        Instruction ins{p, static_cast<uint8_t>(in.size()), {}};
        int k = 0;
        for (int16_t v : in) ins.in[k++] = v;
        q.instructions.push_back(ins);
        return next++;
    };
    for (size_t s = 0; s < partials.instructions.size(); ++s) {
        if (!needed[s]) continue;
        Instruction ins = partials.instructions[s];
        for (int k = 0; k < ins.arity; ++k) ins.in[k] = number[static_cast<size_t>(ins.in[k])];
        q.instructions.push_back(ins);
        number[static_cast<size_t>(partials.first_result()) + s] = next++;
    }
    // Of complex numbers the cotangent meets the conjugate.
    auto adjoint = [&](const Partial& d) {
        return emit(Primitive::conj, {number[static_cast<size_t>(d.value)]});
    };
    for (int i = 0; i < arity; ++i) {
        made->output[i] = -2;
        if (!(wanted >> i & 1)) continue;
        const Partial& d = partial[i];
        int16_t value = 0;
        switch (d.kind) {
            case Partial::None: continue;
            case Partial::Constant:
                if (d.constant == 0) continue;
                if (d.constant == 1) {
                    made->output[i] = -1;
                    continue;
                }
                value = d.constant == -1
                            ? emit(Primitive::neg, {cotangent})
                            : emit(Primitive::mul, {cotangent, constant[static_cast<size_t>(i)]});
                break;
            case Partial::Conjugate: value = emit(Primitive::conj, {cotangent}); break;
            case Partial::Mask:
                value = emit(Primitive::where, {number[static_cast<size_t>(d.value)], cotangent, zero});
                break;
            case Partial::Number: value = emit(Primitive::zmul, {cotangent, adjoint(d)}); break;
            case Partial::Gradient: value = emit(Primitive::gmul, {cotangent, adjoint(d)}); break;
        }
        made->output[i] = static_cast<int8_t>(q.outputs.size());
        q.outputs.push_back(value);
    }
    // A constant that nothing reads would only keep the one-instruction form from its fast path.
    bool reads_constant = false;
    int first = q.inputs, last = q.first_result();
    for (const Instruction& ins : q.instructions)
        for (int k = 0; k < ins.arity; ++k)
            reads_constant = reads_constant || (ins.in[k] >= first && ins.in[k] < last);
    if (!reads_constant) {
        auto shift = static_cast<int16_t>(q.constants.size());
        auto move = [&](int16_t& v) {
            if (v >= last) v = static_cast<int16_t>(v - shift);
        };
        for (Instruction& ins : q.instructions)
            for (int k = 0; k < ins.arity; ++k) move(ins.in[k]);
        for (int16_t& v : q.outputs) move(v);
        q.constants.clear();
    }
    slot = std::move(made);
    return *slot;
}

}  // namespace pb
