"""What is not there and who has it: PyTorch's names without a counterpart here, the names that NumPy and others use for
what has one, and what to write instead. Read by `hints`, when an error is on its way.
"""

import re

from .._core import supported_dtypes

# Module -> names of PyTorch's that it lacks; those of tensors are in missing.py.
PYTORCH = {
    "pullback": """
        GradScaler accelerator adaptive_max_pool1d addmv_ affine_grid_generator amp angle as_strided_
        autocast backends bartlett_window batch_norm binary_cross_entropy_with_logits blackman_window chalf
        clear_autocast_cache compile compiler complex complex32 conj conj_physical conj_physical_ conv_tbc
        convolution cosine_embedding_loss cpu ctc_loss cuda dequantize distributed distributions eig
        embedding embedding_bag embedding_renorm_ empty_permuted empty_quantized export fft float8_e4m3fn
        float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu frobenius_norm from_file functional fx
        get_autocast_dtype get_device_module grid_sampler grid_sampler_2d grid_sampler_3d gru gru_cell
        hamming_window hann_window has_lapack has_mkl has_openmp has_spectral hinge_embedding_loss imag
        instance_norm int_repr is_autocast_cache_enabled is_autocast_enabled is_conj is_neg istft jit
        kaiser_window kl_div lobpcg lstm lstm_cell lstsq margin_ranking_loss matrix_rank
        max_pool1d_with_indices multiprocessing norm_except_dim nuclear_norm pca_lowrank poisson_nll_loss
        polar qscheme quantization quantize_per_channel quantize_per_tensor quantize_per_tensor_dynamic real
        resolve_conj resolve_neg rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell segment_reduce
        set_anomaly_enabled set_autocast_cache_enabled set_autocast_dtype set_autocast_enabled
        set_flush_denormal signal slice_inverse solve sparse_bsc_tensor sparse_bsr_tensor
        sparse_compressed_tensor sparse_coo_tensor sparse_csc_tensor sparse_csr_tensor spmm sspaddmm stft
        storage svd_lowrank symeig testing to_dlpack triplet_margin_loss uint16 uint32 uint64
        view_as_complex view_as_real xpu
    """,
    "nn": """
        CrossMapLRN2d LinearCrossEntropyLoss NLLLoss2d SyncBatchNorm grad
        intrinsic parallel qat quantizable quantized
    """,
    "nn.functional": """
        adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices
        fractional_max_pool2d_with_indices fractional_max_pool3d_with_indices grouped_mm
        linear_cross_entropy max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices
        scaled_grouped_mm scaled_mm
    """,
    "linalg": """
        eig eigvals
    """,
    "func": """
        replace_all_batch_norm_modules_
    """,
    "utils": """
        backcompat benchmark bottleneck bundled_inputs collect_env cpp_extension data deterministic dlpack
        mkldnn mobile_optimizer model_zoo serialization tensorboard
    """,
    "utils.checkpoint": """
        DefaultDeviceType get_device_states set_device_states
    """,
}

# Name -> what to write instead: an expression, or a sentence where it ends with a full stop.
INSTEAD = {
    "as_strided_": "x.as_strided(size, stride)",
    "assign": "x.copy_(other)",
    "astype": "x.to(dtype)",
    "at": "x[index] = value, or x.index_put_((indices,), values, accumulate=True).",
    "base": "x._base",
    "binary_cross_entropy_with_logits": "pullback.nn.functional.binary_cross_entropy_with_logits(z, target)",
    "block_until_ready": "pullback.synchronize()",
    "choose": "pullback.where(condition, a, b), or x.gather(dim, indices)",
    "compress": "x[mask]",
    "conj": "x itself: tensors are real.",
    "copy": "x.clone()",
    "ctypes": "x.data_ptr()",
    "dropna": "x[~x.isnan()]",
    "embedding": "pullback.nn.functional.embedding(indices, weight)",
    "fill": "pullback.full_like(x, value), or x.fill_(value) in place.",
    "fillna": "x.nan_to_num(value)",
    "flat": "x.flatten()",
    "frobenius_norm": "x.norm()",
    "functional": "pullback.nn.functional, or pullback itself.",
    "data": "for rows in pullback.randperm(len(x)).split(64): x[rows].",
    "head": "x[:n]",
    "iloc": "x[index]",
    "index": "x[indices]",
    "isna": "x.isnan()",
    "itemset": "x[index] = value",
    "kl_div": "pullback.nn.functional.kl_div(log_p, target)",
    "apply": "operators on whole tensors; what is no operator: x.apply_(f) in place.",
    "map": "operators on whole tensors; what is no operator: pullback.tensor([f(v) for v in x.tolist()]).",
    "notna": "~x.isnan()",
    "parameters": "a list of tensors that require grad; those of a pullback.nn.Module are module.parameters().",
    "partition": "x.sort()",
    "pin_memory": "x itself: memory is pinned for accelerators only.",
    "ptp": "x.max() - x.min()",
    "set_anomaly_enabled": "pullback.autograd.set_detect_anomaly(True)",
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
    "conj": "conjugate resolve_conj resolve_neg",
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
    "conjugate": "x itself: tensors are real.",
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
        r".*(conv|pool|fold|pad\d|upsampl|interpolate|grid_sample|affine_grid|pixel_|channel_?shuffle).*",
        "Convolutions, pooling and images are in pullback.nn.functional.",
    ),
    (r"(rnn|lstm|gru).*", "Recurrent networks are modules: pullback.nn.RNN, LSTM, GRU, and their cells."),
    (r".*(fft|_window|signal)|i?stft", "There is no FFT yet; numpy.fft works on x.detach().numpy()."),
    (
        r"(eig|eigvals|symeig|lobpcg|svd_lowrank|pca_lowrank|nuclear_norm|frobenius_norm)",
        "Eigenvalues of matrices that are not symmetric are complex, which nothing computes with yet: numpy.linalg works on "
        "x.detach().numpy(). linalg.eigh, linalg.svdvals and linalg.matrix_norm are there.",
    ),
    (
        r"(compile|compiler|jit|fx|export)",
        "There is nothing to compile: large elementwise work is fused as it runs.",
    ),
    (
        r"(cuda|xpu|cpu|accelerator|backends|get_device.*|to_mkldnn|record_stream|share_memory_|is_shared)",
        "pullback computes on the CPU.",
    ),
    (
        r".*(autocast|amp|GradScaler|float32_matmul).*|u?int\d+|float8.*|chalf",
        f"Kernels exist for {supported_dtypes}.",
    ),
    (r".*(complex|conj|angle|polar|is_neg).*|real|imag", "Complex numbers have no kernels yet."),
    (
        r".*(sparse|coo|cs[rc]|bs[rc]|coalesce|indices|smm|spmm|sspaddmm|to_dense|dense_dim|addmm).*",
        "Tensors are dense.",
    ),
    (r".*(quant|q_|qat|int_repr|qscheme).*", "Nothing is quantised."),
    (r".*(distributed|multiprocessing|parallel).*", "pullback runs in one process, on its threads."),
    (r".*deterministic.*", "Results are deterministic as they are."),
    (r"[A-Z]\w*", "The modules that there are stand in pullback.nn."),
    (r".*loss", "Losses are in pullback.nn.functional."),
]
FAMILIES = [(re.compile(pattern), sentence) for pattern, sentence in FAMILIES]
