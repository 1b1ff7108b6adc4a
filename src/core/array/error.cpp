#include "array/error.h"

#include <cstdio>

namespace pb {

void Piece::add_to(std::string& message) const {
    char digits[32];
    switch (kind_) {
        case Kind::Text: message += text_; return;
        case Kind::Signed: message += std::to_string(static_cast<int64_t>(whole_)); return;
        case Kind::Unsigned: message += std::to_string(whole_); return;
        case Kind::Real:
            std::snprintf(digits, sizeof digits, "%g", real_);
            message += digits;
            return;
    }
}

void throw_error(ErrorKind kind, const char* text, std::initializer_list<Piece> pieces) {
    std::string message;
    const Piece* piece = pieces.begin();
    for (; *text; ++text) {
        if (text[0] == '{' && text[1] == '}') {
            piece++->add_to(message);
            ++text;
            continue;
        }
        message += *text;
        if (*text == '{' || *text == '}') ++text;  // doubled
    }
    throw Error(kind, message);
}

void throw_out_of_memory(size_t bytes) {
    fail_as(ErrorKind::OutOfMemory,
            "DefaultCPUAllocator: not enough memory: you tried to allocate {} bytes. Nothing was changed; "
            "free some "
            "tensors or ask for a smaller one.",
            bytes);
}

}  // namespace pb
