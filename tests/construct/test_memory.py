"""The allocator's cache: what it keeps, and what it gives up first."""

import os

import pytest

import pullback as pb

MB = 1 << 20
CAP = 1 << 30

sanitized = pytest.mark.skipif(
    "asan" in os.environ.get("LD_PRELOAD", ""), reason="a sanitizer's build keeps nothing"
)


@pytest.fixture(autouse=True)
def empty():
    pb.memory.empty_cache()
    yield
    pb.memory.empty_cache()


def free(megabytes):
    """Allocates a buffer and lets it go; nothing is written into it."""
    pb.empty(megabytes * MB, dtype=pb.uint8)


@sanitized
def test_a_freed_buffer_is_used_again_by_one_of_its_size():
    allocated = pb.memory.allocated()
    x = pb.empty(3 * MB, dtype=pb.uint8)
    address = x.data_ptr()
    assert pb.memory.allocated() - allocated == 3 * MB
    del x
    assert (pb.memory.allocated(), pb.memory.cached()) == (allocated, 3 * MB)
    y = pb.empty(3 * MB, dtype=pb.uint8)
    assert y.data_ptr() == address and pb.memory.cached() == 0


@sanitized
def test_a_full_cache_gives_up_what_was_unused_for_longest():
    sizes = [64 + 2 * k for k in range(12)]  # 900 MB, each size a class of its own
    for size in sizes:
        free(size)
    assert pb.memory.cached() == sum(sizes) * MB
    free(sizes[0])  # used again: no longer the oldest
    free(250)
    kept = (sum(sizes) - sizes[1] - sizes[2] + 250) * MB
    assert pb.memory.cached() == kept <= CAP < kept + sizes[2] * MB
    for size, reused in ((sizes[0], True), (sizes[3], True), (250, True), (sizes[1], False)):
        before = pb.memory.cached()
        x = pb.empty(size * MB, dtype=pb.uint8)
        assert pb.memory.cached() == before - size * MB * reused, size
        del x


@sanitized
def test_a_buffer_larger_than_the_cache_is_given_back_and_takes_nothing_along():
    free(100)
    free(CAP // MB + 64)
    assert pb.memory.cached() == 100 * MB
