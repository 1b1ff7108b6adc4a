"""PyTorch's private names that libraries use all the same: `names("nn.modules.utils")`.

They are few, and made of what is public here.
"""

from itertools import accumulate

import pullback

from ..nn.reduction import reduction_of
from ..optim import lbfgs


def names(path):
    """The names that PyTorch's file of this path below `torch` has besides public ones."""
    return MADE[path]() if path in MADE else {}


def _core():
    found = pullback.overrides
    return {
        "DisableTorchFunction": found.DisableTorchFunction,
        "DisableTorchFunctionSubclass": found.DisableTorchFunctionSubclass,
        "Generator": pullback.Generator,
        "TensorBase": pullback.Tensor,
        "_TensorBase": pullback.Tensor,
        "_disabled_torch_function_impl": pullback._core._disabled_torch_function_impl,
    }


def _tuples():
    def as_many(n):
        return lambda x: tuple(x) if hasattr(x, "__iter__") else (x,) * n

    many = ("_single", "_pair", "_triple", "_quadruple")
    return {name: as_many(n) for n, name in enumerate(many, 1)} | {"_ntuple": as_many}


def _losses():
    class _Loss(pullback.nn.Module):
        def __init__(self, size_average=None, reduce=None, reduction="mean"):
            super().__init__()
            self.reduction = reduction_of(reduction, size_average, reduce)

    class _WeightedLoss(_Loss):
        def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean"):
            super().__init__(size_average, reduce, reduction)
            self.register_buffer("weight", weight)

    return {"_Loss": _Loss, "_WeightedLoss": _WeightedLoss}


def _line_search():
    def strong_wolfe(obj_func, x, t, d, f, g, gtd, c1=1e-4, c2=0.9, tolerance_change=1e-9, max_ls=25):
        return lbfgs._strong_wolfe(
            lambda step: obj_func(x, step, d), t, d, f, g, float(gtd), c1, c2, tolerance_change, max_ls
        )

    return {"_strong_wolfe": strong_wolfe, "_cubic_interpolate": lbfgs._cubic}


def _jacobians():
    def basis(tensors, tensor_numels):
        whole = pullback.eye(sum(tensor_numels), dtype=tensors[0].dtype)
        ends = accumulate(tensor_numels)
        return tuple(
            [
                whole[:, end - n : end].to(each.dtype)
                for end, n, each in zip(ends, tensor_numels, tensors, strict=True)
            ]
        )

    def results(inputs, create_graph):
        if isinstance(inputs, pullback.Tensor):
            return inputs if create_graph else inputs.detach()
        return tuple([results(each, create_graph) for each in inputs])

    def packed(given, arg_name=None, fn_name=None):
        if isinstance(given, pullback.Tensor):
            return False, (given,)
        return True, tuple(given)

    def unpacked(given, which):
        if isinstance(which, tuple):
            given = tuple([unpacked(each, which[1]) for each in given])
            which = which[0]
        return given if which else given[0]

    return {
        "_as_tuple": packed,
        "_construct_standard_basis_for": basis,
        "_grad_postprocess": results,
        "_tuple_postprocess": unpacked,
    }


def _vmap():
    def mapped(func, in_dims=0, out_dims=0, allow_none_pass_through=False):
        return pullback.func.vmap(func, in_dims, out_dims)

    return {"_vmap": mapped, "vmap": pullback.func.vmap}


MADE = {
    "_C": _core,
    "_vmap_internals": _vmap,
    "autograd.functional": _jacobians,
    "nn.modules.loss": _losses,
    "nn.modules.utils": _tuples,
    "optim.lbfgs": _line_search,
}
