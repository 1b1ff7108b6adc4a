"""The documentation of what the core itself defines: types, and the attributes that are C-level state."""

import functools

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

_NODE_ITSELF = """A recorded operation, as `grad_fn` shows it. Nodes are made by recording only.

Example:
    >>> node = (pb.ones(2, requires_grad=True) * 3).grad_fn
    >>> node.name()
    'MulBackward0'
"""

_DTYPE_ITSELF = """The type of a tensor's elements: `pullback.float32`, `pullback.int64`, ... There are no others.

Wherever a dtype is asked for, its name, Python's float, int and bool, and a dtype of NumPy's will do.

Example:
    >>> pb.zeros(2, dtype="float64").dtype is pb.float64
    True
"""

_ATTRIBUTES = {
    "shape": """The sizes of the dimensions, a `Size`.

    Example:
        >>> pb.zeros(2, 3).shape
        pullback.Size([2, 3])
    """,
    "dtype": """The type of the elements.

    Example:
        >>> pb.tensor([1.5]).dtype, pb.tensor([1]).dtype
        (pullback.float32, pullback.int64)
    """,
    "ndim": """The number of dimensions, an int.

    Example:
        >>> pb.zeros(2, 3).ndim
        2
    """,
    "requires_grad": """Whether what is computed from this tensor is recorded.

    Settable on leaves. Raises RuntimeError for integers and bool, and for results.

    Example:
        >>> x = pb.zeros(2)
        >>> x.requires_grad = True
        >>> (2 * x).requires_grad
        True
    """,
    "grad": """The accumulated gradient, a tensor of the same shape and dtype, or None before any `backward`.

    Only leaves have one, and results on which `retain_grad` was called; reading that of another result warns.
    Assignable: None resets it, another tensor must have the same shape and dtype (RuntimeError).

    Example:
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
        >>> x.grad = None
    """,
    "grad_dtype": """The dtype that `grad` has: the leaf's own, another one that is set here, or None for any.

    A gradient that arrives is converted to it. RuntimeError for results, for what is neither a dtype nor None, and where
    there is a gradient of another dtype already.

    Example:
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> x.grad_dtype
        pullback.float32
        >>> x.grad_dtype = pb.float64
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.], dtype=pullback.float64)
    """,
    "grad_fn": """The node that recorded how this tensor was computed; None for leaves.

    Example:
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> x.grad_fn is None, x.exp().grad_fn.name()
        (True, 'ExpBackward0')
    """,
    "_grad_fn": "As `grad_fn`; may be set to None.",
    "is_leaf": """Whether this tensor was not computed by a recorded operation.

    Example:
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> x.is_leaf, x.exp().is_leaf, x.detach().exp().is_leaf
        (True, False, True)
    """,
    "output_nr": """Which output of `grad_fn` this tensor is, an int; 0 for leaves.

    Example:
        >>> first, second = pb.ones(2, requires_grad=True).unbind()
        >>> second.output_nr
        1
    """,
    "retains_grad": """Whether this result keeps its gradient: `retain_grad` was called.

    Example:
        >>> y = pb.ones(2, requires_grad=True).exp()
        >>> y.retain_grad()
        >>> y.retains_grad
        True
    """,
    "data": """The same memory outside the graph, with a version counter of its own: autograd does not see writes to it.

    Assignable: the tensor then has the other's value, and keeps its place in the graph. `detach` is the safe form, of
    which autograd sees the writes.

    Example:
        >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
        >>> x.data[0] = 5
        >>> x
        tensor([5., 2.], requires_grad=True)
    """,
    "T": """The dimensions in reverse order, over the same memory. Warns for another number of dimensions than 2.

    Example:
        >>> pb.tensor([[1, 2], [3, 4]]).T
        tensor([[1, 3],
                [2, 4]])
    """,
    "mT": """The last two dimensions exchanged: each matrix of a batch transposed, over the same memory.

    Raises RuntimeError for one dimension; of none it is the tensor itself, with a warning.

    Example:
        >>> pb.zeros(5, 2, 3).mT.shape
        pullback.Size([5, 3, 2])
    """,
    "_version": "How often the memory was written in place.",
    "_base": "The tensor that this one is a view of, or None.",
    "is_inference": """is_inference($self)\n--\n\nWhether this tensor was made in inference mode.

    Example:
        >>> with pb.inference_mode():
        ...     x = pb.zeros(2)
        >>> x.is_inference()
        True
    """,
}

