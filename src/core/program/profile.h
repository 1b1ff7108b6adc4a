// Profile: what ran when, for whoever measures. Null most of the time, and then nobody looks but programs that run late,
// which take longer than the look, and the engine, once a run.
//
// Events are in the order of their beginnings; each knows the one that it is in, on its thread. What is pending when an
// operator returns is no part of it: its time is that of the program that computes it, an event of its own, inside of
// whatever asked for the value. Operators, nodes of the tape and programs are told apart by their kind; ranges are what a
// user names.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "array/array.h"
#include "program/site.h"

namespace pb {

struct Event {
    enum Kind : uint8_t { Operator, Node, Program, Range };
    std::string name;
    Kind kind;
    int64_t begin, end = -1;  // nanoseconds; open: -1
    int64_t inside;           // the number of the event around it, -1: none
    uint32_t thread;
    int64_t bytes = 0;      // that were allocated meanwhile, less those that were freed
    int64_t flops = 0;      // of its own, without those of events inside
    uint64_t sequence = 0;  // of a node; of an operator that of the next node when it began
    std::vector<std::vector<int64_t>> shapes = {};  // of an operator's tensors
    std::string text = {};  // where it was written, or of a program: what it consists of
};

struct Profile {
    bool shapes, memory, sites, flops;
    uint64_t number;
    std::vector<Event> events = {};
};
extern std::unique_ptr<Profile> profile;

void start_profile(bool shapes, bool memory, bool sites, bool flops);
std::vector<Event> stop_profile();

// To be told by whoever multiplies matrices: they count for the innermost event of this thread.
void add_flops(double flops);
inline void count_flops(double flops) {
    if (profile) add_flops(flops);
}

// An event that lasts as long as this object; nothing where nobody measures.
class Measured {
  public:
    Measured(Event::Kind kind, std::string name);
    ~Measured();
    Measured(const Measured&) = delete;
    Measured& operator=(const Measured&) = delete;
    Event* event() const;  // null: nobody measures any more

  private:
    uint64_t profile_;
    int64_t number_, outer_;
};

}  // namespace pb
