// Doors to single kernels, to typed programs and to the pool of threads, for tests: nothing else calls them. Arrays come
// through the buffer protocol.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstring>

#include "kernels/chains.h"
#include "kernels/kernels.h"
#include "kernels/reduce.h"
#include "program/expression.h"
#include "program/threads.h"
#include "python/read/convert.h"

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
        chain.add(static_cast<Link>(link), operand, single ? Chain::Single : Chain::Block);
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

// An array over the elements of another, which may be of a dtype that no tensor has.
struct Borrowed {
    Py_buffer view{};
    Array array;
    Borrowed(PyObject* o, int dtype, int flags) {
        if (PyObject_GetBuffer(o, &view, flags) < 0) throw PythonError();
        Dims shape, strides;
        for (int d = 0; d < view.ndim; ++d) {
            shape.push_back(view.shape[d]);
            strides.push_back(view.strides[d] / view.itemsize);
        }
        array.dtype = static_cast<DType>(dtype);
        array.layout = Layout::strided(shape, strides);
        int64_t low, high;
        array.layout->extent(&low, &high);
        const auto bytes = static_cast<size_t>(high) * array.item();
        array.buffer = Buffer::foreign(
            view.buf, bytes, nullptr, [](void*) {}, true);
    }
    Borrowed(const Borrowed&) = delete;
    ~Borrowed() { PyBuffer_Release(&view); }
};

int find_primitive(const char* name) {
    int p = 0;
    while (p < static_cast<int>(Primitive::count) &&
           std::strcmp(primitive_info(static_cast<Primitive>(p)).name, name))
        ++p;
    return p;
}

// _program(types, numbers, [(primitive, value, ...), ...], outputs, [(array, dtype), ...], [(array, dtype), ...], later):
// runs a program, lowered for inputs of these types, from the first arrays into the others; as expressions if `later`.
void run_program(PyObject* types, PyObject* numbers, PyObject* instructions, PyObject* outputs,
                 PyObject* from, PyObject* to, bool later) {
    Program p;
    Small<DType, 8> inputs;
    auto each = [](PyObject* list, auto f) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) f(PyList_GET_ITEM(list, i));
    };
    auto borrow = [&each](PyObject* list, int flags) {
        std::vector<std::unique_ptr<Borrowed>> all;
        each(list, [&](PyObject* pair) {
            const long dtype = PyLong_AsLong(PyTuple_GetItem(pair, 1));
            all.push_back(
                std::make_unique<Borrowed>(PyTuple_GetItem(pair, 0), static_cast<int>(dtype), flags));
        });
        return all;
    };
    each(types, [&](PyObject* o) { inputs.push_back(static_cast<DType>(PyLong_AsLong(o))); });
    p.inputs = static_cast<int>(inputs.size());
    each(numbers, [&](PyObject* o) {
        Scalar s;
        if (!to_scalar(o, &s)) throw PythonError();
        p.constants.push_back(s);
    });
    each(instructions, [&](PyObject* o) {
        const int primitive = find_primitive(PyUnicode_AsUTF8(PyTuple_GetItem(o, 0)));
        Instruction i{static_cast<Primitive>(primitive), static_cast<uint8_t>(PyTuple_GET_SIZE(o) - 1), {}};
        for (int k = 0; k < i.arity; ++k)
            i.in[k] = static_cast<int16_t>(PyLong_AsLong(PyTuple_GET_ITEM(o, k + 1)));
        p.instructions.push_back(i);
    });
    each(outputs, [&](PyObject* o) { p.outputs.push_back(static_cast<int16_t>(PyLong_AsLong(o))); });
    // Programs live for ever, as those of rows do: what is pending points to them.
    const Lowered& program = lower(*new Program(std::move(p)), inputs.data());
    if (program.missing) fail_unsupported(program.missing, inputs[0]);
    auto operands = borrow(from, PyBUF_STRIDES), results = borrow(to, PyBUF_STRIDED);
    Small<Source, 8> sources;
    Small<Array, 4> out;
    for (auto& b : operands) sources.push_back({&b->array, {}});
    for (auto& b : results) out.push_back(b->array);
    const Layout& shape = *out[0].layout;
    if (!later) return execute(program, sources.data(), out.data(), shape);
    Small<Array, 4> pending;
    for (size_t o = 0; o < out.size(); ++o)
        pending.push_back(defer(program, static_cast<int>(o), sources.data(),
                                Layout::contiguous(shape.dims()), out[o].dtype));
    for (size_t o = 0; o < out.size(); ++o) copy_array(pending[o], out[o]);
}
PyObject* program(PyObject*, PyObject* args) {
    PyObject *lists[6], *list = reinterpret_cast<PyObject*>(&PyList_Type);
    int later;
    if (!PyArg_ParseTuple(args, "O!O!O!O!O!O!p", list, &lists[0], list, &lists[1], list, &lists[2], list,
                          &lists[3], list, &lists[4], list, &lists[5], &later))
        return nullptr;
    try {
        run_program(lists[0], lists[1], lists[2], lists[3], lists[4], lists[5], later);
    } catch (...) {
        return raise_current();
    }
    Py_RETURN_NONE;
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
    {"_program", program, METH_VARARGS, nullptr},
    {"_parallel", count_in_parallel, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void init_kernel_hooks(PyObject* module) { PyModule_AddFunctions(module, hooks); }

}  // namespace pb
