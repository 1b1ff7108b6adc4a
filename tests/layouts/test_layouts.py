"""Results lie in memory as PyTorch's: shape, strides, offset, and whose memory they share.

So `view`, `contiguous`, `data_ptr`, aliasing and the order in which NumPy sees the elements are the same. Random
programs (`geometry.py`) run beside PyTorch where it is installed; everywhere, a thousand of them are compared with
what PyTorch answered when `expected.jsonl` was written, by `python tests/layouts/test_layouts.py`.
"""

import json
import pathlib
import warnings

import numpy as np
import pytest

if __name__ != "__main__":
    from layouts import geometry

import pullback as pb

EXPECTED = pathlib.Path(__file__).parent / "expected.jsonl"
RECORDED = 1000
PORTIONS, PROGRAMS = 8, 500


def answer(module, operands, call):
    """What a program shows, as it is written to a file: the name of the exception where it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return json.loads(json.dumps(geometry.run(module, operands, call)))
        except Exception as error:
            return type(error).__name__


def differences(programs, answers):
    """Where pullback shows something else. Where PyTorch raises, nothing is compared."""
    for (operands, call), expected in zip(programs, answers):
        if isinstance(expected, str) or expected is None:
            continue
        found = answer(pb, operands, call)
        if found != expected:
            yield f"{call}\n  of {operands}\n  shows  {found}\n  PyTorch {expected}"


def test_programs_whose_answers_were_recorded():
    records = [json.loads(line) for line in EXPECTED.read_text().splitlines()]
    assert len(records) == RECORDED
    programs = [(operands, call) for operands, call, _ in records]
    wrong = list(differences(programs, [expected for _, _, expected in records]))
    assert not wrong, f"{len(wrong)} differ\n" + "\n".join(wrong[:10])


@pytest.mark.torch
@pytest.mark.parametrize("portion", range(PORTIONS))
@pytest.mark.parametrize("family", [None, "gradient", "product"])
def test_random_programs(family, portion):
    torch = pytest.importorskip("torch")
    programs = []
    for seed in range(
        portion * PROGRAMS, (portion + 1) * PROGRAMS if family is None else portion * PROGRAMS + 100
    ):
        writer = geometry.Writer(seed)
        programs.append(getattr(writer, family)() if family else writer.program())
    answers = [answer(torch, *program) for program in programs]
    compared = sum(not isinstance(a, str) and a is not None for a in answers)
    assert compared > 0.7 * len(programs)
    wrong = list(differences(programs, answers))
    assert not wrong, f"{len(wrong)} of {compared} differ\n" + "\n".join(wrong[:10])


def test_the_programs_reach_every_kind_of_layout():
    """Permuted, with gaps, overlapping, of size 1 with any stride, without elements; and a call of each family."""
    kinds = {"dense", "gaps", "overlapping", "odd stride of a 1", "empty", "row-major"}
    for seed in range(300):
        operands, _ = geometry.Writer(seed).program()
        x = eval(operands[0], {"m": pb})
        long = [(s, n) for n, s in zip(x.shape, x.stride()) if n > 1]
        expected = pb.empty(x.shape).stride()
        if x.numel() == 0:
            kinds.discard("empty")
        elif x.stride() == expected:
            kinds.discard("row-major")
        elif any(s == 0 for s, _ in long):
            kinds.discard("overlapping")
        elif x.is_contiguous():
            kinds.discard("odd stride of a 1")
        elif (
            sorted(long)
            and sorted(long)[0][0] == 1
            and np.prod([n for _, n in long]) == sum((n - 1) * s for s, n in long) + 1
        ):
            kinds.discard("dense")
        else:
            kinds.discard("gaps")
    assert not kinds


# ---- the rules, one by one: truth is by hand --------------------------------------------------------------------


def test_copies_keep_the_order_of_dimensions():
    x = pb.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1)
    for copy in (x.clone(), x.double(), pb.zeros_like(x), x.sort(0).values, x.flip(0), x.exp()):
        assert copy.stride() == x.stride() == (1, 12, 4)
    assert x.contiguous().stride() == x.clone(memory_format=pb.contiguous_format).stride() == (6, 3, 1)
    assert x[:, :, ::2].stride() == (1, 12, 8) and x[:, :, ::2].clone().stride() == (1, 8, 4)  # gaps close
    repeated = (
        pb.arange(6.0).reshape(3, 2).t()[:, None].expand(2, 4, 3)
    )  # strides 1, 0, 2: nothing is known of the second
    assert repeated.clone().stride() == (1, 2, 8) and (repeated + 1).stride() == (1, 2, 8)


def test_a_stride_of_a_dimension_of_size_1():
    row = pb.ones(4, 1).t()  # one row, contiguous, with strides 1 and 1
    assert row.is_contiguous() and row.stride() == (1, 1)
    assert row.clone().stride() == (1, 1)  # a copy keeps them
    assert (row + row).stride() == row.exp().stride() == (4, 1)  # operands that agree give row-major
    assert (row * 2).stride() == (1, 1)  # a number makes the strides count
    assert row.view(1, 4).stride() == (4, 1)


def test_the_first_operand_that_tells_dimensions_apart_decides():
    a, b = pb.ones(3, 2).t(), pb.ones(2, 3)
    assert (a + b).stride() == (1, 2) and (b + a).stride() == (3, 1)
    column = pb.ones(2, 1)
    assert (column + a).stride() == (1, 2)  # nothing is known of a dimension that is repeated


def test_writes_out_of_place_are_row_major():
    x, index = pb.arange(6.0).reshape(3, 2).t(), pb.tensor([0])
    assert x.masked_fill(x > 2, 0.0).stride() == (3, 1)
    assert x.index_copy(0, index, x[:1]).stride() == x.index_add(0, index, x[:1]).stride() == (3, 1)
    assert x.scatter(0, pb.zeros(1, 3, dtype=pb.int64), 1.0).stride() == (3, 1)
    assert x.index_fill(0, index, 1.0).stride() == x.index_put((index,), pb.tensor(1.0)).stride() == (1, 2)


def test_pictures_keep_their_channels_last():
    x = pb.ones(2, 4, 5, 3).permute(0, 3, 1, 2)
    for y in (pb.cat([x, x]), pb.nn.functional.pad(x, (1, 1)), x + x.clone()):
        n, c, h, w = y.shape
        assert y.stride() == (c * h * w, 1, c * w, c)
    assert pb.cat([x, x.contiguous()]).is_contiguous()


def test_a_gradient_lies_as_its_leaf():
    leaf = pb.arange(6.0).reshape(3, 2).t().requires_grad_()
    (leaf * pb.ones(2, 3)).sum().backward()
    assert leaf.grad.stride() == (1, 2)
    spread = pb.ones(1).expand(4).requires_grad_()
    spread.mean().backward()
    assert spread.grad.stride() == (1,)  # each element has memory of its own
    spread.grad[0] = 7.0
    assert spread.grad.tolist() == [7.0, 0.25, 0.25, 0.25]


def test_means_of_numbers_share_no_memory():
    x = pb.tensor(3.0)
    for pair in (pb.var_mean(x, 0, correction=0), pb.std_mean(x, 0, correction=0)):
        pair[1].add_(1)
        assert x.item() == 3.0
    pb.diff(pb.ones(2), 0).zero_()
    y = pb.ones(2)
    pb.diff(y, 0).zero_()
    assert y.tolist() == [1.0, 1.0]


def record():
    """Writes expected.jsonl; needs PyTorch."""
    import torch

    lines, seed = [], 10**6
    while len(lines) < RECORDED:
        seed += 1
        writer = geometry.Writer(seed)
        operands, call = writer.gradient() if seed % 10 == 0 else writer.program()
        found = answer(torch, operands, call)
        if isinstance(found, str) or found is None:
            continue
        lines.append(json.dumps([operands, call, found], separators=(",", ":")))
    EXPECTED.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    import sys

    sys.path.insert(0, str(EXPECTED.parents[1]))
    from layouts import geometry

    record()
