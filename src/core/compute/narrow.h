// Loops over narrow numbers (array/half.h), which have none of their own: over float32 or complex64, and rounded.
#pragma once
#include "program/program.h"

namespace pb::compute {

// Whether elements are narrow: then `fill` has filled a wide array of the same shape, and `a` has what is rounded.
template <class F> bool filled_wide(const Array& a, F&& fill) {
    if (!is_stored_only(a.dtype)) return false;
    const Array wide = Array::empty(computed_as(a.dtype), a.layout->dims());
    fill(wide);
    copy_array(wide, a);
    return true;
}

}  // namespace pb::compute
