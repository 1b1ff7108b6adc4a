#include "array/buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "array/error.h"
#include "array/pool.h"

namespace pb {

void (*compute_pending)(Buffer&) = nullptr;
void (*forget_pending)(Expression*) = nullptr;

// A buffer over memory of somebody else, who is told when it ends.
struct ForeignBuffer {
    Buffer buffer;
    void (*done)(void*);
    void* owner;
};

namespace {

constexpr size_t kHeader = sizeof(Buffer);
constexpr size_t kInlineBytes = kPoolLargest - kHeader;
constexpr size_t kAlign = 64;
constexpr size_t kHugePage = size_t(2) << 20;
#ifdef PULLBACK_SANITIZED
constexpr bool kCaches = false;  // every buffer is malloc's, and no longer than asked for
#else
constexpr bool kCaches = true;
#endif
constexpr size_t kCacheCap = size_t(1) << 30;  // bytes kept for reuse at most; the longest unused go first

// Classes of sizes that share a free list: 4 per power of two from 512 bytes, which wastes a fifth at most, and 64 from
// 1 MiB, where a waste would be felt.
constexpr int kLeastLog = 9, kFineLog = 20, kMostLog = 63;
constexpr int kCoarse = 4, kFine = 64;
constexpr int kClasses = (kFineLog - kLeastLog) * kCoarse + (kMostLog - kFineLog) * kFine + 1;
size_t in_use, cached, peak, total, orphaned;

// A block that waits for reuse, written into the block itself: on top of others of its class, newer than others.
struct Idle {
    Idle *under, *over, *older, *newer;
    size_t size;
    int size_class;
};
Idle *tops[kClasses], *oldest, *newest;

void push_idle(void* p, size_t size, int cls) {
    Idle* b = new (p) Idle{tops[cls], nullptr, newest, nullptr, size, cls};
    if (b->under) b->under->over = b;
    tops[cls] = b;
    (newest ? newest->newer : oldest) = b;
    newest = b;
    cached += size;
}

void* take_idle(Idle* b) {
    (b->over ? b->over->under : tops[b->size_class]) = b->under;
    if (b->under) b->under->over = b->over;
    (b->newer ? b->newer->older : newest) = b->older;
    (b->older ? b->older->newer : oldest) = b->newer;
    cached -= b->size;
    return b;
}

int size_class(size_t bytes, size_t* rounded) {
    if (!kCaches) return *rounded = bytes, 0;
    if (bytes <= size_t(1) << kLeastLog) return *rounded = size_t(1) << kLeastLog, 0;
    int log = 63 - __builtin_clzll(bytes - 1);  // 2^log < bytes <= 2^(log + 1)
    bool fine = log >= kFineLog;
    size_t base = size_t(1) << log, step = base / (fine ? kFine : kCoarse);
    size_t k = (bytes - base + step - 1) / step;
    *rounded = base + k * step;
    int first =
        fine ? (kFineLog - kLeastLog) * kCoarse + (log - kFineLog) * kFine : (log - kLeastLog) * kCoarse;
    return first + static_cast<int>(k);
}

void* system_allocate(size_t size) {
    void* p = nullptr;
    if (posix_memalign(&p, size >= kHugePage ? kHugePage : kAlign, size) != 0) return nullptr;
    if (size >= kHugePage) madvise(p, size, MADV_HUGEPAGE);  // one fault for 512 pages
    return p;
}

void* cached_allocate(size_t bytes) {
    size_t size;
    int cls = size_class(bytes, &size);
    void* p;
    if (tops[cls]) {
        p = take_idle(tops[cls]);
    } else {
        p = system_allocate(size);
        if (!p) {
            release_cached_memory();
            p = system_allocate(size);
        }
        if (!p) throw_out_of_memory(bytes);
    }
    in_use += size;
    total += size;
    if (in_use > peak) peak = in_use;
    return p;
}

void cached_free(void* p, size_t bytes) {
    size_t size;
    int cls = size_class(bytes, &size);
    in_use -= size;
    if (!kCaches || size > kCacheCap) return std::free(p);
    while (cached + size > kCacheCap) std::free(take_idle(oldest));
    push_idle(p, size, cls);
}

}  // namespace

size_t orphaned_bytes() { return orphaned; }

MemoryFigures memory_figures() { return {in_use, cached, peak, total}; }

void release_cached_memory() {
    while (oldest) std::free(take_idle(oldest));
}

namespace {
CachedBuffer& cached_of(Buffer* b) { return *reinterpret_cast<CachedBuffer*>(b); }
}  // namespace

// To be called whenever references, readers or bytes have changed.
void Buffer::count_if_orphaned() {
    bool now = watched_ && data_ && !replaced_ && holders() == 0;
    if (now == orphaned_) return;
    orphaned_ = now;
    orphaned += now ? bytes_ : -bytes_;
}

void Buffer::add_reader(Expression* e) {
    if (kind_ != kCached) return;
    cached_of(this).readers.push_back(e);
    watched_ = true;
    count_if_orphaned();
}

void Buffer::remove_reader(const Expression* e) {
    if (kind_ != kCached) return;
    Readers& readers = cached_of(this).readers;
    for (size_t i = 0; i < readers.size(); ++i) {
        if (readers[i] != e) continue;
        readers[i] = readers.back();
        readers.pop_back();
        break;
    }
    watched_ = !readers.empty();
    count_if_orphaned();
}

Ref<Buffer> Buffer::allocate(size_t bytes) {
    if (bytes > kInlineBytes) {
        Ref<Buffer> b = pending(bytes, nullptr);
        b->settle(b->prepare());
        return b;
    }
    auto* b = static_cast<Buffer*>(pool_alloc(kHeader + bytes));
    b->refs_ = 1;
    b->writable_ = true;
    b->watched_ = b->replaced_ = b->orphaned_ = false;
    b->exports_ = 0;
    b->bytes_ = bytes;
    b->kind_ = kInline;
    b->data_ = reinterpret_cast<char*>(b) + kHeader;
    return Ref<Buffer>::steal(b);
}

Ref<Buffer> Buffer::zeros(size_t bytes) {
    Ref<Buffer> b = allocate(bytes);
    std::memset(b->data(), 0, bytes);
    return b;
}

Ref<Buffer> Buffer::pending(size_t bytes, Expression* expression) {
    auto* c = new (pool_alloc(sizeof(CachedBuffer))) CachedBuffer;
    Buffer* b = &c->buffer;
    b->refs_ = 1;
    b->writable_ = true;
    b->kind_ = kCached;
    b->data_ = nullptr;
    b->bytes_ = bytes;
    c->expression = expression;
    return Ref<Buffer>::steal(b);
}

char* Buffer::prepare() { return static_cast<char*>(cached_allocate(bytes_)); }
void Buffer::settle(char* data) {
    data_ = data;
    cached_of(this).expression = nullptr;
    count_if_orphaned();
}
void Buffer::discard(char* data) { cached_free(data, bytes_); }
char* Buffer::surrender() {
    char* data = std::exchange(data_, nullptr);
    count_if_orphaned();
    return data;
}

Ref<Buffer> Buffer::foreign(void* data, size_t bytes, void* owner, void (*done)(void*), bool writable) {
    static char nothing[64];  // for empty arrays without an address
    auto* f = static_cast<ForeignBuffer*>(pool_alloc(sizeof(ForeignBuffer)));
    Buffer* b = &f->buffer;
    b->refs_ = 1;
    b->kind_ = kForeign;
    b->watched_ = b->replaced_ = b->orphaned_ = false;
    b->exports_ = 0;
    b->writable_ = writable;
    b->data_ = data ? static_cast<char*>(data) : nothing;
    b->bytes_ = bytes;
    f->done = done;
    f->owner = owner;
    return Ref<Buffer>::steal(b);
}

void Buffer::destroy() {
    switch (kind_) {
        case kInline: pool_free(this, kHeader + bytes_); return;
        case kCached: {
            CachedBuffer& c = cached_of(this);
            if (orphaned_) orphaned -= bytes_;
            if (data_) cached_free(data_, bytes_);
            if (c.expression) forget_pending(c.expression);
            c.~CachedBuffer();
            pool_free(&c, sizeof(CachedBuffer));
            return;
        }
        case kForeign: {
            ForeignBuffer f = *reinterpret_cast<ForeignBuffer*>(this);
            pool_free(this, sizeof(ForeignBuffer));
            f.done(f.owner);
            return;
        }
    }
}

}  // namespace pb
