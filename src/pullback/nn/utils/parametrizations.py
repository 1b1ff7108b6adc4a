"""Parametrizations that there are: weights of a given norm, of spectral norm 1, and orthogonal ones."""

from ... import _core
from ...autograd import no_grad
from ...dtypes import finfo
from ...operators.declare import FUNCTIONS
from ..modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ..modules.module import Module
from ..similarity import normalize
from .parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

Tensor = _core.Tensor
_MAPS = ("matrix_exp", "cayley", "householder")


def norm_except(tensor, dim, pow=2):
    """The `pow`-norm over all dimensions but one, which stay with size 1; over all for dim=-1, PyTorch's "none".

    Example:
        >>> from pullback.nn.utils.parametrizations import norm_except
        >>> norm_except(pb.tensor([[3.0, 4.0], [5.0, 12.0]]), 0)
        tensor([[ 5.],
                [13.]])
    """
    if dim == -1 or tensor.ndim == 0:
        return tensor.norm(pow)
    others = [d for d in range(tensor.ndim) if d != dim % tensor.ndim]
    return FUNCTIONS["linalg.vector_norm"](tensor, pow, others, keepdim=True) if others else tensor.abs()


def default_dim(module):
    """The dimension of the outputs of a weight: 1 of transposed convolutions, 0 of others.

    Example:
        >>> from pullback.nn.utils.parametrizations import default_dim
        >>> default_dim(pb.nn.Linear(2, 2)), default_dim(pb.nn.ConvTranspose1d(2, 2, 1))
        (0, 1)
    """
    return 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0


def as_matrix(weight, dim):
    """A weight as a matrix whose rows are its places along `dim`.

    Example:
        >>> from pullback.nn.utils.parametrizations import as_matrix
        >>> as_matrix(pb.zeros(2, 3, 4), 1).shape
        pullback.Size([3, 8])
    """
    if dim:
        weight = weight.movedim(dim, 0)
    return weight.flatten(1)


def iterate(matrix, u, v, steps, eps):
    """Steps of the power method, into the singular vectors u and v.

    Example:
        >>> from pullback.nn.utils.parametrizations import iterate
        >>> u, v = pb.tensor([1.0, 0.0]), pb.tensor([1.0, 0.0])
        >>> iterate(pb.tensor([[2.0, 0.0], [0.0, 1.0]]), u, v, 1, 1e-12)
        >>> u
        tensor([1., 0.])
    """
    with no_grad():
        for _ in range(steps):
            normalize(matrix @ v, dim=0, eps=eps, out=u)
            normalize(matrix.mT @ u, dim=0, eps=eps, out=v)


def random_direction(weight, length, eps):
    """A vector of norm 1, drawn at random, of a weight's dtype.

    Example:
        >>> from pullback.nn.utils.parametrizations import random_direction
        >>> random_direction(pb.zeros(2), 1, 1e-12).abs()
        tensor([1.])
    """
    return normalize(weight.detach().new_empty(length).normal_(0, 1), dim=0, eps=eps)


class _WeightNorm(Module):
    def __init__(self, dim=0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g, weight_v):
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight):
        return norm_except(weight, self.dim), weight


