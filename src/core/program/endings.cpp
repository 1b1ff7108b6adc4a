#include "program/endings.h"

#include <cstring>
#include <new>

#include "array/error.h"
#include "program/leaf_stack.h"
#include "program/threads.h"

namespace pb {

namespace {

// Pieces of memory, side by side in lines of their own.
class Room {
  public:
    Room() = default;
    Room(Scratch& scratch, int64_t bytes, int64_t pieces)
        : pitch_((bytes + 63) / 64 * 64), memory_(scratch.take(pitch_ * pieces)) {}
    char* at(int64_t piece) const { return memory_ + piece * pitch_; }

  private:
    int64_t pitch_ = 0;
    char* memory_ = nullptr;
};

int64_t leaves_of(int64_t n) { return (n + kReductionLeaf - 1) / kReductionLeaf; }

// Results of leaves, or of subtrees, `width` side by side, become one.
void combine(Scratch& scratch, const char* partial, int64_t leaves, int64_t width, int64_t pitch,
             LeafStack::Merge merge, char* out) {
    LeafStack stack(scratch.take(LeafStack::rows_for(leaves) * pitch), width, pitch, merge);
    for (int64_t i = 0; i < leaves; ++i) stack.push(partial + i * pitch);
    std::memcpy(out, stack.finish(), static_cast<size_t>(pitch));
}

class Rows : public Ending {
  public:
    Rows(const Fused::Output& o, DType type, const Loop& loop, int workers, Scratch& scratch)
        : Ending(o, type, scratch),
          loop_(loop),
          short_(reductions().rows[reduction_][dtype_]),
          leaf_(reductions().reduce[reduction_][dtype_]) {
        if (loop.row <= kReductionLeaf) return;
        stacks_ = Room(scratch, kStack + 64 * out_item_, workers);
        for (int w = 0; w < workers; ++w)
            new (stacks_.at(w)) LeafStack(stacks_.at(w) + kStack, 1, out_item_, merge_);
        if (loop.parts > 1) partial_ = Room(scratch, loop.chunks * out_item_, 1);
    }
    void take(const char* elements, const Unit& u, int worker) override {
        int64_t row = u.start / loop_.row;
        if (loop_.row <= kReductionLeaf) {
            short_(elements, (u.past - u.start) / loop_.row, loop_.row, out_ + row * out_item_);
            return;
        }
        LeafStack& stack = *reinterpret_cast<LeafStack*>(stacks_.at(worker));
        leaf_(elements, u.past - u.start, stack.top());
        stack.push();
        bool part = loop_.parts > 1;
        if (u.past != (part ? u.end : (row + 1) * loop_.row)) return;
        char* to = part ? partial_.at(0) + loop_.run_of(u.start) * out_item_ : out_ + row * out_item_;
        std::memcpy(to, stack.finish(), static_cast<size_t>(out_item_));
    }
    void finish() override {
        for (int64_t row = 0; loop_.parts > 1 && row < loop_.rows; ++row)
            combine(scratch_, partial_.at(0) + row * loop_.parts * out_item_, loop_.parts, 1, out_item_,
                    merge_, out_ + row * out_item_);
    }

  private:
    const Loop& loop_;
    void (*short_)(const void*, int64_t, int64_t, void*);
    void (*leaf_)(const void*, int64_t, void*);
    static constexpr int64_t kStack = 64;  // bytes of a stack
    static_assert(sizeof(LeafStack) <= kStack);
    Room stacks_;  // of each worker, each with its space behind it
    Room partial_;
};

class Columns : public Ending {
  public:
    Columns(const Fused::Output& o, DType type, const Loop& loop, int workers, Scratch& scratch)
        : Ending(o, type, scratch),
          loop_(loop),
          join_(reductions().join[reduction_][dtype_]),
          fold_(reductions().fold[reduction_][dtype_]),
          leaves_(leaves_of(loop.rows)),
          pitch_(loop.row * out_item_),
          tiles_(scratch,
                 column_space(std::min(loop.rows, kReductionLeaf), static_cast<size_t>(item_), loop.row),
                 loop.keeps_leaves() ? workers : leaves_) {
        if (leaves_ > 1) partial_ = Room(scratch, leaves_ * pitch_, 1);
    }
    void take(const char* elements, const Unit& u, int worker) override {
        int64_t width = loop_.row, row = u.start / width, leaf = row / kReductionLeaf,
                place = u.start % width;
        int64_t count = u.past - u.start;
        char* tile = tiles_.at(loop_.keeps_leaves() ? worker : leaf);
        while (count > 0) {  // whole rows, or a piece of one
            leaf = row / kReductionLeaf;
            int64_t in_leaf = row - leaf * kReductionLeaf, lanes = lanes_of(leaf), lane = in_leaf % lanes;
            int64_t together = std::min(lanes - lane, rows_of(leaf) - in_leaf);
            int64_t n = std::min(count, together * width - place);
            join_(elements, n, tile, lane * width + place, in_leaf < lanes);
            elements += n * item_;
            count -= n;
            row += (place + n) / width;
            place = (place + n) % width;
            if (loop_.keeps_leaves() && place == 0 && row == leaf * kReductionLeaf + rows_of(leaf))
                fold(tile, leaf);
        }
    }
    void finish() override {
        if (!loop_.keeps_leaves()) {
            double work = static_cast<double>(pitch_ * lanes_of(0) * leaves_) * 0.02;
            parallel(leaves_, work, [this](int64_t leaf, int) { fold(tiles_.at(leaf), leaf); });
        }
        if (leaves_ > 1) combine(scratch_, partial_.at(0), leaves_, loop_.row, pitch_, merge_, out_);
    }

