// Unlocked: a scope without the interpreter's lock, so that other threads run Python meanwhile. Inside of it no object
// is touched, and nothing is thrown.
#pragma once

namespace pb {

// Installed by python/.
struct InterpreterLock {
    void* (*release)();
    void (*take)(void* state);
};
extern InterpreterLock interpreter_lock;

class Unlocked {
  public:
    explicit Unlocked(bool yes) : state_(yes ? interpreter_lock.release() : nullptr) {}
    Unlocked(const Unlocked&) = delete;
    ~Unlocked() {
        if (state_) interpreter_lock.take(state_);
    }

  private:
    void* state_;
};

}  // namespace pb
