"""`assert_close`: what it finds, and what it says, to the character as PyTorch does."""

import collections

import numpy as np
import pytest
from tables import calls
from twins import evaluate

import pullback as pb
from pullback.testing import assert_close

# Calls that raise, or do not, in both libraries.
CALLS = """
m.ones(2), m.ones(2)
m.ones(3), m.tensor([1.0, 1.0, 2.0])
m.ones(3), m.ones(3, dtype=m.float64)
m.ones(3), m.ones(3, dtype=m.float64) + 1e-9, check_dtype=False
m.ones(3), m.zeros(3)
m.ones(2, 3), m.ones(3)
m.ones(2, 3), m.ones(3, 2).t()
m.ones(2, 3), m.ones(3, 2).t(), check_stride=True
m.tensor([1, 2, 3]), m.tensor([1, 2, 4])
m.tensor([1, 2, 3]), m.tensor([1, 2, 0])
m.tensor([1, 2, 3], dtype=m.uint8), m.tensor([1, 2, 255], dtype=m.uint8)
m.tensor([1, 2, 3]), m.tensor([1, 2, 4]), rtol=0.5, atol=0
m.tensor([True, False]), m.tensor([True, True])
m.tensor([[1.0, nan], [2.0, 3.0]]), m.tensor([[1.0, nan], [2.0, 3.0]])
m.tensor([[1.0, nan], [2.0, 3.0]]), m.tensor([[1.0, nan], [2.0, 3.0]]), equal_nan=True
m.tensor([inf, 1.0]), m.tensor([inf, 1.0]); m.tensor([inf, 1.0]), m.tensor([-inf, 1.0])
m.tensor(1.0), m.tensor(2.0); m.tensor(nan), m.tensor(nan); m.tensor(3), m.tensor(4); m.tensor(1.0), m.tensor(0.0)
m.tensor([1.0, 2.0]), m.tensor([1.0, 2.0 + 1e-6]), rtol=0, atol=0
m.tensor([1.0, 2.0]), m.tensor([1.0, 2.5]), rtol=0.1, atol=0.01
m.tensor([1.0, 2.0]), m.tensor([1.0, 2.5]), rtol=0.1
m.tensor([1.0, 2.0]), m.tensor([1.0, 2.5]), atol=0.1
1, 1; 1, 2; 1.0, 1; 1.0, 1, check_dtype=False; 1.0, 1.5; 1.0, 0.0; 0.1 + 0.2, 0.3; 1j, 2j; nan, nan; inf, inf
nan, nan, equal_nan=True; 1.0, nan, equal_nan=True; True, True; True, False; None, None; None, 1; m.ones(1), None
np.float64(1.0), 1.0; np.float64(1.0), 2.0; np.int64(3), 3; np.bool_(True), True; np.bool_(True), False
np.ones(2), np.ones(2); np.ones(2), np.zeros(2); np.ones(2), m.ones(2); m.ones(2), [1.0, 1.0]
[1.0, m.ones(1)], (1.0, m.ones(1)); [1.0, m.ones(1)], [1.0]; [1.0, [m.ones(1)]], [1.0, [m.zeros(1)]]
{"a": 1, "b": m.ones(2)}, {"b": m.ones(2), "a": 1}; {"a": 1}, {"b": 1}; {"a": {"x": [m.ones(2)]}}, {"a": {"x": [m.zeros(2)]}}
{1: 1, "b": 2}, {1: 1, "b": 3}; OrderedDict(a=1), {"a": 2}; [1, "a"], [1, "a"]; "a", "a"; object, object; [], []; {}, {}
[m.ones(1), 1.0], [m.zeros(1), "x"]; [m.ones(1), [1]], [m.zeros(1), [1, 2]]
m.nn.Parameter(m.ones(2)), m.ones(2); m.nn.Parameter(m.ones(2)), m.ones(2), allow_subclasses=False
m.ones(2, requires_grad=True), m.ones(2); m.ones(2, requires_grad=True) * 2, m.ones(2, requires_grad=True)
m.ones(0), m.ones(0); m.ones(0, 2), m.ones(0, 3); m.ones(2), m.zeros(2), msg="said"; m.ones(2), m.zeros(2), msg=str.upper
m.ones(2), m.zeros(3), msg=lambda text: "first " + text; [m.ones(2)], [m.zeros(2)], msg=lambda text: text + "!"
m.arange(6.0).reshape(1, 2, 3), m.zeros(1, 2, 3); m.full((2,), 1e38), m.full((2,), -1e38); m.tensor([0.0]), m.tensor([1e-6])
m.tensor([2**62, 0]), m.tensor([-(2**62), 0]); m.tensor([1e-40]), m.tensor([0.0]), rtol=0, atol=0; range(3), [0, 1, 2]
"""


def outcome(lib, call):
    names = {
        "np": np,
        "nan": float("nan"),
        "inf": float("inf"),
        "OrderedDict": collections.OrderedDict,
    }
    _, error, _ = evaluate(f"m.testing.assert_close({call})", lib, names)
    return error and (type(error), str(error).replace("torch", "pullback"))


@pytest.mark.torch
@pytest.mark.parametrize("call", calls(CALLS))
def test_against_pytorch(call):
    torch = pytest.importorskip("torch")
    assert outcome(pb, call) == outcome(torch, call)


def test_what_is_close():
    x = pb.tensor([1.0, 2.0])
    for other in (x, x + 1e-6, x.clone().requires_grad_(), pb.nn.Parameter(x)):
        assert_close(x, other)
    for other, options in (
        (x + 1e-4, {}),
        (x.double(), {}),
        (x[:1], {}),
        (x + 1e-6, {"rtol": 0, "atol": 0}),
        ([x], {}),
        (x.numpy(), {}),
        (None, {}),
    ):
        with pytest.raises((AssertionError, TypeError)):
            assert_close(x, other, **options)
    with pytest.raises(ValueError, match="Both 'rtol' and 'atol'"):
        assert_close(x, x, rtol=0)


def test_the_report():
    with pytest.raises(AssertionError) as caught:
        assert_close([pb.tensor([[1.0, 2.0], [3.0, 4.0]])], [pb.tensor([[1.0, 2.0], [3.0, 5.0]])])
    assert str(caught.value).splitlines() == [
        "Tensor-likes are not close!",
        "",
        "Mismatched elements: 1 / 4 (25.0%)",
        "Greatest absolute difference: 1.0 at index (1, 1) (up to 1e-05 allowed)",
        "Greatest relative difference: 0.20000000298023224 at index (1, 1) (up to 1.3e-06 allowed)",
        "",
        "The failure occurred for item [0]",
    ]


def test_the_older_form():
    with pytest.warns(FutureWarning, match=r"assert_allclose\(\)` is deprecated"):
        pb.testing.assert_allclose(pb.ones(2), np.ones(2))
    with pytest.warns(FutureWarning), pytest.raises(AssertionError, match="Mismatched elements: 2 / 2"):
        pb.testing.assert_allclose(pb.ones(2), [1.1, 1.2])
