// Operator: the callable that Python sees, as a function and as a method.
//
// Its signature and documentation come from a Python declaration, its work is a C++ function (bind.h), a row of the
// table, or a Python function out of other operators. One object serves `pb.sum(x)` and `x.sum()`: it is a method
// descriptor, so that a method call passes the tensor as the first argument without making a bound method.
#include "python/bind/operator_object.h"

#include <structmember.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "ops/operators.h"
#include "python/bind/bind.h"
#include "python/bind/out.h"
#include "python/bind/overriding.h"
#include "python/bind/watch.h"
#include "python/hints.h"
#include "python/types/mapping.h"
#include "python/types/return_types.h"
#include "tape/hooks.h"

namespace pb {

PyTypeObject* operator_type = nullptr;

namespace {

constexpr size_t kMaxParameters = 32;

struct OperatorObject {
    PyObject_HEAD vectorcallfunc vectorcall;
    OperatorFunction function;         // or
    const Row* row;                    // an elementwise function: operands, then `out` if there is one; or
    PyObject* body;                    // a Python function
    PyObject* keyword_names;           // the names that `body` takes by keyword only
    std::string* kinds;                // what `body` relies on, a letter for each parameter: check_kinds
    const char* node;                  // the name of the node that ends what `body` records, or null
    const Binding* binding;            // of `function`
    Signature signature;               // what the function sees of the declaration
    int dtype;                         // index of the parameter of this name, or -1
    ops::OutRule rule;                 // of `out`
    std::vector<PyObject*>* names;     // interned
    std::vector<PyObject*>* defaults;  // null: required
    size_t positional;                 // parameters that may be given by position
    int variadic;                      // index of the parameter that collects positions, or -1
    std::string* name;
    PyObject* dict;
    bool overridable;  // classes are asked (overriding.h)

