#include "tensor/tensor.h"

#include "program/work_log.h"
#include "tensor/extra.h"
#include "tensor/mapped.h"

namespace pb {

constinit thread_local Modes modes __attribute__((tls_model("initial-exec")));
PyTypeObject* tensor_type = nullptr;
PyTypeObject* parameter_type = nullptr;
TensorObject* kept_objects[kKept];
size_t kept_count = 0;

namespace {

inline void blank(TensorObject* o) {
    o->cell = nullptr;
    o->layout = nullptr;
    o->offset = 0;
    o->dtype = DType::Float32;
    o->flags = o->exceptional = 0;
    o->output_nr = 0;
    o->grad_fn = o->accumulator = nullptr;
    o->grad = nullptr;
    o->extra = nullptr;
    o->dict = o->weakrefs = nullptr;
}

}  // namespace

TensorObject* new_tensor_object() {
    TensorObject* o;
    if (kept_count) {
        o = kept_objects[--kept_count];
        // The object's header is made anew; the type's reference was given back when it died.
        PyObject_Init(reinterpret_cast<PyObject*>(o), tensor_type);
        blank(o);
    } else {
        o = PyObject_GC_New(TensorObject, tensor_type);
        if (!o) throw PythonError();
        blank(o);
    }
    PyObject_GC_Track(reinterpret_cast<PyObject*>(o));
    return o;
}

constinit thread_local uint64_t numbers_taken __attribute__((tls_model("initial-exec"))) = 0;

Scalar Tensor::number() const {
    ++numbers_taken;
    if (__builtin_expect(work_log != nullptr, 0)) work_log->same(array());
    return Scalar::load(dtype(), data());
}

Tensor Tensor::make(const Array& a) {
    TensorObject* o = new_tensor_object();
    o->cell = Cell::make(a.buffer).detach();
    o->layout = Ref<Layout>(a.layout).detach();
    o->offset = a.offset;
    o->dtype = a.dtype;
    if (__builtin_expect(a.layout->is_mapped(), 0)) o->exceptional = kMapped;
    if (modes.inference) o->flags |= kInference;
    return steal(o);
}

Tensor Tensor::make(DType dtype, Ref<Layout> layout) {
    if (__builtin_expect(layout->is_mapped(), 0)) return make(Array::empty(dtype, std::move(layout)));
    return fresh(dtype, std::move(layout));
}

// `layout` with those axes of `t` that it lacks.
[[gnu::cold, gnu::noinline]] static Ref<Layout> carry_axes(const TensorObject* t, Ref<Layout> layout) {
    return layout.get() == t->layout ? layout : with_surroundings(*layout, *layout, *t->layout);
}

Tensor Tensor::alias(Ref<Layout> layout, int64_t offset) const {
    TensorObject* o = new_tensor_object();
    o_->cell->retain();
    o->cell = o_->cell;
    if (__builtin_expect(is_mapped() || layout->is_mapped(), 0)) {
        layout = carry_axes(o_, std::move(layout));
        o->exceptional = kMapped;
    }
    o->layout = layout.detach();
    o->offset = offset;
    o->dtype = o_->dtype;
    return steal(o);
}

TensorExtra& extra(const Tensor& t) {
    if (!t->extra) t->extra = new TensorExtra;
    return *t->extra;
}

const Tensor& tangent_root(const Tensor& t) {
    if (!(t->flags & kIsView)) return t;
    const ViewInfo& view = *t->extra->view;
    return view.is_dual_root ? t : view.dual ? view.dual : view.base;
}

bool is_stale_dual(const TensorObject* view) {
    const TensorExtra& x = *view->extra;
    if (x.view->is_dual_root || x.tangents_at == view->cell->version) return false;
    return (x.view->dual ? x.view->dual : x.view->base)->exceptional & kDual;
}

bool Tensor::view_requires_grad() const {
    const auto& view = o_->extra->view;
    return view && view->base.requires_grad();
}

}  // namespace pb
