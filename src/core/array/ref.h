// Ref<T>: an intrusive reference. T counts its own references with plain integers, because everything that
// counts is touched under the interpreter lock only; worker threads see raw memory, never objects.
#pragma once
#include <cstddef>
#include <utility>

namespace pb {

template <class T> class Ref {
  public:
    Ref() = default;
    Ref(std::nullptr_t) {}
    explicit Ref(T* p) : p_(p) {
        if (p_) p_->retain();
    }
    Ref(const Ref& o) : p_(o.p_) {
        if (p_) p_->retain();
    }
    Ref(Ref&& o) noexcept : p_(o.p_) { o.p_ = nullptr; }
    ~Ref() {
        if (p_) p_->release();
    }
    Ref& operator=(Ref o) noexcept {
        std::swap(p_, o.p_);
        return *this;
    }
    // Takes over the reference that a fresh object is born with.
    static Ref steal(T* p) {
        Ref r;
        r.p_ = p;
        return r;
    }
    T* detach() { return std::exchange(p_, nullptr); }
    T* get() const { return p_; }
    T* operator->() const { return p_; }
    T& operator*() const { return *p_; }
    explicit operator bool() const { return p_ != nullptr; }
    bool operator==(const Ref& o) const { return p_ == o.p_; }

  private:
    T* p_ = nullptr;
};

}  // namespace pb
