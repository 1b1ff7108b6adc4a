// One pool of threads for the whole process.
//
// A loop is cut into chunks, and a chunk is handed to whoever asks next: the thread that called `parallel`, and the
// pool's workers. Equal shares would be simpler, but when another process holds a processor, the share that waits for
// it holds up the rest; a chunk is small, and nobody waits for a worker that has not taken one.
//
//   The counter. `remaining` counts the chunks that nobody has taken. To take one is to decrease it by
//   compare-and-swap, never below 0. Whoever succeeds may read what the job is: its caller cannot return before that
//   chunk is finished, so the job cannot have been replaced. Whoever comes late finds 0 and touches nothing. (A plain
//   fetch-and-decrement would let a latecomer take a chunk of a job that is being written.)
//
//   Two ends. The caller takes chunks from the front, and workers take them from behind. So in one job after the other a
//   thread mostly has the same part of the elements, which its own cache still holds.
//
//   Waking. A worker without work watches `posts`, the number of jobs posted so far: for 100 microseconds by looking
//   again and again, because jobs come in bursts, and whoever sleeps is missed for as long: waking takes half of it, and is
//   not worth it for many a job; then asleep in the kernel. The caller asks for helpers only if the job is longer than
//   waking takes: about 5 microseconds when somebody is looking, 60 when everybody sleeps. It asks for no more of them
//   than the work can feed.
//
//   Crowds. Where others want the processors, looking takes them away. A worker that is off its processor while it looks
//   goes to sleep, and looks for 20 microseconds next time; for 1 more whenever a job comes meanwhile.
//
//   Steering. Linux likes to wake a thread on the processor of the one that wakes it, where it would take turns with
//   the caller instead of helping. So before it wakes anybody, the caller excludes the processor it is on from its
//   workers' affinity, if that has changed since the last time.
//
//   Nesting. One job at a time. A body that calls `parallel` again, and a second thread that calls it at the same
//   time, run their loops alone.
//
//   Lives. Workers are started when a job first has use for them, block all signals, and are never joined: at exit they
//   are asleep or looking, and vanish with the process. A pool has one size for life. set_thread_count retires it:
//   its workers leave, the last one frees it, and the next job starts a new one. A child after fork has no workers, only
//   the parent's pool as it was: it forgets it, without freeing what a lost worker may have been about to change,
//   and starts its own. A fork in the middle of a job, by a thread that is not the caller, is covered by that too.
#include "program/threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

namespace pb {

namespace {

constexpr double kAwakeWork = 5e3, kAsleepWork = 60e3;  // nanoseconds of work worth asking for help
constexpr double kHelperWork = 20e3;                    // of work for each helper that must be woken
constexpr std::chrono::microseconds kMostLook(100), kLeastLook(20), kLookMore(1);
constexpr std::chrono::microseconds kOff(10);  // between two looks: somebody else was on the processor
constexpr int kSteered = 8;  // with more workers than this, the kernel finds idle processors by itself
constexpr int kMostThreads = 1024;

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// Sleep while `word` is `seen`, and wake `n` of those who sleep.
void sleep_while(std::atomic<uint32_t>& word, uint32_t seen) {
#if defined(__linux__)
    syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
#else
    word.wait(seen);
#endif
}
void wake(std::atomic<uint32_t>& word, int n) {
#if defined(__linux__)
    syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAKE_PRIVATE, n, nullptr, nullptr, 0);
#else
    for (int i = 0; i < n; ++i) word.notify_one();
#endif
}

thread_local int own_number = 0;  // which worker this thread is; 0 for every other thread

// Workers inherit the mask of the thread that starts them: signals are for Python's threads.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_;
};

class Pool {
  public:
    explicit Pool(int threads)
        : most_(threads - 1), ids_(new std::atomic<int>[static_cast<size_t>(threads)]()) {
#if defined(__linux__)
        if (sched_getaffinity(0, sizeof allowed_, &allowed_)) CPU_ZERO(&allowed_);
#endif
    }

