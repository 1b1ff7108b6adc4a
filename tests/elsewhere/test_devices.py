"""Devices that are not there answer as in a PyTorch that was built for the CPU; so do the processor and switches."""

import pytest
from tables import calls
from twins import evaluate

import pullback as pb

# Expressions that give the same in both libraries: a value, or an error of the same kind and first sentence.
SAME = """
m.cuda.is_available() ; m.cuda.device_count() ; m.cuda.is_initialized() ; m.cuda.current_device() ; m.cuda.init()
m.cuda.get_device_name() ; m.cuda.get_device_name(0) ; m.cuda.get_device_properties(0) ; m.cuda.get_device_capability()
m.cuda.synchronize() ; m.cuda.empty_cache() ; m.cuda.ipc_collect() ; m.cuda.manual_seed(1) ; m.cuda.manual_seed_all(1)
m.cuda.seed() ; m.cuda.seed_all() ; m.cuda.initial_seed() ; m.cuda.get_rng_state() ; m.cuda.get_rng_state_all()
m.cuda.set_rng_state(m.get_rng_state()) ; m.cuda.set_rng_state_all([]) ; m.cuda.set_device(-1)
m.cuda.memory_allocated() ; m.cuda.max_memory_allocated() ; m.cuda.memory_reserved() ; m.cuda.max_memory_reserved()
m.cuda.memory_cached() ; m.cuda.max_memory_cached() ; m.cuda.memory_stats() ; m.cuda.mem_get_info()
m.cuda.current_stream() ; m.cuda.default_stream() ; m.cuda.Stream() ; m.cuda.Event() ; m.cuda.Event(enable_timing=True)
m.cuda.stream(None).__enter__() ; m.cuda.device(0).__enter__() ; m.cuda.device(-1).__enter__()
m.cuda.StreamContext(None).__enter__()
m.cuda.device_of(m.ones(1)).__enter__() ; m.cuda.is_bf16_supported() ; m.cuda.is_tf32_supported() ; m.cuda.get_arch_list()
m.cuda.FloatTensor(2) ; m.cuda.LongTensor([1]) ; isinstance(m.ones(1), m.cuda.FloatTensor) ; m.cuda.has_half ; m.cuda.has_magma
m.cuda.set_per_process_memory_fraction(0.5) ; m.cuda.can_device_access_peer(0, 1) ; m.cuda.default_generators
m.ones(1).cuda() ; m.ones(1).to("cuda") ; m.ones(1, device="cuda") ; m.nn.Linear(1, 1).cuda() ; m.nn.Linear(1, 1).to("cuda:0")
m.tensor([1.0], device="cuda") ; m.ones(1).is_cuda ; m.ones(1).get_device() ; m.get_device(m.ones(1))
m.device("cuda").type ; m.device("cuda:3").index ; m.device("cuda", 1) ; m.device("cuda") == m.device("cpu") ; m.device(0)
m.mps.is_available() ; m.mps.device_count() ; m.mps.empty_cache() ; m.mps.synchronize() ; m.mps.manual_seed(1) ; m.mps.seed()
m.xpu.is_available() ; m.xpu.device_count() ; m.xpu.synchronize() ; m.xpu.empty_cache() ; m.xpu.manual_seed(1)
m.xpu.manual_seed_all(1) ; m.xpu.seed() ; m.xpu.seed_all() ; m.xpu.is_initialized() ; m.xpu.init() ; m.xpu.is_bf16_supported()
m.xpu.current_device() ; m.xpu.get_device_name(0)
m.accelerator.is_available() ; m.accelerator.current_accelerator() ; m.accelerator.device_count() ; m.accelerator.synchronize()
m.accelerator.current_device_index() ; m.accelerator.set_device_index(0)
m.accelerator.current_stream() ; m.accelerator.empty_cache()
m.cpu.is_available() ; m.cpu.device_count() ; m.cpu.current_device() ; m.cpu.synchronize() ; m.cpu.set_device("cpu")
m.cpu.is_initialized() ; type(m.cpu.current_stream()).__name__ ; m.cpu.stream(m.cpu.Stream()).__enter__() ; m.cpu.Event().query()
m.cpu.StreamContext(None).__enter__() ; m.cpu.Event().record() ; m.cpu.Event().synchronize()
m.get_device_module("cuda").__name__[-4:] ; m.get_device_module().__name__[-3:] ; m.get_device_module("cpu").__name__[-3:]
m.version.cuda ; m.version.hip ; m.version.debug ; m.version.xpu ; m.version.rocm ; m.version.__version__ == m.__version__
m.backends.cudnn.is_available() ; m.backends.cudnn.version() ; m.backends.cudnn.enabled ; m.backends.cudnn.benchmark
m.backends.cudnn.deterministic ; m.backends.cudnn.allow_tf32 ; m.backends.cudnn.benchmark_limit ; m.backends.cudnn.fp32_precision
m.backends.cudnn.is_acceptable(m.ones(1)) ; m.backends.cuda.is_built() ; m.backends.cuda.matmul.allow_tf32
m.backends.cuda.matmul.fp32_precision ; m.backends.cuda.flash_sdp_enabled() ; m.backends.cuda.mem_efficient_sdp_enabled()
m.backends.cuda.math_sdp_enabled() ; m.backends.cuda.cudnn_sdp_enabled() ; m.backends.cuda.enable_flash_sdp(True)
m.backends.cuda.fp16_bf16_reduction_math_sdp_allowed() ; m.backends.mps.is_available() ; m.backends.mps.is_built()
m.backends.mkldnn.enabled ; m.backends.mkldnn.deterministic ; m.backends.fp32_precision
m.get_float32_matmul_precision() ; (m.set_float32_matmul_precision("medium"), m.get_float32_matmul_precision())
m.set_float32_matmul_precision("highest")
m.are_deterministic_algorithms_enabled() ; m.use_deterministic_algorithms(1) ; m.get_deterministic_debug_mode()
(m.use_deterministic_algorithms(True, warn_only=True), m.get_deterministic_debug_mode())
m.use_deterministic_algorithms(False)
m.set_deterministic_debug_mode("error"), m.are_deterministic_algorithms_enabled(), m.set_deterministic_debug_mode(0)
m.set_deterministic_debug_mode("foo") ; m.set_deterministic_debug_mode(7) ; m.set_deterministic_debug_mode(None)
m.is_deterministic_algorithms_warn_only_enabled() ; m.is_warn_always_enabled() ; m.set_warn_always(False)
m.typename(m.ones(1).double()) ; m.typename(m.nn.Linear(1, 1)) ; m.typename(m.nn.Linear) ; m.typename(3) ; m.typename("a")
m.is_autocast_enabled() ; m.is_autocast_enabled("cpu") ; m.is_autocast_enabled("foo") ; m.get_autocast_dtype("cuda")
m.get_autocast_dtype("cpu") ; m.is_autocast_cache_enabled() ; m.clear_autocast_cache() ; m.has_lapack
m.jit.is_scripting() ; m.jit.is_tracing() ; m.compiler.is_compiling() ; m.compiler.is_exporting()
m.compiler.is_dynamo_compiling() ; m.compiler.reset() ; m.compiler.cudagraph_mark_step_begin() ; m.onnx.is_in_onnx_export()
m.distributed.is_initialized() ; m.distributed.is_nccl_available() ; m.distributed.is_torchelastic_launched()
m.distributed.get_rank() ; m.distributed.get_world_size() ; m.distributed.barrier() ; m.distributed.all_reduce(m.ones(1))
m.compile(3) ; m.compile(len, mode="b") ; m.compile(len, mode="default", options={})
"""


