// The operators' C++ halves, family by family: each file bind_*.cpp registers its own.
#include "python/read/convert.h"

namespace pb {

void bind_views();
void bind_reduce();
void bind_index();
void bind_join();
void bind_linear();
void bind_create();
void bind_random(PyObject* module);
void bind_types();
void bind_order();
void bind_rows();
void bind_scan();
void bind_interop(PyObject* module);
void bind_program(PyObject* module);
void init_return_types(PyObject* module);

void init_bindings(PyObject* module) {
    bind_views();
    bind_reduce();
    bind_index();
    bind_join();
    bind_linear();
    bind_create();
    bind_random(module);
    bind_types();
    bind_order();
    bind_rows();
    bind_scan();
    bind_interop(module);
    bind_program(module);
    init_return_types(module);
}

}  // namespace pb
