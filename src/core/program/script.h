// Script: noted work (work_log.h), to be done again over other inputs.
//
// Everything that the work needs is arranged beforehand: memory for all that it makes, in one arena whose places are used
// again when nothing reads them any more, and the addresses that each kernel is given. Addresses of inputs are put in when
// they have changed. So a run is a loop over kernels: no shapes, no allocation, no tape.
//
// A run ends early where something that was looked at is not what it was. It has then written nothing but its arena.
#pragma once
#include <memory>
#include <span>

#include "program/work_log.h"

namespace pb {

class Script {
  public:
    // `results` are read after a run, until the next.
    Script(const WorkLog& log, std::span<const Spot> results);
    Script(const Script&) = delete;

    // How much of the work it did before it ended: all, or up to what was looked at and differs. The inputs are those of
    // the log, in their order, and of their layouts.
    size_t run(std::span<const Array> inputs);
    const char* result(size_t i) const { return results_[i]; }
    bool is_running() const { return running_; }  // work that takes long lets other threads in
    size_t size() const { return work_.size(); }
    size_t bytes() const { return bytes_; }
    // What nobody has written shows, in floats: bytes that are NaN.
    void spoil_memory();

  private:
    struct Work {
        Act act;
        uint8_t size;
        DType dtype;
        int32_t at;
        union {
            BlockKernel kernel;
            ReduceKernel reduce;
            const int32_t* table;
        };
        const void* in[3];
        void* out;
        int64_t n;
    };
    struct Called {
        WorkLog::Function function;
        std::vector<Array> arrays;
        std::vector<int32_t> inputs;  // of each array, -1: in the arena
    };
    struct Patch {
        uint32_t work;
        uint8_t operand;
        int64_t offset;
    };
    struct Input {
        const char* data = nullptr;
        std::vector<Patch> patches;
    };

    std::vector<int64_t> arranged(const WorkLog& log, std::span<const Spot> results);
    void call(Called& c, std::span<const Array> inputs);

    std::vector<Work> work_;
    std::vector<Called> functions_;
    std::vector<std::vector<int32_t>> tables_;
    std::vector<Input> inputs_;
    std::vector<const char*> results_;
    Ref<Buffer> arena_;
    char* made_;  // in the arena, behind the numbers
    size_t bytes_ = 0;
    bool running_ = false;
};

}  // namespace pb
