#include "tape/node.h"

#include <vector>

#include "tape/hooks.h"

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
    freed.push_back(this);
    if (!draining) drain_freed_nodes();
}

Node::~Node() {
    for (uint16_t i = 0; i < edge_count_; ++i)
        if (edges_[i].node) edges_[i].node->release();
    if (extra) free_node_extra(extra);
    if (output_count_ == 1)
        meta_.~OutputMeta();
    else
        delete[] more_;
}

void Node::set_output(const Tensor& t) {
    meta_.layout = t.layout_ref();
    meta_.dtype = t.dtype();
}

void Node::set_outputs(const Tensors& ts) {
    if (ts.size() == 1) return set_output(ts[0]);
    meta_.~OutputMeta();
    output_count_ = static_cast<uint16_t>(ts.size());
    more_ = new OutputMeta[ts.size()];
    for (size_t i = 0; i < ts.size(); ++i)
        if (ts[i].defined()) more_[i] = {ts[i].layout_ref(), ts[i].dtype()};
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

}  // namespace pb
