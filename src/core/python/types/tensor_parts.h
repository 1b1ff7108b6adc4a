// What the rooms of the tensor type give it: number_slots.cpp, tensor_attributes.cpp.
#pragma once
#include <span>

#include "python/read/convert.h"

namespace pb {

// What signs, comparisons and conversions to Python's numbers do.
extern const std::span<const PyType_Slot> number_slots;
// Shape, dtype and all that is autograd state.
extern PyGetSetDef tensor_attributes[];

// Outside of a try block: what a class answers that overrides operators (bind/overriding.h).
template <class F> [[gnu::cold]] PyObject* answered(F ask) {
    try {
        return ask();
    } catch (...) {
        return raise_current();
    }
}

}  // namespace pb
