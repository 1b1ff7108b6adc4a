"""What deferral must not show, and what it must do: one group of tests for each rule of docs/architecture.md.

The rules of that page are one list, and so is this file, though it is long.
"""

import copy
import ctypes
import gc
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from deferral import deferral

import pullback as pb
from pullback import _core

N = 200_000  # large enough to be pending, and to leave the near caches


def leaf(seed=0, n=N, dtype=None):
    x = np.random.default_rng(seed).uniform(0.1, 1, n)
    return pb.tensor(x, dtype=dtype or pb.float64, requires_grad=True)


@pytest.fixture(autouse=True)
def nothing_left():
    with deferral():
        yield
    gc.collect()


def is_pending(t):
    return _core.pending(t)


# 1. Tensor, cell, value


def test_a_detached_alias_writes_into_a_pending_value():
    x = leaf()
    z = x * 2
    d = z.detach()
    d.add_(1)
    assert z._version == 1 and d._version == 1
    np.testing.assert_array_equal(z.detach().numpy(), 2 * x.detach().numpy() + 1)


def test_views_of_a_pending_value_see_writes_to_it():
    x = leaf().detach()
    z = x * 2
    v = z[5:10]
    z.mul_(10)
    np.testing.assert_array_equal(v.numpy(), (x.numpy()[5:10] * 2) * 10)
    v.zero_()
    assert z[5:10].abs().sum().item() == 0 and z[4].item() != 0


def test_data_counts_versions_of_its_own():
    z = leaf().detach() * 2
    d = z.data
    d.add_(1)
    assert (z._version, d._version) == (0, 1)
    np.testing.assert_array_equal(z.numpy(), d.numpy())


# 2. Run together


def test_value_and_gradient_are_one_program():
    x = leaf()
    loss = (x.sin() * (-x * x).exp() + x.tanh()).sum()
    loss.backward()
    assert is_pending(loss) and is_pending(x.grad)
    loss.item()
    assert not is_pending(x.grad)


def test_whichever_is_looked_at_first():
    x = leaf()
    loss = (x.sin() * x).sum()
    loss.backward()
    x.grad[0].item()
    assert not is_pending(loss)


def test_gradients_of_several_leaves_run_together():
    x, y = leaf(1), leaf(2)
    (x * y).exp().sum().backward()
    x.grad[0].item()
    assert not is_pending(y.grad)


def test_what_shares_nothing_stays_pending():
    x, y = leaf(1).detach(), leaf(2).detach()
    a, b = x.exp(), y.exp()
    a[0].item()
    assert is_pending(b)


# 3. Never more than twice


def test_the_second_program_stores_what_it_meets_again():
    z = leaf().detach().exp()
    (z * 1.5)[0].item()
    assert is_pending(z)  # computed in registers once
    (z * 2.5)[0].item()
    assert not is_pending(z)  # and stored the second time
    assert "exp" not in pb.explain(z * 3)


def test_intermediates_that_nobody_holds_are_not_stored():
    before = pb.memory.allocated()
    x = leaf().detach()
    y = ((x * 2).exp() + 1).sin()
    y[0].item()
    assert pb.memory.allocated() - before <= 2 * 8 * N * 1.3


def test_operands_of_one_number_wait_for_the_other_operand():
    """What is pending runs before anything is prepared in the memory for registers, which it uses, too."""
    x0, x1 = leaf(1).detach(), leaf(2).detach()
    y = x0.tanh() - x1
    expected = 1.5 - (np.tanh(x0.numpy()[1]) - x1.numpy()[1])
    assert (pb.tensor(1.5) - y[1]).item() == pytest.approx(expected, rel=1e-14)


# 4. Bounds


def test_a_value_used_twice_does_not_double_the_instructions():
    y = leaf().detach()
    expected = y.numpy().copy()
    for _ in range(300):
        y = y * y * 0.5 + y * 0.25
        expected = expected * expected * 0.5 + expected * 0.25
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-12)


def test_every_operand_is_read_once_and_every_step_is_there_once():
    """Whatever the addresses are, by which they are found."""
    many = [pb.rand(N) for _ in range(60)]
    pairs = sum((a + b for a, b in pairwise(many)), start=pb.zeros(()))
    again = sum((a + b for a, b in pairwise(many)), start=pb.zeros(()))
    text = pb.explain((pairs * again).sum())
    assert text.count("= load") == 60
    assert "program of 60 instructions" in text  # each pair with the sum so far, and one product


def test_a_long_chain_is_cut():
    y = leaf().detach()
    expected = y.numpy().copy()
    for _ in range(2000):
        y = y * 0.999 + 0.001
        expected = expected * 0.999 + 0.001
    np.testing.assert_array_equal(y.numpy(), expected)


