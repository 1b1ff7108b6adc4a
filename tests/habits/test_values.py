"""Habits of NumPy and pandas: arrays, series and dtypes are understood, and what is not says what to do."""

import warnings

import numpy as np
import pytest

import pullback as pb


class Series:
    """What a filtered series of pandas is to us: its positions do not start at 0, and it knows how to be an array."""

    def __init__(self, values):
        self.array = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return self.array

    def __len__(self):
        return len(self.array)

    def __iter__(self):
        return iter(self.array)

    def __getitem__(self, key):
        raise KeyError(key)


# ---- what is understood ----


@pytest.mark.parametrize(
    "operator", ["__add__", "__sub__", "__mul__", "__truediv__", "__pow__", "__matmul__"]
)
def test_arrays_and_tensors_mix_in_operators_of_both_orders(operator):
    import operator as operators

    apply = getattr(operators, operator.strip("_"))
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, 1.5], [2.0, 1.0]], dtype=np.float32)
    for dtype in (pb.float32, pb.float64):
        x = pb.tensor(b, dtype=dtype, requires_grad=True)
        for result, expected in ((apply(a, x), apply(a, b)), (apply(x, a), apply(b, a))):
            assert isinstance(result, pb.Tensor) and result.dtype is pb.float64 and result.requires_grad
            np.testing.assert_allclose(result.detach().numpy(), expected, rtol=1e-6)
    x = pb.ones(2, 2, requires_grad=True)
    (a @ x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), a.sum(0)[:, None].repeat(2, 1))


@pytest.mark.parametrize(
    "name", "add sub mul maximum minimum pow atan2 hypot where lerp logaddexp eq".split()
)
def test_elementwise_functions_take_arrays(name):
    a, x = np.array([1.0, 2.0, 3.0]), pb.tensor([2.0, 1.0, 4.0], dtype=pb.float64)
    f = getattr(pb, name)
    if name in ("where", "lerp"):
        first = x > 1 if name == "where" else x
        assert pb.equal(f(first, a, x), f(first, pb.tensor(a), x))
        return
    assert pb.equal(f(x, a), f(x, pb.tensor(a))) and pb.equal(f(a, x), f(pb.tensor(a), x))


@pytest.mark.parametrize("name", "exp sin sqrt abs isnan sigmoid".split())
def test_functions_of_one_array(name):
    a = np.array([1.0, 2.0], dtype=np.float32)
    assert pb.equal(getattr(pb, name)(a), getattr(pb, name)(pb.tensor(a)))
    with pytest.raises(TypeError, match="must be Tensor"):
        pb.exp_(a)
    assert (a == [1, 2]).all()


def test_lists_may_hold_arrays():
    a, x = np.ones(2, dtype=np.float32), pb.zeros(2, requires_grad=True)
    assert pb.cat([x, a]).tolist() == [0, 0, 1, 1] and pb.stack((a, a)).shape == (2, 2)
    (pb.stack([x, a]) * 3).sum().backward()
    assert x.grad.tolist() == [3, 3]


DTYPES = {
    "float64": (np.float64, np.dtype("float64"), np.dtype(">f8"), "float64", np.double),
    "float32": (np.float32, np.dtype("f"), "float32"),
    "int64": (np.int64, np.dtype(int), "int64"),
    "int32": (np.int32, np.intc, "int32"),
    "uint8": (np.uint8, "uint8"),
    "bool": (np.bool_, np.dtype(bool), "bool"),
}


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_of_numpy_and_names_are_dtypes(name):
    wanted = getattr(pb, name)
    for given in DTYPES[name]:
        x = pb.zeros(2, dtype=given)
        assert x.dtype is wanted
        y = pb.ones(2, dtype=pb.float32)
        assert y.to(given).dtype is y.to(dtype=given).dtype is y.type(given).dtype is wanted
        assert pb.tensor([1, 0], dtype=given).dtype is pb.full((2,), 1, dtype=given).dtype is wanted
        assert pb.asarray([1, 0], dtype=given).dtype is pb.as_tensor(np.ones(2), dtype=given).dtype is wanted
        assert pb.zeros(2, dtype=pb.int32).cumsum(0, dtype=given).dtype is wanted or name == "bool"
        assert pb.promote_types(given, given) is wanted and pb.can_cast(given, wanted)
    info = pb.finfo if wanted.is_floating_point else pb.iinfo
    if name != "bool":
        assert info(DTYPES[name][0]) == info(wanted)


def test_the_default_dtype_may_be_named():
    pb.set_default_dtype("float64")
    assert pb.zeros(1).dtype is pb.float64
    pb.set_default_dtype(np.float32)
    assert pb.zeros(1).dtype is pb.float32


@pytest.mark.parametrize("make", [pb.tensor, pb.as_tensor, pb.asarray])
def test_series_and_frames(make):
    assert pb.equal(make(Series([1.5, 2.5])), pb.tensor([1.5, 2.5], dtype=pb.float64))
    assert make(Series([1, 2])).dtype is pb.int64
    assert make(Series(np.ones((2, 3)))).shape == (2, 3)
    assert pb.tensor([Series([1.5, 2.5]), Series([0.5, 1.0])]).tolist() == [[1.5, 2.5], [0.5, 1.0]]
    assert pb.tensor([Series([1.5])]).dtype is pb.float64
    assert make(Series([1.5]), dtype=pb.float32).dtype is pb.float32
    assert pb.Tensor(Series([1.5])).tolist() == [1.5]


