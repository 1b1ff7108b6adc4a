// Counting calls, and what happens around a fork, and at the end.
#include "library/forks.h"

#include <pthread.h>
#include <sched.h>

#include <cstdlib>

namespace pb::blas {

namespace {

std::atomic<int> calls{0};
std::atomic<bool> closed{false};         // nobody comes in
thread_local int depth = 0, scopes = 0;  // of this thread

// Waits until no call is under way, and lets none begin.
void stop_calls() {
    if (depth > 0) return;  // this thread's own call: nobody waits for himself
    closed.store(true);
    while (calls.load() > 0) sched_yield();
}

void after_fork_in_parent() { closed.store(false); }

void after_fork_in_child() {
    calls.store(depth > 0);  // a handler of signals may fork anywhere
    besides.store(scopes);
    closed.store(false);
}

}  // namespace

std::atomic<int> besides{0};

void begin_beside() {
    ++scopes;
    besides.fetch_add(1);
}

void end_beside() {
    --scopes;
    besides.fetch_sub(1);
}

void begin_call() {
    if (depth++ > 0) return;
    for (;;) {
        calls.fetch_add(1);
        if (!closed.load()) return;
        calls.fetch_sub(1);
        while (closed.load()) sched_yield();
    }
}

void end_call() {
    if (--depth == 0) calls.fetch_sub(1);
}

void wait_for_calls() {
    static const int registered = pthread_atfork(stop_calls, after_fork_in_parent, after_fork_in_child);
    // At the end of the process the library gives its memory back, under whoever is inside of it: a daemon thread. Those
    // are waited for, too, and nobody comes in any more.
    static const int at_end = std::atexit(stop_calls);
    (void)registered, (void)at_end;
}

}  // namespace pb::blas
