"""Sizes at the ends of their range, in every function that takes one: an exception or the right shape, never a crash.

And a look at the text of the core: sizes are computed by the checked functions of `array/checked.h`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "src" / "core"

# {n} is the number at the end of its range, {k} another one. What a call returns has few elements where it returns.
CALLS = """
pb.nn.functional.pad(x, ({n}, {k}))
pb.nn.functional.pad(x, ({k}, {n}), value=1.0)
pb.nn.functional.pad(m, ({n}, 0, 0, {k}))
x.repeat({n})
x.repeat({n}, {k})
pb.tile(m, ({n}, {k}))
x.repeat_interleave({n})
m.repeat_interleave({n}, 1)
pb.repeat_interleave(pb.tensor([{n}, 1]))
x.expand({n}, 3)
one.expand({n})
pb.cat([one.expand(2**57)] * {few})
pb.cat([none.expand(0, 2**62), none.expand(0, 2**62)], 1)
none.expand(0, {n}).reshape(0, {k})
none.expand(0, {n}).flatten()
none.reshape({n}, 0)
none.chunk({n})
x.chunk({n})
pb.tensor_split(x, {n})
pb.tensor_split(x, ({n}, {k}))
x.split({n})
x.split(({n}, {k}))
x.narrow(0, {n}, {k})
x.narrow(0, {k}, {n})
x.select(0, {n})
x[{n}:]
x[:{n}]
x[::{n}]
x[{n}]
x.roll({n})
m.roll(({n}, {k}), (0, 1))
m.diagonal({n})
m.tril({n})
m.triu({n})
pb.diag(x, {n})
pb.diag_embed(x, {n})
pb.diagflat(x, {n})
pb.tril_indices(2, 2, {n})
pb.eye(0, {n})
pb.eye({n}, 0)
pb.zeros({n})
pb.zeros({n}, {k})
pb.zeros(0, {n}, {k})
pb.full(({n},), 1.0)
pb.empty_strided((2, 2), ({n}, {k}))
pb.empty_strided(({n}, 0), ({k}, 1))
pb.arange(0, {n}, {n})
pb.arange({n}, {k}, 2**60)
pb.linspace(0, 1, {n})
pb.randint({k}, ({n},))
pb.randint(0, {n}, (2,))
pb.randperm({n})
pb.multinomial(x, {n}, replacement=True)
x.as_strided((2,), ({n},))
x.as_strided(({n},), (0,))
x.as_strided(({n}, {k}), (1, 1))
x.as_strided((1,), (1,), {n})
x.as_strided((0,), ({n},), {k})
x.unfold(0, {n}, 1)
x.unfold(0, 1, {n})
x.view({n})
x.view(-1, {n})
x.reshape({n}, {k})
x.unflatten(0, ({n}, {k}))
x.unsqueeze({n})
x.squeeze({n})
m.movedim({n}, {k})
m.transpose({n}, {k})
m.sum({n})
m.sort({n})
m.topk({n})
m.kthvalue({n})
m.rot90({n})
pb.bincount(i, minlength={n})
pb.histc(x, {n})
pb.nn.functional.one_hot(i, {n})
pb.combinations(x, {n})
pb.cumsum(m, {n})
pb.diff(x, {n})
x.index_select(0, pb.tensor([{n}]))
x.take(pb.tensor([{n}]))
x.gather(0, pb.tensor([{n}]))
x.scatter(0, pb.tensor([{n}]), 1.0)
x.index_add(0, pb.tensor([{n}]), one)
x[pb.tensor([{n}])]
pb.tensordot(x, x, {n})
pb.broadcast_to(one, ({n},))
pb.stack([one.expand(2**57)] * 64)
one.expand(2**57)[None].expand(64, 2**57)
pb.outer(one.expand(2**40), one.expand(2**40))
one.expand(2**40, 1) @ one.expand(1, 2**40)
one.expand(2**30, 1, 1, 1) @ one.expand(1, 2**40, 1, 1)
one.expand(2**57).repeat({n})
pb.kron(one.expand(2**40), one.expand(2**40))
pb.add(x, 1, out=x.as_strided((0,), (1,), {n}))
pb.polygamma({n}, x)
pb.nn.functional.conv1d(m[None], m[None], stride={n}, padding={k})
pb.nn.functional.conv1d(m[None], m[None], dilation={n}, padding={k})
pb.nn.functional.conv_transpose1d(m[None], m[:, None], stride={n}, padding={k})
pb.nn.functional.conv_transpose1d(m[None], m[:, None], dilation={n}, padding={k})
pb.nn.functional.conv_transpose1d(m[None], m[:, None], stride={n}, output_padding={k})
pb.nn.functional.max_pool1d(m[None], {n}, {k})
pb.nn.functional.max_pool1d(m[None], 2, {n}, 1, {k})
pb.nn.functional.avg_pool1d(m[None], {n}, {k})
pb.nn.functional.avg_pool1d(m[None], 2, {n}, {k})
pb.nn.functional.unfold(m[None, None], 2, {n}, {k})
pb.nn.functional.fold(m[None], ({n}, {k}), 1)
pb.nn.functional.adaptive_avg_pool1d(m[None], {n})
pb.nn.functional.interpolate(m[None], {n})
""".strip().splitlines()

ENDS = (2**63 - 1, -(2**63), 2**62, 2**61 + 1, -(2**62), 2**32, 2**31, 2**63, -(2**63) - 1, 0, -1)

CHILD = """
import itertools, resource, sys, warnings
import pullback as pb
warnings.simplefilter("ignore")
if not {sanitized}:  # whose shadow is larger than that
    resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))  # what does not fit is refused
