// Memory for the registers of one thread: grown, never shrunk, given back when the thread ends. What was in it is lost
// when it is asked for again.
#pragma once
#include <cstddef>

namespace pb {

struct ArenaState {
    char* memory;
    size_t bytes;
};
extern constinit thread_local ArenaState arena_state __attribute__((tls_model("initial-exec")));

char* grow_arena(size_t bytes);

// At least so many bytes, aligned to vectors.
inline char* arena(size_t bytes) {
    return bytes > arena_state.bytes ? grow_arena(bytes) : arena_state.memory;
}

}  // namespace pb