def outcome(lib, text):
    found, error, caught = evaluate(text, lib, {})
    found = repr(found).replace("torch", "pullback")
    if error is not None:
        found = type(error).__name__, str(error).split("\n")[0].split(". ")[0].rstrip(".")
    return found, [w.category for w in caught if "script" not in str(w.message)]


@pytest.mark.torch
@pytest.mark.parametrize("text", calls(SAME))
def test_against_pytorch(text):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available() or "+cpu" not in torch.__version__:
        pytest.skip("this PyTorch has been built for more than the CPU")
    assert outcome(pb, text) == outcome(torch, text)


def test_what_is_not_used_says_so():
    for name in ("mkl", "mkldnn", "nnpack", "openmp", "opt_einsum", "cudnn", "mps"):
        assert getattr(pb.backends, name).is_available() is False
    assert pb.backends.opt_einsum.get_opt_einsum() is None and pb.backends.opt_einsum.strategy is None
    assert not pb.backends.opt_einsum.enabled and not pb.backends.cuda.is_flash_attention_available()
    assert not pb.backends.mps.is_macos13_or_newer() and not pb.backends.mps.is_macos_or_newer(15, 0)
    assert not (pb.has_mkl or pb.has_openmp) and pb.version.git_version is None
    assert pb.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512")
    for lib in (
        pb.distributed.is_available,
        pb.distributed.is_gloo_available,
        pb.distributed.is_mpi_available,
    ):
        assert lib() is False
    with pytest.raises(RuntimeError, match="one process"):
        pb.distributed.init_process_group("gloo")
    for call in ("broadcast(1)", "all_gather([], 1)", "destroy_process_group()"):
        with pytest.raises(ValueError, match="process group has not been initialized"):
            eval(f"pb.distributed.{call}")
    assert pb.set_flush_denormal(True) is False and pb.compiler.list_backends() == []
    assert (
        pb.float32.itemsize == 4
        and "OpenBLAS" in pb.__config__.show()
        and "threads" in pb.__config__.parallel_info()
    )
    with pytest.raises(AttributeError, match="PyTorch has it|no attribute"):
        pb.onnx.export
    assert issubclass(pb.onnx.OnnxExporterError, RuntimeError)


