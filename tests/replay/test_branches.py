"""Functions that go several ways: a call goes on in the trace that has been there before, and not from the beginning."""

import warnings

import pytest
from replay.plainly import reason, replays, same
from together import in_threads

import pullback as pb
from pullback.replay.compiled import BRANCHES, TRACES


def check(function, calls, rounds=4, least=None):
    """Calls with each of the arguments, in turn, give what the function gives; and all but the first of each are replayed."""
    compiled = pb.compile(function)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(rounds):
            for args in calls:
                pb.manual_seed(7)
                mine, after = compiled(*args), pb.rand(1)
                pb.manual_seed(7)
                theirs, afterwards = function(*args), pb.rand(1)
                assert same(mine, theirs) and same(after, afterwards)
    most = len(calls) * (rounds - 1)
    assert replays(compiled) >= (most if least is None else least), reason(compiled)
    return compiled


def test_loops_of_many_lengths():
    def halved(x):
        while x.norm() > 1:
            x = x * 0.5
        return x

    compiled = check(halved, [(pb.full((3,), 2.0**k),) for k in (3, 20, 1, 7, 12, 0, 2, 15, 4, 9, 5)])
    assert len(compiled._traces) == 11 > TRACES


def test_loops_without_operators():
    def halved(x):
        n = 0
        while (x * x).sum() > 1:
            x, n = x * 0.5, n + 1
        return x * 1.0, n

    compiled = check(halved, [(pb.full((3,), 2.0**k),) for k in (3, 20, 1, 7, 12, 0, 2, 15, 4, 9, 5)])
    assert all(trace.figures()["kernels"] for trace in compiled._traces)


def test_what_only_one_way_reads():
    other, table, kept = pb.ones(3) * 5, {"k": 3.0}, []

    def function(x, y):
        early = x * 2  # which the first way does not need any more
        if (y > 0).all():
            return y + 1
        if y.sum() > -5:
            return early + other, table["k"]
        return early * y - other * x

    ways = [(pb.ones(3), pb.full((3,), v)) for v in (1.0, -1.0, -9.0)]
    compiled = check(function, ways)
    check(function, ways[::-1])
    table["k"] = 4.0
    assert same(compiled(*ways[1]), function(*ways[1]))
    other.fill_(6)
    for args in ways:
        assert same(compiled(*args), function(*args))
    assert not kept


def test_gradients_through_branches():
    weight = pb.tensor([1.0, -2.0, 3.0], requires_grad=True)

    def function(x):
        y = x * weight
        return y.square().sum() if y.sum() > 0 else (y.sin() * weight).sum()

    compiled = check(function, [(pb.tensor([1.0, 0.0, 1.0]),), (pb.tensor([0.0, 1.0, 0.0]),)])
    for x in (pb.tensor([1.0, 0.5, 1.0]), pb.tensor([0.0, 2.0, 0.0])):
        mine, theirs = (pb.autograd.grad(f(x), weight)[0] for f in (compiled, function))
        assert pb.equal(mine, theirs)


def test_modes_and_draws_on_the_way():
    def function(x):
        with pb.no_grad():
            up = (x + pb.rand(3)).sum() > 1.5
            if up:
                x = x * 3
        if x.sum() > 50:
            return x - pb.randn(3)
        return x + 1 if up else x * pb.rand(1)

    x = pb.ones(3, requires_grad=True)
    check(function, [(x * 0,), (x * 1,), (x * 40,), (x.detach(),)], rounds=6, least=12)
    assert pb.is_grad_enabled()


def test_shapes_that_follow_from_values():
    def function(x):
        kept = x[x > 0]
        return kept * 2, kept.shape[0]

    check(function, [(pb.tensor(v),) for v in ([1.0, -1, 1], [1.0, 1, 1], [-1.0, -1, 1], [-1.0, -1, -1])])


def test_values_that_differ():
    def function(x):
        return x * int(x[0])

    check(function, [(pb.tensor([k, 2.0]),) for k in (1.0, 2.0, 3.0, 4.0)])


def test_a_value_that_nobody_has_met():
    """No way on is found, in traces with kernels and without, and nothing goes round in circles."""

    def function(x):
        n = (x * 1).sum().item()
        return x * (n if n > 2 else n + 1)

    for function_ in (function, lambda x: function(x.sort()[0])):
        compiled = pb.compile(function_)
        for k in range(12):
            x = pb.full((2,), float(k))
            assert same(compiled(x), function(x))
        assert len(compiled._traces) == 12


def test_errors_on_the_way():
    def function(x, y):
        if x.sum() > 0:
            return x @ y
        return x + y

    compiled = pb.compile(function)
    for _ in range(3):
        for v in (1.0, -1.0):
            compiled(pb.full((3,), v), pb.ones(3))
    with pytest.raises(RuntimeError, match="must match"):
        compiled(pb.full((3,), -1.0), pb.ones(2))
    assert compiled(pb.full((3,), -1.0), pb.ones(3)).tolist() == [0.0] * 3


def test_writes_behind_a_branch():
    seen = [pb.zeros(3), pb.zeros(3)]

    def function(x):
        if x.sum() > 0:
            seen[0].add_(x)
            return seen[0] * 2
        seen[1].sub_(x)
        return seen[1] + seen[0]

    compiled = pb.compile(function)
    expected = [0.0, 0.0]
    for k in range(12):
        v = 1.0 if k % 3 else -1.0
        result = compiled(pb.full((3,), v))
        expected[v < 0] += 1
        assert result.tolist() == ([expected[0] * 2] * 3 if v > 0 else [expected[0] + expected[1]] * 3)
    assert replays(compiled) >= 8


def test_there_is_an_end():
    def function(x):
        return x * int(x[0])

    compiled = pb.compile(function)
    with pytest.warns(UserWarning, match="its calls differ"):
        for k in range(200):
            x = pb.tensor([float(k), 1.0])
            assert same(compiled(x), function(x))
    assert k > BRANCHES and reason(compiled) is not None


def test_families():
    """Traces of other shapes are no branches of each other, and there are eight of these."""
    compiled = pb.compile(lambda x: x * 2 if x.sum() > 0 else x)
    for n in range(1, TRACES + 3):
        for sign in (1.0, -1.0):
            x = pb.full((n,), sign)
            assert same(compiled(x), x * 2 if sign > 0 else x)
    assert len(compiled._traces) <= 2 * TRACES


def test_threads_take_ways_of_their_own():
    def function(x):
        while x.norm() > 1:
            x = x * 0.5
        return x

    compiled = pb.compile(function)

    def work(k):
        for i in range(60):
            x = pb.full((3,), 2.0 ** ((k * 7 + i) % 13))
            assert same(compiled(x), function(x))

    in_threads(4, work)
    assert len(compiled._traces) <= BRANCHES


def test_a_number_that_one_way_looks_at():
    """Where one recording gives a number back and another looks at it, each call is still answered, and recorded once."""

    def function(x):
        n = x.sum().item()
        if (x > 0).all():
            return n
        return x * 2 if n > 0 else x

    calls = [(pb.tensor(v),) for v in ([1.0, 1.0], [3.0, -1.0], [2.0, 2.0], [-3.0, 1.0])]
    for order in (calls, calls[::-1], [calls[1], calls[0], calls[3], calls[2]]):
        compiled = check(function, order, least=8)
        assert len(compiled._traces) <= 4
