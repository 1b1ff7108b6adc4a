// Gradients of parts, which a run adds to one gradient of the whole: Note [Parts are added where they belong].
#pragma once
#include <optional>
#include <unordered_map>
#include <vector>

#include "tape/node.h"
#include "tape/states.h"

namespace pb {

class Parts {
  public:
    Parts(States& states, bool hooks) : states_(states), hooks_(hooks) {}
    bool captures = false;  // whether the run captures gradients

    // Adds the gradients of a node that is part of its input to that of the input; false where the node has to be pulled.
    [[gnu::noinline]] bool add(Node& n, const Tensors& grads);
    // Whether something waits, and adds all that waits for a node.
    bool any_waiting() const { return !waiting_.empty(); }
    [[gnu::cold, gnu::noinline]] void add_waiting(size_t at);

  private:
    struct Home {  // an output, and where what is added begins in it
        Node* node = nullptr;
        uint32_t nr = 0;
        int64_t shift = 0;
    };
    std::optional<int64_t> passes_on(const Home& h);
    Home home_of(Edge e);
    Home step(const Home& h, int64_t shift);
    Home dense_home_of(const Edge& e, bool levelled);
    Array open(const Home& h);

    // What is to be added to a node's outputs by parts that have axes or tangents. It waits until all of it is there: then
    // the memory of a few entries is filled after the other, each by all parts while it is in the cache.
    struct Later {
        uint32_t nr;
        uint64_t level;  // of tangents; 0: gradients themselves
        Node* node;
        Tensors grads;
        Ref<Layout> whole;  // of an entry, in memory that lies as the output does
        int64_t shift;
    };
    struct Waiting {
        std::vector<Later> parts;
        int64_t elements = 0;  // of an entry, in the gradients: not more than a few times the whole
    };
    using Iterator = std::vector<Later>::iterator;
    void wait_for(size_t at, Later part);
    void add_together(const OutputMeta& meta, Tensor& sum, Iterator first, Iterator last);
    static std::optional<int64_t> run_in_entry(const Later& part);
    static bool add_pending(const Array& all, bool fresh, int64_t each, Iterator first, Iterator last);
    static bool add_computed(const Array& all, bool fresh, int64_t each, Iterator first, Iterator last);
    bool add_mapped(Node& n, const Tensors& grads, Home h, const Edge& e, MappedAxes& axes);
    bool add_dual(Node& n, const Tensors& grads, const Edge& e);

    States& states_;
    bool hooks_;
    std::vector<Home> homes_;  // by state: where what is added to the input of a view belongs
    std::unordered_map<size_t, Waiting> waiting_;  // for the nodes of states
};

}  // namespace pb
