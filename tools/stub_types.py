"""What tools/stubs.py knows of types: of parameters by their names, and of results."""

TYPES = {
    "input": "Tensor",
    "A": "Tensor",
    "B": "Tensor",
    "LU": "Tensor",
    "LD": "Tensor",
    "pivots": "Tensor",
    "self": "Tensor",
    "tensors": "Sequence[Tensor]",
    "out": "Tensor | None",
    "dtype": "_DTypeLike | None",
    "keepdim": "builtins.bool",
    "dim": "builtins.int | Sequence[builtins.int] | None",
    "requires_grad": "builtins.bool",
    "inplace": "builtins.bool",
    "descending": "builtins.bool",
    "stable": "builtins.bool",
    "generator": "Generator | None",
    "retain_graph": "builtins.bool | None",
    "create_graph": "builtins.bool",
    "hook": "Callable[[Tensor], Any]",
    **dict.fromkeys(("M", "n_fft", "window_length"), "builtins.int"),
    **dict.fromkeys(("normalized", "periodic", "sym"), "builtins.bool"),
}
# What does not return a tensor; of C++ functions the core knows more (tools/stubs.py).
RETURNS = {
    "item": "_Number",
    "tolist": "Any",
    "numpy": "npt.NDArray[Any]",
    "register_hook": "RemovableHandle",
    "register_post_accumulate_grad_hook": "RemovableHandle",
    "is_signed": "builtins.bool",
    "is_nonzero": "builtins.bool",
    "is_same_size": "builtins.bool",
    "is_pinned": "builtins.bool",
    "is_inference": "builtins.bool",
    "get_device": "builtins.int",
    "type": "Any",
    "initial_seed": "builtins.int",
    "seed": "builtins.int",
    "manual_seed": "Generator",
    "set_rng_state": "None",
    "cuda": "Any",
    "backward": "None",
    "retain_grad": "None",
    "is_tensor": "builtins.bool",
    "is_floating_point": "builtins.bool",
    "is_complex": "builtins.bool",
    "allclose": "builtins.bool",
    "data_ptr": "builtins.int",
    "broadcast_shapes": "Size",
    **dict.fromkeys(("gradient", "split_copy", "split_with_sizes_copy", "unbind_copy"), "tuple[Tensor, ...]"),
    "unravel_index": "tuple[Tensor, ...]",
    "typename": "str",
    "are_deterministic_algorithms_enabled": "builtins.bool",
    "is_deterministic_algorithms_warn_only_enabled": "builtins.bool",
    "is_warn_always_enabled": "builtins.bool",
    "get_deterministic_debug_mode": "builtins.int",
    "get_float32_matmul_precision": "str",
    **dict.fromkeys(
        (
            "set_default_tensor_type",
            "set_deterministic_debug_mode",
            "set_float32_matmul_precision",
            "set_warn_always",
            "use_deterministic_algorithms",
        ),
        "None",
    ),
    "pullback.nn.plain.tables.embedding_bag": "tuple[Tensor, Tensor, Tensor, Tensor]",
    "is_masked_tensor": "builtins.bool",
    **dict.fromkeys(("is_distributed", "is_shared"), "builtins.bool"),
    "is_autocast_cpu_enabled": "builtins.bool",
    "const_data_ptr": "builtins.int",
    "dim_order": "tuple[builtins.int, ...]",
    **dict.fromkeys(
        "sym_float sym_int sym_ite sym_max sym_min sym_not sym_sqrt sym_sum to_dlpack".split(), "Any"
    ),
    **dict.fromkeys(("as_masked_tensor", "masked_tensor"), "MaskedTensor"),
    "meshgrid": "tuple[Tensor, ...]",
    **dict.fromkeys(
        """
        pullback.nn.plain.images.adaptive_max_pool1d gru lstm_cell max_pool1d_with_indices native_dropout rnn_relu rnn_tanh
        """.split(),
        "tuple[Tensor, Tensor]",
    ),
    "lobpcg": "tuple[Tensor, Tensor]",
    **dict.fromkeys(
        "lstm pca_lowrank svd_lowrank native_batch_norm native_group_norm native_layer_norm".split(),
        "tuple[Tensor, Tensor, Tensor]",
    ),
}
ANY = set("unique unique_consecutive".split())  # one tensor or several, as they are called
_OUT = "*, out: Any = ..."


def _reduced(name):
    """Of everything a tensor; along a dimension values and indices; of two tensors the larger or smaller."""
    two = name in ("max", "min")
    out = _OUT + (", other: None = ..." if two else "")
    forms = [
        ("{first}, dim: None = ..., keepdim: builtins.bool = ..., " + out, "Tensor"),
        ("{first}, dim: builtins.int, keepdim: builtins.bool = ..., " + out, f"return_types.{name}"),
    ]
    if two:
        forms.append(("{first}, dim: Tensor, keepdim: builtins.bool = ..., " + out, "Tensor"))
        forms.append(
            ("{first}, dim: None = ..., keepdim: builtins.bool = ..., " + _OUT + ", other: Tensor", "Tensor")
        )
    return forms


_SIZES = [("{first}, dim: None = ...", "Size"), ("{first}, dim: builtins.int", "builtins.int")]
_CONVERSION = "non_blocking: builtins.bool = ..., copy: builtins.bool = ..., *, memory_format: Any = ..."
# What a result is follows from the arguments: (parameters, result) for each form.
OVERLOADS = {
    **{name: _reduced(name) for name in ("max", "min", "median", "nanmedian")},
    "size": _SIZES,
    "stride": [("{first}, dim: None = ...", "tuple[builtins.int, ...]"), _SIZES[1]],
    "to": [
        ("self, dtype: _dtype | type | None, " + _CONVERSION, "Tensor"),
        (
            "self, device: _device | str | builtins.int | None = ..., dtype: Any = ..., " + _CONVERSION,
            "Tensor",
        ),
        ("self, other: Tensor, " + _CONVERSION, "Tensor"),
    ],
    "nonzero": [
        ("{first}, *, as_tuple: Literal[False] = ..., out: Tensor | None = ...", "Tensor"),
        ("{first}, *, as_tuple: Literal[True]", "tuple[Tensor, ...]"),
    ],
}
WHERE = [  # of the function; the method has one form
    ("condition: Tensor", "tuple[Tensor, ...]"),
    ("condition: Tensor, input: Any, other: Any", "Tensor"),
]
ATTRIBUTES = {
    "shape": "Size",
    "dtype": "_dtype",
    "ndim": "builtins.int",
    "requires_grad": "builtins.bool",
    "grad": "Tensor | None",
    "grad_fn": "Any",
    "is_leaf": "builtins.bool",
    "data": "Tensor",
    "T": "Tensor",
    "mT": "Tensor",
    "grad_dtype": "_dtype | None",
    "retains_grad": "builtins.bool",
    "output_nr": "builtins.int",
    "device": "_device",
    "itemsize": "builtins.int",
    "nbytes": "builtins.int",
    "H": "Tensor",
    "mH": "Tensor",
    "real": "Tensor",
    "imag": "Tensor",
    "layout": "Any",
    "is_cpu": "builtins.bool",
    "is_cuda": "builtins.bool",
    "is_meta": "builtins.bool",
    "is_mkldnn": "builtins.bool",
    "is_quantized": "builtins.bool",
    "is_sparse": "builtins.bool",
    **dict.fromkeys(
        "is_ipu is_maia is_mps is_mtia is_nested is_sparse_csr is_vulkan is_xla is_xpu".split(),
        "builtins.bool",
    ),
}
