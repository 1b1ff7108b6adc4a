#include "array/error.h"

#include <cstdarg>
#include <cstdio>

namespace pb {

static std::string format_message(const char* format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = std::vsnprintf(nullptr, 0, format, args);
    std::string s(static_cast<size_t>(n > 0 ? n : 0), '\0');
    std::vsnprintf(s.data(), s.size() + 1, format, again);
    va_end(again);
    return s;
}

void fail(const char* format, ...) {
    va_list args;
    va_start(args, format);
    std::string s = format_message(format, args);
    va_end(args);
    throw Error(ErrorKind::Runtime, s);
}

void fail_as(ErrorKind kind, const char* format, ...) {
    va_list args;
    va_start(args, format);
    std::string s = format_message(format, args);
    va_end(args);
    throw Error(kind, s);
}

void throw_out_of_memory(size_t bytes) {
    fail_as(ErrorKind::OutOfMemory,
            "DefaultCPUAllocator: not enough memory: you tried to allocate %zu bytes. Nothing was changed; "
            "free some "
            "tensors or ask for a smaller one.",
            bytes);
}

}  // namespace pb
