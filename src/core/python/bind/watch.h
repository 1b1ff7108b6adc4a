// Watching: Python functions that see every call of an operator on their thread, and may answer in its place.
//
// Nothing of it is on the way of a call that nobody watches. When the first watcher or profile comes, the pointers that
// lead to operators are exchanged for others: the vectorcall of each operator object (operator_object.cpp) and the slots
// of the tensor type and its subclasses (watched_slots.cpp). They are put back when the last one goes.
//
// Watchers of a thread are a stack. A call meets the innermost first, which gets (name, callable, args, kwargs), and runs
// it, or not, by `_core.proceed(callable, args, kwargs)`: so it meets the next. Below all of them it is measured, if
// somebody does, and runs; what an operator written in Python calls then meets them all again. What a watcher itself
// calls meets nobody.
#pragma once
#include "program/profile.h"
#include "python/read/convert.h"

namespace pb {

extern int watched;  // how many watchers and profiles there are, of all threads

struct Watchers {
    std::vector<PyObject*> all;  // references
    size_t level = 0;            // those that have not yet met the call
    bool inside = false;         // of one
};
extern thread_local Watchers watchers;

// Where the exchanges are made.
void watch_operators(bool on);
void watch_slots(bool on);

// The answer of the innermost watcher, who is to be asked.
PyObject* ask_watcher(const char* name, PyObject* callable, PyObject* const* args, size_t count,
                      PyObject* keywords);

void note_shapes(Event& e, PyObject* const* args, size_t count);
uint64_t next_node();  // the number of the node that is recorded next
// Sums and products of elements: one for each of the result's. Products of matrices are counted where they are computed.
void note_elementwise(const Measured& measured, std::string_view name, PyObject* result);

// A call as watchers see it: `callable` is what they are told, `run` what happens below them.
template <class F>
PyObject* watch(const char* name, PyObject* callable, PyObject* const* args, size_t nargsf,
                PyObject* keywords, F run) {
    Watchers& w = watchers;
    if (w.inside) return run();
    const size_t count = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
    if (w.level) return ask_watcher(name, callable, args, count, keywords);
    w.level = w.all.size();
    PyObject* result;
    if (profile) {
        Measured measured(Event::Operator, name);
        measured.event()->sequence = next_node();
        if (profile->shapes) note_shapes(*measured.event(), args, count);
        result = run();
        if (profile && profile->flops && result) note_elementwise(measured, name, result);
    } else {
        result = run();
    }
    w.level = 0;
    return result;
}

void bind_watch(PyObject* module);

}  // namespace pb