def weight_norm(module, name="weight", dim=0):
    """Makes a weight the product of its norm and its direction, g * v / |v|, which are trained apart. Returns the module.

    There is a norm for each place along `dim`; one for all if `dim` is None. The originals are `original0`, the norms, and
    `original1`; a state dict of `nn.utils.weight_norm`, which calls them `weight_g` and `weight_v`, can be loaded.
    arXiv:1602.07868. Raises ValueError for a name that is no tensor of the module.

    Example:
        >>> layer = pb.nn.utils.parametrizations.weight_norm(pb.nn.Linear(20, 40))
        >>> layer.parametrizations.weight.original0.shape, layer.parametrizations.weight.original1.shape
        (pullback.Size([40, 1]), pullback.Size([40, 20]))
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def load(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module.register_load_state_dict_pre_hook(load)
    return module


class _SpectralNorm(Module):
    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            self.register_buffer("_u", random_direction(matrix, matrix.shape[0], eps))
            self.register_buffer("_v", random_direction(matrix, matrix.shape[1], eps))
            iterate(matrix, self._u, self._v, 15, eps)

    def forward(self, weight):
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            iterate(matrix, self._u, self._v, self.n_power_iterations, self.eps)
        # Copies: the next step writes into both, before a backward pass may have read them.
        return weight / (self._u.clone() @ (matrix @ self._v.clone()))

    def right_inverse(self, value):
        return value


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divides a weight by its largest singular value, which a few steps of the power method follow. Returns the module.

    The weight is a matrix with a row for each place along `dim`, by default that of the outputs. Steps are made in training
    mode whenever it is read. arXiv:1802.05957.

    Raises ValueError for a name that is no tensor of the module and for a number of steps below 1, IndexError for a `dim`
    out of range.

    Example:
        >>> layer = pb.nn.utils.parametrizations.spectral_norm(pb.nn.Linear(20, 40))
        >>> bool(0.5 < pb.linalg.matrix_norm(layer.weight, 2) < 2)
        True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    dim = default_dim(module) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


# ---- orthogonal weights -------------------------------------------------------------------------------------------------


def _is_orthogonal(q):
    n, k = q.shape[-2:]
    eye = FUNCTIONS["eye"](k, dtype=q.dtype)
    return FUNCTIONS["allclose"](q.mT @ q, eye, atol=10 * n * finfo(q.dtype).eps)


def _made_orthogonal(a):
    x, tau = a.geqrf()
    q = x.orgqr(tau)
    return q * x.diagonal(0, -2, -1).sgn().unsqueeze(-2)  # as its own triangle has a positive diagonal


class _Orthogonal(Module):
    def __init__(self, weight, orthogonal_map, *, use_trivialization=True):
        super().__init__()
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x):
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        n, k = x.shape[-2:]
        if self.orthogonal_map == "householder":
            a = x.tril(-1)
            q = a.orgqr(2 / (1 + (a * a).sum(-2)))
            q = q * x.diagonal(0, -2, -1).int().unsqueeze(-2)
        else:
            x = x.tril()
            if n != k:
                x = FUNCTIONS["cat"]([x, x.new_zeros((*x.shape[:-1], n - k))], -1)
            a = x - x.mT  # skew, so that both maps give orthogonal matrices
            if self.orthogonal_map == "matrix_exp":
                q = a.matrix_exp()
            else:
                from ...linear_algebra.solving import solve

                eye = FUNCTIONS["eye"](n, dtype=a.dtype)
                q = solve(eye - 0.5 * a, eye + 0.5 * a)
            q = q[..., :k]
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    def right_inverse(self, q):
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}."
            )
        with no_grad():
            given, wide = q, q.shape[-2] < q.shape[-1]
            q = q.mT if wide else q
            n, k = q.shape[-2:]
            if not hasattr(self, "base"):
                if self.orthogonal_map != "householder":
                    raise NotImplementedError(
                        "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                        "use_trivialization=False."
                    )
                a, tau = q.geqrf()
                diagonal = a.diagonal(0, -2, -1)
                diagonal.sign_()
                diagonal.mul_(1 - 2.0 * (tau == 0))
                return a.mT if wide else a
            if n == k:
                q = q.clone() if _is_orthogonal(q) else _made_orthogonal(q)
            else:
                rest = FUNCTIONS["randn"]((*q.shape[:-1], n - k), dtype=q.dtype)
                q = _made_orthogonal(FUNCTIONS["cat"]([q, rest], -1))
            self.base = q
            # What all three maps make the identity of: below the diagonal zeros, on it -1 as a sign of Householder's.
            start = FUNCTIONS["zeros_like"](given)
            start.diagonal(0, -2, -1).fill_(-1)
            return start


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    """Makes a matrix, or each of a batch, orthogonal: its columns, or its rows if it is wide, have norm 1 and no angle but right
    ones. Returns the module.

    `orthogonal_map` is "matrix_exp" or "cayley", of a skew matrix, or "householder", a product of reflections; by default the
    first for square matrices and the last for others. With `use_trivialization` the map is one around the present value, so
    that any orthogonal matrix can be assigned (arXiv:1909.09501).

    Raises ValueError for a name that is no tensor of the module, for fewer dimensions than two, and for another map.

    Example:
        >>> layer = pb.nn.utils.parametrizations.orthogonal(pb.nn.Linear(20, 40))
        >>> bool((layer.weight.mT @ layer.weight - pb.eye(20)).abs().max() < 1e-4)
        True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in _MAPS:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)
