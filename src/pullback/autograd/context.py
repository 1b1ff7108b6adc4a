"""What `Function.forward` and `backward` are given: the context, which is the node's as well."""

from .. import _core
from .._core import Tensor
from . import hooks


class _OnceOnly:
    """For the contexts of a class with ``clear_saved_tensors_on_access``: what was saved is given away."""

    @property
    def saved_tensors(self):
        """What was saved, the first time. RuntimeError from the second on."""
        if self.__dict__.get("_gave"):
            raise RuntimeError(
                "saved_tensors can only be accessed once when clear_saved_tensors_on_access=True is set on the "
                "autograd.Function. Either access saved_tensors only once, or set clear_saved_tensors_on_access=False."
            )
        found = super().saved_tensors
        if self._node is not None:
            self._gave = True
            self._release()
        return found


class FunctionContext(_core.FunctionContext):
    """What `forward` leaves for `backward`: saved tensors, flags, and any attribute you set.

    Example:
        >>> class F(pb.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.factor = 10
        ...         return x * ctx.factor
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         return grad * ctx.factor
        >>> x = pb.tensor([3.0], requires_grad=True)
        >>> F.apply(x).sum().backward()
        >>> x.grad
        tensor([10.])
    """

    def save_for_backward(self, *tensors):
        """Keep tensors for `backward`, which finds them in `saved_tensors`.

        Inputs, outputs and intermediate tensors may be saved (None too). A saved tensor that is overwritten before
        `backward` needs it raises there. Raises TypeError for what is neither a tensor nor None.

        Example:
            >>> class F(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         ctx.save_for_backward(x)
            ...         return x * x
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         (x,) = ctx.saved_tensors
            ...         return 2 * x * grad
            >>> x = pb.tensor([3.0], requires_grad=True)
            >>> F.apply(x).sum().backward()
            >>> x.grad
            tensor([6.])
        """
        for position, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {position} is of type "
                    f"{type(tensor).__name__}. Keep other values as attributes: ctx.name = value."
                )
        self.to_save = tensors

    def save_for_forward(self, *tensors):
        """Keep tensors for `jvp`, which finds them in `saved_tensors`.

        Raises TypeError for what is neither a tensor nor None.

        Example:
            >>> class Square(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         ctx.save_for_forward(x)
            ...         return x * x
            ...     @staticmethod
            ...     def jvp(ctx, tangent):
            ...         (x,) = ctx.saved_tensors
            ...         return 2 * x * tangent
            >>> with pb.autograd.forward_ad.dual_level():
            ...     x = pb.autograd.forward_ad.make_dual(pb.tensor([3.0]), pb.tensor([1.0]))
            ...     print(pb.autograd.forward_ad.unpack_dual(Square.apply(x)).tangent)
            tensor([6.])
        """
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes "
                    f"on ctx. Got {type(tensor).__name__}."
                )
        self.saved_for_forward = tensors

    def mark_dirty(self, *tensors):
        """Say which inputs `forward` wrote in place; each must be among its outputs.

        Raises RuntimeError for what is no tensor, and after `forward` for a tensor that it does not return.

        Example:
            >>> class F(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         ctx.mark_dirty(x)
            ...         return x.mul_(2)
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         return grad * 2
            >>> x = pb.tensor([3.0], requires_grad=True)
            >>> y = x.clone()
            >>> F.apply(y) is y, y
            (True, tensor([6.], grad_fn=<FBackward>))
        """
        for position, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise RuntimeError(
                    f"mark_dirty can only accept variables, but argument {position} is of type {type(tensor).__name__}"
                )
        self.dirty_tensors = tensors

    def mark_non_differentiable(self, *tensors):
        """Say which outputs have no derivative; their gradients arrive as zeros.

        Raises RuntimeError for what is no tensor.

        Example:
            >>> class F(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         values, indices = x.sort()
            ...         ctx.mark_non_differentiable(indices)
            ...         return values, indices
            ...     @staticmethod
            ...     def backward(ctx, grad, none):
            ...         ...
            >>> values, indices = F.apply(pb.tensor([2.0, 1.0], requires_grad=True))
            >>> values.requires_grad, indices.requires_grad
            (True, False)
        """
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise RuntimeError(
                    f"mark_non_differentiable only accepts variable arguments, but got {type(tensor).__name__}"
                )
        self.non_differentiable = tensors

    def mark_shared_storage(self, *pairs):
        """Without effect: sharing is found by itself.

        Example:
            >>> pb.autograd.function.FunctionContext().mark_shared_storage()
        """

    def set_materialize_grads(self, value):
        """Whether `backward` gets zeros (the default) or None for outputs that nothing depends on.

        Example:
            >>> class F(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         ctx.set_materialize_grads(False)
            ...         return x * 2, x * 3
            ...     @staticmethod
            ...     def backward(ctx, grad, unused):
            ...         print(grad, unused)
            ...         return grad * 2
            >>> x = pb.tensor([3.0], requires_grad=True)
            >>> F.apply(x)[0].sum().backward()
            tensor([1.]) None
        """
        self.materialize_grads = bool(value)

    def maybe_clear_saved_tensors(self):
        """Let go of what was saved, where the backward pass that runs does not keep the graph.

        For a `backward` that has taken from `saved_tensors` what it needs, and goes on to use much memory. What it has
        taken lives as long as it holds it; another look at `saved_tensors` raises.

        Example:
            >>> class Square(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         ctx.save_for_backward(x)
            ...         return x * x
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         slope = 2 * ctx.saved_tensors[0]
            ...         ctx.maybe_clear_saved_tensors()
            ...         return slope * grad
            >>> x = pb.tensor([3.0], requires_grad=True)
            >>> Square.apply(x).sum().backward()
            >>> x.grad
            tensor([6.])
        """
        if not _core.run_retains():
            self._release()

    # The context stands for its node as long as the graph is alive.

    def _alive(self):
        node = self._node
        if node is None:
            raise RuntimeError(
                "Attribute is invalid for this instance of _C._FunctionBase. The call has not been recorded yet, or its "
                "graph is gone: no result of it is alive."
            )
        return node

    def name(self):
        """The name of the node, a str. RuntimeError where the call was not recorded, or its graph is gone.

        Example:
            >>> class F(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         ctx.owner = ctx
            ...         return x * 2
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         print(ctx.name())
            ...         return grad * 2
            >>> x = pb.tensor([3.0], requires_grad=True)
            >>> F.apply(x).sum().backward()
            FBackward
        """
        return self._alive().name()

    def register_hook(self, fn):
        """As `Node.register_hook`, on the node of the call.

        Example:
            >>> class F(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         return x * 2
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         return grad * 2
            >>> x = pb.tensor([3.0], requires_grad=True)
            >>> y = F.apply(x)
            >>> handle = y.grad_fn.register_hook(lambda grads, outputs: (grads[0] * 10,))
            >>> y.sum().backward()
            >>> x.grad
            tensor([20.])
        """
        return hooks.register_node_hook(self._alive(), fn)

    def register_prehook(self, fn):
        """As `Node.register_prehook`, on the node of the call.

        Example:
            >>> class F(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         return x * 2
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         return grad * 2
            >>> x = pb.tensor([3.0], requires_grad=True)
            >>> y = F.apply(x)
            >>> handle = y.grad_fn.register_prehook(lambda grads: (grads[0] * 10,))
            >>> y.sum().backward()
            >>> x.grad
            tensor([20.])
        """
        return hooks.register_node_prehook(self._alive(), fn)

    @property
    def next_functions(self):
        """The nodes that the gradients go to, as (node, output number) pairs.

        Example:
            >>> class F(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         return x * 2
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         print(ctx.next_functions[0][0].name())
            ...         return grad * 2
            >>> x = pb.tensor([3.0], requires_grad=True)
            >>> F.apply(x).sum().backward()
            AccumulateGrad
        """
        return self._alive().next_functions

    @property
    def metadata(self):
        """A dictionary of the node, for whatever its user wants to note.

        Example:
            >>> class F(pb.autograd.Function):
            ...     @staticmethod
            ...     def forward(ctx, x):
            ...         return x * 2
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         print(ctx.metadata)
            ...         return grad * 2
            >>> x = pb.tensor([3.0], requires_grad=True)
            >>> y = F.apply(x)
            >>> y.grad_fn.metadata["from"] = "here"
            >>> y.sum().backward()
            {'from': 'here'}
        """
        return self._alive().metadata
