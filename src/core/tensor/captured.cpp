#include "tensor/captured.h"

#include <cstring>
#include <string>
#include <utility>

#include "array/error.h"
#include "tensor/mapped.h"
#include "tensor/refusal.h"

namespace pb {

namespace {

struct OpenDerivative {
    uint64_t level;
    PyObject* given;  // borrowed: whoever opened it holds it until it is closed
};
thread_local Small<OpenDerivative, 4> open_here;

bool is_given(PyObject* given, const Tensor& t) {
    PyObject* tensors = PyObject_CallMethod(given, "tensors", nullptr);
    if (!tensors) throw PythonError();
    bool found = false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(tensors) && !found; ++i)
        found = reinterpret_cast<TensorObject*>(PyList_GET_ITEM(tensors, i))->cell == t->cell;
    Py_DECREF(tensors);
    return found;
}

thread_local bool refused = false;

// As PyTorch names what has forms for tensors and for numbers, of which it calls the first for both. Operators whose forms
// differ are named by messages/captured.py.
std::string torch_name(const char* operation) {
    static constexpr const char* binary[] = {"add_",          "sub_",         "mul_",        "div_",
                                             "floor_divide_", "fill_",        "remainder_",  "fmod_",
                                             "pow_",          "bitwise_and_", "bitwise_or_", "bitwise_xor_"};
    std::string name = std::string("aten::") + operation;
    for (const char* each : binary)
        if (!std::strcmp(each, operation)) name += ".Tensor";
    return name;
}

}  // namespace

uint64_t open_derivative(PyObject* given) {
    open_here.push_back({next_level(), given});
    set_derivative_level(open_here.back().level);
    return modes.derivative;
}

void close_derivative(uint64_t level) {
    for (size_t i = open_here.size(); i-- > 0;)
        if (open_here[i].level == level) open_here.erase(i);
    set_derivative_level(open_here.empty() ? 0 : open_here.back().level);
}

bool is_captured(const Tensor& t) {
    for (size_t i = open_here.size(); i-- > 0 && t->cell->born < open_here[i].level;)
        if (!is_given(open_here[i].given, t)) return true;
    return false;
}

bool take_refusal() { return std::exchange(refused, false); }

void refuse_captured(const Tensor& t, const char* operation) {
    if (!is_captured(t)) return;
    refused = true;
    fail(
        "During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call in-place "
        "operation ({}) that "
        "would mutate a captured Tensor. This is not supported; please rewrite the function being "
        "transformed to explicitly "
        "accept the mutated Tensor(s) as inputs. Or write into a clone() of it, and return that beside the "
        "result, with "
        "has_aux=True.",
        torch_name(operation));
}

}  // namespace pb
