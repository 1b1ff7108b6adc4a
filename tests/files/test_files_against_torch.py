"""Files travel between the libraries: what one writes the other reads, in every format that there is."""

import collections
import io
import pickle
import warnings
import zipfile

import numpy as np
import pytest

import pullback as pb
from pullback.serialization.archive import Writer

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")

from nn.module_table import table  # noqa: E402  (needs torch)

pytestmark = pytest.mark.torch


def written(lib, obj, **options):
    file = io.BytesIO()
    lib.save(obj, file, **options)
    file.seek(0)
    return file


def plain(value):
    """Anything, with tensors as what can be seen of them, the same for both libraries."""
    if hasattr(value, "storage_offset"):
        kind = "Parameter" if type(value).__name__ == "Parameter" else "Tensor"
        seen = [
            kind,
            str(value.dtype).split(".")[1],
            tuple(value.shape),
            value.stride(),
            value.storage_offset(),
        ]
        return [*seen, value.requires_grad, plain(value.__dict__), value.detach().numpy().tolist()]
    if isinstance(value, dict):
        attributes = plain(vars(value)) if hasattr(value, "__dict__") else None
        return [type(value).__name__, *((plain(k), plain(v)) for k, v in value.items()), attributes]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(plain, value)]
    return repr(value).replace("pullback", "torch")


