// Buffer: reference-counted bytes, and the allocator they come from.
//
// Small buffers keep their bytes behind their own header, in one pooled object. Larger ones come from a cache
// of size classes, because fresh pages, not arithmetic, are what large temporaries cost: a page fault takes
// longer than computing the elements of its page. Foreign buffers borrow memory that somebody else owns
// (NumPy, DLPack) and tell the owner when they are done.
#pragma once
#include <cstddef>
#include <cstdint>

#include "array/ref.h"

namespace pb {

class Buffer {
  public:
    static Ref<Buffer> allocate(size_t bytes);
    static Ref<Buffer> zeros(size_t bytes);
    // `done(owner)` is called when the last reference goes.
    static Ref<Buffer> foreign(void* data, size_t bytes, void* owner, void (*done)(void*), bool writable);

    char* data() const { return data_; }
    size_t bytes() const { return bytes_; }
    bool is_foreign() const { return kind_ == kForeign; }
    bool is_writable() const { return writable_; }
    bool is_unique() const { return refs_ == 1; }

    void retain() { ++refs_; }
    void release() {
        if (--refs_ == 0) destroy();
    }

  private:
    friend struct ForeignBuffer;
    enum Kind : uint8_t { kInline, kCached, kForeign };
    void destroy();
    uint32_t refs_;
    bool writable_;
    Kind kind_;
    char* data_;
    size_t bytes_;
};

struct MemoryFigures {
    size_t in_use, cached, peak;
};
MemoryFigures memory_figures();
void release_cached_memory();

}  // namespace pb
