// Colourings of sparse patterns: which columns of a sparse matrix, or vertices of its graph, may share a product.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace pb::compute {

using Numbers = std::span<const int64_t>;

// The pattern of a matrix by rows: the columns of row i are columns[starts[i]] to columns[starts[i + 1]].
struct Pattern {
    Numbers starts, columns;
    int64_t rows() const { return static_cast<int64_t>(starts.size()) - 1; }
    Numbers row(int64_t i) const {
        const auto from = static_cast<size_t>(starts[static_cast<size_t>(i)]);
        return columns.subspan(from, static_cast<size_t>(starts[static_cast<size_t>(i) + 1]) - from);
    }
};

enum class Ordering : uint8_t { natural, largest_first, smallest_last, incidence_degree, count };

// Colours of the columns so that two of one colour have no row in common. `by_columns` is the transpose.
std::vector<int64_t> color_columns(const Pattern& by_rows, const Pattern& by_columns, Ordering ordering);
// Colours of the vertices of a symmetric pattern so that every path of four vertices has three colours at least.
std::vector<int64_t> color_star(const Pattern& graph, Ordering ordering);
// Colours of the vertices of a symmetric pattern so that neighbours differ, and every cycle has three colours at least.
std::vector<int64_t> color_acyclic(const Pattern& graph, Ordering ordering);

// How the entries of a symmetric matrix are found from its products with an acyclic colouring, one after the other: entry
// (i, j), i != j, is what is left of row i of the product for colour[j], and then leaves row j of that for colour[i].
// Pairs (i, j), each edge once, the order of elimination.
std::vector<int64_t> elimination(const Pattern& graph, Numbers colors);
// Does so: `rest` has a row for each vertex and a column for each colour, and is written; `values` gets one for each edge.
void substitute(Numbers pairs, Numbers colors, double* rest, int64_t count, double* values);

}  // namespace pb::compute
