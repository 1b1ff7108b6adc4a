// Guards: whether all that a recorded call has looked at is as it was.
//
// A guard is a tree of checks, made from a description (src/pullback/replay/states.py). Its roots are the arguments of the
// call, and what the functions that ran can name: globals, cells of closures, defaults. From there it follows what holds
// other objects. Numbers and strings are compared by value, functions and classes by identity, containers and instances by
// what is in them; tensors by type, dtype, geometry and whether they require grad, and which tensor it is is an input of the
// program. An object that was met at two places has to be one object again, and two tensors two.
//
// A check never runs Python code, and never changes anything.
#pragma once
#include <vector>

#include "python/read/convert.h"

namespace pb::replay {

struct Part;
struct Check {
    enum Kind : uint8_t {
        Same,      // this object
        Value,     // an equal number, string, ... of the same type
        TensorOf,  // a tensor of this geometry: an input
        Again,     // the object that was met as number ...
        Sequence,  // a tuple or list, or a subclass of tuple: its items
        Mapping,   // a dict: its keys and values in order
        Names,     // this dict, or that of a class or module: of some keys the values, or that there is none
        Instance,  // of this class: how many attributes, and some of them
        Function,  // of this code: what its cells hold, its defaults
        Parts,     // attributes of what C made: methods, partial functions
        Set,       // an equal set
        Cell,      // this cell: what it holds
        Holder,    // this object, whoever holds it; then what is in it
        Absent,    // nothing
    };
    Kind kind = Same;
    uint8_t flags = 0;          // of a tensor
    DType dtype = {};           // of a tensor
    int32_t number = -1;        // of an object that may be met again
    int32_t count = -1;         // of attributes
    PyObject* order = nullptr;  // of a class: those that it inherits from
    int32_t slot = -1;          // of a tensor
    Ref<Layout> layout;         // of a tensor
    PyObject* expected = nullptr;
    PyObject* path = nullptr;  // where it was found, in words
    std::vector<Part> parts;
    // Of what is found in dicts, the parts that are one value or one object come last. While a dict has the version that it
    // was seen with, those are as they were, and the others where they were.
    size_t deep = 0;
    mutable uint64_t seen = 0;

    Check() = default;
    explicit Check(PyObject* description);
    Check(Check&&) noexcept;
    Check& operator=(Check&&) noexcept;
    ~Check();
    int traverse(visitproc visit, void* arg) const;
};
struct Part {
    PyObject* key;
    Check check;
    mutable PyObject* value = nullptr;  // borrowed, as long as the version holds
};

// What a guard finds on its way.
struct Found {
    std::vector<PyObject*> objects;  // by number, borrowed
    std::vector<PyObject*> inputs;   // tensors by slot, borrowed
    const Check* failed = nullptr;
};

class Guard {
  public:
    // (positional checks, names of keywords, their checks, other roots, count of objects, count of inputs).
    explicit Guard(PyObject* description);
    ~Guard() { Py_XDECREF(keywords_); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    // Whether the call is one like that which was recorded.
    bool check(PyObject* const* args, size_t count, PyObject* keywords, Found& found) const;
    size_t checks() const { return checks_; }
    int traverse(visitproc visit, void* arg) const;

  private:
    std::vector<Check> arguments_, roots_;
    PyObject* keywords_ = nullptr;  // names
    size_t positions_ = 0, objects_ = 0, inputs_ = 0, checks_ = 0;
};

// Whether two plain values are the same: of one type and equal, floats to the bit; lists and tuples item by item.
bool same_value(PyObject* a, PyObject* b);
// What a guard and a program compare of a tensor.
uint8_t tensor_flags(const TensorObject* t);

}  // namespace pb::replay
