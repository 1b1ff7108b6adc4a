// Programs: the calls of operators that recorded calls of a function made, as a tree.
//
// A step is one call, through the door that Python's calls come through: tapes, hooks, versions, random draws and errors are
// those of the operator itself, and nothing of them is stated here. What is left out is the Python code between the steps,
// which is a function of what the guard compared and of what steps gave it that is no tensor.
//
// So after each step its outcome is compared: tensors of the recorded geometry go to their slots, numbers and truth values
// have to be those that were recorded. Where recorded calls went on differently, a node of the tree ends, and has a child
// for each outcome. An outcome that no child has, or an error, stops the run: Python goes on from there, with the results
// of the steps until then handed out in place of the operators' (src/pullback/replay/recording.py).
//
// Results are held while Python may still have to be given them: until the last look at a value. After that each is let go
// with its last use.
#pragma once
#include <algorithm>
#include <memory>
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
    enum Kind : uint8_t { TensorOf, Again, Sequence, Value };
    Kind kind = Value;
    DType dtype = {};
    int32_t slot = -1;
    Ref<Layout> layout;
    PyObject* expected = nullptr;  // the value, or the type of a sequence
    std::vector<Outcome> parts;

    Outcome() = default;
    explicit Outcome(PyObject* description);
    Outcome(Outcome&&) noexcept;
    Outcome& operator=(Outcome&&) noexcept;
    ~Outcome() { Py_XDECREF(expected); }
    bool matches(PyObject* o) const;
    void store(PyObject* o, std::span<PyObject*> slots) const;  // takes over the reference
    bool is_again(PyObject* o, std::span<PyObject* const> slots) const;
    bool looks() const;  // whether a value is compared
    PyObject* kept(
        std::span<PyObject* const> slots) const;  // what matched it: a new reference, or null if let go
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
    int32_t number = 0;   // in the list of the recorder
    bool varies = false;  // its geometry depends on values
    bool kept = true;     // for Python to be handed out
    bool plain = true;    // nothing is made of what is given
    std::vector<int32_t> drops;

    explicit Step(PyObject* description);
    Step(Step&&) noexcept;
    Step& operator=(Step&&) noexcept;
    ~Step() {
        Py_XDECREF(callable);
        Py_XDECREF(keywords);
    }
};

// Where a run stopped, and what it had until then.
struct Stop {
    int32_t node = 0, step = 0;
    std::vector<int32_t> numbers;    // of the steps that ran
    std::vector<PyObject*> results;  // what they gave, references
    std::vector<PyObject*> inputs;   // references
    PyObject* value = nullptr;       // what the last one gave; null: it raised
    bool resumes = false;            // whether all of it is there
    ~Stop();
};

class Program {
  public:
    explicit Program(bool keeps_all) : keeps_all_(keeps_all) {}
    // What follows when the outcome of a step is another than those that are known; without any step, all of it.
    void extend(int32_t node, int32_t step, PyObject* outcome, PyObject* steps, PyObject* result);
    // The result, or null: with an error, or, without one, stopped.
    PyObject* run(const std::vector<PyObject*>& inputs, Stop& stop) const;

    size_t steps() const;
    size_t branches() const;
    int traverse(visitproc visit, void* arg) const;
    size_t looks() const;  // steps whose values are compared

  private:
    struct Node {
        std::vector<Step> steps;
        std::vector<std::pair<Outcome, int32_t>> next;
        Source result;
    };
    void settle();  // what is held how long
    PyObject* run_in(std::span<PyObject*> slots, size_t inputs, Stop& stop) const;
    void note(Stop& stop, std::span<PyObject* const> slots, size_t inputs, const std::vector<int32_t>& path,
              PyObject* value) const;

    std::vector<std::unique_ptr<Node>> nodes_;
    size_t slots_ = 0;
    bool keeps_all_;
};

}  // namespace pb::replay
