// Decompositions that the calculus defines (pullback/linear_algebra): what they are called with, and their
// derivatives, which are Python functions; so may be their values, where another library computes them.
//
// Which value each parameter of such a function takes is told by pairs of bytes: 'i' an input, 'o' an output, 'd' a
// cotangent of an output or a tangent of an input, 'p' an option; and its number.
#include <memory>
#include <string>
#include <vector>

#include "ops/matrix/decomposition.h"
#include "ops/reduce/reduce.h"
#include "python/read/convert.h"

namespace pb {

namespace {

struct Parameter {
    char kind;
    size_t number;
};

class PythonDerivative final : public ops::StatedDerivative {
  public:
    PythonDerivative(PyObject* value, PyObject* pull, const std::string& pull_reads, PyObject* push,
                     const std::string& push_reads)
        : value_(Py_NewRef(value)),
          pull_(Py_NewRef(pull)),
          push_(Py_NewRef(push)),
          pull_reads_(read(pull_reads)),
          push_reads_(read(push_reads)) {}

    Tensors forward(const Options& options, const Tensors& x) const override {
        GradMode off(false);
        Owned operands(tuple_of(x)), numbers(checked(PyTuple_New(static_cast<Py_ssize_t>(options.size()))));
        for (size_t i = 0; i < options.size(); ++i)
            PyTuple_SET_ITEM(numbers.o, static_cast<Py_ssize_t>(i), checked(PyFloat_FromDouble(options[i])));
        Owned all(checked(PySequence_Concat(operands.o, numbers.o)));
        Owned found(checked(PyObject_CallObject(value_, all.o)));
        if (!is_tensor(found.o))
            fail("a value of a decomposition is a {}, not a Tensor", Py_TYPE(found.o)->tp_name);
        return {Tensor(found.o)};
    }
    void pullback(const Options& options, Context& c, const Tensors& g, Tensors& out) const override {
        Owned found(call(pull_, pull_reads_, options, c, g));
        for (size_t i = 0; i < c.inputs(); ++i)
            if (c.wants(i)) out[i] = item(found.o, i);
    }
    Tensors pushforward(const Options& options, Context& c, const Tensors& t) const override {
        Owned found(call(push_, push_reads_, options, c, t));
        size_t n = PyTuple_Check(found.o) ? static_cast<size_t>(PyTuple_GET_SIZE(found.o)) : 1;
        Tensors out;
        for (size_t j = 0; j < n; ++j) out.push_back(item(found.o, j));
        return out;
    }
    uint32_t reads(char kind) const {
        uint32_t mask = 0;
        for (const Parameter& p : pull_reads_)
            if (p.kind == kind) mask |= 1u << p.number;
        return mask;
    }