  private:
    int64_t rows_of(int64_t leaf) const {
        return std::min(kReductionLeaf, loop_.rows - leaf * kReductionLeaf);
    }
    int64_t lanes_of(int64_t leaf) const {
        return reduction_lanes(rows_of(leaf), static_cast<size_t>(item_));
    }
    void fold(char* tile, int64_t leaf) {
        fold_(tile, lanes_of(leaf), loop_.row, leaves_ > 1 ? partial_.at(0) + leaf * pitch_ : out_);
    }

    const Loop& loop_;
    void (*join_)(const void*, int64_t, void*, int64_t, bool);
    void (*fold_)(void*, int64_t, int64_t, void*);
    int64_t leaves_, pitch_;
    Room tiles_, partial_;
};

class All : public Ending {
  public:
    All(const Fused::Output& o, DType type, const Loop& loop, int workers, Scratch& scratch)
        : Ending(o, type, scratch),
          loop_(loop),
          leaf_(reductions().reduce[reduction_][dtype_]),
          leaves_(leaves_of(loop.n)),
          partial_(scratch, leaves_ * out_item_, 1),
          collected_(scratch, kReductionLeaf * item_, workers),
          aside_(scratch, kReductionLeaf * item_, loop.run_of(loop.n - 1) + 1) {}
    void take(const char* elements, const Unit& u, int worker) override {
        for (int64_t at = u.start; at < u.past;) {
            int64_t leaf = at / kReductionLeaf, first = leaf * kReductionLeaf, end = end_of(leaf);
            int64_t stop = std::min(u.past, end);
            if (at == first && stop == end) {
                reduce(elements, leaf);
            } else {
                bool whole = first >= u.first && end <= u.end;
                char* to = whole ? collected_.at(worker) : aside_.at(piece_of(leaf));
                std::memcpy(to + (at - first) * item_, elements, static_cast<size_t>((stop - at) * item_));
                if (whole && stop == end) reduce(to, leaf);
            }
            elements += (stop - at) * item_;
            at = stop;
        }
    }
    void finish() override {
        for (int64_t leaf = 0; leaf < leaves_; ++leaf)
            if (loop_.run_of(leaf * kReductionLeaf) != loop_.run_of(end_of(leaf) - 1))
                reduce(aside_.at(piece_of(leaf)), leaf);
        combine(scratch_, partial_.at(0), leaves_, 1, out_item_, merge_, out_);
    }

  private:
    int64_t end_of(int64_t leaf) const { return std::min((leaf + 1) * kReductionLeaf, loop_.n); }
    // Of two leaves that begin in one run, the first is whole.
    int64_t piece_of(int64_t leaf) const { return loop_.run_of(leaf * kReductionLeaf); }
    void reduce(const char* elements, int64_t leaf) {
        leaf_(elements, end_of(leaf) - leaf * kReductionLeaf, partial_.at(0) + leaf * out_item_);
    }

    const Loop& loop_;
    void (*leaf_)(const void*, int64_t, void*);
    int64_t leaves_;
    Room partial_, collected_, aside_;
};

}  // namespace

Ending::Ending(const Fused::Output& o, DType type, Scratch& scratch)
    : value(o.value),
      scratch_(scratch),
      reduction_(static_cast<int>(o.reduction)),
      dtype_(static_cast<int>(type)),
      item_(static_cast<int64_t>(item_size(type))),
      out_item_(static_cast<int64_t>(item_size(o.dtype))),
      out_(o.data) {
    Reduction joined = o.reduction == Reduction::count_nonzero ? Reduction::sum : o.reduction;
    merge_ = reductions().accumulate[static_cast<int>(joined)][static_cast<int>(o.dtype)];
}

void make_endings(const Fused& p, const Loop& loop, int workers, Scratch& scratch, Endings& all) {
    for (const Fused::Output& o : p.outputs) {
        if (o.is_stored()) continue;
        const DType type = p.type(o.value);
        if (o.over == Over::leading) all.push_back(scratch.make<Columns>(o, type, loop, workers, scratch));
        else if (o.over == Over::trailing || loop.rows == 1)
            all.push_back(scratch.make<Rows>(o, type, loop, workers, scratch));
        else all.push_back(scratch.make<All>(o, type, loop, workers, scratch));
    }
}

Loop::Wishes wishes(const Fused& p, int64_t row) {
    Loop::Wishes w;
    int64_t rows = p.n / row, last = (rows - 1) % kReductionLeaf + 1;
    for (const Fused::Output& o : p.outputs) {
        if (o.is_stored()) continue;
        w.leaves = w.leaves || o.over != Over::leading;
        w.whole = w.whole || o.over == Over::all;
        if (o.over != Over::leading) continue;
        size_t item = item_size(p.type(o.value));
        int64_t lanes = reduction_lanes(std::min(rows, kReductionLeaf), item);
        int64_t fewer = reduction_lanes(last, item);
        w.last_lanes = w.lanes ? std::min(w.last_lanes, fewer) : fewer;
        w.lanes = w.lanes ? std::min(w.lanes, lanes) : lanes;
    }
    return w;
}

}  // namespace pb
