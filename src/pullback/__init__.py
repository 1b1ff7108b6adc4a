"""pullback: automatic differentiation of tensor programs, define-by-run."""

__version__ = "0.1.0"

from math import e, inf, nan, pi

from . import _core, attributes, calculus
from ._core import (
    Generator,
    Tensor,
    bfloat16,
    bool,
    complex32,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from .device import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    device,
    get_default_device,
    layout,
    memory_format,
    preserve_format,
    set_default_device,
    strided,
)
from .messages import missing
from .messages.errors import OutOfMemoryError
from .size import Size

_core.set_classes(Size, OutOfMemoryError)

calculus.install(_core)

from . import autograd, operators
from .autograd import (
    enable_grad,
    inference_mode,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .dtypes import ALIASES, finfo, get_default_dtype, iinfo, set_default_dtype
from .operators import later
from .operators.generators import default_generator
from .runtime.threads import (
    get_num_interop_threads,
    get_num_threads,
    set_num_interop_threads,
    set_num_threads,
)

operators.overriding.publish()
globals().update(operators.FUNCTIONS)
globals().update(ALIASES)
for _name, _method in operators.METHODS.items():
    setattr(Tensor, _name, _method)
for _home in later.HOMES:
    for _name in _home.methods:
        setattr(Tensor, _name, later.Later(_name, _home))
attributes.document()
missing.install()
has_lapack, has_mkl, has_openmp, has_spectral = True, False, False, True
newaxis = None  # x[:, newaxis], as NumPy writes it
del _home, _name, _method, ALIASES

# Loaded when they are first asked for: importing pullback costs little more than its core.
_SUBMODULES = {
    "fft",
    "accelerator",
    "amp",
    "backends",
    "compiler",
    "__config__",
    "cpu",
    "cuda",
    "distributed",
    "distributions",
    "func",
    "hub",
    "independent",
    "interop",
    "jit",
    "linalg",
    "masked",
    "memory",
    "mps",
    "nn",
    "onnx",
    "optim",
    "overrides",
    "picture",
    "printing",
    "profiler",
    "quasirandom",
    "random",
    "return_types",
    "serialization",
    "signal",
    "sparse",
    "special",
    "testing",
    "types",
    "utils",
    "version",
    "xpu",
}
_HOMES = {
    "autocast": "amp",
    "checkpoint_loop": "utils.loops",
    "compile": "compiler",
    "GradScaler": "amp",
    "counters": "runtime.fusion",
    "explain": "runtime.fusion",
    "load": "serialization",
    "save": "serialization",
    "set_printoptions": "printing",
    "synchronize": "runtime.fusion",
    "vmap": "func",
    **dict.fromkeys(
        (
            "BFloat16Tensor",
            "BoolTensor",
            "ByteTensor",
            "CharTensor",
            "DoubleTensor",
            "FloatTensor",
            "HalfTensor",
            "IntTensor",
            "LongTensor",
            "ShortTensor",
            "set_default_tensor_type",
        ),
        "typed",
    ),
    **dict.fromkeys(
        (
            "adaptive_avg_pool1d",
            "avg_pool1d",
            "bilinear",
            "celu_",
            "channel_shuffle",
            "conv1d",
            "conv2d",
            "conv3d",
            "conv_transpose1d",
            "conv_transpose2d",
            "conv_transpose3d",
            "conv_tbc",
            "cosine_similarity",
            "max_pool1d",
            "max_pool2d",
            "max_pool3d",
            "native_channel_shuffle",
            "pairwise_distance",
            "pdist",
            "pixel_shuffle",
            "pixel_unshuffle",
            "rms_norm",
            "rrelu",
            "rrelu_",
            "selu_",
            "threshold_",
        ),
        "nn.functional",
    ),
    **dict.fromkeys(
        (
            "alpha_dropout",
            "alpha_dropout_",
            "dropout",
            "dropout_",
            "feature_alpha_dropout",
            "feature_alpha_dropout_",
            "feature_dropout",
            "feature_dropout_",
            "native_dropout",
        ),
        "nn.dropouts",
    ),
    **dict.fromkeys(
        (
            "adaptive_max_pool1d",
            "affine_grid_generator",
            "batch_norm",
            "binary_cross_entropy_with_logits",
            "convolution",
            "cosine_embedding_loss",
            "ctc_loss",
            "embedding",
            "embedding_bag",
            "embedding_renorm_",
            "grid_sampler",
            "grid_sampler_2d",
            "grid_sampler_3d",
            "group_norm",
            "gru",
            "gru_cell",
            "hinge_embedding_loss",
            "instance_norm",
            "kl_div",
            "lstm",
            "lstm_cell",
            "margin_ranking_loss",
            "max_pool1d_with_indices",
            "native_batch_norm",
            "native_group_norm",
            "native_layer_norm",
            "norm_except_dim",
            "poisson_nll_loss",
            "rnn_relu",
            "rnn_relu_cell",
            "rnn_tanh",
            "rnn_tanh_cell",
            "triplet_margin_loss",
        ),
        "nn.plain",
    ),
    **dict.fromkeys(
        (
            "are_deterministic_algorithms_enabled",
            "clear_autocast_cache",
            "get_autocast_cpu_dtype",
            "get_autocast_dtype",
            "get_autocast_gpu_dtype",
            "get_deterministic_debug_mode",
            "get_device",
            "get_device_module",
            "get_float32_matmul_precision",
            "is_autocast_cache_enabled",
            "is_autocast_cpu_enabled",
            "is_autocast_enabled",
            "is_deterministic_algorithms_warn_only_enabled",
            "is_warn_always_enabled",
            "set_anomaly_enabled",
            "set_deterministic_debug_mode",
            "set_float32_matmul_precision",
            "set_flush_denormal",
            "set_warn_always",
            "typename",
            "use_deterministic_algorithms",
        ),
        "switches",
    ),
    **{name: home.package for home in later.HOMES for name in home.functions},
}


def __getattr__(name):
    import importlib

    try:
        if name in _SUBMODULES:
            return importlib.import_module(f"pullback.{name}")
        if name in _HOMES:
            value = getattr(importlib.import_module(f"pullback.{_HOMES[name]}"), name)
            globals()[name] = value
            return value
    except ModuleNotFoundError as error:
        if error.name != f"pullback.{name}":  # the module is there, what it needs is not
            raise
    raise missing.missing(__name__, name)


def __dir__():
    # Python makes every module that was imported an attribute: not all of them are meant to be found.
    plain = {name for name, value in globals().items() if type(value) is not type(_core)}
    found = plain | _SUBMODULES | set(_HOMES) | {"autograd", "calculus"}
    return sorted([name for name in found if name[0] != "_" and "." not in name] + ["__version__"])
