// Code: machine code that can be run, and the cache that keeps it.
//
// What a run of steps asks for is said by a key, words that have all that its code depends on: kinds of operands, but no
// places and no numbers. Code is kept by its key, up to a bound; what was asked for longest ago goes first. A key that was
// asked for once, and for which there is no code yet, is kept as well: emitting may pay from the second time on.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "code/emit.h"
#include "code/frames.h"
#include "code/memory.h"

namespace pb::code {

class Code {
  public:
    Code(const Emitted& emitted, const std::vector<Argument>& arguments, size_t results, DType lane,
         bool wide);

    bool is_there() const { return pages_.start(); }
    size_t bytes() const { return pages_.size(); }
    // Runs it on n elements of operands and results, which lie where `places` says. A result may lie over an operand.
    void run(char* const* places, int64_t elements) const {
        const int64_t n = elements * parts_;
        const int64_t whole = n & -lanes_;
        if (whole) function_(places, whole);
        if (whole == n) return;
        if (whole && !streams_ && is_apart(places, n)) run_last(places, n);
        else run_rest(places, whole, n - whole);
    }

  private:
    bool is_apart(char* const* places, int64_t n) const;
    void run_last(char* const* places, int64_t n) const;
    void run_rest(char* const* places, int64_t at, int64_t n) const;
    Pages pages_;
    Frame frame_;
    std::vector<std::shared_ptr<const Table>> tables_;
    void (*function_)(char* const*, int64_t);
    std::vector<int64_t> sizes_;  // of an element of each argument, 0: single; results are the last
    size_t operands_;
    int64_t parts_;         // of an element: 2 of complex numbers, each of which is an element here
    int64_t lanes_;         // of a round
    bool streams_ = false;  // results, whose vectors lie as lines do
};
constexpr size_t kMostArguments = 96;

using Key = std::vector<uint64_t>;

// What is there for a key. `pays`: whether emitting pays even if it is asked for only once. Null: let the steps run.
using Maker = std::function<std::shared_ptr<const Code>()>;
std::shared_ptr<const Code> find(const Key& key, bool pays, const Maker& make);

// Whether steps are made code at all. PULLBACK_MACHINE_CODE=0 in the environment says no, and so do other processors.
enum class Use : uint8_t { never, where_it_pays, always };
extern Use use;
bool is_possible();  // on this processor
bool is_wide();      // AVX-512

struct Statistics {
    uint64_t kept = 0, bytes = 0, emitted = 0, refused = 0;
};
Statistics statistics();
void set_bound(size_t entries, size_t bytes);
void forget();
constexpr size_t kMostKept = 512, kMostBytes = size_t(8) << 20;

}  // namespace pb::code