    bool has_out() const { return signature.out < names->size(); }
};

// The calculus: what its formulas are made of, and its rows by name.
PyObject *symbol_type = nullptr, *dual_type = nullptr, *table = nullptr;

// Inside a formula of the calculus the operands are symbols: the row of the table itself takes the call.
PyObject* call_symbolic(const OperatorObject* op, const Args& a) {
    Owned row(checked(PyMapping_GetItemString(table, op->row->name.c_str())));
    return PyObject_Vectorcall(row.o, a.values, static_cast<size_t>(op->row->arity), nullptr);
}

bool is_symbolic(PyObject* o) {
    auto* type = reinterpret_cast<PyObject*>(Py_TYPE(o));
    return type == symbol_type || type == dual_type;
}

PyObject* call_row(const OperatorObject* op, const Args& a) {
    int n = op->row->arity;
    for (int i = 0; i < n; ++i)
        if (!a.is_tensor(static_cast<size_t>(i)) && is_symbolic(a.raw(static_cast<size_t>(i))))
            return call_symbolic(op, a);
    Tensor hold[kMaxOperands];
    Operand operands[kMaxOperands];
    bool any = false;
    for (int i = 0; i < n; ++i) {
        operands[i] = op->row->parameters >> i & 1 ? Operand(a.scalar(static_cast<size_t>(i)))
                                                   : a.operand(static_cast<size_t>(i), hold[i]);
        any = any || operands[i].tensor;
    }
    if (op->signature.in_place) {
        if (!a.is_tensor(0)) a.fail_type(0, "Tensor");
        ops::elementwise_inplace(*op->row, hold[0], operands, n);
        Py_INCREF(a.raw(0));
        return a.raw(0);
    }
    if (!any) a.fail_type(0, "Tensor");
    if (op->has_out() && a.given(op->signature.out)) {
        Tensor out = a.tensor(op->signature.out);
        ops::elementwise_out(*op->row, out, operands, n);
        return out.release();
    }
    return ops::elementwise(*op->row, operands, n).release();
}

// What `pullback.hints.<function>` says about a thing and the names of the parameters.
std::string hint_of_names(const OperatorObject* op, const char* function, PyObject* thing) {
    Owned names(checked(PyTuple_New(static_cast<Py_ssize_t>(op->names->size()))));
    for (size_t i = 0; i < op->names->size(); ++i) {
        Py_INCREF((*op->names)[i]);
        PyTuple_SET_ITEM(names.o, static_cast<Py_ssize_t>(i), (*op->names)[i]);
    }
    return hint(function, {thing, names.o});
}

[[noreturn, gnu::cold, gnu::noinline]] void fail_positions(const OperatorObject* op, size_t given) {
    Owned count(checked(PyLong_FromSize_t(op->positional)));
    fail_as(ErrorKind::Type, "{}() takes {} positional argument{} but {} {} given{}", op->name->c_str(),
            op->positional, op->positional == 1 ? "" : "s", given, given == 1 ? "was" : "were",
            hint_of_names(op, "positions", count.o));
}

[[noreturn, gnu::cold, gnu::noinline]] void fail_unexpected(const OperatorObject* op, PyObject* keyword) {
    const char* k = PyUnicode_AsUTF8(keyword);
    fail_as(ErrorKind::Type, "{}() got an unexpected keyword argument '{}'{}", op->name->c_str(), k ? k : "?",
            hint_of_names(op, "keyword", keyword));
}

// Whether there may be none of what positions are collected of: of sizes and dimensions there has to be one, or a tuple.
bool takes_none(const OperatorObject* op) {
    return op->body || std::strcmp(op->binding->wants[op->variadic].what, "ints");
}

// As PyTorch says it: one argument is "arguments".
[[noreturn, gnu::cold, gnu::noinline]] void fail_missing(const OperatorObject* op, PyObject* const* values) {
    std::string missing;
    int count = 0;
    for (size_t i = 0; i < op->names->size(); ++i) {
        const bool collects = static_cast<int>(i) == op->variadic && takes_none(op);
        if (values[i] || (*op->defaults)[i] || collects) continue;
        missing += (count++ ? ", \"" : "\"") + std::string(PyUnicode_AsUTF8((*op->names)[i])) + "\"";
    }
    fail_as(ErrorKind::Type, "{}() missing {} required positional argument{}: {}", op->name->c_str(), count,
            count == 1 ? "s" : "", missing);
}

// What a body in Python relies on, as arguments are read of C++ functions by their types: T, a tensor; t, a tensor or None;
// b, a truth value; f, one or None; i and n, a whole number, or several, of which PyTorch looks at the first. A default is
// not asked.
void check_kinds(const OperatorObject* op, const Args& a) {
    for (size_t i = 0; i < op->kinds->size(); ++i) {
        const char kind = (*op->kinds)[i];
        PyObject* o = a.values[i];
        if (kind == ' ' || o == (*op->defaults)[i]) continue;
        if (kind == 'T' || kind == 't') {
            if (kind == 't' && o == Py_None) continue;
            if (!is_tensor(o) && !is_symbolic(o)) a.fail_type(i, "Tensor");
        } else if (kind == 'b' || kind == 'f') {
            if (kind == 'b' || o != Py_None) a.flag(i);
        } else {
            const bool several = PyTuple_Check(o) || PyList_Check(o);
            // A number that has no digits behind the point serves where there may be one, too.
            auto wrong = [kind](PyObject* o) { return PyBool_Check(o) || (kind == 'n' && PyFloat_Check(o)); };
            for (Py_ssize_t j = 0; several && j < PySequence_Fast_GET_SIZE(o); ++j)
                if (wrong(PySequence_Fast_GET_ITEM(o, j))) a.fail_element(i, static_cast<size_t>(j));
            if (!several && wrong(o)) a.fail_type(i, kind == 'i' ? "int" : "tuple of ints");
        }
    }
}

void name_node(const OperatorObject* op, PyObject* found, uint64_t since) {
    PyObject* first = PyTuple_Check(found) && PyTuple_GET_SIZE(found) ? PyTuple_GET_ITEM(found, 0) : found;
    if (is_tensor(first)) name_last_step(Tensor(first), op->node, since);
}

PyObject* call_body(const OperatorObject* op, PyObject* const* values) {
    check_kinds(op, Args{values, op->signature});
    const uint64_t since = Node::next_sequence;
    PyObject* found = PyObject_Vectorcall(op->body, values, op->positional, op->keyword_names);
    if (op->node && found) name_node(op, found, since);
    if (!op->signature.result || !found || !PyTuple_CheckExact(found)) return found;
    Owned tuple(found);
    auto* type = reinterpret_cast<PyTypeObject*>(op->signature.result);
    PyObject* named = checked(PyStructSequence_New(type));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(found); ++i)
        PyStructSequence_SetItem(named, i, Py_NewRef(PyTuple_GET_ITEM(found, i)));
    return named;
}

// With `out`: the function computes without it.
PyObject* call_with_out(const OperatorObject* op, const Args& a, PyObject** values) {
    PyObject* out = std::exchange(values[op->signature.out], Py_None);
    refuse_dual_arguments(a.of.operation, &out, 1);
    refuse_dual_arguments(a.of.operation, values, op->names->size());
    bool own = op->rule == ops::OutRule::Own || op->rule == ops::OutRule::Made;
    if (own && op->dtype >= 0 && !a.given(static_cast<size_t>(op->dtype)) && is_tensor(out))
        values[op->dtype] = dtype_object(Tensor(out).dtype());
    Owned result(checked(op->function ? op->function(a) : call_body(op, values)));
    return fill_out(a.of.operation, op->rule, result.o, out);
}

PyObject* call_once(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* keywords) {
    auto* op = reinterpret_cast<OperatorObject*>(self);
    size_t n = static_cast<size_t>(PyVectorcall_NARGS(nargsf)), total = op->names->size();
    PyObject* values[kMaxParameters];
    Owned collected;
    try {
        size_t filled = n;
        if (op->variadic >= 0 && n > static_cast<size_t>(op->variadic)) {
            size_t v = static_cast<size_t>(op->variadic);
            for (size_t i = 0; i < v; ++i) values[i] = args[i];
            if (n - v == 1 && (PyTuple_Check(args[v]) || PyList_Check(args[v]))) {
                values[v] = args[v];
            } else {
                collected.o = checked(PyTuple_New(static_cast<Py_ssize_t>(n - v)));
                for (size_t i = v; i < n; ++i) {
                    Py_INCREF(args[i]);
                    PyTuple_SET_ITEM(collected.o, static_cast<Py_ssize_t>(i - v), args[i]);
                }
                values[v] = collected.o;
            }
            filled = v + 1;
        } else if (n > op->positional) {
            fail_positions(op, n);
        } else {
            for (size_t i = 0; i < n; ++i) values[i] = args[i];
        }
        for (size_t i = filled; i < total; ++i) values[i] = nullptr;
        if (keywords) {
            Py_ssize_t k = PyTuple_GET_SIZE(keywords);
            for (Py_ssize_t j = 0; j < k; ++j) {
                PyObject* key = PyTuple_GET_ITEM(keywords, j);
                size_t at = 0;
                while (at < total && (*op->names)[at] != key) ++at;
                if (at == total) {  // not the interned object: compare
                    at = 0;
                    while (at < total && PyUnicode_Compare((*op->names)[at], key) != 0) ++at;
                }
                // NumPy's names for PyTorch's, where both mean the same.
                auto alias = [&](const char* theirs, const char* ours) {
                    if (at != total || PyUnicode_CompareWithASCIIString(key, theirs) != 0) return;
                    for (at = 0; at < total; ++at)
                        if (PyUnicode_CompareWithASCIIString((*op->names)[at], ours) == 0) return;
                };
                alias("axis", "dim");
                alias("keepdims", "keepdim");
                alias("self", "input");
                alias("from", "from_");  // a word of the language
                if (at == total) fail_unexpected(op, key);
                if (values[at])
                    fail_as(ErrorKind::Type, "{}() got multiple values for argument '{}'", op->name->c_str(),
                            PyUnicode_AsUTF8((*op->names)[at]));
                values[at] = args[n + static_cast<size_t>(j)];
            }
        }
        for (size_t i = 0; i < total; ++i) {
            if (values[i]) continue;
            values[i] = (*op->defaults)[i];
            if (values[i]) continue;
            if (static_cast<int>(i) != op->variadic || !takes_none(op)) fail_missing(op, values);
            collected.o = checked(PyTuple_New(0));
            values[i] = collected.o;
        }
        Args a{values, op->signature};
        if (op->row) return call_row(op, a);
        if (op->has_out() && a.given(op->signature.out)) return call_with_out(op, a, values);
        if (op->function) return op->function(a);
        return call_body(op, values);
    } catch (...) {
        return raise_current();
    }
}

// The answer of a class that overrides operators; or null, with an error or without an answer.
[[gnu::cold, gnu::noinline]] PyObject* call_overriders(PyObject* self, PyObject* const* args, size_t n,
                                                       PyObject* keywords) {
    if (!reinterpret_cast<OperatorObject*>(self)->overridable) return nullptr;
    try {
        return ask_overriders(self, args, n, keywords);
    } catch (...) {
        return raise_current();
    }
}
// Whether a class took the call: `answer` is what comes of it.
bool is_overridden(PyObject* self, PyObject* const* args, size_t n, PyObject* keywords, PyObject** answer) {
    const size_t all = n + (keywords ? static_cast<size_t>(PyTuple_GET_SIZE(keywords)) : 0);
    if (__builtin_expect(!may_override(args, all), 1)) return false;
    *answer = call_overriders(self, args, n, keywords);
    return *answer || PyErr_Occurred();
}

PyObject* call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* keywords) {
    const size_t n = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
    if (PyObject * answer; is_overridden(self, args, n, keywords, &answer)) return answer;
    PyObject* result = call_once(self, args, nargsf, keywords);
    if (__builtin_expect(result != nullptr, 1)) return result;
    return over_entries(self, args, n, keywords);
}