_NODE = {
    "name": """name($self)\n--\n\nThe name of the recorded operation's derivative, a str.

    Example:
        >>> pb.ones(2, requires_grad=True).exp().grad_fn.name()
        'ExpBackward0'
    """,
    "next_functions": """Pairs (node, output number): where the gradient of each variable goes; (None, 0) where nowhere.

    Numbers that PyTorch's function takes as such, indices and masks are no variables.

    Example:
        >>> y = pb.ones(2, requires_grad=True).exp() * 2
        >>> y.grad_fn.next_functions
        ((<ExpBackward0 object at 0x...>, 0), (None, 0))
    """,
    "requires_grad": """True: what is recorded requires grad.

    Example:
        >>> pb.ones(2, requires_grad=True).exp().grad_fn.requires_grad
        True
    """,
    "metadata": """A dictionary for notes of your own.

    Example:
        >>> node = pb.ones(2, requires_grad=True).exp().grad_fn
        >>> node.metadata['from'] = 'the encoder'
        >>> node.metadata
        {'from': 'the encoder'}
    """,
    "variable": """The leaf that an AccumulateGrad node fills the gradient of. AttributeError for other nodes.

    Example:
        >>> x = pb.ones(2, requires_grad=True)
        >>> x.exp().grad_fn.next_functions[0][0].variable is x
        True
    """,
}

_DTYPE = {
    "name": """The name, such as 'float32'.

    Example:
        >>> pb.float32.name
        'float32'
    """,
    "itemsize": """Bytes an element.

    Example:
        >>> pb.float64.itemsize
        8
    """,
    "is_floating_point": """Whether values are real numbers in floating point.

    Example:
        >>> pb.float64.is_floating_point, pb.int64.is_floating_point
        (True, False)
    """,
    "is_complex": """Whether values are complex numbers.

    Example:
        >>> pb.complex64.is_complex, pb.float32.is_complex
        (True, False)
    """,
    "is_signed": """Whether values can be negative.

    Example:
        >>> pb.int64.is_signed, pb.uint8.is_signed
        (True, False)
    """,
}

_FUNCTIONS = {
    "get_default_dtype": """get_default_dtype()\n--\n\nThe dtype that Python floats become: `float32` unless it was changed.

    Example:
        >>> pb.get_default_dtype()
        pullback.float32
    """,
    "set_default_dtype": """set_default_dtype(d)\n--\n\nChange the dtype that Python floats become.

    Raises TypeError for a dtype that is not floating.

    Example:
        >>> pb.set_default_dtype(pb.float64)
        >>> pb.tensor(1.5).dtype
        pullback.float64
        >>> pb.set_default_dtype(pb.float32)
    """,
    "is_grad_enabled": """is_grad_enabled()\n--\n\nWhether operations are recorded now, in this thread.

    Example:
        >>> with pb.no_grad():
        ...     pb.is_grad_enabled()
        False
    """,
    "is_inference_mode_enabled": """is_inference_mode_enabled()\n--\n\nWhether this thread is in inference mode.

    Example:
        >>> with pb.inference_mode():
        ...     pb.is_inference_mode_enabled()
        True
    """,
}


@functools.lru_cache(maxsize=256)  # whatever wraps an operator reads it
def _page(function):
    """The text of an operator: its declaration's, or one that is written from its row, or of an in-place form."""
    about = vars(function)
    if "__page__" in about:
        return about["__page__"]()
    if "__row__" not in about:
        return about["__wrapped__"].__doc__ if "__wrapped__" in about else None
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
    _core.Node.__doc__ = _NODE_ITSELF
    _core.dtype.__doc__ = _DTYPE_ITSELF
    _core.Operator.__doc__ = Written(_page, "An operator of the core: a function, and a method of tensors.")
