"""A program over the library `m`, run with PyTorch and with pullback: what it returns, raises and warns of is the same."""

import re
import warnings

import numpy as np

import pullback


def plain(value):
    """Tensors as arrays with their dtype; texts without the library's name; anything else by what it prints."""
    if hasattr(value, "detach"):
        return [str(value.dtype).split(".")[1], value.detach().cpu().numpy().copy()]
    if isinstance(value, dict):
        return [[plain(key), plain(each)] for key, each in value.items()]
    if isinstance(value, (list, tuple, set)):
        return [plain(each) for each in value]
    if isinstance(value, (bool, int, float, type(None))):
        return value
    return re.sub(r" at 0x\w+", "", str(value)).replace("pullback.", "torch.")


def outcome(program, m):
    m.manual_seed(0)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            found = plain(program(m))
        except Exception as error:
            found = [type(error).__name__.lstrip("_"), re.split(r"\. |\n", plain(str(error)))[0].rstrip(".")]
    return found, [(w.category.__name__, plain(str(w.message))) for w in said]


def compare(mine, theirs, bound):
    if isinstance(theirs, list) and isinstance(mine, list):
        assert len(mine) == len(theirs), (mine, theirs)
        for a, b in zip(mine, theirs):
            compare(a, b, bound)
    elif isinstance(theirs, (np.ndarray, float)):
        np.testing.assert_allclose(mine, theirs, rtol=bound, atol=bound)
    else:
        assert mine == theirs, (mine, theirs)


def same(program, bound=1e-5):
    """Both libraries agree on program(m); errors on their type and the first sentence, warnings on every word."""
    import torch

    (theirs, said), (mine, warned) = outcome(program, torch), outcome(program, pullback)
    compare(mine, theirs, bound)
    assert warned == said, (warned, said)
