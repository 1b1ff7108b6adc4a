// Segments: runs of a program's steps that become machine code (code/).
//
// Steps on floats and integers of one width, and on truth values beside them, are one run as long as each can be said in the
// operations of a sequence. What only the run reads stays in the processor's registers; its other operands and results are
// values of the program as ever, so that loads, endings and other steps need not know. What is no part of a run is called as it
// is.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "code/code.h"
#include "program/fuse.h"

namespace pb {

struct Segment {
    size_t first = 0, past = 0;  // steps
    DType lane = DType::Float32;
    std::vector<int16_t> operands, results;  // values
    std::vector<code::Argument> arguments;   // of both, in this order
    std::shared_ptr<const code::Code> code;
};

// What is known of a program's values: which are one for all elements of a block, the steps that read them last, and of those
// that may be stored past the caches, the steps that do. The others are stored as usual, and have kAlways.
struct Facts {
    const std::vector<char>& single;
    const std::vector<int32_t>&last, &streamed;
};

class Segments {
  public:
    // Cuts a program, which takes so many nanoseconds without code, and finds the code of those runs that have some.
    void find(const Fused& p, const Facts& facts, double nanoseconds);
    // The run that begins with a step, if there is one and code for it.
    const Segment* at(size_t step) const;
    // The code of all runs, as text.
    std::string describe(const Fused& p, const Facts& facts);

  private:
    template <class F> void cut(const Fused& p, const Facts& facts, F found);
    void close(const Fused& p, const Facts& facts, Segment& s);
    std::vector<Segment> all_;
    size_t count_ = 0;
    code::Key key_;                 // of the run at hand
    std::vector<int16_t> numbers_;  // of its values, -1: none
    // By value, the run in which it has taken a function. Another one then begins a new run: a vector that waits for two
    // of them, one after the other, takes longer than both kernels, which have many elements on the way.
    std::vector<int32_t> functions_;
    // By step, the table that it is looked up in, if there is one.
    std::vector<std::shared_ptr<const code::Table>> tables_;
};

// How a value is called in a text.
std::string name_of(const Fused& p, int16_t v);
std::string line_of(const Fused& p, const Step& s);

}  // namespace pb
