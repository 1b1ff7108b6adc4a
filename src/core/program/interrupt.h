// Interrupt: Ctrl-C while something long runs.
//
// Python hears of a signal when it is back in its own loop, which may be minutes later. So whatever may take long does
// it in a scope that takes note of SIGINT, and asks `interrupted` now and then. It stops at a place from which it could
// begin anew, and hears what Python's handler says: an exception, which ends it, or nothing, and it begins again. Short
// work is spared all that.
#pragma once
#include <exception>

namespace pb {

// Nanoseconds from which on work is worth a scope; and after which nobody should have to wait for an answer.
constexpr double kNoticed = 2e7, kPatience = 3e8;

class Interruptible {
  public:
    // Work that may take so many nanoseconds. Only the thread that Python runs signal handlers on takes note of them.
    explicit Interruptible(double work);
    Interruptible(const Interruptible&) = delete;
    ~Interruptible();
    // Whether a signal has come meanwhile. Other threads may ask too.
    bool interrupted() const;

  private:
    bool listens_;
};

// Something stopped because of a signal. Left of it is nothing.
struct Interrupted : std::exception {};

// Runs Python's handlers; throws what they raise. Installed by python/.
extern void (*run_signal_handlers)();

// Runs `attempt`, which may throw Interrupted, until it gets to its end.
template <class F> void with_interrupts(F attempt) {
    for (;;) {
        try {
            return attempt();
        } catch (const Interrupted&) {
        }
        run_signal_handlers();
    }
}

}  // namespace pb
