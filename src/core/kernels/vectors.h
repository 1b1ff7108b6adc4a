// Vectors of the instruction set's width, where loops are written with them: loads and stores need the alignment of an
// element only.
#pragma once
#include "core/kernels/isa.h"

namespace pb {
namespace {

template <class T> struct Vectors {
    typedef T type __attribute__((vector_size(PB_VECTOR_BYTES), aligned(alignof(T)), may_alias));
};
template <class T> using Vector = typename Vectors<T>::type;
template <class T> constexpr int kWidth = PB_VECTOR_BYTES / static_cast<int>(sizeof(T));
template <class T> PB_INLINE Vector<T> load(const T* x) { return *reinterpret_cast<const Vector<T>*>(x); }
template <class T> PB_INLINE void store(T* x, Vector<T> v) { *reinterpret_cast<Vector<T>*>(x) = v; }

}  // namespace
}  // namespace pb
