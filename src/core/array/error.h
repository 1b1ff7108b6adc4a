// Errors that become Python exceptions at the door. The first sentence is PyTorch's, then cause and cure.
//
//     fail("select(): index {} out of range for tensor of size {}", index, shape_text(layout));
//
// A message has a {} for each argument, which is text, a number or a dtype; the compiler counts them. Braces that are
// meant as such are doubled.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "array/dtype.h"

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
    Import,
    LinAlg,  // a matrix that is singular, or not positive definite; what did not converge
    Mapped,  // somebody asked a tensor for its elements that has others for each entry of a vmap
};

class Error : public std::runtime_error {
  public:
    Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind(kind) {}
    ErrorKind kind;
};

// A Python exception is already set; unwind to the door.
class PythonError : public std::exception {};

// An argument of a message.
class Piece {
  public:
    Piece(const char* text) : kind_(Kind::Text), text_(text ? text : "") {}
    Piece(std::string_view text) : kind_(Kind::Text), text_(text) {}
    Piece(const std::string& text) : kind_(Kind::Text), text_(text) {}
    Piece(DType d) : Piece(dtype_name(d)) {}
    Piece(double number) : kind_(Kind::Real), real_(number) {}
    template <std::integral T>
    Piece(T number)
        : kind_(std::is_signed_v<T> ? Kind::Signed : Kind::Unsigned), whole_(static_cast<uint64_t>(number)) {}
    void add_to(std::string& message) const;

  private:
    enum class Kind : uint8_t { Text, Signed, Unsigned, Real } kind_;
    std::string_view text_;
    union {
        uint64_t whole_ = 0;
        double real_;
    };
};

// A message whose places are counted where it is compiled.
template <class... A> struct Message {
    const char* text;
    consteval Message(const char* t) : text(t) {
        size_t places = 0;
        for (; *t; ++t) {
            if (*t != '{' && *t != '}') continue;
            if (t[1] == *t) ++t;
            else if (t[0] == '{' && t[1] == '}') ++places, ++t;
            else throw "a brace by itself";
        }
        if (places != sizeof...(A)) throw "as many {} as arguments";
    }
};

[[noreturn]] void throw_error(ErrorKind kind, const char* text, std::initializer_list<Piece> pieces);

template <class... A>
[[noreturn, gnu::cold]] void fail_as(ErrorKind kind, std::type_identity_t<Message<A...>> message,
                                     const A&... arguments) {
    throw_error(kind, message.text, {Piece(arguments)...});
}
template <class... A>
[[noreturn, gnu::cold]] void fail(std::type_identity_t<Message<A...>> message, const A&... arguments) {
    fail_as(ErrorKind::Runtime, message, arguments...);
}
[[noreturn]] void throw_out_of_memory(size_t bytes);

}  // namespace pb
