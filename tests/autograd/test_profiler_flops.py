"""Profiles with `with_flops`: two operations a term of a product, wherever it is computed, one an element of a sum."""

import json

import pytest

import pullback as pb
from pullback import profiler as loops
from pullback.autograd.profiler import profile


def counted(program, **options):
    with profile(with_flops=True, **options) as found:
        program()
    return {event.key: event.flops for event in found.key_averages() if event.flops}


def ones(*sizes, **options):
    return pb.ones(sizes, **options)


@pytest.mark.parametrize(
    "name, expected, program",
    [
        ("matmul", 2 * 3 * 4 * 5, lambda: ones(3, 4) @ ones(4, 5)),
        ("mm", 2 * 300 * 400 * 500, lambda: ones(300, 400).mm(ones(400, 500))),
        ("matmul", 2 * 3 * 4, lambda: ones(3, 4) @ ones(4)),
        ("matmul", 2 * 7, lambda: ones(7) @ ones(7)),
        ("matmul", 2 * 2 * 3 * 4 * 5, lambda: ones(2, 3, 4) @ ones(4, 5)),
        ("bmm", 2 * 2 * 3 * 4 * 5, lambda: ones(2, 3, 4).bmm(ones(2, 4, 5))),
        ("addmm", 2 * 3 * 4 * 5, lambda: pb.addmm(ones(5), ones(3, 4), ones(4, 5))),
        ("matmul", 2 * 3 * 4 * 5, lambda: ones(3, 4, dtype=pb.int64) @ ones(4, 5, dtype=pb.int64)),
        ("matmul", 2 * 3 * 4 * 5, lambda: ones(3, 4, dtype=pb.complex64) @ ones(4, 5, dtype=pb.complex64)),
        ("linear", 2 * 3 * 4 * 5, lambda: pb.nn.functional.linear(ones(3, 4), ones(5, 4), ones(5))),
        ("conv1d", 2 * 6 * 5 * 2 * 4, lambda: pb.conv1d(ones(1, 2, 9), ones(5, 2, 4), ones(5))),
        ("conv_transpose2d", 2 * 9 * 2 * 3 * 4, lambda: pb.conv_transpose2d(ones(1, 2, 3, 3), ones(2, 3, 2, 2))),
        ("add", 12, lambda: ones(3) + ones(4, 3)),
        ("add_", 3, lambda: ones(3).add_(1)),
        ("add_", 50_000, lambda: ones(50_000).add_(1)),
        ("mul", 50_000, lambda: ones(50_000) * 2),
        ("matmul", 2 * 6 * 3 * 4, lambda: pb.vmap(pb.matmul, (0, None))(ones(6, 3, 4), ones(4))),
        ("mul", 6 * 3, lambda: pb.vmap(pb.mul)(ones(6, 3), ones(6, 3))),
        ("add", 6 * 3, lambda: pb.vmap(pb.add, (0, None))(ones(6, 3), ones(3))),
    ],
)  # fmt: skip
def test_operations_of_one(name, expected, program):
    found = counted(program)
    assert found == {name: expected}


def test_what_is_recorded_counts_at_its_nodes():
    a, b = ones(3, 4, requires_grad=True), ones(4, 5, requires_grad=True)
    loss = (a @ b).sum()
    assert counted(loss.backward) == {"MmBackward0": 2 * 2 * 3 * 4 * 5}
    image, weight = ones(1, 2, 6, 6, requires_grad=True), ones(3, 2, 3, 3, requires_grad=True)
    out = pb.conv2d(image, weight)
    assert sum(counted(out.sum().backward).values()) == 2 * 2 * out.numel() * 2 * 9


def test_only_where_it_is_asked_for():
    with profile() as found:
        ones(3, 4) @ ones(4, 5)
    assert all(event.flops == 0 for event in found.function_events)
    assert "FLOPs" not in found.key_averages().table()


def test_the_table_and_the_trace(tmp_path):
    with loops.profile(with_flops=True, record_shapes=True) as found:
        ones(20, 30) @ ones(30, 40)
        ones(20, 30) @ ones(30, 40)
        ones(20, 300) @ ones(300, 400)
        ones(5).exp()
    (matmul,) = [each for each in found.key_averages() if each.key == "matmul"]
    assert matmul.flops == 2 * 48_000 + 4_800_000
    table = found.key_averages().table(sort_by="flops", row_limit=2)
    assert table.splitlines()[1].split()[-2:] == ["Total", "MFLOPs"]
    assert table.splitlines()[3].split()[0] == "matmul" and table.splitlines()[3].split()[-1] == "4.896"
    assert table.splitlines()[4].split()[-1] == "--"
    assert "KFLOPs" in found.events().table() and found.profiler.total_average().flops == matmul.flops
    found.export_chrome_trace(str(tmp_path / "trace"))
    events = json.loads((tmp_path / "trace").read_text())["traceEvents"]
    assert [e["args"]["FLOPs"] for e in events if "FLOPs" in e["args"]] == [48_000, 48_000, 4_800_000]


def work(lib):
    """What PyTorch counts, but for sums that are broadcast and for writes in place."""
    lib.manual_seed(0)
    F = lib.nn.functional
    net = lib.nn.Sequential(lib.nn.Flatten(), lib.nn.Linear(64, 7), lib.nn.Tanh(), lib.nn.Linear(7, 3))
    kernel, grouped = lib.randn(4, 2, 3, 3), lib.randn(4, 1, 2, 2)
    image = lib.randn(5, 2, 8, 8)
    F.conv2d(image, kernel, lib.randn(4), stride=2, padding=1)
    F.conv2d(image, grouped, groups=2, dilation=2)
    y = net(F.conv2d(image, kernel, padding=1)[:, 0])
    y = y * y + 1
    lib.bmm(lib.ones(2, 3, 4), lib.ones(2, 4, 5))
    lib.baddbmm(lib.ones(2, 3, 5), lib.ones(2, 3, 4), lib.ones(2, 4, 5))
    lib.einsum("bij,jk->bik", lib.ones(2, 3, 4), lib.ones(4, 5))
    lib.ones(6, 3, 4) @ lib.ones(4, 5)
    y.sum()


@pytest.mark.torch
def test_as_many_as_pytorch_counts():
    torch = pytest.importorskip("torch")

    def flops(lib):
        with lib.autograd.profiler.profile(with_flops=True) as found:
            work(lib)
        found = {
            event.key.removeprefix("aten::"): event.flops for event in found.key_averages() if event.flops
        }
        one = {name: found.pop(name, 0) for name in ("conv2d", "mul", "add")}
        return one, sum(found.values())

    assert flops(pb) == flops(torch)
