"""What is not there and who has it: PyTorch's names without a counterpart here, the names that NumPy and others use for
what has one, and what to write instead. Read by `hints`, when an error is on its way.
"""

import re

from .._core import supported_dtypes

# Module -> names of PyTorch's that it lacks; those of tensors are in missing.py.
PYTORCH = {
    "pullback": """
        dequantize eig empty_quantized export float8_e4m3fn float8_e4m3fnuz float8_e5m2
        float8_e5m2fnuz float8_e8m0fnu functional fx int_repr lstsq matrix_rank multiprocessing qscheme
        quantization quantize_per_channel quantize_per_tensor quantize_per_tensor_dynamic
        set_autocast_cache_enabled set_autocast_dtype set_autocast_enabled slice_inverse solve
        sparse_bsc_tensor sparse_bsr_tensor sparse_compressed_tensor sparse_coo_tensor sparse_csc_tensor
        sparse_csr_tensor spmm sspaddmm storage symeig
    """,
    "nn": """
        Container intrinsic qat quantizable quantized
    """,
    "nn.functional": """
        ScalingType SwizzleType assert_int_or_pair scaled_grouped_mm scaled_mm
    """,
    "utils": """
        backcompat benchmark bottleneck bundled_inputs collect_env cpp_extension deterministic dlpack
        flop_counter mkldnn mobile_optimizer model_zoo serialization tensorboard
    """,
    "utils.checkpoint": """
        DefaultDeviceType get_device_states set_device_states
    """,
    "utils.data": """
        DFIterDataPipe DataChunk IterDataPipe MapDataPipe argument_validation functional_datapipe
        guaranteed_datapipes_determinism non_deterministic runtime_validation runtime_validation_disabled
    """,
    "accelerator": """
        Graph current_device_idx device_index empty_host_cache get_device_capability get_memory_info
        memory_stats reset_accumulated_memory_stats set_device_idx
    """,
    "compiler": """
        CacheInfo config get_default_backend keep_portable_guards_unsafe keep_tensor_guards_unsafe
        load_cache_artifacts load_compiled_function nested_compile_region save_cache_artifacts
        set_default_backend set_enable_guard_collectives skip_all_guards_unsafe
        skip_guard_on_all_nn_modules_unsafe skip_guard_on_globals_unsafe
        skip_guard_on_inbuilt_nn_modules_unsafe
    """,
    "cpu": """
        get_capabilities
    """,
    "cuda": """
        BFloat16Storage BoolStorage ByteStorage CUDAGraph CUDAPluggableAllocator CharStorage
        ComplexDoubleStorage ComplexFloatStorage CudaError DeferredCudaCallError DoubleStorage
        ExternalStream FloatStorage GreenContext HalfStorage IntStorage LongStorage MemPool ShortStorage
        caching_allocator_alloc caching_allocator_delete caching_allocator_disabled caching_allocator_enable
        change_current_allocator check_error clock_rate cudaStatus cudart current_blas_handle
        current_solver_handle device_memory_used get_allocator_backend get_gencode_flags
        get_per_process_memory_fraction get_stream_from_external get_sync_debug_mode graph graph_pool_handle
        graphs host_memory_stats host_memory_stats_as_nested_dict jiterator list_gpu_processes
        make_graphed_callables memory memory_snapshot memory_stats_as_nested_dict memory_usage nccl nvtx
        power_draw profiler random reset_accumulated_host_memory_stats reset_accumulated_memory_stats
        reset_peak_host_memory_stats set_stream set_sync_debug_mode sparse streams temperature tunable
        use_mem_pool
    """,
    "distributed": """
        all_gather_into_tensor all_gather_object all_to_all broadcast_object_list gather get_backend irecv
        isend new_group recv reduce reduce_scatter scatter send
    """,
    "hub": """
        help list
    """,
    "jit": """
        CompilationUnit ONNXTracedModule RecursiveScriptClass RecursiveScriptModule ScriptWarning
        TopLevelTracedModule TracedModule TracerWarning TracingCheckError enable_onednn_fusion
        export_opnames fuser jit_module_from_flatbuffer load onednn_fusion_enabled run_frozen_optimizations
        save save_jit_module_to_flatbuffer set_fusion_strategy strict_fusion
    """,
    "mps": """
        Event compile_shader get_rng_state load_metallib profiler recommended_max_memory
        set_per_process_memory_fraction set_rng_state
    """,
    "nn.parallel": """
        gather parallel_apply replicate scatter
    """,
    "onnx": """
        ExportableModule InputObserver JitScalarType ONNXProgram errors export ops
        register_custom_op_symbolic select_model_mode_for_export unregister_custom_op_symbolic
    """,
    "xpu": """
        Event MemPool Stream StreamContext XPUGraph XPUPluggableAllocator can_device_access_peer
        change_current_allocator clock_rate current_stream default_generators device device_memory_used
        device_of get_arch_list get_device_capability get_device_properties get_gencode_flags
        get_per_process_memory_fraction get_rng_state get_rng_state_all get_stream_from_external graph
        graph_pool_handle initial_seed is_current_stream_capturing is_tf32_supported make_graphed_callables
        max_memory_allocated max_memory_reserved mem_get_info memory_allocated memory_reserved
        memory_snapshot memory_stats memory_stats_as_nested_dict memory_usage power_draw
        reset_accumulated_memory_stats reset_peak_memory_stats set_per_process_memory_fraction set_rng_state
        set_rng_state_all set_stream stream streams temperature use_mem_pool utilization
    """,
}

