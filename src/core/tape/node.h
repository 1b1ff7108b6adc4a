// Node: one recorded operation on the tape.
//
// A node holds edges to the nodes that produced its inputs, the values its derivative needs, and what its
// outputs look like (shape, dtype), which is all the engine needs to undo broadcasting and promotion. Nodes are
// not Python objects: `grad_fn` makes a wrapper on demand. They are counted, never collected, own no cycle
// (a saved output knows its node by number, see saved.h), and are freed through a queue, never by recursion:
// a chain of a million nodes is freed in constant stack.
//
// `sequence` orders the walk: a node is always younger than the nodes its edges lead to. The slot
// (`run`, `slot`) lets one active backward run find its state without hashing; see states.h.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "array/layout.h"
#include "tensor/tensor.h"

namespace pb {

class Node;
class Saved;

struct Edge {
    Node* node = nullptr;
    uint32_t nr = 0;
};

struct OutputMeta {
    Ref<Layout> layout;
    DType dtype = DType::Float32;
};

// Hooks, names, anomaly information: what most nodes never have (tape/hooks.h).
struct NodeExtra;
void free_node_extra(NodeExtra*);

class Node {
  public:
    explicit Node(uint16_t edge_count) : edge_count_(edge_count), sequence_(++next_sequence) {}
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;

    virtual const char* name() const = 0;
    // Pulls the gradients of the outputs back to the inputs: `out` has one slot an edge, undefined meaning zero.
    // Undefined entries of `grads` mean zero too. Runs with grad mode on when a graph of the gradient is wanted.
    virtual void pull(Tensors& grads, Tensors& out) = 0;
    // Whether `pull` runs even when no gradient arrived (a user's function gets zeros, or decides itself).
    virtual bool pulls_nothing() const { return false; }
    // For Note [Parts are added where they belong]. Whether `add_to` may do instead of `pull`: it adds the gradient of
    // input 0 to memory of that input's shape, or declines.
    virtual bool adds() const { return false; }
    virtual bool add_to(const Tensors&, const Array&) { return false; }
    virtual bool adds_later() const {
        return false;
    }  // whether it never declines, and reads nothing that was saved
    // Whether all that it computes is noted where a log asks for it (program/work_log.h).
    virtual bool is_noted() const { return false; }
    // Where output `nr` of a view begins, counted in elements from its input; nothing if this is no view, or the input
    // has not the geometry any more that it was viewed with.
    virtual std::optional<int64_t> view_shift(uint32_t) { return std::nullopt; }
    virtual void release_saved() {}
    virtual bool was_released() const { return false; }
    virtual std::span<Saved> saved_values();  // tensors, numbers, and places for what is not needed
    // The operands and results have got their tangents: saved values keep them.
    virtual void keep_tangents(const Tensors&, const Tensors&) {}
    // Python objects held, for the cycle collector.
    virtual int traverse(visitproc, void*) { return 0; }
    // What its wrapper shows under this name beside its own attributes, or null.
    virtual PyObject* attribute(const char*) { return nullptr; }
    // What is known of operand i: its value if that was saved, else its shape, else null. For pictures.
    virtual PyObject* operand(size_t) { return nullptr; }
    // The Python object whose attributes the wrapper shows as its own (a Function's context), borrowed, or null.
    virtual PyObject* context() { return nullptr; }
    virtual bool is_accumulate() const { return false; }
    // Of a write into a view: the node of what was done to the view, or null.
    virtual Node* written() { return nullptr; }

    void retain() { ++refs_; }
    void release() {
        if (--refs_ == 0) free_later();
    }
    bool is_unique() const { return refs_ == 1; }
    uint32_t references() const { return refs_; }

    uint16_t edge_count() const { return edge_count_; }
    Edge& edge(size_t i) { return edges_[i]; }
    const Edge& edge(size_t i) const { return edges_[i]; }
    void take_edge(size_t i, Edge e) {  // takes over the reference that `gradient_edge` gave
        if (edges_[i].node) edges_[i].node->release();
        lead_to(i, e);
    }
    void lead_to(size_t i, Edge e) {  // the same of an edge that is empty
        edges_[i] = e;
        // A view whose base was written got its node just now: stay younger than what an edge leads to.
        if (e.node && __builtin_expect(e.node->sequence_ > sequence_, 0)) sequence_ = ++next_sequence;
    }
    bool wants(size_t i) const { return edges_[i].node != nullptr; }
    uint64_t sequence() const { return sequence_; }