    // Helpers that are worth asking for a job; 0 if it is better done alone.
    int helpers(int64_t chunks, double work) const {
        int awake = started_ - sleeping_.load(std::memory_order_relaxed);
        if (work < (awake > 0 ? kAwakeWork : kAsleepWork)) return 0;
        double fed = std::max(static_cast<double>(awake), work / kHelperWork);
        return static_cast<int>(std::min({static_cast<double>(most_), static_cast<double>(chunks - 1), fed}));
    }

    void run(int64_t chunks, int helpers, ChunkBody body, void* context) {
        body_ = body;
        context_ = context;
        chunks_ = chunks;
        finished_.store(0, std::memory_order_relaxed);
        behind_.store(0, std::memory_order_relaxed);
        remaining_.store(chunks, std::memory_order_release);
        posts_.fetch_add(1);  // in one order with `sleeping_`: a worker sees the job, or we see it asleep
        int asleep = sleeping_.load(), awake = started_ - asleep;
        if (helpers > awake) {
            if (asleep) {
                steer();
                ::pb::wake(posts_, helpers - awake);
            }
            while (started_ < helpers && start()) {
            }
        }
        take_chunks(own_number, [front = int64_t{0}]() mutable { return front++; });
        // Only for chunks that were taken. A worker that lost its processor needs ours, perhaps.
        for (int looks = 0; finished_.load(std::memory_order_acquire) < chunks;) {
            if (++looks < 2000) pause();
            else sched_yield();
        }
    }

    // The workers leave; whoever is last frees the pool.
    void retire() {
        retired_.store(true);
        posts_.fetch_add(1);
        ::pb::wake(posts_, most_);
        leave();
    }

  private:
    // `next` says which chunk is had by whoever has taken one.
    template <class Next> void take_chunks(int worker, Next next) {
        int64_t left = remaining_.load(std::memory_order_acquire);
        while (left > 0) {
            if (!remaining_.compare_exchange_weak(left, left - 1, std::memory_order_acq_rel)) continue;
            body_(context_, next(), worker);
            finished_.fetch_add(1, std::memory_order_release);
            left = remaining_.load(std::memory_order_acquire);
        }
    }

    bool start() {
        SignalsBlocked blocked;
        users_.fetch_add(1);
        try {
            std::thread([this, number = started_ + 1] { work(number); }).detach();
        } catch (const std::system_error&) {  // no more threads for this process: we do without
            users_.fetch_sub(1);
            return false;
        }
        ++started_;
        return true;
    }

    void work(int number) {
        own_number = number;
#if defined(__linux__)
        ids_[static_cast<size_t>(number)].store(static_cast<int>(syscall(SYS_gettid)));
#endif
        std::chrono::microseconds patience = kMostLook;
        for (;;) {
            uint32_t seen = posts_.load();  // before looking: what is posted afterwards is not missed
            if (retired_.load()) break;
            take_chunks(number,
                        [this] { return chunks_ - 1 - behind_.fetch_add(1, std::memory_order_relaxed); });
            if (look(seen, patience)) continue;
            sleeping_.fetch_add(1);
            if (posts_.load() == seen) sleep_while(posts_, seen);
            sleeping_.fetch_sub(1);
        }
        leave();
    }

    // Whether a job was posted while we looked, for as long as there is patience.
    bool look(uint32_t seen, std::chrono::microseconds& patience) const {
        auto now = std::chrono::steady_clock::now();
        const auto end = now + patience;
        while (now < end) {
            for (int i = 0; i < 16; ++i) {
                if (posts_.load(std::memory_order_acquire) != seen) {
                    patience = std::min(patience + kLookMore, kMostLook);
                    return true;
                }
                pause();
            }
            const auto before = std::exchange(now, std::chrono::steady_clock::now());
            if (now - before > kOff) {
                patience = kLeastLook;
                return false;
            }
        }
        return false;
    }

