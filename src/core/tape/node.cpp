#include "tape/node.h"

#include <unordered_map>
#include <vector>

#include "tape/hooks.h"
#include "tape/packing.h"

namespace pb {

uint64_t Node::next_sequence = 0;

// Under the interpreter lock one queue serves all threads: whoever drains also frees what others add meanwhile.
namespace {
std::vector<Node*> freed;
bool draining = false;
}  // namespace

void drain_freed_nodes() {
    draining = true;
    while (!freed.empty()) {
        Node* n = freed.back();
        freed.pop_back();
        n->destroy();
    }
    draining = false;
}

void Node::free_later() {
    if (draining) return freed.push_back(this);
    draining = true;  // the first never enters the queue, which most often stays empty
    destroy();
    if (freed.empty()) draining = false;
    else drain_freed_nodes();
}

Node::~Node() {
    for (uint16_t i = 0; i < edge_count_; ++i)
        if (edges_[i].node) edges_[i].node->release();
    if (extra) free_node_extra(extra);
    if (output_count_ == 1) meta_.~OutputMeta();
    else delete[] more_;
}

std::span<Saved> Node::saved_values() { return {}; }

void Node::look_at_record() {
    if (modes.anomaly) keep_trace(*this);
    if (modes.packing) pack_outputs(*this);
}

void Node::set_outputs(const Tensors& ts) {
    if (ts.size() == 1 && ts[0]) return set_output(ts[0]);
    meta_.~OutputMeta();
    output_count_ = static_cast<uint16_t>(ts.size());
    more_ = new OutputMeta[ts.size()];
    for (size_t i = 0; i < ts.size(); ++i)
        if (ts[i].defined()) more_[i] = {ts[i].layout_ref(), ts[i].dtype()};
    if (__builtin_expect(modes.watched, 0)) look_at_record();
}

// Note [Cycles through the tape]
// `x.grad` made under create_graph, a context that keeps its own output, a hook that names its tensor: such cycles
// run through nodes, which the collector does not see. A tensor that owns a node alone shows it what that node holds,
// and what the older nodes hold that nobody else owns: those whose every reference was met on the way. Showing less
// is always safe, so the search stops after a number of nodes, and the collector's work stays linear.
int traverse_owned(Node* root, visitproc visit, void* arg) {
    constexpr size_t kMost = 512;
    if (!root->is_unique()) return 0;
    std::vector<Node*> ready{root};
    std::unordered_map<Node*, uint32_t> met;
    for (size_t next = 0; next < ready.size() && next < kMost; ++next) {
        Node* n = ready[next];
        if (int stop = n->traverse(visit, arg)) return stop;
        if (int stop = traverse_packed(*n, visit, arg)) return stop;
        if (n->extra) {
            for (auto& h : n->extra->tensor_hooks) Py_VISIT(h.hooks);
            Py_VISIT(n->extra->pre_hooks);
            Py_VISIT(n->extra->post_hooks);
            Py_VISIT(n->extra->metadata);
        }
        for (uint16_t i = 0; i < n->edge_count(); ++i) {
            Node* to = n->edge(i).node;
            if (to && (to->is_unique() || ++met[to] == to->references())) ready.push_back(to);
        }
    }
    return 0;
}

void clear_history(const Tensor& t) {
    if (t->grad_fn) {
        Node* n = t->grad_fn;
        t->grad_fn = nullptr;
        n->release();
    }
    t->output_nr = 0;
}

void set_history(const Tensor& t, Node* node, uint32_t nr) {
    node->retain();
    Node* old = t->grad_fn;
    t->grad_fn = node;
    t->output_nr = nr;
    if (old) old->release();
}

PyObject* numbers(const Dims& values) {
    PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(values.size()));
    for (size_t k = 0; tuple && k < values.size(); ++k)
        PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(k), PyLong_FromLongLong(values[k]));
    return tuple;
}

}  // namespace pb
