"""Looking at fused programs: what is pending, and what would compute it.

Large elementwise results are computed when somebody looks at them, together with everything that shares a part
with them, in one pass over memory. ``PULLBACK_IMMEDIATE=1`` in the environment computes everything at the call.
"""

from .. import _core
from ..autograd import graph
from ..operators.declare import composed

__all__ = ["Explanation", "counters", "explain", "synchronize"]


class Explanation(str):
    """Text that an interactive session shows as it is."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


def synchronize():
    """Run everything that is pending.

    Nothing needs this to be right; it is for those who time things.

    Raises:
        OutOfMemoryError: there is no memory for a result; what is pending stays so.

    Example:
        >>> x = pb.ones(100_000)
        >>> y = x.exp() + 1  # nothing is computed yet
        >>> pb.synchronize()
    """
    _core.synchronize()


def counters():
    """How much pending work there has been so far, in numbers that depend on the program only, not on the machine.

    Returns:
        dict: ``expressions``, how many pending values were made; ``visits``, how often one was looked at to plan what
        runs; ``runs``, how many fused programs ran; ``recorded``, the instructions of all expressions; ``executed``,
        those of all programs. In every program there are few visits for each expression, and at most twice as many
        instructions are executed as were recorded.

    Example:
        >>> before = pb.counters()
        >>> total = (pb.ones(100_000).exp() + 1).sum().item()
        >>> after = pb.counters()
        >>> {name: after[name] - before[name] for name in ("expressions", "runs", "recorded", "executed")}
        {'expressions': 3, 'runs': 1, 'recorded': 3, 'executed': 3}
    """
    return _core.counters()


def _gradients(tensor):
    """Pending gradients by the leaves; no hook sees them."""
    leaves = [graph.leaf_of(node) for node in graph.walk([tensor.grad_fn])]
    leaves = tuple([leaf for leaf in leaves if leaf is not None])
    total = tensor if tensor.ndim == 0 else tensor.sum()
    retain_graph = allow_unused = True
    create_graph = accumulate = hooks = False
    return _core.run_backward(
        (total,), (None,), leaves, retain_graph, create_graph, allow_unused, accumulate, hooks
    )


@composed(method=False, public=False)
def explain(tensor, *, gradient=True, code=False):
    """The program that would compute a pending tensor, and its gradient, as text.

    Every line is a load, an instruction on a block of elements, a stored result or a reduction; the head counts
    the elements and the bytes that go to and from memory. Nothing is computed. A line ``v2 = v0 | mul x1 | neg`` is a
    chain: each instruction takes the result of the one before, in one pass. ``zmul`` is the product of a gradient with
    a partial derivative, 0 where the gradient is.

    Args:
        tensor: of any shape and dtype.
        gradient: whether to add the gradients of the tensor's sum by its leaves, where it requires grad: those that
            share a part with it run in the same program. The graph is kept.
        code: whether to add the machine code that the program becomes: each instruction with what it is a part of, arrays by
            their names above. It is that of the program by itself, on this processor.

    Returns:
        Explanation: a string; it says so when the tensor's elements are there already.

    Example:
        >>> x = pb.ones(100_000)
        >>> print(pb.explain(x.exp() - 1))
        program of 2 instructions over 100000 elements: reads 400000 bytes, writes 400000
          x0 = load float32[100000]
          v0 = exp x0
          v1 = sub v0, 1
          store v1 float32
    """
    if not _core.pending(tensor):
        shape = "x".join(map(str, tensor.shape)) or "single"
        return Explanation(f"nothing is pending: {shape} elements of {tensor.dtype} are in memory")
    gradients, note = (), ""
    if gradient and tensor.requires_grad and tensor.grad_fn is not None:
        try:
            gradients = _gradients(tensor)
        except RuntimeError as error:
            note = f"\nwithout the gradient, which fails: {error}"
    text = _core.explain(tensor, code).rstrip()
    del gradients  # they were held so that they belonged to the program
    return Explanation(text + note)
