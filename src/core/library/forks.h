// Forks beside calls of the library.
//
// OpenBLAS takes a lock for a moment in every call. In a child that another thread forks in that moment the lock is taken,
// and the thread that would release it is not there: the child's first product would wait for ever. While a call is
// made under the interpreter's lock nobody forks. Where that lock is released, in the scope of a Beside, each Call
// is counted, by whichever thread, and a fork waits until none is under way. So does the end of the process.
#pragma once
#include <atomic>

namespace pb::blas {

extern std::atomic<int> besides;  // how many scopes there are

void begin_beside();
void end_beside();

// A scope in which other threads may fork. It begins before the interpreter's lock is released, and ends after it was taken.
class Beside {
  public:
    explicit Beside(bool yes) : yes_(yes) {
        if (yes_) begin_beside();
    }
    Beside(const Beside&) = delete;
    ~Beside() {
        if (yes_) end_beside();
    }

  private:
    bool yes_;
};

void begin_call();
void end_call();

// A call, or several, without a fork in the middle; inside of another Call it is a part of that.
class Call {
  public:
    Call() : counted_(besides.load(std::memory_order_relaxed) > 0) {
        if (counted_) begin_call();
    }
    Call(const Call&) = delete;
    ~Call() {
        if (counted_) end_call();
    }

  private:
    bool counted_;
};

void wait_for_calls();  // forks and the end of the process do, from now on: for who loads the library

}  // namespace pb::blas
