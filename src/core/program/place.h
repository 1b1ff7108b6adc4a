// Placing: where every value of a fused program is while it runs, and what is called on it.
//
// A value is memory that is read or written as it lies, a register, which is as wide as the widest value of the program,
// or, if a reduction wants more than a block of it, room for a unit (loop.h). A single value is one element in memory;
// where a step has no form for that, a block is filled with it. Steps all of whose operands are single are computed here.
//
// Operands that do not lie as the loop goes are loads. What is alike in all blocks is gathered once; what lies in rows as
// the loop does is followed from row to row; the rest is gathered block by block.
#pragma once
#include <optional>

#include "program/fuse.h"
#include "program/loop.h"
#include "program/segment.h"
#include "program/walk.h"

namespace pb {

// Where a value is found: element `at` of the loop at base + step * at. In a thread's own memory, `base` is the offset
// there until the thread has a table of its own.
struct Place {
    enum Kind : uint8_t { Memory, Register, InUnit } kind = Memory;
    char* base = nullptr;
    int64_t step = 0;
};

class Placing {
  public:
    struct Call {
        BlockKernel fn;
        const Chain* chain;  // instead of `fn`, for `links`
        ChainKernel links;
        int16_t in[kChainOperands];
        int16_t out;
        uint8_t arity;
        const code::Code* code = nullptr;  // instead of both, on the values of a segment
        const Segment* segment = nullptr;
    };
    struct Load {  // of an operand that does not lie as the loop goes
        enum Way : uint8_t {
            Gather,  // into a register, block by block
            Tile,    // into a register, once: all blocks are alike
            Follow   // read where it lies, at another place in each row, or one value in each
        } way;
        Walker walker;
        int16_t to;
    };
    struct Fill {  // a single value that a step wants as a block
        int16_t from, to;
        int log;
        int64_t count;
    };
    struct Copy {  // an output that no step writes by itself
        int16_t from;
        char* to;
        size_t item;
        bool single, streamed;
        std::optional<Walker> walker;  // if its elements do not lie as the loop goes
        AddRows add = nullptr;         // to rows of the sum, from an element of them on
        int64_t at = 0;
        BeginRows begin = nullptr;  // as the first of its parts: to zeros
    };

    // `nanoseconds`: about what it takes.
    void place(const Fused& p, int workers, double nanoseconds);
    // A value whose units lie side by side: this one, if it can, or a block of a single one. For what reduces it.
    int16_t whole_unit(int16_t v);
    // Whether results are so large that nobody would find them in the caches.
    bool streams() const { return streams_; }
    size_t worker_bytes() const { return static_cast<size_t>(registers_.count()) * register_bytes_; }

    std::optional<Loop> loop;
    std::vector<Place> places;  // of the program's values, then of filled blocks
    std::vector<Load> loads;
    std::vector<Fill> fills;
    std::vector<Call> calls;
    std::vector<Copy> copies;
    std::vector<int16_t> in_unit;

  private:
    // What is known of a value besides its place.
    struct Facts {
        bool single = false;   // for all elements, or within rows
        bool reduced = false;  // by an ending
        bool direct = false;   // the step that computes it writes it where it belongs
    };

    void find_loads();
    Loop make_loop(int workers) const;
    void place_singles();
    void find_lasts();
    void place_outputs();
    void place_operands();
    void gather_refused();
    void place_steps(double nanoseconds);
    void place_segment(const Segment& s);
    void place_copies();
    void bind(const Step& s);
    int16_t filled(int16_t value, int64_t count);

    unsigned singles_of(const Step& s) const;
    bool takes_singles(const Step& s) const;
    bool is_streamed(const Fused::Output& o) const;
    bool code_streams(const Fused::Output& o) const;
    int32_t last_read(const char* data) const;
    Place register_at(int32_t r) const;
    int32_t register_of(int16_t v) const;
    Place room(Place::Kind kind, int64_t count, size_t item);
    Facts& facts(int16_t v) { return facts_[static_cast<size_t>(v)]; }
    const Facts& facts(int16_t v) const { return facts_[static_cast<size_t>(v)]; }
    Place& at(int16_t v) { return places[static_cast<size_t>(v)]; }
    const Place& at(int16_t v) const { return places[static_cast<size_t>(v)]; }

    const Fused* p_ = nullptr;
    std::vector<Facts> facts_;
    std::vector<Slot> singles_;
    std::vector<Chain> chains_;
    Segments segments_;
    std::vector<char> single_;
    std::vector<int32_t> last_;  // step that reads a value last
    // The same without outputs, which last_ has as always read; and of outputs that code may stream, kAlways for others.
    std::vector<int32_t> reads_, streamed_;
    struct LastRead {
        const char* data;
        int32_t step;
        bool operator<(const LastRead& o) const { return data < o.data; }
    };
    std::vector<LastRead> last_reads_;            // the same for memory that is read as it lies, by address
    std::vector<Small<const Step*, 4>> readers_;  // of loads
    RegisterScan registers_;
    size_t widest_ = 1, register_bytes_ = 64;
    bool streams_ = false;
};

}  // namespace pb
