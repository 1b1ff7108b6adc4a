// What a thread is in the middle of: recording or not, inference mode, anomaly mode. One word, so that the fast
// path tests all of it at once.
#pragma once
#include <cstdint>

namespace pb {

struct Modes {
    bool grad = true;
    bool inference = false;
    bool forward_grad = true;
    bool anomaly = false;
    bool anomaly_check_nan = true;
};

// The module is loaded with dlopen, but this block is small enough for the static TLS area: one instruction an access.
extern thread_local Modes modes __attribute__((tls_model("initial-exec")));

struct GradMode {  // sets the mode for a scope
    explicit GradMode(bool on) : before(modes.grad) { modes.grad = on; }
    ~GradMode() { modes.grad = before; }
    bool before;
};

}  // namespace pb
