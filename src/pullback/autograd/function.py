"""Function: an operation whose derivative you write yourself."""

import functools
import warnings

from .. import _core
from .._core import Tensor
from ..operators.creation import zeros_like
from .backward import grad
from .context import FunctionContext, _OnceOnly

__all__ = [
    "BackwardCFunction",
    "Function",
    "FunctionContext",
    "FunctionCtx",
    "FunctionMeta",
    "once_differentiable",
]


FunctionCtx = BackwardCFunction = FunctionContext  # PyTorch's names for what is in forward and in backward


class FunctionMeta(type):
    """Each Function class gets a class for its contexts, named as PyTorch names the node.

    Example:
        >>> type(pb.autograd.Function).__name__
        'FunctionMeta'
    """

    def __init__(cls, name, bases, attrs):
        super().__init__(name, bases, attrs)
        contexts = (_OnceOnly, FunctionContext) if cls.__dict__.get("clear_saved_tensors_on_access") else None
        inherited = [base._backward_cls.__bases__ for base in bases if hasattr(base, "_backward_cls")]
        contexts = contexts or (inherited[0] if inherited else (FunctionContext,))
        cls._backward_cls = type(f"{name}Backward", contexts, {"_forward_cls": cls})


class Function(metaclass=FunctionMeta):
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
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke "
            f"them on the class itself: {type(self).__name__}.apply(...). Instantiating an autograd function will raise an "
            f"error in a future version.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args, **kwargs):
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd "
            f"function with static forward method: {type(self).__name__}.apply(...)."
        )

    @staticmethod
    def forward(*args, **kwargs):
        """Compute the outputs: a tensor, or a tuple of them and of other values.

        Takes the context first, unless `setup_context` is defined, and then whatever `apply` is given.

        Example:
            >>> class F(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         return x * 2
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         return grad * 2
            >>> F.apply(pb.tensor([3.0]))
            tensor([6.])
        """
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Fill the context from forward's arguments (a tuple) and its result, when forward takes no context.

        Example:
            >>> class Square(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(x):
            ...         return x * x
            ...     @staticmethod
            ...     def setup_context(ctx, inputs, output):
            ...         ctx.save_for_backward(*inputs)
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         return 2 * ctx.saved_tensors[0] * grad
            >>> x = pb.tensor([3.0], requires_grad=True)
            >>> Square.apply(x).sum().backward()
            >>> x.grad
            tensor([6.])
        """
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """The gradient of each argument of forward, from the gradients of its outputs.

        As many results as forward has arguments, in a tuple where there are several; None for what has no gradient.

        Example:
            >>> class F(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x, factor):
            ...         return x * factor
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         return grad * 10, None
            >>> x = pb.tensor([3.0], requires_grad=True)
            >>> F.apply(x, 10).sum().backward()
            >>> x.grad
            tensor([10.])
        """
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx, *grad_inputs):
        """The tangent of each output, from the tangents of the arguments (None for those that have none).

        Example:
            >>> class Double(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         return x * 2
            ...     @staticmethod
            ...     def jvp(ctx, tangent):
            ...         return tangent * 2
            >>> with pb.autograd.forward_ad.dual_level():
            ...     x = pb.autograd.forward_ad.make_dual(pb.tensor([3.0]), pb.tensor([1.0]))
            ...     print(pb.autograd.forward_ad.unpack_dual(Double.apply(x)).tangent)
            tensor([2.])
        """
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    generate_vmap_rule = False
    # True: backward(ctx, grads) gets a list, which it may empty as it goes.
    boxed_grads_call = False
    # True: ctx.saved_tensors can be read once, and is held by the reader alone.
    clear_saved_tensors_on_access = False

    @staticmethod
    def vmap(info, in_dims, *args):
        """The value of the operation for a batch, where `pullback.func.vmap` is around: (output, out_dims).

        Not needed where forward is made of operators, which know batches (``generate_vmap_rule = True`` says so, and is
        not needed either), nor where it is not: then it runs entry by entry. A class that has one, and `setup_context`,
        has it called in place of forward; backward and jvp see entries all the same.

        `info` has ``batch_size`` and ``randomness``; `in_dims` says for each argument which dimension is the batch, None
        where there is none; `args` have that dimension. `out_dims` says the same of the output, a tensor or a tuple.
        Raises RuntimeError for another result, and for a class that sets ``generate_vmap_rule``, too.

        Example:
            >>> class Sorted(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(x):
            ...         return pb.from_numpy(np.sort(x.numpy()))
            ...     @staticmethod
            ...     def setup_context(ctx, inputs, output):
            ...         pass
            ...     @staticmethod
            ...     def vmap(info, in_dims, x):
            ...         return pb.from_numpy(np.sort(x.movedim(in_dims[0], 0).numpy(), axis=1)), 0
            >>> pb.func.vmap(Sorted.apply)(pb.tensor([[2.0, 1.0], [4.0, 3.0]]))
            tensor([[1., 2.],
                    [3., 4.]])
        """
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must either override the vmap staticmethod or set "
            "generate_vmap_rule=True."
        )

    @classmethod
    def apply(cls, *args, **kwargs):
        """Run forward on the arguments and record it; returns what forward returns.

        Example:
            >>> class F(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         return x * 2
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         return grad * 2
            >>> F.apply(pb.tensor([3.0], requires_grad=True))
            tensor([6.], grad_fn=<FBackward>)
        """
        if kwargs:
            args = _bind(cls, args, kwargs)
        try:
            if _core.highest_level(args):
                return _apply_dual(cls, args)
            return _apply(cls, args)[0]
        except _core.MappedError as error:
            # forward asked for elements inside of a vmap, as one that leaves for NumPy does: entry by entry then.
            from ..func.entries import over_entries

            return over_entries(cls.apply, args, {}, error)


def _bind(cls, args, kwargs):
    import inspect

    takes_context = cls.setup_context is Function.setup_context
    signature = inspect.signature(cls.forward)
    bound = signature.bind(*((None, *args) if takes_context else args), **kwargs)
    bound.apply_defaults()
    return bound.args[1:] if takes_context else bound.args


def _apply(cls, args):
    """One recorded call: (what forward returned, with its history; the context)."""
    context = cls._backward_cls()
    context.needs_input_grad = tuple([isinstance(a, Tensor) and a.requires_grad for a in args])
    before = _core.enter_function(True)
    try:
        if cls.setup_context is Function.setup_context:
            output = cls.forward(context, *args)
        else:
            output = cls.forward(*args) if cls.vmap is Function.vmap else _by_rule(cls, args)
            cls.setup_context(context, args, output)
    finally:
        _core.leave_function(before)
    single = not isinstance(output, tuple)
    outputs = _core.record_function(context, args, (output,) if single else output)
    return (outputs[0] if single else outputs), context


def _by_rule(cls, args):
    from ..func.custom import value

    return value(cls, args)


def _apply_dual(cls, args):
    """Forward mode: the call is recorded as ever, and its outputs get their tangents from `jvp`, or from `backward`.

    forward runs on the duals, so that whatever it keeps for the rules carries tangents too: that is what forward over
    reverse, and an outer level of forward mode, differentiate. One level is pushed at a time, the outermost first, and the
    outputs have its tangents when the next is: a rule may read an output that forward computed by other means. A rule's
    result is stripped of that level, whose tangents it computed with but does not mean.
    """
    levels = []  # taken before forward may write over an argument, and its tangents
    rest = args
    while level := _core.highest_level(rest):
        pairs = [_core.unpack_dual(a, level) if isinstance(a, Tensor) else (a, None) for a in rest]
        if _core.series_order(level):
            tangents = [_core.series_derivative(a, level) if isinstance(a, Tensor) else None for a in rest]
        else:
            tangents = [tangent for _, tangent in pairs]
        levels.append((level, tuple(tangents)))
        rest = tuple([primal for primal, _ in pairs])
    output, context = _apply(cls, args)
    single = not isinstance(output, tuple)
    outputs = (output,) if single else output
    found = [[] for _ in outputs]

    def give(key, pushed):
        for entry, output, tangent in zip(found, outputs, pushed):
            if tangent is not None and _has_gradient(output):
                entry.append((key, below_level(tangent, level)))
            if isinstance(output, Tensor):
                _core.replace_tangents(output, tuple(entry))
        _core.keep_tangents(context, outputs)

    for level, tangents in reversed(levels):
        if order := _core.series_order(level):
            for n in range(1, order + 1):
                give(level + n, _push_series(cls, context, tangents, args, outputs, level, n))
        else:
            give(level, _push(cls, context, tangents, args, outputs))
    return outputs[0] if single else outputs


def _push_series(cls, context, tangents, args, outputs, level, n):
    """Coefficient n of each output: that of n - 1 in its derivative, over n. The rule gives the derivative's series."""
    order = _core.series_order(level)
    _core.set_series_order(level, max(n - 1, 1))
    try:
        pushed = _push(cls, context, tangents, args, outputs)
        if n == 1:
            return pushed
        coefficients = [None if d is None else _core.unpack_series(d, level)[1][n - 2] for d in pushed]
        return [None if c is None else c / float(n) for c in coefficients]
    finally:
        _core.set_series_order(level, order)


def _push(cls, context, tangents, args, outputs):
    """The tangent of each output, None where it is zero."""
    if cls.jvp is Function.jvp:
        if cls.backward is Function.backward and cls.vjp is Function.vjp:
            cls.jvp(context, *tangents)  # raises
        return _transpose(cls, context, args, outputs, tangents)
    if context.materialize_grads:
        tangents = tuple(
            [
                zeros_like(a) if tangent is None and _has_gradient(a) else tangent
                for a, tangent in zip(args, tangents)
            ]
        )
    context.pushed = context.__dict__.get("saved_for_forward")
    before = _core.enter_function(False)
    try:
        pushed = cls.jvp(context, *tangents)
    finally:
        _core.leave_function(before)
        context.pushed = None
    pushed = pushed if isinstance(pushed, tuple) else (pushed,)
    if len(pushed) != len(outputs):
        raise RuntimeError(
            f"Function's jvp returned an invalid number of forward gradients (expected {len(outputs)} but got "
            f"{len(pushed)}). {cls.__name__}.jvp returns one for each output of forward, None for those without."
        )
    for position, tangent in enumerate(pushed):
        if tangent is not None and not isinstance(tangent, Tensor):
            raise RuntimeError(
                f"expected Variable or None (got {type(tangent).__name__}) for grad output {position}. It is what "
                f"{cls.__name__}.jvp returned."
            )
    return pushed


def below_level(tensor, level):
    """The tensor without its tangents of this level and of those inside it."""
    while (inner := _core.highest_level((tensor,))) >= level:
        tensor = _core.unpack_dual(tensor, inner)[0]
    return tensor


def _transpose(cls, context, args, outputs, tangents):
    """The Jacobian-vector product from `backward`, which is linear in the gradient: differentiate it with respect to that."""
    if hasattr(cls.backward, "once_differentiable"):
        _refuse_transposing(cls, "is marked with @once_differentiable")
    before = _core.set_grad_enabled(True)
    try:
        since = _core.recorded()
        cotangents = [_core.require_grad(o.new_zeros(o.shape)) if _has_gradient(o) else None for o in outputs]
        wanted = tuple([c for c in cotangents if c is not None])
        pulled = _call_backward(cls, context, cotangents)
        pairs = [
            (i, p, t) for i, (p, t) in enumerate(zip(pulled, tangents)) if p is not None and t is not None
        ]
        used = [(p, t) for _, p, t in pairs if _is_made_of(p, wanted, since)]
        if len(used) < len(pairs):
            loose = [i for i, p, _ in pairs if not _is_made_of(p, wanted, since)]
            _check_zeros(cls, context, outputs, loose)
        if not used or not wanted:
            return (None,) * len(outputs)
        found = iter(
            grad([p for p, _ in used], wanted, [t for _, t in used], create_graph=True, allow_unused=True)
        )
        return tuple([None if c is None else next(found) for c in cotangents])
    finally:
        _core.set_grad_enabled(before)


def _is_made_of(pulled, cotangents, since):
    """Whether what was recorded since then leads from a result of backward to one of the cotangents."""
    if not pulled.requires_grad:
        return False
    everything = _core.captures((pulled,), (), since)
    return len(_core.captures((pulled,), cotangents, since)) < len(everything)


def _check_zeros(cls, context, outputs, places):
    """What is not made of the cotangents is zero, backward being linear in them; else it was cut off from them."""
    from ..func.looking import debug_unwrap

    again = _call_backward(cls, context, [o.new_ones(o.shape) if _has_gradient(o) else None for o in outputs])
    if any(again[i] is not None and debug_unwrap(again[i]).detach().any() for i in places):
        _refuse_transposing(cls, "cuts its result off from its argument: by detach(), no_grad() or NumPy")


def _refuse_transposing(cls, why):
    raise NotImplementedError(
        f"You must implement the jvp function for custom autograd.Function to use it with forward mode AD. It is found from "
        f"backward otherwise, and {cls.__name__}.backward {why}."
    )


def _has_gradient(output):
    return isinstance(output, Tensor) and (output.dtype.is_floating_point or output.dtype.is_complex)


def _call_backward(cls, context, grads):
    """Called by the engine and above: `backward`, or `vjp` where that is what the class defines."""
    rule = cls.backward
    if cls.vjp is not Function.vjp:
        if rule is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement "
                "one of them."
            )
        rule = cls.vjp
    before = _core.enter_function(False)
    try:
        result = rule(context, list(grads)) if cls.boxed_grads_call else rule(context, *grads)
    finally:
        _core.leave_function(before)
    return result if isinstance(result, tuple) else (result,)


_core.set_function_caller(_call_backward)


def once_differentiable(fn):
    """Mark a `backward`, which is `fn`, that computes in ways that cannot be differentiated, so that a second derivative raises.

    Example:
        >>> class Exp(pb.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x.exp()
        ...     @staticmethod
        ...     @pb.autograd.function.once_differentiable
        ...     def backward(ctx, grad):
        ...         return grad * pb.from_numpy(np.exp(ctx.saved_tensors[0].numpy()))
        >>> x = pb.tensor([0.0], requires_grad=True)
        >>> (slope,) = pb.autograd.grad(Exp.apply(x) * x, x, create_graph=True)
        >>> slope.backward()
        Traceback (most recent call last):
            ...
        RuntimeError: trying to differentiate twice a function that was marked with @once_differentiable
    """

    @functools.wraps(fn)
    def once(ctx, *grads):
        recording = _core.is_grad_enabled()
        before = _core.set_grad_enabled(False)
        try:
            results = fn(ctx, *grads)
        finally:
            _core.set_grad_enabled(before)
        if not recording or not any(isinstance(g, Tensor) and g.requires_grad for g in grads):
            return results
        single = not isinstance(results, tuple)
        marked = _Once.apply(
            len((results,) if single else results), *((results,) if single else results), *grads
        )
        return marked[0] if single else marked

    once.once_differentiable = True
    return once


class _Once(Function):
    """The end of what `once_differentiable` allows: hands values on, and raises when it is differentiated."""

    @staticmethod
    def forward(ctx, count, *values):
        return tuple([v.detach() if isinstance(v, Tensor) else v for v in values[:count]])

    @staticmethod
    def backward(ctx, *grads):
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )
