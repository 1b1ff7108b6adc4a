// What a thread is in the middle of: recording or not, inference mode, anomaly mode, a vmap.
#pragma once
#include <algorithm>
#include <cstdint>

namespace pb {

struct Modes {
    bool grad = true;   // whether operations are recorded: asked for, and not in inference mode
    bool asked = true;  // what no_grad and enable_grad say, and is_grad_enabled answers
    bool inference = false;
    bool anomaly = false;
    bool anomaly_check_nan = true;
    bool packing = false;      // hooks of saved values are set (tape/packing.h)
    bool watched = false;      // anomaly or packing: somebody looks at what is recorded
    bool in_function = false;  // inside a rule of a user's Function
    uint64_t map_level = 0;    // of the innermost vmap that is open (tensor/mapped.h)
    uint64_t derivative = 0;   // of the innermost function that is being differentiated (tensor/captured.h)
    uint64_t scope = 0;        // of whichever of the two is further inside
};

// The module is loaded with dlopen, but this block is small enough for the static TLS area: one instruction an access, and
// none that asks whether it has been made yet.
extern constinit thread_local Modes modes __attribute__((tls_model("initial-exec")));

[[gnu::always_inline]] inline void set_grad_mode(bool on) {
    modes.asked = on;
    modes.grad = on && !modes.inference;
}

inline void set_anomaly_mode(bool on) {
    modes.anomaly = on;
    modes.watched = on || modes.packing;
}
inline void set_packing_mode(bool on) {
    modes.packing = on;
    modes.watched = on || modes.anomaly;
}

inline void set_map_level(uint64_t level) {
    modes.map_level = level;
    modes.scope = std::max(level, modes.derivative);
}
inline void set_derivative_level(uint64_t level) {
    modes.derivative = level;
    modes.scope = std::max(level, modes.map_level);
}

struct GradMode {  // sets the mode for a scope
    explicit GradMode(bool on) : before(modes.asked) { set_grad_mode(on); }
    ~GradMode() { set_grad_mode(before); }
    GradMode(const GradMode&) = delete;
    GradMode& operator=(const GradMode&) = delete;
    bool before;
};

}  // namespace pb
