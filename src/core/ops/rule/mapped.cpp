#include "ops/rule/mapped.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>

#include "compute/points.h"
#include "program/program.h"
#include "tape/engine.h"
#include "tensor/extra.h"

namespace pb {

namespace {

bool always_loops() {
    static const bool loops = [] {
        const char* text = std::getenv("PULLBACK_VMAP");
        return text && !std::strcmp(text, "loop");
    }();
    return loops;
}

// "IndexSelectBackward0" is the node of index_select.
std::string operation_of(const char* node) {
    std::string text = node ? node : "an operator", out;
    if (size_t end = text.find("Backward"); end != std::string::npos) text.resize(end);
    for (size_t i = 0; i < text.size(); ++i) {
        const bool capital = text[i] >= 'A' && text[i] <= 'Z';
        if (capital && i) out += '_';
        out += capital ? static_cast<char>(text[i] - 'A' + 'a') : text[i];
    }
    return out == "unique2" ? "_unique2" : out;
}

bool runs_by_entry(const MappedRule& rule) {
    if (always_loops()) return true;
    if (!rule.leads) note_loop(operation_of(rule.name));
    return !rule.leads;
}

// The inputs that say where.
Tensors deciding(const MappedRule& rule, const Tensors& inputs) {
    return Tensors(inputs.begin() + std::min(rule.decides_from, inputs.size()), inputs.end());
}

// Whether one of them differs from entry to entry.
bool decided_apart(const MappedRule& rule, const Tensors& shown, const MappedAxes& all) {
    for (const Tensor& t : deciding(rule, shown))
        if (t && compute::differs_along(t.layout(), static_cast<int64_t>(all.size()))) return true;
    return false;
}

Tensors shown_inputs(const MappedRule& rule, const Tensors& inputs, const MappedAxes& all, bool loops) {
    int64_t rank = 0;
    if (rule.aligned && !loops)
        for (const Tensor& t : inputs)
            if (t) rank = std::max(rank, t.ndim());
    Tensors shown;
    for (const Tensor& t : inputs) shown.push_back(t ? reveal(t, all, rank) : t);
    return shown;
}

// Entries of zeros, to learn the shapes of results of which there are none.
Tensors blank_entries(const Tensors& inputs) {
    Tensors out;
    for (const Tensor& t : inputs) {
        if (!t || !t.is_mapped()) {
            out.push_back(t ? reveal(t, MappedAxes()) : t);
            continue;
        }
        Tensor blank = Tensor::make(t.dtype(), Layout::contiguous(t.shape()));
        fill_array(blank.array(), Scalar(0));
        out.push_back(blank);
    }
    return out;
}

// Room for results like `entry`, laid out alike, one behind the other.
Tensor room_for(const Tensor& entry, const MappedAxes& all) {
    Ref<Layout> one = entry.layout().packed();
    return Tensor::make(Array::empty(entry.dtype(), around(*one, all)->physical(all)));
}

// The results of `run(entry)`, one after the other in one tensor each.
template <class F>
Tensors stacked(const MappedRule& rule, const MappedAxes& all, const Tensors& shown, F&& run) {
    Tensors out;
    Entries at(all);
    for (int64_t i = 0; i < at.count; ++i, at.next()) {
        Tensors entry = run(at.of(shown));
        if (i == 0)
            for (const Tensor& y : entry) out.push_back(y ? room_for(y, all) : y);
        Tensors parts = at.of(out);
        for (size_t j = 0; j < entry.size(); ++j) {
            if (!parts[j]) continue;
            if (!parts[j].layout().same_shape(entry[j].layout()))
                fail(
                    "vmap: We do not support batching operators that can output dynamic shape. Attempted to "
                    "vmap over "
                    "aten::{}. The entries of a result have different shapes, {} and {}, which cannot depend "
                    "on values.",
                    operation_of(rule.name), shape_text(parts[j].layout()), shape_text(entry[j].layout()));
            copy_array(entry[j].array(), parts[j].array());
        }
    }
    return out;
}

Tensors loop_over(const MappedRule& rule, const Tensors& inputs, const Tensors& shown,
                  const MappedAxes& all) {
    auto run = [&](const Tensors& entry) { return rule.forward(rule.rule, nullptr, entry); };
    if (Entries(all).count) return stacked(rule, all, shown, run);
    Tensors out;
    for (const Tensor& y : run(blank_entries(inputs))) out.push_back(y ? room_for(y, all) : y);
    return out;
}

// ---- writing what varies into something of which there is one ----

// Who else could see that `target` becomes mapped?
bool is_private(const Tensor& target, const Tensor& root) {
    const Cell& cell = *target->cell;
    const Buffer& buffer = *cell.buffer;
    return root->cell == target->cell && cell.holders() == (root.is(target) ? 1u : 2u) &&
           buffer.holders() == 1 && !buffer.is_foreign() && !buffer.is_shared() && buffer.is_writable();
}

void add_axes(const Tensor& t, const MappedAxes& more) {
    MappedAxes all = t.layout().axes();
    join_axes(all, more);
    set_layout(t, Layout::mapped(t.layout(), all));
}

bool spreads(const Tensor& target, MappedAxes missing) {
    const Tensor& root = target->flags & kIsView ? target->extra->view->base : target;
    Cell& cell = *target->cell;
    cell.buffer->data();
    if (!is_private(target, root)) return false;
    for (const MappedAxis& a : missing)
        if (cell.born < a.level) return false;
    const char* from = cell.buffer->data();
    auto item = static_cast<int64_t>(item_size(target.dtype()));
    auto bytes = static_cast<int64_t>(cell.buffer->bytes());
    int64_t step = (bytes + item - 1) / item, entries = 1;
    for (size_t i = missing.size(); i-- > 0; entries *= missing[i].size) missing[i].stride = step * entries;
    Ref<Buffer> larger = Buffer::allocate(static_cast<size_t>(checked_mul(checked_mul(step, item), entries)));
    for (int64_t i = 0; i < entries; ++i)
        std::memcpy(larger->data() + i * step * item, from, static_cast<size_t>(bytes));
    cell.buffer = std::move(larger);
    add_axes(target, missing);
    if (!root.is(target)) add_axes(root, missing);
    return true;
}

// How PyTorch refuses a write: by what it calls the operator, or, where operands are only brought to one shape, by shapes.
struct Refused {
    bool by_shapes;
    std::string name;
    const char* where;
};

Refused as_torch_refuses(std::string_view operation) {
    using Names = std::initializer_list<std::string_view>;
    if (operation == "clamp_low_" || operation == "clamp_high_") operation = "clamp_";
    auto among = [&](Names names) { return std::find(names.begin(), names.end(), operation) != names.end(); };
    if (among({"add_", "atan2_", "bitwise_and_", "left_shift_", "bitwise_or_", "right_shift_", "bitwise_xor_",
               "copysign_", "gcd_", "lcm_"}))
        return {true, "", ""};
    if (among({"sub_", "mul_", "div_", "copy_", "clamp_min_", "clamp_max_", "logical_and_", "logical_or_",
               "logical_xor_", "masked_fill_"}))
        return {false, "inplace arithmetic", "in a vmap"};
    if (among({"fill_", "index_add_", "index_fill_", "index_put_", "scatter_add_", "scatter_reduce_"}))
        return {false, std::string(operation), "in a vmap"};
    return {false, "aten::" + std::string(operation), "at this level"};
}

Loops wanted = Loops::Warn;
std::set<std::string> told;

}  // namespace

void set_loops(Loops how) {
    wanted = how;
    told.clear();
}
Loops loops() { return wanted; }
std::vector<std::string> looped() { return {told.begin(), told.end()}; }

void note_loop(const std::string& operation, int stack_level) {
    if (wanted == Loops::Refuse)
        fail(
            "aten::{} hit the vmap fallback which is currently disabled. It runs once for each entry, which "
            "set_vmap_fallback(\"error\") forbids.",
            operation);
    if (!told.insert(operation).second || wanted == Loops::Allow) return;
    const std::string text =
        "There is a performance drop because we have not yet implemented the batching rule for aten::" +
        operation +
        ". It runs once for each entry of the vmap. This is said once for each operator; "
        "set_vmap_fallback(\"allow\") says nothing, set_vmap_fallback(\"error\") raises.";
    if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), stack_level) < 0) throw PythonError();
}

