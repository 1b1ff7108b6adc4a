// Doors to single kernels and to the pool of threads, for tests: nothing else calls them. Arrays come through the buffer protocol.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstring>

#include "kernels/chains.h"
#include "kernels/kernels.h"
#include "kernels/reduce.h"
#include "program/threads.h"

namespace pb {
namespace {

// The bytes of a contiguous array, for as long as this lives.
struct Bytes {
    Py_buffer view{};
    ~Bytes() { PyBuffer_Release(&view); }
};

// _kernel(name, dtype, arrays, n, single): the last array receives the result; False if there is no such kernel.
PyObject* kernel(PyObject*, PyObject* args) {
    const char* name;
    int dtype, single;
    long long n;
    PyObject* arrays;
    if (!PyArg_ParseTuple(args, "siO!Li", &name, &dtype, &PyList_Type, &arrays, &n, &single)) return nullptr;
    const Py_ssize_t count = PyList_GET_SIZE(arrays);
    if (count < 2 || count > 4) {
        PyErr_SetString(PyExc_ValueError, "one to three operands and a result");
        return nullptr;
    }
    Bytes bytes[4];
    void* data[4] = {};
    for (Py_ssize_t i = 0; i < count; ++i) {
        const int flags = i == count - 1 ? PyBUF_WRITABLE : PyBUF_SIMPLE;
        if (PyObject_GetBuffer(PyList_GET_ITEM(arrays, i), &bytes[i].view, flags) < 0) return nullptr;
        data[i] = bytes[i].view.buf;
    }
    return PyBool_FromLong(run_kernel(name, static_cast<DType>(dtype), single, data, data[count - 1], n));
}

// _kernel_chain(dtype, [(link, operand, single), ...], arrays, n): the last array receives the result.
PyObject* chain(PyObject*, PyObject* args) {
    int dtype;
    long long n;
    PyObject *links, *arrays;
    if (!PyArg_ParseTuple(args, "iO!O!L", &dtype, &PyList_Type, &links, &PyList_Type, &arrays, &n))
        return nullptr;
    const Py_ssize_t count = PyList_GET_SIZE(arrays), length = PyList_GET_SIZE(links);
    if (count < 2 || count > kChainOperands + 1 || length > kChainLinks) {
        PyErr_SetString(PyExc_ValueError, "too long a chain");
        return nullptr;
    }
    Chain chain;
    for (Py_ssize_t i = 0; i < length; ++i) {
        const char* name;
        int operand, single, link = 0;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(links, i), "sii", &name, &operand, &single)) return nullptr;
        while (link < static_cast<int>(Link::count) && std::strcmp(link_name(static_cast<Link>(link)), name))
            ++link;
        if (link == static_cast<int>(Link::count)) return PyErr_Format(PyExc_ValueError, "no link %s", name);
        chain.add(static_cast<Link>(link), operand, single);
    }
    Bytes bytes[kChainOperands + 1];
    void* data[kChainOperands + 1] = {};
    for (Py_ssize_t i = 0; i < count; ++i) {
        const int flags = i == count - 1 ? PyBUF_WRITABLE : PyBUF_SIMPLE;
        if (PyObject_GetBuffer(PyList_GET_ITEM(arrays, i), &bytes[i].view, flags) < 0) return nullptr;
        data[i] = bytes[i].view.buf;
    }
    chain_kernels().run[dtype](chain, data, data[count - 1], n);
    Py_RETURN_NONE;
}

// _kernel_cast(from, to, in, out, n)
PyObject* cast(PyObject*, PyObject* args) {
    int from, to;
    long long n;
    Bytes in, out;
    if (!PyArg_ParseTuple(args, "iiy*w*L", &from, &to, &in.view, &out.view, &n)) return nullptr;
    const BlockKernel run = kernels().cast[from][to];
    const void* operands[] = {in.view.buf};
    if (run) run(operands, out.view.buf, n);
    return PyBool_FromLong(run != nullptr);
}

