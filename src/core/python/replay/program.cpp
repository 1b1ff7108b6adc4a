#include "python/replay/program.h"

#include <algorithm>

#include "python/replay/guard.h"

namespace pb::replay {

// ---- made from descriptions ---------------------------------------------------------------------------------------

// Reads (kind, slot, object, parts); the object is borrowed.
template <class Part> static PyObject* read_part(PyObject* description, Part& part) {
    int kind;
    PyObject *object, *inside;
    if (!PyArg_ParseTuple(description, "iiOO!", &kind, &part.slot, &object, &PyTuple_Type, &inside))
        throw PythonError();
    part.kind = static_cast<typename Part::Kind>(kind);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(inside); ++i)
        part.parts.emplace_back(PyTuple_GET_ITEM(inside, i));
    return object;
}

Source::Source(PyObject* description) { object = Py_NewRef(read_part(description, *this)); }
Source::Source(Source&& s) noexcept { *this = std::move(s); }
Source& Source::operator=(Source&& s) noexcept {
    kind = s.kind;
    slot = s.slot;
    std::swap(object, s.object);
    parts.swap(s.parts);
    return *this;
}
PyObject* Source::make(std::span<PyObject* const> slots) const {
    switch (kind) {
        case Constant: return Py_NewRef(object);
        case Slot: return Py_NewRef(slots[static_cast<size_t>(slot)]);
        case List:
        case Tuple: {
            const auto n = static_cast<Py_ssize_t>(parts.size());
            PyObject* made = kind == List ? PyList_New(n) : PyTuple_New(n);
            if (!made) return nullptr;
            for (Py_ssize_t i = 0; i < n; ++i) {
                PyObject* item = parts[static_cast<size_t>(i)].make(slots);
                if (!item) {
                    Py_DECREF(made);
                    return nullptr;
                }
                if (kind == List) PyList_SET_ITEM(made, i, item);
                else PyTuple_SET_ITEM(made, i, item);
            }
            return made;
        }
        case Dict: {
            Owned made(PyDict_New());
            for (size_t i = 0; made.o && i < parts.size(); ++i) {
                Owned item(parts[i].make(slots));
                if (!item.o ||
                    PyDict_SetItem(made.o, PyTuple_GET_ITEM(object, static_cast<Py_ssize_t>(i)), item.o) < 0)
                    return nullptr;
            }
            return made.release();
        }
    }
    return nullptr;
}

// Of a tensor the object is one like it.
Outcome::Outcome(PyObject* description) {
    PyObject* what = read_part(description, *this);
    if (kind == TensorOf) {
        layout = Ref<Layout>(as_tensor(what)->layout);
        dtype = as_tensor(what)->dtype;
    } else {
        expected = Py_NewRef(what);
    }
}
Outcome::Outcome(Outcome&& s) noexcept { *this = std::move(s); }
Outcome& Outcome::operator=(Outcome&& s) noexcept {
    kind = s.kind;
    dtype = s.dtype;
    slot = s.slot;
    std::swap(layout, s.layout);
    std::swap(expected, s.expected);
    parts.swap(s.parts);
    return *this;
}

// Operator signs, by the functions of `operator` that watchers are told.
struct Sign {
    const char* name;
    binaryfunc function;
    int comparison;
    PyObject* callable = nullptr;
};
static Sign signs[] = {
    {"add", PyNumber_Add, 0},
    {"sub", PyNumber_Subtract, 0},
    {"mul", PyNumber_Multiply, 0},
    {"truediv", PyNumber_TrueDivide, 0},
    {"matmul", PyNumber_MatrixMultiply, 0},
    {"iadd", PyNumber_InPlaceAdd, 0},
    {"isub", PyNumber_InPlaceSubtract, 0},
    {"imul", PyNumber_InPlaceMultiply, 0},
    {"itruediv", PyNumber_InPlaceTrueDivide, 0},
    {"getitem", PyObject_GetItem, 0},
    {"lt", nullptr, Py_LT},
    {"le", nullptr, Py_LE},
    {"eq", nullptr, Py_EQ},
    {"ne", nullptr, Py_NE},
    {"gt", nullptr, Py_GT},
    {"ge", nullptr, Py_GE},
};
static PyObject* truth = nullptr;