// The same while somebody watches.
PyObject* call_watched(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* keywords) {
    const char* name = reinterpret_cast<OperatorObject*>(self)->name->c_str();
    return watch(name, self, args, nargsf, keywords, [&] { return call(self, args, nargsf, keywords); });
}

// A Python function that reads its arguments itself: all that is done for it is to ask classes.
PyObject* call_plainly(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* keywords) {
    const size_t n = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
    if (PyObject * answer; is_overridden(self, args, n, keywords, &answer)) return answer;
    return PyObject_Vectorcall(reinterpret_cast<OperatorObject*>(self)->body, args, n, keywords);
}

// The same of what reads an attribute of tensors: what a class is asked for is `__get__` of the descriptor.
PyObject* call_attribute(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* keywords) {
    auto* op = reinterpret_cast<OperatorObject*>(self);
    const size_t n = static_cast<size_t>(PyVectorcall_NARGS(nargsf));
    if (__builtin_expect(n == 1 && may_override(args[0]), 0)) try {
            return ask_about_attribute(op->name->c_str(), "__get__", args, 1);
        } catch (...) {
            return raise_current();
        }
    return PyObject_Vectorcall(op->body, args, n, keywords);
}

std::vector<OperatorObject*>& operators() {
    static auto* all = new std::vector<OperatorObject*>;
    return *all;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

// What the C++ function wants of each parameter that it reads.
std::vector<std::string> wants_of(const Binding& b) {
    std::vector<std::string> all;
    for (const Wants* w = b.wants; w->what; ++w) {
        std::string words = std::string(w->what) + (w->optional ? "?" : "");
        for (size_t at = 0, end; at < words.size(); at = end + 1) {
            end = std::min(words.find(' ', at), words.size());
            all.push_back(words.substr(at, end - at));
        }
    }
    return all;
}

// A declaration that has gained or lost a parameter is found here, and not by a wrong result.
void check_arity(const char* name, const Binding& b, PyObject* names, bool has_out, Py_ssize_t ignored) {
    auto n = PyTuple_GET_SIZE(names) - has_out - ignored;
    if (n == static_cast<Py_ssize_t>(b.reads)) return;
    std::vector<std::string> declared;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i)
        declared.push_back(PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, i)));
    fail_as(
        ErrorKind::Type,
        "operator '{}': its C++ function '{}' reads {} arguments ({}), its declaration has {} for it: {}, "
        "less `out` and the {} that it ignores",
        name, b.name, b.reads, joined(wants_of(b)), n, joined(declared), ignored);
}