def zoo(lib):
    x = lib.arange(12.0).reshape(3, 4)
    p = lib.nn.Parameter(lib.ones(2))
    noted, buffer = lib.zeros(1), lib.nn.Buffer(lib.ones(1))
    noted.note = "kept"
    return {
        "views": [x, x.t()[1:], x[:, ::2], x.expand(2, 3, 4), x[:0]],
        "dtypes": [lib.ones(3, dtype=d) for d in (lib.float64, lib.int64, lib.int32, lib.int16, lib.int8, lib.uint8, lib.bool)],
        "parameters": (p, p, lib.nn.Parameter(x[1], requires_grad=False)),
        "grad": lib.ones(2, requires_grad=True) * 2,
        "empty": lib.zeros(2, 0),
        "number": lib.tensor(3.5),
        "noted": [noted, buffer],
        "facts": (x.shape, lib.float32, lib.float16, lib.device("cpu"), lib.device("cuda:1"), lib.strided),
        "plain": [1, -1, 255, 256, 65536, 2**31, -(2**31), 2**63, -(2**80), 1.5, float("nan"), 1 - 2j, None, True, ""],
        "texts": ["é", "\U0001f600", "x" * 300, b"\x00\xff", bytearray(b"ab")],
        "containers": ((), (1,), (1, 2, 3, 4), [], {}, {1: {2: [3]}, (1, "a"): 0}, {3}, collections.Counter("aab")),
        "ordered": collections.OrderedDict(b=1, a=x[0]),
        "state": lib.nn.BatchNorm1d(3).state_dict(),
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64", "complex32"])
def test_dtypes_whose_storages_have_no_type(dtype):
    """PyTorch states the bytes of such a storage, and its function the dtype."""

    def made(lib):
        x = lib.tensor([[1, 2, 3], [40000, 5, 6]], dtype=lib.int64).to(getattr(lib, dtype))
        p = [lib.nn.Parameter(x, requires_grad=x.is_complex())]
        return {"whole": x, "views": [x.t()[1:], x[:, ::2], x[:0]], "parameters": p}

    def seen(found):
        tensors = [found["whole"], *found["views"], *found["parameters"]]
        for t in tensors:
            assert str(t.dtype).endswith(f".{dtype}")
        facts = [
            (tuple(t.shape), t.stride(), t.storage_offset(), type(t).__name__, t.requires_grad)
            for t in tensors
        ]
        return facts, [t.detach().tolist() for t in tensors]

    wanted = seen(made(torch))
    assert seen(made(pb)) == wanted
    assert seen(pb.load(written(torch, made(torch)))) == wanted
    assert seen(torch.load(written(pb, made(pb)), weights_only=True)) == wanted
    for options in ({}, {"pickle_module": pickle}):
        assert seen(pb.load(written(pb, made(pb), **options), weights_only=not options)) == wanted


LEGACY = {"_use_new_zipfile_serialization": False}


def test_everything_that_files_have():
    mine, theirs = zoo(pb), zoo(torch)
    assert plain(mine) == plain(theirs)
    wanted = plain(torch.load(written(torch, theirs), weights_only=True))
    assert plain(torch.load(written(pb, mine), weights_only=True)) == wanted
    for file in (written(pb, mine), written(torch, theirs), written(torch, theirs, **LEGACY)):
        found = pb.load(file)
        assert plain(found) == wanted
        found["views"][0][0, 1] = 50
        assert found["views"][1][0, 0] == 50 and found["parameters"][0] is found["parameters"][1]
    assert plain(pb.load(written(pb, mine), weights_only=False)) == wanted
    assert plain(pb.load(written(torch, theirs), weights_only=False)) == wanted
    for protocol in (3, 4, 5):
        assert plain(pb.load(written(torch, theirs, pickle_protocol=protocol))) == wanted


@pytest.mark.parametrize("text", sorted({text for text, _ in table()}))
def test_states_of_modules(text):
    def made(lib):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return eval("nn." + text, {"nn": lib.nn})

    mine, theirs, others = made(pb), made(torch), made(torch)
    said = "<All keys matched successfully>"
    assert str(mine.load_state_dict(pb.load(written(torch, theirs.state_dict())))) == said
    assert plain(mine.state_dict()) == plain(theirs.state_dict())
    back = torch.load(written(pb, mine.state_dict()), weights_only=True)
    assert str(others.load_state_dict(back)) == said
    assert plain(others.state_dict()) == plain(theirs.state_dict())
    assert plain(pb.load(written(pb, mine.state_dict(), format="safetensors"))) == plain(mine.state_dict())


OPTIMISERS = "SGD(p, lr=0.1, momentum=0.9) ; Adam(p) ; AdamW(p, amsgrad=True) ; RMSprop(p) ; Adagrad(p) ; LBFGS(p) ; Rprop(p)"


@pytest.mark.parametrize("text", OPTIMISERS.split(" ; "))
def test_states_of_optimisers(text):
    def made(lib):
        p = [lib.nn.Parameter(lib.tensor([1.0, -2.0])), lib.nn.Parameter(lib.tensor([[0.5]]))]
        optimizer = eval("optim." + text, {"optim": lib.optim, "p": p})
        return optimizer, p

    def step(optimizer, p):
        def loss():
            optimizer.zero_grad()
            value = sum(((x - 3) ** 2).sum() for x in p)
            value.backward()
            return value

        optimizer.step(loss)

    for one, other in ((pb, torch), (torch, pb)):
        first, p = made(one)
        step(first, p)
        state = {"optimizer": first.state_dict(), "p": [x.detach() for x in p]}
        found = other.load(written(one, state), weights_only=True)
        second, q = made(other)
        second.load_state_dict(found["optimizer"])
        with other.no_grad():
            for x, value in zip(q, found["p"]):
                x.copy_(value)
        step(first, p)
        step(second, q)
        for x, y in zip(p, q):
            np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-5)


def test_ways_of_pytorch_to_read_our_files(tmp_path):
    path = tmp_path / "file.pt"
    obj = {"w": pb.arange(5000.0), "v": pb.arange(3), "p": pb.nn.Parameter(pb.ones(2))}
    pb.save(obj, path)
    assert torch.serialization.get_unsafe_globals_in_checkpoint(path) == []
    for options in (
        {"mmap": True},
        {"weights_only": False},
        {"map_location": "cpu"},
        {"map_location": "meta"},
    ):
        found = torch.load(path, **options)
        assert [t.shape for t in found.values()] == [t.shape for t in obj.values()]
        if options.get("map_location") != "meta":
            assert all(t.tolist() == obj[name].tolist() for name, t in found.items())
    torch.save(found, path)  # over it
    with open(path, "rb") as file:
        assert torch.load(file, map_location="meta")["w"].shape == (5000,)


