#include "python/replay/trace.h"

#include <algorithm>

#include "ops/elementwise/elementwise.h"

namespace pb::replay {

static uint64_t last_id = 0;

Trace::Trace(PyObject* guard, PyObject* steps, size_t quiet, PyObject* result, PyObject* state,
             PyObject* set_state)
    : guard(guard),
      program(steps, quiet, result),
      dtype(default_dtype),
      state(state == Py_None ? nullptr : Py_NewRef(state)),
      set_state(Py_NewRef(set_state)),
      calls(program.is_quiet() ? 0 : 1),
      id_(++last_id) {}
Trace::~Trace() {
    Py_XDECREF(state);
    Py_XDECREF(set_state);
}

bool Trace::answers(const Call& call, Found& found) const {
    return grad == modes.asked && dtype == default_dtype &&
           guard.passes(call.args, call.count, call.keywords, found);
}

bool Trace::condense(const Call& call, std::string& why) {
    Found found;
    if (!answers(call, found)) return why = "it is another call", false;
    if (state) return why = "it draws random numbers", false;
    if (!program.is_quiet()) return why = "it writes into tensors from outside", false;
    condensed = Condensed::of(program, found.inputs, why);
    set_grad_mode(grad);
    return condensed != nullptr;
}

const Trace::Kin* Trace::kin_of(const Trace& other) const {
    for (const Kin& k : kin_)
        if (k.id == other.id_) return &k;
    return nullptr;
}

bool Trace::join(Trace& other) {
    if (grad != other.grad || dtype != other.dtype) return false;
    const size_t n = guard.inputs(), m = other.guard.inputs();
    const int64_t step = Program::parting(program, n, other.program, m);
    if (step < 0) return false;
    const auto at = static_cast<size_t>(step);
    const bool same = guard.same(other.guard);
    const size_t used = program.inputs_until(at, n);
    kin_.push_back({other.id_, at, used, same});
    other.kin_.push_back({id_, at, used, same});
    program.keep_for(other.program, at, n, m);
    other.program.keep_for(program, at, m, n);
    return true;
}

// ---- calls -------------------------------------------------------------------------------------------------------

namespace {

// One call, and the traces that may answer it.
class Run {
  public:
    Run(std::span<Trace* const> traces, const Call& call) : traces_(traces), call_(call) {}

    PyObject* answer() {
        const Trace* stopped = nullptr;
        for (Trace* t : traces_) {
            if (stopped && !is_open(*stopped, *t)) continue;
            if (!passes(*t)) continue;
            Trace* left = t;
            if (PyObject* result = by_kernels(left)) return result;
            if (PyObject* result = left ? by_operators(left) : nullptr) return result;
            if (PyErr_Occurred()) {
                if (!PyErr_ExceptionMatches(PyExc_Exception)) throw PythonError();  // Ctrl-C
                PyErr_Clear();
            }
            stopped = t;
        }
        return nullptr;
    }

  private:
    // Whether a trace may still answer where another has stopped: its kin would have been found on the way, unless one
    // of them takes any number where others want a certain one, so that there were two ways on.
    static bool is_open(const Trace& stopped, const Trace& t) {
        const Trace::Kin* k = stopped.kin_of(t);
        return !k || !k->same_guard || stopped.program.takes_any_number(k->step) ||
               t.program.takes_any_number(k->step);
    }

    // Whether the guard of a trace passes; then what it finds is in `found_`.
    bool passes(const Trace& t) {
        if (passed_ == &t) return true;
        if (passed_) {
            const Trace::Kin* k = passed_->kin_of(t);
            if (k && k->same_guard) return passed_ = &t, true;
        }
        if (passed_) more_.push_back(std::make_unique<Found>());
        Found& found = passed_ ? *more_.back() : first_;
        if (!t.answers(call_, found)) return found.clear(), false;
        found_ = &found;
        passed_ = &t;
        return true;
    }

    // The trace that parts from another at a step, and passes: from the first `from` on.
    Trace* branch(const Trace& t, size_t step, size_t& from) {
        for (; from < traces_.size(); ++from) {
            Trace& other = *traces_[from];
            const Trace::Kin* k = t.kin_of(other);
            if (k && k->step == step && passes(other)) return ++from, &other;
        }
        return nullptr;
    }

    // Scripts begin anew; where one comes no further than another it was no way on. What is left is a trace that has none.
    PyObject* by_kernels(Trace*& t) {
        const Trace* at = nullptr;  // which came furthest, to `reached`
        size_t reached = 0, from = 0, step;
        while (t && t->condensed && !t->condensed->is_running()) {
            if (PyObject* result = t->condensed->run(found_->inputs, step)) return ++t->calls, result;
            if (!at || step > reached) {
                at = t;
                reached = step;
                from = 0;
            }
            t = branch(*at, reached, from);
        }
        return nullptr;
    }

    PyObject* by_operators(Trace* t) {
        if (!passes(*t)) return nullptr;
        const bool grad = t->grad;
        Slots slots(t->program.slots(found_->inputs.size()), found_->inputs);
        Owned before(t->state ? checked(PyObject_CallNoArgs(t->state)) : nullptr);
        PyObject* set_state = t->set_state;
        try {
            for (size_t from = 0;;) {
                Stop stop;
                if (t->program.run_steps(slots.all, from, t->program.size(), stop))
                    return ++t->calls, t->program.result(slots.all);
                if (!stop.result.o || !(t = follower(*t, stop, slots))) break;
                if (t->state && !before.o) before.o = checked(PyObject_CallNoArgs(t->state));
                from = stop.step + 1;
            }
        } catch (...) {
            set_grad_mode(grad);
            throw;
        }
        set_grad_mode(grad);
        if (before) {
            PyObject *type, *error, *trace;
            PyErr_Fetch(&type, &error, &trace);
            Owned done(PyObject_CallOneArg(set_state, before.o));
            PyErr_Restore(type, error, trace);
        }
        return nullptr;
    }

    // The trace that goes on where another has stopped; the slots are its own then.
    Trace* follower(const Trace& t, const Stop& stop, Slots& slots) {
        const std::vector<PyObject*> inputs = found_->inputs;
        for (size_t from = 0; Trace* other = branch(t, stop.step, from);) {
            const size_t n = inputs.size(), m = found_->inputs.size();
            const auto used = static_cast<std::ptrdiff_t>(t.kin_of(*other)->inputs);
            if (!std::equal(inputs.begin(), inputs.begin() + used, found_->inputs.begin())) continue;
            Slots moved(other->program.slots(m), found_->inputs);
            for (size_t s = n; s < slots.all.size() && s - n + m < moved.all.size(); ++s)
                moved.all[s - n + m] = Py_XNewRef(slots.all[s]);
            if (!other->program.takes(stop, moved.all)) continue;
            std::swap(slots.all, moved.all);
            return other;
        }
        return nullptr;
    }

    std::span<Trace* const> traces_;
    const Call& call_;
    const Trace* passed_ = nullptr;
    Found* found_ = nullptr;
    // What guards have found, which holds what slots may have let go: of the first that passed, and of others.
    Found first_;
    std::vector<std::unique_ptr<Found>> more_;
};

}  // namespace

PyObject* answer(std::span<Trace* const> traces, const Call& call) { return Run(traces, call).answer(); }

}  // namespace pb::replay
