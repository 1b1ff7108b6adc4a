// Loop: how the elements of a fused program are cut.
//
// Elements are numbered as they are walked. They fall into rows of one length, as those of a matrix do, which is what
// reductions over some axes, and operands that are broadcast, ask for; where nothing asks, everything is one row.
//
//   chunk  what a thread takes at a time: one or more runs
//   run    whole rows, or a part of one long row
//   unit   after which reductions take what was computed: a leaf of a long row, or a few short rows
//   block  what an instruction computes at a time: at most a register; of short rows, whole ones
//
// Where leading axes are reduced, rows join the lanes of a leaf round and round (kernels/reduce.h). If one leaf of rows
// is too much for a chunk, a thread takes the same lanes of every round, so that no two threads add to the same lane.
// Nothing of this shows in the results.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>

#include "kernels/reduce.h"

namespace pb {

class Loop {
  public:
    // What the reductions want: units that are leaves of long rows; runs that are whole leaves of everything, if rows
    // are many; and, if leading axes are reduced, of how many lanes the first leaf of rows is, and the last.
    struct Wishes {
        bool leaves = false, whole = false;
        int64_t lanes = 0, last_lanes = 0;
    };

    Loop(int64_t n, int64_t row, int64_t most_block, const Wishes& wishes, int threads)
        : n(n), row(row), rows(n / row), lanes_(wishes.lanes) {
        if (row <= most_block && row <= kReductionLeaf) {
            unit = kReductionLeaf / row * row;
            block = most_block / row * row;
        } else if (row <= kReductionLeaf) {
            unit = row;
            block = even(most_block);
        } else {
            unit = wishes.leaves ? kReductionLeaf : even(most_block);
            block = most_block;
        }
        block = std::min(block, unit);
        if (lanes_) cut_lanes(wishes.last_lanes, threads);
        else if (row > kChunk || rows == 1) cut_rows();
        else cut_between_rows(wishes.whole);
    }

    // Whether all blocks begin at multiples of so many elements, which is a power of two, 16 at most.
    bool begins_at(int64_t multiple) const { return rows == 1 || row % multiple == 0; }

    const int64_t n, row, rows;
    int64_t unit, block;
    int64_t chunks = 1;
    int64_t parts = 1;  // chunks of a row, if it is cut

    // Runs by number, in the order of the elements.
    int64_t run_of(int64_t at) const {
        if (parts > 1) return at / row * parts + at % row / run_;
        return (keeps_leaves() ? at : std::min(at, regular_)) / run_;
    }
    // Whether one chunk has all of a leaf of rows.
    bool keeps_leaves() const { return per_leaf_ == 0; }

    // Calls f(start, past) for the runs of a chunk.
    template <class F> void runs(int64_t chunk, F f) const {
        if (parts > 1) {
            int64_t first = chunk / parts * row, start = chunk % parts * run_;
            return f(first + start, first + std::min(start + run_, row));
        }
        if (keeps_leaves()) return f(chunk * run_, std::min((chunk + 1) * run_, n));
        int64_t leaf = chunk / per_leaf_ * kReductionLeaf * row;
        int64_t past = std::min(leaf + kReductionLeaf * row, n);
        if (leaf >= regular_) return f(leaf, past);
        for (int64_t at = leaf + chunk % per_leaf_ * run_; at < past; at += lanes_ * row)
            f(at, std::min(at + run_, past));
    }
    // Calls f(start, past) for the units of a run.
    template <class F> void units(int64_t start, int64_t past, F f) const {
        while (start < past) {
            int64_t end = std::min(start + unit, past);
            if (row > kReductionLeaf && rows > 1) end = std::min(end, start - start % row + row);
            f(start, end);
            start = end;
        }
    }

  private:
    static constexpr int64_t kChunk = 16 * kReductionLeaf, kSmallChunk = 4 * kReductionLeaf, kMany = 16;
    int64_t chunk_elements() const { return n < 2 * kChunk ? kSmallChunk : kChunk; }

    // A row in equal pieces, none longer than a block.
    int64_t even(int64_t most) const {
        int64_t pieces = (row + most - 1) / most, piece = (row + pieces - 1) / pieces;
        return std::min(most, (piece + 15) / 16 * 16);
    }
    // Parts of a row are subtrees of its reduction: a power of two of leaves.
    void cut_rows() {
        run_ = chunk_elements();
        parts = (row + run_ - 1) / run_;
        chunks = rows * parts;
    }
    void cut_between_rows(bool whole) {
        int64_t together = std::max<int64_t>(chunk_elements() / row, 1);
        int64_t step = kReductionLeaf / std::gcd(row, kReductionLeaf);
        if (whole && rows >= kMany * step) together = (together + step - 1) / step * step;
        run_ = together * row;
        chunks = (n + run_ - 1) / run_;
    }
    // A chunk has as many lanes as leave each thread a few chunks: long runs read memory best.
    void cut_lanes(int64_t last_lanes, int threads) {
        int64_t leaf = kReductionLeaf * row, leaves = (n + leaf - 1) / leaf, own = lanes_;
        while (own > 1 && leaves * lanes_ / own < 4 * threads && own * row >= 2 * kReductionLeaf) own /= 2;
        if (own == lanes_) {  // leaves are small, or enough for all threads
            run_ = std::max<int64_t>(chunk_elements() / leaf, 1) * leaf;
            chunks = (n + run_ - 1) / run_;
            return;
        }
        run_ = own * row;
        per_leaf_ = lanes_ / own;
        int64_t whole = n / leaf;
        bool irregular = last_lanes != lanes_;
        regular_ = irregular ? whole * leaf : n;
        chunks = whole * per_leaf_ + (n % leaf == 0 ? 0 : irregular ? 1 : per_leaf_);
    }

    int64_t run_ = 1;
    int64_t lanes_;
    int64_t per_leaf_ = 0;  // chunks of a leaf of rows, if it is cut
    int64_t regular_ = 0;   // elements of leaves that are cut: one with fewer lanes is not
};

}  // namespace pb
