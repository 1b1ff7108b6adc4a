"""Small things that a script may depend on, beside PyTorch: which exception, its first sentence, strides, grad_fn."""

import pytest

import pullback as pb

X = "x = m.tensor([1.0, 2.0, 1.0], requires_grad=True); b = m.ones(2, dtype=m.bool)"
PROGRAMS = """
~m.ones(2)
~m.ones(2, dtype=m.float64)
m.bitwise_not(m.ones(2))
m.ones(2) & m.ones(2)
m.ones(2) << m.ones(2)
m.ones(2) >> 1
b << b
m.bitwise_left_shift(m.ones(2), m.ones(2))
m.bitwise_right_shift(m.ones(2), m.ones(2))
m.abs(b)
b.abs()
-b
m.median(b)
m.median(b, 0)
m.nanmedian(b)
m.kthvalue(b, 1)
m.topk(b, 1)
m.zeros(3).index_add(0, m.tensor([-1]), m.ones(1))
m.zeros(3).index_add(0, m.tensor([3]), m.ones(1))
m.zeros(3).index_add_(0, m.tensor([-1]), m.ones(1))
m.zeros(3, 2).index_add(0, m.tensor([-1]), m.ones(1, 2))
m.zeros(3, 2).index_add(1, m.tensor([5]), m.ones(3, 1))
m.zeros(3).index_select(0, m.tensor([-1]))
m.zeros(3).index_select(0, m.tensor([3]))
m.zeros(3, 2).index_select(0, m.tensor([-1]))
m.zeros(3, 2).index_select(1, m.tensor([-1]))
m.zeros(3, 2).index_select(1, m.tensor([5]))
m.zeros(3).index_copy(0, m.tensor([-1]), m.ones(1))
m.zeros(3).gather(0, m.tensor([-1]))
x.unique().requires_grad, type(x.unique().grad_fn).__name__
[y.requires_grad for y in m.unique(x, return_inverse=True, return_counts=True)]
m.unique(x.reshape(3, 1), dim=0).requires_grad, type(m.unique(x.reshape(3, 1), dim=0).grad_fn).__name__
m.unique_consecutive(x).requires_grad, type(m.unique_consecutive(x).grad_fn).__name__
x.detach().unique().requires_grad, m.tensor([3, 3]).unique().tolist()
x.unique().sum().backward()
m.unique_consecutive(x).sum().backward()
m.unique(x.reshape(3, 1), dim=0).sum().backward()
(m.ones(2) * 2**63).tolist()
(2**63 * m.ones(2)).tolist()
(m.ones(2) + (2**64 - 1)).tolist()
(m.ones(2) / 2**63).tolist()
(m.ones(2) > 2**63).tolist()
m.ones(2).mul_(2**63).tolist()
m.mul(m.ones(2, dtype=m.float64), 2**63).tolist()
m.maximum(m.ones(2), m.tensor(2.0**63)).tolist()
m.ones(2) * 2**64
m.ones(2) - 2**70
(2 ** m.ones(2, 3).t()).stride()
(1 ** m.ones(2, 3).t()).stride()
(2.5 ** m.ones(4, 3)[::2].t()).stride()
m.pow(2, m.ones(2, 3).t()).stride()
(m.ones(2, 3).t() ** 2).stride()
(2 - m.ones(2, 3).t()).stride()
(2 / m.ones(2, 3).t()).stride()
m.isin(m.tensor([1, 1, 2]), m.tensor([1]), assume_unique=True).tolist()
""".strip().splitlines()


def outcome(m, program):
    """What a program gives, or the type of its exception and its message."""
    names = {"m": m}
    exec(X, names)
    try:
        return eval(program, names)
    except Exception as error:
        return type(error).__name__, str(error).replace("torch.", "").replace("pullback.", "")


@pytest.mark.torch
@pytest.mark.parametrize("program", PROGRAMS)
def test_it_is_as_in_pytorch(program):
    torch = pytest.importorskip("torch")
    ours, theirs = outcome(pb, program), outcome(torch, program)
    if type(theirs) is tuple and str(theirs[0]).endswith("Error"):
        assert ours[0] == theirs[0] and ours[1].startswith(theirs[1].rstrip(".")), (ours, theirs)
    else:
        assert ours == theirs


def test_whole_numbers_from_two_to_the_63_beside_integers():
    """PyTorch wraps them around."""
    for program in (
        "m.ones(2, dtype=m.int64) * 2**63",
        "m.ones(2, dtype=m.int64) > 2**63",
        "m.ones(2, dtype=m.int64).add_(2**63)",
        "b + 2**63",
        "m.full((2,), 2**63)",
    ):
        found = outcome(pb, program)
        assert (
            found[0] == "RuntimeError" and "cannot be converted to type int64_t without overflow" in found[1]
        ), program


def test_copies_between_parts_of_one_tensor_read_the_old_values():
    """PyTorch refuses them."""
    z = pb.arange(6.0)
    z[1:5] = z[0:4]
    assert z.tolist() == [0, 0, 1, 2, 3, 5]
    z[0:4] = z[1:5]
    assert z.tolist() == [0, 1, 2, 3, 3, 5]
    square = pb.arange(4.0).reshape(2, 2)
    square.copy_(square.t())
    assert square.tolist() == [[0, 2], [1, 3]]
    x = pb.arange(3.0, requires_grad=True)
    y = x * 1
    y[1:] = y[:-1]
    (y * pb.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [11.0, 100.0, 0.0]


def test_a_unique_value_in_forward_mode():
    with pytest.raises(NotImplementedError, match="derivative for '_unique2' is not implemented"):
        pb.func.jvp(lambda x: x.unique(), (pb.ones(2),), (pb.ones(2),))
    assert pb.func.grad(lambda x: (x.detach().unique().sum() * x).sum())(pb.ones(2)).tolist() == [1.0, 1.0]
