"""Whether operations are recorded: `no_grad`, `enable_grad`, `set_grad_enabled`, `inference_mode`.

Each is a context manager and a decorator, also of generators: there the mode holds while the generator runs and is
put back while its consumer does. Modes belong to a thread.
"""

import _thread
import functools
import warnings

from .. import _core

__all__ = [
    "enable_grad",
    "enforce_grad_layout_policy",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "is_multithreading_enabled",
    "no_grad",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

_GENERATOR = 0x20  # the flag of a generator's code object; asking `inspect` would cost its import

_threads = _thread._local()
is_grad_enabled = _core.is_grad_enabled
is_inference_mode_enabled = _core.is_inference_mode_enabled


def _is_generator(function):
    function = getattr(function, "__func__", function)  # a bound method
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & _GENERATOR)


class NeedsCall(type):
    """The type of a context manager's class: `with no_grad:` says that the parentheses are missing."""

    def __enter__(cls):
        arguments = "mode" if cls.__name__.startswith("set_") else ""
        raise TypeError(
            f"'type' object does not support the context manager protocol. {cls.__name__} is a class, and the block "
            f"takes an instance: with {cls.__name__}({arguments}):"
        )

    def __exit__(cls, *error):
        pass


class Mode(metaclass=NeedsCall):
    """A context manager that is a decorator too; a new instance serves every call."""

    def clone(self):
        """Another one that does the same.

        Example:
            >>> pb.no_grad().clone() is not pb.no_grad()
            True
        """
        return self.__class__()

    def __call__(self, function):
        if isinstance(function, type):
            raise RuntimeError(
                "Cannot decorate classes; it is ambiguous whether or not only the constructor or all methods should have "
                "the context manager applied. To specify which methods to decorate, decorate each of them individually."
            )
        if _is_generator(function):
            return self._wrap_generator(function)

        @functools.wraps(function)
        def inside(*args, **kwargs):
            with self.clone():
                return function(*args, **kwargs)

        return inside

    def _wrap_generator(self, function):
        @functools.wraps(function)
        def inside(*args, **kwargs):
            generator = function(*args, **kwargs)
            try:
                with self.clone():
                    item = next(generator)
                while True:
                    try:
                        sent = yield item
                    except GeneratorExit:
                        with self.clone():
                            generator.close()
                        raise
                    except BaseException as error:
                        with self.clone():
                            item = generator.throw(error)
                    else:
                        with self.clone():
                            item = generator.send(sent)
            except StopIteration as end:
                return end.value

        return inside


class _Setting(Mode):
    """A mode of one argument, which is kept as `mode`."""

    def clone(self):
        """Another one of the same mode.

        Example:
            >>> pb.inference_mode(True).clone().mode
            True
        """
        return self.__class__(self.mode)


class _Switch(Mode):
    """no_grad and enable_grad: no arguments, and a decorator without parentheses as well."""

    on: bool

    def __new__(cls, orig_func=None):
        mode = super().__new__(cls)
        return mode if orig_func is None else mode(orig_func)

    def __call__(self, function):
        if isinstance(function, type):
            warnings.warn(
                "Decorating classes is deprecated and will be disabled in future versions. You should only decorate "
                "functions or methods. To preserve the current behavior of class decoration, you can directly decorate "
                "the `__init__` method and nothing else.",
                FutureWarning,
                stacklevel=2,
            )

            @functools.wraps(function, updated=())
            def make(*args, **kwargs):
                with self.clone():
                    return function(*args, **kwargs)

            return make
        return super().__call__(function)

    def __enter__(self):
        self.before = _core.set_grad_enabled(self.on)

    def __exit__(self, *error):
        _core.set_grad_enabled(self.before)


class no_grad(_Switch):
    """Nothing is recorded inside.

    Results do not require grad, whatever they are computed from; making a leaf with ``requires_grad=True`` is not
    affected. The place for evaluating a model and for updating parameters in place.

    Example:
        >>> x = pb.tensor([1.0], requires_grad=True)
        >>> with pb.no_grad():
        ...     y = x * 2
        >>> y.requires_grad
        False
        >>> @pb.no_grad()
        ... def double(x):
        ...     return x * 2
        >>> double(x).requires_grad
        False
    """

    on = False


class enable_grad(_Switch):
    """Operations are recorded inside, also within `no_grad`.

    Example:
        >>> x = pb.tensor([1.0], requires_grad=True)
        >>> with pb.no_grad():
        ...     with pb.enable_grad():
        ...         y = x * 2
        >>> y.requires_grad
        True
    """

    on = True


class set_grad_enabled(_Setting):
    """Recording on or off: at once as a function, for a block as a context manager.

    Example:
        >>> x = pb.tensor([1.0], requires_grad=True)
        >>> training = False
        >>> with pb.set_grad_enabled(training):
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    def __init__(self, mode):
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}. "
                f"As a decorator it is set_grad_enabled(True), or enable_grad()."
            )
        self.mode = mode
        self.before = _core.set_grad_enabled(mode)

    def __call__(self, function):
        _core.set_grad_enabled(self.before)  # decorating is not switching
        return super().__call__(function)

    def __enter__(self):
        _core.set_grad_enabled(self.mode)

    def __exit__(self, *error):
        _core.set_grad_enabled(self.before)


def is_multithreading_enabled():
    """What `set_multithreading_enabled` said last in this thread; True before.

    Example:
        >>> pb.autograd.is_multithreading_enabled()
        True
    """
    return getattr(_threads, "backward", True)


class set_multithreading_enabled(_Setting):
    """Without effect but on `is_multithreading_enabled`: a backward pass runs on the thread that asks for it.

    As a function at once, for a block as a context manager.

    Example:
        >>> with pb.autograd.set_multithreading_enabled(False):
        ...     pb.autograd.is_multithreading_enabled()
        False
    """

    def __init__(self, mode):
        self.mode = bool(mode)
        self.before = is_multithreading_enabled()
        _threads.backward = self.mode

    def __call__(self, function):
        _threads.backward = self.before  # decorating is not switching
        return super().__call__(function)

    def __enter__(self):
        _threads.backward = self.mode

    def __exit__(self, *error):
        _threads.backward = self.before


class enforce_grad_layout_policy(_Setting):
    """Without effect: a gradient that nobody else sees becomes `.grad` if it lies as its leaf does, and is copied if not.

    PyTorch keeps others as well where this is off.

    Example:
        >>> x = pb.ones(2, 3).t().requires_grad_()
        >>> with pb.autograd.enforce_grad_layout_policy(False):
        ...     (x * 2).sum().backward()
        >>> x.grad.stride() == x.stride()
        True
    """

    def __init__(self, enable=True):
        self.mode = bool(enable)

    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


class inference_mode(_Setting):
    """`no_grad`, and tensors made inside may never take part in a recorded computation.

    Raises RuntimeError later, when such a tensor would have to be saved for a derivative: make a ``clone()`` of it
    outside.

    Example:
        >>> x = pb.tensor([1.0], requires_grad=True)
        >>> with pb.inference_mode():
        ...     y = x * 2
        >>> y.is_inference()
        True
    """

    def __new__(cls, mode=True):
        made = super().__new__(cls)
        if callable(mode):  # @inference_mode without parentheses
            made.mode = True
            return made(mode)
        return made

    def __init__(self, mode=True):
        self.mode = bool(mode)

    def __enter__(self):
        self.before = _core.set_inference(self.mode), _core.set_grad_enabled(not self.mode)

    def __exit__(self, *error):
        inference, recording = self.before
        _core.set_inference(inference)
        _core.set_grad_enabled(recording)
