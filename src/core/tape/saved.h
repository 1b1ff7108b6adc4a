// Saved: a value that a derivative needs, kept by its node.
//
// It holds the cell and the version the cell had: if somebody writes in between, unpacking raises PyTorch's
// error and names the writer. Where its history continues is not stored but known by number: input i is what
// edge i leads to, output j is output j of the node itself. So a node that saves its own output is no cycle.
// Tangents that the value carried are kept, or forward-over-reverse would lose them. A value may be packed: then
// what a hook made of it is kept instead (packing.h), of the value itself nothing but its shape and dtype.
#pragma once
#include "array/scalar.h"
#include "tape/node.h"
#include "tensor/extra.h"

namespace pb {

class Saved {
  public:
    enum Origin : uint8_t { kNothing, kInput, kOutput, kConstant };

    Saved() = default;
    Saved(const Saved&) = delete;
    Saved& operator=(const Saved&) = delete;
    ~Saved() {
        if (__builtin_expect(!is_plain(), 0)) forget_apart();
    }

    // Of one that holds nothing yet.
    void save(const Tensor& t, Origin origin, uint8_t number) {
        new (&cell_) Ref<Cell>(t->cell);
        new (&layout_) Ref<Layout>(t->layout);
        offset_ = t->offset;
        version_ = t->cell->version;
        dtype_ = t.dtype();
        origin_ = origin;
        number_ = number;
        // Three tests, each of a byte: cheaper than one of all.
        if (__builtin_expect(t->flags & kInference, 0)) return save_special(t);
        if (__builtin_expect(t.is_dual(), 0)) return save_special(t);
        if (__builtin_expect(modes.watched, 0)) return save_special(t);
    }
    void save_array(const Array& a);  // a constant that nobody else sees
    void save_scalar(Scalar s) {
        if (s.wide) s = Scalar(s.to_double());  // as what it meets, where something is recorded, has it
        offset_ = s.i;
        kind_ = s.kind;
        if (s.kind == Scalar::Complex) save_complex(s);
    }
    void reset();
    bool holds_tensor() const { return origin_ != kNothing; }
    Scalar scalar() const {
        Scalar s;
        s.kind = static_cast<Scalar::Kind>(kind_);
        s.i = offset_;
        return s.kind == Scalar::Complex ? complex_scalar() : s;
    }
    Origin origin() const { return static_cast<Origin>(origin_); }
    uint8_t number() const { return number_; }
    void keep_tangents(const Tensor& t);
    bool has_tangents() const { return has_tangents_; }
    // Keeps what `pack` makes of `t`, the value that is saved here, in its place.
    void pack(const Tensor& t, PyObject* pack, PyObject* unpack);
    bool is_packed() const { return is_packed_; }
    PyObject* packed() const;  // borrowed
    PyObject* unpack_hook() const;
    // Neither packed nor with tangents: `array`, `data` and the rest are all there is to it.
    bool is_plain() const { return !(has_tangents_ | is_packed_); }

    // Checks the version; `self` is the node that saved.
    void check(const Node& self) const;
    Tensor unpack(Node& self) const;
    Array array(Node& self) const {
        if (is_packed_) return unpack(self).array();
        check(self);
        Array a;
        a.buffer = cell_->buffer;
        a.layout = layout_;
        a.offset = offset_;
        a.dtype = dtype_;
        return a;
    }
    const Layout* layout() const { return layout_.get(); }
    // The bytes of a contiguous value, without a counted view of them; for the engine's fast path.
    bool is_current() const { return cell_->version == version_; }
    bool is_pending() const { return cell_->buffer->is_pending(); }
    char* data() const { return cell_->buffer->data() + offset_ * static_cast<int64_t>(item_size(dtype_)); }
    DType dtype() const { return dtype_; }

  private:
    // A number of two parts lies in an array.
    [[gnu::cold, gnu::noinline]] void save_complex(Scalar s);
    [[gnu::cold, gnu::noinline]] Scalar complex_scalar() const;
    [[gnu::cold, gnu::noinline]] void save_special(const Tensor& t);
    [[gnu::cold, gnu::noinline]] void forget_apart();
    Tensor unpacked(Node& self) const;
    Edge origin_edge(Node& self) const;  // where its history continues, not counted
    Ref<Cell> cell_;
    Ref<Layout> layout_;
    int64_t offset_ = 0;  // of a tensor; the bits of a scalar
    uint32_t version_ = 0;
    DType dtype_ = DType::Float32;
    uint8_t origin_ : 2 = kNothing;
    uint8_t has_tangents_ : 1 = 0;      // they are in a table of their own: most saved values have none
    uint8_t is_packed_ : 1 = 0;         // likewise
    uint8_t kind_ : 2 = Scalar::Float;  // of a scalar
    uint8_t number_ = 0;
};

[[noreturn]] void fail_released(const Node& node);
bool any_packed();

}  // namespace pb
