// ElementwiseNode: the tape's record of a row of the table. All of them are this one class: what differs is the row.
#pragma once
#include "ops/elementwise/elementwise.h"
#include "tape/saved.h"

namespace pb {

class ElementwiseNode : public Node {
  public:
    // Records `row` over `operands` with result `y`; `wanted` has a bit for each operand that requires grad.
    // The caller owns the reference.
    static ElementwiseNode* record(const Row& row, const Operand* operands, const Tensor& y, uint8_t wanted);

    const char* name() const override { return pullback_.row->node_names[form_].c_str(); }
    void pull(Tensors& grads, Tensors& out) override;
    bool is_noted() const override { return true; }
    void release_saved() override;
    bool was_released() const override { return released_; }
    std::span<Saved> saved_values() override { return {saved(), slots_}; }
    PyObject* operand(size_t i) override { return saved_value(i); }
    PyObject* attribute(const char* key) override;
    void keep_tangents(const Tensors& operands, const Tensors& results) override;

  protected:
    ElementwiseNode(uint16_t edges, const Row::Pullback& pullback, uint8_t wanted, uint8_t slots)
        : Node(edges), pullback_(pullback), wanted_(wanted), slots_(slots) {}
    ~ElementwiseNode() override;
    void destroy() override;

  private:
    static size_t bytes(uint16_t edges, uint8_t slots) {
        return sizeof(ElementwiseNode) + edges * sizeof(Edge) + slots * sizeof(Saved);
    }
    Saved* saved() {
        return reinterpret_cast<Saved*>(reinterpret_cast<char*>(this + 1) + edge_count() * sizeof(Edge));
    }
    PyObject* saved_value(size_t number);  // of an operand, or of the result, which comes after them
    bool pull_contiguous(const Tensor& g, Tensors& out);
    bool pull_arrays(const Tensor& g, Tensors& out);
    bool pull_mapped(const Tensor& g, Tensors& out);
    bool any_mapped(const Tensor& g);
    bool pull_negated_sum(const Tensor& g, Tensors& out);

    // What its program is computed in: where operands are complex, that, also of a real cotangent.
    DType pulled_in(const Tensor& g) const { return of_complex_ ? complex_of(g.dtype()) : g.dtype(); }

    const Row::Pullback& pullback_;
    uint8_t wanted_, slots_;
    uint8_t form_ = 0;  // which operand, if any, was a number: that decides the name
    bool released_ = false, of_complex_ = false;
};

}  // namespace pb
