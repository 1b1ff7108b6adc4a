// Decompositions of matrices, and other work of a library: a value from LAPACK, a derivative that is stated in Python.
//
// One rule serves all of them. What it computes is a function from arrays to arrays (compute/decompositions.h), looked up
// by the name under which pullback/linear_algebra defines it, or stated in Python as well (pullback/fourier). There its
// pullback and pushforward are stated, in tensor operations that are recorded; so all orders and nestings follow, and all
// batches. Which operands and results the derivative reads is known from the names of its parameters, and nothing else is
// saved. Functions of numbers that are found element by element, with derivatives that no row can state, are such ones,
// too: those of distributions.
#pragma once
#include "compute/decompositions.h"
#include "ops/rule/rule.h"

namespace pb::ops {

struct DecompositionKind;

// The derivative as it is stated, and the value where that is, too; made by python/.
class StatedDerivative {
  public:
    virtual Tensors forward(const Options& options, const Tensors& x) const = 0;
    virtual void pullback(const Options& options, Context& c, const Tensors& g, Tensors& out) const = 0;
    virtual Tensors pushforward(const Options& options, Context& c, const Tensors& t) const = 0;

  protected:
    ~StatedDerivative() = default;
};

struct DecompositionKind {
    const char* name;
    Arrays (*compute)(const Arrays& x, const Options& options);  // null: the value is stated
    size_t inputs;
    uint32_t vectors =
        0;  // those inputs, a bit each, of which one dimension is no batch; of the others two are none
    bool complex = false;  // takes complex matrices
    bool adjoint = false;  // its pullback has the conjugates that complex ones need in it
    // Given when it is defined.
    std::string node = {};
    const StatedDerivative* derivative = nullptr;
    uint32_t reads = 0, reads_outputs = 0;  // by the derivative, a bit each
};

// The one of this name; raises ValueError if there is none.
DecompositionKind& decomposition_kind(const char* name);
// The results, all of them. Operands are of one dtype of floats or complex numbers (pivots aside), and their shapes have
// been checked.
Tensors decompose(const DecompositionKind& kind, const Tensors& inputs, const Options& options);
// Raises LinAlgError for the first failure that LAPACK has reported, as `operation` says it.
void check_decomposition(const Tensor& info, const char* operation);
// Whether a mask holds anywhere, in any entry of a batch.
bool holds_anywhere(const Tensor& mask);
// How many pivots of factors are next to zero, at most, in any matrix of any batch.
int64_t small_pivots(const Tensor& factors, double threshold);

}  // namespace pb::ops
