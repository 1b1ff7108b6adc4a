"""Numbers and arrays as tensors of float64."""

import pullback as pb


def number(value):
    return pb.tensor(value, dtype=pb.float64)
