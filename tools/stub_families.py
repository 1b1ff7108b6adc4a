"""Stubs of the families of distributions and of transforms, from the classes: their parameters, typed by their names.

What all of them have stands in the base's stub, `distribution.pyi`, written by hand.
"""

import importlib
import inspect

import pullback.distributions as distributions
from pullback.distributions import transforms

NUMBER = "Tensor | float"
TYPES = {
    "validate_args": "bool | None",
    "total_count": "Tensor | int",
    "dim": "int",
    "event_dim": "int",
    "cache_size": "int",
    "reinterpreted_batch_ndims": "int",
    "base_distribution": "Distribution",
    "distribution": "Distribution",
    "component_distribution": "Distribution",
    "mixture_distribution": "Categorical",
    "transforms": "Transform | Sequence[Transform]",
    "base_transform": "Transform",
    "parts": "Sequence[Transform]",
    "tseq": "Sequence[Transform]",
    "lengths": "Sequence[int] | None",
    "in_shape": "Sequence[int]",
    "out_shape": "Sequence[int]",
    "batch_shape": "Sequence[int]",
    "event_shape": "Sequence[int]",
    "lims": "tuple[float, float]",
    "covariance_matrix": "Tensor | None",
    "precision_matrix": "Tensor | None",
    "scale_tril": "Tensor | None",
    "probs": f"{NUMBER} | None",
    "logits": f"{NUMBER} | None",
}
# What an object has of what it was made with: other names, and what is not of tensors.
RENAMED = {"base_distribution": "base_dist", "tseq": "transforms"}
HELD = {
    "dim": "int",
    "event_dim": "int",
    "reinterpreted_batch_ndims": "int",
    "base_dist": "Distribution",
    "distribution": "Distribution",
    "component_distribution": "Distribution",
    "mixture_distribution": "Categorical",
    "transforms": "list[Transform]",
    "base_transform": "Transform",
    "parts": "list[Transform]",
    "lengths": "list[int]",
    "param_shape": "Size",
    "in_shape": "Size",
    "out_shape": "Size",
    "total_count": "Any",  # of a Multinomial a number
}
NOT_HELD = {"validate_args", "cache_size", "batch_shape", "event_shape", "lims"}


def bases(kind, public):
    """The nearest classes above that have names."""
    for each in kind.__mro__[1:]:
        if each.__name__ in public and public[each.__name__] is each:
            return each
    return object


def family(name, kind, public):
    """The lines of one class."""
    above = bases(kind, public)
    known = {*dir(above), "domain", "codomain"}
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    texts, lines = ["self"], []
    for p in parameters:
        texts.append(
            f"{p.name}: {TYPES.get(p.name, NUMBER)}" + (" = ..." if p.default is not p.empty else "")
        )
    if "__init__" in vars(kind) or above is object:
        lines.append(f"    def __init__({', '.join(texts)}) -> None: ...")
    held = [RENAMED.get(p.name, p.name) for p in parameters if p.name not in NOT_HELD]
    for each in dict.fromkeys([*held, *(n for n in vars(kind) if n[0] != "_" and n not in known)]):
        value = inspect.getattr_static(kind, each, None)
        if inspect.isfunction(value):
            given = "".join(f", {n}: Any" for n in list(inspect.signature(value).parameters)[1:])
            lines.append(f"    def {each}(self{given}) -> Tensor: ...")
        elif value is not None and hasattr(type(value), "__get__"):
            lines += ["    @property", f"    def {each}(self) -> {HELD.get(each, 'Tensor')}: ..."]
        elif each in held and each not in known:
            lines.append(f"    {each}: {HELD.get(each, 'Tensor')}")
    return [f"class {name}({above.__name__}):" + ("" if lines else " ..."), *lines]


def ordered(classes):
    """Bases before what inherits from them."""
    return sorted(classes, key=lambda name: (len(classes[name].__mro__), name))


def head(module, *imports):
    return [
        f'"""Types of `{module}`. Written by tools/stubs.py; do not edit."""',
        "",
        *imports,
        "",
    ]


def families_stub():
    named = {name: getattr(distributions, name) for name in distributions.__all__}
    classes = {
        n: v for n, v in named.items() if inspect.isclass(v) and issubclass(v, distributions.Distribution)
    }
    lines = head(
        "pullback.distributions",
        "from collections.abc import Sequence",
        "from typing import Any",
        "",
        "from pullback import Size, Tensor",
        "",
        "from . import constraints as constraints, kl as kl, transforms as transforms",
        "from .constraint_registry import biject_to as biject_to, transform_to as transform_to",
        "from .distribution import Distribution as Distribution",
        "from .kl import kl_divergence as kl_divergence, register_kl as register_kl",
        *(f"from .transforms import {n} as {n}" for n in transforms.__all__),
    )
    for name in ordered(classes):
        if name != "Distribution":
            lines += [*family(name, classes[name], classes), ""]
    return "\n".join(lines).rstrip() + "\n"


BASE = """class Transform:
    bijective: bool
    domain: Constraint
    codomain: Constraint
    def __init__(self, cache_size: int = ...) -> None: ...
    @property
    def event_dim(self) -> int: ...
    @property
    def inv(self) -> Transform: ...
    @property
    def sign(self) -> Any: ...
    def with_cache(self, cache_size: int = ...) -> Any: ...
    def __call__(self, x: Tensor) -> Tensor: ...
    def __eq__(self, other: object) -> bool: ...
    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor: ...
    def forward_shape(self, shape: Sequence[int]) -> Sequence[int]: ...
    def inverse_shape(self, shape: Sequence[int]) -> Sequence[int]: ...
"""


def helpers(module):
    """The lines of what a module defines for others of the package."""
    made = importlib.import_module(f"pullback.distributions.{module}")
    functions = [
        (name, list(inspect.signature(value).parameters.values()))
        for name, value in vars(made).items()
        if name[0] == "_" != name[1] and inspect.isfunction(value) and value.__module__ == made.__name__
    ]
    if not functions:
        return []
    lines = [
        f"def {n}({', '.join(f'{p.name}: Any' + ' = ...' * (p.default is not p.empty) for p in parameters)}) -> Any: ..."
        for n, parameters in functions
    ]
    return ["from typing import Any", "", *lines]


def family_stubs():
    """The modules of one family, {file: text}: the package declares their classes."""
    classes = {}
    for name, module in distributions._FAMILIES.items():
        classes.setdefault(module, []).append(name)
    own = ("constraints", "distribution", "kl", "transforms")  # have stubs of their own
    return {
        f"{module}.pyi": "\n".join(
            [
                *head(f"pullback.distributions.{module}")[:2],
                *(helper[:2] if (helper := helpers(module)) else ()),
                f"from . import {', '.join(f'{name} as {name}' for name in names)}",
                *(["", *helper[2:]] if helper else ()),
                "",
            ]
        )
        for module, names in classes.items()
        if module not in own
    }


def transforms_stub():
    classes = {
        n: getattr(transforms, n) for n in transforms.__all__ if inspect.isclass(getattr(transforms, n))
    }
    lines = head(
        "pullback.distributions.transforms",
        "from collections.abc import Sequence",
        "from typing import Any",
        "",
        "from pullback import Size, Tensor",
        "",
        "from .constraints import Constraint",
        "from .distribution import Distribution",
    )
    lines += [*BASE.splitlines(), ""]
    for name in ordered(classes):
        if name != "Transform":
            lines += [*family(name, classes[name], classes), ""]
    return "\n".join([*lines, "identity_transform: ComposeTransform"]) + "\n"
