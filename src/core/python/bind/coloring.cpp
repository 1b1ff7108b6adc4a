// Colourings of sparse patterns, for src/pullback/sparse: arrays of int64 come through the buffer protocol, and results go
// as bytes, which NumPy reads where they lie.
#define PY_SSIZE_T_CLEAN
#include "compute/coloring.h"

#include <Python.h>

#include "python/read/convert.h"

namespace pb {
namespace {

using compute::Numbers;

// A contiguous array for as long as this lives.
struct Held {
    Py_buffer view{};
    ~Held() { PyBuffer_Release(&view); }
    Numbers numbers() const {
        return {static_cast<const int64_t*>(view.buf), static_cast<size_t>(view.len) / sizeof(int64_t)};
    }
};

// Numbers come from a user's pattern: they are looked at before anything is reached through them.
void check_pattern(const compute::Pattern& p, int64_t columns) {
    const int64_t entries = static_cast<int64_t>(p.columns.size());
    if (p.starts.empty() || p.starts.front() != 0 || p.starts.back() != entries)
        fail_as(ErrorKind::Value, "the rows of a pattern do not fit its entries");
    for (int64_t i = 0; i < p.rows(); ++i)
        if (p.starts[static_cast<size_t>(i)] > p.starts[static_cast<size_t>(i) + 1])
            fail_as(ErrorKind::Value, "the rows of a pattern do not fit its entries");
    for (int64_t j : p.columns)
        if (j < 0 || j >= columns) fail_as(ErrorKind::Value, "an entry of a pattern lies outside of it");
}

PyObject* bytes_of(const std::vector<int64_t>& v) {
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(v.data()),
                                     static_cast<Py_ssize_t>(v.size() * sizeof(int64_t)));
}

compute::Ordering ordering_of(int n) {
    if (n < 0 || n >= static_cast<int>(compute::Ordering::count))
        fail_as(ErrorKind::Value, "there is no ordering {}", n);
    return static_cast<compute::Ordering>(n);
}

// color_columns(starts, columns, starts and columns of the transpose, ordering)
PyObject* color_columns(PyObject*, PyObject* args) {
    Held a, b, c, d;
    int ordering;
    if (!PyArg_ParseTuple(args, "y*y*y*y*i", &a.view, &b.view, &c.view, &d.view, &ordering)) return nullptr;
    try {
        const compute::Pattern by_rows{a.numbers(), b.numbers()}, by_columns{c.numbers(), d.numbers()};
        check_pattern(by_rows, by_columns.rows());
        check_pattern(by_columns, by_rows.rows());
        return bytes_of(compute::color_columns(by_rows, by_columns, ordering_of(ordering)));
    } catch (...) {
        return raise_current();
    }
}

// color_graph(starts, columns, ordering, acyclic): of a symmetric pattern.
PyObject* color_graph(PyObject*, PyObject* args) {
    Held a, b;
    int ordering, acyclic;
    if (!PyArg_ParseTuple(args, "y*y*ip", &a.view, &b.view, &ordering, &acyclic)) return nullptr;
    try {
        const compute::Pattern graph{a.numbers(), b.numbers()};
        check_pattern(graph, graph.rows());
        const compute::Ordering order = ordering_of(ordering);
        return bytes_of(acyclic ? compute::color_acyclic(graph, order) : compute::color_star(graph, order));
    } catch (...) {
        return raise_current();
    }
}

// color_elimination(starts, columns, colors)
PyObject* elimination(PyObject*, PyObject* args) {
    Held a, b, c;
    if (!PyArg_ParseTuple(args, "y*y*y*", &a.view, &b.view, &c.view)) return nullptr;
    try {
        const compute::Pattern graph{a.numbers(), b.numbers()};
        check_pattern(graph, graph.rows());
        if (static_cast<int64_t>(c.numbers().size()) != graph.rows())
            fail_as(ErrorKind::Value, "a colour for each vertex");
        return bytes_of(compute::elimination(graph, c.numbers()));
    } catch (...) {
        return raise_current();
    }
}

// color_substitute(pairs, colors, rest, count, values): `rest` and `values` are float64, and are written.
PyObject* substitute(PyObject*, PyObject* args) {
    Held pairs, colors, rest, values;
    long long count;
    if (!PyArg_ParseTuple(args, "y*y*w*Lw*", &pairs.view, &colors.view, &rest.view, &count, &values.view))
        return nullptr;
    try {
        const int64_t n = static_cast<int64_t>(colors.numbers().size());
        if (count < 0 || static_cast<int64_t>(rest.numbers().size()) / std::max<int64_t>(count, 1) != n ||
            values.numbers().size() != pairs.numbers().size() / 2)
            fail_as(ErrorKind::Value, "the sizes do not fit");
        for (int64_t i : pairs.numbers())
            if (i < 0 || i >= n) fail_as(ErrorKind::Value, "a vertex outside of the pattern");
        for (int64_t c : colors.numbers())
            if (c < 0 || c >= count) fail_as(ErrorKind::Value, "a colour that has no product");
        compute::substitute(pairs.numbers(), colors.numbers(), static_cast<double*>(rest.view.buf), count,
                            static_cast<double*>(values.view.buf));
        Py_RETURN_NONE;
    } catch (...) {
        return raise_current();
    }
}

PyMethodDef functions[] = {
    {"color_columns", color_columns, METH_VARARGS, nullptr},
    {"color_graph", color_graph, METH_VARARGS, nullptr},
    {"color_elimination", elimination, METH_VARARGS, nullptr},
    {"color_substitute", substitute, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void init_coloring(PyObject* module) {
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace pb
