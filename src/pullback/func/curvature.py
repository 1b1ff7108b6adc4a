"""Products with matrices of second derivatives, without the matrices: Hessian, Gauss-Newton, Fisher.

- Hessian times v: the derivative of the gradient along v, forward over reverse (Pearlmutter 1994).
- Gauss-Newton times v, of a loss of a model: J^T H J v, where J is the model's Jacobian and H the loss's Hessian by the
  model's outputs. It is positive semidefinite where the loss is convex (Schraudolph 2002, Fast curvature matrix-vector
  products for second-order gradient descent). If the loss is the negative logarithm of a density of an exponential family in
  its natural parameters, as cross entropy and the mean squared error are, it is the Fisher matrix (Martens 2020, New
  insights and perspectives on the natural gradient method).
- Empirical Fisher times v: the mean of g (g . v) over the gradients g of single losses. With the Jacobian J of the vector of
  losses it is J^T J v / n.

One product evaluates the function once, with tangents, and walks back once. An operator, for many products at one point,
evaluates it once for all, and keeps what it recorded.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from .._core import Tensor
from ..autograd.forward_ad import dual_level, make_dual, unpack_dual
from ..dtypes import get_default_dtype, promote_types
from ..operators.creation import from_numpy, zeros, zeros_like
from ..operators.joining import cat
from .forward import Pushforward, jvp
from .reverse import grad, vjp
from .solvers import unpack
from .tree import tree_flatten, tree_map
from .units import columns

__all__ = [
    "CurvatureOperator",
    "fisher_operator",
    "fisher_vector_product",
    "gauss_newton_operator",
    "gauss_newton_vector_product",
    "hessian_operator",
    "hvp",
]

Function = Callable[[Any], Any]


def hvp(func: Function, x: Any, v: Any) -> Any:
    """The Hessian of `func` at `x` times `v`.

    It takes the operations of at most four gradients.

    Args:
        func: takes a tensor or a tree of them, and returns a 0-d tensor.
        x: the point.
        v: a tree like `x`, each tensor with the shape of its own.

    Returns a tree like `x`.

    Raises RuntimeError where `func` does not return a 0-d tensor, or `v` is not like `x`.

    Example:
        >>> pb.func.hvp(lambda x: x.prod(), pb.tensor([1.0, 2.0, 3.0]), pb.tensor([1.0, 0.0, 0.0]))
        tensor([0., 3., 2.])
    """
    return jvp(grad(func), (x,), (v,))[1]


def gauss_newton_vector_product(model: Function, loss: Function, x: Any, v: Any) -> Any:
    """The Gauss-Newton matrix of ``loss(model(x))`` times `v`: J^T H J v.

    J is the Jacobian of `model` at `x`, and H the Hessian of `loss` at ``model(x)``.

    Args:
        model: takes a tensor or a tree of them, the parameters, and returns a tensor or a tree of them.
        loss: takes what `model` returns, and gives a 0-d tensor; its data are captured.
        x: the parameters.
        v: a tree like `x`, each tensor with the shape of its own.

    Returns a tree like `x`.

    Raises RuntimeError where `loss` does not return a 0-d tensor, `model` something else than tensors, or `v` is not like
    `x`.

    Example:
        >>> data, target = pb.tensor([1.0, 2.0]), pb.tensor([0.0, 1.0])
        >>> model = lambda w: (w * data).tanh()
        >>> loss = lambda output: ((output - target) ** 2).sum()
        >>> pb.func.gauss_newton_vector_product(model, loss, pb.tensor(0.0), pb.tensor(1.0))  # 2 * (1 + 4)
        tensor(10.)
    """
    outputs, moved, pullback = _both(model, x, v)
    return pullback(jvp(grad(loss), (outputs,), (moved,))[1])[0]


def fisher_vector_product(losses: Function, x: Any, v: Any) -> Any:
    """The empirical Fisher matrix times `v`: the mean of g (g . v) over the gradients g of single losses.

    The Fisher matrix of a model whose outputs are the natural parameters of a distribution, such as logits, is
    `gauss_newton_vector_product` with its negative log-likelihood; the empirical one takes the given labels instead of drawn
    ones.

    Args:
        losses: takes a tensor or a tree of them, the parameters, and returns a tensor of losses, one for each sample.
        x: the parameters.
        v: a tree like `x`, each tensor with the shape of its own.

    Returns a tree like `x`.

    Raises RuntimeError where `losses` does not return one tensor, or `v` is not like `x`.

    Example:
        >>> data = pb.tensor([1.0, 2.0])
        >>> pb.func.fisher_vector_product(lambda w: w * data, pb.tensor(0.0), pb.tensor(1.0))  # (1 + 4) / 2
        tensor(2.5000)
    """
    outputs, moved, pullback = _both(_losses(losses), x, v)
    return pullback(moved / float(max(outputs.numel(), 1)))[0]


def hessian_operator(func: Function, x: Any) -> CurvatureOperator:
    """The Hessian of `func` at `x`, for many products: `func` is evaluated once, here.

    Args:
        func: takes a tensor or a tree of them, and returns a 0-d tensor.
        x: the point.

    Raises RuntimeError where `func` does not return a 0-d tensor.

    Example:
        >>> H = pb.func.hessian_operator(lambda x: x.prod(), pb.tensor([1.0, 2.0, 3.0]))
        >>> H(pb.tensor([1.0, 0.0, 0.0])), H.shape
        (tensor([0., 3., 2.]), (3, 3))
        >>> H.dense()
        tensor([[0., 3., 2.],
                [3., 0., 1.],
                [2., 1., 0.]])
    """
    return CurvatureOperator(Pushforward(grad(func), (x,)), x)


def gauss_newton_operator(model: Function, loss: Function, x: Any) -> CurvatureOperator:
    """The Gauss-Newton matrix of ``loss(model(x))``, for many products: see `gauss_newton_vector_product`.

    Example:
        >>> data, target = pb.tensor([1.0, 2.0]), pb.tensor([0.0, 1.0])
        >>> G = pb.func.gauss_newton_operator(lambda w: w * data, lambda y: ((y - target) ** 2).sum(), pb.zeros(2))
        >>> G.dense()
        tensor([[2., 0.],
                [0., 8.]])
    """
    push = Pushforward(model, (x,))
    bend = Pushforward(grad(loss), (push.output,))
    return CurvatureOperator(lambda v: push.pullback(bend(push(v)))[0], x)


def fisher_operator(losses: Function, x: Any) -> CurvatureOperator:
    """The empirical Fisher matrix, for many products: see `fisher_vector_product`.

    Example:
        >>> data = pb.tensor([1.0, 2.0])
        >>> F = pb.func.fisher_operator(lambda w: w * data, pb.zeros(2))
        >>> F(pb.ones(2))
        tensor([0.5000, 2.0000])
    """
    push = Pushforward(_losses(losses), (x,))
    count = float(max(push.output.numel(), 1))
    return CurvatureOperator(lambda v: push.pullback(push(v) / count)[0], x)


class CurvatureOperator:
    """A symmetric matrix over the numbers of a tree, known by its products with vectors: trees like it.

    `hessian_operator`, `gauss_newton_operator` and `fisher_operator` make them.

    Example:
        >>> H = pb.func.hessian_operator(lambda x: (x**3).sum(), pb.tensor([1.0, 2.0]))
        >>> H
        <CurvatureOperator of shape (2, 2), pullback.float32>
    """

    def __init__(self, product: Function, like: Any) -> None:
        self._product = product
        self._leaves, self._spec = tree_flatten(tree_map(_plain, like))

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n) for n numbers.

        Example:
            >>> pb.func.hessian_operator(lambda x: x[0] * x[1].sum(), (pb.ones(()), pb.ones(2))).shape
            (3, 3)
        """
        count = sum([x.numel() for x in self._leaves])
        return count, count

    @property
    def dtype(self) -> Any:
        """The dtype of a vector of all numbers.

        Example:
            >>> pb.func.hessian_operator(pb.sum, pb.ones(2)).dtype
            pullback.float32
        """
        dtypes = [x.dtype for x in self._leaves] or [get_default_dtype()]
        return functools.reduce(promote_types, dtypes)

    def __repr__(self) -> str:
        return f"<CurvatureOperator of shape {self.shape}, {self.dtype}>"

    def __call__(self, v: Any) -> Any:
        """The product with a tree like the point. RuntimeError for another structure, shape or dtype."""
        return self._product(v)

    def __matmul__(self, v: Tensor) -> Tensor:
        """The product with a vector of all numbers, [n], in the order of the leaves.

        RuntimeError for another shape.
        """
        if tuple(v.shape) != self.shape[:1]:
            raise RuntimeError(
                f"size mismatch, got input ({self.shape[0]}x{self.shape[1]}), vec ({v.numel()}). "
                f"A vector has an element for each number of the parameters; trees like them are products by a call."
            )
        product, _ = tree_flatten(self._product(self._spec.unflatten(unpack(v, self._leaves))))
        return cat([x.reshape(-1) for x in product]).to(v.dtype) if product else v.clone()

    def dense(self, chunk_size: int | None = None) -> Tensor:
        """The matrix, [n, n]; no more than `chunk_size` columns are computed together.

        Example:
            >>> pb.func.hessian_operator(lambda x: x[0] * x[1] ** 2, pb.tensor([1.0, 2.0])).dense()
            tensor([[0., 4.],
                    [4., 2.]])
        """
        like = zeros(self.shape[0], dtype=self.dtype)
        if not like.numel():
            return zeros(0, 0, dtype=like.dtype)
        return columns(lambda seed: [self @ seed], like, chunk_size)[0]

    def linear_operator(self) -> Any:
        """The same as a `scipy.sparse.linalg.LinearOperator` over NumPy arrays, for `cg`, `eigsh` and their like.

        ImportError where SciPy is not installed.

        Example:
            >>> from scipy.sparse.linalg import cg
            >>> H = pb.func.hessian_operator(lambda x: (x**4).sum(), pb.ones(2, dtype=pb.float64))
            >>> cg(H.linear_operator(), [12.0, 24.0])[0]
            array([1., 2.])
        """
        try:
            linalg: Any = importlib.import_module("scipy.sparse.linalg")
        except ImportError:
            raise ImportError(
                "linear_operator() needs SciPy, which is not installed: `pip install scipy`. Products by a call, `@` and "
                "dense() do without."
            ) from None

        def multiply(v: Any) -> Any:
            return (self @ from_numpy(v.reshape(-1).copy()).to(self.dtype)).numpy()

        kind = zeros(0, dtype=self.dtype).numpy().dtype
        return linalg.LinearOperator(self.shape, matvec=multiply, rmatvec=multiply, dtype=kind)