def test_losses_that_are_kept_do_not_hold_their_batches():
    pb.synchronize()
    gc.collect()
    losses = []
    before = pb.memory.allocated()
    for i in range(100):
        batch = pb.full((1_000_000,), float(i))
        losses.append((batch * 2).sum().detach())
    assert pb.memory.allocated() - before < 200e6
    assert [loss.item() for loss in losses[:3]] == [0.0, 2e6, 4e6]


def test_the_number_of_pending_values_is_bounded():
    x = leaf().detach()
    kept = [x * float(i) for i in range(3000)]
    assert _core.pending() <= 1100
    np.testing.assert_array_equal(kept[7].numpy(), x.numpy() * 7)


# 5. Writes in place


def test_a_pending_reader_sees_the_old_value():
    x = leaf().detach()
    old = x.numpy().copy()
    y = x * 3
    x.add_(5)
    np.testing.assert_array_equal(y.numpy(), old * 3)
    np.testing.assert_array_equal(x.numpy(), old + 5)


def test_a_pending_reader_of_a_view_sees_the_old_value():
    x = leaf().detach().clone()
    old = x.numpy().copy()
    y = x[: N // 2] * 3
    x[10:20] = 0
    np.testing.assert_array_equal(y.numpy(), old[: N // 2] * 3)


def test_overlapping_update():
    x = leaf().detach().clone()
    expected = x.numpy().copy()
    expected[1:] -= 0.5 * expected[:-1].copy()
    x[1:] -= 0.5 * x[:-1]
    np.testing.assert_array_equal(x.numpy(), expected)


def test_transposed_update():
    p = pb.rand(150, 150, dtype=pb.float64)
    old = p.numpy().copy()
    p.add_(p.T * 2)
    np.testing.assert_array_equal(p.numpy(), old + old.T * 2)


def test_saved_output_survives_a_write_to_the_input():
    x = leaf()
    c = x * 1
    y = c.exp()
    c.detach().add_(5)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(x.detach().numpy()), rtol=1e-14)


def test_overwritten_saved_values_are_an_error():
    x = leaf()
    y = x * 1
    z = y * y
    y.detach().add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward()


def test_sgd_with_weight_decay_in_place():
    p, g = leaf(1), leaf(2).detach()
    expected = p.detach().numpy().copy()
    with pb.no_grad():
        for _ in range(5):
            p -= 0.1 * (g + 0.01 * p)
            expected = expected - 0.1 * (g.numpy() + 0.01 * expected)
    np.testing.assert_array_equal(p.detach().numpy(), expected)


def test_adam_in_place():
    rng = np.random.default_rng(3)
    p, g = rng.standard_normal(N), rng.standard_normal(N)
    m, v = np.zeros(N), np.zeros(N)
    tp, tg, tm, tv = (pb.tensor(a) for a in (p, g, m, v))
    for _ in range(4):
        m = m * 0.9 + g * 0.1
        v = v * 0.999 + g * g * 0.001
        p = p - 0.01 * (m / (np.sqrt(v) + 1e-8))
        tm.mul_(0.9).add_(tg * 0.1)
        tv.mul_(0.999).add_(tg * tg * 0.001)
        tp -= 0.01 * (tm / (tv.sqrt() + 1e-8))
    np.testing.assert_allclose(tp.numpy(), p, rtol=1e-12)
    np.testing.assert_allclose(tm.numpy(), m, rtol=1e-12)
    np.testing.assert_allclose(tv.numpy(), v, rtol=1e-12)


@pytest.mark.parametrize(
    "of", [lambda x: x, lambda x: x[5:], lambda x: x.detach()], ids=["itself", "view", "alias"]
)
def test_what_reads_memory_whose_address_is_known_runs_at_the_call(of):
    x = pb.ones(N, dtype=pb.float64)
    before, reduced = x * 2, (x + 1).sum()
    assert is_pending(before) and is_pending(reduced)
    of(x).data_ptr()
    assert not is_pending(before)
    after, part, total = x * 3, x[7:] + 1, x.sum()
    assert not is_pending(after) and not is_pending(part) and not is_pending(total)
    (ctypes.c_double * N).from_address(x.data_ptr())[9] = 100.0
    assert (before[9], after[9], part[2]) == (2, 3, 2)
    assert (reduced, total, x[9]) == (2 * N, N, 100)
    assert is_pending(pb.ones(N, dtype=pb.float64) * 2)  # others wait as ever


def test_copies_and_files_tell_nobody_the_address(tmp_path):
    x = pb.ones(N, dtype=pb.float64)
    pb.save({"x": x}, tmp_path / "x")
    y = copy.deepcopy([x, x[1:]])
    assert is_pending(x * 2) and is_pending(y[0] * 2)


def test_a_write_keeps_the_address():
    p = leaf().detach().clone()
    address = p.data_ptr()
    p.mul_(2)
    p += 1
    assert p.data_ptr() == address


@pytest.mark.parametrize("dtype", [pb.int32, pb.float32])
def test_a_write_over_memory_that_is_read_as_another_dtype(dtype):
    n = 20_000
    x = pb.arange(n, dtype=pb.float64) + 0.5
    x.sum().item()
    p = pb.linspace(1, 2, n, dtype=pb.float64).sqrt()
    old, factor = x.numpy().copy(), np.sqrt(np.linspace(1, 2, n))
    y = x.view(dtype)[:n] * p
    x.mul_(p)
    seen = old.view("i4" if dtype is pb.int32 else "f4")[:n]
    np.testing.assert_allclose(y.numpy(), seen * factor, rtol=1e-6)
    np.testing.assert_allclose(x.numpy(), old * factor, rtol=1e-14)


# 6. Shared memory


def test_memory_of_numpy_is_read_at_once():
    a = np.arange(N, dtype=np.float64)
    x = pb.from_numpy(a)
    y = x * 2
    a[:] = 0
    assert y[3].item() == 6
    x.add_(1)
    assert a[5] == 1


def test_exporting_runs_the_readers_first():
    x = leaf().detach().clone()
    y = x * 2
    first = x[0].item()
    x.numpy()[:] = 0
    assert y[0].item() == 2 * first


def test_sharing_ends_with_the_owner():
    x = leaf().detach().clone()
    shared = x.numpy()
    assert not is_pending(x * 2)
    del shared
    gc.collect()
    assert is_pending(x * 2)


# 7. Only total functions


def test_integer_division_raises_at_the_call():
    a = pb.arange(N)
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        a // pb.zeros(N, dtype=pb.int64)


def test_anomaly_mode_computes_at_once():
    x = leaf()
    with pytest.warns(UserWarning), pytest.raises(RuntimeError, match="returned nan"):
        with pb.autograd.detect_anomaly():
            (pb.sqrt(x - x) * 0 * float("inf")).sum().backward()


def test_every_instruction_rounds_to_its_dtype():
    x = leaf(dtype=pb.float32).detach()
    y = ((x.double() * 1.1).float() * 3).double()
    expected = ((x.numpy().astype("f8") * 1.1).astype("f4") * np.float32(3)).astype("f8")
    np.testing.assert_array_equal(y.numpy(), expected)


# 9. The same bits everywhere


def expression(x, y):
    z = (x.sin() * (-x * y).exp() + y.tanh()) / (x + 1.5).sqrt()
    return z, z.sum(), (z * z).mean()


@pytest.mark.parametrize("dtype", [pb.float32, pb.float64])
@pytest.mark.parametrize("n", [4096, 4097, 5000, 16_384, 33_333, 100_001])
def test_fused_and_immediate_agree_bit_for_bit(n, dtype):
    results = []
    for immediate in (True, False):
        _core.deferral(immediate, 1)
        x, y = (leaf(k, n, dtype) for k in (1, 2))
        z, total, mean = expression(x, y)
        (total + mean).backward()
        results.append([t.detach().numpy().tobytes() for t in (z, total, mean, x.grad, y.grad)])
    assert results[0] == results[1]


def test_position_and_threads_do_not_show():
    x, y = leaf(1, 100_000).detach(), leaf(2, 100_000).detach()
    whole = expression(x, y)[0].numpy()
    for start in (1, 7, 1000, 54_321):
        part = expression(x[start:], y[start:])[0].numpy()
        assert part.tobytes() == whole[start:].tobytes()
    sums = []
    for threads in (1, 2, 3):
        pb.set_num_threads(threads)
        sums.append([t.numpy().tobytes() for t in expression(x, y)])
    assert sums[0] == sums[1] == sums[2]


def test_sums_are_as_good_as_pairwise():
    import math

    x = np.random.default_rng(0).standard_normal(1_000_000).astype("f4")
    exact = math.fsum(float(v) for v in x)
    found = (pb.tensor(x) * 1.0).sum().item()
    bound = np.finfo("f4").eps * math.log2(len(x)) * float(np.abs(x.astype("f8")).sum())
    assert abs(found - exact) < bound
    assert abs(found - exact) < 4 * abs(float(x.sum()) - exact) + 1e-2


# 10. A zero gradient stays zero


def test_a_zero_gradient_passes_a_pole():
    x = pb.zeros(N, dtype=pb.float64, requires_grad=True)
    pb.where(x > 0, x.log(), x * 2).sum().backward()
    assert (x.grad == 2).all()


def test_zmul_is_bilinear_in_forward_over_reverse():
    x = leaf()
    v = pb.ones_like(x)
    from pullback.autograd import forward_ad

    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x.detach(), v).requires_grad_()
        (g,) = pb.autograd.grad((dual**3).sum(), dual, create_graph=True)
        second = forward_ad.unpack_dual(g).tangent
    np.testing.assert_allclose(second.detach().numpy(), 6 * x.detach().numpy(), rtol=1e-12)


# 12. Saved values


def test_double_backward_of_pending_values():
    x = leaf()
    (g,) = pb.autograd.grad((x.sin() * x).sum(), x, create_graph=True)
    (h,) = pb.autograd.grad(g.sum(), x)
    a = x.detach().numpy()
    np.testing.assert_allclose(h.numpy(), 2 * np.cos(a) - a * np.sin(a), rtol=1e-12)


# 13. Hooks, and memory that runs out


def test_hooks_see_the_right_values():
    x = leaf()
    seen = []
    y = x * 2
    y.register_hook(lambda g: seen.append(g[0].item()) or g * 10)
    (y * 3).sum().backward()
    assert seen == [3.0] and x.grad[0].item() == 60.0


def test_retained_gradients():
    x = leaf()
    y = x.exp()
    y.retain_grad()
    (y * y).sum().backward()
    np.testing.assert_allclose(y.grad.numpy(), 2 * np.exp(x.detach().numpy()), rtol=1e-14)
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp(2 * x.detach().numpy()), rtol=1e-13)


