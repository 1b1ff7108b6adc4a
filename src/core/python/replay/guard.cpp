#include "python/replay/guard.h"

#include <algorithm>
#include <cstring>

#include "tape/hooks.h"
#include "tensor/extra.h"

namespace pb::replay {

// ---- comparing -------------------------------------------------------------------------------------------------

bool same_value(PyObject* a, PyObject* b) {
    if (a == b) return true;
    PyTypeObject* type = Py_TYPE(a);
    if (type != Py_TYPE(b)) return false;
    if (type == &PyFloat_Type) {
        const double x = PyFloat_AS_DOUBLE(a), y = PyFloat_AS_DOUBLE(b);
        return std::memcmp(&x, &y, sizeof x) == 0;
    }
    if (type == &PyComplex_Type) {
        const Py_complex x = PyComplex_AsCComplex(a), y = PyComplex_AsCComplex(b);
        return std::memcmp(&x, &y, sizeof x) == 0;
    }
    if (PyTuple_Check(a) || type == &PyList_Type) {
        const Py_ssize_t n = PySequence_Fast_GET_SIZE(a);
        if (n != PySequence_Fast_GET_SIZE(b)) return false;
        for (Py_ssize_t i = 0; i < n; ++i)
            if (!same_value(PySequence_Fast_GET_ITEM(a, i), PySequence_Fast_GET_ITEM(b, i))) return false;
        return true;
    }
    if (type == &PySlice_Type) {
        const auto *x = reinterpret_cast<PySliceObject*>(a), *y = reinterpret_cast<PySliceObject*>(b);
        return same_value(x->start, y->start) && same_value(x->stop, y->stop) && same_value(x->step, y->step);
    }
    if (type == &PyRange_Type) {  // equal ones may begin elsewhere
        for (const char* part : {"start", "stop", "step"}) {
            const Owned x(PyObject_GetAttrString(a, part)), y(PyObject_GetAttrString(b, part));
            if (!x || !y) return PyErr_Clear(), false;
            if (!same_value(x.o, y.o)) return false;
        }
        return true;
    }
    if (type != &PyLong_Type && type != &PyUnicode_Type && type != &PyBytes_Type) return false;
    const int equal = PyObject_RichCompareBool(a, b, Py_EQ);
    if (equal < 0) PyErr_Clear();
    return equal == 1;
}

uint32_t version_of(PyObject* o) {
    const auto* type = reinterpret_cast<PyTypeObject*>(o);
#if PY_VERSION_HEX < 0x030C0000
    if (!(type->tp_flags & Py_TPFLAGS_VALID_VERSION_TAG)) return 0;
#endif
    return type->tp_version_tag;
}

bool is_bare_leaf(const TensorObject* t) {
    if (t->grad_fn || t->flags & kClosed) return false;
    if (t->accumulator && t->accumulator->extra && has_hooks(*t->accumulator)) return false;
    if (!t->extra) return true;
    for (PyObject* hooks : {t->extra->hooks, t->extra->post_hooks})
        if (hooks && PyDict_GET_SIZE(hooks)) return false;
    const ViewInfo* view = t->extra->view.get();  // whose base, once written, gives it a history
    return !view || view->version == t->cell->version || !view->base.requires_grad();
}

static uint8_t flags_of(const TensorObject* t) {
    enum : uint8_t {
        Grad = 1,
        Result = 2,
        Inference = 4,
        Exceptional = 8,
        Parameter = 16,
        Number = 32,
        Marked = 64
    };
    uint8_t flags = t->exceptional ? Exceptional : 0;
    if (Tensor(const_cast<TensorObject*>(t)).requires_grad()) flags |= Grad;
    if (t->grad_fn) flags |= Result;
    if (t->flags & kInference) flags |= Inference;
    if (t->flags & kWrappedNumber) flags |= Number;
    if (Py_TYPE(t) == parameter_type) flags |= Parameter;
    if (t->dict && PyDict_GET_SIZE(t->dict)) flags |= Marked;
    return flags;
}

// ---- made from a description -------------------------------------------------------------------------------------

Guard::Guard(PyObject* description) {
    PyObject *names, *checks;
    Py_ssize_t positions, registers, inputs;
    if (!PyArg_ParseTuple(description, "nOO!nn", &positions, &names, &PyTuple_Type, &checks, &registers,
                          &inputs))
        throw PythonError();
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(checks); ++i) {
        Check c;
        int kind, from, to;
        long long number;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(checks, i), "iiiOOOL", &kind, &from, &to, &c.holder, &c.key,
                              &c.expected, &number))
            throw PythonError();
        c.kind = static_cast<Check::Kind>(kind);
        c.from = from;
        c.to = to;
        c.number = number;
        if (c.kind == Check::TensorOf) {
            const TensorObject* t = as_tensor(c.expected);
            c.layout = Ref<Layout>(t->layout);
            c.dtype = t->dtype;
            c.flags = flags_of(t);
            c.expected = Py_None;  // whose memory need not be kept
        }
        for (PyObject* o : {c.holder, c.key, c.expected}) kept_.push_back(Py_NewRef(o));
        if (c.kind == Check::Apart) {
            apart_.resize(static_cast<size_t>(inputs));
            apart_[static_cast<size_t>(number)] = 1;
        } else {
            checks_.push_back(std::move(c));
        }
    }
    positions_ = static_cast<size_t>(positions);
    registers_ = static_cast<size_t>(registers);
    inputs_ = static_cast<size_t>(inputs);
    if (names == Py_None) return;
    keywords_ = names;
    kept_.push_back(Py_NewRef(names));
}
Guard::~Guard() {
    for (PyObject* o : kept_) Py_DECREF(o);
}