// _kernel_reduction(name, dtype, in, byte_offset, byte_stride, n, out)
PyObject* reduction(PyObject*, PyObject* args) {
    const char* name;
    int dtype;
    long long offset, stride, n;
    Bytes in, out;
    if (!PyArg_ParseTuple(args, "siy*LLLw*", &name, &dtype, &in.view, &offset, &stride, &n, &out.view))
        return nullptr;
    const char* from = static_cast<const char*>(in.view.buf) + offset;
    return PyBool_FromLong(run_reduction(name, static_cast<DType>(dtype), from, stride, n, out.view.buf));
}

// _kernel_accumulate(name, dtype, row, index, best, out): the row joins `out`, which the first one starts from the
// identity; `best` is used by argmax and argmin only.
PyObject* accumulate(PyObject*, PyObject* args) {
    const char* name;
    int dtype;
    long long index;
    Bytes row, best, out;
    if (!PyArg_ParseTuple(args, "siy*Lw*w*", &name, &dtype, &row.view, &index, &best.view, &out.view))
        return nullptr;
    const Reduction r = reduction_named(name);
    if (r == Reduction::count) Py_RETURN_FALSE;
    const DType type = static_cast<DType>(dtype);
    const int64_t n = row.view.len / static_cast<int64_t>(item_size(type));
    const Reductions& table = reductions();
    if (r == Reduction::argmax || r == Reduction::argmin) {
        const auto run = table.accumulate_index[r == Reduction::argmin][dtype];
        if (run) run(row.view.buf, index, best.view.buf, static_cast<int64_t*>(out.view.buf), n);
        return PyBool_FromLong(run != nullptr);
    }
    const int k = static_cast<int>(r);
    if (!table.accumulate[k][dtype]) Py_RETURN_FALSE;
    const size_t size = item_size(reduction_dtype(r, type));
    for (int64_t i = 0; index == 0 && i < n; ++i)
        table.identity[k][dtype](static_cast<char*>(out.view.buf) + i * static_cast<int64_t>(size));
    table.accumulate[k][dtype](row.view.buf, out.view.buf, n);
    Py_RETURN_TRUE;
}

// _parallel(counts, work, spin, nested): each chunk of `parallel` adds 1 to its own element of the int64 array `counts`,
// after `spin` steps of a loop. With `nested`, it does so by a call of `parallel` of its own. Returns how many chunks
// each of 64 workers took.
struct Counting {
    int64_t* counts;
    long spin;
    int nested;
    int64_t taken[64];
};
PyObject* count_in_parallel(PyObject*, PyObject* args) {
    Bytes counts;
    double work;
    Counting c{};
    if (!PyArg_ParseTuple(args, "w*dlp", &counts.view, &work, &c.spin, &c.nested)) return nullptr;
    c.counts = static_cast<int64_t*>(counts.view.buf);
    parallel(counts.view.len / 8, work, [&c, work](int64_t chunk, int worker) {
        for (volatile long i = 0; i < c.spin;) i = i + 1;
        ++c.taken[worker & 63];
        if (!c.nested) ++c.counts[chunk];
        else
            parallel(3, work,
                     [&](int64_t part, int same) { c.counts[chunk] += part == 1 && same == worker; });
    });
    PyObject* list = PyList_New(64);
    for (int i = 0; list && i < 64; ++i) PyList_SET_ITEM(list, i, PyLong_FromLongLong(c.taken[i]));
    return list;
}

PyMethodDef hooks[] = {
    {"_kernel", kernel, METH_VARARGS, nullptr},
    {"_kernel_chain", chain, METH_VARARGS, nullptr},
    {"_kernel_cast", cast, METH_VARARGS, nullptr},
    {"_kernel_reduction", reduction, METH_VARARGS, nullptr},
    {"_kernel_accumulate", accumulate, METH_VARARGS, nullptr},
    {"_parallel", count_in_parallel, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void init_kernel_hooks(PyObject* module) { PyModule_AddFunctions(module, hooks); }

}  // namespace pb