def test_gradients_accumulate():
    x = leaf()
    for _ in range(3):
        (x * x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 6 * x.detach().numpy(), rtol=1e-14)


@pytest.mark.skipif("asan" in os.environ.get("LD_PRELOAD", ""), reason="a sanitizer needs all addresses")
def test_out_of_memory_leaves_everything_usable():
    script = """
import resource, pullback as pb
x = pb.ones(1 << 20)
y = x.expand(4096, 1 << 20) * 2.0
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
try:
    y[0, 0].item()
except pb.OutOfMemoryError as error:
    assert isinstance(error, MemoryError) and isinstance(error, RuntimeError)
    assert "float32[4096, 1048576] of <string>, line 4" in str(error), error
else:
    raise AssertionError("16 GiB fitted into 6")
del y
print((x * 2 + 1).sum().item())
"""
    deferring = {name: value for name, value in os.environ.items() if name != "PULLBACK_IMMEDIATE"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=deferring)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(3.0 * (1 << 20))


# Looking


def test_explain_shows_one_program_for_value_and_gradient():
    x = leaf()
    loss = (x.sin() * x).sum()
    text = pb.explain(loss)
    assert text.startswith("program of") and "cos" in text and "sum" in text and "store" in text
    assert is_pending(loss) and x.grad is None
    assert "in memory" in pb.explain(pb.ones(3))


