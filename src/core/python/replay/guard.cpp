#include "python/replay/guard.h"

#include <algorithm>
#include <cstring>

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
    if (type != &PyLong_Type && type != &PyUnicode_Type && type != &PyBytes_Type && type != &PyRange_Type)
        return false;
    const int equal = PyObject_RichCompareBool(a, b, Py_EQ);
    if (equal < 0) PyErr_Clear();
    return equal == 1;
}

uint8_t tensor_flags(const TensorObject* t) {
    enum : uint8_t {
        Grad = 1,
        Result = 2,
        Inference = 4,
        Exceptional = 8,
        Parameter = 16,
        Hooks = 32,
        Number = 64
    };
    uint8_t flags = t->exceptional ? Exceptional : 0;
    if (Tensor(const_cast<TensorObject*>(t)).requires_grad()) flags |= Grad;
    if (t->grad_fn) flags |= Result;
    if (t->flags & kInference) flags |= Inference;
    if (t->flags & kWrappedNumber) flags |= Number;
    if (Py_TYPE(t) == parameter_type) flags |= Parameter;
    if (t->extra && (t->extra->hooks || t->extra->post_hooks)) flags |= Hooks;
    return flags;
}

// ---- made from a description -------------------------------------------------------------------------------------

static bool is_deep(const Check& c) {
    return c.kind != Check::Same && c.kind != Check::Value && c.kind != Check::Absent;
}

// (kind, expected, parts, number, path): parts are pairs of a key, or None, and a description.
Check::Check(PyObject* description) {
    int given, n;
    PyObject *what, *inside, *where;
    if (!PyArg_ParseTuple(description, "iOO!iO", &given, &what, &PyTuple_Type, &inside, &n, &where))
        throw PythonError();
    kind = static_cast<Kind>(given);
    number = n;
    path = Py_NewRef(where);
    if (kind == Names && PyType_Check(what))
        order = Py_XNewRef(reinterpret_cast<PyTypeObject*>(what)->tp_mro);
    if (kind == TensorOf) {
        TensorObject* t = as_tensor(PyTuple_GET_ITEM(what, 0));
        slot = static_cast<int32_t>(PyLong_AsLong(PyTuple_GET_ITEM(what, 1)));
        layout = Ref<Layout>(t->layout);
        dtype = t->dtype;
        flags = tensor_flags(t);
        count = t->dict ? static_cast<int32_t>(PyDict_GET_SIZE(t->dict)) : 0;
    } else if (kind == Instance) {
        expected = Py_NewRef(PyTuple_GET_ITEM(what, 0));
        count = static_cast<int32_t>(PyLong_AsLong(PyTuple_GET_ITEM(what, 1)));
    } else {
        expected = Py_NewRef(what);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inside); ++i) {
        PyObject* pair = PyTuple_GET_ITEM(inside, i);
        Check part(PyTuple_GET_ITEM(pair, 1));
        parts.push_back({Py_NewRef(PyTuple_GET_ITEM(pair, 0)), std::move(part)});
    }
    if (kind == Names || kind == Instance)
        std::stable_partition(parts.begin(), parts.end(), [](const Part& p) { return is_deep(p.check); });
    deep = static_cast<size_t>(
        std::count_if(parts.begin(), parts.end(), [](const Part& p) { return is_deep(p.check); }));
}
int Check::traverse(visitproc visit, void* arg) const {
    Py_VISIT(expected);
    Py_VISIT(order);
    for (const Part& p : parts)
        if (int stop = p.check.traverse(visit, arg)) return stop;
    return 0;
}
Check::Check(Check&& c) noexcept { *this = std::move(c); }
Check& Check::operator=(Check&& c) noexcept {
    kind = c.kind;
    flags = c.flags;
    dtype = c.dtype;
    number = c.number;
    count = c.count;
    slot = c.slot;
    std::swap(layout, c.layout);
    std::swap(expected, c.expected);
    std::swap(order, c.order);
    std::swap(path, c.path);
    parts.swap(c.parts);
    std::swap(deep, c.deep);
    return *this;
}
Check::~Check() {
    Py_XDECREF(expected);
    Py_XDECREF(path);
    Py_XDECREF(order);
    for (Part& part : parts) Py_XDECREF(part.key);
}

