"""Random programs, deferred and at once: nothing that can be seen may differ, and both agree with NumPy.

Every program is run four times. Once at once, beside a reference in NumPy that knows values and slopes; then deferred,
with thresholds under, at and over the sizes it works on. Values, gradients, versions, strides, graphs, errors and the
order in which hooks run must be the same bit for bit, and nothing may stay pending or allocated.
"""

import gc
from random import Random

import numpy as np
import pytest
from deferral import deferral
from fusion import reference
from fusion.language import LARGE, MEDIUM, SMALL, write
from fusion.machine import first_difference, replay, text_of
from fusion.reference import Ref
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pullback as pb

STEP = st.tuples(*[st.integers(0, 59)] * 7)
DTYPES = st.lists(
    st.sampled_from(["float64", "float64", "float64", "float32", "int64", "bool"]), min_size=2, max_size=3
)
FORMS = st.tuples(st.integers(0, 1), st.integers(0, 7), st.integers(0, 7))


@pytest.fixture(autouse=True, scope="module")
def _collect_only_what_is_new():
    """Every example collects; what was there before these tests, a whole session's objects, need not be walked."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def fuzz(share):
    """A part of what the profile allows: 50 examples in the suite are 50 * share."""
    return settings(
        max_examples=round(settings.default.max_examples * share),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def check(shape, dtypes, forms, steps, thresholds, backwards):
    program, expected, wrong = write(shape, dtypes, forms, steps, backwards)
    text = text_of(program)
    assert not wrong, f"{wrong}\n{text}"
    for threshold in thresholds:
        found, pending, memory = replay(program, (False, threshold), backwards)
        if (
            found != expected
        ):  # gradients of small values are summed in place or not: as from the same threshold
            expected = replay(program, (True, threshold), backwards)[0]
        assert found == expected, f"from {threshold}: {first_difference(expected, found)}\n{text}"
        assert (pending, memory) == (0, 0), f"from {threshold}: {pending, memory} left\n{text}"


@pytest.mark.filterwarnings("ignore:Using backward")
@fuzz(5)
@given(st.sampled_from(SMALL), DTYPES, FORMS, st.lists(STEP, min_size=1, max_size=25), st.booleans())
def test_small_programs(shape, dtypes, forms, steps, backwards):
    check(shape, dtypes, forms, steps, [1, 4, 9], backwards)


@pytest.mark.filterwarnings("ignore:Using backward")
@fuzz(2)
@given(st.sampled_from(MEDIUM), DTYPES, FORMS, st.lists(STEP, min_size=1, max_size=40), st.booleans())
def test_medium_programs(shape, dtypes, forms, steps, backwards):
    check(shape, dtypes, forms, steps, [1, 100], backwards)


@pytest.mark.filterwarnings("ignore:Using backward")
@fuzz(2)
@given(st.sampled_from(LARGE), DTYPES, FORMS, st.lists(STEP, min_size=1, max_size=20), st.booleans())
def test_large_programs(shape, dtypes, forms, steps, backwards):
    check(shape, dtypes, forms, steps, [4096, 1], backwards)


# The checker is checked: what is wrong on purpose has to be seen.

PROGRAM = [
    "v0 = leaf(0, (3, 4), 'float64', True)",
    "v1 = leaf(1, (4,), 'float64', False)",
    "v2 = v0.sin() * v1",
    "v3 = v2 * v0",
    "with pb.no_grad(): v1 += 0.5",
    "v4 = v3[1:] - v1",
    "v4.sum().backward(retain_graph=True)",
    "see(v4)",
]


@pytest.mark.parametrize(
    "before, after",
    [
        ("v0.sin()", "v0.cos()"),  # another function
        ("v3[1:]", "v3[:-1]"),  # another part
        ("v3[1:] - v1", "v3[1:] - v1 * (1 + 2e-16)"),  # one bit
        ("v1 += 0.5", "v1 = v1 + 0.5"),  # no write in place
        ("(retain_graph=True)", "(create_graph=True)"),  # the gradient has a graph
        ("with pb.no_grad(): v1 += 0.5", "v1 += v0[0] * 0.5"),  # a graph, another value
        ("see(v4)", "see(v2); see(v4)"),
    ],
)
@pytest.mark.filterwarnings("ignore:Using backward")
def test_a_change_of_the_program_is_seen(before, after):
    changed = [text.replace(before, after) for text in PROGRAM]
    assert changed != PROGRAM
    found = replay([(text, None) for text in PROGRAM], (False, 1))
    other = replay([(text, None) for text in changed], (False, 1))
    assert found == replay([(text, None) for text in PROGRAM], (True, 1))
    seen = [
        [x for x in trace if not (isinstance(x[0], int) and x[2] is None)] for trace in (found[0], other[0])
    ]
    assert seen[0] != seen[1]


def wrong_programs(count):
    """How many of some random programs the reference disagrees with."""
    random, wrong = Random(0), 0
    for _ in range(count):
        steps = [tuple(random.randrange(60) for _ in range(7)) for _ in range(12)]
        wrong += bool(write((3, 4), ["float64", "float64"], (0, 1), steps)[2])
    return wrong


@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize(
    "name, planted",
    [
        ("__mul__", lambda self, other: self._made(self.a * self._of(other) * (1 + 1e-6))),
        ("__mul__", lambda self, other: self._made(self.a * reference.real(np.asarray(self._of(other))))),
        ("__getitem__", lambda self, index: Ref.clone(SLICE(self, index))),  # a copy where a view is due
        ("detach", lambda self: self.clone()),
        ("_write", lambda self, value, at=...: self),
    ],
    ids=["value", "slope", "view", "alias", "write"],
)
def test_a_wrong_reference_is_seen(monkeypatch, name, planted):
    assert wrong_programs(60) == 0
    monkeypatch.setattr(Ref, name, planted)
    assert wrong_programs(60) > 0


SLICE = Ref.__getitem__


# What these programs found.


@pytest.mark.parametrize("n", [3, 50])
def test_a_pending_reader_of_an_expanded_small_value_sees_the_old_one(n):
    with deferral():
        x = pb.ones(n, dtype=pb.float64)
        y = x.expand(2000, n) * 1.5
        x.mul_(2)
        assert y[0, 0].item() == 1.5


@pytest.mark.parametrize("at", [0, 600])
def test_one_element_of_the_value_that_is_written_over(at):
    with deferral():
        x = pb.arange(1, 5001, dtype=pb.float64) * 2
        s = x[at]
        x -= 0.5 * (s + 0.25 * x)
    expected = 2 * np.arange(1.0, 5001)
    expected -= 0.5 * (expected[at] + 0.25 * expected)
    np.testing.assert_array_equal(x.numpy(), expected)


def test_an_input_that_no_root_leads_to_is_not_walked():
    v, w = pb.ones(2, requires_grad=True), pb.ones(2, requires_grad=True)
    x, seen = v * 2, []
    v.register_hook(seen.append)
    assert pb.autograd.grad((w * w).sum(), x, allow_unused=True) == (None,)
    assert seen == []


@pytest.fixture
def deferred():
    with deferral(least=1):
        yield


def test_explaining_calls_no_hooks(deferred):
    x, seen = pb.ones(5, requires_grad=True), []
    y = x.sin()
    x.register_hook(seen.append)
    y.register_hook(seen.append)
    y.retain_grad()
    y.grad_fn.register_prehook(lambda grads: seen.append(grads))
    y.grad_fn.register_hook(lambda *grads: seen.append(grads))
    assert "cos" in pb.explain(y * y)  # the gradient was there
    assert seen == [] and y.grad is None
    (y * 2).sum().backward()
    assert len(seen) == 4 and y.grad is not None


def test_explaining_finds_leaves_behind_any_node(deferred):
    class Double(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.variable = "an attribute of the user's"
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = pb.ones(5, requires_grad=True)
    y = Double.apply(x).sin()
    text = pb.explain(y * y)
    assert "cos" in text and "fails" not in text


def test_explaining_what_cannot_be_differentiated_any_more(deferred):
    x = pb.ones(5, requires_grad=True)
    y = x.sin()
    with pb.no_grad():
        x.add_(1)
    assert "sin" in pb.explain(y)


@pytest.mark.parametrize("name", ["max", "amax", "logsumexp"])
def test_a_failed_pullback_keeps_nothing(name):
    gc.collect()
    before = pb.memory.allocated()
    x = pb.ones(1000, dtype=pb.float64, requires_grad=True)
    y = x.max() if name == "max" else getattr(x, name)(0)
    with pb.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        y.backward()
    del x, y
    gc.collect()
    assert pb.memory.allocated() == before
