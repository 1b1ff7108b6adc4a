// From a program of the table to typed steps.
#include "array/error.h"
#include "program/program.h"

namespace pb {

namespace {

// Vector functions take about eight times as long as an addition.
constexpr uint32_t kCheapWeight = 1, kDearWeight = 8;

// What two types meet in, of which bool gives way to any: it is also where no type was met yet.
DType met(DType a, DType b) {
    if (a == DType::Bool) return b;
    if (b == DType::Bool) return a;
    return promote(a, b);
}

class Lowering {
  public:
    Lowering(const Program& p, const DType* inputs) : p_(p), results_(p.instructions.size()) {
        out_.inputs = p.inputs;
        for (int v = 0; v < p.inputs; ++v) {
            const DType type = computed_as(inputs[v]);
            out_.add(Value::Operand, false, type, static_cast<size_t>(v));
            if (!(p.boolean >> v & 1)) type_ = met(type_, type);
        }
    }

    Lowered run() && {
        for (size_t i = 0; i < p_.instructions.size(); ++i) results_[i] = instruction(p_.instructions[i]);
        for (int16_t o : p_.outputs) out_.outputs.push_back(value(o, type_));
        for (int16_t o : out_.outputs) out_.parts.push_back(part_of(o));
        out_.width = out_.widest();
        assign_registers();
        out_.contiguous = fits_contiguous(out_);
        return std::move(out_);
    }

  private:
    bool is_constant(int16_t v) const { return v >= p_.inputs && v < p_.first_result(); }

    // A value of the program; a number is stored in the type that it is wanted in.
    int16_t value(int16_t v, DType number_type) {
        if (v < p_.inputs) return v;
        if (!is_constant(v)) return results_[static_cast<size_t>(v - p_.first_result())];
        for (size_t known = 0; known < out_.values.size(); ++known) {
            const Value& n = out_.values[known];
            if (n.kind == Value::Number && n.type == number_type &&
                constants_[static_cast<size_t>(n.at)] == v)
                return static_cast<int16_t>(known);
        }
        constants_.push_back(v);
        return out_.add(Steps::stored(p_.constants[static_cast<size_t>(v - p_.inputs)], number_type),
                        number_type);
    }

    int16_t operand(int16_t v, DType type) {
        int16_t mine = value(v, type);
        DType from = out_.type(mine);
        return from == type ? mine : out_.add(Steps::conversion(mine, from, type), type);
    }

    int16_t instruction(const Instruction& i) {
        const PrimitiveInfo& info = primitive_info(i.primitive);
        // Numbers go by what they meet; among themselves, or with truth values, they have the type of the program.
        int first = info.condition_first ? 1 : 0;
        bool numbers = false;
        DType type = DType::Bool;
        for (int k = first; k < i.arity; ++k) {
            if (is_constant(i.in[k])) numbers = true;
            else type = met(type, out_.type(value(i.in[k], type_)));
        }
        if (numbers && type == DType::Bool) type = type_;
        // Of a real number the conjugate is itself.
        if (i.primitive == Primitive::conj && !is_complex(type)) return operand(i.in[0], type);
        Step s{};
        s.primitive = i.primitive;
        s.arity = i.arity;
        for (int k = 0; k < i.arity; ++k) s.in[k] = operand(i.in[k], k < first ? DType::Bool : type);
        s.kernels = kernels().elementwise[static_cast<int>(i.primitive)][static_cast<int>(type)];
        if (!s.kernels[0]) out_.missing = info.name;
        out_.total = out_.total && (is_differentiable(type) || !info.partial);
        return out_.add(s, info.result_type(type));
    }

    // From the last step to the first: a step is needed if a later one that is needed reads it.
    Lowered::Part part_of(int16_t output) const {
        Lowered::Part part;
        part.needed.assign(out_.steps.size(), 0);
        auto need = [&](int16_t v) {
            const Value& x = out_.value(v);
            if (x.kind == Value::Result) part.needed[static_cast<size_t>(x.at)] = 1;
        };
        need(output);
        for (size_t s = out_.steps.size(); s-- > 0;) {
            if (!part.needed[s]) continue;
            const Step& step = out_.steps[s];
            for (int k = 0; k < step.arity; ++k) need(step.in[k]);
            ++part.steps;
            bool cheap = step.converts() || primitive_info(step.primitive).exact;
            part.weight += cheap ? kCheapWeight : kDearWeight;
        }
        return part;
    }

    void assign_registers() {
        std::vector<int32_t> last;
        find_last_reads(out_, last);
        for (int16_t o : out_.outputs) last[static_cast<size_t>(o)] = kAlways;
        RegisterScan scan;
        out_.registers.assign(out_.values.size(), -1);
        auto of = [this](int16_t v) -> int32_t { return out_.registers[static_cast<size_t>(v)]; };
        for (size_t s = 0; s < out_.steps.size(); ++s)
            out_.registers[static_cast<size_t>(out_.steps[s].out)] =
                static_cast<int16_t>(scan.pass(out_, s, last, true, of));
        out_.register_count = scan.count();
    }

    const Program& p_;
    Lowered out_;
    DType type_ = DType::Bool;        // of numbers among themselves: what the inputs promote to
    std::vector<int16_t> results_;    // of the program's instructions
    std::vector<int16_t> constants_;  // which value of the program a number is
};

}  // namespace

const Lowered& lower(const Program& p, const DType* inputs) {
    for (auto& l : p.lowered) {
        bool same = true;
        for (int v = 0; v < p.inputs; ++v)
            same = same && l->type(static_cast<int16_t>(v)) == computed_as(inputs[v]);
        if (same) return *l;
    }
    p.lowered.push_back(std::make_unique<Lowered>(Lowering(p, inputs).run()));
    return *p.lowered.back();
}

const Lowered& lower_alike(const Program& p, DType type) {
    Small<DType, 8> inputs(static_cast<size_t>(p.inputs), type);
    for (int v = 0; v < p.inputs; ++v)
        if (p.boolean >> v & 1) inputs[static_cast<size_t>(v)] = DType::Bool;
    const Lowered& made = lower(p, inputs.data());
    p.alike[static_cast<int>(type)] = &made;
    return made;
}

}  // namespace pb
