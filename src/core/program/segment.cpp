#include "program/segment.h"

#include <algorithm>
#include <bit>
#include <cstdio>

#include "code/complexes.h"
#include "code/functions.h"
#include "code/integers.h"
#include "code/tables.h"

namespace pb {

namespace {

using code::Argument;
using code::Sequence;
using Table = std::shared_ptr<const code::Table>;

// Instructions of a segment: one alone is what its kernel does as well, but for complex numbers, whose kernels take more
// shuffles.
constexpr size_t kFewest = 2, kFewestOfComplex = 1, kMost = 256;
// Nanoseconds that emitting takes, and those of a part that takes one for an element; and the share that code saves.
constexpr double kEmission = 6000, kEmissionOfOne = 50'000, kGain = 0.3;

size_t index(int16_t v) { return static_cast<size_t>(v); }

// Instructions that a step is.
size_t instructions_of(const Fused& p, const Step& s) {
    return s.chain >= 0 ? p.chains[index(s.chain)].length : 1;
}

// The floats that a step computes in, or those that are as wide as its integers; bool where it knows truth values only.
DType computes_in(const Fused& p, const Step& s) {
    if (s.chain >= 0) return computed_as(p.type(s.out));
    if (s.converts()) return code::conversion_lane(p.type(s.in[0]), p.type(s.out), code::is_wide());
    return code::lane_of(p.type(s.in[s.arity - 1]));
}

// The number that a single value is, where nothing but numbers makes it.
bool find_number(const Fused& p, int16_t v, double& number, int depth = 4) {
    const Value& value = p.value(v);
    if (!code::is_lane(value.type) || !value.single || value.kind == Value::Operand || !depth) return false;
    if (value.kind == Value::Number) return number = p.number(value).to_double(), true;
    const Step& s = p.steps[index(value.at)];
    Slot slots[3], result{};
    const void* in[3];
    for (int k = 0; k < s.arity; ++k) {
        double operand;
        if (p.type(s.in[k]) != value.type || !find_number(p, s.in[k], operand, depth - 1)) return false;
        slots[k] = Steps::stored(Scalar(operand), value.type);
        in[k] = &slots[k];
    }
    s.kernels[0](in, &result, 1);
    return number = Scalar::load(value.type, &result).to_double(), true;
}

// A power by one of these numbers is a product, a quotient or a root, as the kernel's is.
bool is_short_power(const Fused& p, const Step& s, double& exponent) {
    if (s.chain >= 0 || s.primitive != Primitive::pow || !find_number(p, s.in[1], exponent)) return false;
    return exponent == 2 || exponent == 3 || exponent == 1 || exponent == -1 || exponent == 0.5;
}

// A function, which takes long.
bool is_function(const Fused& p, const Step& s) {
    double exponent;
    return s.chain < 0 && !s.converts() && !primitive_info(s.primitive).exact &&
           is_float(p.type(s.in[s.arity - 1])) && !is_short_power(p, s, exponent);
}

// Of a function of one narrow float, its table; null: it is computed.
Table table_of(const Fused& p, const Step& s) {
    code::Tabled f{s.primitive, DType::Float16};
    const DType wide = computed_as(f.narrow);
    if (!is_function(p, s) || s.arity > 2 || p.type(s.out) != wide) return nullptr;
    // With AVX-512 an exponential takes as long as looking it up, and what looks up others can do both at once.
    if (s.primitive == Primitive::exp && code::is_wide()) return nullptr;
    int numbers = 0;
    for (int k = 0; k < s.arity; ++k) {
        double number;
        if (p.type(s.in[k]) != wide) return nullptr;
        if (!find_number(p, s.in[k], number)) continue;
        ++numbers;
        f.number_at = static_cast<int8_t>(k), f.number = static_cast<float>(number);
    }
    const int16_t operand = s.in[f.operand()];
    if (numbers != s.arity - 1 || p.value(operand).single) return nullptr;
    const bool pays = p.n >= code::kWorthATable || code::use == code::Use::always;
    for (DType narrow : {DType::Float16, DType::BFloat16}) {
        f.narrow = narrow;
        if (is_rounded(p, operand, narrow)) return code::find_table(f, pays);
    }
    return nullptr;
}

bool can_be_said(const Fused& p, const Step& s, const Table& table) {
    const DType lane = computes_in(p, s), result = p.type(s.out);
    if (is_complex(lane) && !is_stored_only(lane)) {
        const auto same = [&](int16_t v) { return p.type(v) == lane; };
        return s.chain < 0 && !s.converts() && code::is_stated_of_complexes(s.primitive) && result == lane &&
               std::all_of(s.in, s.in + s.arity, same);
    }
    if (!code::is_lane(lane) && lane != DType::Bool) return false;
    auto may_be = [&](DType d) { return code::fits(d, lane, code::is_wide()); };
    bool fits = may_be(result);
    for (int k = 0; k < s.arity; ++k) {
        const Value& v = p.value(s.in[k]);
        fits = fits && may_be(v.type) && !(v.single && code::form_of(v.type, lane) > code::Argument::truth);
    }
    if (!fits || s.chain >= 0) return fits;
    if (s.converts()) return code::is_lane(lane);
    const DType type = p.type(s.in[s.arity - 1]);
    if (is_integral(type)) {
        const bool chooses = s.primitive == Primitive::where;
        return code::is_stated_of_integers(s.primitive, type, code::is_wide()) &&
               (!chooses || p.type(s.in[0]) == DType::Bool);
    }
    if (s.primitive == Primitive::where && p.type(s.in[0]) != DType::Bool) return false;
    if (lane == DType::Bool) return code::is_stated_of_masks(s.primitive) && result == DType::Bool;
    double exponent;
    return is_short_power(p, s, exponent) || table ||
           (code::is_stated(s.primitive, lane) &&
            (code::calls_pay(lane) || !code::has_calls(s.primitive, lane)));
}

// Makes the sequence of a segment.
class Writer {
  public:
    Writer(const Fused& p, const Segment& s, const std::vector<Table>& tables)
        : p_(p),
          segment_(s),
          tables_(tables),
          sequence_(s.lane, code::is_wide()),
          of_(p.values.size(), -1),
          imaginary_(sequence_.paired ? p.values.size() : 0, -1) {}

