// What a backward run keeps of the nodes that it walks: their counters and gradients.
//
// These belong to the run, not to the node, because a hook may start a second backward over the same nodes and so may
// another thread. A node offers one slot (`run`, `slot`) to whoever claims it first; a run that finds it claimed by
// another active run keeps that node's state in a hash table instead. A claim ends with its run and is not taken back.
#pragma once
#include <algorithm>
#include <memory>
#include <unordered_map>
#include <vector>

#include "tape/node.h"

namespace pb {

inline uint32_t next_run = 0;
inline std::vector<uint32_t> active_runs;  // usually none or one

struct State {
    explicit State(Node* n) : node(n) {}
    Node* node;
    uint32_t waiting = 0;
    bool needed = true;
    bool captured = false;
    Tensor grad;                    // of output 0
    std::unique_ptr<Tensors> more;  // of the others, from output 1
    Tensor& of(uint32_t nr) {
        if (nr == 0) return grad;
        if (!more) more = std::make_unique<Tensors>();
        if (more->size() < nr) more->resize(nr);
        return (*more)[nr - 1];
    }
    bool reached() const { return needed || captured; }
};

class States {
  public:
    States() : id_(++next_run ? next_run : ++next_run) {
        active_runs.push_back(id_);
        all_.swap(spare);
    }
    ~States() {
        active_runs.erase(std::find(active_runs.begin(), active_runs.end(), id_));
        all_.clear();
        if (all_.capacity() > spare.capacity() && all_.capacity() <= kSpare) spare.swap(all_);
    }
    States(const States&) = delete;
    States& operator=(const States&) = delete;

    uint32_t id() const { return id_; }
    // In the order in which nodes were met; a reference holds until the next is met.
    size_t size() const { return all_.size(); }
    State& operator[](size_t at) { return all_[at]; }
    const State& operator[](size_t at) const { return all_[at]; }
    std::vector<State>::iterator begin() { return all_.begin(); }
    std::vector<State>::iterator end() { return all_.end(); }

    // The state of a node that was met, or null.
    State* known(Node* n) {
        if (n->run == id_) return &all_[n->slot];
        auto it = others_.find(n);
        return it == others_.end() ? nullptr : &all_[it->second];
    }

    // Where the state of a node is, which is met at the latest now.
    size_t at(Node* n) { return __builtin_expect(n->run == id_, 1) ? n->slot : meet(n); }
    State& of(Node* n) { return all_[at(n)]; }

  private:
    [[gnu::noinline]] size_t meet(Node* n) {
        if (!others_.empty()) {  // first: whoever had claimed the node may be done by now
            auto it = others_.find(n);
            if (it != others_.end()) return it->second;
        }
        bool mine =
            n->run == 0 || std::find(active_runs.begin(), active_runs.end(), n->run) == active_runs.end();
        size_t at = all_.size();
        all_.emplace_back(n);
        if (mine) {
            n->run = id_;
            n->slot = static_cast<uint32_t>(at);
        } else {
            others_.emplace(n, at);
        }
        return at;
    }

    // Room that the last run of this thread left to the next, so that short runs ask for no memory.
    static constexpr size_t kSpare = 1 << 12;
    static inline thread_local std::vector<State> spare;

    uint32_t id_;
    std::vector<State> all_;
    std::unordered_map<Node*, size_t> others_;
};

}  // namespace pb
