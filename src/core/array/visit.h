// visit: calls a function with a zero of the C++ type of a dtype.
//
//     visit<Family::Numbers>(x.dtype, "cumsum_out_cpu", [&](auto zero) {
//         using T = decltype(zero);
//         ...
//     });
//
// The family says which dtypes the function is written for; the others raise what PyTorch raises, under the name that its
// message has. So nothing decides silently, and a dtype that is added to the list (dtypes.inc) is met everywhere at once.
// Elements of bool are visited as the bytes they are: foreign memory may hold others than 0 and 1.
#pragma once
#include "array/dtype.h"

namespace pb {

// NotImplementedError: "name" not implemented for 'Half', under PyTorch's name of the kernel, or what it says of complex
// numbers (refusals.cpp).
[[noreturn]] void fail_unsupported(const char* name, DType d);
bool is_refusal(const char* name);  // whether PyTorch has words of its own for it
// Whether it refuses complex numbers before anything else is asked: with a sentence of its own, which for what PyTorch
// only lacks names the first operand and numbers.
bool refuses_complex_at_once(const char* name, bool named);

template <class T> struct Visited { using type = T; };
template <> struct Visited<bool> { using type = uint8_t; };

template <Family family, class F> decltype(auto) visit(DType d, const char* name, F&& f) {
    switch (d) {
#define PB_VISIT(Name, T, name_, legacy, c_name, format, kind, running)                         \
    case DType::Name:                                                                           \
        if constexpr (is_visited<family, T>(Kind::kind)) return f(typename Visited<T>::type{}); \
        break;
        PB_DTYPES(PB_VISIT)
#undef PB_VISIT
    }
    fail_unsupported(name, d);
}

// Calls f with an unsigned number, or bytes, of an element's size: for what moves elements and reads none.
template <class F> decltype(auto) with_item(DType d, F&& f) {
    switch (item_size(d)) {
        case 1: return f(uint8_t{});
        case 2: return f(uint16_t{});
        case 4: return f(uint32_t{});
        case 8: return f(uint64_t{});
        case 16: return f(Unread<16>{});
    }
    fail_unsupported("copy_", d);
}

}  // namespace pb
