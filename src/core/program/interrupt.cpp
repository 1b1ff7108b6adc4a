#include "program/interrupt.h"

#include <pthread.h>
#include <signal.h>

#include <atomic>

namespace pb {

void (*run_signal_handlers)() = [] {};

namespace {

std::atomic<bool> noted{false};
int depth = 0;  // of scopes, on the one thread that has any
struct sigaction usual;
const pthread_t main_thread = pthread_self();

// Takes note, and leaves the rest to whoever was there before.
void note(int signal, siginfo_t* info, void* context) {
    noted.store(true, std::memory_order_relaxed);
    if (usual.sa_flags & SA_SIGINFO) usual.sa_sigaction(signal, info, context);
    else usual.sa_handler(signal);
}

bool listen() {
    if (sigaction(SIGINT, nullptr, &usual)) return false;
    if (!(usual.sa_flags & SA_SIGINFO) && (usual.sa_handler == SIG_DFL || usual.sa_handler == SIG_IGN))
        return false;
    struct sigaction ours = usual;
    ours.sa_sigaction = note;
    ours.sa_flags |= SA_SIGINFO;
    noted.store(false);
    return sigaction(SIGINT, &ours, nullptr) == 0;
}

}  // namespace

Interruptible::Interruptible(double work) : listens_(false) {
    if (work < kNoticed || !pthread_equal(pthread_self(), main_thread)) return;
    listens_ = depth > 0 || listen();
    depth += listens_;
}

Interruptible::~Interruptible() {
    if (!listens_ || --depth) return;
    struct sigaction now;
    if (!sigaction(SIGINT, nullptr, &now) && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == note)
        sigaction(SIGINT, &usual, nullptr);
    noted.store(false);
}

bool Interruptible::interrupted() const { return listens_ && noted.load(std::memory_order_relaxed); }

}  // namespace pb