def test_pandas():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]})
    rows = frame[frame.a > 1]
    assert pb.equal(pb.tensor(rows.a), pb.tensor([2.0, 3.0], dtype=pb.float64))
    assert pb.tensor(rows).tolist() == [[2, 5], [3, 6]] and pb.tensor([rows.a, rows.b]).shape == (2, 2)


# ---- inside the rules of a Function ----


class Square(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return pb.tensor(np.asarray(x) * x.numpy())

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (2 * x.numpy())


def test_a_function_may_compute_with_numpy():
    x = pb.tensor([1.0, -2.0], requires_grad=True)
    Square.apply(x * 1).sum().backward()
    assert x.grad.tolist() == [2, -4]
    with pytest.raises(RuntimeError, match="Can't call numpy"):
        x.numpy()
    with pytest.raises(
        RuntimeError, match="Can't call numpy"
    ):  # recorded: the array would lose the derivative
        pb.autograd.grad(Square.apply(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="Can't call numpy"):
        with pb.no_grad():
            x.numpy()


def test_a_function_that_records_inside_may_not():
    class Recording(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            with pb.enable_grad():
                return pb.tensor((x * 2).numpy())

    x = pb.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="Can't call numpy"):
        Recording.apply(x)
    assert pb.is_grad_enabled()
    with pytest.raises(RuntimeError, match="Can't call numpy"):  # an error in a rule puts the mode back
        x.numpy()


# ---- what is not understood says what to do ----

x, m, t = pb.tensor([1.0, 2.0, 3.0], requires_grad=True), pb.ones(3, 3), pb.tensor(2.0)
CURES = [
    (
        "bool(x)",
        RuntimeError,
        "Boolean value of Tensor with more than one value is ambiguous",
        "any() and all()",
    ),
    (
        "x > 1 and x < 2",
        RuntimeError,
        "Boolean value of Tensor with more than one value is ambiguous",
        "& | ~",
    ),
    ("bool(pb.zeros(0))", RuntimeError, "Boolean value of Tensor with no values is ambiguous", "numel() > 0"),
    ("x.item()", RuntimeError, "a Tensor with 3 elements cannot be converted to Scalar", "tolist()"),
    (
        "pb.zeros(0).item()",
        RuntimeError,
        "a Tensor with 0 elements cannot be converted to Scalar",
        "no element",
    ),
    ("float(x)", ValueError, "only one element tensors can be converted to Python scalars", "tolist()"),
    ("int(m)", ValueError, "only one element tensors can be converted to Python scalars", "(3, 3)"),
    (
        "[1, 2][x]",
        TypeError,
        "only integer tensors of a single element can be converted to an index",
        "tolist()",
    ),
    (
        "range(t)",
        TypeError,
        "only integer tensors of a single element can be converted to an index",
        "int(x)",
    ),
    ("len(t)", TypeError, "len() of a 0-d tensor", "item()"),
    (
        "x + [1, 2, 3]",
        TypeError,
        "unsupported operand type(s) for +: 'Tensor' and 'list'",
        "pullback.tensor(list)",
    ),
    (
        "[1, 2, 3] - x",
        TypeError,
        "unsupported operand type(s) for -: 'list' and 'Tensor'",
        "pullback.tensor(list)",
    ),
    (
        "[x, x] * x",
        TypeError,
        "unsupported operand type(s) for *: 'list' and 'Tensor'",
        "pullback.stack(list)",
    ),
    (
        "x / (1, 2)",
        TypeError,
        "unsupported operand type(s) for /: 'Tensor' and 'tuple'",
        "pullback.tensor(list)",
    ),
    (
        "(1, 2) / x",
        TypeError,
        "unsupported operand type(s) for /: 'tuple' and 'Tensor'",
        "pullback.tensor(list)",
    ),
    (
        "x * None",
        TypeError,
        "unsupported operand type(s) for *: 'Tensor' and 'NoneType'",
        ".grad is before backward()",
    ),
    ("x ** 'a'", TypeError, "unsupported operand type(s) for ** or pow(): 'Tensor' and 'str'", "float(text)"),
    (
        "x @ [1, 2, 3]",
        TypeError,
        "unsupported operand type(s) for @: 'Tensor' and 'list'",
        "pullback.tensor(list)",
    ),
    ("x < [1]", TypeError, "unsupported operand type(s) for <", "pullback.tensor(list)"),
    ("x + {1}", TypeError, "unsupported operand type(s) for +: 'Tensor' and 'set'", "list(...)"),
    ("x + pb.exp", TypeError, "unsupported operand type(s) for +", "parentheses"),
    (
        "m.__iadd__([1])",
        TypeError,
        "unsupported operand type(s) for +=: 'Tensor' and 'list'",
        "pullback.tensor(list)",
    ),
    ("pb.exp(1)", TypeError, "exp(): argument 'input' (position 1) must be Tensor, not int", "math.exp"),
    (
        "pb.silu(1.5) if hasattr(pb, 'silu') else pb.nn.functional.silu(1.5)",
        TypeError,
        "not float",
        "pullback.tensor(1.5)",
    ),
    (
        "pb.exp([1.0])",
        TypeError,
        "exp(): argument 'input' (position 1) must be Tensor, not list",
        "pullback.tensor(list)",
    ),
    ("pb.sum([x, x])", TypeError, "must be Tensor, not list", "pullback.stack(list)"),
    ("pb.sum(np.ones(2))", TypeError, "must be Tensor, not numpy.ndarray", "pullback.from_numpy(array)"),
    (
        "pb.sum(Series([1.0]))",
        TypeError,
        "must be Tensor, not Series",
        "pullback.tensor makes one of a Series",
    ),
    ("pb.sum(None)", TypeError, "must be Tensor, not NoneType", "before backward()"),
    ("pb.sum(pb.exp)", TypeError, "must be Tensor", "parentheses"),
    ("pb.cat(x)", TypeError, "must be tuple of Tensors, not Tensor", "[a, b]"),
    (
        "pb.cat([x, 1.0])",
        TypeError,
        "expected Tensor as element 1 in argument 0, but got float",
        "pullback.tensor(1.0)",
    ),
    (
        "pb.tensor([x, x])",
        ValueError,
        "only one element tensors can be converted to Python scalars",
        "pullback.stack(list)",
    ),
    ("pb.tensor({1: 2})", RuntimeError, "Could not infer dtype of dict", "list(d.values())"),
    ("pb.tensor([None])", RuntimeError, "Could not infer dtype of NoneType", "float('nan')"),
    ("pb.tensor(i for i in 'ab')", RuntimeError, "Could not infer dtype of generator", "list(values)"),
    ("pb.tensor({1, 2})", RuntimeError, "Could not infer dtype of set", "sorted(s)"),
    ("pb.from_numpy([1.0])", TypeError, "expected np.ndarray (got list)", "pullback.tensor(data)"),
    ("pb.from_numpy(Series([1.0]))", TypeError, "expected np.ndarray", "numpy.asarray(data)"),
    ("pb.zeros(2, dtype='flot64')", TypeError, "must be pullback.dtype, not str", "Did you mean float64?"),
    ("pb.zeros(2, dtype=3)", TypeError, "must be pullback.dtype, not int", "numpy.float32"),
    ("pb.zeros(2, dtype=np.str_)", TypeError, "must be pullback.dtype", "numpy.float32"),
    ("pb.set_default_dtype('flt')", TypeError, "invalid dtype object", "'float32'"),
    ("exec('with pb.no_grad: pass')", TypeError, "context manager protocol", "with no_grad():"),
    (
        "exec('with pb.set_grad_enabled: pass')",
        TypeError,
        "context manager protocol",
        "with set_grad_enabled(mode):",
    ),
    (
        "exec('with pb.autograd.detect_anomaly: pass')",
        TypeError,
        "context manager protocol",
        "with detect_anomaly():",
    ),
    (
        "exec('with pb.autograd.forward_ad.dual_level: pass')",
        TypeError,
        "context manager",
        "with dual_level():",
    ),
]


@pytest.mark.parametrize("text, kind, first, cure", CURES, ids=[text for text, *_ in CURES])
def test_messages_have_a_cure(text, kind, first, cure):
    with pytest.raises(kind) as caught:
        eval(text)
    assert first in str(caught.value) and cure in str(caught.value)
    assert str(caught.value)[-1] in ".):?", caught.value


def test_updating_by_rebinding_says_what_happened():
    w = pb.ones(3, requires_grad=True)
    (w * w).sum().backward()
    with pb.no_grad():
        rebound = w - 0.1 * w.grad
    with pytest.raises(RuntimeError, match=r"`w -= lr \* w.grad` updates the one that there is"):
        (rebound * rebound).sum().backward()
    result = w - 0.1 * w.grad
    with pytest.warns(UserWarning, match=r"with pullback.no_grad\(\): w -= lr \* w.grad"):
        assert result.grad is None


def test_others_still_get_their_turn():
    class Other:
        def __radd__(self, left):
            return "theirs"

        __rmatmul__ = __rtruediv__ = __radd__

    assert x + Other() == x @ Other() == x / Other() == "theirs"
    assert [0] * pb.tensor(3) == [0, 0, 0]
    assert (x == [1.0]) is False and (x != None) is True  # noqa: E711
    with pytest.raises(TypeError, match="unsupported operand"):
        x + object()


def test_errors_stay_when_hints_fail(monkeypatch):
    from pullback.messages import hints

    monkeypatch.setattr(hints, "argument", None)
    monkeypatch.delattr(hints, "keyword")
    with pytest.raises(TypeError, match=r"must be Tensor, not int$"):
        pb.exp(1)
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'dims'$"):
        x.sum(dims=0)


def test_a_read_only_array_takes_part():
    a = np.ones(3)
    a.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (x.detach() @ a).item() == 6 and pb.maximum(x, a).shape == (3,)
