// Random draws. Their results do not depend on the values of what they are written over, nor, where they are drawn
// with, continuously on it: on the tape they are nodes with a gradient of zero.
#pragma once
#include "compute/draw.h"
#include "ops/rule/apply.h"

namespace pb::ops {

using compute::Distribution;
using compute::integers_between;
using compute::integers_from;
using compute::integers_of;

// A fresh tensor of draws.
Tensor drawn(DType dtype, Ref<Layout> layout, const Distribution& d, Generator& g);
Tensor permutation(int64_t n, DType dtype, Generator& g);
// Over a tensor. `node` is the node's name, `operation` the name in messages.
Tensor overwrite(const Tensor& target, const char* node, const char* operation, const Distribution& d,
                 Generator& g);

// Truth values with the probabilities in `x`, or all with one.
Tensor bernoulli(const Tensor& x, Generator& g);
Tensor bernoulli(const Tensor& x, double p, Generator& g);
Tensor bernoulli_(const Tensor& target, const Tensor& p, Generator& g);
// Normal draws, where one of mean and deviation, at least, is a tensor.
void check_deviations(const Tensor& each);  // that none is negative
Tensor normal(const Operand& mean, const Operand& deviation, Generator& g);
Tensor multinomial(const Tensor& weights, int64_t draws, bool replacement, Generator& g);
// Counts: of events of a rate, and of successes in trials, of one dtype and broadcast.
Tensor poisson(const Tensor& rate, Generator& g);
Tensor binomial(const Tensor& count, const Tensor& probability, Generator& g);
// Draws of the gamma distribution of a shape, and of Dirichlet's; without derivatives, which distributions/ states.
Tensor drawn_gamma(const Tensor& shape, Generator& g);
Tensor drawn_dirichlet(const Tensor& concentration, Generator& g);

}  // namespace pb::ops
