"""FlopCounterMode beside PyTorch's: by module and by operator, forward and backward, and the table."""

import importlib

import pytest

import pullback as pb
from pullback import nn
from pullback.utils.flop_counter import FlopCounterMode, flop_registry, register_flop_formula

F = nn.functional


def network(m):
    class Net(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = m.nn.Conv2d(3, 8, 3, padding=1)
            self.block = m.nn.Sequential(m.nn.Linear(8, 16), m.nn.ReLU(), m.nn.Linear(16, 4))
            self.up = m.nn.ConvTranspose2d(8, 4, 2)

        def forward(self, x):
            h = self.conv(x).relu()
            self.up(h)
            return self.block(h.mean((2, 3)))

    return Net()


def pictures(m, **options):
    return m.ones(2, 3, 6, 6, **options)


# What all count, and name alike.
PROGRAMS = {
    "a product": lambda m: m.ones(4, 5) @ m.ones(5, 6),
    "products of batches": lambda m: m.bmm(m.ones(3, 4, 5), m.ones(3, 5, 6)),
    "a batch by a matrix": lambda m: m.ones(3, 4, 5) @ m.ones(5, 6),
    "a product and a sum": lambda m: m.addmm(m.zeros(4, 6), m.ones(4, 5), m.ones(5, 6)),
    "products of batches and a sum": lambda m: m.baddbmm(m.zeros(3, 4, 6), m.ones(3, 4, 5), m.ones(3, 5, 6)),
    "indices": lambda m: m.einsum("ij,bjk->bik", m.ones(4, 5), m.ones(3, 5, 6)),
    "dimensions": lambda m: m.tensordot(m.ones(3, 4, 5), m.ones(3, 5, 6), dims=([2], [1])),
    "a layer": lambda m: m.nn.functional.linear(m.ones(3, 4, 5), m.ones(7, 5), m.ones(7)),
    "a layer of a vector": lambda m: m.nn.functional.linear(m.ones(5), m.ones(7, 5)),
    "windows in groups": lambda m: m.nn.functional.conv1d(m.ones(2, 4, 9), m.ones(6, 2, 3), groups=2),
    "windows in space": lambda m: m.nn.functional.conv3d(m.ones(2, 4, 5, 5, 5), m.ones(6, 4, 2, 2, 2)),
    "gradients of windows": lambda m: (
        m.nn.functional.conv2d(pictures(m, requires_grad=True), m.ones(4, 3, 3, 3, requires_grad=True))
        .sum()
        .backward()
    ),
    "gradients of the transposed": lambda m: (
        m.nn.functional.conv_transpose2d(
            pictures(m, requires_grad=True), m.ones(3, 4, 3, 3, requires_grad=True), stride=2
        )
        .sum()
        .backward()
    ),
    "no product": lambda m: m.ones(3).sin() + m.ones(3) * 2,
    "a network": lambda m: network(m)(pictures(m)),
    "a step of a network": lambda m: network(m)(pictures(m)).sum().backward(),
    "gradients of its input": lambda m: network(m)(pictures(m, requires_grad=True)).sum().backward(),
    "a loss outside": lambda m: (network(m)(pictures(m)) @ m.ones(4, 4)).sum().backward(),
    "one layer, two calls": lambda m: (lambda layer: (layer(m.ones(2, 3)), layer(m.ones(4, 3))))(
        m.nn.Linear(3, 3)
    ),
}


def counted(m, program):
    mode = importlib.import_module(f"{m.__name__}.utils.flop_counter").FlopCounterMode(display=False)
    with mode:
        program(m)
    counts = mode.get_flop_counts()
    return mode.get_total_flops(), {
        owner: {str(key): count for key, count in found.items()} for owner, found in counts.items() if found
    }


@pytest.mark.torch
@pytest.mark.parametrize("name", PROGRAMS)
def test_beside_pytorch(name):
    import torch

    assert counted(pb, PROGRAMS[name]) == counted(torch, PROGRAMS[name])


@pytest.mark.torch
def test_the_whole_of_a_transformer():
    """Its parts have other names, for other operators make up its layers; its modules have the same sums."""
    import torch

    step = lambda m: (
        m.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)(m.ones(2, 5, 8)).sum().backward()
    )
    sums = lambda found: (found[0], {owner: sum(counts.values()) for owner, counts in found[1].items()})
    assert sums(counted(pb, step)) == sums(counted(torch, step))


def test_what_pytorch_leaves_out():
    assert counted(pb, lambda m: m.ones(4, 5) @ m.ones(5))[1]["Global"] == {"aten.mv": 40}
    assert counted(pb, lambda m: m.ones(5) @ m.ones(5))[1]["Global"] == {"aten.dot": 10}
    q = pb.ones(2, 3, 7, 4)
    assert counted(pb, lambda m: F.scaled_dot_product_attention(q, q, q))[0] == 2 * (2 * 3 * 7 * 7 * 4 * 2)
    assert counted(pb, lambda m: nn.LSTM(4, 6)(pb.ones(5, 2, 4)))[0] == 2 * 24 * (10 * 4 + 10 * 6)


