// Trace: one way to call a function without running it.
//
// A trace is a guard, a program, and the modes that held when it was recorded; once made it does not change, but for what
// it holds for others. A call runs the program of the first trace whose guard passes. Where something comes out that this has not
// met, the call goes on in a trace that has come the same way until there, its *kin*, and has met it: traces that part make a
// tree. A script cannot be entered in the middle; so it begins anew in the trace that the call comes to.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "python/replay/condensed.h"
#include "python/replay/guard.h"
#include "python/replay/program.h"
#include "tensor/modes.h"

namespace pb::replay {

// What a function is called with.
struct Call {
    PyObject* const* args;
    size_t count;        // of positional ones
    PyObject* keywords;  // names of the others; null: none
};

struct Trace {
    // Where another trace parts from this one, which has come the same way until then.
    struct Kin {
        uint64_t id;
        size_t step;
        size_t inputs;    // how many, at most, were used until then
        bool same_guard;  // which passes for the same calls
    };

    Trace(PyObject* guard, PyObject* steps, size_t quiet, PyObject* result, PyObject* state,
          PyObject* set_state);
    ~Trace();
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    bool answers(const Call& call, Found& found) const;
    // Whether the program may be run without its operators from now on; else why not.
    bool condense(const Call& call, std::string& why);
    // Finds out where two traces part, so that a call may go from one to the other. Whether they do.
    bool join(Trace& other);
    const Kin* kin_of(const Trace& other) const;

    Guard guard;
    Program program;
    std::unique_ptr<Condensed> condensed;  // if it can be
    const bool grad = modes.asked;
    const DType dtype;
    // A program that draws puts the generator back where it stops: how its state is read and set, or null.
    PyObject *state, *set_state;
    uint64_t calls;  // that it answered, and the one that it was tried on, or read for

  private:
    const uint64_t id_;
    std::vector<Kin> kin_;
};

// The result of a call; null, with or without an error, if no trace answers: then all is as it was before. An error that is the
// call's own is thrown.
PyObject* answer(std::span<Trace* const> traces, const Call& call);

}  // namespace pb::replay
