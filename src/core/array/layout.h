// Layout: shape and strides, immutable and shared.
//
// A tensor does not own its shape: elementwise results point to the layout of their operands, so that the
// common case (same shape) is a comparison of two pointers and costs no memory. Every 0-d tensor shares one.
// Strides count elements. `dense` means that the elements fill one gapless run of memory in some order of the
// dimensions: such an array can be walked linearly together with others of the very same layout. `standard` means
// row-major to the letter: in a contiguous layout the stride of a dimension of size 1 may be anything, since nobody
// steps along it, but results lie by it (`array/order.h`).
//
// A layout may have *mapped axes*, which the code inside of a vmap does not see (tensor/mapped.h). Sizes, strides, and
// what is said above of contiguity are those of one entry; `same`, `extent` and `overlaps_itself` see the axes as well.
// Tensors have such layouts; of arrays only the residuals that a node keeps.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "array/checked.h"
#include "array/pool.h"
#include "array/ref.h"
#include "array/small.h"

namespace pb {

// An axis that nobody sees: of which level of vmap, how many entries it has, and how far they lie apart.
struct MappedAxis {
    uint64_t level;
    int64_t size, stride;
};
using MappedAxes = Small<MappedAxis, 2>;  // by level, the outermost first

class Layout {
  public:
    static Ref<Layout> contiguous(const int64_t* shape, size_t ndim);
    static Ref<Layout> contiguous(const Dims& shape) { return contiguous(shape.data(), shape.size()); }
    static Ref<Layout> strided(const Dims& shape, const Dims& strides);
    static Ref<Layout> scalar() { return Ref<Layout>(scalar_); }
    // The shape and strides of `entry`, with these axes instead of its own.
    static Ref<Layout> mapped(const Layout& entry, const MappedAxes& axes);

    int64_t ndim() const { return ndim_; }
    int64_t numel() const { return numel_; }
    const int64_t* shape() const { return dims_; }
    const int64_t* strides() const { return dims_ + ndim_; }
    int64_t size(int64_t d) const { return dims_[d]; }
    int64_t stride(int64_t d) const { return dims_[ndim_ + d]; }
    bool is_contiguous() const { return contiguous_; }
    bool is_dense() const { return dense_; }
    bool is_standard() const { return standard_; }
    Dims dims() const { return Dims(shape(), shape() + ndim_); }
    Dims stride_dims() const { return Dims(strides(), strides() + ndim_); }
    bool same_shape(const Layout& o) const;
    bool same(const Layout& o) const;  // shape and strides, and axes
    bool overlaps_itself() const;      // two indices may reach one element

    bool is_mapped() const { return axes_ != 0; }
    MappedAxes axes() const;
    Ref<Layout> plain() const;  // without axes
    // What lies in memory, as a plain layout: the axes of `all` in front, then ones up to `rank` dimensions, then what is
    // seen. An axis that this layout lacks has stride 0, or size 1 for `ones`.
    Ref<Layout> physical(const MappedAxes& all, int64_t rank = 0, bool ones = false) const;

    // The dimensions from the fastest moving to the slowest (`array/order.h`), and a gapless layout of the same shape in
    // that order: this one when it is dense.
    Dims memory_order() const;
    Ref<Layout> packed() const;

    // The layout in which `shape`, of as many elements, views the same memory; null if there is none.
    Ref<Layout> viewed(const Dims& shape) const;

    // The lowest and one past the highest element reached, relative to the offset; 0, 0 when empty.
    void extent(int64_t* low, int64_t* high) const;

    void retain() { ++refs_; }
    void release() {
        if (--refs_ == 0) destroy();
    }

  private:
    friend void init_layouts();
    static Layout* make(size_t ndim, size_t axes = 0);
    void finish();
    void destroy();
    static Layout* scalar_;

    uint32_t refs_;
    uint16_t ndim_;
    bool contiguous_;
    bool dense_ : 1;
    bool standard_ : 1;
    uint8_t axes_ : 6;
    int64_t numel_;
    int64_t dims_[1];  // sizes, strides; then level, size and stride of each axis
};

void init_layouts();
std::string shape_text(const int64_t* shape, size_t ndim);  // "[2, 3]"
inline std::string shape_text(const Dims& d) { return shape_text(d.data(), d.size()); }
inline std::string shape_text(const Layout& l) {
    return shape_text(l.shape(), static_cast<size_t>(l.ndim()));
}

// The product of sizes; raises when it does not fit (PyTorch's message) or a size is negative.
int64_t checked_numel(const int64_t* shape, size_t ndim);

// NumPy's broadcasting; raises PyTorch's RuntimeError when shapes do not fit.
Dims broadcast_shapes(const Layout& a, const Layout& b);
// Sizes that do not broadcast, at a dimension; `cure` is what is said behind that.
[[noreturn]] void fail_broadcast(int64_t a, int64_t b, int64_t dim, const std::string& cure);
// Whether `to` broadcasts to `from`: a sum over some of its dimensions has that shape.
bool can_sum_to(const Layout& from, const Layout& to);
// Strides of `l` seen as an array of `shape` (0 where broadcast). Shapes must fit.
Dims broadcast_strides(const Layout& l, const Dims& shape);

// A dimension in Python's convention; raises IndexError as PyTorch does.
int64_t wrap_dim(int64_t dim, int64_t ndim);

// As a parameter: one dimension, or none given.
using MaybeDim = std::optional<int64_t>;
// As a parameter: the dimensions to work along, which are all where none are given or the list is empty.
class DimsOrAll {
  public:
    DimsOrAll() = default;
    DimsOrAll(const Dims& given) : dims_(&given) {}
    bool given() const { return dims_; }
    operator const Dims&() const { return dims_ ? *dims_ : none_; }

  private:
    inline static const Dims none_{};
    const Dims* dims_ = nullptr;
};

}  // namespace pb
