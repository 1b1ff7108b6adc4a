"""The operands of the tables of calls, as arrays: from them a sample makes tensors of any dtype, layout and values.

Each environment is a function of a seed. What it names stands in the docstring of the table that it belongs to.
"""

import numpy as np


def of_batches(seed):
    from batch import table

    return {name: table.value(name, seed).numpy() for name in table.SHAPES}


def of_networks(seed):
    from nn import calls

    return calls.operands(seed)


def _of_inputs(inputs):
    """What a function of a module makes, whose values are the same for every seed."""
    import pullback

    return lambda seed: {name: t.detach().numpy() for name, t in inputs(pullback).items()}


def of_linear_algebra(seed):
    from linear_algebra.test_linear_algebra_against_torch import inputs

    return _of_inputs(inputs)(seed)


def of_views(seed):
    from views.test_views_against_torch import inputs

    return _of_inputs(inputs)(seed)


def of_joining(seed):
    from joining.test_joining_against_torch import inputs

    return _of_inputs(inputs)(seed)


def of_complex(seed):
    rng = np.random.default_rng([seed, 7])
    shapes = {"z": (3, 4), "w": (3, 4), "v": (4,)}
    found = {name: rng.standard_normal(s) + 1j * rng.standard_normal(s) for name, s in shapes.items()}
    return {**found, "x": rng.standard_normal((3, 4))}


def of_edges(seed):
    """Signed operands of few elements for functions of every argument: x, y [6], t [2, 3, 4], i int64 [6], b bool [6]."""
    rng = np.random.default_rng([seed, 11])
    return {
        "x": rng.standard_normal(6) * 3,
        "y": rng.standard_normal(6) * 3,
        "t": rng.standard_normal((2, 3, 4)),
        "p": rng.uniform(0.05, 0.95, 6),
        "e": rng.uniform(1.1, 4.0, 6),
        "i": rng.integers(-9, 10, 6),
        "k": rng.integers(0, 6, 6),
        "b": rng.integers(0, 2, 6).astype(bool),
    }
