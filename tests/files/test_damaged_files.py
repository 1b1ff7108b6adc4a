"""Files that are cut, flipped, or made to do harm: each a clear error, at once, in little memory, and no program runs.

Damage is done to small files at every place. What still loads is what was saved, wherever the format has a checksum.
"""

import io
import json
import os
import pickle
import random
import resource
import struct
import time

import pytest

import pullback as pb
from pullback.serialization.archive import Writer

EXPECTED = (RuntimeError, pickle.UnpicklingError, NotImplementedError, EOFError)


def obj():
    x = pb.arange(6.0).reshape(2, 3)
    return {"a": x, "b": [x.t()[1:], 3, "té", None, 2.5, (1,)], "p": pb.nn.Parameter(pb.ones(2))}


def written(what, **options):
    file = io.BytesIO()
    pb.save(what, file, **options)
    return file.getvalue()


def without_checksums(data):
    for place in central(data):
        data = changed(data, place + 16, "<I", 0)
    return data


FILES = {
    "torch": lambda: written(obj()),
    "without checksums": lambda: without_checksums(written(obj())),
    "safetensors": lambda: written(obj(), format="safetensors"),
    "plain": lambda: written({"w": pb.ones(3), "v": pb.arange(4)}, format="safetensors"),
}
CHECKED = {"torch"}  # has checksums


def outcome(data):
    """What a file gives, as text, or the error."""
    try:
        return repr(pb.load(io.BytesIO(data)))
    except EXPECTED as error:
        assert len(str(error)) > 10
        return error


@pytest.mark.parametrize("name", FILES)
def test_flipped_bits(name):
    data, failed = FILES[name](), 0
    good = outcome(data)
    for place in range(len(data)):
        for bit in (0, 3, 7) if name != "plain" else range(8):
            flipped = bytearray(data)
            flipped[place] ^= 1 << bit
            found = outcome(bytes(flipped))
            failed += isinstance(found, Exception)
            assert isinstance(found, Exception) or name not in CHECKED or found == good, place
    assert failed > len(data)  # padding and, where there are no checksums, values may be anything


@pytest.mark.parametrize("name", FILES)
def test_cut_files(name):
    data = FILES[name]()
    assert isinstance(outcome(data), str)
    for length in range(len(data)):
        assert isinstance(outcome(data[:length]), EXPECTED), length
    assert isinstance(outcome(data + b"x"), EXPECTED)


@pytest.mark.parametrize("name", FILES)
def test_wild_damage(name):
    data, wild, failed = FILES[name](), random.Random(0), 0
    for _ in range(1500):
        changed = bytearray(data)
        for _ in range(wild.randint(1, 6)):
            changed[wild.randrange(len(changed))] = wild.choice((0, 1, 0x7F, 0x80, 0xFF, wild.randrange(256)))
        place, length = wild.randrange(len(changed)), wild.randrange(20)
        if wild.random() < 0.3:
            del changed[place : place + length]
        elif wild.random() < 0.3:
            changed[place:place] = changed[place : place + length]
        failed += isinstance(outcome(bytes(changed)), Exception)
    assert failed > 500


# ---- pickles that checksums do not guard ---------------------------------------------------------------------


def archive_of(pickled, **records):
    """An archive around a pickle, whose checksums are right."""
    records = {
        "data/0": b"\0" * 24,
        "data/1": b"\0" * 8,
        **{k.replace("_", "/"): v for k, v in records.items()},
    }
    out = io.BytesIO()
    writer = Writer(out)
    writer.record("data.pkl", pickled)
    for name, data in records.items():
        writer.record(name, data)
    writer.close()
    return out.getvalue()


def pickle_of(what):
    data = written(what)
    start = data.index(b"\x80\x02")
    return data[start : data.index(b".PK", start) + 1]