def test_generators():
    g = torch.Generator().manual_seed(4)
    torch.rand(3, generator=g)
    h = pb.Generator()
    h.set_state(pb.load(written(torch, g.get_state())))
    assert pb.rand(5, generator=h).tolist() == torch.rand(5, generator=g).tolist()


def test_whole_modules_of_pytorch():
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3), torch.nn.ReLU()).eval()
    file = written(torch, theirs)
    with pytest.raises(pickle.UnpicklingError, match=r"Unsupported global: GLOBAL torch.nn.modules"):
        pb.load(file)
    file.seek(0)
    mine = pb.load(file, weights_only=False)
    assert type(mine) is pb.nn.Sequential
    np.testing.assert_allclose(
        mine(pb.ones(4, 2)).detach().numpy(), theirs(torch.ones(4, 2)).detach().numpy(), rtol=1e-6
    )


@pytest.mark.parametrize("dtype", [d for d in vars(torch).values() if isinstance(d, torch.dtype)], ids=str)
def test_dtypes(dtype):
    """Each dtype is read if pullback computes with it, and named if it does not."""
    try:
        file = written(torch, [torch.ones(2).to(dtype)])
    except (RuntimeError, NotImplementedError, KeyError):
        return
    name = str(dtype).split(".")[1]
    known = getattr(pb, name, None)
    if known is not None and known._supported:
        (found,) = pb.load(file)
        assert found.dtype is known and bool((found == 1).all())
    else:
        with pytest.raises(NotImplementedError, match=f"dtype .*{name}.*, which pullback has no kernels for"):
            pb.load(file)


@pytest.mark.parametrize(
    "make, word",
    [
        (lambda: torch.ones(2, 2).to_sparse(), "sparse"),
        (lambda: torch.ones(2, device="meta"), "meta"),
        (
            lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8),
            "quantised|has no kernels|quint8",
        ),
    ],
)
def test_tensors_of_other_kinds(make, word):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = written(torch, [make()])
    with pytest.raises(NotImplementedError, match=word):
        pb.load(file)


@pytest.mark.parametrize("weights_only", [True, False])
def test_flags_of_conjugates_and_negatives(weights_only):
    """PyTorch keeps the memory as it is, and says what to make of it."""
    y, z = torch.tensor([1.0, -2.0]), torch.tensor([1 + 2j, 3 - 4j])
    theirs = [z.conj(), torch._neg_view(y), torch._neg_view(y).detach().requires_grad_()]
    assert [t.is_conj() or t.is_neg() for t in theirs] == [True] * 3
    found = pb.load(written(torch, theirs), weights_only=weights_only)
    assert [t.tolist() for t in found] == [t.tolist() for t in theirs]
    assert [t.requires_grad for t in found] == [t.requires_grad for t in theirs]


def test_files_without_checksums():
    torch.serialization.set_crc32_options(False)
    try:
        file = written(torch, [torch.arange(3.0)])
    finally:
        torch.serialization.set_crc32_options(True)
    assert pb.load(file)[0].tolist() == [0.0, 1.0, 2.0]


def test_damage_to_files_of_older_pytorchs():
    theirs = {"w": torch.arange(6.0).reshape(2, 3).t(), "n": [1, "a"], "p": torch.nn.Parameter(torch.ones(2))}
    data, failed = written(torch, theirs, **LEGACY).getvalue(), 0
    assert plain(pb.load(io.BytesIO(data))) == plain(theirs)
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        for damaged in (bytes(flipped), data[:place]):
            try:
                pb.load(io.BytesIO(damaged))
            except (RuntimeError, pickle.UnpicklingError, NotImplementedError, EOFError):
                failed += 1
    assert failed > 1.5 * len(data)  # of the storages' bytes and of what is about the machine, any will do


NUMERIC = """float16 bfloat16 float32 float64 complex32 complex64 complex128 int8 int16 int32 int64 uint8 uint16 uint32
    uint64 bool""".split()


