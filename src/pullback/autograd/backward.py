"""Gradients: `grad`, and `backward`, which accumulates into `.grad`."""

import warnings
from collections.abc import Mapping

from .. import _core
from .._core import Tensor
from ..operators.declare import composed
from .graph import GradientEdge

_GRAPH_CYCLE = (
    "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient "
    "which can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you "
    "have to use this function, make sure to reset the .grad fields of your parameters to None after use to break "
    "the cycle and avoid the leak."
)
_warned = False


def _as_tuple(value, what):
    if value is None:
        return ()
    if isinstance(value, (Tensor, GradientEdge)):
        return (value,)
    if isinstance(value, Mapping):
        return tuple(value.values())
    try:
        return tuple(value)
    except TypeError:
        raise TypeError(
            f"'{type(value).__name__}' object is not iterable. {what} is a tensor or a sequence of tensors."
        ) from None


def cotangents_for(outputs, grads, batched=False):
    """One gradient (or None) an output, checked."""
    if grads is None:
        return (None,) * len(outputs)
    grads = _as_tuple(grads, "grad_outputs") if not isinstance(grads, Tensor) else (grads,)
    for index, (output, grad) in enumerate(zip(outputs, grads)):
        if grad is None:
            continue
        if not isinstance(grad, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(grad).__name__}")
        shape = grad.shape[1:] if batched else grad.shape
        wanted = (
            output.shape
            if isinstance(output, Tensor)
            else output.node._input_metadata[output.output_nr].shape
        )
        if shape != wanted:
            if batched:
                raise RuntimeError(
                    f"If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch "
                    f"dimension. The sizes of the remaining dimensions are expected to match the shape of corresponding "
                    f"output, but a mismatch was detected: grad_output[{index}] has a shape of {grad.shape} and "
                    f"output[{index}] has a shape of {wanted}."
                )
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{index}] has a shape of {grad.shape} and output[{index}] has a shape "
                f"of {wanted}. The gradient says how much each element of the output counts, so the two have one "
                f"shape."
            )
        if isinstance(output, Tensor) and output.dtype.is_complex != grad.dtype.is_complex:
            raise RuntimeError(
                "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in "
                f"dtype: grad_output[{index}] has a dtype of {grad.dtype} and output[{index}] has a dtype of "
                f"{output.dtype}."
            )
    if len(grads) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(grads)} gradients")
    return grads


@composed(method=False, public=False)
def backward(
    tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None
):
    """Accumulate the gradients of `tensors` into the `.grad` of the leaves they were computed from.

    Args:
        tensors: a tensor or several, of any shape.
        grad_tensors: for each the cotangent it starts with, of the same shape; None means 1, for scalars only.
        retain_graph: keep what the graph saved, so that it can be walked again; by default it is freed, except
            under `create_graph`.
        create_graph: record the backward pass itself, so that the gradients can be differentiated.
        inputs: accumulate into these tensors only.

    Raises:
        RuntimeError: for outputs that do not require grad, non-scalars without a gradient, mismatched shapes, a
            graph that was freed, saved values that were overwritten.

    Example:
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> pb.autograd.backward([x.sum(), (x * x).sum()])
        >>> x.grad
        tensor([3., 5.])
    """
    if grad_variables is not None:
        warnings.warn(
            "`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2
        )
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only use "
                "`grad_tensors`."
            )
        grad_tensors = grad_variables
    accumulate(tensors, grad_tensors, retain_graph, create_graph, inputs, stacklevel=3)


def accumulate(tensors, grad_tensors, retain_graph, create_graph, inputs, stacklevel):
    """`backward`, which a warning reaches through `stacklevel` frames."""
    if _core.in_transform():
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use functorch.grad or "
            "functorch.vjp instead or call backward() outside of functorch transforms. It would change the .grad of "
            "leaves, which nobody outside of the transform knows of: autograd.grad gives gradients and changes nothing."
        )
    tensors = _as_tuple(tensors, "tensors")
    chosen = ()
    if inputs is not None:
        chosen = _as_tuple(inputs, "inputs")
        if not chosen:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
        for leaf in chosen:
            if isinstance(leaf, Tensor) and not (leaf.requires_grad and leaf.is_leaf):
                _core.retain_grad(leaf)
    if create_graph:
        _warn_cycle(stacklevel + 1)
    _core.run_backward(
        tensors,
        cotangents_for(tensors, grad_tensors),
        chosen,
        create_graph if retain_graph is None else bool(retain_graph),
        bool(create_graph),
        True,
        True,
    )