def test_damaged_pickles():
    data, wild, failed = pickle_of(obj()), random.Random(0), 0
    assert isinstance(outcome(archive_of(data)), str)
    opcodes = b"()NKMJUXcRbtse\x85\x86\x87\x80\x81\x8a\x8c\x8f\x90\x91\x93\x94\x95}]Q.hqrj02du"
    for place in range(len(data)):
        assert isinstance(outcome(archive_of(data[:place])), EXPECTED)
        changed = bytearray(data)
        changed[place] ^= 1 << wild.randrange(8)
        failed += isinstance(outcome(archive_of(bytes(changed))), Exception)
    for _ in range(2000):
        changed = bytearray(data)
        for _ in range(wild.randint(1, 8)):
            changed[wild.randrange(len(changed))] = wild.choice(opcodes)
        failed += isinstance(outcome(archive_of(bytes(changed))), Exception)
    assert failed > 1000


P = b"\x80\x02"
COLLIDING = b"".join([b"\x8a\x0a%sN" % (i * (2**61 - 1)).to_bytes(10, "little") for i in range(50_000)])
TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0%sX\3\0\0\0cpu%stQ%s%s%s\x89NtR."
BOMBS = {
    "deep lists": P + b"]" + b"q\0](h\0e" * 100_000 + b".",
    "a deep key": P + b"}N" + b"\x85" * 200_000 + b"Ns.",
    "a key that takes for ever to hash": P + b"}" + b"N" + b"".join([b"q\0(" + b"h\0" * 100 + b"t"] * 20) + b"Ns.",
    "keys that collide": P + b"}(" + COLLIDING + b"u.",
    "a long number": P + b"\x8b\xff\xff\xff\x7f.",
    "a negative length": P + b"\x8b\xff\xff\xff\xff.",
    "a long text": P + b"X\xff\xff\xff\xff.",
    "long bytes": P + b"\x8e" + b"\xff" * 7 + b"\x7f.",
    "a long bytearray": P + b"c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    "a large set": P + b"c__builtin__\nset\nc__builtin__\nxrange\nJ\xff\xff\xff\x7f\x85R\x85R.",
    "many marks": P + b"(" * 100_000 + b".",
    "no end": P + b"N" * 100_000,
    "a memo that is not there": P + b"j\xff\xff\xff\xff.",
    "another protocol": b"\x80\x09N.",
    "no storage": P + TENSOR % (b"9", b"K\6", b"K\0", b"K\6\x85", b"K\1\x85"),
    "a larger storage": P + TENSOR % (b"0", b"K\7", b"K\0", b"K\7\x85", b"K\1\x85"),
    "a storage of negative size": P + TENSOR % (b"0", b"J\xff\xff\xff\xff", b"K\0", b"K\6\x85", b"K\1\x85"),
    "a huge storage": P + TENSOR % (b"0", b"\x8a\x08" + b"\xff" * 7 + b"\x7f", b"K\0", b"K\6\x85", b"K\1\x85"),
    "a large tensor": P + TENSOR % (b"0", b"K\6", b"K\0", b"K\7\x85", b"K\1\x85"),
    "an offset": P + TENSOR % (b"0", b"K\6", b"K\1", b"K\6\x85", b"K\1\x85"),
    "a negative offset": P + TENSOR % (b"0", b"K\6", b"J\xff\xff\xff\xff", b"K\6\x85", b"K\1\x85"),
    "a negative size": P + TENSOR % (b"0", b"K\6", b"K\0", b"J\xff\xff\xff\xff\x85", b"K\1\x85"),
    "a negative stride": P + TENSOR % (b"0", b"K\6", b"K\0", b"K\6\x85", b"J\xff\xff\xff\xff\x85"),
    "sizes whose product overflows": P + TENSOR % (b"0", b"K\6", b"K\0", (b"\x8a\x05\0\0\0\0\1" * 2 + b"\x86"), b"K\0K\0\x86"),
    "strides whose sum overflows": P + TENSOR % (b"0", b"K\6", b"K\0", b"K\2\x85", b"\x8a\x08" + b"\xff" * 7 + b"\x7f\x85"),
    "more strides than sizes": P + TENSOR % (b"0", b"K\6", b"K\0", b"K\6\x85", b"K\1K\1\x86"),
    "a long name": P + b"X\x40\x42\x0f\0" + b"a" * 1_000_000 + b"X\1\0\0\0b\x93.",
    "a long location": P + (TENSOR % (b"0", b"K\6", b"K\0", b"K\6\x85", b"K\1\x85")).replace(
        b"X\3\0\0\0cpu", b"X\x40\x42\x0f\0" + b"a" * 1_000_000
    ),
    "a path as a storage": P + TENSOR % (b"/", b"K\6", b"K\0", b"K\6\x85", b"K\1\x85"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name):
    data = archive_of(BOMBS[name])
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    found = outcome(data)
    assert isinstance(found, Exception) or name == "deep lists"
    assert len(str(found)) < 2000 or name == "deep lists"
    assert time.process_time() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_what_a_tensor_may_repeat():
    """A size may be huge where the stride is 0: no memory goes with it."""
    file = archive_of(P + TENSOR % (b"0", b"K\6", b"K\0", b"J\0\0\0\x40\x85", b"K\0\x85"))
    assert pb.load(io.BytesIO(file)).shape == (2**30,)


RAN = []


@pytest.mark.parametrize(
    "text",
    [
        "cos\nsystem\nX\2\0\0\0id\x85R.",
        "cposix\nsystem\nX\2\0\0\0id\x85R.",
        "c__builtin__\neval\nX\1\0\0\x001\x85R.",
        "cbuiltins\ngetattr\n.",
        "cpullback.serialization.names\nos.system\n.",
        "ctorch.serialization\nload\n.",
        "X\2\0\0\0osX\6\0\0\0system\x93.",
        "cctypes\nCDLL\n.",
        "c__main__\n__builtins__\n.",
        "ccollections\nOrderedDict\n)RN}X\x08\0\0\0__class__Ns\x86b.",
        "ctorch\nTensor\n)\x81.",
        "ctorch\nTensor\n)R.",
        "X\7\0\0\0storageQ.",
        "(X\6\0\0\0moduleX\2\0\0\0ostQ.",
    ],
)
def test_programs_do_not_run(text, monkeypatch):
    monkeypatch.setattr(os, "system", RAN.append)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        pb.load(io.BytesIO(archive_of(P + text.encode("latin1"))))
    assert RAN == []


# ---- archives ------------------------------------------------------------------------------------------------


def central(data):
    """Where the directory's entries are."""
    found, place = [], data.find(b"PK\x01\x02")
    while place >= 0:
        found.append(place)
        place = data.find(b"PK\x01\x02", place + 1)
    return found


def changed(data, place, form, value):
    out = bytearray(data)
    struct.pack_into(form, out, place, value)
    return bytes(out)


def test_hostile_archives():
    data = archive_of(pickle_of(obj()))
    first, second = central(data)[:2]
    end = data.rindex(b"PK\x05\x06")
    cases = {
        "compressed": changed(data, first + 10, "<H", 8),
        "encrypted": changed(data, first + 8, "<H", 1),
        "lies over another": changed(data, second + 42, "<I", struct.unpack_from("<I", data, first + 42)[0]),
        "outside|over another": changed(changed(data, first + 24, "<I", 2**31), first + 20, "<I", 2**31),
        "corrupted|several": changed(data, end + 10, "<H", 2000),
        "corrupted|part of several": changed(data, end + 8, "<H", 2),
        "corrupted|outside": changed(data, end + 12, "<I", 2**31),
        "corrupted|over another": changed(data, end + 16, "<I", 0),
        "twice|another name": data[:second] + data[first:second] + data[second + (second - first) :],
        "no UTF-8": changed(data, first + 46, "<B", 0xFF),
        "checksum": data.replace(b"\0" * 24, b"\0" * 23 + b"\1", 1)
        if data.index(b"\0" * 24) > data.index(b"archive/data/0")
        else data,
    }
    for why, each in cases.items():
        with pytest.raises(RuntimeError, match=why):
            pb.load(io.BytesIO(each))
    names = archive_of(P + b"N.")
    with pytest.raises(RuntimeError, match="subdirectory"):
        pb.load(io.BytesIO(names.replace(b"archive/data/0", b"elsewhere/ta/0")))
    with pytest.raises(RuntimeError, match="locating file data.pkl: file not found"):
        pb.load(io.BytesIO(names.replace(b"data.pkl", b"data.plk")))


# ---- safetensors ---------------------------------------------------------------------------------------------


def safetensors(header, data=b"\0" * 24, length=None):
    text = header if type(header) is bytes else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def one(**changes):
    return {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24], **changes}}