void fill_signature(OperatorObject* op, PyObject* names, PyObject* defaults, bool passes_out) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); ++i) {
        PyObject* s = Py_NewRef(PyTuple_GET_ITEM(names, i));
        PyUnicode_InternInPlace(&s);
        op->names->push_back(s);
        if (!passes_out && PyUnicode_CompareWithASCIIString(s, "out") == 0)
            op->signature.out = static_cast<size_t>(i);
        if (PyUnicode_CompareWithASCIIString(s, "dtype") == 0) op->dtype = static_cast<int>(i);
        PyObject* d = PyTuple_GET_ITEM(defaults, i);
        op->defaults->push_back(d == Py_Ellipsis ? nullptr : Py_NewRef(d));
    }
    op->signature.names = op->names->data();
    op->signature.operation = op->name->c_str();
}

// Operator(name, implementation, names, positional, defaults, variadic, in_place, out="cast", ignored=0,
// results=None, kinds="", node=None). The implementation is the name of a C++ function or of a row, or a Python function,
// which with out="plain" gets the arguments as they are, and with out="attribute" is the getter of a property; so many of
// the last parameters are ignored; several results have these names; what a Python function records ends in a node of this
// name.
PyObject* create(PyTypeObject* type, PyObject* args, PyObject*) {
    const char *name, *rule = "cast";
    PyObject *implementation, *names, *defaults, *results = Py_None, *node = Py_None;
    Py_ssize_t positional, ignored = 0;
    int variadic, in_place;
    const char* kinds = "";
    if (!PyArg_ParseTuple(args, "sOO!nO!ip|snOsO", &name, &implementation, &PyTuple_Type, &names, &positional,
                          &PyTuple_Type, &defaults, &variadic, &in_place, &rule, &ignored, &results, &kinds,
                          &node))
        return nullptr;
    PyObject* body = PyUnicode_Check(implementation) ? nullptr : implementation;
    const char* wanted = body ? "" : PyUnicode_AsUTF8(implementation);
    if (!wanted) return nullptr;
    const Binding* binding = body ? nullptr : find_binding(wanted);
    Row* row = binding || body ? nullptr : find_row(wanted);
    if (!binding && !row && !body) {
        PyErr_Format(PyExc_LookupError, "the core has no operator named '%s'", wanted);
        return nullptr;
    }
    if (binding && in_place && !binding->in_place) {
        PyErr_Format(PyExc_LookupError, "the core's '%s' has no in-place form", wanted);
        return nullptr;
    }
    Py_ssize_t n = PyTuple_GET_SIZE(names);
    if (static_cast<size_t>(n) > kMaxParameters || PyTuple_GET_SIZE(defaults) != n) {
        PyErr_Format(PyExc_ValueError, "operator '%s': %zd names, %zd defaults, at most %zu parameters", name,
                     n, PyTuple_GET_SIZE(defaults), kMaxParameters);
        return nullptr;
    }
    auto* op = reinterpret_cast<OperatorObject*>(type->tp_alloc(type, 0));
    if (!op) return nullptr;
    const bool attribute = !std::strcmp(rule, "attribute"), plain = attribute || !std::strcmp(rule, "plain");
    op->vectorcall = attribute ? call_attribute : plain ? call_plainly : watched ? call_watched : call;
    if (!plain) operators().push_back(op);
    op->overridable = true;
    op->binding = binding;
    op->function = !binding ? nullptr : in_place ? binding->in_place : binding->function;
    op->row = row;
    op->body = Py_XNewRef(body);
    op->keyword_names = body && positional < n ? PyTuple_GetSlice(names, positional, n) : nullptr;
    op->kinds = new std::string(kinds);
    op->node = node == Py_None ? nullptr : lasting_name(node);
    op->signature = Signature();
    op->signature.in_place = in_place;
    op->names = new std::vector<PyObject*>;
    op->defaults = new std::vector<PyObject*>;
    op->positional = static_cast<size_t>(positional);
    op->variadic = variadic;
    op->name = new std::string(name);
    op->dtype = -1;
    bool passed = !std::strcmp(rule, "passed");  // to the body, like other arguments
    try {
        if (!passed && !plain) op->rule = out_rule(rule);
        fill_signature(op, names, defaults, passed);
        if (binding) check_arity(name, *binding, names, op->has_out(), ignored);
        if (results != Py_None) op->signature.result = named_results(name, results);
    } catch (...) {
        Py_DECREF(op);
        return raise_current();
    }
    return reinterpret_cast<PyObject*>(op);
}

