// The line of the user's program that is running: the interpreter's frames, for the floors below.
#include "program/site.h"

#include <Python.h>
#include <frameobject.h>

#include <cstring>

namespace pb {

namespace {

// Whether `code` is part of the package: the user's line is further out.
bool is_ours(PyCodeObject* code) {
    static std::string* home = nullptr;
    if (!home) {
        PyObject* module = PyImport_ImportModule("pullback");
        PyObject* file = module ? PyObject_GetAttrString(module, "__file__") : nullptr;
        const char* path = file && PyUnicode_Check(file) ? PyUnicode_AsUTF8(file) : nullptr;
        home = new std::string(path ? path : "\n");
        home->resize(home->find_last_of("/\\") + 1);
        if (!path) *home = "\n";
        PyErr_Clear();
        Py_XDECREF(file);
        Py_XDECREF(module);
    }
    const char* name = PyUnicode_AsUTF8(code->co_filename);
    if (!name) PyErr_Clear();
    return name && std::strncmp(name, home->c_str(), home->size()) == 0;
}

Site here() {
    Site site;
    PyFrameObject* frame = PyEval_GetFrame();
    Py_XINCREF(frame);
    while (frame) {
        PyCodeObject* code = PyFrame_GetCode(frame);
        PyFrameObject* outer = is_ours(code) ? PyFrame_GetBack(frame) : nullptr;
        if (outer) {
            Py_DECREF(code);
            Py_SETREF(frame, outer);
            continue;
        }
        site.code = code;
#if PY_VERSION_HEX >= 0x030B0000
        site.instruction = PyFrame_GetLasti(frame);
#else
        site.instruction = frame->f_lasti * 2;
#endif
        Py_CLEAR(frame);
    }
    return site;
}

void forget(Site& site) {
    Py_XDECREF(static_cast<PyObject*>(site.code));
    site.code = nullptr;
}

std::string describe(const Site& site) {
    if (!site.code) return "";
    auto* code = static_cast<PyCodeObject*>(site.code);
    int line = PyCode_Addr2Line(code, site.instruction);
    const char* file = PyUnicode_AsUTF8(code->co_filename);
    PyErr_Clear();
    return std::string(file ? file : "?") + ", line " + std::to_string(line);
}

}  // namespace

void init_sites() { sites = {here, forget, describe}; }

}  // namespace pb
