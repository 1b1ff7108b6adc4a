// Free lists for the small objects of the tape: layouts, cells, nodes, headers of buffers.
//
// One list per 16 bytes up to 512, carved from slabs that are kept for the life of the process: a recorded
// scalar product takes four objects, and malloc would cost more than the product. Used under the interpreter
// lock only. Sanitizer builds go to malloc, so that every misuse is seen.
#pragma once
#include <cstddef>
#include <cstdlib>

namespace pb {

constexpr size_t kPoolGrain = 16;
constexpr size_t kPoolLargest = 512;

struct PoolLink {
    PoolLink* next;
};
extern PoolLink* pool_lists[kPoolLargest / kPoolGrain + 1];
void* pool_refill(size_t cls);

inline void* pool_alloc(size_t bytes) {
#ifdef PULLBACK_SANITIZED
    return std::malloc(bytes);
#else
    if (bytes > kPoolLargest) return std::malloc(bytes);
    size_t cls = (bytes + kPoolGrain - 1) / kPoolGrain;
    PoolLink* head = pool_lists[cls];
    if (!head) return pool_refill(cls);
    pool_lists[cls] = head->next;
    return head;
#endif
}

inline void pool_free(void* p, size_t bytes) {
#ifdef PULLBACK_SANITIZED
    std::free(p);
#else
    if (bytes > kPoolLargest) {
        std::free(p);
        return;
    }
    size_t cls = (bytes + kPoolGrain - 1) / kPoolGrain;
    auto* link = static_cast<PoolLink*>(p);
    link->next = pool_lists[cls];
    pool_lists[cls] = link;
#endif
}

}  // namespace pb