# What all that a module lacks has in common.
PLACES = {
    "jit": "There is nothing to compile: functions and modules run as Python; state_dict() is what is saved.",
    "compiler": "compile() replays calls of operators, and large elementwise work is fused as it runs.",
    "onnx": "There is no exporter: save model.state_dict(), and export in PyTorch.",
    "distributed": "pullback runs in one process, on its threads.",
    "nn.parallel": "pullback runs in one process, on its threads.",
    "hub": "Repositories are programs for PyTorch; load_state_dict_from_url fetches weights.",
    "cpu": "Work is done at once.",
    **dict.fromkeys(("cuda", "xpu", "mps", "accelerator"), "pullback computes on the CPU."),
}

# Name -> what to write instead: an expression, or a sentence where it ends with a full stop.
INSTEAD = {
    "assign": "x.copy_(other)",
    "astype": "x.to(dtype)",
    "at": "x[index] = value, or x.index_put_((indices,), values, accumulate=True).",
    "base": "x._base",
    "block_until_ready": "pullback.synchronize()",
    "choose": "pullback.where(condition, a, b), or x.gather(dim, indices)",
    "compress": "x[mask]",
    "copy": "x.clone()",
    "ctypes": "x.data_ptr()",
    "dropna": "x[~x.isnan()]",
    "fill": "pullback.full_like(x, value), or x.fill_(value) in place.",
    "fillna": "x.nan_to_num(value)",
    "flat": "x.flatten()",
    "functional": "pullback.nn.functional, or pullback itself.",
    "head": "x[:n]",
    "iloc": "x[index]",
    "index": "x[indices]",
    "isna": "x.isnan()",
    "itemset": "x[index] = value",
    "apply": "operators on whole tensors; what is no operator: x.apply_(f) in place.",
    "map": "operators on whole tensors; what is no operator: pullback.tensor([f(v) for v in x.tolist()]).",
    "notna": "~x.isnan()",
    "parameters": "a list of tensors that require grad; those of a pullback.nn.Module are module.parameters().",
    "partition": "x.sort()",
    "ptp": "x.max() - x.min()",
    "step": "with pullback.no_grad(): w -= lr * w.grad",
    "strides": "x.stride(), counted in elements.",
    "resize": "x.reshape(size), or x.resize_(size) in place.",
    "resize_as": "x.reshape(other.shape), or x.resize_as_(other) in place.",
    "tail": "x[-n:]",
    "tobytes": "x.numpy().tobytes()",
    "to_list": "x.tolist()",
    "to_numpy": "x.numpy()",
    "values": "x itself, or x.numpy(): tensors are dense.",
    "volatile": "with pullback.no_grad():",
    "zero_grad": "x.grad = None",
}
SAME = {
    "iloc": "loc",
    "index": "take_along",
    "isna": "isnull",
    "tobytes": "tofile tostring",
}
for _name, _others in SAME.items():
    INSTEAD.update(dict.fromkeys(_others.split(), INSTEAD[_name]))

