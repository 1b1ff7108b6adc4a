#include "python/bind/watch.h"

#include <algorithm>

#include "tape/node.h"

namespace pb {

int watched = 0;
thread_local Watchers watchers;

namespace {

void count_watchers(int change) {
    const bool before = watched > 0;
    watched += change;
    if (before == (watched > 0)) return;
    watch_operators(watched > 0);
    watch_slots(watched > 0);
}

PyObject* push_watcher(PyObject*, PyObject* o) {
    Watchers& w = watchers;
    w.all.push_back(Py_NewRef(o));
    w.level = w.all.size();
    count_watchers(1);
    Py_RETURN_NONE;
}

PyObject* pop_watcher(PyObject*, PyObject*) {
    Watchers& w = watchers;
    if (w.all.empty()) {
        PyErr_SetString(PyExc_RuntimeError, "there is no watcher on this thread");
        return nullptr;
    }
    PyObject* last = w.all.back();
    w.all.pop_back();
    w.level = std::min(w.level, w.all.size());
    count_watchers(-1);
    Py_DECREF(last);
    Py_RETURN_NONE;
}

// proceed(callable, args, kwargs): what a watcher calls for the call to go on.
PyObject* proceed(PyObject*, PyObject* given) {
    PyObject *callable, *args, *keywords = Py_None;
    if (!PyArg_ParseTuple(given, "OO!|O", &callable, &PyTuple_Type, &args, &keywords)) return nullptr;
    Watchers& w = watchers;
    const bool inside = std::exchange(w.inside, false);
    const size_t level = w.level;
    PyObject* result = PyObject_Call(callable, args, keywords == Py_None ? nullptr : keywords);
    w.level = std::min(level, w.all.size());
    w.inside = inside;
    return result;
}

// ---- measuring ----

PyObject* start(PyObject*, PyObject* args) {
    int shapes, memory, sites, flops;
    if (!PyArg_ParseTuple(args, "pppp", &shapes, &memory, &sites, &flops)) return nullptr;
    if (profile) {
        PyErr_SetString(
            PyExc_RuntimeError,
            "Profiler is already enabled on this thread. There is one at a time: end the other first.");
        return nullptr;
    }
    start_profile(shapes, memory, sites, flops);
    count_watchers(1);
    Py_RETURN_NONE;
}

PyObject* as_lists(const std::vector<std::vector<int64_t>>& shapes) {
    Owned list(checked(PyList_New(0)));
    for (const auto& shape : shapes) {
        Owned sizes(checked(PyList_New(0)));
        for (int64_t n : shape) {
            Owned size(checked(PyLong_FromLongLong(n)));
            if (PyList_Append(sizes.o, size.o) < 0) throw PythonError();
        }
        if (PyList_Append(list.o, sizes.o) < 0) throw PythonError();
    }
    return list.release();
}

// The events: (name, kind, begin, end, inside, thread, bytes, sequence, shapes, text, flops).
PyObject* listed(const std::vector<Event>& events) {
    try {
        Owned list(checked(PyList_New(0)));
        for (const Event& e : events) {
            Owned event(checked(
                Py_BuildValue("(s#iLLLILKNs#L)", e.name.data(), static_cast<Py_ssize_t>(e.name.size()),
                              static_cast<int>(e.kind), static_cast<long long>(e.begin),
                              static_cast<long long>(e.end), static_cast<long long>(e.inside),
                              static_cast<unsigned>(e.thread), static_cast<long long>(e.bytes),
                              static_cast<unsigned long long>(e.sequence), as_lists(e.shapes), e.text.data(),
                              static_cast<Py_ssize_t>(e.text.size()), static_cast<long long>(e.flops))));
            if (PyList_Append(list.o, event.o) < 0) throw PythonError();
        }
        return list.release();
    } catch (...) {
        return raise_current();
    }
}

PyObject* stop(PyObject*, PyObject*) {
    try {
        if (profile) count_watchers(-1);
        return listed(stop_profile());
    } catch (...) {
        return raise_current();
    }
}
// profile_events(): those that there are so far.
PyObject* so_far(PyObject*, PyObject*) { return listed(profile ? profile->events : std::vector<Event>{}); }

PyObject* is_profiling(PyObject*, PyObject*) { return PyBool_FromLong(profile != nullptr); }

// begin_range(name): an object that ends the range when it goes. None where nobody measures.
void end_measured(PyObject* capsule) {
    delete static_cast<Measured*>(PyCapsule_GetPointer(capsule, "measured"));
}
PyObject* begin_range(PyObject*, PyObject* name) {
    if (!profile) Py_RETURN_NONE;
    const char* text = PyUnicode_AsUTF8(name);
    if (!text) return nullptr;
    return PyCapsule_New(new Measured(Event::Range, text), "measured", end_measured);
}

// Whether two tensors are one value: the same elements of one cell.
PyObject* is_same_value(PyObject*, PyObject* args) {
    PyObject *a, *b;
    if (!PyArg_ParseTuple(args, "O!O!", tensor_type, &a, tensor_type, &b)) return nullptr;
    const TensorObject *x = as_tensor(a), *y = as_tensor(b);
    return PyBool_FromLong(x->cell == y->cell && x->offset == y->offset && x->dtype == y->dtype &&
                           x->layout->same(*y->layout));
}

// The line of the user's program that is running.
PyObject* user_line(PyObject*, PyObject*) {
    Site site = sites.here();
    std::string text = sites.describe(site);
    sites.forget(site);
    return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}

PyMethodDef functions[] = {
    {"push_watcher", push_watcher, METH_O, nullptr},
    {"pop_watcher", pop_watcher, METH_NOARGS, nullptr},
    {"proceed", proceed, METH_VARARGS, nullptr},
    {"start_profile", start, METH_VARARGS, nullptr},
    {"stop_profile", stop, METH_NOARGS, nullptr},
    {"profile_events", so_far, METH_NOARGS, nullptr},
    {"is_profiling", is_profiling, METH_NOARGS, nullptr},
    {"is_same_value", is_same_value, METH_VARARGS, nullptr},
    {"user_line", user_line, METH_NOARGS, nullptr},
    {"begin_range", begin_range, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyObject* ask_watcher(const char* name, PyObject* callable, PyObject* const* args, size_t count,
                      PyObject* keywords) {
    try {
        Watchers& w = watchers;
        Owned positions(checked(PyTuple_New(static_cast<Py_ssize_t>(count)))), named;
        for (size_t i = 0; i < count; ++i)
            PyTuple_SET_ITEM(positions.o, static_cast<Py_ssize_t>(i), Py_NewRef(args[i]));
        if (keywords && PyTuple_GET_SIZE(keywords)) {
            named.o = checked(PyDict_New());
            for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keywords); ++i)
                if (PyDict_SetItem(named.o, PyTuple_GET_ITEM(keywords, i),
                                   args[count + static_cast<size_t>(i)]) < 0)
                    throw PythonError();
        }
        Owned title(checked(PyUnicode_FromString(name)));
        Owned watcher(Py_NewRef(w.all[w.level - 1]));
        const size_t level = w.level--;
        w.inside = true;
        PyObject* result = PyObject_CallFunctionObjArgs(watcher.o, title.o, callable, positions.o,
                                                        named.o ? named.o : Py_None, nullptr);
        w.inside = false;
        w.level =
            std::min(level, w.all.size());  // a hook may have ended a block that was begun outside of it
        return result;
    } catch (...) {
        return raise_current();
    }
}

void note_shapes(Event& e, PyObject* const* args, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        std::vector<int64_t> shape;
        if (is_tensor(args[i]))
            for (int64_t n : as_tensor(args[i])->layout->dims()) shape.push_back(n);
        e.shapes.push_back(std::move(shape));
    }
}

uint64_t next_node() { return Node::next_sequence + 1; }

void note_elementwise(const Measured& measured, std::string_view name, PyObject* result) {
    static constexpr std::string_view counted[] = {"add", "add_", "add_scaled", "add_scaled_", "mul", "mul_"};
    Event* e = measured.event();
    if (!e || !is_tensor(result) || std::ranges::find(counted, name) == std::end(counted)) return;
    const int64_t number = e - profile->events.data();
    for (Event* inner = e + 1; inner <= &profile->events.back(); ++inner)
        if (inner->inside == number && inner->kind == Event::Operator) return;  // which has counted
    const Layout& l = *as_tensor(result)->layout;
    int64_t elements = l.numel();
    for (const MappedAxis& axis : l.axes()) elements *= axis.size;
    e->flops += elements;
}

void bind_watch(PyObject* module) {
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace pb
