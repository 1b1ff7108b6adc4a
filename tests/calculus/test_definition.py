"""How rows are defined: what tracing records, what a core is handed, what is said of misuse."""

import math
import sys

import numpy as np
import pytest
from calculus import interpreter

import pullback.calculus as calculus
from pullback.calculus import Row, define, exp, sigmoid, tanh, where


class Recorder:
    """Stands for the core: keeps the rows it is given, and calls their programs by the interpreter."""

    def __init__(self):
        self.rows = {}

    def table_installed(self, table, symbol, dual):
        pass

    def define_row(
        self,
        name,
        arity,
        parameters,
        forward,
        partials,
        promotion,
        node_name,
        accepts,
        gradients,
        apart,
        lies,
        refuses,
        fits,
        divides,
        shown,
        complex,
        antilinear,
    ):
        assert name not in self.rows
        self.rows[name] = (arity, parameters, forward, partials, promotion, node_name)

    def elementwise_function(self, name):
        return lambda *operands: interpreter.run(self.rows[name][2], operands)[0]


def _ships(row):
    """Not defined by another test, whose names may be gone by now."""
    function = row.rule or row.formula
    return function is None or (function.__module__ or "").startswith("pullback.")


@pytest.fixture
def core(monkeypatch):
    """A table of the test's own, installed in a recorder."""
    monkeypatch.setattr(define, "TABLE", {name: row for name, row in define.TABLE.items() if _ships(row)})
    monkeypatch.setattr(Row, "_core", None)
    recorder = Recorder()
    calculus.install(recorder)
    return recorder


def partial_program(rule, **about):
    return Row("example", None, rule, **about).partial_program()


def test_a_rule_becomes_a_program():
    assert partial_program(lambda x, y: [1 - y * y]) == ((("mul", 1, 1), ("sub", (1.0,), 2)), (3,))


def test_literal_partials_need_no_instructions():
    assert partial_program(lambda a, b, y: [1, -1]) == ((), ((1.0,), (-1.0,)))


def test_parameters_have_no_partial():
    program = partial_program(lambda x, slope, y: [where(x > 0, 1, slope)], parameters={"slope": 0.01})
    assert program == ((("gt", 0, (0.0,)), ("where", 3, (1.0,), 1)), (4, None))


def test_what_partials_share_is_computed_once():
    instructions, outputs = partial_program(lambda a, b, y: [exp(a * b) * b, exp(a * b) * a])
    assert [name for name, *_ in instructions] == ["mul", "exp", "mul", "mul"]
    assert outputs == (5, 6)


def test_what_no_partial_needs_is_dropped():
    def rule(x, y):
        tanh(x)
        return [2 * sigmoid(x)]

    assert partial_program(rule) == ((("sigmoid", 0), ("mul", (2.0,), 2)), (3,))


@pytest.mark.parametrize(
    "rule, instructions",
    [
        (lambda x, y: [x * 1], ()),
        (lambda x, y: [1.0 * x], ()),
        (lambda x, y: [x / 1], ()),
        (lambda x, y: [x - 0], ()),
        (lambda x, y: [-(-x)], ()),  # noqa: B002
        (lambda x, y: [+x], ()),
        (lambda x, y: [-1 * x], (("neg", 0),)),
        (lambda x, y: [1 / x], (("reciprocal", 0),)),
        (lambda x, y: [x**2], (("square", 0),)),
        (lambda x, y: [x + 0], (("add", 0, (0.0,)),)),  # -0.0 + 0 is 0.0: not the same number
        (lambda x, y: [x * 0], (("mul", 0, (0.0,)),)),  # infinity * 0 is NaN
        (lambda x, y: [np.float64(2) * x], (("mul", (2.0,), 0),)),
    ],
)
def test_only_exact_rewriting(rule, instructions):
    program = partial_program(rule)
    kept = {number for number, _ in enumerate(program[0])}
    assert tuple(program[0][k] for k in kept) == instructions


def test_every_instruction_is_a_row_or_a_kernel_with_partials():
    """So that every order of derivative exists."""
    for row in interpreter.ROWS.values():
        for program in (row.forward(), row.partial_program()):
            for name, *refs in program[0] if program else ():
                used = interpreter.ROWS[name]
                assert used.forward() is None, f"{row.name} uses {name}, which has no kernel"
                assert used.differentiable or used.boolean, f"{row.name} uses {name}, which has no partials"
                assert len(refs) == used.arity


def test_programs_read_only_what_is_computed_before():
    for row in interpreter.ROWS.values():
        for program in (row.forward(), row.partial_program()):
            if program is None:
                continue
            known = row.arity + 1
            for name, *refs in program[0]:
                assert all((type(ref) is tuple and len(ref) == 1) or ref < known for ref in refs), (
                    row.name,
                    name,
                )
                known += 1
            assert all(ref is None or type(ref) is tuple or ref < known for ref in program[1])