def test_the_format_as_it_is_written_down():
    header = {
        "__metadata__": {"a": "b"},
        **one(),
        "é": {"dtype": "I64", "shape": [], "data_offsets": [24, 32]},
    }
    values = struct.pack("<6f", *range(6)) + struct.pack("<q", -7)
    found = pb.load(io.BytesIO(safetensors(json.dumps(header, ensure_ascii=False).encode() + b"   ", values)))
    assert found["w"].tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]] and found["é"].item() == -7
    mine = written({"é": pb.tensor(-7), "w": pb.arange(6.0).reshape(2, 3)}, format="safetensors")
    (length,) = struct.unpack("<Q", mine[:8])
    assert length % 8 == 0
    assert json.loads(mine[8 : 8 + length]) == {
        "é": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]},  # the widest first
        "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [8, 32]},
    }
    assert mine[8 + length :] == values[24:] + values[:24]


@pytest.mark.parametrize(
    "data",
    [
        safetensors(one(), length=2**62),
        safetensors(one(), length=99_000_000),
        safetensors(one(), length=100_000_001),
        safetensors(one(data_offsets=[0, 20])),
        safetensors(one(data_offsets=[0, 28])),
        safetensors(one(data_offsets=[24, 0])),
        safetensors(one(data_offsets=[-4, 20])),
        safetensors(one(data_offsets=[0.0, 24])),
        safetensors(one(data_offsets=[0, 2**64])),
        safetensors(one(shape=[2, -3])),
        safetensors(one(shape=[2**40, 2**40])),
        safetensors(one(shape=[2**63])),
        safetensors(one(shape="23")),
        safetensors(one(shape=[6] * 1000)),
        safetensors(one(dtype="F33")),
        safetensors(one(dtype=3)),
        safetensors(one(more=3)),
        safetensors(one(), b"\0" * 23),
        safetensors(one(), b"\0" * 25),
        safetensors({**one(), "v": {"dtype": "F32", "shape": [2], "data_offsets": [16, 24]}}),
        safetensors({**one(), "v": {"dtype": "F32", "shape": [2], "data_offsets": [28, 36]}}, b"\0" * 36),
        safetensors(b'{"w":{"dtype":"F32","shape":[6],"data_offsets":[0,24]},"w":{}}'),
        safetensors(b'{"w": \xff}', b""),
        safetensors(b"{" + b'"a":{' * 100_000, b""),
        safetensors(b'{"a":' + b"9" * 100_000 + b"}", b""),
        safetensors(b"{}" + b"x", b""),
        safetensors({"w": 3}),
        safetensors({"__metadata__": {"a": 3}}, b""),
        safetensors({"__metadata__": 3}, b""),
        *[
            safetensors({"__metadata__": {"pullback": text}, **one()})
            for text in (
                "",
                "[" * 100_000,
                '{"eval": "1"}',
                '{"tensor": 0}',
                '{"tensor": 0, "name": "v"}',
                '{"tensor": 0, "name": "w", "view": [[7], [1], 0]}',
                '{"tensor": 0, "name": "w", "view": [[2], [9223372036854775807], 0]}',
                '{"tensor": 0, "name": "w", "view": [[2], [-1], 1]}',
                '{"tensor": [], "name": "w"}',
                '{"tensor": 0, "name": "w", "attributes": 3}',
                '{"dict": [[[], 1]]}',
                '{"bytes": "zz"}',
                '{"Size": ["a"]}',
                '{"dtype": "none"}',
                "{}",
            )
        ],
    ],
)
def test_hostile_safetensors(data):
    start = time.perf_counter()
    with pytest.raises((RuntimeError, NotImplementedError)):
        pb.load(io.BytesIO(data))
    assert time.perf_counter() - start < 5
