"""out= of another shape than the result's: resized, with PyTorch's warning unless it is empty."""

import numpy as np
import pytest

import pullback as pb

SENTENCE = (
    r"An output with one or more elements was resized since it had shape \[{}\], which does not match the "
    r"required output shape \[{}\]"
)
CALLS = {
    "add": lambda m, out: m.add(m.ones(3), m.ones(3), out=out),
    "sum": lambda m, out: m.sum(m.ones(2, 3), 0, out=out),
    "cat": lambda m, out: m.cat([m.ones(2), m.ones(1)], out=out),
    "arange": lambda m, out: m.arange(3, out=out),
    "mv": lambda m, out: m.mv(m.ones(3, 3), m.ones(3), out=out),
    "quantile": lambda m, out: m.quantile(m.ones(3, 2), 0.5, 1, out=out),
}


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("name", CALLS)
def test_it_is_resized_with_a_warning(name, size):
    out = pb.zeros(size)
    version = out._version
    with pytest.warns(UserWarning, match=SENTENCE.format(size, 3)):
        assert CALLS[name](pb, out) is out
    assert out.shape == (3,) and out.tolist() == CALLS[name](pb, pb.empty(3)).tolist()
    assert out._version > version


def test_an_empty_one_is_resized_in_silence(recwarn):
    for name, call in CALLS.items():
        assert call(pb, pb.empty(0)).shape == (3,), name
    assert not recwarn.list


@pytest.mark.filterwarnings("ignore:An output")
def test_aliases_see_the_memory_that_grew():
    whole = pb.zeros(4)
    part, other = whole[2:], whole.detach()
    pb.add(pb.arange(5.0), 1, out=part)
    assert part.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert whole.tolist() == other.tolist() == [0.0, 0.0, 1.0, 2.0]
    pb.add(pb.ones(1), 8, out=part)
    assert whole.tolist() == [0.0, 0.0, 9.0, 2.0]
    with pytest.raises(RuntimeError, match="some elements of the input tensor and the written-to tensor"):
        pb.add(whole[:3], whole[1:], out=part)


@pytest.mark.filterwarnings("ignore:An output")
def test_foreign_memory_does_not_grow():
    array = np.zeros(3)
    out = pb.from_numpy(array)
    pb.add(pb.ones(2, dtype=pb.float64), 1, out=out)
    assert array.tolist() == [2.0, 2.0, 0.0]
    with pytest.raises(RuntimeError, match="Trying to resize storage that is not resizable"):
        pb.add(pb.ones(4, dtype=pb.float64), 1, out=out)


def test_an_output_that_is_an_operand_keeps_its_shape():
    x = pb.ones(3)
    with pytest.raises(
        RuntimeError, match=r"output with shape \[3\] doesn't match the broadcast shape \[2, 3\]"
    ):
        pb.add(x, pb.ones(2, 3), out=x)


@pytest.mark.filterwarnings("error")
def test_a_warning_that_is_an_error_leaves_the_output_alone():
    out = pb.zeros(2)
    with pytest.raises(UserWarning):
        pb.add(pb.ones(3), 1, out=out)
    assert out.tolist() == [0.0, 0.0]


@pytest.mark.torch
def test_pytorch_does_the_same():
    torch = pytest.importorskip("torch")
    for size in (2, 5):
        for name, call in CALLS.items():
            sentence = "" if name == "arange" else SENTENCE.format(size, 3)  # its own words
            results = []
            for m in (pb, torch):
                whole = m.zeros(9)
                out = whole[3 : 3 + size]
                with pytest.warns(UserWarning, match=sentence):
                    call(m, out)
                results.append((out.tolist(), whole.tolist(), out.storage_offset()))
            assert results[0] == results[1]
