// Frames: names of machine code for those who look at a running process.
//
// With PULLBACK_PERF_MAP=1 in the environment every piece of code is written to /tmp/perf-PID.map, where `perf` looks for
// names. All code keeps frame pointers, so that perf and debuggers walk through it.
#pragma once
#include <cstdint>

namespace pb::code {

class Code;

class Frames {
  public:
    void add(const Code& code);

  private:
    uint64_t count_ = 0;
};
extern Frames frames;

}  // namespace pb::code