x, m, one, none, i = pb.arange(3.0), pb.ones(2, 3), pb.ones(1), pb.ones(0, 1), pb.arange(3)
ends = {ends}
for line in {calls}:
    for n, k in itertools.product(ends, repeat=2) if "{{k}}" in line else zip(ends, ends):
        for few in (64, 128) if "{{few}}" in line else (0,):
            call = line.format(n=n, k=k, few=few)
            print(call, flush=True)
            try:
                y = eval(call)
            except (RuntimeError, IndexError, ValueError, TypeError, OverflowError, MemoryError, NotImplementedError):
                continue
            for each in y if isinstance(y, (tuple, list)) else [y]:
                assert all(size >= 0 for size in each.shape), (call, each.shape)
                if 0 < each.numel() < 1000:
                    each.clone().tolist()
print("finished")
"""


@pytest.mark.parametrize("part", range(4))
def test_numbers_at_the_ends_of_their_range(part):
    """In a child: what is not refused may write anywhere."""
    sanitized = "asan" in os.environ.get("LD_PRELOAD", "")
    options = os.environ.get("ASAN_OPTIONS", "") + ":max_allocation_size_mb=4096"
    child = subprocess.run(
        [sys.executable, "-c", CHILD.format(ends=ENDS, calls=CALLS[part::4], sanitized=sanitized)],
        env={**os.environ, "ASAN_OPTIONS": options},
        capture_output=True,
        text=True,
        timeout=300,
    )
    lines = child.stdout.splitlines()
    assert child.returncode == 0 and lines[-1] == "finished", (
        f"at {lines[-1] if lines else '?'}: {child.stderr}"
    )


def test_what_a_wrapped_size_would_have_been():
    """Each of these once allocated a few bytes and wrote far behind them."""
    import pullback as pb

    most = sys.maxsize
    for call in (
        lambda: pb.nn.functional.pad(pb.ones(3), (most, most)),
        lambda: pb.cat([pb.ones(1).expand(2**57)] * 128),
        lambda: pb.add(pb.ones(3), 1, out=pb.zeros(3).as_strided((0,), (1,), 2**61)),
    ):
        with pytest.raises(RuntimeError, match="Storage size calculation overflowed"):
            call()
    with pytest.raises((MemoryError, RuntimeError)):
        pb.zeros(0).chunk(2**62)
    with pytest.raises(RuntimeError, match="at most 65535 dimensions"):
        pb.zeros([1] * 70000)


def test_paddings_beyond_the_tensor_are_named():
    import pullback as pb

    for padding in ((-sys.maxsize - 1, 0), (-2, -sys.maxsize), (-sys.maxsize - 1, sys.maxsize)):
        with pytest.raises(RuntimeError, match=r"narrow\(\): length must be non-negative"):
            pb.nn.functional.pad(pb.ones(3), padding)


# ---- the text of the core ---------------------------------------------------------------------------------------

# Each forbidden form, and what it would let through.
FORBIDDEN = {
    "an overflow is asked for elsewhere than in array/checked.h": re.compile(r"__builtin_\w+_overflow"),
    "a product of sizes is multiplied up": re.compile(
        r"\*= [^;]*\b(size|shape)\b\(?|for \(int64_t (\w+) : \w*(shape|sizes|dims)\w*\) \w+ \*= \w+;"
    ),
    "a size is computed where a shape is made": re.compile(
        r"\b(shape|sizes|full|whole|joined|moved)(\.push_back\(|\[[^\]]*\] = |\.insert\([^,]*, )(?!.*checked_)"
        r"[^;]*\w\)? [+*] \w"
    ),
    "sizes are added up": re.compile(r"\btotal \+= |\bcount \+= [^;]*size\("),
}
# Lines that match and are right, with the reason.
EXCEPT = {
    "expect *= l.size(d);": "of a layout, whose product was checked when it was made",
    "next *= shape[d];  // 0 included: so are the strides of PyTorch's empty results": "likewise",
    "next *= shape[d];": "likewise",
    "next *= std::max<int64_t>(size(d), 1);": "likewise",
    "run *= size(d);": "likewise",
    "seen *= shape[static_cast<size_t>(v)];": "at most the number of elements",
    "expect *= std::max<int64_t>(sh[i], 1);": "likewise",
    "e *= sh[d];": "likewise",
    "s *= std::max<int64_t>(shape[i], 1);": "likewise",
    "next *= shape[static_cast<size_t>(d)];": "likewise",
    "count *= size;": "of an array, whose elements are counted",
    "sizes.back() *= size;": "likewise",
    "total += static_cast<double>(weight[i]);": "no size",
    "total += size;": "bytes that exist",
    "shape[d] = b > a ? (b - a - 1) / c + 1 : 0;": "a part of what is there",
    "shape[d] = (shape[d] - a) / b + 1;": "a part of what is there",
}


def test_sizes_are_computed_by_checked_functions():
    found = []
    for folder in ("array", "ops", "python", "tensor"):
        for path in sorted((CORE / folder).glob("*.[ch]*")):
            if path.name == "checked.h":
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                code = line.split("//")[0]
                for what, form in FORBIDDEN.items():
                    if form.search(code) and line.strip() not in EXCEPT:
                        found.append(f"{path.relative_to(CORE)}:{number}: {what}: {line.strip()}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "if (__builtin_add_overflow(a, b, &c)) fail();",
        "for (int64_t s : shape) count *= s;",
        "rows *= x.size(d);",
        "shape.push_back(n + before[d] + after[d]);",
        "shape[static_cast<size_t>(dim)] = n * repeats;",
        "total += l.size(dim);",
    ],
)
def test_the_look_sees_what_it_is_for(line):
    assert any(form.search(line) for form in FORBIDDEN.values())
