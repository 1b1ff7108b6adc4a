// Guards: what a recorded call has read from outside, as a straight line of reads and comparisons.
//
// A read puts an object into a register: an argument, an element, what a name of a dictionary or a cell stands for. It reads
// as C does, past whatever a class may say of attributes; that a class is what it was is a comparison of its own, by the
// number that the interpreter changes with the class and with all that it inherits from. A comparison is of one register:
// the same object, the same plain value to the bit, a tensor of the same geometry, so many elements.
//
// Registers own what they hold, since a comparison of keys may run anybody's code.
#pragma once
#include <vector>

#include "python/read/convert.h"

namespace pb::replay {

struct Check {
    // In the order of src/pullback/replay/guards.py. `from` is a register, or, if negative, it is about `holder`.
    enum Kind : uint8_t {
        Argument,    // `number`: read
        Item,        // of a list or a tuple, at `number`: read
        Key,         // of a dictionary: what `key` stands for, or nothing
        Entries,     // the dictionary of the instance `holder`
        Content,     // of the cell `holder`
        Defaults,    // of the function `holder`
        Keywords,    // its defaults of keywords
        Member,      // `key` of the property, static method or class method `holder`: its function
        InstanceOf,  // the class of `holder` is `expected`
        Code,        // the code of the function `holder` is `expected`
        Same,        // the object `expected`
        Value,       // of the type and the value of `expected`
        TensorOf,    // a tensor like the one in `expected`, which is input `number`
        Again,       // input `number`
        Length,      // of the type `expected`, with `number` elements, or with any, if that is negative
        Keys,        // of a dictionary: these, in this order
        Absent,      // nothing
        ClassOf,     // the class `holder`, and what it inherits from, are at version `number`
        Bare,        // input `number` is a leaf that nobody watches: see is_bare_leaf
        Gradient,    // the `.grad` of input `number`: read
        Apart,       // the memory of input `number` is no other input's
    };
    Kind kind;
    int32_t from, to;
    PyObject *holder, *key, *expected;  // owned by the guard
    int64_t number;
    Ref<Layout> layout;  // of a tensor
    DType dtype = {};
    uint8_t flags = 0;
};

// What a guard finds. It owns the registers; inputs are some of them.
struct Found {
    std::vector<PyObject*> registers, inputs;
    void clear() {
        for (PyObject* o : registers) Py_XDECREF(o);
        registers.clear();
    }
    ~Found() { clear(); }
};

class Guard {
  public:
    // (count of positions, names of keywords or None, checks, count of registers, count of inputs); a check is
    // (kind, from, to, holder, key, expected, number).
    explicit Guard(PyObject* description);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

    bool passes(PyObject* const* args, size_t count, PyObject* keywords, Found& found) const;
    size_t size() const { return checks_.size(); }
    size_t inputs() const { return inputs_; }
    bool same(const Guard& other) const;  // passes for the same calls, and finds the same
    int traverse(visitproc visit, void* arg) const;

  private:
    std::vector<PyObject*> kept_;  // references
    std::vector<Check> checks_;
    std::vector<char> apart_;       // which inputs are; empty: none has to be
    PyObject* keywords_ = nullptr;  // names; null: none
    size_t positions_ = 0, registers_ = 0, inputs_ = 0;
};

// Whether two plain values are the same: of one type and equal, floats to the bit; tuples item by item.
bool same_value(PyObject* a, PyObject* b);
// The number of the state of a class, with all that it inherits from; 0 if the interpreter has none for it.
uint32_t version_of(PyObject* type);
// Whether a walk that ends at this tensor meets nothing that others made: it has no history, and no hooks.
bool is_bare_leaf(const TensorObject* t);

}  // namespace pb::replay