bool Guard::same(const Guard& g) const {
    if (checks_.size() != g.checks_.size() || positions_ != g.positions_ || registers_ != g.registers_ ||
        inputs_ != g.inputs_ || apart_ != g.apart_)
        return false;
    if (keywords_ != g.keywords_ && (!keywords_ || !g.keywords_ || !same_value(keywords_, g.keywords_)))
        return false;
    for (size_t i = 0; i < checks_.size(); ++i) {
        const Check &a = checks_[i], &b = g.checks_[i];
        if (a.kind != b.kind || a.from != b.from || a.to != b.to || a.holder != b.holder ||
            a.number != b.number || a.dtype != b.dtype || a.flags != b.flags || !same_value(a.key, b.key) ||
            !same_value(a.expected, b.expected) || !a.layout != !b.layout ||
            (a.layout && !a.layout->same(*b.layout)))
            return false;
    }
    return true;
}

int Guard::traverse(visitproc visit, void* arg) const {
    for (PyObject* o : kept_) Py_VISIT(o);
    return 0;
}

// ---- checking ----------------------------------------------------------------------------------------------------

namespace {

// What a read finds, as a new reference; null: nothing.
PyObject* read(const Check& c, PyObject* from, const Found& found) {
    switch (c.kind) {
        case Check::Item: {
            const bool is_there = from && (PyList_CheckExact(from) || PyTuple_Check(from)) &&
                                  c.number < PySequence_Fast_GET_SIZE(from);
            return is_there ? Py_NewRef(PySequence_Fast_GET_ITEM(from, c.number)) : nullptr;
        }
        case Check::Key: {
            if (!from || !PyDict_Check(from)) return nullptr;
            PyObject* found = PyDict_GetItemWithError(from, c.key);
            if (!found) PyErr_Clear();
            return Py_XNewRef(found);
        }
        case Check::Entries: {
            PyObject* found = PyObject_GenericGetDict(c.holder, nullptr);
            if (!found) PyErr_Clear();
            return found;
        }
        case Check::Content: return Py_XNewRef(PyCell_GET(c.holder));
        case Check::Member: {
            PyObject* found = PyObject_GetAttr(c.holder, c.key);
            if (!found) PyErr_Clear();
            return found;
        }
        case Check::Gradient: {
            PyObject* gradient = as_tensor(found.inputs[static_cast<size_t>(c.number)])->grad;
            return Py_NewRef(gradient ? gradient : Py_None);
        }
        case Check::Defaults: return Py_XNewRef(PyFunction_GET_DEFAULTS(c.holder));
        case Check::Keywords: return Py_XNewRef(PyFunction_GET_KW_DEFAULTS(c.holder));
        default: return nullptr;
    }
}

bool keys_are(PyObject* dict, PyObject* expected) {
    if (!dict || !PyDict_Check(dict) || PyDict_GET_SIZE(dict) != PyTuple_GET_SIZE(expected)) return false;
    Owned keys(PyDict_CheckExact(dict) ? PyDict_Keys(dict)
                                       : PySequence_List(dict));  // others have an order of their own
    if (!keys.o) return PyErr_Clear(), false;
    if (PyList_GET_SIZE(keys.o) != PyTuple_GET_SIZE(expected)) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(expected); ++i)
        if (!same_value(PyList_GET_ITEM(keys.o, i), PyTuple_GET_ITEM(expected, i))) return false;
    return true;
}

