"""Orders in memory, memory of files, capsules; numbers that might be symbols; flags and switches that say no."""

import os
import re

import numpy as np
import pytest

import pullback as pb


def test_geometry_in_place():
    x = pb.arange(6.0)
    y = x.as_strided_((2, 2), (1, 2))
    assert y is x and x.tolist() == [[0, 2], [1, 3]]
    assert pb.as_strided_(pb.arange(6.0), (2,), (3,), 1).tolist() == [1, 4]
    with pytest.raises(RuntimeError, match="cannot change the geometry of a tensor that requires grad"):
        pb.ones(2, requires_grad=True).as_strided_((1,), (1,))


def test_orders_in_memory():
    assert pb.empty_permuted((2, 3, 4), (2, 0, 1), dtype=pb.float64).stride() == (3, 1, 6)
    assert pb.empty_permuted((2, 3), (1, 0), requires_grad=True).requires_grad
    for wrong, text in (
        (((2, 3), (0, 0)), "Duplicate dim not allowed"),
        (((2, 3), (0,)), "Number of dimensions in size does not match the length of the physical_layout"),
        (((2, 3), (0, 2)), "Dimension out of range (expected to be between 0 and 1, but got 2 at index 1)"),
    ):
        with pytest.raises(RuntimeError, match=re.escape(text)):
            pb.empty_permuted(*wrong)
    x = pb.zeros(2, 3, 4)
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        back = x.permute(order)
        assert back.permute(back.dim_order()).is_contiguous()
    assert pb.ones(1).expand(3, 2, 1).dim_order() == (0, 1, 2) and pb.ones(()).dim_order() == ()
    with pytest.raises(RuntimeError, match="does not have unique dim order"):
        pb.ones(1, 2).dim_order(ambiguity_check=True)
    assert x.const_data_ptr() == x.data_ptr()


def test_files_as_memory(tmp_path):
    path = tmp_path / "numbers"
    np.arange(5, dtype=np.float32).tofile(path)
    assert pb.from_file(str(path), size=4).tolist() == [0, 1, 2, 3]
    own = pb.from_file(path, size=5)
    own[0] = 7
    assert np.fromfile(path, np.float32)[0] == 0
    shared = pb.from_file(path, True, 5)
    shared[0] = 9
    assert np.fromfile(path, np.float32)[0] == 9
    assert pb.from_file(path, size=2, dtype=pb.int32).dtype == pb.int32
    assert pb.from_file(path).shape == (0,)
    made = pb.from_file(tmp_path / "new", shared=True, size=3, dtype=pb.float64)
    made.fill_(2)
    assert np.fromfile(tmp_path / "new").tolist() == [2, 2, 2] and os.path.getsize(tmp_path / "new") == 24
    for wrong, text in (
        (lambda: pb.from_file(path, size=50), "size <20> is smaller than the required mapping size <200>"),
        (
            lambda: pb.from_file(tmp_path / "no" / "x", size=1),
            "in read-only mode: No such file or directory (2)",
        ),
    ):
        with pytest.raises(RuntimeError, match=re.escape(text)):
            wrong()


@pytest.mark.parametrize("n", [6, 100_000])  # the larger one is deferred
def test_processes_share_memory(n):
    x = pb.arange(float(n)).reshape(2, -1).share_memory_()
    assert x.is_shared() and x[1].is_shared() and not pb.ones(2).is_shared()
    assert x.share_memory_() is x and x[1, 0] == n // 2
    child = os.fork()
    if not child:
        x.mul_(2)
        x[0, 0] = 5
        x.sum().item()
        os._exit(0)
    os.waitpid(child, 0)
    assert x[0, 0] == 5 and x[1, -1] == 2 * (n - 1)
    weight = pb.nn.Parameter(pb.ones(3))
    assert weight.share_memory_().is_shared() and weight.is_leaf and weight.requires_grad
    with pytest.raises(RuntimeError, match="only leaves move"):
        (weight * 2).share_memory_()
    with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is available."):
        weight.pin_memory()


def test_loading_into_a_tensor():
    weight, other = pb.nn.Parameter(pb.zeros(2)), pb.ones(2, requires_grad=True)
    with pb.no_grad():
        loaded = weight.module_load(other)
    assert weight.tolist() == [1, 1] and loaded.data_ptr() == weight.data_ptr() and not loaded.requires_grad
    assert weight.module_load(other, assign=True).data_ptr() == other.data_ptr()


def test_capsules():
    x = pb.tensor([1.0, 2.0])
    y = pb.from_dlpack(pb.to_dlpack(x))
    x[0] = 5
    assert y.tolist() == [5, 2]
    with pytest.raises(AttributeError, match="has no attribute '__dlpack__'"):
        pb.from_dlpack(3)


@pytest.mark.torch
def test_beside_torch():
    torch = pytest.importorskip("torch")
    for L in (pb, torch):
        x = L.arange(24.0).reshape(2, 3, 4)
        c = L.tensor([1 + 2j, 3j])
        assert L.view_as_real_copy(c).tolist() == [[1, 2], [0, 3]]
        assert L.view_as_complex_copy(L.view_as_real(c)).tolist() == [1 + 2j, 3j]
        assert L.addmv_(L.zeros(2), L.ones(2, 3), L.ones(3), beta=1, alpha=2).tolist() == [6, 6]
        assert [L.sym_max(1, 2.0), L.sym_max(3, 1), L.sym_min(1, 2.0), L.sym_int(-2.7)] == [2.0, 3, 1.0, -2]
        assert [
            L.sym_float(2),
            L.sym_not(True),
            L.sym_sqrt(4),
            L.sym_sum([1, 2]),
            L.sym_ite(False, 1, 2),
        ] == [
            2.0,
            False,
            2.0,
            3,
            2,
        ]
        flags = "is_mps is_xpu is_xla is_ipu is_maia is_mtia is_vulkan is_nested is_sparse_csr".split()
        assert not any(getattr(x, name) for name in flags) and not L.is_distributed(x)
        assert L.has_spectral and not L.is_autocast_cpu_enabled()
        assert (L.get_autocast_cpu_dtype(), L.get_autocast_gpu_dtype()) == (L.bfloat16, L.float16)
        L.set_anomaly_enabled(True, False)
        assert L.is_anomaly_enabled() and not L.is_anomaly_check_nan_enabled()
        L.set_anomaly_enabled(False)
        assert not L.is_anomaly_enabled()
    for f in (
        lambda L, x: L.nuclear_norm(x, (0, 1)),
        lambda L, x: L.nuclear_norm(x[0], True),
        lambda L, x: L.nuclear_norm(x, dim=(1, 2), keepdim=True),
        lambda L, x: L.frobenius_norm(x, 1),
        lambda L, x: L.frobenius_norm(x, (0, 1), True),
        lambda L, x: L.frobenius_norm(x, ()),
        lambda L, x: L.norm_except_dim(x),
        lambda L, x: L.norm_except_dim(x, 1, 2),
        lambda L, x: L.norm_except_dim(x, 2, -1),
        lambda L, x: L.norm_except_dim(x, 2, -2),
    ):
        found, known = (f(L, L.arange(24.0, dtype=L.float64).reshape(2, 3, 4)) for L in (pb, torch))
        assert found.shape == known.shape
        np.testing.assert_allclose(found.numpy(), known.numpy(), rtol=1e-12)
    with pytest.raises(RuntimeError, match="Expected at most 2 dimensions, but got 3"):
        pb.frobenius_norm(pb.ones(1, 1, 1), (0, 1, 2))
