// Names of machine code for those who look at a running process.
//
// With PULLBACK_PERF_MAP=1 in the environment every piece of code is written to /tmp/perf-PID.map, where `perf` looks for
// names, and with PULLBACK_GDB=1 it is registered with GDB's interface for compilers: an object file in memory that has one
// symbol. All code keeps frame pointers, so that perf and debuggers walk through it.
#pragma once
#include <cstddef>
#include <memory>

namespace pb::code {

// The name of a piece of code, for as long as that is there.
class Frame {
  public:
    Frame(const void* start, size_t bytes);
    ~Frame();
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;

  private:
    struct Registered;
    std::unique_ptr<Registered> registered_;  // with the debugger
};

}  // namespace pb::code