def test_synchronize():
    y = leaf().detach() * 2
    assert is_pending(y)
    pb.synchronize()
    assert not is_pending(y) and _core.pending() == 0


def test_printing_a_pending_value():
    x = pb.full((N,), 1.5)
    assert str((x * 2)[:3]) == "tensor([3., 3., 3.])"
    assert repr((x * 2).sum()) == f"tensor({3.0 * N:.0f}.)"


def test_broadcasts_and_strides():
    rng = np.random.default_rng(1)
    a, row, col = rng.standard_normal((200, 60)), rng.standard_normal(60), rng.standard_normal((200, 1))
    ta, trow, tcol = (pb.tensor(t, requires_grad=True) for t in (a, row, col))
    y = (ta.T.sin() * tcol.T + trow[:, None] * 2) / (1 + tcol.T * tcol.T)
    expected = (np.sin(a.T) * col.T + row[:, None] * 2) / (1 + col.T * col.T)
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-12, atol=1e-15)
    y.sum().backward()
    np.testing.assert_allclose(ta.grad.numpy(), (np.cos(a.T) * col.T / (1 + col.T**2)).T, rtol=1e-12)
    np.testing.assert_allclose(trow.grad.numpy(), (2 / (1 + col.T**2) + 0 * a.T).sum(1), rtol=1e-12)


def test_masks_and_comparisons():
    x = leaf().detach()
    y = pb.where((x > 0.5) & (x < 0.8), x, -x)
    a = x.numpy()
    np.testing.assert_array_equal(y.numpy(), np.where((a > 0.5) & (a < 0.8), a, -a))
    assert (x > 0.5).sum().item() == int((a > 0.5).sum())
