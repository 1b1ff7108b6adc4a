// Memory that a program works in.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace pb {

// For the registers of one thread: grown, never shrunk, given back when the thread ends. What was in it is lost when it
// is asked for again.
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

// Pieces, each in lines of its own, that are given back all at once. The first few take nothing from the system.
class Scratch {
  public:
    char* take(int64_t bytes) {
        const size_t size = (static_cast<size_t>(bytes) + kLine - 1) / kLine * kLine;
        if (size > kNear - used_) return take_large(size);
        used_ += size;
        return near_ + used_ - size;
    }
    // An object whose destructor nobody needs.
    template <class T, class... Args> T* make(Args&&... args) {
        return new (take(sizeof(T))) T(std::forward<Args>(args)...);
    }
    void clear() { used_ = 0, large_.clear(); }

  private:
    static constexpr size_t kLine = 64, kNear = size_t(16) << 10;
    struct Free {
        void operator()(char* p) const;
    };
    char* take_large(size_t bytes);
    size_t used_ = 0;
    std::vector<std::unique_ptr<char[], Free>> large_;
    alignas(kLine) char near_[kNear];
};

}  // namespace pb