    const Sequence& write() {
        for (size_t i = segment_.first; i < segment_.past; ++i) {
            const Step& s = p_.steps[i];
            if (p_.value(s.out).single) continue;
            sequence_.step = static_cast<int16_t>(i - segment_.first);
            of_[index(s.out)] = step(s);
            for (size_t r = 0; r < segment_.results.size(); ++r)
                if (segment_.results[r] == s.out) store(r, s.out);
        }
        return sequence_;
    }

  private:
    int16_t value(int16_t v) {
        int16_t& of = of_[index(v)];
        if (of >= 0) return of;
        size_t at = 0;
        while (segment_.operands[at] != v) ++at;
        const Argument& a = segment_.arguments[at];
        if (sequence_.paired) {
            auto part = [&](code::Op op, uint8_t imm) {
                return a.single ? sequence_.add(code::Op::single, -1, -1, -1, imm, at)
                                : sequence_.add(op, -1, -1, -1, 0, at);
            };
            imaginary_[index(v)] = part(code::Op::imaginary, 1);
            return of = part(code::Op::real, 0);
        }
        return of = sequence_.add(code::read_as(a), -1, -1, -1, 0, at);
    }
    int16_t step(const Step& s) {
        if (s.chain >= 0) return chain(s);
        if (sequence_.paired) return of_complexes(s);
        int16_t in[3] = {-1, -1, -1};
        for (int k = 0; k < s.arity; ++k) in[k] = value(s.in[k]);
        if (s.converts()) return code::state_conversion(sequence_, p_.type(s.in[0]), p_.type(s.out), in[0]);
        const DType type = p_.type(s.in[s.arity - 1]);
        if (type == DType::Bool) return code::state_of_masks(sequence_, s.primitive, in);
        if (is_integral(type)) return code::state_of_integers(sequence_, s.primitive, in);
        double exponent;
        if (is_short_power(p_, s, exponent)) return code::state_power(sequence_, in[0], exponent);
        if (const Table& table = tables_[index(p_.value(s.out).at)])
            return code::state_table(sequence_, in[table->function.operand()], table);
        return code::state(sequence_, s.primitive, in);
    }
    int16_t of_complexes(const Step& s) {
        code::Parts in[3];
        for (int k = 0; k < s.arity; ++k) in[k] = {value(s.in[k]), imaginary_[index(s.in[k])]};
        const code::Parts made = code::state_of_complexes(sequence_, s.primitive, in);
        imaginary_[index(s.out)] = made.im;
        return made.re;
    }
    int16_t chain(const Step& s) {
        const Chain& chain = p_.chains[index(s.chain)];
        int16_t x = value(s.in[0]);
        for (int k = 0; k < chain.length; ++k) {
            const Chain::Step& link = chain.steps[k];
            const int16_t y = is_lone(link.link()) ? int16_t{-1} : value(s.in[link.operand]);
            x = code::state_link(sequence_, link.link(), x, y);
        }
        const DType type = p_.type(s.out);
        return code::state_conversion(sequence_, segment_.lane, type, x);
    }
    void store(size_t result, int16_t v) {
        const size_t at = segment_.operands.size() + result;
        const Argument& a = segment_.arguments[at];
        const int16_t made = of_[index(v)];
        if (sequence_.paired)
            sequence_.add(code::Op::store_pair, made, imaginary_[index(v)], -1, a.streamed, at);
        else sequence_.add(code::stored_as(a), made, -1, -1, 0, at);
    }

