#include "program/arena.h"

#include <cstdlib>
#include <new>

#include "array/error.h"

namespace pb {

constinit thread_local ArenaState arena_state __attribute__((tls_model("initial-exec"))) = {};

namespace {
struct ArenaEnd {
    ~ArenaEnd() {
        std::free(arena_state.memory);
        arena_state = {};
    }
};
}  // namespace

__attribute__((noinline)) char* grow_arena(size_t bytes) {
    static thread_local ArenaEnd end;
    (void)&end;  // constructed with the thread's first block, so that it is destroyed with the thread
    std::free(arena_state.memory);
    arena_state = {};
    void* p = nullptr;
    if (posix_memalign(&p, 64, bytes) != 0) throw_out_of_memory(bytes);
    arena_state = {static_cast<char*>(p), bytes};
    return arena_state.memory;
}

void Scratch::Free::operator()(char* p) const { ::operator delete[](p, std::align_val_t(kLine)); }

char* Scratch::take_large(size_t bytes) {
    auto* p = static_cast<char*>(::operator new[](bytes, std::align_val_t(kLine), std::nothrow));
    if (!p) throw_out_of_memory(bytes);
    large_.emplace_back(p);
    return p;
}

}  // namespace pb