static void know_sign(Step& step) {
    if (!truth) {
        Owned module(checked(PyImport_ImportModule("operator")));
        for (Sign& s : signs) s.callable = checked(PyObject_GetAttrString(module.o, s.name));
        truth = checked(PyObject_GetAttrString(module.o, "truth"));
    }
    if (step.given.size() != step.positions) return;
    if (step.positions == 1 && step.callable == truth) step.form = Step::Truth;
    if (step.positions != 2) return;
    for (const Sign& s : signs)
        if (s.callable == step.callable) {
            step.form = s.function ? Step::Binary : Step::Compare;
            step.binary = s.function;
            step.comparison = s.comparison;
            return;
        }
}

// (callable, given, count of positions, names of keywords or None, outcome).
Step::Step(PyObject* description) {
    PyObject *function, *all, *names, *result;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(description, "OO!nOO", &function, &PyTuple_Type, &all, &n, &names, &result))
        throw PythonError();
    callable = Py_NewRef(function);
    keywords = names == Py_None ? nullptr : Py_NewRef(names);
    positions = static_cast<size_t>(n);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(all); ++i) {
        given.emplace_back(PyTuple_GET_ITEM(all, i));
        plain = plain && given.back().kind <= Source::Slot;
    }
    outcome = Outcome(result);
    know_sign(*this);
}
Step::Step(Step&& s) noexcept
    : form(s.form),
      binary(s.binary),
      comparison(s.comparison),
      given(std::move(s.given)),
      positions(s.positions),
      outcome(std::move(s.outcome)),
      plain(s.plain),
      drops(std::move(s.drops)) {
    std::swap(callable, s.callable);
    std::swap(keywords, s.keywords);
}

// ---- outcomes ----------------------------------------------------------------------------------------------------

bool Outcome::take(PyObject* o, std::span<PyObject*> slots) const {
    auto keep = [&] { Py_XSETREF(slots[static_cast<size_t>(slot)], Py_NewRef(o)); };
    switch (kind) {
        case TensorOf: {
            if (!is_exact_tensor(o)) return false;
            const TensorObject* t = as_tensor(o);
            if (t->dtype != dtype || !(t->layout == layout.get() || t->layout->same(*layout))) return false;
            return keep(), true;
        }
        case Again: return slots[static_cast<size_t>(slot)] == o;
        case Sequence: {
            if (Py_TYPE(o) != reinterpret_cast<PyTypeObject*>(expected)) return false;
            const Py_ssize_t n = PySequence_Fast_GET_SIZE(o);
            if (n != static_cast<Py_ssize_t>(parts.size())) return false;
            for (Py_ssize_t i = 0; i < n; ++i)
                if (!parts[static_cast<size_t>(i)].take(PySequence_Fast_GET_ITEM(o, i), slots)) return false;
            if (slot >= 0) keep();
            return true;
        }
        case Value: return same_value(o, expected);
        case Number:
            if (Py_TYPE(o) != reinterpret_cast<PyTypeObject*>(expected)) return false;
            return keep(), true;
    }
    return false;
}

// ---- the whole ---------------------------------------------------------------------------------------------------

namespace {

template <class F> void each_slot(const Source& s, const F& f) {
    if (s.kind == Source::Slot) f(s.slot);
    for (const Source& part : s.parts) each_slot(part, f);
}
template <class F> void each_slot(const Outcome& o, const F& f) {
    if (o.slot >= 0) f(o.slot);
    for (const Outcome& part : o.parts) each_slot(part, f);
}

int traverse_source(const Source& s, visitproc visit, void* arg) {
    Py_VISIT(s.object);
    for (const Source& part : s.parts)
        if (int stop = traverse_source(part, visit, arg)) return stop;
    return 0;
}

}  // namespace