def test_a_formula_does_not_read_its_own_result():
    for row in interpreter.ROWS.values():
        if row.formula is not None:
            assert all(row.arity not in refs for _, *refs in row.forward()[0])


def test_what_is_saved_follows_from_the_names_a_rule_uses():
    def reads(name):
        instructions, outputs = interpreter.PARTIALS[name]
        refs = {ref for _, *refs in instructions for ref in refs if type(ref) is int} | {
            ref for ref in outputs if type(ref) is int
        }
        return refs & set(range(interpreter.ROWS[name].arity + 1))

    assert reads("exp") == reads("sqrt") == reads("tan") == reads("relu") == {1}
    assert (
        reads("sin")
        == reads("log")
        == reads("tanh")
        == reads("sigmoid")
        == reads("gelu")
        == reads("silu")
        == reads("mish")
        == {0}
    )
    assert reads("add") == reads("floor") == reads("neg") == set()
    assert reads("div") == reads("mul") == reads("atan2") == {0, 1}


def test_partials_of_a_formula_follow_from_it():
    derived = Row("example", lambda x: x * sigmoid(2 * x), None).partial_program()
    x = np.linspace(-3, 3, 7)
    s = 1 / (1 + np.exp(-2 * x))
    found = interpreter.run(derived, [x], x * s)[0]
    np.testing.assert_allclose(found, s + 2 * x * s * (1 - s), rtol=1e-14)


@pytest.mark.parametrize(
    "row", [r for r in interpreter.ROWS.values() if r.formula and r.rule and r.promotion != "where"], ids=repr
)
def test_stated_partials_agree_with_the_formulas_own(row):
    from calculus.samples import free_operands, operands, random_points

    derived = Row("example", row.formula, None, parameters=row.parameters, promotion=row.promotion)
    filled = operands(row, random_points(row, seed=2))
    stated = interpreter.partials(row.name, filled)
    followed = interpreter.partials(row.name, filled, derived.partial_program())
    for index in free_operands(row):
        np.testing.assert_allclose(stated[index], followed[index], rtol=1e-9, atol=1e-12)


def test_a_branch_not_taken_sends_back_nothing():
    derived = Row("example", lambda x: where(x > 0, calculus.sqrt(x), 0), None).partial_program()
    assert interpreter.run(derived, [np.array([-1.0, 0.0, 4.0])], None)[0].tolist() == [0, 0, 0.25]


def test_a_derived_partial_multiplies_an_exact_zero_by_infinity():
    derived = Row("example", lambda x: calculus.sqrt(calculus.maximum(x, 0)), None).partial_program()
    assert interpreter.run(derived, [np.array([-1.0, 4.0])], None)[0].tolist() == [0, 0.25]


def test_numbers_among_the_operands_of_a_formula():
    derived = Row("example", lambda x: x**3 + 2**x + calculus.hypot(x, 1), None).partial_program()
    x = np.array([0.5, 2.0])
    expected = 3 * x**2 + math.log(2) * 2**x + x / np.hypot(x, 1)
    np.testing.assert_allclose(interpreter.run(derived, [x], None)[0], expected, rtol=1e-14)


def test_install_hands_over_every_row(core):
    assert list(core.rows) == [row.name for row in calculus.rows()]
    assert core.rows["leaky_relu"][:2] == (2, (1,))
    assert core.rows["exp"] == (1, (), None, ((), (1,)), "float", "ExpBackward0")
    assert core.rows["isnan"] == (1, (), None, None, "predicate", "IsnanBackward0")
    assert core.rows["where"][3] == ((("logical_not", 0),), (None, 0, 4))
    assert core.rows["pow"][5] == ("PowBackward1", "PowBackward2", "PowBackward0")


def test_a_users_function_joins_the_table(core):
    bump = calculus.composed(
        "bump", lambda x, width: exp(-((x / width) ** 2)), parameters={"width": 1.0}, doc="A bell."
    )
    assert core.rows["bump"][:2] == (2, (1,))
    x = np.array([0.0, 1.0])
    np.testing.assert_allclose(bump(x), np.exp(-(x**2)))
    np.testing.assert_allclose(bump(x, width=2.0), np.exp(-(x**2) / 4))
    twice = calculus.composed("twice", lambda x: bump(x) + bump(x, 2.0))
    np.testing.assert_allclose(twice(x), np.exp(-(x**2)) + np.exp(-(x**2) / 4))
    slope = interpreter.run(core.rows["twice"][3], [x], None)[0]
    np.testing.assert_allclose(slope, -2 * x * np.exp(-(x**2)) - x / 2 * np.exp(-(x**2) / 4), atol=1e-15)


def test_a_rule_that_fails_leaves_no_trace(core):
    with pytest.raises(TypeError):
        calculus.composed("broken", lambda x: x if x > 0 else -x)
    assert "broken" not in core.rows
    calculus.composed("broken", lambda x: abs(x))


