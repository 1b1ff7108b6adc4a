#include "array/pool.h"

#include "array/error.h"

namespace pb {

PoolLink* pool_lists[kPoolLargest / kPoolGrain + 1];

void* pool_refill(size_t cls) {
    constexpr size_t kSlab = 64 * 1024;
    size_t size = cls * kPoolGrain;
    char* slab = static_cast<char*>(std::malloc(kSlab));
    if (!slab) throw_out_of_memory(kSlab);
    // The first object is handed out, the others are linked in address order, so that a fresh chain is contiguous.
    size_t count = kSlab / size;
    PoolLink* next = nullptr;
    for (size_t i = count - 1; i >= 1; --i) {
        auto* link = reinterpret_cast<PoolLink*>(slab + i * size);
        link->next = next;
        next = link;
    }
    pool_lists[cls] = next;
    return slab;
}

}  // namespace pb