Program::Program(PyObject* steps, size_t quiet, PyObject* result) : result_(result), quiet_(quiet) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(steps); ++i) steps_.emplace_back(PyTuple_GET_ITEM(steps, i));
    settle();
}

void Program::settle() {
    auto note = [this](int32_t s) { slots_ = std::max(slots_, static_cast<size_t>(s) + 1); };
    for (const Step& s : steps_) {
        each_slot(s.outcome, note);
        for (const Source& given : s.given) each_slot(given, note);
    }
    each_slot(result_, note);
    std::vector<char> later(slots_, 0);
    each_slot(result_, [&](int32_t s) { later[static_cast<size_t>(s)] = 1; });
    for (size_t i = steps_.size(); i-- > 0;) {
        Step& s = steps_[i];
        auto drop = [&](int32_t slot) {
            if (!std::exchange(later[static_cast<size_t>(slot)], 1)) s.drops.push_back(slot);
        };
        each_slot(s.outcome, drop);
        for (const Source& given : s.given) each_slot(given, drop);
    }
    kept_.assign(slots_, 0);
}

int Program::traverse(visitproc visit, void* arg) const {
    for (const Step& s : steps_) {
        Py_VISIT(s.callable);
        for (const Source& given : s.given)
            if (int stop = traverse_source(given, visit, arg)) return stop;
    }
    return traverse_source(result_, visit, arg);
}

// ---- running -----------------------------------------------------------------------------------------------------

namespace {

constexpr size_t kFew = 8;

PyObject* call_with(const Step& s, PyObject** args) {
    switch (s.form) {
        case Step::Binary: return s.binary(args[0], args[1]);
        case Step::Compare: return PyObject_RichCompare(args[0], args[1], s.comparison);
        case Step::Truth: {
            const int truth = PyObject_IsTrue(args[0]);
            return truth < 0 ? nullptr : boolean(truth);
        }
        default: break;
    }
    return PyObject_Vectorcall(s.callable, args, s.positions | PY_VECTORCALL_ARGUMENTS_OFFSET, s.keywords);
}

PyObject* call(const Step& s, std::span<PyObject* const> slots) {
    PyObject* few[kFew + 1];
    std::vector<PyObject*> many;
    PyObject** args = few;
    const size_t n = s.given.size();
    if (n > kFew) {
        many.resize(n + 1);
        args = many.data();
    }
    ++args;  // a place in front, which what is called may use
    if (s.plain) {
        for (size_t i = 0; i < n; ++i) {
            const Source& given = s.given[i];
            args[i] = given.kind == Source::Slot ? slots[static_cast<size_t>(given.slot)] : given.object;
        }
        return call_with(s, args);
    }
    size_t made = 0;
    for (; made < n; ++made)
        if (!(args[made] = s.given[made].make(slots))) break;
    PyObject* result = made == n ? call_with(s, args) : nullptr;
    for (size_t i = 0; i < made; ++i) Py_DECREF(args[i]);
    return result;
}

}  // namespace

bool Program::run_steps(std::span<PyObject*> slots, size_t from, size_t to, Stop& stop) const {
    for (size_t i = from; i < std::min(to, steps_.size()); ++i) {
        const Step& s = steps_[i];
        Owned result(call(s, slots));
        if (!result.o || !s.outcome.take(result.o, slots)) {
            if (i < quiet_) {
                stop.step = i;
                std::swap(stop.result.o, result.o);
                return false;
            }
            if (result.o)
                PyErr_Format(PyExc_RuntimeError,
                             "pullback.compile: %R gives something else than when it was recorded, after the "
                             "function has written into tensors from outside, so that it cannot be called "
                             "anew. Take this call out of the compiled function.",
                             s.callable);
            throw PythonError();
        }
        for (int32_t slot : s.drops)
            if (!kept_[static_cast<size_t>(slot)]) Py_CLEAR(slots[static_cast<size_t>(slot)]);
    }
    return true;
}