MappedAxes open_axes(const Tensors& inputs) {
    for (const Tensor& t : inputs)
        if (t) check_open(t);
    return axes_of(inputs);
}

void refuse_escaped(const Tensor& t) {
    if (current_run()) return;  // which may be of results of vmaps that are over
    for (const MappedAxis& a : t.layout().axes())
        if (!is_open_map(a.level)) fail("{}", escaped(t.layout()));
}

// Not so residuals that only those read who have values only: rows, say, of all entries together.
static bool has_in_front(const Layout& l, const MappedAxes& all) {
    auto n = static_cast<int64_t>(all.size());
    for (int64_t d = 0; d < n; ++d)
        if (d >= l.ndim() || l.size(d) != all[static_cast<size_t>(d)].size) return false;
    return true;
}

static Tensors hidden(Tensors out, const MappedAxes& all) {
    for (Tensor& y : out)
        if (y) y = has_in_front(y.layout(), all) ? hide(std::move(y), all) : Tensor();
    return out;
}

// What the rule left of inputs that decide and are the same for all entries is so, too. Their axes of one entry stay all the
// same: they may be there to tell what depends on what.
static Tensors hidden(const MappedRule& rule, Tensors out, const Tensors& inputs, const Tensors& shown,
                      const MappedAxes& all) {
    if (!rule.residuals || rule.decides_from == SIZE_MAX || decided_apart(rule, shown, all))
        return hidden(std::move(out), all);
    const size_t n = out.size() - rule.residuals;
    Tensors results = hidden(Tensors(out.begin(), out.begin() + n), all);
    MappedAxes single;
    for (const MappedAxis& a : axes_of(deciding(rule, inputs)))
        if (a.size == 1) single.push_back({a.level, 1, 0});
    for (size_t k = n; k < out.size(); ++k) {
        if (out[k] && !single.empty()) set_layout(out[k], Layout::mapped(out[k].layout(), single));
        results.push_back(out[k]);
    }
    return results;
}