namespace {

size_t count_of(const std::vector<Check>& all);
size_t count_of(const Check& c) {
    size_t n = 1;
    for (const Part& part : c.parts) n += count_of(part.check);
    return n;
}
size_t count_of(const std::vector<Check>& all) {
    size_t n = 0;
    for (const Check& c : all) n += count_of(c);
    return n;
}

// ---- checking ----------------------------------------------------------------------------------------------------

bool passes(const Check& c, PyObject* o, Found& found);

bool fails(const Check& c, Found& found) {
    if (!found.failed) found.failed = &c;
    return false;
}

// A number that changes with whatever a dict holds; 0 where there is none.
uint64_t version_of(PyObject* dict) {
#if PY_VERSION_HEX < 0x030C0000
    return reinterpret_cast<PyDictObject*>(dict)->ma_version_tag;
#else
    (void)dict;
    return 0;
#endif
}
// The same of a class and what it inherits from.
uint64_t version_of_class(PyObject* cls) {
    const auto* type = reinterpret_cast<PyTypeObject*>(cls);
    return PyType_HasFeature(const_cast<PyTypeObject*>(type), Py_TPFLAGS_VALID_VERSION_TAG)
               ? type->tp_version_tag
               : 0;
}

// The values of some keys of a dict, which may have others.
bool names_pass(const Check& c, PyObject* dict, Found& found, uint64_t version) {
    if (version && version == c.seen) {
        for (size_t i = 0; i < c.deep; ++i)
            if (!passes(c.parts[i].check, c.parts[i].value, found)) return false;
        return true;
    }
    c.seen = 0;
    for (const Part& part : c.parts) {
        part.value = PyDict_GetItemWithError(dict, part.key);
        if (!part.value) PyErr_Clear();
        if (!passes(part.check, part.value, found)) return false;
    }
    c.seen = version;
    return true;
}

// That of a class or a module is looked at as it is, whatever the class says of attributes.
PyObject* dict_of(PyObject* holder) {
    if (PyType_Check(holder)) return reinterpret_cast<PyTypeObject*>(holder)->tp_dict;
    return PyModule_Check(holder) ? PyModule_GetDict(holder) : holder;
}

bool mapping_passes(const Check& c, PyObject* o, Found& found) {
    if (PyDict_GET_SIZE(o) != static_cast<Py_ssize_t>(c.parts.size())) return fails(c, found);
    if (!PyDict_CheckExact(o) && PyODict_Check(o)) {  // whose order is its own
        Owned keys(PySequence_List(o));
        if (!keys.o) PyErr_Clear();
        for (size_t i = 0; i < c.parts.size(); ++i) {
            PyObject* key = keys.o ? PyList_GET_ITEM(keys.o, static_cast<Py_ssize_t>(i)) : nullptr;
            if (!key || (key != c.parts[i].key && !same_value(key, c.parts[i].key))) return fails(c, found);
        }
        return names_pass(c, o, found, 0);
    }
    Py_ssize_t at = 0;
    PyObject *key, *value;
    if (const uint64_t version = version_of(o); version && version == c.seen) {
        for (const Part& part : c.parts)
            if (is_deep(part.check) && !passes(part.check, part.value, found)) return false;
        return true;
    }
    c.seen = 0;
    for (const Part& part : c.parts) {
        if (!PyDict_Next(o, &at, &key, &value)) return fails(c, found);
        if (key != part.key && !same_value(key, part.key)) return fails(c, found);
        part.value = value;
        if (!passes(part.check, value, found)) return false;
    }
    c.seen = version_of(o);
    return true;
}

bool instance_passes(const Check& c, PyObject* o, Found& found) {
    if (c.count < 0) return c.parts.empty() || fails(c, found);
    Owned dict(PyObject_GenericGetDict(o, nullptr));
    if (!dict.o) {
        PyErr_Clear();
        return fails(c, found);
    }
    if (PyDict_GET_SIZE(dict.o) != c.count) return fails(c, found);
    return names_pass(c, dict.o, found, version_of(dict.o));
}

// The parts are the contents of its cells, its defaults, its defaults of keywords.
bool function_passes(const Check& c, PyObject* o, Found& found) {
    if (PyFunction_GET_CODE(o) != c.expected) return fails(c, found);
    PyObject* closure = PyFunction_GET_CLOSURE(o);
    const size_t cells = closure ? static_cast<size_t>(PyTuple_GET_SIZE(closure)) : 0;
    if (cells + 3 != c.parts.size()) return fails(c, found);
    for (size_t i = 0; i < cells; ++i)
        if (!passes(c.parts[i].check, PyCell_GET(PyTuple_GET_ITEM(closure, static_cast<Py_ssize_t>(i))),
                    found))
            return false;
    return passes(c.parts[cells].check, PyFunction_GET_DEFAULTS(o), found) &&
           passes(c.parts[cells + 1].check, PyFunction_GET_KW_DEFAULTS(o), found) &&
           passes(c.parts[cells + 2].check, PyFunction_GET_GLOBALS(o), found);
}

bool parts_pass(const Check& c, PyObject* o, Found& found) {
    for (const Part& part : c.parts) {
        Owned value(PyObject_GetAttr(o, part.key));
        if (!value.o) {
            PyErr_Clear();
            return fails(c, found);
        }
        if (!passes(part.check, value.o, found)) return false;
    }
    return true;
}

bool sets_equal(PyObject* a, PyObject* b) {
    const int equal = PyObject_RichCompareBool(a, b, Py_EQ);
    if (equal < 0) PyErr_Clear();
    return equal == 1;
}

bool tensor_passes(const Check& c, PyObject* o, Found& found) {
    if (!o || !is_exact_tensor(o)) return fails(c, found);
    const TensorObject* t = as_tensor(o);
    if (t->dtype != c.dtype || tensor_flags(t) != c.flags) return fails(c, found);
    if (t->layout != c.layout.get() && !t->layout->same(*c.layout)) return fails(c, found);
    found.inputs[static_cast<size_t>(c.slot)] = o;
    if (c.number >= 0) found.objects[static_cast<size_t>(c.number)] = o;
    // Attributes that somebody gave it.
    if (c.count != (t->dict ? PyDict_GET_SIZE(t->dict) : 0)) return fails(c, found);
    if (!c.count) return true;
    return names_pass(c, t->dict, found, version_of(t->dict));
}

bool passes(const Check& c, PyObject* o, Found& found) {
    if (c.kind == Check::Absent) return !o || fails(c, found);
    if (c.kind == Check::TensorOf) return tensor_passes(c, o, found);
    if (c.kind == Check::Cell) {
        PyObject* held = PyCell_GET(c.expected);
        return passes(c.parts[0].check, held, found);
    }
    if (c.kind == Check::Names) {
        PyObject* dict = dict_of(c.expected);
        if (!c.order) return names_pass(c, dict, found, version_of(dict));
        const uint64_t version = version_of_class(c.expected);
        if ((!version || version != c.seen) && c.order != reinterpret_cast<PyTypeObject*>(c.expected)->tp_mro)
            return fails(c, found);
        return names_pass(c, dict, found, version);
    }
    if (c.kind == Check::Holder) return passes(c.parts[0].check, c.expected, found);
    if (!o) return fails(c, found);
    if (c.number >= 0 && c.kind != Check::Again) found.objects[static_cast<size_t>(c.number)] = o;
    switch (c.kind) {
        case Check::Same: return o == c.expected || fails(c, found);
        case Check::Value: return same_value(o, c.expected) || fails(c, found);
        case Check::Again: return found.objects[static_cast<size_t>(c.number)] == o || fails(c, found);
        case Check::Sequence: {
            if (Py_TYPE(o) != reinterpret_cast<PyTypeObject*>(c.expected)) return fails(c, found);
            const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
            if (n != static_cast<Py_ssize_t>(c.parts.size())) return fails(c, found);
            for (Py_ssize_t i = 0; i < n; ++i)
                if (!passes(c.parts[static_cast<size_t>(i)].check, PySequence_Fast_GET_ITEM(o, i), found))
                    return false;
            return true;
        }
        case Check::Mapping:
            if (Py_TYPE(o) != reinterpret_cast<PyTypeObject*>(c.expected)) return fails(c, found);
            return mapping_passes(c, o, found);
        case Check::Instance:
            if (Py_TYPE(o) != reinterpret_cast<PyTypeObject*>(c.expected)) return fails(c, found);
            return instance_passes(c, o, found);
        case Check::Function:
            if (!PyFunction_Check(o)) return fails(c, found);
            return function_passes(c, o, found);
        case Check::Parts:
            if (Py_TYPE(o) != reinterpret_cast<PyTypeObject*>(c.expected)) return fails(c, found);
            return parts_pass(c, o, found);
        case Check::Set:
            if (Py_TYPE(o) != Py_TYPE(c.expected) && !PyAnySet_Check(o)) return fails(c, found);
            return sets_equal(o, c.expected) || fails(c, found);
        default: return fails(c, found);
    }
}

std::vector<Check> checks_of(PyObject* descriptions) {
    std::vector<Check> all;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(descriptions); ++i)
        all.emplace_back(PyTuple_GET_ITEM(descriptions, i));
    return all;
}

}  // namespace

