"""save and load: what comes back, and what is refused."""

import collections
import io
import os
import pickle
import warnings

import numpy as np
import pytest
from kinds import DTYPES

import pullback as pb


def returned(obj, **options):
    file = io.BytesIO()
    pb.save(obj, file)
    file.seek(0)
    return pb.load(file, **options)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 0, 3), (3, 4), (200, 300)], ids=str)
def test_tensors_come_back(shape, dtype):
    values = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    x = pb.tensor(values)
    y = returned(x)
    assert y.dtype == x.dtype and y.shape == x.shape and not y.requires_grad
    assert y.numpy().tobytes() == values.tobytes()
    y.fill_(1)  # its own memory, writable
    assert x.numpy().tobytes() == values.tobytes()


def test_bits_are_kept():
    values = np.array([0.0, -0.0, np.nan, np.inf, 5e-324, 1 / 3])
    assert returned(pb.tensor(values)).numpy().tobytes() == values.tobytes()


def test_views_and_read_only_memory():
    x = pb.arange(12.0).reshape(3, 4)
    assert returned(x.t()[1:, ::2]).tolist() == x.t()[1:, ::2].tolist()
    array = np.arange(3.0)
    array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is read-only
        shared = pb.from_numpy(array)
    y = returned(shared)
    y += 1
    assert y.tolist() == [1.0, 2.0, 3.0]


def test_containers():
    x, w = pb.ones(2), pb.tensor([1.0, 2.0], requires_grad=True)
    obj = collections.OrderedDict(
        a=[x, x],
        b=(w, (w * 2)),
        c={"n": 3, "s": "text", "z": 1j, "none": None},
        d={1, 2},
        e=x.shape,
        f=pb.int64,
    )
    y = returned(obj)
    assert type(y) is collections.OrderedDict and list(y) == list(obj)
    assert y["a"][0] is y["a"][1] and y["a"][0].tolist() == [1.0, 1.0]
    assert all(t.requires_grad and t.is_leaf for t in y["b"]) and y["b"][1].tolist() == [2.0, 4.0]
    assert (y["c"], y["d"], y["e"], y["f"]) == (obj["c"], obj["d"], obj["e"], obj["f"])


def test_paths_and_file_objects(tmp_path):
    pb.save(pb.ones(2), tmp_path / "one")
    pb.save(pb.zeros(2), str(tmp_path / "two"))
    assert pb.load(str(tmp_path / "one")).tolist() == [1.0, 1.0]
    assert pb.load(tmp_path / "two", map_location="cpu").tolist() == [0.0, 0.0]
    file = io.BytesIO()
    for i in range(3):  # one after the other
        pb.save(pb.tensor(i), file)
    file.seek(0)
    assert [pb.load(file).item() for _ in range(3)] == [0, 1, 2]
    for wrong in (None, 3):
        with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object"):
            pb.save(pb.ones(1), wrong)
        with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object"):
            pb.load(wrong)
    with pytest.raises(FileNotFoundError):
        pb.load(tmp_path / "none")
    with pytest.raises(AssertionError, match="CUDA"):
        pb.load(tmp_path / "one", map_location="cuda")


class Runs:
    def __reduce__(self):
        return os.getcwd, ()


def test_programs_are_refused_unless_trusted():
    with pytest.raises(pickle.UnpicklingError, match=r"Weights only load failed.*getcwd"):
        returned([pb.ones(1), Runs()])
    assert returned([pb.ones(1), Runs()], weights_only=False)[1] == os.getcwd()


@pytest.mark.parametrize(
    "content, why",
    [
        (b"", "nothing to read"),
        (b"PK\x03\x04 and more than a header", "torch.save"),
        (b"\x80\x04N.", "begins"),
    ],
)
def test_other_files_are_refused(content, why):
    with pytest.raises(RuntimeError, match=f"not a file that pullback.save wrote.*{why}"):
        pb.load(io.BytesIO(content))


def test_a_cut_file_is_refused():
    file = io.BytesIO()
    pb.save(pb.ones(1000), file)
    with pytest.raises((pickle.UnpicklingError, EOFError)):
        pb.load(io.BytesIO(file.getvalue()[:-100]))


@pytest.mark.torch
def test_pytorchs_files_are_named(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save(torch.ones(2), tmp_path / "theirs")
    with pytest.raises(RuntimeError, match=r"torch\.save"):
        pb.load(tmp_path / "theirs")
