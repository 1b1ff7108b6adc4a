// Fused programs as text, for whoever wants to see what runs.
#include <cstdio>

#include "program/segment.h"

namespace pb {

std::string name_of(const Fused& p, int16_t v) {
    const Value& value = p.value(v);
    if (value.kind == Value::Operand) return "x" + std::to_string(value.at);
    if (value.kind == Value::Result) return "v" + std::to_string(value.at);
    char number[80];
    const Scalar n = p.number(value);
    const bool parts = n.kind == Scalar::Complex;
    std::snprintf(number, sizeof number, parts ? "%.9g%+.9gj" : "%.9g", n.to_double(), n.im);
    return number;
}

namespace {
std::string line_of(const Fused& p, const Fused::Operand& o) {
    const Array& a = *o.array;
    std::string line = name_of(p, o.value) + " = load " + dtype_name(a.dtype) + shape_text(*a.layout);
    if (o.way == Fused::Operand::Gathered) line += a.numel() < p.n ? "  broadcast" : "  strided";
    return line;
}

}  // namespace

std::string line_of(const Fused& p, const Step& s) {
    std::string line = name_of(p, s.out) + " = ";
    if (s.chain >= 0) {
        const Chain& chain = p.chains[static_cast<size_t>(s.chain)];
        line += name_of(p, s.in[0]);
        for (int k = 0; k < chain.length; ++k) {
            Link link = chain.steps[k].link();
            line += std::string(" | ") + link_name(link);
            if (!is_lone(link)) line += " " + name_of(p, s.in[chain.steps[k].operand]);
        }
        if (chain.end) line += std::string(" | to_") + dtype_name(p.type(s.out));
    } else {
        if (s.converts()) line += std::string("to_") + dtype_name(p.type(s.out));
        else line += primitive_info(s.primitive).name;
        for (int k = 0; k < s.arity; ++k) line += (k ? ", " : " ") + name_of(p, s.in[k]);
    }
    if (p.value(s.out).single) line += "  once";
    return line;
}

namespace {

std::string line_of(const Fused& p, const Fused::Output& o) {
    std::string what = " " + name_of(p, o.value) + " " + dtype_name(o.dtype);
    if (o.is_stored()) return "store" + what;
    if (o.over == Over::leading) what += " of " + std::to_string(o.row) + " columns";
    if (o.over == Over::trailing) what += " of rows of " + std::to_string(o.row);
    return reduction_name(o.reduction) + what;
}

size_t written_by(const Fused& p, const Fused::Output& o) {
    int64_t results = o.is_single()             ? 1
                      : o.is_stored()           ? p.n
                      : o.over == Over::all     ? 1
                      : o.over == Over::leading ? o.row
                                                : p.n / o.row;
    return item_size(o.dtype) * static_cast<size_t>(results);
}

// As if nothing else wanted a value in memory.
std::string describe_code(const Fused& p) {
    std::vector<char> single;
    std::vector<int32_t> last;
    for (const Value& v : p.values) single.push_back(v.single);
    find_last_reads(p, last);
    for (const Fused::Output& o : p.outputs) last[static_cast<size_t>(o.value)] = kAlways;
    const std::vector<int32_t> streamed(p.values.size(), kAlways);
    const std::string text = Segments().describe(p, {single, last, streamed});
    return text.empty() ? "  no code: it runs block by block\n" : text;
}

}  // namespace

std::string describe(const Fused& p, bool code) {
    std::string text;
    auto add = [&](const auto& item) { text += "  " + line_of(p, item) + "\n"; };
    size_t read = 0, written = 0;
    for (const Fused::Operand& o : p.operands) read += o.array->bytes(), add(o);
    for (const Step& s : p.steps) add(s);
    for (const Fused::Output& o : p.outputs) written += written_by(p, o), add(o);
    char head[160];
    std::snprintf(head, sizeof head,
                  "program of %zu instruction%s over %lld elements: reads %zu bytes, writes %zu\n",
                  p.steps.size(), p.steps.size() == 1 ? "" : "s", static_cast<long long>(p.n), read, written);
    return head + text + (code ? describe_code(p) : "");
}

}  // namespace pb
