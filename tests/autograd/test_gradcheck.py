"""gradcheck itself: right rules pass and planted wrong ones do not, by every way that it has to look at them."""

import itertools

import pytest

import pullback as pb
from pullback.autograd import gradcheck, gradgradcheck
from pullback.autograd.gradcheck import GradcheckError

TIGHT = {"rtol": 1e-5}  # PyTorch's own tolerance, which is the default, takes 2.001 for 2


def double(*values):
    return pb.tensor(values, dtype=pb.float64, requires_grad=True)


def rule(pull=None, push=None, forward=None):
    """A Function of one argument, x * x unless `forward` says otherwise, with these rules."""

    class Planted(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            ctx.save_for_forward(x)
            return forward(x) if forward else x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return pull(x, g) if pull else 2 * x * g

        if push:

            @staticmethod
            def jvp(ctx, t):
                (x,) = ctx.saved_tensors
                return push(x, t)

    return Planted.apply


class SecondOrder(pb.autograd.Function):
    """x * x, whose first derivative is right and whose second is not."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return Slope.apply(x) * g


class Slope(pb.autograd.Function):
    """2 * x, with 2.001 for its slope."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, g):
        return 2.001 * g


class Broadcast(pb.autograd.Function):
    """x + y, whose rule forgets that y may have been broadcast: right as long as it was not."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.same = x.shape == y.shape
        ctx.shape = y.shape
        return x + y

    @staticmethod
    def backward(ctx, g):
        return g, g if ctx.same else g[0].reshape(ctx.shape)


square = rule()
strided = rule(lambda x, g: 2 * (x if x.is_contiguous() else x.contiguous().flip(0)) * g)
wrong = {
    "2.001 for 2": rule(lambda x, g: 2.001 * x * g),
    "2.001 for 2, in a corner": rule(lambda x, g: (2 * x).index_fill(0, pb.tensor([1]), 2.001) * g),
    "the sign": rule(lambda x, g: -2 * x * g),
    "constant": rule(lambda x, g: 2 * x.detach() * 0 + g),
    "nothing": rule(lambda x, g: None),
}


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("name", wrong)
def test_wrong_in_reverse_mode(name, fast):
    x = double(0.5, 1.5, 2.5)
    with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(wrong[name], x, fast_mode=fast, **TIGHT)
    assert gradcheck(wrong[name], x, fast_mode=fast, **TIGHT, raise_exception=False) is False


@pytest.mark.parametrize("fast", [False, True])
def test_right_rules_pass(fast):
    x, y = double(0.5, 1.5, 2.5), double(-1.0)
    several = lambda x, y: (x * y, (x + y).sin(), x.argsort(), y.detach())
    for f, inputs in ((square, x), (several, (x, y)), (lambda x, n: x**n, (x, 3)), (lambda x: x[:0], x)):
        everything = {"check_forward_ad": True, "check_all_nestings": True, "check_grad_dtypes": True}
        assert gradcheck(
            f, inputs, fast_mode=fast, check_batched_grad=True, check_batched_forward_grad=True, **everything
        )
    assert gradgradcheck(several, (x, y), fast_mode=fast, check_fwd_over_rev=True)


@pytest.mark.parametrize("fast", [False, True])
def test_wrong_only_in_forward_mode(fast):
    f = rule(push=lambda x, t: 2.001 * x * t)
    x = double(0.5, 1.5)
    assert gradcheck(f, x, fast_mode=fast, **TIGHT)
    with pytest.raises(GradcheckError, match="Jacobian computed with forward mode mismatch for output 0"):
        gradcheck(f, x, fast_mode=fast, **TIGHT, check_forward_ad=True)
    with pytest.raises(GradcheckError, match="computed with forward mode"):
        gradcheck(f, x, fast_mode=fast, **TIGHT, check_forward_ad=True, check_backward_ad=False)


@pytest.mark.parametrize("fast", [False, True])
def test_wrong_only_at_second_order(fast):
    x = double(0.5, 1.5)
    assert gradcheck(SecondOrder.apply, x, fast_mode=fast, **TIGHT, check_forward_ad=True)
    with pytest.raises(GradcheckError, match="Second derivative by reverse mode over reverse mode mismatch"):
        gradcheck(SecondOrder.apply, x, fast_mode=fast, **TIGHT, check_all_nestings=True)
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradgradcheck(SecondOrder.apply, x, fast_mode=fast, **TIGHT)
    with pytest.raises(GradcheckError, match="Jacobian computed with forward mode mismatch"):
        gradgradcheck(
            SecondOrder.apply,
            x,
            fast_mode=fast,
            **TIGHT,
            check_fwd_over_rev=True,
            check_rev_over_rev=False,
            check_undefined_grad=False,
        )


@pytest.mark.parametrize("outer, inner", list(itertools.product(["reverse", "forward"], repeat=2)))
def test_wrong_in_one_nesting(outer, inner):
    """A rule whose first derivatives are right, and which loses the history, or the tangents, of what it saved."""
    levels = pb.autograd.forward_ad._open.levels

    def cut(x, which):
        """x without what the outer mode looks at."""
        if which == "reverse":
            return x.detach() if not levels else x
        return pb._core.unpack_dual(x, levels[0])[0] if levels else x

    if inner == "reverse":
        f = rule(pull=lambda x, g: 2 * cut(x, outer) * g)
    else:
        f = rule(push=lambda x, t: 2 * (x.detach() if outer == "reverse" else cut(x, outer)) * t)
    x = double(0.5, 1.5)
    assert gradcheck(f, x, check_forward_ad=inner == "forward", check_undefined_grad=False)
    with pytest.raises(GradcheckError, match="Second derivative by"):
        gradcheck(f, x, check_forward_ad=inner == "forward", check_all_nestings=True)


@pytest.mark.parametrize("fast", [False, True])
def test_wrong_only_under_broadcasting(fast):
    x = pb.ones(3, 2, dtype=pb.float64, requires_grad=True)
    assert gradcheck(Broadcast.apply, (x, pb.ones_like(x).requires_grad_()), fast_mode=fast)
    with pytest.raises(GradcheckError, match="with respect to input 1"):
        gradcheck(Broadcast.apply, (x, double(1.0, 2.0)), fast_mode=fast)


@pytest.mark.parametrize("fast", [False, True])
def test_wrong_only_on_strided_input(fast):
    x = double(0.5, 1.5, 2.5, 3.5)
    assert gradcheck(strided, x, fast_mode=fast)
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradcheck(strided, x.detach()[::2].requires_grad_(), fast_mode=fast)


def test_not_reentrant():
    calls = []

    def pull(x, g):
        calls.append(1)
        return 2 * x * g * (1 + 1e-9 * (len(calls) % 7))

    with pytest.raises(GradcheckError, match="Backward is not reentrant"):
        gradcheck(rule(pull), double(1.0, 2.0))
    assert gradcheck(rule(pull), double(1.0, 2.0), nondet_tol=1e-6)


def test_gradients_that_are_not_there():
    class Needs(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            return 2 * a + 3 * b  # fails on None

    x = double(1.0)
    with pytest.raises(GradcheckError, match="Expected backward function to handle undefined output grads"):
        with pytest.warns(UserWarning, match="undefined gradient support"):
            gradcheck(lambda x: sum(Needs.apply(x)), x)


def test_a_rule_that_is_not_linear():
    f = rule(lambda x, g: 2 * x * g + 1e-9)
    with pytest.raises(GradcheckError, match="backward not multiplied by grad_output"):
        gradcheck(f, double(1.0))


def test_no_differentiable_outputs():
    assert gradcheck(lambda x: x.detach() * 0, double(1.0, 2.0))
    with pytest.raises(GradcheckError, match="Numerical gradient for function expected to be zero"):
        gradcheck(lambda x: x.detach() * 2, double(1.0, 2.0))


def test_what_is_asked_for_has_to_make_sense():
    x = double(1.0, 2.0)
    with pytest.raises(ValueError, match="expects at least one input tensor to require gradient"):
        gradcheck(square, x.detach())
    with pytest.raises(RuntimeError, match="The 0th input has a dimension with stride 0"):
        gradcheck(square, double(1.0).detach().expand(3).requires_grad_())
    with pytest.warns(UserWarning, match="Input #0 requires gradient and is not a double precision"):
        gradcheck(square, pb.ones(1, requires_grad=True), raise_exception=False)
    for options in (
        {"check_backward_ad": False},
        {"check_batched_grad": True, "check_backward_ad": False, "check_forward_ad": True},
        {"check_batched_forward_grad": True},
    ):
        with pytest.raises(AssertionError):
            gradcheck(square, x, **options)
    with pytest.raises(AssertionError, match="check_fwd_over_rev or check_rev_over_rev"):
        gradgradcheck(square, x, check_rev_over_rev=False)
    with pytest.raises(AssertionError, match="same shape"):
        gradcheck(lambda x: x[: 1 + int(x.detach()[0].item() > 1)], x)


def test_the_inputs_are_left_as_they_were():
    x = double(1.0, 2.0)
    version = x._version
    with pytest.raises(ZeroDivisionError):
        gradcheck(lambda x: x * 2 if x[0].item() == 1 else 1 / 0, x)
    assert x.tolist() == [1.0, 2.0] and x._version == version and x.grad is None
    pb.manual_seed(0)
    before = pb.get_rng_state()
    gradcheck(square, x, fast_mode=True)
    assert pb.get_rng_state().equal(before)


# ---- beside PyTorch's ----------------------------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize(
    "name", ["right", "2.001 for 2", "detached", "second order", "constant output", "integers", "several"]
)
def test_against_torch(name, fast):
    torch = pytest.importorskip("torch")
    answers = []
    for lib in (pb, torch):
        x = lib.tensor([0.5, 1.5], dtype=lib.float64, requires_grad=True)

        class Twice(lib.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, g):
                return g * 2.001

        f = {
            "right": lambda x: x.sin() * x,
            "2.001 for 2": Twice.apply,
            "detached": lambda x: x.detach() * x,
            "second order": lambda x: x * x.detach() * 2 - x.detach() ** 2,
            "constant output": lambda x, lib=lib: lib.ones(2, dtype=lib.float64),
            "integers": lambda x: x.argsort(),
            "several": lambda x: (x.sum(), x.detach() * x),
        }[name]
        found = []
        checks = [lib.autograd.gradcheck, lib.autograd.gradgradcheck]
        if name in ("constant output", "integers"):  # their gradgradcheck fails on the way
            checks.pop()
        for check in checks:
            try:
                found.append(check(f, x, fast_mode=fast, **TIGHT))
            except Exception as error:
                found.append((type(error).__name__, str(error).split(",\n")[0]))
        answers.append(found)
    assert answers[0] == answers[1]


class LooksAtTangents(pb.autograd.Function):
    """Right, but of one tangent and of one gradient at a time."""

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2 if g.sum().item() > -1e9 else g

    @staticmethod
    def jvp(ctx, t):
        return t * 2 if t.sum().item() > -1e9 else t


class Fortieth(pb.autograd.Function):
    """Wrong of a batch alone: its rule takes two entries for one."""

    @staticmethod
    def forward(x):
        return x * 2

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, g):
        return Fortieth.apply(g)

    @staticmethod
    def jvp(ctx, t):
        return Fortieth.apply(t)

    @staticmethod
    def vmap(info, in_dims, x):
        return x * 40, in_dims[0]


def test_batches():
    x, y = double(0.5, 1.5, 2.5), double(-1.0)
    assert gradcheck(
        lambda x, y: (x * y, x.argsort(), y.sum()),
        (x, y),
        check_forward_ad=True,
        check_batched_forward_grad=True,
    )
    for options in (
        {"check_batched_grad": True},
        {"check_batched_forward_grad": True, "check_forward_ad": True, "check_backward_ad": False},
    ):
        options["check_undefined_grad"] = False
        with pytest.raises(GradcheckError, match="failed while testing batched gradient computation"):
            gradcheck(Fortieth.apply, x, **options)
        assert gradcheck(Fortieth.apply, x, **options, raise_exception=False) is False
    # A jvp that looks at values is called entry by entry; a backward is not.
    assert gradcheck(LooksAtTangents.apply, x, check_forward_ad=True, check_batched_forward_grad=True)
    with pytest.raises(GradcheckError, match="While computing batched gradients, got: vmap: It looks like"):
        gradcheck(LooksAtTangents.apply, x, check_batched_grad=True)

    def looks(x):
        value, tangent = pb.autograd.forward_ad.unpack_dual(x * 1)
        return x * (2 if tangent is None or tangent.sum().item() > -1e9 else 3)

    everything = {"check_forward_ad": True, "check_undefined_grad": False, "check_batched_forward_grad": True}
    with pytest.raises(GradcheckError, match="with forward-mode AD"):
        gradcheck(looks, x, **everything)
