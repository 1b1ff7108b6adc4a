"""nn.init beside PyTorch's: the same numbers, and the same errors; and without it, the variances that are promised."""

import warnings

import numpy as np
import pytest

import pullback as pb

CALLS = [
    *(f"uniform_(m.empty({s}), -0.2, 0.7)" for s in ("5", "3, 17", "2, 3, 4")),
    *(f"normal_(m.empty({s}), 0.2, 0.7)" for s in ("5", "3, 17", "2, 3, 4")),
    *(
        f"trunc_normal_(m.empty({s}, dtype=m.{d}), {rest})"
        for s in ("7", "20, 30")
        for d in ("float32", "float64")
        for rest in ("", "0.1, 2, -1, 3", "0, 0.02", "0, 3, -0.5, 0.5", "1, 1, 1.5, 1.9", "3, 1, -2, 1.9")
    ),
    "trunc_normal_(m.empty(30, 20).t(), 0, 3)",
    "trunc_normal_(m.empty(30, 20).t(), 0, 9, -0.5, 1)",
    "trunc_normal_(m.empty(30, 20), 9, 1)",
    "constant_(m.empty(2, 3), 4)",
    "ones_(m.empty(2, 3))",
    "zeros_(m.empty(2, 3))",
    *(f"eye_(m.empty({s}))" for s in ("3, 3", "2, 5", "5, 2")),
    "eye_(m.empty(3))",
    *(f"dirac_(m.ones({s}))" for s in ("2, 2, 3", "3, 2, 3, 4", "2, 5, 1, 2, 3", "4, 1, 2")),
    "dirac_(m.ones(4, 3, 2), 2)",
    "dirac_(m.ones(4, 2, 5), groups=2)",
    "dirac_(m.ones(3, 2, 5), groups=2)",
    "dirac_(m.ones(3, 2))",
    *(
        f"{name}(m.empty({s}){rest})"
        for name in ("xavier_uniform_", "xavier_normal_")
        for s in ("3, 4", "30, 40", "4, 3, 5, 2", "7")
        for rest in ("", ", 1.5", ", gain=m.nn.init.calculate_gain('relu')")
    ),
    *(
        f"{name}(m.empty({s}){rest})"
        for name in ("kaiming_uniform_", "kaiming_normal_")
        for s in ("3, 4", "30, 40", "4, 3, 5, 2", "7", "0, 3")
        for rest in (
            "",
            ", 5**0.5",
            ", mode='fan_out', nonlinearity='relu'",
            ", mode='FAN_IN', nonlinearity='tanh'",
            ", mode='fan'",
            ", nonlinearity='selu'",
            ", nonlinearity='sin'",
        )
    ),
    "sparse_(m.empty(10, 7), 0.31)",
    "sparse_(m.empty(7), 0.31)",
    "orthogonal_(m.empty(3))",
    "orthogonal(m.empty(3))",
    *(
        f"{name}(m.ones(3, 4, 2))"
        for name in ("xavier_normal", "xavier_uniform", "kaiming_normal", "kaiming_uniform", "dirac")
    ),
    *(f"{name}(m.ones(3, 4))" for name in ("uniform", "normal", "eye", "sparse")),
    "constant(m.ones(2), 3)",
    *(
        f"calculate_gain({given})"
        for given in (
            "'linear'",
            "'tanh'",
            "'leaky_relu'",
            "'leaky_relu', 0.3",
            "'leaky_relu', True",
            "'swish'",
        )
    ),
]


@pytest.mark.torch
@pytest.mark.parametrize("call", CALLS)
def test_beside_pytorch(call):
    torch = pytest.importorskip("torch")
    results = []
    for m in (pb, torch):
        m.manual_seed(19)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                value = eval(f"m.nn.init.{call}", {"m": m})
            except Exception as error:
                value = (type(error), str(error))
            else:
                value = (
                    value
                    if isinstance(value, (int, float))
                    else [value.stride(), value.numpy().tolist(), str(value.dtype)[-7:]]
                )
        results.append((value, [str(w.message) for w in caught], m.rand(1).item()))
    assert results[0] == results[1]


@pytest.mark.torch
@pytest.mark.parametrize("shape", [(3, 3), (4, 7), (7, 4), (5, 2, 3), (40, 30)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_orthogonal_beside_pytorch(shape, dtype):
    torch = pytest.importorskip("torch")
    for m in (pb, torch):
        m.manual_seed(5)
    ours = pb.nn.init.orthogonal_(pb.empty(shape, dtype=getattr(pb, dtype)), 1.3)
    theirs = torch.nn.init.orthogonal_(torch.empty(shape, dtype=getattr(torch, dtype)), 1.3)
    digits = 2e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=digits, atol=digits)
    assert pb.rand(1).item() == torch.rand(1).item()


def test_leaves_that_require_grad():
    generator = pb.Generator().manual_seed(1)
    for name in (
        "uniform_",
        "normal_",
        "trunc_normal_",
        "xavier_normal_",
        "kaiming_uniform_",
        "orthogonal_",
        "eye_",
    ):
        w = pb.empty(4, 4, requires_grad=True)
        rest = {} if name == "eye_" else {"generator": generator}
        assert getattr(pb.nn.init, name)(w, **rest) is w
        assert w.requires_grad and w.is_leaf and w.grad_fn is None


def test_variances():
    pb.manual_seed(0)
    w = pb.empty(300, 200)
    for fill, variance in (
        (pb.nn.init.xavier_uniform_, 2 / 500),
        (pb.nn.init.xavier_normal_, 2 / 500),
        (lambda w: pb.nn.init.kaiming_normal_(w, nonlinearity="relu"), 2 / 200),
        (lambda w: pb.nn.init.kaiming_uniform_(w, mode="fan_out", nonlinearity="relu"), 2 / 300),
        (lambda w: pb.nn.init.trunc_normal_(w, 0, 1, -9, 9), 1),
    ):
        assert abs(fill(w).var().item() / variance - 1) < 0.03
    q = pb.nn.init.orthogonal_(pb.empty(20, 3, 10)).reshape(20, 30).double()
    assert pb.allclose(q @ q.t(), pb.eye(20, dtype=pb.float64), atol=1e-6)


def test_truncated_draws_have_the_density_that_is_left():
    stats = pytest.importorskip("scipy.stats")
    pb.manual_seed(3)
    for mean, std, a, b in ((0, 1, -2, 2), (0, 3, -0.5, 1), (1, 1, 1.5, 1.9), (3, 1, -2, 1.9)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            drawn = pb.nn.init.trunc_normal_(pb.empty(5000), mean, std, a, b).numpy()
        law = stats.truncnorm((a - mean) / std, (b - mean) / std, mean, std)
        assert stats.kstest(drawn, law.cdf).pvalue > 1e-4
