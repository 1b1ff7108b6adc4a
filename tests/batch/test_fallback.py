"""Which operators run once for each entry of a vmap, and what they say."""

import re
import warnings

import numpy as np
import pytest
from batch.loops import TRANSFORMS, batched, patterns
from batch.table import FLOATS, IN_PLACE, ITEMS, PLAIN, SMOOTH, function, operands_of, value
from test_declarations import OPERATORS

import pullback as pb
from pullback import _core, calculus
from pullback.func import grad, set_vmap_fallback, vmap
from pullback.operators.later import SELDOM

# What takes a number, or a shape, from a tensor, and what has results whose number depends on values.
LOOPS = {
    "x.select(0, j)": ["select"],
    "x.narrow(0, j % 2, 2)": ["narrow"],
    "m.unique(m.tensor([1, 1]) * j)": ["_unique2"],
    "m.unique_consecutive(c[0] & ~c[0])": ["unique_consecutive"],
    "m.nn.functional.one_hot(k * 0)": ["one_hot"],
}

# Operators of the tables that compute no elements, or return none.
NO_ELEMENTS = """
    __iter__ _make_subclass as_subclass make_subclass backward can_cast cpu cuda data_ptr element_size explain
    get_device get_rng_state set_rng_state initial_seed manual_seed seed entropy_seed generator_reseed
    generator_seed generator_set_state generator_state is_complex is_contiguous is_floating_point is_pinned
    is_same_size is_set_to is_signed is_tensor ndimension nelement numel promote_types register_hook
    register_post_accumulate_grad_hook result_type save load size stride storage_offset from_dlpack from_numpy
    frombuffer storage flat_storage over_storage is_conj is_neg resolve_conj resolve_neg new set_
    """.split()
MAKE_NEW = """
    arange as_tensor asarray empty empty_like empty_strided eye full linspace logspace new_empty new_tensor
    scalar_tensor tril_indices triu_indices zeros
    """.split()
TESTED_ELSEWHERE = (
    *SELDOM.functions,
    *SELDOM.methods,
    "mvlgamma",
    "mvlgamma_",
)  # tests/seldom, tests/special
ARE_NUMBERS = "allclose equal is_nonzero item numpy tolist".split()  # errors: tests/batch/test_vmap.py
DRAW = """
    _bernoulli _multinomial _randint _randint_like bernoulli bernoulli_ exponential_ multinomial normal normal_
    normal_of rand rand_like randint randint_like randn randn_like random_ randperm uniform_
    alpha_dropout dropout dropout1d dropout2d dropout3d feature_alpha_dropout fractional_max_pool2d
    fractional_max_pool3d gumbel_softmax rrelu rrelu_ alpha_dropout_ binomial cauchy_ dropout_ feature_alpha_dropout_
    feature_dropout feature_dropout_ geometric_ log_normal_ native_dropout poisson _sample_dirichlet _standard_gamma
    """.split()  # tests/batch/test_random_draws.py
# Other names of what is in the tables, and parts of it.
SAME = """
    _layer_norm _tensordot _unique absolute arccos arccosh arcsin arcsinh arctan arctan2 arctanh clip concatenate
    constant_pad_nd contract cross_entropy_of_indices divide fix greater greater_equal less less_equal multiply
    negative not_equal subtract true_divide bfloat16 bool byte cdouble cfloat chalf char half long short to_dtype
    squeeze_ swapdims_ bitwise_left_shift bitwise_right_shift adaptive_avg_pool3d adaptive_max_pool3d avg_pool3d
    conv3d conv_transpose3d lp_pool2d lp_pool3d max_pool3d max_unpool2d max_unpool3d native_channel_shuffle
    multi_head_attention_forward upsample_bilinear upsample_nearest
    """.split()

# Of complex numbers: tests/complex.
COMPLEX = """
    angle complex conj conj_physical conj_physical_ conjugate imag isreal polar real view_as_complex view_as_real
    """.split()

# Of linear algebra, which is one rule: some of it below.
LINEAR_ALGEBRA = """
    cdist cholesky cholesky_ex cholesky_inverse cholesky_solve cond corrcoef cov cross cumulative_trapezoid det dist
    eig eigh eigvals eigvalsh geqrf householder_product inv inv_ex inverse ldl_factor ldl_factor_ex ldl_solve logdet
    lstsq lu lu_factor lu_factor_ex lu_solve lu_unpack matrix_exp matrix_norm matrix_power matrix_rank orgqr ormqr
    pinv pinverse qr renorm renorm_ slogdet solve solve_ex solve_triangular svd svdvals tensorinv tensorsolve
    trapezoid trapz triangular_solve vander vecdot
    """.split()

# Other names of what is in the tables, in another order: nn/plain, and functions that give indices as well.
OF_NN = """
    adaptive_max_pool1d_with_indices adaptive_max_pool2d_with_indices adaptive_max_pool3d_with_indices
    affine_grid_generator convolution embedding_renorm_ fractional_max_pool2d_with_indices
    fractional_max_pool3d_with_indices frobenius_norm grouped_mm grid_sampler grid_sampler_2d grid_sampler_3d gru_cell
    linear_cross_entropy lstm_cell max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices
    native_batch_norm native_group_norm native_layer_norm norm_except_dim nuclear_norm rnn_relu_cell rnn_tanh_cell
    """.split()
# tests/signal and tests/iterations
SIGNAL = """
    bartlett_window blackman_window hamming_window hann_window istft kaiser_window lobpcg pca_lowrank stft svd_lowrank
    """.split()

# What is mapped goes another way, step by step: tests/nn/test_recurrent_layers.py.
NEVER_MAPPED = ["recurrent_layer"]
# What conv1d and its relatives are: tests/nn/test_convolutions.py.
INNER = ["convolve", "convolve_back"]