TABLE = """
Module                            FLOP    % Total
-----------------------------  -------  ---------
Net                            82.944K    100.00%
 - aten.convolution            49.536K     59.72%
 - aten.addmm                   0.768K      0.93%
 - aten.mm                      1.536K      1.85%
 - aten.convolution_backward   31.104K     37.50%
 Net.block                      2.304K      2.78%
  - aten.addmm                  0.768K      0.93%
  - aten.mm                     1.536K      1.85%
 Net.conv                      62.208K     75.00%
  - aten.convolution           31.104K     37.50%
  - aten.convolution_backward  31.104K     37.50%
 Net.up                        18.432K     22.22%
  - aten.convolution           18.432K     22.22%
"""


def test_the_table(capsys):
    model, x = network(pb), pictures(pb)
    with FlopCounterMode() as counter:
        model(x).sum().backward()
    assert capsys.readouterr().out == TABLE[1:] and counter.get_table() == TABLE[1:-1]
    assert len(counter.get_table(1).splitlines()) == 7 and "Net.block.0" in counter.get_table(3)
    with FlopCounterMode(depth=None) as counter:
        (model(x) @ pb.ones(4, 4)).sum()
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("Global ") and any(line.startswith("   Net.block.2 ") for line in lines)
    with FlopCounterMode():
        pass
    assert capsys.readouterr().out.splitlines()[2:] == ["Global         0         0%"]


def test_so_far_and_anew():
    a, b = pb.ones(4, 5), pb.ones(5, 6)
    counter = FlopCounterMode(display=False)
    for _ in range(2):
        with counter as entered:
            assert entered is counter and counter.get_total_flops() == 0
            _ = a @ b
            assert counter.get_total_flops() == 240
            _ = a @ b
        assert counter.get_total_flops() == 480
    assert not pb._core.is_profiling()
    with pytest.warns(UserWarning, match="mods argument is not needed anymore"):
        FlopCounterMode(nn.Linear(1, 1))


def test_after_an_error():
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x):
            self.layer(x)
            raise ValueError("as planned")

    with FlopCounterMode(display=False) as counter:
        with pytest.raises(ValueError, match="as planned"):
            Fails()(pb.ones(2, 3))
        nn.Linear(3, 3)(pb.ones(2, 3))
    assert counter.get_flop_counts() == {
        "Fails": {"aten.addmm": 36},
        "Fails.layer": {"aten.addmm": 36},
        "Global": {"aten.addmm": 72},
        "Linear": {"aten.addmm": 36},
    }
    with pytest.raises(RuntimeError), FlopCounterMode(display=False), FlopCounterMode(display=False):
        pass
    nn.Linear(3, 3)(pb.ones(2, 3))  # no hook is left


def test_backward_passes_of_what_was_recorded_before_and_again():
    layer = nn.Linear(3, 3)
    loss = layer(pb.ones(2, 3)).sum()
    with FlopCounterMode(display=False) as counter:
        loss.backward()
    assert counter.get_flop_counts() == {"Global": {"aten.mm": 36}}
    from pullback.utils.checkpoint import checkpoint

    with FlopCounterMode(display=False) as counter:
        checkpoint(layer, pb.ones(2, 3), use_reentrant=False).sum().backward()
    assert counter.get_flop_counts()["Linear"] == {"aten.addmm": 72, "aten.mm": 36}


def test_formulas():
    sines = lambda shape, out_shape=None: 7 * shape.numel()
    layer = nn.Linear(2, 2)
    with FlopCounterMode(
        display=False, custom_mapping={pb.sin: sines, pb.matmul: lambda a, b, out_shape=None: 1}
    ) as counter:
        layer(pb.ones(1, 2)).sin()
        assert counter.get_total_flops() == 8 + 14
        _ = pb.ones(3, 3) @ pb.ones(3, 3)
    assert counter.get_flop_counts()["Global"] == {"aten.addmm": 8, "aten.sin": 14, "aten.matmul": 1}

    @register_flop_formula([pb.cos], get_raw=True)
    def cosines(x, out_val=None):
        assert out_val.equal(x.cos())
        return x.numel()

    try:
        with FlopCounterMode(display=False) as counter:
            pb.ones(3).cos()
        assert counter.get_total_flops() == 3
        with pytest.raises(RuntimeError, match="duplicate registrations for"):
            register_flop_formula(pb.cos)(cosines)
    finally:
        del flop_registry[pb.cos]
    with pytest.raises(ValueError, match=r"register_flop_formula\(targets\): expected each target to be"):
        register_flop_formula("cos")(cosines)
