"""Types of `pullback.autograd`."""

from collections.abc import Mapping, Sequence
from typing import TypeVar, Union, overload

from .. import Tensor
from . import forward_ad as forward_ad, function as function, functional as functional
from . import grad_mode as grad_mode, graph as graph, leaks as leaks, profiler as profiler, variable as variable
from .function import Function as Function
from .gradcheck import gradcheck as gradcheck, gradgradcheck as gradgradcheck
from .graph import GradientEdge
from .grad_mode import enable_grad as enable_grad, inference_mode as inference_mode, no_grad as no_grad
from .grad_mode import is_grad_enabled as is_grad_enabled, set_grad_enabled as set_grad_enabled
from .grad_mode import NeedsCall, enforce_grad_layout_policy as enforce_grad_layout_policy
from .grad_mode import is_inference_mode_enabled as is_inference_mode_enabled
from .grad_mode import is_multithreading_enabled as is_multithreading_enabled
from .grad_mode import set_multithreading_enabled as set_multithreading_enabled

from .leaks import detect_leaks as detect_leaks
from .variable import Variable as Variable

_K = TypeVar("_K")
_Point = Union[Tensor, GradientEdge]
_Points = Union[_Point, Sequence[_Point]]
_Cotangents = Union[Tensor, Sequence[Tensor | None], None]

def backward(
    tensors: _Points,
    grad_tensors: _Cotangents = ...,
    retain_graph: bool | None = ...,
    create_graph: bool = ...,
    grad_variables: _Cotangents = ...,
    inputs: _Points | None = ...,
) -> None: ...
@overload
def grad(
    outputs: _Points,
    inputs: Mapping[_K, Tensor],
    grad_outputs: _Cotangents = ...,
    retain_graph: bool | None = ...,
    create_graph: bool = ...,
    only_inputs: bool = ...,
    allow_unused: bool | None = ...,
    is_grads_batched: bool = ...,
    materialize_grads: bool = ...,
) -> dict[_K, Tensor]: ...
@overload
def grad(
    outputs: _Points,
    inputs: _Points,
    grad_outputs: _Cotangents = ...,
    retain_graph: bool | None = ...,
    create_graph: bool = ...,
    only_inputs: bool = ...,
    allow_unused: bool | None = ...,
    is_grads_batched: bool = ...,
    materialize_grads: bool = ...,
) -> tuple[Tensor, ...]: ...

class detect_anomaly(metaclass=NeedsCall):
    def __init__(self, check_nan: bool = ...) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *error: object) -> None: ...

class set_detect_anomaly(metaclass=NeedsCall):
    def __init__(self, mode: bool, check_nan: bool = ...) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *error: object) -> None: ...

def is_anomaly_enabled() -> bool: ...
def is_anomaly_check_nan_enabled() -> bool: ...
