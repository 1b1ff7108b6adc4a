"""save and load: what comes back, where it is written, and what is refused."""

import collections
import io
import os
import pickle
import stat
import warnings
import zipfile

import numpy as np
import pytest
from kinds import DTYPES

import pullback as pb
from pullback.serialization import archive

FORMATS = ("torch", "safetensors")


def written(obj, **options):
    file = io.BytesIO()
    pb.save(obj, file, **options)
    file.seek(0)
    return file


def returned(obj, format="torch", **options):
    return pb.load(written(obj, format=format), **options)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (0,), (2, 0, 3), (3, 4), (200, 300)], ids=str)
def test_tensors_come_back(shape, dtype, format):
    values = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    x = pb.tensor(values)
    y = returned(x, format)
    assert y.dtype == x.dtype and y.shape == x.shape and not y.requires_grad
    assert y.numpy().tobytes() == values.tobytes()
    y.fill_(1)  # its own memory, writable
    assert x.numpy().tobytes() == values.tobytes()


@pytest.mark.parametrize("format", FORMATS)
def test_bits_are_kept(format):
    values = np.array([0.0, -0.0, np.nan, np.inf, 5e-324, 1 / 3])
    assert returned(pb.tensor(values), format).numpy().tobytes() == values.tobytes()


@pytest.mark.parametrize("format", FORMATS)
def test_views_share_what_they_shared(format):
    x = pb.arange(12.0).reshape(3, 4)
    assert returned(x.t()[1:, ::2], format).tolist() == x.t()[1:, ::2].tolist()
    whole, part, again = returned([x, x.t()[1:], x], format)
    assert again is whole and part.stride() == (1, 4) and part.storage_offset() == 1
    whole[0, 1] = 100
    assert part[0, 0] == 100
    first, second = returned([x[0, 1:], x[:2, 2]], format)  # nobody has the whole
    first[1] = 7
    assert second.tolist() == [7.0, 6.0]
    assert returned(x[0].expand(5, 4), format).tolist() == [[0.0, 1.0, 2.0, 3.0]] * 5


def test_a_storage_is_written_once():
    x = pb.zeros(10_000)
    alone, many = (len(written(obj).getvalue()) for obj in ([x], [x, x[1:], x.reshape(100, 100)]))
    assert many < alone + 1000
    assert len(written(x[:1]).getvalue()) > 40_000  # a view has all of it, as in PyTorch
    assert (
        len(written(x[:1], format="safetensors").getvalue()) < 1000
    )  # which no other reader would understand


def test_read_only_memory():
    array = np.arange(3.0)
    array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is read-only
        shared = pb.from_numpy(array)
    y = returned(shared)
    y += 1
    assert y.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("format", FORMATS)
def test_containers(format):
    x, w = pb.ones(2), pb.tensor([1.0, 2.0], requires_grad=True)
    p, marked = pb.nn.Parameter(pb.zeros(1), requires_grad=False), pb.nn.Buffer(pb.ones(1))
    p.note = "kept"
    obj = collections.OrderedDict(
        a=[x, x, ()],
        b=(w, (w * 2)),
        c={"n": 3, "s": "text é", "z": 1 - 2j, "none": None, 4: True, (1, "k"): -0.5, "inf": float("-inf")},
        d={1, 2},
        e=x.shape,
        f=pb.int64,
        g=pb.device("cpu"),
        h=[b"\x00\xff", bytearray(b"b"), 2**40, -1, 2**62, frozenset({3})],
        i=[p, p, marked],
    )
    obj.note = {"of": "the dictionary"}
    y = returned(obj, format)
    assert type(y) is collections.OrderedDict and list(y) == list(obj) and y.note == obj.note
    assert y["a"][0] is y["a"][1] and y["a"][0].tolist() == [1.0, 1.0] and y["a"][2] == ()
    assert all(t.requires_grad and t.is_leaf for t in y["b"]) and y["b"][1].tolist() == [2.0, 4.0]
    for name in "cdefgh":
        assert y[name] == obj[name] and repr(y[name]) == repr(obj[name])
    q, again, buffer = y["i"]
    assert q is again and type(q) is pb.nn.Parameter and not q.requires_grad and q.note == "kept"
    assert isinstance(buffer, pb.nn.Buffer) and buffer.persistent