Tensors compute_mapped(const MappedRule& rule, const Tensors& inputs) {
    MappedAxes all = open_axes(inputs);
    const bool loops = runs_by_entry(rule);
    Tensors shown = shown_inputs(rule, inputs, all, loops);
    if (loops) return hidden(loop_over(rule, inputs, shown, all), all);
    return hidden(rule, rule.forward(rule.rule, &all, shown), inputs, shown, all);
}

Tensors write_mapped(const MappedRule& rule, const Tensors& inputs, const char* operation) {
    MappedAxes all = open_axes(inputs);
    spread_target(inputs[0], all, operation);
    Array target = reveal_value(inputs[0], all);
    target.buffer->data();
    before_write(target);
    const bool loops = runs_by_entry(rule);
    Tensors shown = shown_inputs(rule, inputs, all, loops);
    if (!loops) return hidden(rule, rule.write(rule.rule, &all, shown), inputs, shown, all);
    // Into copies, so that a call that fails at some entry changes nothing.
    Tensors written;
    auto run = [&](const Tensors& given) {
        Tensors entry(given);
        Array copy = Array::empty(given[0].dtype(), given[0].layout().packed());
        copy_array(given[0].array(), copy);
        entry[0] = Tensor::make(copy);
        written.push_back(entry[0]);
        return rule.write(rule.rule, nullptr, entry);
    };
    Tensors kept = hidden(stacked(rule, all, shown, run), all);
    Entries at(all);
    for (size_t i = 0; i < written.size(); ++i, at.next())
        copy_array(written[i].array(), at.of({shown[0]})[0].array());
    return kept;
}

void spread_target(const Tensor& target, const MappedAxes& all, const char* operation) {
    MappedAxes missing = axes_beyond(all, target.layout());
    if (missing.empty() || spreads(target, missing)) return;
    const Refused refused = as_torch_refuses(operation);
    const std::string cause = std::string(operation) +
                              " would write values that differ from entry to entry into a tensor of which "
                              "there is one: write out of "
                              "place, or into a tensor that was made inside and that nothing else holds.";
    if (refused.by_shapes) {
        Dims shape = target.shape();
        for (const MappedAxis& a : missing) shape.push_back(a.size);
        std::rotate(shape.begin(), shape.begin() + target.ndim(), shape.end());
        fail("output with shape {} doesn't match the broadcast shape {}. {}", shape_text(target.layout()),
             shape_text(shape), cause);
    }
    fail(
        "vmap: {}(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args "
        "that "
        "has more elements than `self`. This happened due to `other` being vmapped over but `self` not being "
        "vmapped over {}. Please try to use out-of-place operators instead of {}. {}",
        refused.name, refused.where, refused.name, cause);
}

void write_elements(const Tensor& to, const Tensor& from, const char* operation) {
    MappedAxes all = axes_of({to, from});
    spread_target(to, all, operation);
    Array target = reveal_value(to, all), value = reveal_value(from, all);
    value.buffer->data();
    before_write(target);
    target.buffer->data();
    copy_array(value, target);
}

}  // namespace pb
