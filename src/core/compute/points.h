// Points: the one idea behind indexing, gathering and scattering.
//
// Whatever names elements by integers (x[i, :, j], x[mask], gather, scatter, take, index_add, ...) covers some of a
// tensor's dimensions with a set of points. The points have a shape of their own, the indices' common one, and each
// is a single number: its row-major position among the covered dimensions. The result of reading has the dimensions
// that are not covered, with the points' shape put in among them. So the whole family is three loops, read, write and
// add at points, and one derivation: reading and adding are adjoint to each other.
//
// `Naming` says which elements index arrays name; `number` checks them and makes the numbers; `Points` are those over a
// tensor of a given shape. Dimensions are counted from the end. Those that a tensor has in front of the named ones lead:
// each entry is read or written for itself, with numbers of its own where the indices lead, too.
#pragma once
#include "array/array.h"

namespace pb::compute {

using Arrays = Small<Array, 4>;

// Raises for a number outside of a dimension.
using Outside = void (*)(int64_t i, int64_t dim, int64_t size);

struct Naming {
    enum Kind : uint8_t {
        Numbers,  // row-major numbers among the covered dimensions, as `number` makes them: nothing is checked
        Each,  // x[i, :, j]: an array for each covered dimension; they broadcast, and negative numbers wrap. A mask
               // covers as many dimensions as it has
        Along,   // index_select and its kin: a vector of indices along one dimension
        Gather,  // gather, scatter: along dim 0, element (i, j, k) of the array names (index[i, j, k], j, k)
        Flat,    // take, put: numbers in the tensor as a vector; negative ones wrap
        Mask,    // where a mask of the tensor's shape is true
    } kind = Numbers;
    bool wraps = false;         // Along, Gather: whether negative numbers count from the end
    uint16_t rank = 0;          // how many dimensions the tensor has,
    uint16_t dims = 0;          // and the points,
    uint16_t after = 0;         // and how many of the dimensions that stay come after the points
    int16_t along = 0;          // Gather: the dimension, from the end
    bool all = false;           // whether every dimension is covered; else
    Dims covered;               // those that are, increasing, from the end
    Outside outside = nullptr;  // Along

    int64_t result_rank() const {
        return rank + dims - (all ? int64_t(rank) : static_cast<int64_t>(covered.size()));
    }
    Naming numbered() const {
        Naming n(*this);
        n.kind = Numbers;
        return n;
    }
};

// Numbers that lie in a tensor of a shape.
struct Points {
    Dims input;           // the shape of the tensor, leading dimensions included
    Dims covered;         // dimensions, increasing, from the front
    Dims shape;           // of the points of an entry
    size_t position = 0;  // where it stands among the dimensions that stay
    size_t lead = 0;      // how many dimensions lead
    bool varies = false;  // whether the numbers do so too
    Array numbers;        // int64, contiguous

    Dims result() const;                                      // the shape of what is read
    int64_t count() const { return checked_product(shape); }  // of points, for each entry
    int64_t covered_count() const;                            // of the covered dimensions together
};

// The numbers that indices name in a tensor of shape `input`, checked: int64, contiguous, of the points' shape, behind
// the leading dimensions if the indices vary along them. They are an index itself where that holds just them. `layouts`
// takes those of the indices, if there are several to a point: with them, how what is read lies; null: contiguously.
using Layouts = Small<Ref<Layout>, 2>;
Array number(const Naming& n, const Dims& input, const Arrays& indices, Layouts* layouts = nullptr);
// Whether elements differ along the first `lead` dimensions: an index that was only repeated along them leads nothing.
bool differs_along(const Layout& index, int64_t lead);
Points points(const Naming& n, const Dims& input, const Array& numbers);
Ref<Layout> memory_of_read(const Points& p, const Layout& x, const Layouts& indices);

// The three loops, in the row-major order of the result. `y` is contiguous, of the result's shape, or one element.
enum class At { Read, Write, Add, Multiply, Divide, Max, Min };
void visit_points(const Points& p, At what, const Array& x, const Array& y);

// What is read at the points, contiguous; where `last`, with zeros for all but the last point of a number.
Array read_points(const Points& p, const Array& x, bool last = false);
// Writes or adds `values`, of the result's shape or one that broadcasts to it; they may share memory with `target`.
void put_points(const Points& p, At what, const Array& target, const Array& values);
void fill_points(const Points& p, const Array& target, Scalar value);

}  // namespace pb::compute
