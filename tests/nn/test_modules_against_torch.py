"""Every module beside PyTorch's: how it prints, its state, its outputs and gradients, while training and after."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from twins import flat

import pullback

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

from nn.module_table import table  # noqa: E402  (needs torch)

pytestmark = pytest.mark.torch


def made(lib, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval("nn." + text, {"nn": lib.nn}).to(lib.float64)


def arrays_of(shapes, seed=0):
    rng = np.random.default_rng(seed)
    found = []
    for each in shapes.split(" ; "):
        kind, *sizes = each.split()
        if kind[0] == "i":
            found.append(rng.integers(0, int(kind[1:]), [int(n) for n in sizes]))
        elif kind == "p":
            found.append(rng.uniform(0.1, 0.9, [int(n) for n in sizes]))
        elif kind == "s":
            found.append(rng.choice([-1.0, 1.0], [int(n) for n in sizes]))
        else:
            found.append(rng.standard_normal([int(n) for n in each.split()]))
    return found


def called(lib, module, arrays):
    lib.manual_seed(0)
    inputs = [lib.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    if "SoftMargin" in type(module).__name__:
        inputs[1] = inputs[1].detach()
    given = [x * 1 if x.requires_grad else x for x in inputs]  # a module may write into them
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs = [x for x in flat(module(*given)) if x is not None]
    total = sum((x * x).sum() for x in outputs if x.requires_grad)
    if not isinstance(total, int):
        total.backward()
    found = {f"output {k}": x.detach() for k, x in enumerate(outputs)}
    found |= {f"gradient of input {k}": x.grad for k, x in enumerate(inputs) if x.requires_grad}
    found |= {f"gradient of {name}": p.grad for name, p in module.named_parameters()}
    found |= {f"state {name}": b.clone() for name, b in module.named_buffers()}
    return {name: None if x is None else x.numpy() for name, x in found.items()}


def moved(source, into, lib):
    """State from one library's module to the other's."""
    state = {name: lib.tensor(each.detach().numpy().copy()) for name, each in source.state_dict().items()}
    assert str(into.load_state_dict(state)) == "<All keys matched successfully>"


UNLIKE = {"RReLU()"}  # random while it trains


@pytest.mark.parametrize("text, shapes", table())
def test_module(text, shapes):
    theirs, mine = made(torch, text), made(pullback, text)
    assert repr(mine) == repr(theirs)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in mine.named_modules()] == [n for n, _ in theirs.named_modules()]
    assert [n for n, _ in mine.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    moved(theirs, mine, pullback)
    arrays = arrays_of(shapes)
    for training in (True, False):
        if text in UNLIKE and training:
            continue
        mine.train(training)
        theirs.train(training)
        mine.zero_grad()
        theirs.zero_grad()
        expected, found = called(torch, theirs, arrays), called(pullback, mine, arrays)
        assert expected.keys() == found.keys()
        for name, array in expected.items():
            if array is None or found[name] is None:
                other = found[name] if array is None else array
                assert other is None or not other.any(), name
                continue
            assert array.shape == found[name].shape
            assert array.dtype == found[name].dtype
            np.testing.assert_allclose(found[name], array, rtol=1e-7, atol=1e-10, err_msg=name)
    moved(mine, theirs, torch)  # and back


@pytest.mark.parametrize("text, shapes", table()[::7])
def test_copies_and_pickles(text, shapes):
    module = made(pullback, text).eval()
    arrays = arrays_of(shapes)
    expected = called(pullback, module, arrays)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        other.zero_grad()
        for name, array in called(pullback, other, arrays).items():
            np.testing.assert_array_equal(array, expected[name])
