// Where the last in-place write to a cell happened: the operation, and the Python line when one is running.
#pragma once
#include <string>

#include "program/site.h"
#include "tensor/tensor.h"

namespace pb {

struct WriteSite {
    const char* operation = nullptr;  // static string, or null
    Site line;
};

// To be called by every operation that writes into an existing cell, after the write.
void note_write(const Tensor& t, const char* operation);
std::string describe_write(const Cell& cell);  // "by add_ (model.py, line 12)", or ""

}  // namespace pb