    void steer() {
#if defined(__linux__)
        int here = sched_getcpu();
        if (here < 0 || (here == avoided_ && steered_ == started_) || most_ > kSteered) return;
        cpu_set_t others = allowed_;
        if (here < CPU_SETSIZE) CPU_CLR(here, &others);
        if (!CPU_COUNT(&others)) return;
        for (int i = 1; i <= started_; ++i)
            if (int id = ids_[static_cast<size_t>(i)].load()) sched_setaffinity(id, sizeof others, &others);
        avoided_ = here;
        steered_ = started_;
#endif
    }

    void leave() {
        if (users_.fetch_sub(1) == 1) delete this;
    }

    // What a job is; written while `remaining_` is 0.
    ChunkBody body_ = nullptr;
    void* context_ = nullptr;
    int64_t chunks_ = 0;
    // Callers only.
    const int most_;
    int started_ = 0, avoided_ = -1, steered_ = 0;
    std::unique_ptr<std::atomic<int>[]> ids_;  // the kernel's, by number; 0 until the worker runs
#if defined(__linux__)
    cpu_set_t allowed_;
#endif
    alignas(64) std::atomic<int64_t> remaining_{0};
    std::atomic<int64_t> behind_{0};  // chunks that workers have taken
    alignas(64) std::atomic<int64_t> finished_{0};
    alignas(64) std::atomic<uint32_t> posts_{0};
    alignas(64) std::atomic<int> sleeping_{0};
    std::atomic<int> users_{1};  // the workers, and the process
    std::atomic<bool> retired_{false};
};

int available_processors() {
#if defined(__linux__)
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set)) return std::max(CPU_COUNT(&set), 1);
#endif
    return std::max(static_cast<int>(std::thread::hardware_concurrency()), 1);
}

int initial_count() {
    if (const char* text = std::getenv("PULLBACK_NUM_THREADS")) {
        char* end;
        long n = std::strtol(text, &end, 10);
        if (end != text && !*end && n >= 1) return static_cast<int>(std::min<long>(n, kMostThreads));
    }
    return std::min(available_processors(), kMostThreads);
}

// Trivially destroyed all: workers may look at them while the process exits.
std::atomic<int> count{0};  // 0: not yet asked for
std::atomic<bool> busy{false};
Pool* pool = nullptr;  // while `busy`

void after_fork_in_child() {
    pool = nullptr;
    own_number = 0;
    busy.store(false);
}

void alone(int64_t chunks, ChunkBody body, void* context) {
    for (int64_t i = 0; i < chunks; ++i) body(context, i, own_number);
}

bool begin() { return !busy.exchange(true, std::memory_order_acquire); }
void end() { busy.store(false, std::memory_order_release); }

Pool* pool_of(int threads) {
    if (!pool) {
        static const int registered = pthread_atfork(nullptr, nullptr, after_fork_in_child);
        (void)registered;
        pool = new (std::nothrow) Pool(threads);
    }
    return pool;
}

}  // namespace

int thread_count() {
    int n = count.load(std::memory_order_relaxed);
    if (n == 0) count.store(n = initial_count());
    return n;
}

void set_thread_count(int n) {
    n = std::clamp(n, 1, kMostThreads);
    while (!begin()) sched_yield();
    if (n != thread_count() && pool) std::exchange(pool, nullptr)->retire();
    count.store(n);
    end();
}

void parallel(int64_t chunks, double work, ChunkBody body, void* context) {
    if (chunks < 2 || work < kAwakeWork || thread_count() < 2 || !begin())
        return alone(chunks, body, context);
    Pool* p = pool_of(thread_count());
    int helpers = p ? p->helpers(chunks, work) : 0;
    if (helpers) p->run(chunks, helpers, body, context);
    else alone(chunks, body, context);
    end();
}

}  // namespace pb