MISUSE = {
    "too many partials": (
        lambda: calculus.elementwise("new", lambda x, y: [x, y]),
        "new: the rule gives 2 partials, but the function has 1 operand to differentiate: x",
    ),
    "too few partials": (
        lambda: calculus.elementwise("new", lambda a, b, y: [a]),
        "gives 1 partial, but .* 2 operands",
    ),
    "no list": (lambda: calculus.elementwise("new", lambda x, y: x), "returns a list of partials"),
    "no y": (lambda: calculus.elementwise("new", lambda x: [1]), "last argument of a rule is y"),
    "a name that is taken": (
        lambda: calculus.elementwise("exp", lambda x, y: [y]),
        "has a function of this name",
    ),
    "if": (lambda: calculus.composed("new", lambda x: x if x > 0 else 0), "has no truth value.*where"),
    "and": (
        lambda: calculus.composed("new", lambda x: where((x > 0) and (x < 1), x, 0)),
        "has no truth value",
    ),
    "max": (lambda: calculus.composed("new", lambda x: max(x, 0)), "has no truth value.*maximum"),
    "math": (lambda: calculus.composed("new", lambda x: math.exp(x)), "no numeric value.*pullback.calculus"),
    "numpy": (lambda: calculus.composed("new", lambda x: np.exp(x)), "does not support ufuncs"),
    "a string": (lambda: calculus.elementwise("new", lambda x, y: ["x"]), "neither a symbol nor a number"),
    "no value": (lambda: calculus.composed("new", lambda x: None), "returned None"),
    "an undeclared truth value": (
        lambda: calculus.composed("new", lambda x: x > 0),
        "define it with promotion='compare'",
    ),
    "several values": (lambda: calculus.composed("new", lambda x: (x, x)), "returns one value"),
    "an unknown operand": (lambda: calculus.composed("new", lambda x: x + "1"), "unsupported operand"),
    "indexing": (lambda: calculus.composed("new", lambda x: list(x)), "cannot be iterated"),
    "arithmetic on a truth value": (
        lambda: calculus.composed("new", lambda x: (x > 0) * x),
        "truth value.*where",
    ),
    "logic on a number": (lambda: calculus.composed("new", lambda x: where(x, 1, 0)), "Compare it first"),
    "a starred argument": (lambda: calculus.composed("new", lambda *x: x[0]), "named one by one"),
    "operands that differ": (
        lambda: calculus.composed("new", lambda x: x, lambda z, y: [1]),
        "formula is over x, the rule over z",
    ),
    "an unknown parameter": (
        lambda: calculus.composed("new", lambda x: x, parameters={"k": 1}),
        "'k' is not among",
    ),
    "an unknown promotion": (
        lambda: calculus.composed("new", lambda x: x, promotion="up"),
        "unknown promotion 'up'",
    ),
    "partials of a truth value": (
        lambda: calculus.composed("new", lambda x: x > 0, lambda x, y: [1], promotion="compare"),
        "no partial derivatives",
    ),
    "too few operands": (lambda: calculus.composed("new", lambda x: calculus.atan2(x)), "atan2.. takes a, b"),
    "an unknown keyword": (
        lambda: calculus.composed("new", lambda x: exp(x, base=2)),
        "unexpected .* 'base'",
    ),
    "no operands": (lambda: calculus.composed("new", lambda: 1), "has no operands"),
    "a class": (lambda: calculus.composed("new", int), "named one by one"),
}


@pytest.mark.parametrize("case", MISUSE)
def test_misuse_is_explained(core, case):
    misuse, message = MISUSE[case]
    with pytest.raises((TypeError, ValueError), match=message):
        misuse()
    assert "new" not in core.rows


def test_a_symbol_of_another_rule_is_refused(core):
    kept = []
    calculus.composed("first", lambda x: kept.append(x) or x)
    with pytest.raises(ValueError, match="symbol of another rule"):
        calculus.composed("second", lambda x: kept[0])
    with pytest.raises(ValueError, match="two different rules"):
        calculus.composed("third", lambda x: x + kept[0])


def test_the_table_without_a_core_says_so(monkeypatch):
    monkeypatch.setattr(Row, "_core", None)
    monkeypatch.setattr(exp, "function", None)
    with pytest.raises(RuntimeError, match="not installed"):
        exp(1.0)


def test_every_row_is_documented():
    for row in interpreter.ROWS.values():
        assert row.doc, row.name
        assert bool(row.kinks) <= bool(row.note), f"{row.name} states a choice without a reason"
        assert row.name.isidentifier() and getattr(calculus, row.name) is row


def test_tracing_the_table_is_quick():
    """About 12,000 calls, which take 2 ms; ten times as many would be felt at import."""
    calls = 0

    def count(frame, event, value):
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for row in interpreter.ROWS.values():
            row.forward(), row.partial_program()
    finally:
        sys.setprofile(before)
    assert len(interpreter.ROWS) < calls < 30_000
