#include "tensor/write_site.h"

#include <frameobject.h>

#include <cstring>

namespace pb {

void free_write_site(WriteSite* s) {
    Py_XDECREF(s->code);
    delete s;
}

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

}  // namespace

void note_write(const Tensor& t, const char* operation) {
    Cell& cell = *t->cell;
    cell.written();
    if (!modes.grad) return;  // optimisers write under no_grad in every step; nobody asks for those lines
    if (!cell.last_write) cell.last_write = new WriteSite{nullptr, nullptr, 0};
    WriteSite& site = *cell.last_write;
    site.operation = operation;
    Py_CLEAR(site.code);
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
        site.code = reinterpret_cast<PyObject*>(code);
#if PY_VERSION_HEX >= 0x030B0000
        site.instruction = PyFrame_GetLasti(frame);
#else
        site.instruction = frame->f_lasti * 2;
#endif
        Py_CLEAR(frame);
    }
}

std::string describe_write(const Cell& cell) {
    if (!cell.last_write) return "";
    const WriteSite& s = *cell.last_write;
    std::string text = s.operation ? std::string("by ") + s.operation : "";
    if (s.code) {
        auto* code = reinterpret_cast<PyCodeObject*>(s.code);
        int line = PyCode_Addr2Line(code, s.instruction);
        const char* file = PyUnicode_AsUTF8(code->co_filename);
        text += std::string(text.empty() ? "" : " ") + "at " + (file ? file : "?") + ", line " +
                std::to_string(line);
        PyErr_Clear();
    }
    return text;
}

}  // namespace pb
