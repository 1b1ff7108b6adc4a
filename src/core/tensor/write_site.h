// Where the last in-place write to a cell happened: the operation, and the Python line when one is running.
// Kept as a code object and an instruction offset, because most writes are never asked about.
#pragma once
#include <string>

#include "tensor/tensor.h"

namespace pb {

struct WriteSite {
    const char* operation;  // static string, or null
    PyObject* code;         // owned
    int instruction;        // byte offset
};

// To be called by every operation that writes into an existing cell, after the write.
void note_write(const Tensor& t, const char* operation);
std::string describe_write(const Cell& cell);  // "by add_ (model.py, line 12)", or ""

}  // namespace pb