@pytest.mark.filterwarnings("ignore:ComplexHalf support")
@pytest.mark.parametrize("dtype", NUMERIC)
def test_files_of_the_other_byte_order(dtype):
    """Archives, and the files of PyTorch before 1.6, as a machine of the other order writes them."""
    x = torch.tensor([1, 0, 3, 2, 1])
    x = (x + 2j * x if dtype.startswith("complex") else x).to(getattr(torch, dtype))
    obj, width = {"x": x, "part": x[1:4:2]}, x.element_size() // (1 + x.is_complex())
    around = lambda data: np.frombuffer(data, f"u{width}").byteswap().tobytes()
    with zipfile.ZipFile(written(torch, obj)) as found:
        records = {name.partition("/")[2]: found.read(name) for name in found.namelist()}
    records |= {"byteorder": b"big", "data/0": around(records["data/0"])}
    archive = io.BytesIO()
    writer = Writer(archive)
    for name, data in records.items():
        writer.record(name, data)
    writer.close()
    old = written(torch, obj, **LEGACY).getvalue()
    about, end = old.index(b"\x88", old.index(b"little_endian")), len(old) - x.nbytes
    old = old[:about] + b"\x89" + old[about + 1 : end - 8] + old[end - 8 : end][::-1] + around(old[end:])
    for file in (archive.getvalue(), old, written(torch, obj, **LEGACY).getvalue()):
        for name, t in pb.load(io.BytesIO(file)).items():
            assert t.dtype.name == dtype
            wide = "complex128" if x.is_complex() else "float64"
            assert t.to(getattr(pb, wide)).tolist() == obj[name].to(getattr(torch, wide)).tolist()


def test_memory_of_the_other_byte_order_with_numbers_of_two_sizes():
    x = torch.arange(4).to(torch.uint16)
    obj = [x, x.view(torch.uint32)]
    for options in ({}, LEGACY):
        assert pb.load(written(torch, obj, **options))[1].tolist() == obj[1].tolist()
    with zipfile.ZipFile(written(torch, obj)) as found:
        records = {name.partition("/")[2]: found.read(name) for name in found.namelist()}
    out = io.BytesIO()
    writer = Writer(out)
    for name, data in (records | {"byteorder": b"big"}).items():
        writer.record(name, data)
    writer.close()
    out.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="numbers of two sizes"):
        pb.load(out)


def test_programs_of_torchscript():
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), file)
    file.seek(0)
    with pytest.raises(RuntimeError, match="TorchScript"):
        pb.load(file)


class Own:
    pass


@pytest.mark.parametrize(
    "call",
    [
        'm.save(m.ones(1), "/tmp/there/is/none/x.pt")',
        'm.load("/tmp/there/is/none")',
        'm.load("/tmp")',
        "m.load(io.BytesIO())",
        'm.load(io.BytesIO(b"PK" + bytes([3, 4]) + b"abc"))',
        "m.load(cut(file(m)))",
        'm.load(file(m), map_location="cuda")',
        'm.load(file(m), map_location="foo")',
        "m.load(file(m), map_location=3)",
        'm.load(file(m), map_location={"cpu": "cuda:0"})',
        "m.load(3)",
        "m.save(1, None)",
        "m.save([x, x.view(m.int32)], io.BytesIO())",
        "m.load(file(m), weights_only=True, pickle_module=pickle)",
        "m.load(named())",
    ],
)
def test_errors(call):
    def file(m):
        return written(m, [m.ones(1)])

    def named():
        return written(torch, [Own()])

    found = {}
    for lib in (pb, torch):
        x = lib.ones(4)
        names = {"m": lib, "io": io, "x": x, "file": file, "named": named, "pickle": pickle}
        names["cut"] = lambda file: io.BytesIO(file.getvalue()[:-30])
        with pytest.raises(Exception) as caught:
            eval(call, names)
        found[lib] = caught.value
    mine, theirs = found[pb], found[torch]
    assert type(mine) is type(theirs)
    # The first sentence is PyTorch's; of a wrong file the second is, too.
    first = str(theirs).split(". ")[0].split(" object has")[-1]
    assert first.rstrip(".") in str(mine)
    if "named" in call:
        assert (
            f"Unsupported global: GLOBAL {Own.__module__}.Own was not an allowed global by default."
            in str(mine)
        )
