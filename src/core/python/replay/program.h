// Programs: the calls of operators that a recorded call made, one after the other.
//
// A step is one call, through the door that Python's calls come through: tapes, hooks, versions, random draws and errors are
// those of the operator itself, and nothing of them is stated here. After each step its outcome is compared: tensors of the
// recorded geometry go to their slots, numbers and truth values have to be those that were recorded. An outcome that differs,
// or an error, stops the run. Nothing that a program does can be seen from outside until it returns or comes to its first
// *loud* step, one that writes into what others know, so that whoever called it may call another one until then, or the
// function itself. Behind that there is no way back: errors are the caller's, as they would be the function's. What may
// come out differently is not recorded there.
#pragma once
#include <algorithm>
#include <span>
#include <vector>

#include "python/read/convert.h"

namespace pb::replay {

// What a step is given, or a call gives back.
struct Source {
    enum Kind : uint8_t { Constant, Slot, List, Tuple, Dict };
    Kind kind = Constant;
    int32_t slot = -1;
    PyObject* object = nullptr;  // the constant, or the keys of a dict
    std::vector<Source> parts;

    Source() = default;
    explicit Source(PyObject* description);
    Source(Source&&) noexcept;
    Source& operator=(Source&&) noexcept;
    ~Source() { Py_XDECREF(object); }
    PyObject* make(std::span<PyObject* const> slots) const;  // a new reference
};

struct Outcome {
    enum Kind : uint8_t { TensorOf, Again, Sequence, Value, Number };
    Kind kind = Value;
    DType dtype = {};
    int32_t slot = -1;
    Ref<Layout> layout;
    PyObject* expected = nullptr;  // the value, or the type of a sequence, or of a number that only goes out
    std::vector<Outcome> parts;

    Outcome() = default;
    explicit Outcome(PyObject* description);
    Outcome(Outcome&&) noexcept;
    Outcome& operator=(Outcome&&) noexcept;
    ~Outcome() { Py_XDECREF(expected); }
    // Whether it is what was recorded; then tensors are in their slots.
    bool take(PyObject* o, std::span<PyObject*> slots) const;
};

struct Step {
    enum Form : uint8_t { Call, Binary, Compare, Truth };  // signs cost less than functions that do the same
    PyObject* callable = nullptr;
    Form form = Call;
    binaryfunc binary = nullptr;
    int comparison = 0;
    std::vector<Source> given;
    size_t positions = 0;
    PyObject* keywords = nullptr;
    Outcome outcome;
    bool plain = true;           // nothing is made of what is given
    std::vector<int32_t> drops;  // slots that nobody reads afterwards

    explicit Step(PyObject* description);
    Step(Step&&) noexcept;
    ~Step() {
        Py_XDECREF(callable);
        Py_XDECREF(keywords);
    }
};

// What is in the slots of a run: references, inputs first.
struct Slots {
    Slots(size_t n, std::span<PyObject* const> inputs) : all(n, nullptr) {
        for (size_t i = 0; i < inputs.size(); ++i) all[i] = Py_NewRef(inputs[i]);
    }
    Slots(const Slots&) = delete;
    ~Slots() {
        for (PyObject* o : all) Py_XDECREF(o);
    }
    Small<PyObject*, 32> all;
};

// Where a run stopped: the step, and what came of it; null: an error.
struct Stop {
    size_t step = 0;
    Owned result;
};

class Program {
  public:
    // Steps, how many of them come before the first loud one, and the source of the result.
    Program(PyObject* steps, size_t quiet, PyObject* result);
    size_t size() const { return steps_.size(); }
    // Runs steps; false if one stopped, as if none had been run. Throws PythonError if it cannot be so any more.
    bool run_steps(std::span<PyObject*> slots, size_t from, size_t to, Stop& stop) const;
    // Goes on from a stop of another program that has come the same way, if it has been there with this result.
    bool takes(const Stop& stop, std::span<PyObject*> slots) const {
        return stop.result.o && steps_[stop.step].outcome.take(stop.result.o, slots);
    }
    bool is_quiet() const { return quiet_ >= steps_.size(); }
    std::vector<int32_t> results() const;
    PyObject* result(std::span<PyObject* const> slots) const { return result_.make(slots); }
    size_t slots(size_t inputs) const { return std::max(slots_, inputs); }
    int traverse(visitproc visit, void* arg) const;
    // The step at which two programs part that do the same until then; -1 if there is none. Slots are counted from behind
    // the inputs, whose numbers may differ.
    static int64_t parting(const Program& a, size_t inputs_of_a, const Program& b, size_t inputs_of_b);
    // Whether a step takes whatever number comes, where another program may want a certain one.
    bool takes_any_number(size_t step) const { return steps_[step].outcome.kind == Outcome::Number; }
    // How many of the inputs, which are numbered as they are met, steps up to one use.
    size_t inputs_until(size_t step, size_t inputs) const;
    // Holds what another program reads behind that step.
    void keep_for(const Program& other, size_t step, size_t inputs, size_t inputs_of_other);

  private:
    void settle();  // what is held how long

    std::vector<Step> steps_;
    Source result_;
    size_t slots_ = 0, quiet_;
    std::vector<char> kept_;  // slots that are held to the end
};

}  // namespace pb::replay