def test_what_raises_otherwise_than_in_pytorch():
    """PyTorch's own functions fail at names of its core there."""
    for call in ("set_device(0)", "set_device('cuda')", "memory_summary()", "reset_peak_memory_stats()", "utilization()",
                 "reset_max_memory_allocated()", "reset_max_memory_cached()", "set_rng_state_all([1])"):  # fmt: skip
        with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
            eval(f"pb.cuda.{call}")
    for call in ("memory_allocated()", "max_memory_allocated()", "memory_reserved()", "max_memory_reserved()",
                 "reset_peak_memory_stats()", "set_stream(None)"):  # fmt: skip
        with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is available"):
            eval(f"pb.accelerator.{call}")
    for call in ("current_allocated_memory()", "driver_allocated_memory()"):
        with pytest.raises(RuntimeError, match="without MPS backend"):
            eval(f"pb.mps.{call}")
    with pytest.raises(AssertionError, match="XPU"):
        pb.xpu.set_device(0)
    with pytest.raises(RuntimeError, match="does not have a corresponding module"):
        pb.get_device_module("hpu")
    with pytest.raises(TypeError):
        pb.cuda.get_device_name(1, 2)
    with pytest.raises(AttributeError):
        pb.cuda.CUDAGraph
    for name in "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor HalfTensor IntTensor ShortTensor".split():
        with pytest.raises(TypeError, match=f"type torch.cuda.{name} not available"):
            getattr(pb.cuda, name)(3)
    assert not pb.cuda.is_current_stream_capturing()
    with pytest.warns(UserWarning, match="is not one of 'highest', 'high', or 'medium'"):
        pb.set_float32_matmul_precision("foo")


