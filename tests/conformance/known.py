# ruff: noqa: E501
"""Differences that stay, each with its reason: PyTorch is wrong, which the evidence shows; and in limits.py those where it
defines nothing, or pullback does otherwise and says so.

A difference of a derivative in which differences of values say that pullback is right, and PyTorch not, needs no entry.
"""

from . import limits
from .entry import BESSEL, DERIVED, Known

X = "torch.tensor(5.01, dtype=torch.float64)"

TABLE = [
    # ---- PyTorch is wrong ----
    Known(
        "expand|as_strided",
        "error",
        "PyTorch makes a tensor of a negative size",
        "torch.zeros(24, 1).expand(0, 24, -4).shape[-1] == -4",
    ),
    Known(
        BESSEL,
        "value",
        "PyTorch has six digits from 5 on",
        f"abs(torch.special.bessel_j0({X}).item() - special.j0(5.01)) > 1e-8",
    ),
    Known(
        r"modified_bessel_[ik]|shifted_chebyshev|polynomial",
        "value",
        "at infinity PyTorch gives NaN",
        "torch.special.modified_bessel_i1(torch.tensor(np.inf)).isnan().item()",
        "edges",
    ),
    Known(
        r"(?<!\w)m\.(special\.)?sinc\(i\)|sinc",
        "value",
        "sinc of whole numbers is 0",
        "torch.sinc(torch.tensor(1)).item() != 0",
    ),
    Known(
        "poisson",
        "value",
        "PyTorch makes a whole number of infinity",
        "torch.poisson(torch.tensor(np.inf)).item() < 0",
        "edges",
    ),
    Known(
        "igamma|gammainc",
        DERIVED,
        "PyTorch takes lgamma of whole numbers in float32",
        "torch.autograd.functional.jacobian(lambda x: torch.igamma(torch.tensor(4), x), torch.ones(1).double()).item() "
        "!= torch.autograd.functional.jacobian(lambda x: torch.igamma(torch.tensor(4.0).double(), x), torch.ones(1).double()).item()",
        "mixed|whole",
    ),
    Known(
        r"silu\(.*inplace=True",
        DERIVED,
        "of complex numbers written in place PyTorch takes the slope elsewhere",
        "abs(torch.autograd.functional.vjp(lambda x: torch.nn.functional.silu(x * 1, inplace=True), torch.tensor(3 + 2.5j), torch.tensor(1 + 0.3j))[1].item() "
        "- (0.9518 + 0.4766j)) > 0.05",
        "complex64|complex128",
    ),
    Known(
        "hardsigmoid",
        DERIVED,
        "PyTorch's slope is the float32 nearest to 1/6",
        "abs(torch.autograd.functional.jacobian(torch.nn.functional.hardsigmoid, torch.zeros(1).double()).item() - 1 / 6) > 1e-10",
    ),
    Known(
        "ldexp",
        DERIVED,
        "PyTorch's gradient through a negative whole exponent is 0",
        "torch.autograd.functional.jacobian(lambda x: torch.ldexp(x, torch.tensor([-1])), torch.ones(1)).item() == 0",
    ),
    Known(
        "addmv",
        "shape",
        "of nothing PyTorch's result has the shape of the input",
        "torch.addmv(torch.tensor(1.0), torch.zeros(0, 4), torch.ones(4)).shape == ()",
        "shape",
    ),
    Known(
        "soft_margin_loss",
        "value",
        "the logarithm of what overflows",
        "torch.nn.functional.soft_margin_loss(torch.tensor([-1e3]), torch.ones(1)).isinf().item()",
        "edges",
    ),
    Known(
        ".*",
        "tangent: dtype of PyTorch",
        "PyTorch's tangent has another dtype than the value",
        "torch.func.jvp(lambda x: torch.frexp(x)[0], (torch.ones(1).bfloat16(),), (torch.ones(1).bfloat16(),))[1].dtype == torch.float32",
    ),
    Known(
        r"pad\(.*'circular'",
        "error",
        "PyTorch shows memory that nothing has written",
        "torch.nn.functional.pad(torch.ones(1, 1, 4), (-4, 2), 'circular').shape == (1, 1, 2)",
        "numbers",
        said="Negative padding",
    ),
    Known(
        "cummax|cummin",
        "error",
        "of nothing PyTorch looks at no dimension",
        "torch.cummax(torch.zeros(0, 3), 7)[0].shape == (0, 3)",
        "shape",
    ),
    Known(
        "conv",
        "shape",
        "of no channels PyTorch gives none",
        "torch.nn.functional.conv1d(torch.zeros(2, 0, 4), torch.zeros(3, 0, 2)).shape == (2, 0, 3)",
        "shape",
    ),
    Known(
        r"cov\(",
        "value",
        "the variance of complex numbers is real",
        "torch.cov(torch.tensor([[1 + 2j, -1, 3j], [1.5 - 2j, 2 + 1j, 0.3]], dtype=torch.complex128)).diagonal().imag.abs().max() > 0",
        said="j",
    ),
    Known(
        "scaled_dot_product_attention",
        "shape",
        "of nothing PyTorch does not broadcast",
        "torch.nn.functional.scaled_dot_product_attention(torch.ones(1, 4, 0), torch.ones(2, 4, 0), torch.ones(2, 4, 0)).shape == (1, 4, 0)",
        "shape",
    ),
    Known(
        "scaled_dot_product_attention",
        "value",
        "PyTorch's weights lose a NaN among the scores",
        "torch.nn.functional.scaled_dot_product_attention(*[torch.tensor([[[[1, 1], [1, 1], [np.nan, 1]]]])] * 3)[0, 0, 2, 1].item() == 0",
        "edges",
    ),
    Known(
        "celu",
        DERIVED,
        "PyTorch's 1 / alpha is float32's",
        "abs(torch.autograd.functional.jacobian(lambda x: torch.celu(x, 0.7), torch.tensor([-5.0]).double()).item() / np.exp(-5 / 0.7) - 1) > 1e-8",
    ),
    Known(
        "ctc_loss",
        "error",
        "PyTorch reads beside the probabilities for a label that is none",
        "torch.ctc_loss(torch.zeros(3, 1, 4).log_softmax(2), torch.tensor([[-2, 1]]), torch.tensor([3]), torch.tensor([2])).item() > 0",
        said="out of bounds",
    ),
    Known(
        r"solve_triangular",
        "error",
        "PyTorch leaves the imaginary part of B out",
        "torch.linalg.solve_triangular(torch.eye(1), torch.tensor([[1j]]), upper=True).item() == 0",
        said="to have the same dtype",
    ),
    Known(
        r"kron\(|isin\(",
        "no error",
        "PyTorch views what it may have to copy",
        "_raises(lambda: torch.kron(torch.ones(2, 3).t(), torch.ones(3, 4, 5).permute(2, 1, 0)))",
    ),
    Known(
        r"gaussian_nll_loss",
        DERIVED,
        "the gradient passes the bound of the variance, the tangent of PyTorch does not",
        "torch.autograd.functional.jacobian(lambda v: torch.nn.functional.gaussian_nll_loss(torch.zeros(1), torch.ones(1), v, eps=2.0),"
        " torch.tensor([0.5])).item() != 0",
    ),
    Known(
        r"searchsorted|bucketize",
        "value",
        "NaN is the greatest, as NumPy has it",
        "torch.searchsorted(torch.tensor([0.0, np.nan]), torch.tensor(1.0)).item() != np.searchsorted([0.0, np.nan], 1.0)",
        "edges",
    ),
    Known(
        r"var_mean|std_mean|group_norm|layer_norm|instance_norm|batch_norm",
        "value",
        "the mean of an infinite number and finite ones is infinite",
        "torch.var_mean(torch.tensor([np.inf, 1.0]))[1].isnan().item()",
        "edges",
    ),
    Known(
        r"sgn",
        "value",
        "the direction of an infinite number",
        "torch.sgn(torch.tensor(complex(-np.inf, 1.0))).real.isnan().item()",
        "edges",
    ),
    Known(r"rrelu|prelu", DERIVED, "a kink", changed="ties"),
    Known(r"embedding_bag\(.*max", DERIVED, "which of equals is chosen", changed="ties|expanded"),
    Known(r"\bnormal\(.*out=", "error", "of whole numbers into a target of floats", changed="whole"),
    Known(
        r"nll_loss|margin_loss|logsigmoid|mvlgamma",
        "value|.*error",
        "losses of whole numbers",
        changed="whole",
    ),
    Known(
        r"nll_loss|with_logits", "no error", "of several dtypes there is a result here", changed="mixed|numpy"
    ),
    Known(r"interpolate|upsample", "dtype", "of bytes the result is float32"),
    Known(r"grid_sample", "dtype", "of nothing PyTorch keeps the dtype", changed="shape"),
    Known(r"\bnormal\(|histc", "no error", "NaN, which PyTorch's checks refuse", changed="edges"),
    Known(
        "conv|interpolate|grid_sample|pool",
        "value",
        "what is not finite meets a zero beside it",
        changed="edges",
    ),
    Known(
        r"multilabel_soft_margin_loss",
        "value|shape",
        "PyTorch adds along dimension 1 of what broadcasting made",
        changed="shape|kind",
    ),
    Known(r"multilabel_margin_loss|cdist\(", DERIVED, "a kink", changed="ties"),
    Known(r"loss|with_logits", "dtype", "of several dtypes the result has the common one"),
    Known(
        r"local_response_norm|tensordot|embedding|ldexp_",
        ".*error",
        "of whole numbers",
        changed="whole",
    ),
    Known(
        r"soft_margin_loss|batch_norm",
        "no error",
        "the result has the shape that both broadcast to",
        changed="shape",
    ),
    Known(r"fft", "no error", "a target may be complex", changed="out"),
    Known(
        r"fft\..*out=",
        "error",
        "of real numbers, and forward alone, PyTorch takes targets of other complex dtypes",
        "torch.fft.rfft(torch.ones(2), out=torch.empty(0, dtype=torch.complex128)).dtype == torch.complex128",
        changed="out",
        said="Expected out tensor",
    ),
    Known(
        r"\bnorm\(|vector_norm|\bnormalize|renorm|dist",
        "second",
        "of another order than 2 at a complex zero, whose absolute value has no slope: docs/limits.md",
        changed="ties",
        said="j",
    ),
    Known(r"div|reciprocal|/", DERIVED, "a zero below", undecided=True),
    Known(r"kthvalue|topk|mode|median", "value", "which of equals is chosen"),
    Known(r"addr|addmm|addmv|einsum|outer", "value", "infinite complex numbers", changed="edges"),
    Known(
        r"loss|local_response_norm",
        ".*error",
        "of several dtypes",
        changed="mixed",
        said="can't be cast|infer output dtype|not implemented for|with a bool tensor",
    ),
    Known(
        r"gaussian_nll_loss",
        "value",
        "the variance is not rounded to the dtype of whole numbers",
        changed="mixed",
    ),
    Known(
        r"@|matmul|dot\(|inner|\bmv\(|bmm|cross|qr\(|linear\(",
        "value",
        "infinite complex numbers, or what cancels beside 1e30",
        changed="edges",
    ),
    Known(
        "igamma",
        "value",
        "of NaN PyTorch gives 0 or 1 at the other operand's ends",
        "torch.igamma(torch.tensor(np.nan), torch.tensor(0.0)).item() == 0",
        "edges",
    ),
    Known("polygamma", "value", "at a pole, to which PyTorch only comes near", changed="edges"),
    Known(
        "with_logits", "error|other error", "not of complex targets", changed="mixed", said="log_sigmoid_cpu"
    ),
    Known("fftshift", "no error", "of no dimensions", changed="shape"),
    Known(
        r"resize_(as_)?\(",
        "value|written",
        "what is beyond the memory is not initialised",
        changed="shape|numbers|numpy",
    ),
    Known(
        "multi_margin_loss",
        "value",
        "the loss of NaN is NaN",
        "torch.nn.functional.multi_margin_loss(torch.tensor([[np.nan, 1.0]]), torch.tensor([1])).item() == 0",
        "edges",
    ),
    Known(
        r"\bnormal\(.*out=",
        "value",
        "rounded to the dtype of the operands, whose result it is",
        changed="out",
    ),
    Known("stft|istft", "value", "infinite numbers", changed="edges"),
    Known("conv", "other error", "which of two wrongs is met first", changed="scalar"),
    Known("broadcast_shapes", ".*error", "an assertion in PyTorch", changed="numpy"),
    Known(
        "narrow_copy",
        "other error",
        "an assertion in PyTorch",
        changed="numbers",
        said=r"to be true, but got",
    ),
    Known(
        r"m\.(add|sub|rsub)\(",
        "other error",
        "which of two wrongs is met first",
        changed="whole",
        said="alpha",
    ),
    Known("interpolate", "error", "of no size there is no picture", changed="numbers", said="greater than 0"),
    Known("out=", ".*stride", "a target that is empty gets the strides of the result", changed="out"),
    Known(r"\.(qr|lstsq)\(", DERIVED, "of lower rank", changed="ties|expanded|shape"),
    Known(r"multi_margin_loss", DERIVED, "a kink", changed="ties"),
    Known(
        "multilabel_soft_margin_loss",
        "value",
        "1 - target of bytes is 255",
        "torch.nn.functional.multilabel_soft_margin_loss(torch.zeros(1, 1), torch.tensor([[2]], dtype=torch.uint8)).item() > 50",
        "mixed|integers",
    ),
    Known(
        "grid_sampler", "error", "PyTorch's takes any number for a way of padding", changed="numbers|numpy"
    ),
    Known("inner", "error", "of truth values PyTorch takes those whose stride is 0", changed="expanded"),
    Known(
        "repeat|expand|conv_transpose1d",
        "other error",
        "of two wrongs, or a sentence that counts a dimension more",
        changed="numbers",
    ),
    Known("trapezoid|trapz", "dtype", "of nothing PyTorch divides nothing by 2", changed="shape"),
    Known("ldl_", "error", "factors with a zero on the diagonal", changed="edges|expanded|ties|shape"),
    Known("add(bmm|mm|mv|r)_", "error", "PyTorch writes into what it has expanded", changed="shape"),
    Known(
        r"out=m.empty.*float(32|64)",
        "value",
        "rounded to the dtype of the operands, whose result it is",
        changed="bfloat16|float16|mixed",
    ),
    Known("scaled_dot_product_attention", "no error", "a mask that broadcasts", changed="shape|numbers"),
    Known("arange", "shape", "a target of as many elements keeps its shape in PyTorch", changed="out"),
    Known("cumulative_trapezoid", "no error", "spacings of fewer dimensions are broadcast", changed="shape"),
    Known(
        "nextafter",
        "requires_grad",
        "the second operand says where, not what: it has no slope",
        changed="mixed",
    ),
    Known(
        "rms_norm|layer_norm",
        "other error",
        "which of two wrongs is met first",
        changed="numbers|scalar|numpy",
    ),
    Known("cdist|pdist|dist", "value", "of infinite numbers, or what cancels beside 1e30", changed="edges"),
    Known("batch_norm", "error", "of nothing PyTorch looks at no vector", changed="shape"),
    Known(
        r"\bnormal\(.*out=",
        "no error|shape",
        "a target that is empty gets the shape of the result",
        changed="out",
    ),
    Known(
        r"native_(layer|batch|group)_norm",
        "tangent",
        "PyTorch's tangents of means and scales are 0 where they round",
        undecided=True,
    ),
    Known(
        r"\] = ",
        "other error",
        "which of two wrongs is met first",
        changed="integers",
        said="Index put requires",
    ),
    Known(r"loss", "tangent", "rounded to a half on the way", changed="mixed", undecided=True),
    Known(
        "clamp|clip",
        "other error",
        "PyTorch has the dtype's name in C++",
        said="signed char|short int|long int|unsigned char|type (int|bool)",
    ),
    Known(
        "index_add",
        "other error",
        "the sentence depends on the size of what is added",
        said="out of range in self",
    ),
    Known(r"linalg\.svd\(", DERIVED, "of singular vectors: a phase, or a sign, is a choice", said="j"),
    Known(
        "histogramdd", "other error", "PyTorch makes edges of a negative number of bins", changed="numbers"
    ),
    Known("logcumsumexp", "value", "of infinite complex numbers", changed="edges"),
    Known(r"linalg\.eig", DERIVED, "eigenvalues that are repeated", changed="expanded|ties"),
    Known(r"linalg\.eig\(", "value", "vectors of eigenvalues that are repeated", changed="expanded|ties"),
    Known(
        r"linalg\.(qr|svd)",
        "tangent",
        "of what is not finite, or of singular vectors up to a phase",
        undecided=True,
    ),
    Known(r"linspace", "error", "of a complex tensor", changed="complex128"),
    Known(r"fractional_max_pool|affine_grid", ".*error", "which of two wrongs is met first"),
    Known(r"conv|pool", "no error", "of nothing there is a result here", changed="shape"),
    Known(r"var|std", "tangent", "of one sample, whose variance is NaN", changed="shape"),
    Known(
        r"multilabel_margin_loss|cov\(|addbmm|reciprocal|z / w|1 / ",
        "value|no error",
        "NaN, or what overflows to it",
        changed="edges",
    ),
    Known(
        r"matrix_norm|cond|svdvals", "second", "at repeated singular values, or of lower rank", undecided=True
    ),
    Known(r"linalg", DERIVED, "of operands of several dtypes", changed="mixed", undecided=True),
    Known(
        "grouped_mm",
        "value|.*error",
        "PyTorch wants rows of 16 bytes, looks at no offsets, and shows memory that nothing has written",
    ),
    Known(
        "multinomial",
        "error",
        "PyTorch draws what has no weight, of which its documentation says that it cannot",
        "torch.multinomial(torch.tensor([1.0, 0.0]), 2).shape == (2,)",
        said="not enough non-negative category",
    ),
    Known(
        "zeta",
        "value",
        "of NaN PyTorch gives infinity where the other operand is a pole",
        "torch.special.zeta(torch.tensor(np.nan), torch.tensor(-0.0)).isinf().item()",
        "edges",
    ),
    Known(
        r"lstsq",
        "shape",
        "PyTorch takes a matrix for vectors wherever it has a dimension less",
        changed="shape",
    ),
    Known(
        r"mvlgamma_", "other error", "PyTorch names the two dtypes the other way round", said="can't be cast"
    ),
    Known(
        r"logsumexp\(.*out=",
        "error",
        "PyTorch leaves imaginary parts out",
        changed="out",
        said="can't be cast",
    ),
    Known(
        r"std",
        "value",
        "of equal complex numbers, less than a unit of theirs",
        changed="expanded|ties",
        said="e-0[78]",
    ),
    Known(r"std", "second", "of equal values, where the root has none", changed="expanded"),
    Known(r"lu_solve", "tangent.*", "of no right-hand sides, pivots that are no rows", changed="shape"),
    Known(
        r"std|var",
        DERIVED,
        "of as many samples as the correction takes off",
        changed="numbers|numpy",
        undecided=True,
    ),
    Known(
        r"m\.\w+\(3, [-\d.]+[,)]",
        "error",
        "of two numbers, of which one has to be a tensor",
        changed="kind|scalar",
    ),
    Known(
        ".*",
        "error|other error",
        "PyTorch looks at the first of several numbers, and what is inside of a function at all",
        changed="kind",
        said="not bool|type bool",
    ),
    Known(
        "pow",
        "value",
        "of a power of -1/2 PyTorch takes the root first, and loses the sign of zero and of infinity",
        "torch.pow(torch.tensor(-0.0), -0.5).item() == -np.inf",
        "edges",
    ),
    Known(
        "pow",
        "tangent",
        "by a real exponent PyTorch leaves out how the power of a complex number turns",
        "torch.func.jvp(lambda y: torch.tensor(-4j) ** y, (torch.tensor(1.0),), (torch.tensor(1.0),))[1].imag.item() == 0",
        "mixed",
        said="j",
    ),
    Known(r"cov\(", "dtype", "of several dtypes the result has the common one", changed="mixed"),
    Known(
        "kl_div|binary_cross_entropy", "value", "of several dtypes PyTorch rounds on the way", changed="mixed"
    ),
    Known(
        "binary_cross_entropy", "no error", "of several dtypes the result has the common one", changed="mixed"
    ),
    Known("atan2_", "other error", "which of two wrongs is met first", changed="mixed"),
    Known(
        r"linalg\.svd\(",
        "tangent",
        "singular vectors beyond the rank are a choice",
        changed="shape|expanded",
    ),
    Known("addr", "other error", "the sentence names another operand's dtype", changed="kind"),
    Known(
        r"linalg\.(solve|inv)|inverse",
        "no error",
        "what rounding, or infinity, makes singular",
        changed="edges",
    ),
    Known(
        "conv1d",
        "other error",
        "a sentence that counts a dimension more",
        changed="numbers",
        said="dilation should be",
    ),
    Known(r"inner\(.*out=", "error", "of numbers PyTorch takes targets of other dtypes", changed="out"),
    Known("resize_", "other error", "which of two wrongs is met first", changed="numbers"),
    Known("prod", "value", "what overflows, or does not, by the order of factors", changed="edges"),
    Known(r"(linspace|mean)\(.*out=", "error", "PyTorch leaves imaginary parts out", changed="out"),
    Known("multilabel_soft_margin_loss", ".*error", "a truth value for a tensor", changed="scalar"),
    Known("lstsq", "other error", "of what is not finite, or of lower rank", changed="edges"),
    Known("index_add", "other error", "which of two wrongs is met first", changed="scalar"),
    Known("diff", "no error", "of nothing there is a result here", changed="shape"),
    Known(
        "householder_product|orgqr|ormqr", "other error", "which of two wrongs is met first", changed="scalar"
    ),
    Known("binary_cross_entropy", "other error", "which of two wrongs is met first", changed="edges"),
    Known("binary_cross_entropy", "dtype", "of several dtypes the result has the common one"),
    Known(r"linalg\.det", DERIVED, "of what is singular but for rounding", undecided=True),
    Known("ldexp_", "other error", "PyTorch leaves out which dtype", said="ldexp can't be cast"),
    Known(
        "instance_norm",
        "dtype",
        "PyTorch leaves imaginary parts of running values out",
        changed="mixed",
        said="complex",
    ),
    Known("instance_norm", "error", "of nothing, or of truth values", changed="shape|mixed"),
    Known("data_ptr", "value", "where memory lies", changed="kind"),
    Known(
        "__i[lr]shift__",
        "other error",
        "which of two wrongs is met first",
        changed="numpy",
        said="not implemented for",
    ),
    Known(
        "index_put",
        "other error",
        "which of two wrongs is met first",
        changed="integers",
        said="too many indices",
    ),
    Known("trapezoid|trapz", "error", "of nothing PyTorch looks at no spacing", changed="shape"),
    *limits.TABLE,
]


def reason(sample, difference):
    """Why this difference stays, or None."""
    return next((each.reason for each in TABLE if each.covers(sample, difference)), None)


def holds(entry):
    """Whether PyTorch is still wrong, as the evidence has it."""
    import numpy as np
    import torch
    from scipy import special

    def raises(call):
        try:
            call()
        except Exception:
            return True
        return False

    return bool(eval(entry.evidence, {"torch": torch, "np": np, "special": special, "_raises": raises}))
