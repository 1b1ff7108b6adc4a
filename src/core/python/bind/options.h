// What every function that makes a tensor takes besides its contents: dtype, layout, device, pin_memory,
// requires_grad, in this order in every signature, and after them perhaps memory_format.
#pragma once
#include "array/limits.h"
#include "array/order.h"
#include "ops/operators.h"
#include "python/bind/bind.h"
#include "python/read/from_data.h"

namespace pb {

struct Options {
    MaybeDType dtype;
    bool requires_grad = false;
    // The new tensor as it leaves: with the flags that were asked for.
    Tensor finish(Tensor t) const;
};
template <> struct Reading<Options> : Plain<Options> {
    static constexpr Wants wants = {"dtype? layout? device? bool bool"};
    static constexpr size_t width = 5;
    Reading(const Args& a, size_t first);
};
// The same without a layout.
struct ShortOptions : Options {};
template <> struct Reading<ShortOptions> : Plain<ShortOptions> {
    static constexpr Wants wants = {"dtype? device? bool bool"};
    static constexpr size_t width = 4;
    Reading(const Args& a, size_t first);
};

// memory_format: what is given, or that nothing is.
struct MemoryFormat {
    std::optional<Format> given;
    Ref<Layout> of(const Tensor& like) const {
        return formatted_layout(like.layout(), given.value_or(Format::Preserve));
    }
};
template <> struct Reading<MemoryFormat> : Plain<MemoryFormat> {
    static constexpr Wants wants = {"format", true};
    Reading(const Args& a, size_t i);
};

void require_kernels(const char* operation, DType d);

}  // namespace pb
