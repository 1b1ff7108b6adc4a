#include "code/code.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif

#include <cstdlib>
#include <cstring>
#include <list>
#include <unordered_map>

#include "array/hash.h"
#include "kernels/kernels.h"

namespace pb::code {

namespace {

Use use_by_environment() {
    const char* wish = std::getenv("PULLBACK_MACHINE_CODE");
    if (!is_possible() || (wish && !std::strcmp(wish, "0"))) return Use::never;
    return wish && !std::strcmp(wish, "always") ? Use::always : Use::where_it_pays;
}

// By key, the one asked for last at the front.
class Cache {
  public:
    struct Entry {
        Key key;
        bool tried = false;  // to emit
        std::shared_ptr<const Code> code;
    };
    struct Found {
        Entry& entry;
        bool fresh;
    };
    Found find(const Key& key) {
        auto [first, last] = at_.equal_range(hash(key));
        for (; first != last; ++first) {
            if (first->second->key != key) continue;
            entries_.splice(entries_.begin(), entries_, first->second);
            return {entries_.front(), false};
        }
        entries_.push_front({key});
        at_.emplace(hash(key), entries_.begin());
        shrink();
        return {entries_.front(), true};
    }
    void enter(Entry& entry, std::shared_ptr<const Code> code) {
        entry.tried = true;
        if (code) bytes_ += code->bytes();
        entry.code = std::move(code);
        shrink();
    }
    void bound(size_t entries, size_t bytes) {
        most_ = entries, most_bytes_ = bytes;
        shrink();
    }
    void clear() { entries_.clear(), at_.clear(), bytes_ = 0; }
    size_t count() const { return entries_.size(); }
    size_t bytes() const { return bytes_; }

  private:
    // What is asked for now stays.
    void shrink() {
        while (entries_.size() > 1 && (entries_.size() > most_ || bytes_ > most_bytes_)) {
            auto last = std::prev(entries_.end());
            auto [first, end] = at_.equal_range(hash(last->key));
            while (first->second != last) ++first;
            at_.erase(first);
            if (last->code) bytes_ -= last->code->bytes();
            entries_.erase(last);
        }
    }
    static uint64_t hash(const Key& key) {
        uint64_t h = key.size();
        for (uint64_t word : key) h = mix(h, word);
        return h;
    }
    std::list<Entry> entries_;
    std::unordered_multimap<uint64_t, std::list<Entry>::iterator> at_;
    size_t bytes_ = 0, most_ = kMostKept, most_bytes_ = kMostBytes;
};

// What is kept when the process ends is the system's.
Cache& cache() {
    static Cache* all = new Cache;
    return *all;
}
uint64_t emitted_count = 0, refused_count = 0;

// Fewer bytes than two vectors have: a call would take longer.
void copy_few(const char* from, char* to, size_t bytes) {
    for (; bytes >= 16; bytes -= 16, from += 16, to += 16) std::memcpy(to, from, 16);
    for (size_t part = 8; part; part /= 2)
        if (bytes & part) std::memcpy(to, from, part), from += part, to += part;
}

}  // namespace

bool is_possible() {
#if defined(__x86_64__) && defined(__linux__)
    return std::strcmp(kernels_isa(), "baseline") != 0;
#else
    return false;
#endif
}
Use use = use_by_environment();
bool has_half_arithmetic() {
#ifdef __x86_64__
    unsigned a, b, c, d;
    constexpr unsigned kHalves = 1u << 23;
    static const bool has = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & kHalves);
    return has;
#else
    return false;
#endif
}
bool is_wide() { return !std::strcmp(kernels_isa(), "avx512"); }

Code::Code(const Emitted& emitted, const std::vector<Argument>& arguments, size_t results, DType lane,
           bool wide)
    : pages_(emitted.bytes),
      frame_(pages_.start(), pages_.size()),
      tables_(emitted.tables),
      operands_(arguments.size() - results),
      parts_(is_complex(lane) ? 2 : 1),
      lanes_(lanes_of(wide, lane) * parts_ * emitted.copies) {
    for (const Argument& a : arguments) {
        sizes_.push_back(a.single ? 0 : static_cast<int64_t>(size_of(a, item_size(part_of(lane)))));
        streams_ = streams_ || a.streamed;
    }
    const void* start = pages_.start();
    std::memcpy(&function_, &start, sizeof start);
}

// Whether no result lies where an operand does.
bool Code::is_apart(char* const* places, int64_t n) const {
    for (size_t r = operands_; r < sizes_.size(); ++r)
        for (size_t k = 0; k < operands_; ++k)
            if (places[k] < places[r] + n * sizes_[r] && places[r] < places[k] + n * sizes_[k]) return false;
    return true;
}

// The round that ends with the last element: some are computed twice, which gives the same.
void Code::run_last(char* const* places, int64_t n) const {
    char* now[kMostArguments];
    for (size_t k = 0; k < sizes_.size(); ++k) now[k] = places[k] + (n - lanes_) * sizes_[k];
    function_(now, lanes_);
}

// A round of which not all elements are there: on copies, beside which is 0.
void Code::run_rest(char* const* places, int64_t at, int64_t n) const {
    constexpr size_t kVector = 256;  // of one operand: as much as a round takes
    alignas(kVector) char room[kMostArguments * kVector];
    char* now[kMostArguments];
    for (size_t k = 0; k < sizes_.size(); ++k) {
        const int64_t size = sizes_[k];
        now[k] = size ? room + k * kVector : places[k];
        if (!size || k >= operands_) continue;
        std::memset(now[k], 0, kVector);
        copy_few(places[k] + at * size, now[k], static_cast<size_t>(n * size));
    }
    function_(now, lanes_);
    for (size_t k = operands_; k < sizes_.size(); ++k)
        copy_few(now[k], places[k] + at * sizes_[k], static_cast<size_t>(n * sizes_[k]));
}

std::shared_ptr<const Code> find(const Key& key, bool pays, const Maker& make) {
    auto [entry, fresh] = cache().find(key);
    if (entry.tried || (fresh && !pays && use != Use::always)) return entry.code;
    std::shared_ptr<const Code> made = make();
    if (made && !made->is_there()) {
        made.reset();
        if (!Pages::refused) use = Use::never;  // the system will not change its mind
    }
    ++(made ? emitted_count : refused_count);
    cache().enter(entry, made);
    return made;
}

Statistics statistics() { return {cache().count(), cache().bytes(), emitted_count, refused_count}; }
void set_bound(size_t entries, size_t bytes) { cache().bound(entries, bytes); }
void forget() {
    cache().clear();
    forget_tables();
}

}  // namespace pb::code
