#include "tensor/write_site.h"

#include <frameobject.h>

namespace pb {

void free_write_site(WriteSite* s) {
    Py_XDECREF(s->code);
    delete s;
}

void note_write(const Tensor& t, const char* operation) {
    Cell& cell = *t->cell;
    cell.written();
    if (!modes.grad) return;  // optimisers write under no_grad in every step; nobody asks for those lines
    if (!cell.last_write) cell.last_write = new WriteSite{nullptr, nullptr, 0};
    WriteSite& site = *cell.last_write;
    site.operation = operation;
    Py_CLEAR(site.code);
    if (PyFrameObject* frame = PyEval_GetFrame()) {
        site.code = reinterpret_cast<PyObject*>(PyFrame_GetCode(frame));
#if PY_VERSION_HEX >= 0x030B0000
        site.instruction = PyFrame_GetLasti(frame);
#else
        site.instruction = frame->f_lasti * 2;
#endif
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
        text += std::string(text.empty() ? "" : " ") + "at " + (file ? file : "?") + ", line " + std::to_string(line);
        PyErr_Clear();
    }
    return text;
}

}  // namespace pb
