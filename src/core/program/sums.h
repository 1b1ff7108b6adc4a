// Sums of parts of rows: what gradients of slices are added up in.
//
// Where entries have slices, the gradient of a whole is rows of zeros, or of what has been added up before, to which the
// gradients of parts of rows are added. While those are pending they need no memory of their own: the program that computes
// them adds them, row after row. Those that have their bytes are added a few rows after the other, each by all parts while it
// is in the cache.
#pragma once
#include <vector>

#include "array/array.h"

namespace pb {

struct RowSum {
    Array whole;    // contiguous
    bool begins;    // what is in it is of no interest
    int64_t width;  // of a row of it, and the length of a part, in elements
    int64_t length;
    struct Part {
        Buffer* value;  // pending, all rows one after the other
        int64_t at;     // where in a row of the whole it begins
    };
    Small<Part, 4> parts;  // in the order in which they are added

    int64_t rows() const { return whole.numel() / width; }
};

// Gives the whole its bytes, and leaves pending what those are not computed from.
void compute_alone(Buffer& whole);

// Computes all of the sum, and leaves the parts pending: each is held by one cell, which has to go now, since nobody may ask
// for them any more. False where it cannot: then they are values as ever, which have their bytes mostly.
bool sum_rows(const RowSum& sum);

// A part of each row that is in memory, all rows one after the other.
struct RowRun {
    const char* values;
    int64_t at, length;
};

// Whether `add_runs` knows how to add elements of such a dtype.
bool adds_runs(DType dtype);
// Adds runs, in their order, to the rows of a whole, which is contiguous and not pending. `begins` and `width` as above.
void add_runs(const Array& whole, bool begins, int64_t width, const std::vector<RowRun>& runs);

}  // namespace pb
