"""Functions of functions: gradients, Jacobians, Hessians, products with them, batches. They compose to any depth.

    >>> import pullback as pb
    >>> from pullback.func import grad, hessian, jvp, vmap
    >>> f = lambda x: (x**3).sum()
    >>> grad(f)(pb.tensor([1.0, 2.0]))
    tensor([ 3., 12.])
    >>> hessian(f)(pb.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    >>> jvp(grad(f), (pb.tensor([1.0, 2.0]),), (pb.tensor([1.0, 1.0]),))[1]  # a product with the Hessian
    tensor([ 6., 12.])
    >>> vmap(grad(f))(pb.tensor([[1.0, 2.0], [3.0, 4.0]]))  # a gradient for each row
    tensor([[ 3., 12.],
            [27., 48.]])

Arguments and results may be trees: tuples, lists, dictionaries, named tuples, registered classes (`func.tree`).
"""

from ..messages.missing import missing
from .batch import vmap
from .curvature import (
    CurvatureOperator,
    fisher_operator,
    fisher_vector_product,
    gauss_newton_operator,
    gauss_newton_vector_product,
    hessian_operator,
    hvp,
)
from .einops import rearrange
from .fallback import set_vmap_fallback
from .forward import jvp, linearize
from .implicit import custom_root, fixed_point, linear_solve
from .jacobians import hessian, jacfwd, jacrev
from .looking import debug_unwrap, functionalize
from .modules import functional_call, replace_all_batch_norm_modules_, stack_module_state
from .reverse import grad, grad_and_value, value_and_grad, vjp
from .solvers import ConvergenceError
from .taylor import directional_derivatives, jet
from .traces import divergence, hessian_diagonal, laplacian

__all__ = [
    "ConvergenceError",
    "CurvatureOperator",
    "custom_root",
    "debug_unwrap",
    "directional_derivatives",
    "divergence",
    "fisher_operator",
    "fisher_vector_product",
    "fixed_point",
    "functional_call",
    "functionalize",
    "gauss_newton_operator",
    "gauss_newton_vector_product",
    "grad",
    "grad_and_value",
    "hessian",
    "hessian_diagonal",
    "hessian_operator",
    "hvp",
    "jacfwd",
    "jacrev",
    "jet",
    "jvp",
    "laplacian",
    "linear_solve",
    "linearize",
    "rearrange",
    "replace_all_batch_norm_modules_",
    "set_vmap_fallback",
    "stack_module_state",
    "value_and_grad",
    "vjp",
    "vmap",
]


def __getattr__(name: str) -> object:
    raise missing(__name__, name)
