#include "ops/fast.h"

#include <cstring>

#include "ops/elementwise_node.h"

namespace pb::ops {

namespace {

inline bool is_plain(const TensorObject* t) {
    return !t->exceptional && (t->dtype == DType::Float32 || t->dtype == DType::Float64) && t->layout->is_contiguous() &&
           t->layout->numel() > 0;
}
inline bool wants_grad(const TensorObject* t) {
    return t->grad_fn || t->flags & (kRequiresGrad | kIsView);
}

inline Tensor result(const TensorObject* like) {
    TensorObject* o = new_tensor_object();
    like->layout->retain();
    o->layout = like->layout;
    o->dtype = like->dtype;
    o->cell = Cell::make(Buffer::allocate(static_cast<size_t>(like->layout->numel()) * item_size(like->dtype))).detach();
    if (modes.inference) o->flags |= kInference;
    return Tensor::steal(o);
}

inline void record(const Row& row, const Operand* operands, const Tensor& y, uint8_t wanted) {
    ElementwiseNode* node = ElementwiseNode::record(row, operands, y, wanted);
    y->grad_fn = node;  // takes over the reference
}

}  // namespace

Tensor fast_binary(const Row& row, TensorObject* a, TensorObject* b) {
    if (row.primitive < 0 || a->dtype != b->dtype || !is_plain(a) || !is_plain(b)) return Tensor();
    if (a->layout != b->layout && !a->layout->same_shape(*b->layout)) return Tensor();
    BlockKernel fn = kernels().elementwise[row.primitive][static_cast<int>(a->dtype)][0];
    Tensor y = result(a);
    const void* in[2] = {a->cell->buffer->data() + a->offset * static_cast<int64_t>(item_size(a->dtype)),
                         b->cell->buffer->data() + b->offset * static_cast<int64_t>(item_size(b->dtype))};
    fn(in, y->cell->buffer->data(), a->layout->numel());
    if (modes.grad && row.differentiable && (wants_grad(a) || wants_grad(b))) {
        Tensor ta(a), tb(b);
        Operand operands[2] = {ta, tb};
        uint8_t wanted = static_cast<uint8_t>((ta.requires_grad() && row.partial[0].kind != Partial::None ? 1 : 0) |
                                              (tb.requires_grad() && row.partial[1].kind != Partial::None ? 2 : 0));
        if (wanted) record(row, operands, y, wanted);
    }
    return y;
}

Tensor fast_scalar(const Row& row, TensorObject* a, double number, bool number_first) {
    if (row.primitive < 0 || !is_plain(a)) return Tensor();
    int64_t n = a->layout->numel();
    BlockKernel fn = kernels().elementwise[row.primitive][static_cast<int>(a->dtype)][n == 1 ? 0 : number_first ? 1 : 2];
    if (!fn) return Tensor();
    alignas(8) char slot[8];
    Scalar(number).store(a->dtype, slot);
    Tensor y = result(a);
    const char* data = a->cell->buffer->data() + a->offset * static_cast<int64_t>(item_size(a->dtype));
    const void* in[2] = {data, slot};
    if (number_first) std::swap(in[0], in[1]);
    fn(in, y->cell->buffer->data(), n);
    if (modes.grad && row.differentiable && wants_grad(a)) {
        Tensor ta(a);
        Operand operands[2] = {ta, Scalar(number)};
        if (number_first) std::swap(operands[0], operands[1]);
        int at = number_first ? 1 : 0;
        if (ta.requires_grad() && row.partial[at].kind != Partial::None) record(row, operands, y, static_cast<uint8_t>(1 << at));
    }
    return y;
}

}  // namespace pb::ops