@pytest.fixture(autouse=True)
def _as_before():
    before = set_vmap_fallback("allow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    set_vmap_fallback(before)


def loops_of(call, transform=None):
    """The operators that loop in the call, whichever of its operands are mapped."""
    set_vmap_fallback("allow")  # forgets those of other calls
    names = operands_of(call)
    floats = [k for k, name in enumerate(names) if name in FLOATS]
    f = function(call, names)
    for mapped in patterns(len(names)):
        operands = [value(name, 1, (3,) if m else ()) for name, m in zip(names, mapped, strict=True)]
        batched(transform(f, floats) if transform else f, mapped)(*operands)
    return _core.looped()


@pytest.mark.parametrize("call", [*SMOOTH, *PLAIN, *IN_PLACE, *ITEMS])
def test_none_loops(call):
    assert loops_of(call) == []


@pytest.mark.parametrize("transform", ["grad", "jvp", "jvp of grad"])
@pytest.mark.parametrize("call", [*SMOOTH, *IN_PLACE, *ITEMS])
def test_no_derivative_loops(call, transform):
    assert loops_of(call, TRANSFORMS[transform]) == []


@pytest.mark.parametrize("call", LOOPS)
def test_these_do(call):
    names = operands_of(call)
    vmap(function(call, names))(
        *[value(name, 7, (3,)) // 3 if name == "j" else value(name, 7, (3,)) for name in names]
    )
    assert _core.looped() == LOOPS[call]


def test_every_operator_is_in_a_table():
    kinds = pb, pb.Tensor, pb.nn.functional, pb.linalg
    found = {n: getattr(k, n, None) for k in kinds for n in dir(k)}
    names = set(OPERATORS) | {
        n for n, f in found.items() if isinstance(f, _core.Operator) and not hasattr(f, "__plain__")
    }
    rows = {row.name for row in calculus.rows()}  # one way for all of them
    text = "\n".join((*SMOOTH, *PLAIN, *IN_PLACE, *ITEMS, *LOOPS))
    known = rows | set(re.findall(r"\w+", text)) | set(SAME)
    known |= {f"{name}_" for name in known} | {f"linalg.{name}" for name in known}
    elsewhere = {
        *NO_ELEMENTS,
        *MAKE_NEW,
        *ARE_NUMBERS,
        *DRAW,
        *COMPLEX,
        *LINEAR_ALGEBRA,
        *TESTED_ELSEWHERE,
        *NEVER_MAPPED,
        *INNER,
        *OF_NN,
        *SIGNAL,
    }
    missing = names - known - elsewhere
    assert sorted(missing) == []


@pytest.mark.parametrize(
    "name", ["inv", "det", "cholesky", "eigvalsh", "svdvals", "pinv", "matrix_exp", "cond"]
)
def test_linear_algebra_does_not(name):
    f = getattr(pb.linalg, name)
    x = pb.tensor(np.random.default_rng(0).uniform(-1, 1, (3, 4, 4)))
    vmap(grad(lambda x: f(x @ x.mT + pb.eye(4, dtype=x.dtype)).sum()))(x)
    assert _core.looped() == []


@pytest.mark.parametrize("row", calculus.rows(), ids=lambda row: row.name)
def test_no_row_loops(row):
    operator = getattr(pb, row.name, None) or getattr(pb.nn.functional, row.name, None)
    if operator is None:
        pytest.skip("no function of its own")
    rng = np.random.default_rng(0)
    for whole in (True, False):
        operands = [
            pb.tensor(rng.integers(1, 3, (3, 2)) if whole else rng.uniform(0.2, 0.8, (3, 2)))
            for _ in range(9)
        ]
        for n in range(1, 4):
            try:
                operator(*operands[:n])
            except (TypeError, ValueError, RuntimeError, NotImplementedError):
                continue
            vmap(operator)(*operands[:n])
    assert _core.looped() == []


# ---- the switch -------------------------------------------------------------------------------------------------

X, J = pb.eye(3), pb.tensor([0, 1, 2])


def test_a_warning_for_each_operator():
    set_vmap_fallback("warn")
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for _ in range(3):
            vmap(lambda x, j: x[None].select(1, j))(X, J)
        vmap(lambda x, j: x[None].narrow(1, j, 1))(X, J)
    texts = [str(w.message) for w in seen]
    assert len(texts) == 2
    start = "There is a performance drop because we have not yet implemented the batching rule for aten::"
    assert texts[0].startswith(start + "select. ") and texts[1].startswith(start + "narrow. ")
    assert all(w.filename == __file__ for w in seen)


def test_a_warning_that_is_an_error():
    set_vmap_fallback("warn")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="aten::select"):
            vmap(lambda x, j: x.select(0, j))(X, J)


def test_an_error():
    assert set_vmap_fallback("error") == "allow"
    with pytest.raises(RuntimeError, match="aten::select hit the vmap fallback which is currently disabled"):
        vmap(lambda x, j: x.select(0, j))(X, J)
    assert vmap(lambda x, j: x[j])(X, J).tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(ValueError, match="expected one of 'warn', 'allow', 'error', got 'on'"):
        set_vmap_fallback("on")
    assert set_vmap_fallback("allow") == "error"


def test_a_function_that_leaves_for_numpy():
    class Twice(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return pb.from_numpy(x.numpy() * 2)

        @staticmethod
        def backward(ctx, g):
            return g * 2

    assert vmap(grad(lambda x: Twice.apply(x).sum()))(X).tolist() == [[2.0] * 3] * 3
    assert _core.looped() == ["Twice"]