std::vector<int32_t> Program::results() const {
    std::vector<int32_t> all;
    each_slot(result_, [&](int32_t slot) {
        if (std::find(all.begin(), all.end(), slot) == all.end()) all.push_back(slot);
    });
    return all;
}

// ---- programs that part ------------------------------------------------------------------------------------------

namespace {

// Slots of one program as those of another.
struct Shift {
    size_t from, to;  // numbers of inputs
    int32_t operator()(int32_t slot) const {
        if (slot < static_cast<int32_t>(from)) return slot < static_cast<int32_t>(to) ? slot : -1;
        return slot - static_cast<int32_t>(from) + static_cast<int32_t>(to);
    }
};

bool are_same(PyObject* a, PyObject* b) { return a == b || (a && b && same_value(a, b)); }

template <class Part> bool have_same_slots(const Part& a, const Part& b, const Shift& shift) {
    return a.kind == b.kind && a.parts.size() == b.parts.size() &&
           (a.slot < 0 ? b.slot < 0 : shift(a.slot) == b.slot);
}
bool are_same(const Source& a, const Source& b, const Shift& shift) {
    if (!have_same_slots(a, b, shift) || !are_same(a.object, b.object)) return false;
    for (size_t i = 0; i < a.parts.size(); ++i)
        if (!are_same(a.parts[i], b.parts[i], shift)) return false;
    return true;
}
bool are_same(const Outcome& a, const Outcome& b, const Shift& shift) {
    if (!have_same_slots(a, b, shift) || !are_same(a.expected, b.expected)) return false;
    if (a.kind == Outcome::TensorOf && (a.dtype != b.dtype || !a.layout->same(*b.layout))) return false;
    for (size_t i = 0; i < a.parts.size(); ++i)
        if (!are_same(a.parts[i], b.parts[i], shift)) return false;
    return true;
}
bool are_same_calls(const Step& a, const Step& b, const Shift& shift) {
    if (a.callable != b.callable || a.positions != b.positions || a.given.size() != b.given.size() ||
        !are_same(a.keywords, b.keywords))
        return false;
    for (size_t i = 0; i < a.given.size(); ++i)
        if (!are_same(a.given[i], b.given[i], shift)) return false;
    return true;
}

}  // namespace

int64_t Program::parting(const Program& a, size_t inputs_of_a, const Program& b, size_t inputs_of_b) {
    const Shift shift{inputs_of_a, inputs_of_b};
    for (size_t i = 0; i < std::min(a.steps_.size(), b.steps_.size()); ++i) {
        if (!are_same_calls(a.steps_[i], b.steps_[i], shift)) return -1;
        if (!are_same(a.steps_[i].outcome, b.steps_[i].outcome, shift)) return static_cast<int64_t>(i);
    }
    return -1;
}

size_t Program::inputs_until(size_t step, size_t inputs) const {
    size_t used = 0;
    auto use = [&](int32_t slot) {
        if (static_cast<size_t>(slot) < inputs) used = std::max(used, static_cast<size_t>(slot) + 1);
    };
    for (size_t i = 0; i <= step; ++i) {
        each_slot(steps_[i].outcome, use);
        for (const Source& given : steps_[i].given) each_slot(given, use);
    }
    return used;
}

void Program::keep_for(const Program& other, size_t step, size_t inputs, size_t inputs_of_other) {
    const Shift shift{inputs_of_other, inputs};
    std::vector<char> common(other.slots_, 0);
    for (size_t i = 0; i < step; ++i)
        each_slot(other.steps_[i].outcome, [&](int32_t slot) { common[static_cast<size_t>(slot)] = 1; });
    auto keep = [&](int32_t slot) {
        if (common[static_cast<size_t>(slot)]) kept_[static_cast<size_t>(shift(slot))] = 1;
    };
    for (size_t i = step + 1; i < other.steps_.size(); ++i)
        for (const Source& given : other.steps_[i].given) each_slot(given, keep);
    each_slot(other.result_, keep);
}

}  // namespace pb::replay
