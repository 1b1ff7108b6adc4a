// Names of machine code for those who look at a running process.
//
// With PULLBACK_PERF_MAP=1 in the environment every piece of code is written to /tmp/perf-PID.map, where `perf` looks for
// names. All code keeps frame pointers, so that perf and debuggers walk through it.
#pragma once

namespace pb::code {

class Code;
void write_to_map(const Code& code);

}  // namespace pb::code
