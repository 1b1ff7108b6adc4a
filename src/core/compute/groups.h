// Points by element: which of them meet, and reductions over those that do.
//
// The products are the delicate ones: they are multiplied pairwise, as a tree (`Pairing`), so that a factor's partial
// derivative is the product of its partners on the way up.
#pragma once
#include <vector>

#include "compute/points.h"

namespace pb::compute {

// Each touched element once, how many points it has, and the points in that order.
struct Groups {
    Array elements;               // increasing numbers, int64
    std::vector<int64_t> counts;  // of points, for each
    std::vector<int64_t> order;   // the points, element by element
};
Groups group(const Points& p);

// One round of multiplying in pairs, over values that lie element by element. The arrays are int64, but the last.
struct Round {
    Array partner;   // of each value; itself where it has none
    Array parent;    // the value of the next round that it becomes a part of
    Array left;      // of each pair the first, and those that stay alone
    Array in_pairs;  // Boolean: whether it has a partner
};
// The rounds until one value is left for each element.
std::vector<Round> rounds_of(const Groups& g);

Array vector_of(const std::vector<int64_t>& v);
Array inverse_of(const std::vector<int64_t>& order);  // of a permutation

enum class Reduce : uint8_t { None, Sum, Prod, Mean, AMax, AMin };
// Of tensors that the points cover whole; each entry for itself.
// Reduces `values`, of the points' shape, into the elements of x; those themselves count where `include_self`.
void reduce_into(const Points& p, Reduce reduce, bool include_self, const Array& x, const Array& values);
// How many values each element is made of, at least one: of the points' input's shape.
Array value_counts(const Points& p, bool include_self, DType dtype);

}  // namespace pb::compute