def test_switches_keep_what_they_are_told():
    cudnn, mkldnn = pb.backends.cudnn, pb.backends.mkldnn
    with cudnn.flags(enabled=False, benchmark=True, deterministic=True):
        assert not cudnn.enabled and cudnn.benchmark and cudnn.deterministic and cudnn.allow_tf32
    assert cudnn.enabled and not cudnn.benchmark and not cudnn.deterministic
    before = cudnn.set_flags(_benchmark=True)
    assert cudnn.benchmark
    cudnn.set_flags(*before)
    assert not cudnn.benchmark and cudnn.conv.fp32_precision == cudnn.rnn.fp32_precision == "tf32"
    with mkldnn.flags(enabled=False, deterministic=True), mkldnn.verbose(mkldnn.VERBOSE_ON):
        assert not mkldnn.enabled and mkldnn.deterministic
    assert mkldnn.enabled and mkldnn.set_flags(False) == (True, False, True) and not mkldnn.enabled
    mkldnn.set_flags(True)
    with pb.backends.nnpack.flags(True):
        assert pb.backends.nnpack.set_flags(True) == (False,)
    cuda = pb.backends.cuda
    assert {"enable_cudnn_sdp", "enable_math_sdp", "enable_mem_efficient_sdp"} <= set(cuda.__all__)
    assert (mkldnn.VERBOSE_OFF, mkldnn.VERBOSE_ON, mkldnn.VERBOSE_ON_CREATION) == (0, 1, 2)
    for name in ("flash", "mem_efficient", "math", "cudnn"):
        getattr(cuda, f"enable_{name}_sdp")(False)
        assert not getattr(cuda, f"{name}_sdp_enabled")()
        getattr(cuda, f"enable_{name}_sdp")(True)
    cuda.allow_fp16_bf16_reduction_math_sdp(True)
    assert cuda.fp16_bf16_reduction_math_sdp_allowed()
    cuda.allow_fp16_bf16_reduction_math_sdp(False)
    with pytest.warns(FutureWarning, match="sdp_kernel"), cuda.sdp_kernel(enable_math=False):
        assert not cuda.math_sdp_enabled()
    assert cuda.math_sdp_enabled() and cuda.cufft_plan_cache.size == 0
    with pytest.raises(AttributeError, match="Unknown attribute tf33"):
        cuda.matmul.tf33


def test_code_for_any_device():
    """What programs begin with."""
    device = pb.device(
        "cuda" if pb.cuda.is_available() else "mps" if pb.backends.mps.is_available() else "cpu"
    )
    model = pb.nn.Linear(2, 1).to(device)
    x = pb.rand(3, 2, device=device)
    if device.type == "cuda":
        pb.cuda.synchronize()
    pb.backends.cudnn.benchmark = pb.backends.cudnn.deterministic = True
    pb.cuda.manual_seed_all(0)
    with pb.cuda.stream(None):
        assert model(x.to(device, non_blocking=True)).shape == (3, 1)
    pb.backends.cudnn.benchmark = pb.backends.cudnn.deterministic = False
    stream, event = pb.cpu.Stream(), pb.cpu.Event()
    stream.wait_stream(pb.cpu.current_stream())
    stream.wait_event(event), stream.record_event(), event.wait()


def test_modules_over_several_devices():
    net = pb.nn.Sequential(pb.nn.Linear(2, 3), pb.nn.Linear(3, 1))
    both = pb.nn.DataParallel(net, device_ids=None) if pb.cuda.device_count() < 2 else None
    x = pb.rand(4, 2)
    assert pb.equal(both(x), net(x)) and both.module is net and both.device_ids == []
    assert list(both.state_dict()) == [f"module.{name}" for name in net.state_dict()]
    assert repr(both).startswith("DataParallel(\n  (module): Sequential(")
    assert pb.equal(pb.nn.parallel.data_parallel(net, x), net(x))
    assert pb.nn.parallel.data_parallel(max, (2, 3)) == 3
    with pytest.raises(ValueError, match="process group has not been initialized"):
        pb.nn.parallel.DistributedDataParallel(net)
    assert not isinstance(net, (pb.nn.DataParallel, pb.nn.parallel.DistributedDataParallel))


def test_a_device_for_a_block():
    with pb.device("cpu") as place:
        assert pb.ones(1).device == place
    assert pb.device("cpu")(pb.ones)(2).shape == (2,)
    for wrong in ("cuda", "mps"):
        with pytest.raises((AssertionError, NotImplementedError)), pb.device(wrong):
            pb.ones(1)


def test_names_for_annotations():
    from pullback import types

    assert isinstance(3, types.Number) and isinstance("a", types.FileLike) and isinstance(None, types.Device)
    assert isinstance(pb.ones(2).shape, types._size) and types._int is int
    assert isinstance([pb.ones(1)], types._TensorOrTensors.__args__[1].__origin__)