  private:
    static std::vector<Parameter> read(const std::string& bytes) {
        std::vector<Parameter> all;
        for (size_t i = 0; i + 1 < bytes.size(); i += 2)
            all.push_back({bytes[i], static_cast<size_t>(bytes[i + 1])});
        return all;
    }
    static PyObject* call(PyObject* function, const std::vector<Parameter>& parameters,
                          const Options& options, Context& c, const Tensors& moved) {
        Small<PyObject*, 8> values;  // new references
        struct Release {
            Small<PyObject*, 8>& all;
            ~Release() {
                for (PyObject* o : all) Py_DECREF(o);
            }
        } release{values};
        auto add = [&](const Tensor& t) { values.push_back(t ? Py_NewRef(t.py()) : none()); };
        for (const Parameter& p : parameters) switch (p.kind) {
                case 'i': add(c.input(p.number)); break;
                case 'o': add(c.output(p.number)); break;
                case 'd': add(moved[p.number]); break;
                default: values.push_back(checked(PyFloat_FromDouble(options[p.number])));
            }
        return checked(PyObject_Vectorcall(function, values.data(), values.size(), nullptr));
    }
    // A tensor, nothing, or a function that gives it.
    static Tensor item(PyObject* found, size_t i) {
        if (PyTuple_Check(found)) {
            if (static_cast<Py_ssize_t>(i) >= PyTuple_GET_SIZE(found)) return Tensor();
            found = PyTuple_GET_ITEM(found, static_cast<Py_ssize_t>(i));
        } else if (i > 0) {
            return Tensor();
        }
        if (found == Py_None) return Tensor();
        if (is_tensor(found)) return Tensor(found);
        Owned made(checked(PyObject_CallNoArgs(found)));
        if (!is_tensor(made.o))
            fail("a derivative of a decomposition is a {}, not a Tensor", Py_TYPE(made.o)->tp_name);
        return Tensor(made.o);
    }
    PyObject *value_, *pull_, *push_;
    std::vector<Parameter> pull_reads_, push_reads_;
};

// The operands, then options; a tensor, or a tuple of several.
PyObject* call_decomposition(PyObject* self, PyObject* const* values, Py_ssize_t n) {
    try {
        const auto& kind = *static_cast<ops::DecompositionKind*>(PyCapsule_GetPointer(self, nullptr));
        Tensors inputs;
        Options options;
        for (Py_ssize_t i = 0; i < n; ++i) {
            if (inputs.size() < kind.inputs) {
                if (!is_tensor(values[i]))
                    fail_as(ErrorKind::Type, "{}: operand {} is no tensor", kind.name, i);
                inputs.push_back(Tensor(values[i]));
            } else {
                options.push_back(PyFloat_AsDouble(values[i]));
                if (PyErr_Occurred()) throw PythonError();
            }
        }
        Tensors found = ops::decompose(kind, inputs, options);
        return found.size() == 1 ? found[0].release() : tuple_of(found);
    } catch (...) {
        return raise_current();
    }
}

PyMethodDef call_definition = {
    "decompose", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(call_decomposition)),
    METH_FASTCALL, nullptr};

// define_decomposition(name, node, value, pullback, reads, pushforward, reads): the callable that decomposes. The value is
// a function of one operand, or None: the core has one of this name.
PyObject* define_decomposition(PyObject*, PyObject* args) {
    try {
        const char *name, *node, *pull_reads, *push_reads;
        PyObject *value, *pull, *push;
        Py_ssize_t pull_length, push_length;
        if (!PyArg_ParseTuple(args, "ssOOy#Oy#", &name, &node, &value, &pull, &pull_reads, &pull_length,
                              &push, &push_reads, &push_length))
            return nullptr;
        // For the life of the process, like the definitions they belong to.
        ops::DecompositionKind& kind =
            value == Py_None
                ? ops::decomposition_kind(name)
                : *new ops::DecompositionKind{(new std::string(name))->c_str(), nullptr, 1, 0, true, true};
        auto* stated =
            new PythonDerivative(value, pull, std::string(pull_reads, static_cast<size_t>(pull_length)), push,
                                 std::string(push_reads, static_cast<size_t>(push_length)));
        kind.node = node;
        kind.derivative = stated;
        kind.reads = stated->reads('i');
        kind.reads_outputs = stated->reads('o');
        Owned capsule(checked(PyCapsule_New(&kind, nullptr, nullptr)));
        return checked(PyCFunction_New(&call_definition, capsule.o));
    } catch (...) {
        return raise_current();
    }
}

// check_decomposition(info, operation)
PyObject* check_decomposition(PyObject*, PyObject* args) {
    try {
        PyObject* info;
        const char* operation;
        if (!PyArg_ParseTuple(args, "Os", &info, &operation)) return nullptr;
        if (!is_tensor(info)) fail_as(ErrorKind::Type, "{}: expected a Tensor", operation);
        ops::check_decomposition(Tensor(info), operation);
        return none();
    } catch (...) {
        return raise_current();
    }
}

// check_norm_dtype(operation, input, dtype)
PyObject* check_norm_dtype(PyObject*, PyObject* args) {
    try {
        const char* operation;
        PyObject *input, *dtype;
        if (!PyArg_ParseTuple(args, "sOO", &operation, &input, &dtype)) return nullptr;
        if (!is_tensor(input)) fail_as(ErrorKind::Type, "{}: expected a Tensor", operation);
        ops::check_norm_dtype(operation, Tensor(input).dtype(), dtype_of(dtype));
        return none();
    } catch (...) {
        return raise_current();
    }
}

// small_pivots(factors, threshold)
PyObject* small_pivots(PyObject*, PyObject* args) {
    try {
        PyObject* factors;
        double threshold;
        if (!PyArg_ParseTuple(args, "Od", &factors, &threshold)) return nullptr;
        if (!is_tensor(factors)) fail_as(ErrorKind::Type, "det: expected a Tensor");
        return checked(PyLong_FromLongLong(ops::small_pivots(Tensor(factors), threshold)));
    } catch (...) {
        return raise_current();
    }
}

PyObject* holds_anywhere(PyObject*, PyObject* mask) {
    try {
        if (!is_tensor(mask)) fail_as(ErrorKind::Type, "expected a mask");
        Tensor t(mask);
        if (t.dtype() != DType::Bool) fail_as(ErrorKind::Type, "expected a mask");
        return boolean(ops::holds_anywhere(t));
    } catch (...) {
        return raise_current();
    }
}

PyMethodDef functions[] = {
    {"define_decomposition", define_decomposition, METH_VARARGS, nullptr},
    {"check_decomposition", check_decomposition, METH_VARARGS, nullptr},
    {"check_norm_dtype", check_norm_dtype, METH_VARARGS, nullptr},
    {"holds_anywhere", holds_anywhere, METH_O, nullptr},
    {"small_pivots", small_pivots, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

// LinAlgError, and the functions.
void init_decompositions(PyObject* module) {
    linalg_error =
        checked(PyErr_NewExceptionWithDoc("pullback.linalg.LinAlgError",
                                          "A matrix that cannot be decomposed: singular, not positive "
                                          "definite, or no convergence. It is a RuntimeError.\n\n"
                                          "Example:\n"
                                          "    >>> try:\n"
                                          "    ...     pb.linalg.inv(pb.zeros(2, 2))\n"
                                          "    ... except pb.linalg.LinAlgError as error:\n"
                                          "    ...     isinstance(error, RuntimeError)\n"
                                          "    True\n",
                                          PyExc_RuntimeError, nullptr));
    if (PyModule_AddObjectRef(module, "LinAlgError", linalg_error) < 0 ||
        PyModule_AddFunctions(module, functions) < 0)
        throw PythonError();
}

}  // namespace pb
