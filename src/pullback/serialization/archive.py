"""Archives: the zip files of stored records that PyTorch's checkpoints are, read and written.

Reading trusts nothing: every size and place that the file states is compared with the file before anything is read or
allocated by it, and no two records may lie over each other. Records are stored as they are, so a file gives no more bytes
than it has. Where a record has a checksum, what is read is compared with it.
"""

import mmap
import os
import struct
import zlib

from .. import _core
from ..operators.creation import empty, frombuffer

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_SMALL = 0xFFFFFFFF  # what is larger goes into a field of 64 bits
_MANY = 0xFFFF
_ALIGNMENT = 64  # of records, so that a mapped file can be computed with
_PIECE = 1 << 20  # bytes between a reading and its checksum: in the cache


def fail(why, what="reading zip archive"):
    """Raise for a file that is no whole archive."""
    raise RuntimeError(
        f"PytorchStreamReader failed {what}: {why}. The file is damaged, or it was not written to its end: save it, or "
        "copy it, once more."
    )


class Record:
    """Where a record lies: its header, its bytes, and what they add up to (0 where nobody added)."""

    __slots__ = ("checksum", "header", "is_stored", "limit", "name", "packed", "size", "start")

    def __init__(self, name, header, size, packed, checksum):
        self.name, self.header, self.size, self.packed, self.checksum = name, header, size, packed, checksum
        self.start = None
        self.limit = 0  # where the next begins
        self.is_stored = True


class Archive:
    """The records of an archive that begins where the file stands, by their names below its one folder."""

    def __init__(self, file, mapped=False):
        self.file, self.base = file, file.tell()
        self.length = file.seek(0, os.SEEK_END) - self.base
        self.map = None
        self.records = {}
        self._read_directory()
        if mapped:
            self.map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)

    def _at(self, place, size, what):
        if not 0 <= place <= self.length - size:
            fail(f"{what} lies outside of the file", "reading zip archive")
        self.file.seek(self.base + place)
        data = self.file.read(size)
        if len(data) != size:
            fail(f"{what} is cut")
        return data

    def _read_directory(self):
        count, size, start, end = self._end()
        if start + size > end:
            fail("invalid header or archive is corrupted")
        directory, place = self._at(start, size, "the directory"), 0
        for _ in range(count):
            if place + _CENTRAL.size > size:
                fail("the directory is cut")
            (
                sign,
                _,
                _,
                flags,
                method,
                _,
                _,
                checksum,
                packed,
                length,
                names,
                extras,
                comments,
                _,
                _,
                _,
                header,
            ) = _CENTRAL.unpack_from(directory, place)
            place += _CENTRAL.size
            name, extra = directory[place : place + names], directory[place + names : place + names + extras]
            place += names + extras + comments
            if sign != b"PK\x01\x02" or place > size:
                fail("invalid header or archive is corrupted")
            length, packed, header = self._wide(extra, length, packed, header)
            name = self._name(name)
            if name in self.records:
                fail(f"the record {name} is there twice")
            self.records[name] = Record(name, header, length, packed, checksum)
            self.records[name].is_stored = not method and packed == length and not flags & 1
        if place != size:
            fail("invalid header or archive is corrupted")
        ordered = sorted(self.records.values(), key=lambda record: record.header)
        for record, following in zip(ordered, [*ordered[1:], None]):
            record.limit = following.header if following else start
            if record.header + _LOCAL.size + record.packed > record.limit:
                fail(f"the record {record.name} lies over another")
        self._strip_folder()

    def _end(self):
        """How many records there are, how long the directory is and where, and where it has to end."""
        if self.length < _END.size:
            fail("not a ZIP archive")
        tail_size = min(self.length, _END.size + _MANY)
        tail = self._at(self.length - tail_size, tail_size, "the end")
        place = tail.rfind(b"PK\x05\x06")
        if place < 0 or len(tail) - place < _END.size:
            fail("failed finding central directory")
        end = self.length - tail_size + place
        _, disk, _, here, count, size, start, comment = _END.unpack_from(tail, place)
        if end + _END.size + comment != self.length:
            fail("failed finding central directory")
        if disk or here != count:
            fail("it is one part of several")
        if count == _MANY or size == _SMALL or start == _SMALL:
            sign, _, place, _ = _LOCATOR.unpack(self._at(end - _LOCATOR.size, _LOCATOR.size, "the directory"))
            if sign == b"PK\x06\x07":
                sign, _, _, _, _, _, here, count, size, start = _END64.unpack(
                    self._at(place, _END64.size, "the directory")
                )
                if sign != b"PK\x06\x06" or here != count or place > end:
                    fail("invalid header or archive is corrupted")
                end = place
        if count * _CENTRAL.size > size:
            fail("invalid header or archive is corrupted")
        return count, size, start, end

    @staticmethod
    def _wide(extra, length, packed, header):
        """The sizes and the place of a record, where the fields of 32 bits have no room for them."""
        place, fields = 0, b""
        while place + 4 <= len(extra):
            kind, size = struct.unpack_from("<HH", extra, place)
            if kind == 1:
                fields = extra[place + 4 : place + 4 + size]
            place += 4 + size
        found = []
        for value in (length, packed, header):
            if value == _SMALL and fields:
                if len(fields) < 8:
                    fail("invalid header or archive is corrupted")
                value, fields = struct.unpack_from("<Q", fields)[0], fields[8:]
            found.append(value)
        return found

    @staticmethod
    def _name(name):
        try:
            return name.decode("utf-8")
        except UnicodeDecodeError:
            fail("the name of a record is no UTF-8")

    def _strip_folder(self):
        folders = {name.partition("/")[0] for name in self.records if "/" in name}
        if len(folders) != 1:
            fail("file in archive is not in a subdirectory: it is no checkpoint")
        self.folder = folders.pop() + "/"
        for name in list(self.records):
            if name.startswith(self.folder):
                self.records[name[len(self.folder) :]] = self.records.pop(name)

    def __contains__(self, name):
        return name in self.records

    def place(self, name):
        """The record, whose bytes have been found."""
        record = self.records.get(name)
        if record is None:
            fail(f"file not found. The archive has no record {name}", f"locating file {name}")
        if not record.is_stored:
            fail(f"the record {name} is compressed or encrypted, which no checkpoint is")
        if record.start is None:
            head = self._at(record.header, _LOCAL.size, f"the record {name}")
            sign, _, _, _, _, _, _, _, _, names, extras = _LOCAL.unpack(head)
            if sign != b"PK\x03\x04":
                fail("invalid header or archive is corrupted")
            written = self._at(record.header + _LOCAL.size, names, f"the record {name}")
            if written != record.name.encode():
                fail(f"the record {name} has another name where it lies")
            start = record.header + _LOCAL.size + names + extras
            if start + record.size > record.limit:
                fail(f"the record {name} lies over another")
            record.start = start
        return record

    def read(self, name, most):
        """The bytes of a record of at most so many."""
        record = self.place(name)
        if record.size > most:
            fail(f"the record {name} has {record.size} bytes", f"reading file {name}")
        data = self._at(record.start, record.size, f"the record {name}")
        self._check(record, zlib.crc32(data))
        return data

    def tensor(self, name):
        """The bytes of a record as a tensor, read into its memory, or lying in the mapped file."""
        record = self.place(name)
        if not record.size:
            return empty(0, dtype=_core.uint8)
        if self.map is not None and (self.base + record.start) % 16 == 0:
            part = memoryview(self.map)[self.base + record.start :][: record.size]
            return frombuffer(part, dtype=_core.uint8)
        made = empty(record.size, dtype=_core.uint8)
        self.file.seek(self.base + record.start)
        self._check(record, fill(self.file, made, f"the record {name}", checked=True))
        return made

    @staticmethod
    def _check(record, checksum):
        if record.checksum and checksum != record.checksum:
            fail(
                f"its bytes do not add up to the checksum {record.checksum:#010x}",
                f"reading file {record.name}",
            )


