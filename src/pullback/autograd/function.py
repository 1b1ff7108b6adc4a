"""Function: an operation whose derivative you write yourself."""

import functools

from .. import _core
from .._core import Tensor


class FunctionContext(_core.FunctionContext):
    """What `forward` leaves for `backward`: saved tensors, flags, and any attribute you set."""

    def save_for_backward(self, *tensors):
        """Keep tensors for `backward`, which finds them in `saved_tensors`.

        Inputs, outputs and intermediate tensors may be saved (None too). A saved tensor that is overwritten before
        `backward` needs it raises there.
        """
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {tensors.index(tensor)} is of type "
                    f"{type(tensor).__name__}. Keep other values as attributes: ctx.name = value."
                )
        self.to_save = tensors

    def save_for_forward(self, *tensors):
        """Keep tensors for `jvp`."""
        self.saved_for_forward = tensors

    def mark_dirty(self, *tensors):
        """Say which inputs `forward` wrote in place; each must be among its outputs."""
        self.dirty = tensors

    def mark_non_differentiable(self, *tensors):
        """Say which outputs have no derivative; their gradients arrive as zeros."""
        self.non_differentiable = tensors

    def mark_shared_storage(self, *pairs):
        """Without effect: sharing is found by itself."""

    def set_materialize_grads(self, value):
        """Whether `backward` gets zeros (the default) or None for outputs that nothing depends on."""
        self.materialize_grads = bool(value)


class _FunctionMeta(type):
    """Each Function class gets a class for its contexts, named as PyTorch names the node."""

    def __init__(cls, name, bases, members):
        super().__init__(name, bases, members)
        cls._backward_cls = type(f"{name}Backward", (FunctionContext,), {"_forward_cls": cls})


