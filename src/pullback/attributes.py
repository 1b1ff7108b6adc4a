"""The documentation of what the core itself defines: types, and the attributes that are C-level state."""

from . import _core
from .written import Written

_TENSOR = """A block of numbers of one dtype, with a shape, and its part in a recorded computation.

Tensors are made by `tensor`, `zeros`, `randn` and their kin. With ``requires_grad=True`` what is computed from one is
recorded, and `backward` on a result fills its `grad`. `Tensor(...)` itself is the older constructor: sizes give
uninitialised memory, a sequence gives its values in the default dtype.

Example:
    >>> pb.Tensor([1, 2])
    tensor([1., 2.])
"""

_ATTRIBUTES = {
    "shape": "The sizes of the dimensions, a `Size`.",
    "dtype": "The type of the elements.",
    "ndim": "The number of dimensions.",
    "requires_grad": "Whether what is computed from this tensor is recorded. Settable on leaves of a floating dtype.",
    "grad": """The accumulated gradient, a tensor of the same shape and dtype, or None before any `backward`.

    Only leaves have one, and results on which `retain_grad` was called; reading that of another result warns.
    Assignable: None resets it, another tensor must have the same shape and dtype.
    """,
    "grad_fn": "The node that recorded how this tensor was computed; None for leaves.",
    "_grad_fn": "As `grad_fn`; may be set to None.",
    "is_leaf": "Whether this tensor was not computed by a recorded operation.",
    "output_nr": "Which output of `grad_fn` this tensor is.",
    "retains_grad": "Whether this result keeps its gradient: `retain_grad` was called.",
    "data": """The same memory outside the graph, with a version counter of its own: autograd does not see writes to it.

    Assignable: the tensor then has the other's value, and keeps its place in the graph.
    """,
    "T": "The dimensions in reverse order.",
    "mT": "The last two dimensions exchanged: each matrix of a batch transposed.",
    "_version": "How often the memory was written in place.",
    "_base": "The tensor that this one is a view of, or None.",
    "is_inference": "Whether this tensor was made in inference mode.",
}

_NODE = {
    "name": "The name of the recorded operation's derivative, such as 'MulBackward0'.",
    "next_functions": "Pairs (node, output number): where the gradient of each input goes; (None, 0) where nowhere.",
    "requires_grad": "True: what is recorded requires grad.",
    "metadata": "A dictionary for notes of your own.",
    "variable": "The leaf that an AccumulateGrad node fills the gradient of.",
}

_DTYPE = {
    "name": "The name, such as 'float32'.",
    "itemsize": "Bytes an element.",
    "is_floating_point": "Whether values are real numbers in floating point.",
    "is_complex": "Whether values are complex numbers.",
    "is_signed": "Whether values can be negative.",
}

_FUNCTIONS = {
    "get_default_dtype": "The dtype that Python floats become: `float32` unless it was changed.",
    "set_default_dtype": """Change the dtype that Python floats become.

    Raises TypeError for a dtype that is not floating.

    Example:
        >>> pb.set_default_dtype(pb.float64)
        >>> pb.tensor(1.5).dtype
        pullback.float64
        >>> pb.set_default_dtype(pb.float32)
    """,
    "is_grad_enabled": "Whether operations are recorded now, in this thread.",
    "is_inference_mode_enabled": "Whether this thread is in inference mode.",
}


def _page(function):
    """The text of an operator that has none of its own: its row's."""
    if "__row__" not in vars(function):
        return None
    from .calculus.pages import page_of

    return page_of(function)


def document():
    """Hand the texts to the core's objects."""
    for kind, texts in ((_core.Tensor, _ATTRIBUTES), (_core.Node, _NODE), (_core.dtype, _DTYPE)):
        for name, text in texts.items():
            _core.document(kind.__dict__[name], text)
    for name, text in _FUNCTIONS.items():
        _core.document(getattr(_core, name), text)
    _core.Tensor.__doc__ = _TENSOR
    _core.Node.__doc__ = "A recorded operation, as `grad_fn` shows it."
    _core.dtype.__doc__ = "The type of a tensor's elements: `pullback.float32`, `pullback.int64`, ..."
    _core.Operator.__doc__ = Written(_page, "An operator of the core: a function, and a method of tensors.")