    const Fused& p_;
    const Segment& segment_;
    const std::vector<Table>& tables_;  // by step
    Sequence sequence_;
    std::vector<int16_t> of_;         // values of the sequence
    std::vector<int16_t> imaginary_;  // of complex numbers, whose real parts are `of_`
};

code::Emitted emitted(const Fused& p, const Segment& s, const std::vector<Table>& tables,
                      const code::Names* names) {
    return code::emit(Writer(p, s, tables).write(), s.arguments, code::is_wide(), names);
}

}  // namespace

template <class F> void Segments::cut(const Fused& p, const Facts& facts, F found) {
    count_ = 0;
    if (code::use == code::Use::never) return;
    numbers_.assign(p.values.size(), -1);
    functions_.assign(p.values.size(), 0);
    tables_.assign(p.steps.size(), nullptr);
    int32_t run = 1;
    size_t first = 0, past = 0, instructions = 0;
    DType lane = DType::Bool;  // until a float comes
    auto end = [&] {
        if (instructions >= (is_complex(lane) ? kFewestOfComplex : kFewest) && lane != DType::Bool) {
            if (count_ == all_.size()) all_.emplace_back();
            Segment& s = all_[count_];
            s.first = first, s.past = past, s.lane = lane;
            close(p, facts, s);
            if (s.arguments.size() <= code::kMostArguments && !s.results.empty())
                ++count_, found(s, instructions);
        }
        instructions = 0;
        lane = DType::Bool;
    };
    for (size_t i = 0; i < p.steps.size(); ++i) {
        const Step& s = p.steps[i];
        if (p.value(s.out).single) continue;  // computed once, by whoever places it
        const Table& table = tables_[i] = table_of(p, s);
        const bool fits = can_be_said(p, s, table);
        const DType in = fits ? computes_in(p, s) : DType::Bool;
        const bool alone =
            is_complex(in) || is_complex(lane);  // parts lie in another order than truth values
        const bool other = in != lane && (alone || (in != DType::Bool && lane != DType::Bool));
        auto waits = [&](int16_t v) { return functions_[index(v)] == run; };
        const bool late = std::any_of(s.in, s.in + s.arity, waits);
        const bool slow = fits && !table && is_function(p, s);
        if (!fits || other || instructions >= kMost || (late && slow)) end();
        if (!fits) continue;
        if (!instructions) first = i, ++run;
        functions_[index(s.out)] = slow || std::any_of(s.in, s.in + s.arity, waits) ? run : 0;
        if (in != DType::Bool) lane = in;
        past = i + 1;
        instructions += instructions_of(p, s);
    }
    end();
}

// Whether a segment stores a result past the caches, where nobody else reads it.
static bool is_streamed(const Fused& p, const Facts& facts, const Segment& s, int16_t v) {
    return code::is_wide() && code::is_as_wide(p.type(v), s.lane) &&
           facts.streamed[index(v)] < static_cast<int32_t>(s.past);
}

// Operands and results, and the key: each step, then its operands, of which those that come from outside say what they are.
void Segments::close(const Fused& p, const Facts& facts, Segment& s) {
    constexpr uint64_t kOutside = uint64_t{1} << 40, kPower = uint64_t{1} << 41, kTable = uint64_t{1} << 62,
                       kLinks = uint64_t{1} << 63;
    s.operands.clear();
    s.results.clear();
    s.arguments.clear();
    s.code.reset();
    key_.assign(1, static_cast<uint64_t>(s.lane));
    int16_t count = 0;
    auto read = [&](int16_t v) {
        int16_t& number = numbers_[index(v)];
        if (number < 0) {
            const bool single = facts.single[index(v)];
            number = count++;
            s.operands.push_back(v);
            s.arguments.push_back({code::form_of(p.type(v), s.lane), single});
            key_.push_back(kOutside | static_cast<uint64_t>(p.type(v)) << 1 | static_cast<uint64_t>(single));
        }
        key_.push_back(static_cast<uint64_t>(number));
    };
    for (size_t i = s.first; i < s.past; ++i) {
        const Step& step = p.steps[i];
        if (p.value(step.out).single) continue;
        const bool result = facts.last[index(step.out)] >= static_cast<int32_t>(s.past);
        const uint64_t what =
            step.chain >= 0 ? p.chains[index(step.chain)].length : static_cast<uint64_t>(step.primitive) << 8;
        const bool streamed = result && is_streamed(p, facts, s, step.out);
        key_.push_back((what << 8 | static_cast<uint64_t>(p.type(step.out))) << 8 |
                       static_cast<uint64_t>(streamed) << 7 | static_cast<uint64_t>(step.arity) << 1 |
                       static_cast<uint64_t>(result));
        if (step.chain >= 0) {
            const Chain& chain = p.chains[index(step.chain)];
            for (int k = 0; k < chain.length; ++k)
                key_.push_back(kLinks | static_cast<uint64_t>(chain.steps[k].link()) << 8 |
                               chain.steps[k].operand);
        }
        double exponent;
        if (is_short_power(p, step, exponent))
            key_.push_back(kPower | static_cast<uint64_t>(2 * exponent + 2));
        if (const Table& table = tables_[i]) {
            const code::Tabled& f = table->function;
            const auto place = static_cast<uint64_t>(f.number_at + 1);
            key_.push_back(kTable | place << 40 | static_cast<uint64_t>(f.narrow) << 32 |
                           std::bit_cast<uint32_t>(f.number));
        }
        for (int k = 0; k < step.arity; ++k) read(step.in[k]);
        numbers_[index(step.out)] = count++;
        if (result) s.results.push_back(step.out);
    }
    for (int16_t v : s.results)
        s.arguments.push_back({code::form_of(p.type(v), s.lane), false, is_streamed(p, facts, s, v)});
    for (int16_t v : s.operands) numbers_[index(v)] = -1;
    for (size_t i = s.first; i < s.past; ++i) numbers_[index(p.steps[i].out)] = -1;
}

void Segments::find(const Fused& p, const Facts& facts, double nanoseconds) {
    cut(p, facts, [&](Segment& s, size_t instructions) {
        // Its part of the work, against what emitting it takes: functions take long, and have many operations.
        const double share =
            nanoseconds * static_cast<double>(instructions) / static_cast<double>(p.steps.size());
        const bool pays = kGain * share > kEmission + kEmissionOfOne * share / static_cast<double>(p.n);
        s.code = code::find(key_, pays, [&]() -> std::shared_ptr<const code::Code> {
            const code::Emitted made = emitted(p, s, tables_, nullptr);
            if (made.bytes.empty()) return nullptr;
            return std::make_shared<code::Code>(made, s.arguments, s.results.size(), s.lane, code::is_wide());
        });
    });
}

const Segment* Segments::at(size_t step) const {
    for (size_t k = 0; k < count_; ++k)
        if (all_[k].first == step) return all_[k].code ? &all_[k] : nullptr;
    return nullptr;
}

std::string Segments::describe(const Fused& p, const Facts& facts) {
    std::string text;
    cut(p, facts, [&](Segment& s, size_t) {
        code::Names names;
        for (int16_t v : s.operands) names.arguments.push_back(name_of(p, v));
        for (int16_t v : s.results) names.arguments.push_back(name_of(p, v));
        for (size_t i = s.first; i < s.past; ++i) names.steps.push_back(line_of(p, p.steps[i]));
        const code::Emitted made = emitted(p, s, tables_, &names);
        if (made.bytes.empty()) return;
        char head[160];
        std::snprintf(
            head, sizeof head,
            "  code of v%zu to v%zu: %d instructions of %s, %zu bytes, %d spills; %lld elements at a time\n",
            s.first, s.past - 1, made.instructions, kernels_isa(), made.bytes.size(), made.spills,
            static_cast<long long>(code::lanes_of(code::is_wide(), s.lane) * made.copies));
        text += head + made.text;
    });
    return text;
}

}  // namespace pb
