// Small<T, N>: a vector whose first N elements live inside it, so that shapes, gradients and operands of
// ordinary calls never touch the heap.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>
#include <type_traits>
#include <utility>

namespace pb {

// Whether a value that was moved from may be forgotten, not destroyed, once its bytes are elsewhere.
template <class T> inline constexpr bool moves_as_bytes = std::is_trivially_copyable_v<T>;

template <class T, size_t N> class Small {
  public:
    Small() = default;
    explicit Small(size_t n) { resize(n); }
    Small(size_t n, const T& v) {
        reserve(n);
        for (size_t i = 0; i < n; ++i) push_back(v);
    }
    Small(std::initializer_list<T> items) {
        reserve(items.size());
        for (auto& x : items) new (items_ + size_++) T(x);
    }
    Small(const T* first, const T* last) {
        reserve(static_cast<size_t>(last - first));
        for (; first != last; ++first) new (items_ + size_++) T(*first);
    }
    [[gnu::always_inline]] Small(const Small& o) {
        if constexpr (std::is_trivially_copyable_v<T>) {
            if (copy_inside(o)) return;
        }
        append(o);
    }
    [[gnu::always_inline]] Small(Small&& o) noexcept {
        if constexpr (moves_as_bytes<T>) {
            if (copy_inside(o)) {
                o.size_ = 0;
                return;
            }
        }
        take(o);
    }
    Small& operator=(const Small& o) {
        if (this != &o) {
            Small copy(o);
            clear_storage();
            take(copy);
        }
        return *this;
    }
    Small& operator=(Small&& o) noexcept {
        if (this != &o) {
            clear_storage();
            take(o);
        }
        return *this;
    }
    [[gnu::always_inline]] ~Small() {
        if constexpr (!std::is_trivially_destructible_v<T>)
            for (T *v = items_, *end = v + size_; v != end; ++v) v->~T();
        if (__builtin_expect(items_ != inline_items(), 0)) ::operator delete(items_);
    }

    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    T* data() { return items_; }
    const T* data() const { return items_; }
    T* begin() { return items_; }
    T* end() { return items_ + size_; }
    const T* begin() const { return items_; }
    const T* end() const { return items_ + size_; }
    T& operator[](size_t i) { return items_[i]; }
    const T& operator[](size_t i) const { return items_[i]; }
    T& back() { return items_[size_ - 1]; }
    const T& back() const { return items_[size_ - 1]; }

    void push_back(T v) {
        if (size_ == capacity_) reserve(capacity_ * 2);
        new (items_ + size_) T(std::move(v));
        ++size_;
    }
    void pop_back() { items_[--size_].~T(); }
    void resize(size_t n) {
        reserve(n);
        while (size_ < n) new (items_ + size_++) T();
        while (size_ > n) pop_back();
    }
    void clear() {
        while (size_) pop_back();
    }
    void insert(size_t at, T v) {
        push_back(std::move(v));
        for (size_t i = size_ - 1; i > at; --i) std::swap(items_[i], items_[i - 1]);
    }
    void erase(size_t at) {
        for (size_t i = at; i + 1 < size_; ++i) items_[i] = std::move(items_[i + 1]);
        pop_back();
    }
    void reserve(size_t n) {
        if (n <= capacity_) return;
        if (n > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
        T* grown = static_cast<T*>(
            ::operator new(n * sizeof(T), std::nothrow));  // sanitizers let only this one fail
        if (!grown) throw std::bad_alloc();
        for (size_t i = 0; i < size_; ++i) {
            new (grown + i) T(std::move(items_[i]));
            items_[i].~T();
        }
        if (items_ != inline_items()) ::operator delete(items_);
        items_ = grown;
        capacity_ = n;
    }
    bool operator==(const Small& o) const {
        if (size_ != o.size_) return false;
        for (size_t i = 0; i < size_; ++i)
            if (!(items_[i] == o.items_[i])) return false;
        return true;
    }

  private:
    // Of few values the whole room, whose size is known, is copied faster than those that are in it.
    [[gnu::always_inline]] bool copy_inside(const Small& o) {
        if (N * sizeof(T) > 64 || __builtin_expect(o.size_ > N, 0)) return false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // what lies behind the values is copied, never read
        std::memcpy(static_cast<void*>(space_), static_cast<const void*>(o.items_), N * sizeof(T));
#pragma GCC diagnostic pop
        size_ = o.size_;
        return true;
    }
    [[gnu::noinline]] void append(const Small& o) {
        reserve(o.size_);
        for (const T& v : o) new (items_ + size_++) T(v);
    }
    T* inline_items() { return reinterpret_cast<T*>(space_); }
    void clear_storage() {
        clear();
        if (items_ != inline_items()) ::operator delete(items_);
        items_ = inline_items();
        capacity_ = N;
    }
    [[gnu::noinline]] void take(Small& o) {
        if (o.items_ != o.inline_items()) {
            items_ = o.items_;
            size_ = o.size_;
            capacity_ = o.capacity_;
            o.items_ = o.inline_items();
            o.size_ = 0;
            o.capacity_ = N;
        } else {
            for (size_t i = 0; i < o.size_; ++i) new (items_ + i) T(std::move(o.items_[i]));
            size_ = o.size_;
            o.clear();
        }
    }
    alignas(T) unsigned char space_[N * sizeof(T)];
    T* items_ = reinterpret_cast<T*>(space_);
    size_t size_ = 0;
    size_t capacity_ = N;
};

using Dims = Small<int64_t, 6>;  // shapes, strides, lists of dimensions

}  // namespace pb
