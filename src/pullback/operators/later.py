"""Operators that are loaded when somebody asks for the first of them: importing pullback costs little more than its core.

They are declared in linear_algebra, special_functions, seldom, signal and iterations, whose methods take the place of what
stands for them here.
"""

from importlib import import_module

from .._core import Tensor
from . import overriding
from .declare import FUNCTIONS, METHODS


class Home:
    """What a package declares: names of functions and of methods of tensors."""

    def __init__(self, package, both, functions="", methods=""):
        self.package = package
        self.functions = (*both.split(), *functions.split())
        self.methods = (*both.split(), *methods.split())

    def publish(self, namespace):
        """Put what was declared into the places that wait for it: methods on Tensor, functions into the package."""
        overriding.publish(self.functions, self.methods)
        for name in self.methods:
            setattr(Tensor, name, METHODS[name])
        namespace.update({name: FUNCTIONS[name] for name in self.functions})


HOMES = (
    Home(
        "linear_algebra",
        """
        cholesky cholesky_inverse cholesky_solve corrcoef cov cross det dist geqrf inverse logdet lu lu_solve matrix_exp
        matrix_power orgqr ormqr pinverse qr renorm slogdet svd triangular_solve
        """,
        functions="""
            cdist cumulative_trapezoid frobenius_norm lu_unpack nuclear_norm trapezoid trapz vander
        """,
        methods="renorm_",
    ),
    Home(
        "special_functions",
        "i0 i0_ igamma igammac mvlgamma",
        methods="igamma_ igammac_ mvlgamma_",
    ),
    Home(
        "seldom",
        """
        as_strided_ float_power frexp hash_tensor histogram index_reduce is_distributed ldexp ldexp_ narrow_copy nonzero_static
        positive resize_as_ unsafe_chunk unsafe_split unsafe_split_with_sizes
        """,
        functions="""
            addmv_ alias_copy as_strided_copy clamp_max_ clamp_min_ clip_ detach_ detach_copy diagonal_copy
            empty_permuted expand_copy fill from_file gcd_ gradient histogramdd is_inference
            is_signed lcm_ permute_copy range segment_reduce select_copy slice_copy split_copy
            split_with_sizes_copy squeeze_copy t_copy transpose_copy sym_float sym_int sym_ite sym_max
            sym_min sym_not sym_sqrt sym_sum to_dlpack unbind_copy unfold_copy unravel_index unsqueeze_copy
            view_as_complex_copy view_as_real_copy view_copy xlogy_
        """,
        methods="""
            apply_ const_data_ptr cumprod_ cumsum_ dim_order fill_diagonal_ float_power_ index_reduce_
            is_shared map2_ map_ module_load new_empty_strided pin_memory resize_ share_memory_
        """,
    ),
    Home(
        "signal",
        "istft stft",
        functions="bartlett_window blackman_window hamming_window hann_window kaiser_window",
    ),
    Home("iterations", "", functions="lobpcg pca_lowrank svd_lowrank"),
)
LINEAR_ALGEBRA, SPECIAL_FUNCTIONS, SELDOM, SIGNAL, ITERATIONS = HOMES


class Later:
    """Stands for a method until it is read."""

    __slots__ = ("home", "name")

    def __init__(self, name, home):
        self.name = name
        self.home = home

    def __get__(self, tensor, kind):
        import_module(f"pullback.{self.home.package}")
        return getattr(kind if tensor is None else tensor, self.name)
