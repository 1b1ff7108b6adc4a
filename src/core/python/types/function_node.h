// The node of a user's Function, and its context, the object that forward and backward know as `ctx`.
//
// The node owns the context (a Python object with what forward left); the context knows its node weakly, for
// `saved_tensors`, and the node's wrapper (`grad_fn`) shows the context's attributes as its own. Saved inputs and
// outputs are kept by number like those of any node, so that saving an output is no cycle.
#pragma once
#include <memory>
#include <vector>

#include "tape/node.h"
#include "tape/saved.h"

namespace pb {

class FunctionNode;

struct ContextObject {
    PyObject_HEAD FunctionNode* node;  // weak
    PyObject* to_save;
    PyObject* pushed;  // what `saved_tensors` is while `jvp` runs, if forward called save_for_forward
    PyObject* dirty;
    PyObject* non_differentiable;
    PyObject* needs_input_grad;
    PyObject* dict;
    PyObject* weakrefs;
    char materialize;
};

inline ContextObject* context_of(PyObject* o) { return reinterpret_cast<ContextObject*>(o); }
// function_context.cpp
extern PyTypeObject* context_type;
void init_context_type(PyObject* module);

class FunctionNode : public Node {
  public:
    FunctionNode(uint16_t edges, PyObject* ctx);
    ~FunctionNode() override;
    const char* name() const override { return name_; }
    PyObject* context() override { return context_; }
    bool pulls_nothing() const override { return true; }
    void pull(Tensors& grads, Tensors& out) override;
    void release_saved() override;
    bool was_released() const override { return released_; }
    std::span<Saved> saved_values() override { return {saved_.get(), saved_count_}; }
    int traverse(visitproc visit, void* arg) override;
    PyObject* attribute(const char* key) override;
    PyObject* operand(size_t i) override;

    PyObject* saved_tensors();
    // `originals` are the outputs as forward returned them, which is what it saved; `outputs` what became of them.
    void save(PyObject* list, const Tensors& inputs, const Tensors& originals, const Tensors& outputs);
    // The outputs have got their tangents: those that were saved keep them.
    void keep_output_tangents(const Tensors& outputs);

    std::vector<int> arguments;  // the edge of each argument of forward, -1 where it is no tensor
    static PyObject* caller;     // autograd.function._call_backward

  private:
    // A tensor of another history than inputs and outputs have; of a packed one the history alone.
    struct Elsewhere {
        Tensor tensor;
        Ref<Node> node;
        uint32_t nr = 0;
        void keep(const Tensor& t, bool is_packed);
    };
    PyObject* constant(size_t i);

    std::unique_ptr<Saved[]> saved_;
    size_t saved_count_ = 0;
    std::vector<Elsewhere> constants_;
    PyObject* context_;
    const char* name_;
    bool released_ = false;
};

}  // namespace pb
