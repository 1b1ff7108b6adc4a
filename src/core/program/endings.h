// Endings: the reductions that end a fused program.
//
// A reduction takes its elements unit by unit (loop.h), as soon as they are computed, and follows the tree of
// kernels/reduce.h, so that it has the bits of a reduction of stored elements. There are three ways:
//
//   rows     one result for each row, also of one row that is everything: short rows at once, long ones leaf by leaf
//   columns  one result for each place in a row: rows join lanes
//   all      one result for everything, where rows are cut for another reason: the leaves of everything do not begin
//            where units do. They are collected; a leaf that no run has whole is put together aside.
#pragma once
#include <vector>

#include "program/arena.h"
#include "program/fuse.h"
#include "program/loop.h"

namespace pb {

// Elements [start, past) of the run [first, end).
struct Unit {
    int64_t start, past, first, end;
};

class Ending {
  public:
    // Takes a unit's elements, which lie end to end.
    virtual void take(const char* elements, const Unit& unit, int worker) = 0;
    // Combines what the chunks have left.
    virtual void finish() = 0;
    int16_t value;

  protected:
    Ending(const Fused::Output& output, DType type, Scratch& scratch);
    ~Ending() = default;  // never called: what it has is the scratch's
    Scratch& scratch_;
    int reduction_, dtype_;
    int64_t item_, out_item_;
    void (*merge_)(const void*, void*, int64_t);
    char* out_;
};

using Endings = std::vector<Ending*>;
// They live in the scratch, as long as that is not cleared.
void make_endings(const Fused& program, const Loop& loop, int workers, Scratch& scratch, Endings& all);

// What the reductions of a program want of its loop, given the length of rows.
Loop::Wishes wishes(const Fused& program, int64_t row);

}  // namespace pb
