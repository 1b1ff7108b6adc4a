// Errors that become Python exceptions at the door. The first sentence is PyTorch's, then cause and cure.
#pragma once
#include <cstddef>
#include <stdexcept>
#include <string>

namespace pb {

enum class ErrorKind {
    Runtime,
    Type,
    Value,
    Index,
    NotImplemented,
    OutOfMemory,
    Overflow,
    ZeroDivision,
    Import
};

class Error : public std::runtime_error {
  public:
    Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind(kind) {}
    ErrorKind kind;
};

// A Python exception is already set; unwind to the door.
class PythonError : public std::exception {};

#if defined(__GNUC__)
#define PB_PRINTF(f, a) __attribute__((format(printf, f, a), noreturn, cold))
#else
#define PB_PRINTF(f, a) [[noreturn]]
#endif
void fail(const char* format, ...) PB_PRINTF(1, 2);  // RuntimeError
void fail_as(ErrorKind kind, const char* format, ...) PB_PRINTF(2, 3);
[[noreturn]] void throw_out_of_memory(size_t bytes);

}  // namespace pb