def _warn_cycle(stacklevel):
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(_GRAPH_CYCLE, UserWarning, stacklevel=stacklevel)


@composed(method=False, public=False)
def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph=False,
    only_inputs=True,
    allow_unused=None,
    is_grads_batched=False,
    materialize_grads=False,
):
    """The gradients of `outputs` with respect to `inputs`; nothing is accumulated anywhere.

    Args:
        outputs: a tensor or several; of several the gradients are summed.
        inputs: a tensor, a sequence of tensors, or a dictionary of them.
        grad_outputs: for each output the cotangent it starts with; None means 1, for scalars only.
        retain_graph, create_graph: as for `backward`.
        allow_unused: give None for an input that no output depends on, instead of raising.
        is_grads_batched: the first dimension of each cotangent is a batch: one gradient for each of its entries.
        materialize_grads: zeros instead of None for unused inputs.

    Returns:
        A tuple with one gradient an input, of its shape and dtype (for a dictionary: a dictionary).

    Raises:
        RuntimeError: for inputs that are unused or do not require grad, and as `backward`.

    Example:
        >>> x = pb.tensor(2.0, requires_grad=True)
        >>> (first,) = pb.autograd.grad(x**3, x, create_graph=True)
        >>> (second,) = pb.autograd.grad(first, x)
        >>> first.item(), second.item()
        (12.0, 12.0)
    """
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other "
            "parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    if allow_unused is None:
        allow_unused = materialize_grads
    outputs = _as_tuple(outputs, "outputs")
    keys = tuple(inputs) if isinstance(inputs, Mapping) else None
    inputs = _as_tuple(inputs, "inputs")
    if not inputs:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    for point in inputs:
        if not isinstance(point, Tensor | GradientEdge):
            raise RuntimeError(
                f"all inputs have to be Tensors or GradientEdges, but got {type(point).__name__}. Parameters of a module are "
                f"list(module.parameters())."
            )
    cotangents = cotangents_for(outputs, grad_outputs, is_grads_batched)
    retain = create_graph if retain_graph is None else bool(retain_graph)
    if is_grads_batched:
        results = _batched(outputs, inputs, cotangents, retain, create_graph, allow_unused)
    else:
        results = _core.run_backward(
            outputs, cotangents, inputs, retain, bool(create_graph), bool(allow_unused), False
        )
    if materialize_grads:
        if any(g is None and isinstance(point, GradientEdge) for g, point in zip(results, inputs)):
            raise RuntimeError(
                "materialize_grads cannot be used when the given input is a GradientEdge. No output depends on it, and it "
                "has no tensor to take zeros like."
            )
        results = tuple(
            [tensor.new_zeros(tensor.shape) if g is None else g for g, tensor in zip(results, inputs)]
        )
    return results if keys is None else dict(zip(keys, results))


def _batched(outputs, inputs, cotangents, retain, create_graph, allow_unused):
    """One backward pass of cotangents that vary along an axis which nobody sees (pullback.func.vmap)."""
    sizes = {c.shape[0] for c in cotangents if c is not None}
    if len(sizes) != 1:
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sorted(sizes)} for the "
            f"mapped dimension. With is_grads_batched=True the first dimension of each grad_output is the batch."
            if sizes
            else "vmap: Expected at least one Tensor to vmap over: is_grads_batched=True wants grad_outputs."
        )
    (size,) = sizes
    level = _core.open_map(size, 0)
    try:
        mapped = tuple([None if c is None else _core.map_axis(c, level, 0) for c in cotangents])
        found = _core.run_backward(
            outputs, mapped, inputs, retain, bool(create_graph), bool(allow_unused), False
        )
    finally:
        _core.close_map(level)
    return tuple([None if g is None else _core.unmap_axis(g, level, 0, size) for g in found])