# NumPy's and others' names of functions.
ELSEWHERE = {
    "GradientTape": "requires_grad=True on the inputs, and pullback.autograd.grad(y, x): everything is recorded.",
    "append": "pullback.cat([a, b])",
    "around": "pullback.round(x)",
    "array": "pullback.tensor(data)",
    "ascontiguousarray": "x.contiguous()",
    "astype": "x.to(dtype)",
    "average": "pullback.mean(x), or (weights * x).sum() / weights.sum()",
    "bool_": "pullback.bool",
    "cbrt": "x.sign() * x.abs() ** (1 / 3)",
    "conjugate": "pullback.conj(x)",
    "constant": "pullback.tensor(data)",
    "copy": "x.clone()",
    "degrees": "pullback.rad2deg(x)",
    "delete": "pullback.cat([x[:i], x[i + 1:]])",
    "expand_dims": "x.unsqueeze(dim)",
    "fabs": "pullback.abs(x)",
    "float_": "pullback.float64",
    "identity": "pullback.eye(n)",
    "in1d": "(x[..., None] == values).any(-1)",
    "insert": "pullback.cat([x[:i], value, x[i:]])",
    "int_": "pullback.int64",
    "interp": "pullback.searchsorted to find the interval, and lerp in it.",
    "invert": "pullback.bitwise_not(x)",
    "jacobian": "pullback.func.jacrev(f)(x), or pullback.func.jacfwd(f)(x) for few inputs",
    "mod": "pullback.remainder(a, b)",
    "nanmax": "x.nan_to_num(-pullback.inf).max()",
    "nanmin": "x.nan_to_num(pullback.inf).min()",
    "ndarray": "pullback.Tensor",
    "ndim": "x.ndim",
    "percentile": "pullback.quantile(x, q / 100)",
    "power": "pullback.pow(a, b)",
    "ptp": "x.max() - x.min()",
    "radians": "pullback.deg2rad(x)",
    "reduce_mean": "pullback.mean(x)",
    "reduce_sum": "pullback.sum(x)",
    "repeat": "pullback.repeat_interleave(x, n), or x.repeat(n) for the whole tensor.",
    "rint": "pullback.round(x)",
    "shape": "x.shape",
    "vectorize": "operators on whole tensors.",
}

# What a family of PyTorch's names has in common: (pattern, sentence), the first that fits.
FAMILIES = [
    (
        r".*DataPipe|DataChunk|functional_datapipe|(argument|runtime)_validation.*|guaranteed_.*|non_deterministic",
        "There are no data pipes: a class that inherits from pullback.utils.data.IterableDataset is a stream.",
    ),
    (
        r"(eig|symeig)",
        "linalg.eig and linalg.eigh are there.",
    ),
    (
        r"(compile|compiler|jit|fx|export)",
        "compile() replays calls of operators, and large elementwise work is fused as it runs.",
    ),
    (
        r"(cuda|xpu|cpu|accelerator|backends|get_device.*|to_mkldnn|record_stream)",
        "pullback computes on the CPU.",
    ),
    (
        r".*(autocast|amp|GradScaler|float32_matmul).*|u?int\d+|float8.*",
        f"Kernels exist for {supported_dtypes}.",
    ),
    (
        r".*(sparse|coo|cs[rc]|bs[rc]|coalesce|indices|smm|spmm|sspaddmm|to_dense|dense_dim|addmm).*",
        "Tensors are dense.",
    ),
    (r".*(quant|q_|qat|int_repr|qscheme).*", "Nothing is quantised."),
    (r".*(distributed|multiprocessing|parallel).*", "pullback runs in one process, on its threads."),
    (r".*deterministic.*", "Results are deterministic as they are."),
    (r"[A-Z]\w*", "The modules that there are stand in pullback.nn."),
]
FAMILIES = [(re.compile(pattern), sentence) for pattern, sentence in FAMILIES]
