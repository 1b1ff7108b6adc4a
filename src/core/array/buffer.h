// Buffer: reference-counted bytes, and the allocator they come from.
//
// Small buffers keep their bytes behind their own header, in one pooled object. Larger ones come from a cache
// of size classes, because fresh pages, not arithmetic, are what large temporaries cost: a page fault takes
// longer than computing the elements of its page. Foreign buffers borrow memory that somebody else owns
// (NumPy, DLPack) and tell the owner when they are done.
//
// A buffer may be pending: it knows the expression that gives its bytes (program/expression.h) and takes no memory
// until somebody asks for `data`. The cell, the views and the saved values that hold it need not know.
#pragma once
#include <cstddef>
#include <cstdint>

#include "array/ref.h"
#include "array/small.h"

namespace pb {

struct Expression;
class Buffer;

// Set by program/: computes a pending buffer, and forgets the expression of one that nobody wants any more.
extern void (*compute_pending)(Buffer&);
extern void (*forget_pending)(Expression*);

// Pending expressions that read a buffer, one entry for each operand.
using Readers = Small<Expression*, 2>;

class Buffer {
  public:
    static Ref<Buffer> allocate(size_t bytes);
    static Ref<Buffer> zeros(size_t bytes);
    static Ref<Buffer> pending(size_t bytes, Expression* expression);
    // `done(owner)` is called when the last reference goes.
    static Ref<Buffer> foreign(void* data, size_t bytes, void* owner, void (*done)(void*), bool writable);

    char* data() const {
        if (__builtin_expect(!data_, 0)) compute_pending(const_cast<Buffer&>(*this));
        return data_;
    }
    size_t bytes() const { return bytes_; }
    bool is_pending() const { return !data_; }
    bool is_foreign() const { return kind_ == kForeign; }
    // Whether somebody outside may read or write the bytes at any time: an array that shares them, or whoever was told
    // the address. They stay where they are, and what reads or writes them runs at the call.
    bool is_shared() const { return kind_ == kForeign || exports_; }
    bool is_writable() const { return writable_; }
    bool is_unique() const { return refs_ == 1; }

    bool is_cached() const { return kind_ == kCached; }
    // Of those that come from the cache: small ones are copied by the expressions that read them.
    bool has_readers() const { return kind_ == kCached && !readers().empty(); }
    const Readers& readers() const;
    void add_reader(Expression* e);
    void remove_reader(const Expression* e);
    Expression* expression() const;
    // References but for those of pending expressions.
    size_t holders() const { return refs_ - (kind_ == kCached ? readers().size() : 0); }
    // Takes memory for a pending buffer; it stays pending until `settle` says that the bytes are there.
    char* prepare();
    void settle(char* data);
    void discard(char* data);  // gives back what `prepare` took
    char* surrender();         // gives up the bytes to another buffer of the same size
    // A pending value that reads the bytes will take their place, or does so no more: that is no memory of its own.
    void replace(bool replaced) {
        replaced_ = replaced;
        count_if_orphaned();
    }

    // Somebody outside got the address, and may give it back (`unshare`); a count that runs full stays so.
    void share() { exports_ = exports_ == UINT16_MAX ? exports_ : static_cast<uint16_t>(exports_ + 1); }
    void unshare() { exports_ = exports_ == UINT16_MAX ? exports_ : static_cast<uint16_t>(exports_ - 1); }

    void retain() { ++refs_; }
    void release() {
        if (--refs_ == 0) destroy();
        else if (__builtin_expect(watched_, 0)) count_if_orphaned();
    }

  private:
    friend struct ForeignBuffer;
    friend struct CachedBuffer;
    enum Kind : uint8_t { kInline, kCached, kForeign };
    void destroy();
    void count_if_orphaned();
    uint32_t refs_;
    bool writable_ : 1;
    bool watched_ : 1 = false;   // has readers
    bool replaced_ : 1 = false;  // by the value of a reader
    bool orphaned_ : 1 = false;  // has bytes that nobody but readers holds
    Kind kind_;
    uint16_t exports_ = 0;
    char* data_;
    size_t bytes_;
};

// A buffer whose bytes come from the cache.
struct CachedBuffer {
    Buffer buffer;
    Expression* expression;
    Readers readers;
};
inline const Readers& Buffer::readers() const { return reinterpret_cast<const CachedBuffer*>(this)->readers; }
inline Expression* Buffer::expression() const {
    return kind_ == kCached ? reinterpret_cast<const CachedBuffer*>(this)->expression : nullptr;
}

// Bytes that nobody but pending expressions holds.
size_t orphaned_bytes();

struct MemoryFigures {
    size_t in_use, cached, peak, total;  // total: of all that were ever asked for
};
MemoryFigures memory_figures();
void release_cached_memory();

}  // namespace pb
