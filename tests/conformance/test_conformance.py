"""A fixed part of the conformance run, and the run itself: `make conformance` draws more."""

import pytest

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

from conformance import __main__ as conformance  # noqa: E402  (needs torch)
from conformance import compare, known, sample, table  # noqa: E402

import pullback as pb  # noqa: E402

pytestmark = pytest.mark.torch
PARTS = 4


@pytest.fixture(autouse=True)
def _one_thread(torch):
    pb.set_num_threads(1)


@pytest.mark.parametrize("part", range(PARTS))
def test_samples(part):
    """A quarter of the calls as the tables have them, and as many that are drawn."""
    count = len(table.starts())
    found, counts, _ = conformance.check(range(part, 2 * count, 4 * PARTS), seed=7)
    assert found == [], "\n".join(drawn.script() for drawn, _ in found)
    assert counts["samples"] == counts["value"] + counts["error"]


def test_every_operator_is_called():
    assert table.uncalled() == []


@pytest.mark.parametrize(
    "entry", [each for each in known.TABLE if each.evidence], ids=lambda each: each.calls[:30]
)
def test_pytorch_is_wrong(entry):
    assert known.holds(entry), "PyTorch has mended it: the entry may go"


def test_what_tensors_say_of_themselves():
    for name in "is_cpu is_cuda is_meta is_mkldnn is_quantized is_sparse is_nested".split():
        if hasattr(pb.Tensor, name):
            assert getattr(pb.ones(1), name) == getattr(torch.ones(1), name)
    assert pb.has_lapack is torch.has_lapack is True
    for m in (pb, torch):
        assert isinstance(m.default_generator, m.Generator)


def test_a_sample_is_its_number():
    for number in (3, 5000, 12345):
        assert sample.draw(number, 3) == sample.draw(number, 3)
    assert len({str(sample.draw(len(table.starts()) * n + 40, 3).operands) for n in range(1, 30)}) > 10


def test_samples_of_some_calls():
    starts = table.starts()
    numbers = conformance.drawn_of(50, "exp_")
    of_calls = [starts[number % len(starts)][0] for number in numbers]
    assert all("exp_" in call for call in of_calls)
    assert set(of_calls) == {call for call, _ in starts if "exp_" in call}
    assert numbers == sorted(set(numbers)) and len(numbers) == 50  # later rounds draw operands anew
    assert conformance.drawn_of(5) == [0, 1, 2, 3, 4]
    assert conformance.drawn_of(5, "no call has this") == []


def test_a_script_runs(capsys):
    exec(sample.draw(5000, 0).script(), {})
    assert len(capsys.readouterr().out.splitlines()) >= 2


# ---- the tester -----------------------------------------------------------------------------------------------------

X = {"x": "lib.tensor([0.5, 2.0], dtype=lib.float64)"}


def given(call, operands=X, changed=()):
    return sample.Sample(0, 0, call, operands, dict.fromkeys(operands, "float64"), changed)


def kinds(call, **options):
    return [difference.kind for difference in compare.compare(given(call, **options))[0]]


def test_equals_agree():
    for call in ("m.exp(x)", "x * x", "x[0] = 3.0", "x.exp_()", "m.sort(x)", "m.exp(x, x)"):
        assert kinds(call) == []


def test_what_differs_is_found(monkeypatch):
    real = pb.exp
    monkeypatch.setattr(pb, "exp", lambda x: real(x) * (1 + 1e-6))
    assert kinds("m.exp(x)") == ["value"]
    monkeypatch.setattr(pb, "exp", lambda x: real(x).float())
    assert kinds("m.exp(x)") == ["dtype"]
    monkeypatch.setattr(pb, "exp", lambda x: real(x)[None])
    assert kinds("m.exp(x)") == ["shape"]
    monkeypatch.setattr(pb, "exp", lambda x: pb.stack([real(x), x], 1)[:, 0])
    assert kinds("m.exp(x)") == ["stride"]
    monkeypatch.setattr(pb, "exp", lambda x: pb.relu(None))
    assert kinds("m.exp(x)") == ["error"]
    monkeypatch.setattr(pb, "exp", lambda x: real(x.detach()))
    assert kinds("m.exp(x)") == ["requires_grad", "tangent"]
    monkeypatch.setattr(pb, "exp", lambda x: real(x) + (x - x.detach()))
    found = compare.compare(given("m.exp(x)"))[0]
    assert [each.kind for each in found] == ["gradient", "tangent"]
    assert {each.right for each in found} == {"PyTorch"}


class WrongTwice(pb.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        return 3 * ctx.saved_tensors[0].detach() ** 2 * g


def test_wrong_second_derivatives_are_found(monkeypatch):
    monkeypatch.setattr(pb, "pow", lambda x, n: WrongTwice.apply(x))
    assert "second" in kinds("m.pow(x, 3)")


def test_errors_are_compared(monkeypatch):
    def raising(error):
        def f(*operands):
            raise error

        return f

    call = "m.cross(x, x)"
    with pytest.raises(RuntimeError) as wanted:
        torch.cross(torch.ones(2), torch.ones(2))
    monkeypatch.setattr(pb, "cross", raising(RuntimeError(f"{wanted.value} And the cure.")))
    assert kinds(call) == []
    monkeypatch.setattr(pb, "cross", raising(RuntimeError("something else")))
    assert kinds(call) == ["other error"]
    monkeypatch.setattr(pb, "cross", raising(ValueError(str(wanted.value))))
    assert kinds(call) == ["other error"]
    monkeypatch.setattr(pb, "cross", lambda a, b: a)
    assert kinds(call) == ["no error"]