    uint16_t output_count() const { return output_count_; }
    OutputMeta& output(size_t i) { return output_count_ == 1 ? meta_ : more_[i]; }
    void set_output(const Tensor& t) {  // the only output
        meta_.layout = t.layout_ref();
        meta_.dtype = t.dtype();
        if (__builtin_expect(modes.watched, 0)) look_at_record();
    }
    void set_outputs(const Tensors& ts);

    NodeExtra* extra = nullptr;
    // State of the run that claimed this node; 0 is none.
    uint32_t run = 0, slot = 0;

    static uint64_t next_sequence;

  protected:
    virtual ~Node();
    void renew() {  // a node that lay idle is as one that is made now
        refs_ = 1;
        sequence_ = ++next_sequence;
    }
    void attach_edges(Edge* e) { edges_ = e; }
    virtual void destroy() = 0;  // destructor and memory

  private:
    // It has been recorded while somebody wants to know.
    [[gnu::cold]] void look_at_record();
    void free_later();
    friend void drain_freed_nodes();
    uint32_t refs_ = 1;
    uint16_t edge_count_;
    uint16_t output_count_ = 1;
    uint64_t sequence_;
    Edge* edges_ = nullptr;
    union {
        OutputMeta meta_{};
        OutputMeta* more_;
    };
};

// A tuple of numbers, for `attribute`; null with an error set where there is no memory.
PyObject* numbers(const Dims& values);

// A node of type T with room for its edges behind it, from the pool. `destroy` gives the memory back.
template <class T> class Placed : public T {
  public:
    template <class... A> static T* make(uint16_t edges, A&&... args) {
        size_t bytes = size_for(edges);
        void* p = pool_alloc(bytes);
        auto* node = new (p) Placed(edges, std::forward<A>(args)...);
        Edge* e = reinterpret_cast<Edge*>(static_cast<char*>(p) + sizeof(Placed));
        for (uint16_t i = 0; i < edges; ++i) new (e + i) Edge();
        node->attach_edges(e);
        return node;
    }

  protected:
    template <class... A> explicit Placed(uint16_t edges, A&&... args) : T(edges, std::forward<A>(args)...) {}
    void destroy() override {
        size_t bytes = size_for(this->edge_count());
        this->~Placed();
        pool_free(this, bytes);
    }

  private:
    static size_t size_for(uint16_t edges) { return sizeof(Placed) + edges * sizeof(Edge); }
};

// Shows the cycle collector what `root`, owned by one tensor alone, holds (Note [Cycles through the tape]).
int traverse_owned(Node* root, visitproc visit, void* arg);

// ---- the ties between tensors and nodes ----

// Where a gradient for `t` has to go; node is null when t does not require grad. The caller owns one reference
// to the node, usually to pass it on with `take_edge`.
Edge gradient_edge_apart(const Tensor& t);  // of a view or a leaf
inline Edge gradient_edge(const Tensor& t) {
    if (__builtin_expect(t->flags & kIsView || !t->grad_fn, 0)) return gradient_edge_apart(t);
    t->grad_fn->retain();
    return {t->grad_fn, t->output_nr};
}
// The node that produced `t`, made anew if t is a view whose base was written in place; null for leaves.
Node* current_grad_fn(const Tensor& t);
// Makes `t` output `nr` of `node`. Counts a reference.
void set_history(const Tensor& t, Node* node, uint32_t nr = 0);
void clear_history(const Tensor& t);
// Whether an operation on these should be recorded now.
inline bool should_record(const Tensor& t) { return modes.grad && t.requires_grad(); }

// The AccumulateGrad node of a leaf, made on demand; the caller owns one reference. It lies idle with the leaf where no edge
// leads to it, and goes with it.
Node* accumulator(const Tensor& leaf);
Node* recorded_accumulator(const Tensor& leaf);  // null where nothing has been recorded, or is any more
void free_idle(Node* accumulate);
// The node's name without "Backward0": how errors speak of the operation.
std::string operation_name(const Node& node);
Tensor accumulated_variable(Node* accumulate);  // the leaf of an AccumulateGrad node

}  // namespace pb
