// Condensed: what a program computes, without its operators: a script (program/script.h) over its inputs, and which of its
// memory goes out. For programs that compute little and give back what nobody differentiates.
#pragma once
#include <memory>
#include <span>
#include <string>

#include "program/script.h"
#include "python/replay/program.h"

namespace pb::replay {

class Condensed {
  public:
    // Runs the program once, by its operators, and notes what they do; null where that cannot be noted, and why.
    static std::unique_ptr<Condensed> of(const Program& program, std::span<PyObject* const> inputs,
                                         std::string& why);
    // The result, a new reference; null where something that is looked at differs, at a step of the program.
    PyObject* run(std::span<PyObject* const> inputs, size_t& step);
    bool is_running() const { return script_->is_running(); }
    size_t kernels() const { return script_->size(); }
    size_t bytes() const { return script_->bytes(); }

  private:
    struct Result {
        int32_t slot;
        Ref<Layout> layout;
        DType dtype;
        bool is_same(const char* memory, PyObject* tensor) const;
    };
    explicit Condensed(const Program& program) : program_(program) {}
    bool verified(std::span<PyObject* const> inputs, std::span<PyObject* const> slots);

    const Program& program_;
    std::unique_ptr<Script> script_;
    std::vector<Result> results_;
    std::vector<size_t> ends_;  // of steps, in the work
};

}  // namespace pb::replay