@pytest.mark.parametrize("format", FORMATS)
def test_numbers_of_numpys_are_numbers(format):
    """A script keeps them without knowing: the mean of a list of losses."""
    found = returned(
        [np.float64(0.1), np.float32(0.5), np.int64(3), np.bool_(True), np.complex128(1j)], format
    )
    assert repr(found) == repr([0.1, 0.5, 3, True, 1j])


def test_compressed_files_and_pipes(tmp_path):
    import gzip

    with gzip.open(tmp_path / "file", "wb") as file:
        pb.save(pb.arange(3), file)
    with gzip.open(tmp_path / "file", "rb") as file:
        assert pb.load(file).tolist() == [0, 1, 2]
    read, write = os.pipe()
    with open(write, "wb") as file:
        pb.save(pb.arange(3), file)
    with open(read, "rb") as file:
        assert pb.load(file).tolist() == [0, 1, 2]


def test_containers_that_only_pickles_have():
    me = [1]
    me.append(me)
    kept = collections.defaultdict(list, a=[1])
    obj = (
        me,
        kept,
        collections.Counter("aab"),
        range(1, 9, 2),
        slice(None, 3),
        pb.strided,
        2**700,
        -(2**700),
    )
    y = returned(obj)
    assert y[0][1] is y[0] and y[1] == kept and y[1].default_factory is list
    assert y[2:] == obj[2:] and type(y[2]) is collections.Counter


def test_state_of_training():
    pb.manual_seed(0)
    model = pb.nn.Sequential(pb.nn.Linear(2, 3), pb.nn.BatchNorm1d(3))
    optimizer = pb.optim.Adam(model.parameters(), lr=0.1)
    schedule = pb.optim.lr_scheduler.StepLR(optimizer, 2)

    def step():
        optimizer.zero_grad()
        model(pb.arange(8.0).reshape(4, 2)).square().sum().backward()
        optimizer.step()
        schedule.step()

    step()
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
    files = [
        written({name: part.state_dict() for name, part in parts.items()}, format=format)
        for format in FORMATS
    ]
    step()
    after = [p.tolist() for p in model.parameters()]
    for file in files:
        for name, state in pb.load(file).items():
            parts[name].load_state_dict(state)
        step()
        assert [p.tolist() for p in model.parameters()] == after
    generator = pb.Generator().manual_seed(3)
    state = returned(generator.get_state())
    first = pb.rand(3, generator=generator)
    generator.set_state(state)
    assert pb.equal(pb.rand(3, generator=generator), first)


# ---- where it is written -------------------------------------------------------------------------------------


def test_paths_and_file_objects(tmp_path):
    pb.save(pb.ones(2), tmp_path / "one")
    pb.save(pb.zeros(2), str(tmp_path / "two"))
    assert pb.load(str(tmp_path / "one")).tolist() == [1.0, 1.0]
    assert pb.load(tmp_path / "two", map_location="cpu").tolist() == [0.0, 0.0]
    pb.save({"w": pb.ones(2)}, tmp_path / "three.safetensors")
    assert (tmp_path / "three.safetensors").read_bytes()[8:9] == b"{"
    assert sorted(os.listdir(tmp_path)) == ["one", "three.safetensors", "two"]
    file = io.BytesIO(b"before")
    file.seek(6)
    pb.save(pb.tensor(3), file)
    file.seek(6)
    assert pb.load(file).item() == 3
    for wrong in (None, 3):
        with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object"):
            pb.save(pb.ones(1), wrong)
        with pytest.raises(AttributeError, match="no attribute 'seek'.*from a file that is seekable"):
            pb.load(wrong)
    with pytest.raises(FileNotFoundError):
        pb.load(tmp_path / "none")
    with pytest.raises(RuntimeError, match=r"Parent directory .* does not exist\..*os.makedirs"):
        pb.save(1, tmp_path / "none/file")
    for options in ({"format": "zip"}, {"metadata": {}}, {"format": "safetensors", "pickle_module": pickle}):
        with pytest.raises(ValueError):
            pb.save(1, tmp_path / "none", **options)


