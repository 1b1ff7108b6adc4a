// WorkLog: what a thread computes, kernel by kernel, so that it can be done again without asking.
//
// While a thread has a log, everything is computed at the call, and whoever computes elements notes it: which kernel, over
// which memory. A program of the table is noted step by step; an operand that does not lie in order is gathered first, by
// a table of where its elements are; what is not worth that is noted as a function of arrays. Memory is known by the
// buffer that holds it, and the log holds the buffers, so that no other comes to lie there.
//
// Nothing is noted by accident, and nothing can be missed: what is read has to be an input, or to have been written by
// something noted; whoever computes without noting has to say so (`spoil`), which rules and nodes do unless they
// state that all of their work is noted (ops/rule/rule.h). Of a log that is spoiled nothing comes.
//
// What comes of it is a script (script.h).
#pragma once
#include <functional>
#include <unordered_map>
#include <vector>

#include "kernels/reduce.h"
#include "program/program.h"

namespace pb {

// A kernel over memory, or what stands for one.
enum class Act : uint8_t {
    Kernel,   // of the primitives, and conversions
    Fill,     // one value, repeated
    Copy,     // bytes, which may overlap
    Gather,   // out[i] = in[table[i]]
    Scatter,  // out[table[i]] = in[i]
    Reduce,   // a run to one element
    Truth,    // whether an element is true has to be as it was
    Same,     // the bytes have to be what they were
    Call,     // a function of arrays
};
using ReduceKernel = void (*)(const void* in, int64_t n, void* out);

// Where something lies, in which memory.
struct Spot {
    int32_t memory = -1;
    int64_t offset = 0;  // in bytes
};

struct Noted {
    Act act;
    uint8_t size = 0;  // log2 of an element's bytes, as `size_index`; of Truth the expected one
    DType dtype = {};  // of Truth
    int32_t at = -1;   // which table, or function
    BlockKernel kernel = nullptr;
    ReduceKernel reduce = nullptr;
    Spot in[3], out;
    int64_t n = 0;  // elements; of Copy and Same bytes
};

class WorkLog {
  public:
    // A function of arrays: the first is written, the others are read.
    using Function = std::function<void(const Array* arrays)>;
    struct Argument {
        Spot first;  // its first element
        Ref<Layout> layout;
        DType dtype;
    };
    struct Called {
        Function function;
        std::vector<Argument> arguments;
    };
    struct Memory {
        enum Kind : uint8_t { Input, Made, Number } kind;
        int32_t number;  // which input; of a number which of the constants
        size_t bytes;
        Ref<Buffer> buffer;
        const char *base, *low, *high;  // of an input: its first element, and what it reaches
    };

    void add_input(const Array& a);
    // Nothing will come of it, and why.
    void spoil(const char* why) {
        if (!why_) why_ = why;
    }
    const char* spoiled() const { return why_; }

    // ---- to be noted where it is done ----
    void elementwise(const Lowered& p, const Source* sources, const Array* outputs, const Layout& shape);
    void kernel(BlockKernel k, std::initializer_list<const Array*> in, const Array& out);
    void copy(const Array& from, const Array& to);
    void fill(const Array& a, Scalar value);
    void reduce(ReduceKernel k, const Array& a, const Array& out);
    // Calls it now, without a log, and notes it.
    void call(Function f, const Array& out, std::initializer_list<const Array*> in);
    void truth(const Array& a, bool expected);  // of one element
    void same(const Array& a);

    Spot place_of(const Array& a);  // of its first element; spoils the log where it is not known

    std::vector<Noted> work;
    std::vector<Memory> memories;
    std::vector<std::vector<int32_t>> tables;
    std::vector<Called> functions;
    std::vector<Slot> numbers;

  private:
    Spot made(const Array& a);
    Spot room(size_t bytes);
    Spot number(const Slot& slot);
    Spot gathered(const Array& a, const Layout& shape);
    Spot converted(Spot p, DType from, DType to, int64_t n);
    void scatter(Spot from, const Array& to);
    void copy_bytes(Spot from, Spot to, size_t bytes);
    void fill_from(Spot value, Spot to, int size, int64_t n);
    int32_t table_of(const Array& a, const Layout& shape);

    const char* why_ = nullptr;
    std::unordered_map<const Buffer*, std::vector<int32_t>> known_;
};

extern constinit thread_local WorkLog* work_log __attribute__((tls_model("initial-exec")));

// Work that nobody notes.
struct Unnoted {
    Unnoted() : before(work_log) { work_log = nullptr; }
    ~Unnoted() { work_log = before; }
    Unnoted(const Unnoted&) = delete;
    WorkLog* before;
};

}  // namespace pb
