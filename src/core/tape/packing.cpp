#include "tape/packing.h"

#include <memory>
#include <vector>

namespace pb {

namespace {

struct Pair {
    PyObject *pack, *unpack;  // owned; given back by whoever pops it, under the interpreter lock
};
thread_local std::vector<Pair> stack;
thread_local std::unique_ptr<std::string> disabled;

}  // namespace

void push_packing(PyObject* pack, PyObject* unpack) {
    if (disabled) fail("{}", *disabled);
    Py_INCREF(pack);
    Py_INCREF(unpack);
    stack.push_back({pack, unpack});
    set_packing_mode(true);
}

void pop_packing() {
    if (stack.empty()) fail("no hooks of saved tensors are set");
    Pair gone = stack.back();
    stack.pop_back();
    set_packing_mode(!stack.empty());
    Py_DECREF(gone.pack);
    Py_DECREF(gone.unpack);
}

PyObject* packing_hook() { return stack.empty() ? nullptr : stack.back().pack; }

std::string* disable_packing(const std::string* message) {
    if (message && !stack.empty()) fail("{}", *message);
    std::string* before = disabled.release();
    if (message) disabled = std::make_unique<std::string>(*message);
    return before;
}

void pack_saved(Saved& s, const Tensor& t) {
    if (t->flags & kWrappedNumber) return;  // a number that was written as one
    Pair hooks = stack.back();
    Py_INCREF(hooks.pack);  // they may be popped by what they do
    Py_INCREF(hooks.unpack);
    struct GiveBack {
        Pair& p;
        ~GiveBack() {
            Py_DECREF(p.pack);
            Py_DECREF(p.unpack);
        }
    } give_back{hooks};
    s.pack(t, hooks.pack, hooks.unpack);
}

void pack_outputs(Node& n) {
    for (Saved& s : n.saved_values())
        if (s.origin() == Saved::kOutput && !s.is_packed()) pack_saved(s, s.unpack(n));
}

int traverse_packed(Node& n, visitproc visit, void* arg) {
    if (!any_packed()) return 0;
    for (const Saved& s : n.saved_values())
        if (s.is_packed()) {
            Py_VISIT(s.packed());
            Py_VISIT(s.unpack_hook());
        }
    return 0;
}

}  // namespace pb