def _plain(leaf: Any) -> Any:
    return leaf.detach() if isinstance(leaf, Tensor) else leaf


def _losses(losses: Function) -> Function:
    def checked(x: Any) -> Tensor:
        found = losses(x)
        if not isinstance(found, Tensor):
            raise RuntimeError(
                f"Expected losses(x) to return a Tensor, got {type(found)}: one loss for each sample, in one tensor."
            )
        return found

    return checked


def _both(func: Function, x: Any, v: Any) -> tuple[Any, Any, Callable[..., Any]]:
    """Outputs, the Jacobian times v, and the pullback, of one evaluation."""
    leaves, spec = tree_flatten(x)
    given, structure = tree_flatten(v)
    if structure != spec:
        raise RuntimeError(
            f"Expected x and v to have the same python structure. Got x with structure {spec} and v with structure "
            f"{structure}"
        )
    with dual_level():
        duals = spec.unflatten([make_dual(leaf, t) for leaf, t in zip(leaves, given)])
        outputs, pullback = vjp(func, duals)
        found, kind = tree_flatten(outputs)
        pairs = [unpack_dual(y) for y in found]
    # What was saved has lost its tangents with the level: the walk back is over values alone.
    moved = [zeros_like(y.detach()) if t is None else t for y, t in pairs]
    return kind.unflatten([y for y, _ in pairs]), kind.unflatten(moved), pullback