bool tensor_passes(const Check& c, PyObject* o) {
    if (!o || !is_exact_tensor(o)) return false;
    const TensorObject* t = as_tensor(o);
    return t->dtype == c.dtype && flags_of(t) == c.flags &&
           (t->layout == c.layout.get() || t->layout->same(*c.layout));
}

bool holds(const Check& c, PyObject* o, Found& found) {
    switch (c.kind) {
        case Check::InstanceOf: return Py_TYPE(c.holder) == reinterpret_cast<PyTypeObject*>(c.expected);
        case Check::Code: return PyFunction_GET_CODE(c.holder) == c.expected;
        case Check::Same: return o == c.expected;
        case Check::Value: return o && same_value(o, c.expected);
        case Check::TensorOf: found.inputs[static_cast<size_t>(c.number)] = o; return tensor_passes(c, o);
        case Check::Again: return o && found.inputs[static_cast<size_t>(c.number)] == o;
        case Check::Length:
            if (!o || Py_TYPE(o) != reinterpret_cast<PyTypeObject*>(c.expected)) return false;
            return c.number < 0 ||
                   c.number == (PyDict_Check(o) ? PyDict_GET_SIZE(o) : PySequence_Fast_GET_SIZE(o));
        case Check::Keys: return keys_are(o, c.expected);
        case Check::Absent: return !o;
        case Check::ClassOf: return static_cast<int64_t>(version_of(c.holder)) == c.number;
        case Check::Bare: return is_bare_leaf(as_tensor(found.inputs[static_cast<size_t>(c.number)]));
        default: return false;
    }
}

// Two tensors are two.
bool are_distinct(const std::vector<PyObject*>& inputs) {
    if (inputs.size() <= 8) {
        for (size_t i = 1; i < inputs.size(); ++i)
            for (size_t k = 0; k < i; ++k)
                if (inputs[i] == inputs[k]) return false;
        return true;
    }
    std::vector<PyObject*> sorted(inputs);
    std::sort(sorted.begin(), sorted.end());
    return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

// Where the elements of a tensor lie; of one that is not computed yet, its buffer stands for that.
std::pair<const char*, const char*> reach(const TensorObject* t) {
    const Buffer& buffer = *t->cell->buffer;
    if (buffer.is_pending()) {
        const auto* itself = reinterpret_cast<const char*>(&buffer);
        return {itself, itself + 1};
    }
    int64_t low, high;
    t->layout->extent(&low, &high);
    const auto item = static_cast<int64_t>(item_size(t->dtype));
    const char* first = buffer.data() + t->offset * item;
    return {first + low * item, first + high * item};
}

// Those inputs that are chosen share memory with no other.
bool are_apart(const std::vector<PyObject*>& inputs, const std::vector<char>& chosen) {
    struct Piece {
        const char *low, *high;
        char chosen;
    };
    std::vector<Piece> pieces;
    for (size_t i = 0; i < inputs.size(); ++i) {
        if (as_tensor(inputs[i])->layout->numel() == 0) continue;
        const auto [low, high] = reach(as_tensor(inputs[i]));
        pieces.push_back({low, high, chosen[i]});
    }
    std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.low < b.low; });
    const char *all = nullptr, *ours = nullptr;  // how far those reach that begin earlier
    for (const Piece& p : pieces) {
        if (p.low < (p.chosen ? all : ours)) return false;
        all = std::max(all, p.high);
        if (p.chosen) ours = std::max(ours, p.high);
    }
    return true;
}

}  // namespace

bool Guard::passes(PyObject* const* args, size_t count, PyObject* keywords, Found& found) const {
    const size_t named = keywords ? static_cast<size_t>(PyTuple_GET_SIZE(keywords)) : 0;
    if (count != positions_ || named != (keywords_ ? static_cast<size_t>(PyTuple_GET_SIZE(keywords_)) : 0))
        return false;
    if (named && keywords != keywords_ && !same_value(keywords, keywords_)) return false;
    found.registers.assign(registers_, nullptr);
    found.inputs.assign(inputs_, nullptr);
    for (const Check& c : checks_) {
        PyObject* from = c.from < 0 ? c.holder : found.registers[static_cast<size_t>(c.from)];
        if (c.to < 0) {
            if (!holds(c, from, found)) return false;
        } else {
            PyObject* o = c.kind == Check::Argument ? Py_NewRef(args[c.number]) : read(c, from, found);
            found.registers[static_cast<size_t>(c.to)] = o;
        }
    }
    return are_distinct(found.inputs) && (apart_.empty() || are_apart(found.inputs, apart_));
}

}  // namespace pb::replay