class Function(metaclass=_FunctionMeta):
    """An operation with a derivative of your own.

    Subclass it with static methods: ``forward(ctx, *args)`` computes, ``backward(ctx, *grad_outputs)`` returns one
    gradient for each argument of forward (None for those that have none). Call it through ``apply``. What
    backward does with tensors is recorded under ``create_graph``, so derivatives of every order follow from it.
    ``setup_context(ctx, inputs, output)`` may take the context out of forward, ``jvp(ctx, *tangents)`` gives the
    forward-mode derivative (without it, it follows from backward).

    Example:
        >>> class Exp(pb.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         y = x.exp()
        ...         ctx.save_for_backward(y)
        ...         return y
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (y,) = ctx.saved_tensors
        ...         return grad * y
        >>> x = pb.tensor([0.0, 1.0], requires_grad=True)
        >>> Exp.apply(x).sum().backward()
        >>> x.grad
        tensor([1.0000, 2.7183])
    """

    def __init__(self, *args, **kwargs):
        raise RuntimeError(
            f"{type(self).__name__} should not be instantiated. Methods on autograd functions are all static, so you "
            f"should invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            f"version. Call {type(self).__name__}.apply(...)."
        )

    @staticmethod
    def forward(*args, **kwargs):
        """Compute the outputs: a tensor, or a tuple of them and of other values."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Fill the context from forward's arguments and result, when forward takes no context."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """The gradient of each argument of forward, from the gradients of its outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx, *grad_inputs):
        """The tangent of each output, from the tangents of the arguments (None for those that have none)."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @classmethod
    def apply(cls, *args, **kwargs):
        """Run forward and record it."""
        if kwargs:
            args = _bind(cls, args, kwargs)
        level = _core.highest_level(args)
        if level:
            return _apply_dual(cls, args, level)
        return _apply(cls, args)[0]


def _bind(cls, args, kwargs):
    import inspect

    takes_context = cls.setup_context is Function.setup_context
    signature = inspect.signature(cls.forward)
    bound = signature.bind(*((None, *args) if takes_context else args), **kwargs)
    bound.apply_defaults()
    return bound.args[1:] if takes_context else bound.args


def _apply(cls, args):
    context = cls._backward_cls()
    context.needs_input_grad = tuple([isinstance(a, Tensor) and a.requires_grad for a in args])
    before = _core.set_grad_enabled(False)
    try:
        if cls.setup_context is Function.setup_context:
            output = cls.forward(context, *args)
        else:
            output = cls.forward(*args)
            cls.setup_context(context, args, output)
    finally:
        _core.set_grad_enabled(before)
    single = not isinstance(output, (tuple, list))
    outputs = (output,) if single else tuple(output)
    if not any(isinstance(o, Tensor) for o in outputs) and single and output is not None:
        raise TypeError(
            f"{cls.__name__}.forward: expected to get Tensor or tuple of Tensors from forward, but got "
            f"{type(output).__name__}"
        )
    outputs = _core.record_function(context, args, outputs)
    return (outputs[0] if single else outputs), context


def _apply_dual(cls, args, level):
    """Forward mode: the primal call is recorded as ever; tangents come from `jvp`, or from `backward`."""
    pairs = [_core.unpack_dual(a, level) if isinstance(a, Tensor) else (a, None) for a in args]
    primals = tuple([primal for primal, _ in pairs])
    tangents = tuple([tangent for _, tangent in pairs])
    if _core.highest_level(primals):
        raise RuntimeError(
            f"{cls.__name__}: forward mode nested in forward mode goes through a custom Function only one level deep"
        )
    output, context = _apply(cls, primals)
    single = not isinstance(output, tuple)
    outputs = (output,) if single else output
    if cls.jvp is not Function.jvp:
        pushed = cls.jvp(context, *tangents)
        pushed = pushed if isinstance(pushed, tuple) else (pushed,)
    else:
        pushed = _transpose(cls, context, args, outputs, tangents)
    outputs = tuple(
        [_core.make_dual(o, t, level) if isinstance(o, Tensor) and t is not None else o for o, t in zip(outputs, pushed)]
    )
    return outputs[0] if single else outputs


def _transpose(cls, context, args, outputs, tangents):
    """The Jacobian-vector product from `backward`, which is linear in the gradient: differentiate it with respect to that."""
    from .backward import grad

    before = _core.set_grad_enabled(True)
    try:
        cotangents = [o.new_zeros(o.shape).requires_grad_() if _has_gradient(o) else None for o in outputs]
        pulled = _call_backward(cls, context, cotangents)
        used = [
            (p, t) for p, t in zip(pulled, tangents) if p is not None and t is not None and p.requires_grad
        ]
        wanted = [c for c in cotangents if c is not None]
        if not used or not wanted:
            return (None,) * len(outputs)
        found = iter(
            grad([p for p, _ in used], wanted, [t for _, t in used], create_graph=True, allow_unused=True)
        )
        return tuple([None if c is None else next(found) for c in cotangents])
    finally:
        _core.set_grad_enabled(before)


def _has_gradient(output):
    return isinstance(output, Tensor) and output.dtype.is_floating_point


def _call_backward(cls, context, grads):
    """Called by the engine and above: `backward`, or `vjp` where that is what the class defines."""
    rule = cls.backward if cls.backward is not Function.backward else cls.vjp
    result = rule(context, *grads)
    return result if isinstance(result, tuple) else (result,)


_core.set_function_caller(_call_backward)


def once_differentiable(backward):
    """Mark a `backward` that computes in ways that cannot be differentiated, so that a second derivative raises."""

    @functools.wraps(backward)
    def once(ctx, *grads):
        recording = _core.is_grad_enabled()
        before = _core.set_grad_enabled(False)
        try:
            results = backward(ctx, *grads)
        finally:
            _core.set_grad_enabled(before)
        if not recording or not any(isinstance(g, Tensor) and g.requires_grad for g in grads):
            return results
        single = not isinstance(results, tuple)
        marked = _Once.apply(len((results,) if single else results), *((results,) if single else results), *grads)
        return marked[0] if single else marked

    return once


class _Once(Function):
    """The end of what `once_differentiable` allows: hands values on, and raises when it is differentiated."""

    @staticmethod
    def forward(ctx, count, *values):
        return tuple([v.detach() if isinstance(v, Tensor) else v for v in values[:count]])

    @staticmethod
    def backward(ctx, *grads):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")
