#include "program/profile.h"

#include <atomic>
#include <chrono>

namespace pb {

std::unique_ptr<Profile> profile;

namespace {

uint64_t profiles = 0;
struct Open {  // the innermost event of a thread
    uint64_t profile = 0;
    int64_t number = -1;
};
thread_local Open open;

uint32_t thread_number() {
    static std::atomic<uint32_t> threads = 0;
    thread_local uint32_t mine = ++threads;
    return mine;
}

int64_t now() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

int64_t bytes_in_use() { return static_cast<int64_t>(memory_figures().in_use); }

}  // namespace

void start_profile(bool shapes, bool memory, bool sites, bool flops) {
    profile.reset(new Profile{shapes, memory, sites, flops, ++profiles});
}

std::vector<Event> stop_profile() {
    if (!profile) return {};
    std::vector<Event> events = std::move(profile->events);
    profile.reset();
    const int64_t end = now();
    for (Event& e : events)
        if (e.end < 0) e.end = end;
    return events;
}

void add_flops(double flops) {
    if (!profile->flops || open.profile != profile->number || open.number < 0) return;
    profile->events[static_cast<size_t>(open.number)].flops += static_cast<int64_t>(flops);
}

Measured::Measured(Event::Kind kind, std::string name) : profile_(profile->number) {
    outer_ = open.profile == profile_ ? open.number : -1;
    number_ = static_cast<int64_t>(profile->events.size());
    Event e{std::move(name), kind, 0, -1, outer_, thread_number()};
    if (profile->sites && kind == Event::Operator) {
        Site site = sites.here();
        e.text = sites.describe(site);
        sites.forget(site);
    }
    if (profile->memory) e.bytes = -bytes_in_use();
    profile->events.push_back(std::move(e));
    open = {profile_, number_};
    profile->events.back().begin = now();
}

Measured::~Measured() {
    const int64_t end = now();
    if (Event* e = event()) {
        e->end = end;
        if (profile->memory) e->bytes += bytes_in_use();
    }
    open = {profile_, outer_};
}

Event* Measured::event() const {
    if (!profile || profile->number != profile_) return nullptr;
    return &profile->events[static_cast<size_t>(number_)];
}

}  // namespace pb