PyObject* get_name(PyObject* self, void*) {
    return PyUnicode_FromString(reinterpret_cast<OperatorObject*>(self)->name->c_str());
}

// For tests and stubs: what the C++ function wants, in words, and what it gives.
PyObject* get_wants(PyObject* self, void*) {
    const Binding* b = reinterpret_cast<OperatorObject*>(self)->binding;
    if (!b) return none();
    std::vector<std::string> all = wants_of(*b);
    PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(all.size()));
    for (size_t i = 0; tuple && i < all.size(); ++i)
        PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), PyUnicode_FromString(all[i].c_str()));
    return tuple;
}
PyObject* get_gives(PyObject* self, void*) {
    auto* op = reinterpret_cast<OperatorObject*>(self);
    if (op->signature.result) return Py_NewRef(op->signature.result);
    return op->binding ? PyUnicode_FromString(op->binding->result) : none();
}

void destroy(PyObject* self) {
    auto* op = reinterpret_cast<OperatorObject*>(self);
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    std::erase(operators(), op);
    for (PyObject* o : *op->names) Py_XDECREF(o);
    for (PyObject* o : *op->defaults) Py_XDECREF(o);
    delete op->names;
    delete op->defaults;
    delete op->name;
    delete op->kinds;
    Py_XDECREF(op->body);
    Py_XDECREF(op->keyword_names);
    Py_XDECREF(op->dict);
    type->tp_free(self);
    Py_DECREF(type);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    auto* op = reinterpret_cast<OperatorObject*>(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(op->body);
    Py_VISIT(op->dict);
    return 0;
}

PyObject* get(PyObject* self, PyObject* object, PyObject*) {
    if (!object || object == Py_None) {
        Py_INCREF(self);
        return self;
    }
    return PyMethod_New(self, object);
}

PyObject* repr(PyObject* self) {
    return PyUnicode_FromFormat("<function %s>", reinterpret_cast<OperatorObject*>(self)->name->c_str());
}

PyObject* reduce(PyObject* self, PyObject*) {
    return PyUnicode_FromString(reinterpret_cast<OperatorObject*>(self)->name->c_str());
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(OperatorObject, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(OperatorObject, dict), READONLY, nullptr},
    {"_overridable", T_BOOL, offsetof(OperatorObject, overridable), 0, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
PyGetSetDef getset[] = {{"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
                        {"__name__", get_name, nullptr, nullptr, nullptr},
                        {"__qualname__", get_name, nullptr, nullptr, nullptr},
                        {"_wants", get_wants, nullptr, nullptr, nullptr},
                        {"_gives", get_gives, nullptr, nullptr, nullptr},
                        {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(create)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(get)},
    {Py_tp_repr, reinterpret_cast<void*>(repr)},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {0, nullptr},
};
PyType_Spec spec = {
    "pullback._core.Operator", sizeof(OperatorObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    slots};

}  // namespace

void set_calculus(PyObject* rows, PyObject* symbol, PyObject* dual) {
    table = Py_NewRef(rows);
    symbol_type = Py_NewRef(symbol);
    dual_type = Py_NewRef(dual);
}

void watch_operators(bool on) {
    for (OperatorObject* op : operators()) op->vectorcall = on ? call_watched : call;
}

void init_operator_type(PyObject* module) {
    operator_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    if (PyModule_AddObjectRef(module, "Operator", reinterpret_cast<PyObject*>(operator_type)) < 0)
        throw PythonError();
}

}  // namespace pb
