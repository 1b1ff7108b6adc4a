"""What a prediction costs, element by element: the losses of nn.functional before they are added up.

Operands are the prediction and the target, and both are differentiated.
"""

import math

from .define import composed
from .exponentials import exp, log, log1p, sigmoid
from .selection import maximum, where


def _loss(name, formula, partials, doc, **about):
    return composed(name, formula, partials, doc, promotion="arithmetic", accepts="floats", forms="", **about)


def _of_difference(slope):
    return [slope, -slope]


def _smooth_l1(d, beta):
    return where(abs(d) < beta, 0.5 * d * d / beta, abs(d) - 0.5 * beta)


def _smooth_l1_slope(d, beta):
    return where(d >= beta, 1, where(d <= -beta, -1, d / beta))


def _huber(d, delta):
    return where(abs(d) <= delta, 0.5 * d * d, delta * (abs(d) - 0.5 * delta))


def _huber_slope(d, delta):
    return where(d > delta, delta, where(d < -delta, -delta, d))


smooth_l1_loss = _loss(
    "smooth_l1_loss",
    lambda input, target, beta: _smooth_l1(input - target, beta),
    lambda input, target, beta, y: _of_difference(_smooth_l1_slope(input - target, beta)),
    "A parabola within `beta` of the target and straight beyond: the distance less half of `beta`.",
    parameters={"beta": 1.0},
)
huber_loss = _loss(
    "huber_loss",
    lambda input, target, delta: _huber(input - target, delta),
    lambda input, target, delta, y: _of_difference(_huber_slope(input - target, delta)),
    "Half the square within `delta` of the target, and straight beyond (Huber 1964).",
    parameters={"delta": 1.0},
    error=(4, lambda input, target, delta, y: (input - target,)),
)

# Logarithms are held at -100, where a probability is 0 or nearly; the slope is that of a probability of 10^-12 there, so
# that a prediction which is certain and wrong is still told the way.
_LEAST = 1e-12


def _held(logarithm):
    return maximum(logarithm, -100)


def _log_of(number):
    return max(math.log(number), -100) if number > 0 else 0.0


binary_cross_entropy = _loss(
    "binary_cross_entropy",
    lambda input, target: (target - 1) * _held(log1p(-input)) - target * _held(log(input)),
    lambda input, target, y: [
        (input - target) / maximum((1 - input) * input, _LEAST),
        _held(log1p(-input)) - _held(log(input)),
    ],
    "-(target * log(input) + (1 - target) * log(1 - input)), logarithms not below -100.",
    domain=(0.2, 0.8),
    note="PyTorch's slopes where a logarithm is held",
    error=(4, lambda input, target, y: (target * _log_of(input),)),
    unlike_torch=(
        lambda x, t: (x == 0) | (x == 1),
        "PyTorch's slope in the target is infinite, its value's is 100",
    ),
)
binary_cross_entropy_with_logits = _loss(
    "binary_cross_entropy_with_logits",
    lambda input, target: maximum(input, 0) - input * target + log1p(exp(-abs(input))),
    lambda input, target, y: [sigmoid(input) - target, -input],
    "binary_cross_entropy of sigmoid(input), without overflow and without losing a tail.",
    error=(4, lambda input, target, y: (input * (1 + abs(target)),)),
)
