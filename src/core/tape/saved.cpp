#include "tape/saved.h"

#include <unordered_map>

#include "tape/operations.h"
#include "tape/packing.h"
#include "tape/tangents.h"
#include "tensor/write_site.h"

namespace pb {

namespace {
// What few saved values have.
struct Apart {
    Apart() = default;
    Apart(const Apart&) = delete;
    ~Apart() {
        Py_XDECREF(packed);
        Py_XDECREF(unpack);
    }
    Small<Tangent, 1> tangents;
    PyObject *packed = nullptr, *unpack = nullptr;
};
// By the Saved's address.
std::unordered_map<const Saved*, Apart>& kept_apart() {
    static auto* all = new std::unordered_map<const Saved*, Apart>;
    return *all;
}
}  // namespace

bool any_packed() { return !kept_apart().empty(); }

void Saved::save_special(const Tensor& t) {
    if (t->flags & kInference && modes.grad)
        fail(
            "Inference tensors cannot be saved for backward. To work around you can make a clone to get a "
            "normal tensor and use it in autograd.");
    if (t.is_dual()) keep_tangents(t);
    // An output has no history yet: it is packed when its node is complete.
    if (modes.packing && origin_ != kOutput) pack_saved(*this, t);
}

void Saved::save_complex(Scalar s) {
    Ref<Buffer> bytes = Buffer::allocate(item_size(DType::Complex128));
    s.store(DType::Complex128, bytes->data());
    cell_ = Cell::make(std::move(bytes));
}
Scalar Saved::complex_scalar() const { return Scalar::load(DType::Complex128, cell_->buffer->data()); }

void Saved::save_array(const Array& a) {
    cell_ = Cell::make(a.buffer);
    layout_ = a.layout;
    offset_ = a.offset;
    version_ = 0;
    dtype_ = a.dtype;
    origin_ = kConstant;
    if (__builtin_expect(modes.packing, 0) && a.buffer) pack_saved(*this, Tensor::make(a));
}

void Saved::keep_tangents(const Tensor& t) {
    if (!t->extra || t->extra->tangents.empty()) return;
    kept_apart()[this].tangents = t->extra->tangents;
    has_tangents_ = 1;
}

void Saved::reset() {
    cell_ = nullptr;
    layout_ = nullptr;
    origin_ = kNothing;
    if (__builtin_expect(!is_plain(), 0)) forget_apart();
}

void Saved::forget_apart() {
    has_tangents_ = is_packed_ = 0;
    // Out of the table first: freeing a tangent may free other saved values.
    auto gone = kept_apart().extract(this);
}

void Saved::check(const Node& self) const {
    if (!cell_) {
        if (is_packed_) return;
        fail_released(self);
    }
    if (cell_->version == version_) return;
    std::string shape = shape_text(*layout_);
    std::string owner = origin_ == kOutput ? std::string(", which is output ") + std::to_string(number_) +
                                                 " of " + operation_name(self) + ","
                        : self.edge_count() > number_ && self.edge(number_).node && origin_ == kInput &&
                                !self.edge(number_).node->is_accumulate()
                            ? std::string(", which is output ") + std::to_string(self.edge(number_).nr) +
                                  " of " + operation_name(*self.edge(number_).node) + ","
                            : "";
    std::string writer = describe_write(*cell_);
    fail(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        "[pullback.{}Tensor {}]{} is at version {}; expected version {} instead. {} saved it to compute its "
        "derivative, and it was overwritten{}{}. Write out of place there (y = x + 1 instead of x += 1), or "
        "give {} a clone().",
        dtype_legacy_name(dtype_), shape, owner, cell_->version, version_, self.name(),
        writer.empty() ? "" : " ", writer, self.name());
}

void fail_released(const Node& node) {
    fail(
        "Trying to backward through the graph a second time (or directly access saved tensors after they "
        "have already been freed). Saved intermediate values of the graph are freed when you call "
        ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph "
        "a second time or if you need to access saved tensors after calling backward. It was {} whose saved "
        "values are gone: the call of backward() or grad() before this one freed them, and needs the "
        "retain_graph=True; or part of the graph was computed once, outside the loop, and is used in each "
        "round.",
        node.name());
}

Edge Saved::origin_edge(Node& self) const {
    if (origin_ == kInput) return self.edge(number_);
    if (origin_ == kOutput) return {&self, number_};
    return {};
}

Tensor Saved::unpack(Node& self) const {
    if (is_packed_) return unpacked(self);
    check(self);
    const Edge e = origin_edge(self);
    if (e.node && e.node->is_accumulate() && !has_tangents_) {
        Tensor leaf = accumulated_variable(e.node);
        if (leaf->cell == cell_.get() && leaf->layout == layout_.get() && leaf->offset == offset_ &&
            !leaf.is_dual())
            return leaf;
    }
    TensorObject* o = new_tensor_object();
    o->cell = Ref<Cell>(cell_).detach();
    o->layout = Ref<Layout>(layout_).detach();
    o->offset = offset_;
    o->dtype = dtype_;
    if (layout_->is_mapped()) o->exceptional = kMapped;
    Tensor t = Tensor::steal(o);
    if (e.node && is_differentiable(dtype_)) set_history(t, e.node, e.nr);
    if (has_tangents_)
        for (const Tangent& tangent : kept_apart()[this].tangents)
            set_tangent(t, tangent.level, tangent.value);
    return t;
}

void Saved::pack(const Tensor& t, PyObject* pack, PyObject* unpack) {
    const uint32_t version = t->cell->version;
    PyObject* packed;
    {
        GradMode off(false);
        packed = PyObject_CallOneArg(pack, t.py());
    }
    if (!packed) throw PythonError();
    Apart& apart = kept_apart()[this];
    is_packed_ = 1;
    apart.packed = packed;
    Py_INCREF(unpack);
    apart.unpack = unpack;
    if (t->cell->version != version)
        fail(
            "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack "
            "hook cannot be modified by in-place operations as this can lead to unexpected side-effects. "
            "Let the hook change a clone().");
    cell_ = nullptr;
}

PyObject* Saved::packed() const { return kept_apart()[this].packed; }
PyObject* Saved::unpack_hook() const { return kept_apart()[this].unpack; }

// The value that the hook gives for what was packed, tied to the graph as the value was.
Tensor Saved::unpacked(Node& self) const {
    const Ref<Layout> shape =
        layout_;  // the hook may run another backward pass, which frees what is saved here
    const DType dtype = dtype_;
    const Edge e = origin_edge(self);
    PyObject *hook = unpack_hook(), *argument = packed();
    Py_INCREF(hook);
    Py_INCREF(argument);
    PyObject* given = PyObject_CallOneArg(hook, argument);
    Py_DECREF(hook);
    Py_DECREF(argument);
    if (!given) throw PythonError();
    if (!is_tensor(given)) {
        std::string type = Py_TYPE(given)->tp_name;
        Py_DECREF(given);
        fail_as(ErrorKind::Type,
                "Output of saved tensor unpack_hook expected to be a Tensor but got result of type {}. It "
                "returns the value that the pack hook was given.",
                type);
    }
    Tensor value = Tensor::steal(as_tensor(given));
    if (!value.layout().same_shape(*shape))
        fail(
            "Output of saved tensor unpack_hook has shape {}, and {} saved a tensor of shape {}. The hook "
            "returns a tensor with the content of the one that the pack hook was given.",
            shape_text(value.layout()), self.name(), shape_text(*shape));
    if (value.dtype() != dtype) {
        GradMode off(false);
        value = ops::to_dtype(value, dtype);
    }
    const bool leaf = e.node && e.node->is_accumulate() && accumulated_variable(e.node).is(value);
    if (leaf && !has_tangents_) return value;
    const bool differentiable = e.node && is_differentiable(dtype);
    if (!differentiable && !has_tangents_ && !value.requires_grad()) return value;
    Tensor t = value.alias();
    if (differentiable) set_history(t, e.node, e.nr);
    if (has_tangents_)
        for (const Tangent& tangent : kept_apart()[this].tangents)
            set_tangent(t, tangent.level, tangent.value);
    return t;
}

}  // namespace pb
