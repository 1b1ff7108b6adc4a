// The threads that share large loops. threads.cpp has the essay.
#pragma once
#include <cstdint>
#include <type_traits>

namespace pb {

// One piece of work: chunks are numbered from 0, workers in [0, thread_count()). A body sees raw memory only: it
// throws nothing, counts no references, and never enters Python.
using ChunkBody = void (*)(void* context, int64_t chunk, int worker);

// Calls body(context, chunk, worker) once for each chunk in [0, chunks) and returns when all calls have returned.
// `work` is the time in nanoseconds that one thread would take: it decides whether others are asked at all. No two
// calls that run at the same time have the same worker, unless they belong to different calls of `parallel`.
void parallel(int64_t chunks, double work, ChunkBody body, void* context);

// The same for a callable f(chunk, worker).
template <class F> void parallel(int64_t chunks, double work, F&& f) {
    using Callable = std::remove_reference_t<F>;
    parallel(
        chunks, work,
        [](void* context, int64_t chunk, int worker) { (*static_cast<Callable*>(context))(chunk, worker); },
        const_cast<void*>(static_cast<const void*>(&f)));
}

// How many threads share a loop, the caller included: PULLBACK_NUM_THREADS, or else the processors that this process
// may run on. Not to be called by a body. `n` is at least 1.
int thread_count();
void set_thread_count(int n);

}  // namespace pb