Guard::Guard(PyObject* description) {
    PyObject *positions, *names, *keywords, *roots;
    Py_ssize_t objects, inputs;
    if (!PyArg_ParseTuple(description, "O!O!O!O!nn", &PyTuple_Type, &positions, &PyTuple_Type, &names,
                          &PyTuple_Type, &keywords, &PyTuple_Type, &roots, &objects, &inputs))
        throw PythonError();
    arguments_ = checks_of(positions);
    positions_ = arguments_.size();
    for (Check& c : checks_of(keywords)) arguments_.push_back(std::move(c));
    roots_ = checks_of(roots);
    objects_ = static_cast<size_t>(objects);
    inputs_ = static_cast<size_t>(inputs);
    checks_ = count_of(arguments_) + count_of(roots_);
    keywords_ = Py_NewRef(names);
}

int Guard::traverse(visitproc visit, void* arg) const {
    for (const auto* all : {&arguments_, &roots_})
        for (const Check& c : *all)
            if (int stop = c.traverse(visit, arg)) return stop;
    return 0;
}

bool Guard::check(PyObject* const* args, size_t count, PyObject* keywords, Found& found) const {
    const size_t named = keywords ? static_cast<size_t>(PyTuple_GET_SIZE(keywords)) : 0;
    if (count != positions_ || count + named != arguments_.size()) return false;
    for (size_t i = 0; i < named; ++i)
        if (!same_value(PyTuple_GET_ITEM(keywords, static_cast<Py_ssize_t>(i)),
                        PyTuple_GET_ITEM(keywords_, static_cast<Py_ssize_t>(i))))
            return false;
    found.objects.assign(objects_, nullptr);
    found.inputs.assign(inputs_, nullptr);
    found.failed = nullptr;
    for (size_t i = 0; i < arguments_.size(); ++i)
        if (!passes(arguments_[i], args[i], found)) return false;
    for (const Check& c : roots_)
        if (!passes(c, nullptr, found)) return false;
    // Two tensors are two.
    if (inputs_ <= 8) {
        for (size_t i = 1; i < inputs_; ++i)
            for (size_t k = 0; k < i; ++k)
                if (found.inputs[i] == found.inputs[k]) return false;
    } else {
        std::vector<PyObject*> sorted(found.inputs);
        std::sort(sorted.begin(), sorted.end());
        if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return false;
    }
    return true;
}

}  // namespace pb::replay