class Minimal:
    """As little of a file as is needed."""

    def __init__(self, data=b""):
        self.inner = io.BytesIO(data)
        self.read, self.seek, self.tell = self.inner.read, self.inner.seek, self.inner.tell


@pytest.mark.parametrize("format", FORMATS)
def test_file_objects_that_can_little(format):
    class Sink:
        parts = []

        def write(self, data):
            self.parts.append(bytes(data))

    x = pb.arange(300_000.0)
    pb.save([x, 3], Sink(), format=format)
    y, three = pb.load(Minimal(b"".join(Sink.parts)))
    assert pb.equal(x, y) and three == 3


def test_the_old_file_survives(tmp_path, monkeypatch):
    path = tmp_path / "kept"
    pb.save([1], path)
    os.chmod(path, 0o640)
    (tmp_path / "link").symlink_to("kept")
    with pytest.raises(TypeError):
        pb.save([2, lambda: 3], path)
    real = archive.Writer.close

    def fails(writer):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive.Writer, "close", fails)
    with pytest.raises(OSError, match="No space"):
        pb.save([pb.ones(1000)], path)
    monkeypatch.setattr(archive.Writer, "close", real)
    assert pb.load(path) == [1] and sorted(os.listdir(tmp_path)) == ["kept", "link"]
    pb.save([4], tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and pb.load(path) == [4]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    os.umask(old := os.umask(0o022))
    pb.save([5], tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o666 & ~old
    if os.geteuid():
        os.chmod(path, 0o440)
        with pytest.raises(PermissionError):
            pb.save([6], path)
        os.chmod(path, 0o640)
        os.chmod(tmp_path, 0o500)  # nothing can be added: the file itself is written
        pb.save([7], path)
        os.chmod(tmp_path, 0o700)
        assert pb.load(path) == [7]
    pb.save([8], os.devnull)


@pytest.mark.parametrize("format", FORMATS)
def test_mapped_files(tmp_path, format):
    path = tmp_path / "file"
    obj = {"w": pb.arange(1000.0), "b": pb.arange(3), "z": pb.zeros(0)}
    pb.save(obj, path, format=format)
    before = path.read_bytes()
    found = pb.load(path, mmap=True)
    assert all(pb.equal(found[name], obj[name]) for name in obj)
    found["w"] += 1  # in memory only
    assert found["w"][5] == 6 and path.read_bytes() == before
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        pb.load(io.BytesIO(before), mmap=True)


def test_files_with_fields_of_64_bits(monkeypatch):
    """What has more than 4 GiB needs other fields, which files of any size may have."""
    monkeypatch.setattr(archive, "_SMALL", 100)
    monkeypatch.setattr(archive, "_MANY", 4)
    obj = [pb.arange(1000.0), pb.arange(7), pb.ones(1)]
    file = io.BytesIO()
    pb.save(obj, file)
    file.seek(0)
    assert [t.tolist() for t in pb.load(file)] == [t.tolist() for t in obj]


def test_archives_are_zip_files(tmp_path):
    file = written({"w": pb.arange(3.0), "v": pb.ones(100)})
    with zipfile.ZipFile(file) as found:
        assert found.testzip() is None
        assert found.read("archive/data/0") == np.arange(3, dtype="f4").tobytes()
        assert all(b"archive/" in each.filename.encode() for each in found.infolist())
        for each in found.infolist():  # where a mapped file can be computed with
            head = file.getvalue()[each.header_offset :][26:30]
            start = each.header_offset + 30 + sum(np.frombuffer(head, "<u2"))
            assert start % 64 == 0
    assert written(3).getvalue() == written(3).getvalue()


# ---- what is refused -----------------------------------------------------------------------------------------


class Runs:
    def __reduce__(self):
        return os.getcwd, ()


class Named(tuple):
    pass


@pytest.mark.parametrize(
    "value, advice",
    [
        (Runs(), "consists of"),
        (np.datetime64("2000-01-01"), "consists of|tensor"),
        (np.ones(2), r"pullback\.tensor\(array\)"),
        (pb.nn.Linear(1, 1), r"state_dict\(\)"),
        (pb.Generator(), r"get_state\(\)"),
        (Named(), r"tuple\(value\)"),
        (collections.defaultdict(lambda: 3), r"dict\(value\)"),
        (pb.ones(1).as_subclass(type("Own", (pb.Tensor,), {})), "as_subclass"),
        (pb.nn.LazyLinear(3).weight, "Call the lazy module once"),
    ],
)
def test_what_is_not_plain_is_not_saved(value, advice):
    with pytest.raises(TypeError, match=rf"cannot save .* object at obj\['a'\]\[1\]: .*{advice}"):
        pb.save({"a": [1, value]}, io.BytesIO())
    if type(value) is not collections.defaultdict:
        with pytest.raises(TypeError, match=rf"cannot save .* object at obj\['a'\]\[1\]: .*{advice}"):
            pb.save({"a": [1, value]}, io.BytesIO(), format="safetensors")


def test_programs_are_refused_unless_trusted():
    file = written([pb.ones(1), Runs()], pickle_module=pickle)
    with pytest.raises(
        pickle.UnpicklingError, match=r"Weights only load failed.*GLOBAL (os|posix).getcwd whose module"
    ):
        pb.load(file)
    file.seek(0)
    assert pb.load(file, weights_only=False)[1] == os.getcwd()
    file.seek(0)
    with pytest.raises(RuntimeError, match="Can not safely load weights when explicit pickle_module"):
        pb.load(file, weights_only=True, pickle_module=pickle)
    with pytest.raises(pickle.UnpicklingError, match="os is blocked|posix is blocked|not an allowed"):
        pb.load(written(Runs(), pickle_module=pickle))


def test_whole_modules_are_pickled_where_that_is_asked_for():
    net = pb.nn.Sequential(pb.nn.Linear(2, 3), pb.nn.BatchNorm1d(3))
    net.tied = net[0].weight
    file = written([net, net[0].weight.detach()], pickle_module=pickle)
    found, weight = pb.load(file, pickle_module=pickle)
    x = pb.rand(4, 2)
    assert pb.equal(found.eval()(x), net.eval()(x)) and found.tied is found[0].weight
    with pb.no_grad():
        weight[0, 0] = 50
    assert found[0].weight[0, 0] == 50


class Point:
    def __init__(self, x):
        self.x = x


def test_classes_that_are_allowed():
    file = written([Point(pb.ones(2))], pickle_module=pickle)
    name = f"{Point.__module__}.Point"
    with pytest.raises(pickle.UnpicklingError, match=f"GLOBAL {name} was not an allowed global by default"):
        pb.load(file)
    file.seek(0)
    with pb.serialization.safe_globals([Point]):
        assert pb.serialization.get_safe_globals() == [Point]
        (point,) = pb.load(file)
    assert point.x.tolist() == [1.0, 1.0] and pb.serialization.get_safe_globals() == []
    out = io.BytesIO()
    writer = archive.Writer(out)
    writer.record("data.pkl", pickle.dumps(Point(3), protocol=2))
    writer.close()
    out.seek(0)
    pb.serialization.add_safe_globals([(Point, name)])
    assert pb.load(out).x == 3
    pb.serialization.clear_safe_globals()
    out.seek(0)
    with pytest.raises(pickle.UnpicklingError):
        pb.load(out)
    with pytest.raises(ValueError, match="Expected tuple of length 2"):
        pb.serialization.add_safe_globals([(Point,)])
    with pytest.raises(TypeError, match="Expected second item in tuple to be str"):
        pb.serialization.add_safe_globals([(Point, 3)])


def test_what_a_file_names(tmp_path):
    names = pb.serialization.get_unsafe_globals_in_checkpoint
    for protocol in (2, 4):
        pb.save(
            [Point(pb.ones(1)), {1}, Named()],
            tmp_path / "file",
            pickle_module=pickle,
            pickle_protocol=protocol,
        )
        assert names(tmp_path / "file") == [f"{Point.__module__}.Named", f"{Point.__module__}.Point"]
    assert names(written({"w": pb.ones(1)})) == []


def test_where_storages_go():
    file = written([pb.ones(2)])

    def load(where):
        file.seek(0)
        return pb.load(file, map_location=where)[0].tolist()

    seen = []
    for fine in (None, "cpu", b"cpu", pb.device("cpu"), {"cpu": "cpu"}, {}, lambda storage, place: None):
        assert load(fine) == [1.0, 1.0]
    assert load(lambda storage, place: seen.append((storage.nbytes(), place)) or storage.cpu()) == [1.0, 1.0]
    assert seen == [(8, "cpu")]
    for wrong in ("cuda", "cuda:1", {"cpu": "cuda:0"}, pb.device("cuda")):
        with pytest.raises(
            RuntimeError, match="Attempting to deserialize object on a CUDA device.*map_location"
        ):
            load(wrong)
    with pytest.raises(RuntimeError, match="don't know how to restore data location .*tagged with xyz"):
        load("xyz")
    with pytest.raises(TypeError, match="'int' object is not callable"):
        load(3)
    with pytest.raises(AssertionError, match="CUDA"):
        load(lambda storage, place: storage.cuda(0))
    plain = written({"w": pb.ones(1)}, format="safetensors")
    with pytest.raises(
        RuntimeError, match="Loading safetensors file with dict map_location is not supported"
    ):
        pb.load(plain, map_location={})
    plain.seek(0)
    with pytest.raises(RuntimeError, match="CUDA"):
        pb.load(plain, map_location="cuda")


@pytest.mark.parametrize(
    "content, error, why",
    [
        (b"", EOFError, "the file is empty"),
        (b"PK\x03\x04 and more than a header", RuntimeError, "failed finding central directory"),
        (b"\x80\x04N.", RuntimeError, "neither a checkpoint"),
        (b"\x93NUMPY and more", RuntimeError, "numpy.load"),
    ],
)
def test_other_files_are_refused(content, error, why):
    with pytest.raises(error, match=why):
        pb.load(io.BytesIO(content))


def test_one_memory_under_two_dtypes():
    x = pb.ones(4)
    with pytest.raises(
        RuntimeError, match="Cannot save multiple tensors or storages that view the same data as diff"
    ):
        pb.save([x, x.view(pb.int32)], io.BytesIO())


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_nested_too_deeply(format):
    deep = []
    for _ in range(50_000):
        deep = [deep]
    with pytest.raises(RecursionError, match="while saving.*nested too deeply"):
        pb.save({"a": deep}, io.BytesIO(), format=format)
    around = returned([[[[1]]]] * 3, format)
    assert around == [[[[1]]]] * 3


def test_metadata():
    file = written({"w": pb.ones(1)}, format="safetensors", metadata={"a": "b"})
    assert pb.serialization.read_metadata(file) == {"a": "b"}
    file.seek(0)
    assert list(pb.load(file)) == ["w"]
    for wrong in ({"a": 3}, {3: "a"}, {"pullback": "a"}):
        with pytest.raises(TypeError, match="metadata has texts"):
            pb.save({}, io.BytesIO(), format="safetensors", metadata=wrong)
