"""Mixed precision where there is none: `autocast` says that it casts nothing; `GradScaler` does on the CPU what PyTorch's
does."""

import copy
import pickle
import warnings

import pytest

import pullback as pb


def test_autocast_says_that_it_casts_nothing():
    x = pb.ones(2, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with (
            pb.autocast("cpu", enabled=False),
            pb.amp.autocast(device_type="cuda", dtype=pb.float16, enabled=False),
        ):
            assert (x @ x).dtype is pb.float32 and not pb.is_autocast_enabled("cpu")
    with pytest.warns(
        UserWarning, match="In CPU autocast, but the target dtype is not supported. Disabling autocast"
    ):
        block = pb.autocast("cpu", dtype=pb.bfloat16)
    with pytest.warns(
        UserWarning, match="CUDA is not available or torch_xla is imported. Disabling autocast"
    ):

        @pb.autocast("cuda")
        def product(x):
            """A product."""
            return x @ x

    with block:
        assert product(x).dtype is pb.float32 and product.__doc__ == "A product."
    assert block.device == "cpu" and block.fast_dtype is pb.bfloat16
    with (
        pytest.warns(FutureWarning, match=r"`torch.cuda.amp.autocast\(args...\)` is deprecated"),
        pytest.warns(UserWarning),
    ):
        with pb.cuda.amp.autocast():
            pass
    with pytest.raises(ValueError, match="Expected `device_type` of type `str`, got: `<class 'int'>`"):
        pb.autocast(3)
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        pb.autocast("foo")
    assert not pb.amp.is_autocast_available("cpu") and pb.autocast is pb.amp.autocast


@pytest.mark.parametrize("amp", ["amp", "cuda.amp"])
def test_marked_functions(amp):
    home = pb.amp if amp == "amp" else pb.cuda.amp
    options = {"device_type": "cpu"} if amp == "amp" else {}

    class Cube(pb.autograd.Function):
        @staticmethod
        @home.custom_fwd(cast_inputs=pb.float32, **options)
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @(home.custom_bwd(**options) if options else home.custom_bwd)
        def backward(ctx, g):
            return 3 * g * ctx.saved_tensors[0] ** 2

    x = pb.tensor(2.0, requires_grad=True)
    Cube.apply(x).backward()
    assert x.grad.item() == 12


def test_scalers_for_cuda_do_nothing():
    with pytest.warns(UserWarning, match="GradScaler is enabled, but CUDA is not available.  Disabling"):
        scaler = pb.GradScaler()
    with pytest.warns(FutureWarning, match="torch.cuda.amp.GradScaler"), pytest.warns(UserWarning):
        older = pb.cuda.amp.GradScaler()
    for each in (scaler, older, pb.amp.GradScaler(enabled=False)):
        w = pb.nn.Parameter(pb.ones(2))
        optimizer = pb.optim.SGD([w], lr=1.0)
        assert not each.is_enabled() and each.get_scale() == 1.0 and each.state_dict() == {}
        each.load_state_dict({})
        loss = w.sum()
        assert each.scale(loss) is loss
        loss.backward()
        each.unscale_(optimizer)
        assert each.step(optimizer) is None and w.tolist() == [0.0, 0.0]
        each.update()


def run(lib):
    """A run with overflows, as numbers."""
    w = lib.nn.Parameter(lib.tensor([1.0, -2.0]))
    v = lib.nn.Parameter(lib.tensor([0.5]))
    a, b = lib.optim.SGD([w], lr=0.1), lib.optim.SGD([v], lr=0.1)
    scaler = lib.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    seen = []
    for step in range(8):
        a.zero_grad(), b.zero_grad()
        factor = float("inf") if step in (2, 5) else 1.0
        for loss in scaler.scale([(w * w).sum() * factor, (v**2).sum()]):
            loss.backward()
        if step % 2:
            scaler.unscale_(a)
            lib.nn.utils.clip_grad_norm_([w], 1.0)
        scaler.step(a), scaler.step(b)
        scaler.update()
        state = scaler.state_dict()
        seen.append((scaler.get_scale(), state["_growth_tracker"], w.tolist(), v.tolist()))
    scaler.update(4.0)
    seen.append(scaler.get_scale())
    other = lib.amp.GradScaler("cpu")
    other.load_state_dict(state)
    seen.append(
        (
            other.state_dict(),
            other.get_growth_factor(),
            other.get_backoff_factor(),
            other.get_growth_interval(),
        )
    )
    return seen


ERRORS = """
scaler.update()
scaler.step(optimizer)
scaler.unscale_(optimizer)
scaler.load_state_dict({})
lib.amp.GradScaler("cpu", growth_factor=1.0)
lib.amp.GradScaler("cpu", backoff_factor=1.0)
scaler.scale(3)
(scaler.scale(w.sum()).backward(), scaler.unscale_(optimizer), scaler.unscale_(optimizer))
(scaler.scale(w.sum()).backward(), scaler.step(optimizer), scaler.step(optimizer))
(scaler.scale(w.sum()).backward(), scaler.step(optimizer), scaler.unscale_(optimizer))
(scaler.scale(w.sum()), scaler.step(optimizer))
(scaler.scale(w.sum()), scaler.update())
(scaler.scale(w.sum()).backward(), scaler.step(optimizer, closure=lambda: 1))
"""


def error(lib, text):
    w = lib.nn.Parameter(lib.ones(2))
    names = {"lib": lib, "w": w, "optimizer": lib.optim.SGD([w], lr=0.1), "scaler": lib.amp.GradScaler("cpu")}
    with pytest.raises(Exception) as caught:
        eval(text, names)
    return type(caught.value), str(caught.value)


@pytest.mark.torch
def test_a_run_beside_pytorch():
    torch = pytest.importorskip("torch")
    for mine, theirs in zip(run(pb), run(torch)):
        assert repr(mine) == repr(theirs) or pytest.approx(mine[2]) == theirs[2]


@pytest.mark.torch
@pytest.mark.parametrize("text", ERRORS.strip().splitlines())
def test_errors_beside_pytorch(text):
    torch = pytest.importorskip("torch")
    assert error(pb, text) == error(torch, text)


def test_factors():
    scaler = pb.amp.GradScaler("cpu", init_scale=2.0)
    scaler.set_growth_factor(3.0), scaler.set_backoff_factor(0.25), scaler.set_growth_interval(5)
    assert (scaler.get_growth_factor(), scaler.get_backoff_factor(), scaler.get_growth_interval()) == (
        3.0,
        0.25,
        5,
    )
    for other in (copy.deepcopy(scaler), pickle.loads(pickle.dumps(scaler))):
        assert other.state_dict() == scaler.state_dict() and other.is_enabled()
