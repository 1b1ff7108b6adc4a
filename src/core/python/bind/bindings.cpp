// The operators, room by room: each file here has the list of its own.
#include "python/read/convert.h"

namespace pb {

void bind_shape();
void bind_reduce();
void bind_index();
void bind_matrix();
void bind_create();
void bind_random(PyObject* module);
void bind_types();
void bind_interop(PyObject* module);
void bind_program(PyObject* module);
void bind_updates(PyObject* module);
void bind_watch(PyObject* module);
void bind_overriding(PyObject* module);

void init_bindings(PyObject* module) {
    bind_shape();
    bind_reduce();
    bind_index();
    bind_matrix();
    bind_create();
    bind_random(module);
    bind_types();
    bind_interop(module);
    bind_program(module);
    bind_updates(module);
    bind_watch(module);
    bind_overriding(module);
}

}  // namespace pb
