"""Functions of one half, which machine code looks up: the results are the executor's, of every number there is."""

import pytest
from deferral import deferral
from halves.rounding import HALVES, every
from machine_code.executor import POSSIBLE, agree, machine_code
from machine_code.test_primitives import ACTIVATIONS, UNARY, function

import pullback as pb
from pullback import _core

pytestmark = pytest.mark.skipif(not POSSIBLE, reason="this processor has no machine code")

RARE = "erfinv lgamma digamma i0".split()
FUNCTIONS = (
    [name for name in UNARY if name in "exp log sin tanh sigmoid erfc acosh expm1".split()]
    + ACTIVATIONS
    + RARE
)


def listing(program):
    """The machine code of what is pending."""
    with deferral(least=1), machine_code("always"):
        return _core.explain(program(), True)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_of_every_number(name, dtype):
    """Read as they lie, after arithmetic, with another sign; rounded at once and taken on as they are."""
    apply, x = function(name), every(dtype)[1]

    def program():
        y = apply(x)
        return [y, apply(x * 1.5), apply(-x) + y, apply(x.abs()), apply(y), apply(x.float()) * 3]

    assert agree(program), name
    wide = _core.machine_code()["isa"] == "avx512"  # where one exponential is computed as fast
    assert ("gather" in listing(lambda: apply(x) + x)) == (name != "exp" or not wide), name


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_gradients(dtype):
    for name in ACTIVATIONS:
        x, apply = every(dtype)[1].requires_grad_(), function(name)

        def program(x=x, apply=apply):
            y = apply(x)
            return [y, *pb.autograd.grad(y, x, pb.ones_like(y))]

        assert agree(program), name


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_of_one_number_and_a_constant(dtype):
    """A table for each constant, and none for what is no constant."""
    x = every(dtype)[1]
    exponents = pb.tensor([0.7] * 3).to(dtype)
    assert agree(lambda: [x**0.7, x**0.3, 1.7**x, pb.atan2(x, pb.tensor(0.5)), pb.hypot(x, x) + x])
    assert agree(lambda: [x[:, None] ** exponents, x.float() ** 0.7 + x])


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_a_nan_in_the_lower_bits(dtype):
    """That only bits tell from infinity which the narrow type does not keep."""
    wide = pb.tensor([0x7F800001, 0x7FC00000, 0x7F800000, -0x7FFFFF, 0x3F800000] * 9).to(pb.int32)
    x = wide.view(pb.float32).clone()
    assert agree(lambda: [x.to(dtype).exp(), x.to(dtype).sigmoid() * 2, (-x.to(dtype)).tanh()])