def pieces(view):
    """A view of bytes, a few at a time."""
    for start in range(0, len(view), _PIECE):
        yield view[start : start + _PIECE]


def fill(file, made, what, checked=False):
    """Fill the memory of a contiguous tensor with the next bytes of a file; if asked for, the result is their checksum."""
    checksum = 0
    for piece in pieces(bytes_of(made)):
        view = piece
        while len(view):
            got = file.readinto(view)
            if not got:
                fail(f"{what} is cut")
            view = view[got:]
        if checked:
            checksum = zlib.crc32(piece, checksum)
    return checksum


class Writer:
    """Writes records one after the other into a file that need not know how to go back."""

    def __init__(self, file, folder="archive"):
        self.file, self.folder, self.at, self.written = file, folder, 0, []

    def _put(self, data):
        self.file.write(data)
        self.at += len(data)

    def record(self, name, data):
        """Write a record; `data` is bytes, or a view of memory."""
        name, header, size, checksum = f"{self.folder}/{name}".encode(), self.at, len(data), 0
        for piece in pieces(memoryview(data)):
            checksum = zlib.crc32(piece, checksum)
        extra = struct.pack("<HHQQ", 1, 16, size, size) if size >= _SMALL else b""
        padding = -(header + _LOCAL.size + len(name) + len(extra) + 4) % _ALIGNMENT
        extra += struct.pack("<2sH", b"FB", padding) + b"Z" * padding
        short = min(size, _SMALL)
        self._put(
            _LOCAL.pack(b"PK\x03\x04", 45, 0x800, 0, 0, 0x21, checksum, short, short, len(name), len(extra))
        )
        self._put(name + extra)
        for piece in pieces(memoryview(data)):
            self._put(piece)
        self.written.append((name, header, size, checksum))

    def close(self):
        """Write the directory."""
        start = self.at
        for name, header, size, checksum in self.written:
            wide = [value for value in (size, size, header) if value >= _SMALL]
            extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
            short = min(size, _SMALL)
            self._put(
                _CENTRAL.pack(
                    b"PK\x01\x02", 45, 45, 0x800, 0, 0, 0x21, checksum, short, short,
                    len(name), len(extra), 0, 0, 0, 0, min(header, _SMALL),
                )
            )  # fmt: skip
            self._put(name + extra)
        end, count = self.at, len(self.written)
        size = end - start
        if count >= _MANY or start >= _SMALL or size >= _SMALL:
            self._put(_END64.pack(b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start))
            self._put(_LOCATOR.pack(b"PK\x06\x07", 0, end, 1))
        count = min(count, _MANY)
        self._put(_END.pack(b"PK\x05\x06", 0, 0, count, count, min(size, _SMALL), min(start, _SMALL), 0))


def bytes_of(flat):
    """The memory of a contiguous tensor as a view of bytes."""
    if not flat.numel():
        return memoryview(b"")
    return memoryview(_core.memory_of(flat.view(_core.uint8))).cast("B")
