// The rare part of a node: hooks, retained gradients, its Python wrapper, the function that it ends.
#pragma once
#include <vector>

#include "tape/node.h"

namespace pb {

struct NodeExtra {
    struct OutputHooks {
        uint32_t nr;
        PyObject* hooks;  // OrderedDict: handle id -> callable, in order of registration
    };
    struct Retained {
        uint32_t nr;
        PyObject* tensor;  // weak reference
    };
    std::vector<OutputHooks> tensor_hooks;
    std::vector<Retained> retained;
    PyObject* pre_hooks = nullptr;
    PyObject* post_hooks = nullptr;
    PyObject* metadata = nullptr;  // "traceback_": where the node was recorded, under anomaly mode
    PyObject* wrapper = nullptr;   // borrowed: the wrapper clears it when it dies
    const char* ends = nullptr;    // what it is called as the last step of a function that is made of others
    ~NodeExtra();
};

NodeExtra& extra(Node& n);  // made on demand

// Note [Functions made of others]. A function that is written in Python out of others (mse_loss) is a node for each step.
// The last one is shown under the name of the whole, as PyTorch's only node of it; what it computes, and so its name in the
// core and to whoever follows rules (sparse patterns, pictures), stays its own.
const char* shown_name(const Node& n);
// `t` is the result of such a function: the node that it got since the tape had so many (Node::next_sequence) ends it.
// The name is one that lives for ever.
void name_last_step(const Tensor& t, const char* name, uint64_t since);
const char* lasting_name(PyObject* text);
bool has_hooks(const Node& n);  // or retained gradients
PyObject* new_ordered_dict();

// Hooks of the gradient of `t`: made on demand, kept by the leaf or by the node. Borrowed.
PyObject* tensor_hooks(const Tensor& t);
void retain_grad(const Tensor& t);
// An in-place operation gave `t` another node: its retained gradient moves along.
void move_retained(const Tensor& t, Node* from, uint32_t from_nr);

// The engine's calls. Each may replace the gradients.
void run_output_hooks(Node& n, Tensors& grads);     // tensor hooks, then retained gradients
void run_hook_dict(PyObject* hooks, Tensor& grad);  // of one tensor
void run_pre_hooks(Node& n, Tensors& grads);
void run_post_hooks(Node& n, const Tensors& grads_in, Tensors& grads_out);
// Of a leaf whose gradient has just been accumulated.
void run_post_accumulate_hooks(const Tensor& leaf);

// Anomaly mode: remembers where `n` is being recorded, and says so when its derivative went wrong.
void keep_trace(Node& n);
void warn_of_anomaly(Node& n);
void check_anomaly(Node& n, const Tensors& grads);  // raises at the first NaN

}  // namespace pb
