"""The recorded graph: nodes, edges, hooks on several tensors at once."""

from _thread import allocate_lock
from collections import deque, namedtuple

from .. import _core
from .._core import Node
from ..device import device
from ..messages.missing import missing
from ..operators.declare import composed
from . import hooks
from .saving import (
    allow_mutation_on_saved_tensors,
    disable_saved_tensors_hooks,
    save_on_cpu,
    saved_tensors_hooks,
)

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]

GradientEdge = namedtuple("GradientEdge", ("node", "output_nr", "ownership_token"), defaults=(None,))
GradientEdge.__doc__ = """Where a tensor's gradient is computed: an output of a node, which the edge keeps alive.

Example:
    >>> edge = pb.autograd.graph.get_gradient_edge(pb.ones(2, requires_grad=True) * 3)
    >>> edge.node.name(), edge.output_nr
    ('MulBackward0', 0)
"""

_Metadata = namedtuple("InputMetadata", ("shape", "dtype", "device", "is_nested_tensor"))
Node._input_metadata = property(
    lambda node: [meta and _Metadata(*meta, device("cpu"), False) for meta in node._outputs],
    doc="What the gradients that the node takes are like: shape, dtype and device of each; None where it takes none.",
)
Node.register_hook = hooks.register_node_hook
Node.register_prehook = hooks.register_node_prehook


def get_gradient_edge(tensor):
    """The place in the graph where the gradient of `tensor` appears.

    Raises RuntimeError for a tensor that does not require grad.

    Example:
        >>> x = pb.tensor([1.0], requires_grad=True)
        >>> pb.autograd.graph.get_gradient_edge(x * 2).node.name()
        'MulBackward0'
    """
    if isinstance(tensor, GradientEdge):
        return tensor
    return GradientEdge(*_core.gradient_edge(tensor))


def walk(nodes):
    """Every node that `nodes` lead to, and they themselves, each once: the nearest first."""
    queue = deque(nodes)
    seen = set()
    while queue:
        node = queue.popleft()
        if node in seen:
            continue
        seen.add(node)
        yield node
        queue.extend([operand for operand, _ in node.next_functions if operand is not None])


def leaf_of(node):
    """The tensor that `node` accumulates the gradient of; None for the node of an operation."""
    return node.variable if node.name() == "AccumulateGrad" else None


def increment_version(tensor):
    """Tell autograd that `tensor` (or each of several) was written by something it could not see.

    Raises RuntimeError for what is neither a tensor nor a sequence of tensors.

    Example:
        >>> x = pb.zeros(2)
        >>> pb.autograd.graph.increment_version(x)
        >>> x._version
        1
    """
    if isinstance(tensor, _core.Tensor):
        tensor = (tensor,)
    elif not hasattr(tensor, "__iter__"):
        raise RuntimeError(
            f"increment_version expect a Iterable[Tensor] as input. Got {type(tensor).__name__}."
        )
    for each in tensor:
        if not isinstance(each, _core.Tensor):
            raise RuntimeError(
                f"increment_version expects each element of the iterable to be a tensor. Got {type(each).__name__}."
            )
        _core.increment_version(each)


class _MultiHandle(hooks.RemovableHandle):
    def __init__(self, handles):
        self.handles = handles

    def __reduce__(self):
        return _MultiHandle, (self.handles,)

    def remove(self):
        for handle in self.handles:
            handle.remove()


@composed(method=False, public=False)
def register_multi_grad_hook(tensors, fn, *, mode="all"):
    """Call `fn` once a backward pass: with the list of all gradients (mode "all"), or with the first ("any").

    In mode "all" the gradients come as a list in the order of `tensors`, None for those that got none in this pass
    (known only when the pass reaches the last of those that do).

    Returns a handle with `remove()`. Raises ValueError for another mode, AssertionError in mode "all" for a tensor that
    does not require grad; mode "any" passes it over.

    Example:
        >>> x = pb.tensor([1.0], requires_grad=True)
        >>> y = pb.tensor([2.0], requires_grad=True)
        >>> handle = pb.autograd.graph.register_multi_grad_hook([x, y], print)
        >>> (x * y).sum().backward()
        [tensor([2.]), tensor([1.])]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    tensors = tuple(tensors)
    if mode == "any":
        tensors = tuple([tensor for tensor in tensors if tensor.requires_grad])
    for tensor in tensors:
        assert tensor.requires_grad, "Expected gradient function to be set. Every tensor has to require grad."
    lock = allocate_lock()
    passes = {}  # the number of a run -> what has arrived of it; runs of several threads may interleave

    def arrived(index, grad):
        run = _core.current_run()
        with lock:
            state = passes.get(run)
            if state is None:
                if len(passes) > 64:  # of runs that failed half-way
                    passes.clear()
                expected = sum([_core.will_run(tensor) for tensor in tensors])
                state = passes[run] = [expected, [None] * len(tensors), False]
            first, state[2] = not state[2], True
            state[0] -= 1
            state[1][index] = grad
            last = state[0] == 0
            if last:
                del passes[run]
        if mode == "any":
            if first:
                fn(grad)
        elif last:
            fn(state[1])

    return _MultiHandle(
        [
            tensor.register_hook(lambda grad, index=index: arrived(index, grad))
            for index, tensor in enumerate(tensors)
        ]
    )


def __getattr__(name):
    raise missing(__name__, name)
