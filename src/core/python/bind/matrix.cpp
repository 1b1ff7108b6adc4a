// Products of matrices and vectors: operators/products.py and einsum.py.
#include "ops/matrix/products.h"

#include "library/blas.h"
#include "python/bind/bind.h"

namespace pb {

namespace {

// Where the package says that OpenBLAS is (pullback/runtime/blas.py); its ImportError passes through.
std::string library_path() {
    Owned module(checked(PyImport_ImportModule("pullback.runtime.blas")));
    Owned found(checked(PyObject_CallMethod(module.o, "library_path", nullptr)));
    const char* text = PyUnicode_AsUTF8(found.o);
    if (!text) throw PythonError();
    return text;
}

}  // namespace

template <> struct Reading<Recurrent> : Plain<Recurrent> {
    static constexpr Wants wants = {"text"};
    Reading(const Args& a, size_t i)
        : Plain{static_cast<Recurrent>(word_of(a, i, {"RNN_TANH", "RNN_RELU", "LSTM", "GRU"}))} {
        if (value > Recurrent::gru) fail_as(ErrorKind::Value, "a cell is RNN_TANH, RNN_RELU, LSTM or GRU");
    }
};

namespace {

const Binding bindings[] = {
    bind<&ops::matmul>("matmul"),
    bind<&ops::mm>("mm"),
    bind<&ops::bmm>("bmm"),
    bind<&ops::mv>("mv"),
    bind<&ops::dot>("dot"),
    bind<&ops::vdot>("vdot"),
    bind<&ops::outer>("outer"),
    bind<&ops::inner>("inner"),
    bind<&ops::addmm, &ops::addmm_>("addmm"),
    bind<&ops::addmv, &ops::addmv_>("addmv"),
    bind<&ops::addr, &ops::addr_>("addr"),
    bind<&ops::addbmm, &ops::addbmm_>("addbmm"),
    bind<&ops::baddbmm, &ops::baddbmm_>("baddbmm"),
    bind<&ops::linear>("linear"),
    bind<&ops::recurrent_layer>("recurrent_layer"),
    bind<&ops::convolve>("convolve"),
    bind<&ops::convolve_back>("convolve_back"),
    bind<&ops::contract>("contract"),
    bind<&ops::tensordot>("tensordot"),
};

}  // namespace

void bind_matrix() {
    blas::library_path = library_path;
    add_bindings(bindings);
}

}  // namespace pb
