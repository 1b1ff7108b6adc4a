# ruff: noqa: E501
"""Differences that stay, each with its reason: PyTorch is wrong, which the evidence shows, or defines nothing, or pullback says
in docs/limits.md that it does otherwise.

A difference of a derivative in which differences of values say that pullback is right, and PyTorch not, needs no entry.
"""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Known:
    calls: str  # a pattern of calls
    kinds: str  # a pattern of what differs
    reason: str
    evidence: str = ""  # over torch, np and scipy.special: true while PyTorch is wrong
    changed: str = ""  # a pattern of what was drawn: only in such samples
    said: str = ""  # a pattern of what pullback, or PyTorch, said or gave
    undecided: bool = False  # only where differences of values do not say who is right

    def covers(self, sample, difference):
        return (
            re.search(self.calls, sample.call) is not None
            and re.fullmatch(self.kinds, difference.kind) is not None
            and (not self.changed or any(re.fullmatch(self.changed, each) for each in sample.changed))
            and re.search(self.said, f"{difference.ours}; {difference.theirs}") is not None
            and (not self.undecided or difference.right in ("nobody knows", "both"))
        )


BESSEL = r"airy_ai|bessel_[jy]|modified_bessel|spherical_bessel"
DERIVED = "gradient|second|tangent"
X = "torch.tensor(5.01, dtype=torch.float64)"

TABLE = [
    # ---- PyTorch is wrong ----
    Known(
        "expand",
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
    Known(
        r"nll_loss|margin_loss|logsigmoid|mvlgamma",
        "value|.*error",
        "losses of whole numbers",
        changed="whole",
    ),
    Known(r"nll_loss|with_logits", "no error", "of several dtypes there is a result here", changed="mixed"),
    Known(r"interpolate", "dtype", "of bytes the result is float32"),
    Known(r"\bnormal\(|histc", "no error", "NaN, which PyTorch's checks refuse", changed="edges"),
    Known(
        "conv|interpolate|grid_sample|pool",
        "value",
        "what is not finite meets a zero beside it",
        changed="edges",
    ),
    Known(
        r"multilabel_soft_margin_loss",
        "value",
        "PyTorch adds along dimension 1 of what broadcasting made",
        changed="shape",
    ),
    Known(r"multilabel_margin_loss", DERIVED, "a kink", changed="ties"),
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
        r"\bnorm\(|(frobenius|vector|matrix)_norm|\bnormalize|renorm",
        "second",
        "at a complex zero, whose absolute value has no slope: docs/limits.md",
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
    Known(r"@|matmul|dot\(|inner", "value", "infinite complex numbers", changed="edges"),
    Known(r"linalg\.qr", DERIVED, "of lower rank", changed="ties"),
    Known(r"multi_margin_loss", DERIVED, "a kink", changed="ties"),
    Known(r"linspace", "error", "of a complex tensor", changed="complex128"),
    Known(r"fractional_max_pool|affine_grid", ".*error", "which of two wrongs is met first"),
    Known(r"view\(", "other error", "which of two wrongs is met first", said=r"self\.(stride|size)\(-1\)"),
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
    # ---- nothing is defined ----
    Known(r"apply_|map2?_", "tangent", "a Python function of numbers has no derivative"),
    Known(
        r"topk|sort|kthvalue|mode|median|unique|cummax|cummin|max|min",
        "value|" + DERIVED,
        "which of equals is chosen",
        changed="whole|ties",
    ),
    Known(
        r"scatter|index_put|put|index_copy|\] = |\]\] = |max_unpool",
        "value|written|" + DERIVED,
        "places that are written twice",
    ),
    Known(
        r"linalg\.(eigh|svd|qr|lstsq|pinv)|geqrf|svd|pinverse|ormqr|lu_",
        "value",
        "factors of what is not finite, or of lower rank",
    ),
    Known(
        "det|cond|lu|solve|inv|matrix_power|matrix_exp|cholesky|eig|norm|rank|orgqr|householder",
        "value|" + DERIVED,
        "of what is not finite",
        changed="edges",
    ),
    Known(
        r"linalg\.(lu|slogdet|cond)|(?<=\.)logdet",
        DERIVED,
        "derivatives at singular matrices, or of what is not finite",
    ),
    Known(
        "celu|selu|elu|prelu|leaky_relu|sinc",
        "second",
        "a second derivative at a kink, or next to it",
        changed="ties",
    ),
    Known(
        "acosh|logit|float_power|pow|polygamma|digamma|lgamma|log|sqrt|asin|acos|atanh|erfinv|zeta",
        DERIVED,
        "outside of the domain, or at a pole",
        undecided=True,
    ),
    Known(r"cov\(|corrcoef", DERIVED, "more is subtracted than there is", undecided=True),
    Known(BESSEL, "tangent", "PyTorch has no derivative, and says that it is 0"),
    Known("fft", "value", "infinite numbers", changed="edges"),
    Known(
        ".*",
        "error",
        "of nothing PyTorch looks at no dtype",
        changed="shape",
        said=r"not implemented for|[Ee]xpected (scalar type|dtype|a floating)|a bool input|only supported|not implemented on|weights should be",
    ),
    Known(
        "roll|repeat|pad|interpolate|bernoulli|ctc_loss|pinv|grid_sample|take_along_dim|index_add|cross_entropy|attention|logsumexp|max_unpool|cond|conv_transpose|adaptive",
        "error",
        "of nothing PyTorch looks at no number",
        changed="shape",
    ),
    Known(
        "conv_transpose|interpolate|max_unpool|multilabel_soft",
        "no error",
        "of nothing, or of no dimensions, there is a result here",
        changed="shape",
    ),
    Known(
        "pixel_unshuffle",
        "shape",
        "of nothing PyTorch keeps the shape",
        "torch.pixel_unshuffle(torch.ones(0, 2, 4), 2).shape == (0, 2, 4)",
    ),
    Known(
        ".*",
        "error",
        "a tensor whose elements overlap is not written into",
        changed="expanded",
        said="more than one element of the written-to",
    ),
    Known(".*", "other error", "which of two wrongs is met first", changed="shape"),
    Known(
        "layer_norm|adaptive_max_pool|index_copy_|multi_head|repeat_interleave|pool|interpolate|broadcast_to",
        "other error",
        "which of two wrongs is met first",
        changed="numbers",
    ),
    Known(
        "out=",
        "other error",
        "the dtype of a target: PyTorch's sentences differ from function to function",
        changed="out",
    ),
    # ---- docs/limits.md ----
    Known(
        r"embedding\(.*scale_grad_by_freq", "tangent", "what forward mode gives is what reverse mode scales"
    ),
    Known(
        r"as_strided",
        "tangent",
        "what a view shows beyond its own elements has no tangent, as it has no gradient",
    ),
    Known(r"slogdet|logdet", "tangent: error|gradient: error", "raises at singular matrices"),
    Known(
        r"cholesky|eigh|pinv\(s, hermitian", "value|" + DERIVED, "functions of one triangle: docs/limits.md"
    ),
    Known(
        r"svd|matrix_norm|'nuc'|eig",
        f"({DERIVED}): error",
        "singular or eigenvectors that are a choice: docs/limits.md",
        said="the derivative does not exist",
    ),
    Known(
        r"linalg|norm|svd|pinverse",
        "error",
        "what is not finite, or has no inverse, has no factors",
        changed="edges|ties",
        said="failed to converge|not contain infs or NaNs|is zero, the inversion",
    ),
    Known(
        r"matrix_rank|cond|pinv",
        "other error",
        "which of the functions inside refuses the dtype",
        said="other than float and double|Expected a floating point",
    ),
    Known(r"clamp_\(", "other error", "PyTorch names a type of C++", said="desired output type"),
    Known(r"pinv", "second", "of lower rank at the tolerance"),
    Known(r"binary_cross_entropy", DERIVED, "finite where PyTorch's logarithm is held"),
    Known(
        r"linalg|lu_|svd",
        "error",
        "of halves and whole numbers PyTorch takes what has no elements",
        r"torch.linalg.det(torch.ones(0, 0).half()).item() == 1",
        said="not implemented for|Expected a floating point",
    ),
    Known(r"solve_triangular", "error", "the dtypes of A and B have to be one"),
    Known(r"cholesky", "no error", "of NaN a complex factor is NaN"),
    Known(r"index_reduce", "no error", "an index may have any integer dtype", changed="integers"),
    Known("out=", "error", "no function of networks and no copy of a view", said="keyword argument 'out'"),
    Known(
        r"conv1d",
        "error",
        "of nothing PyTorch looks at no dtype",
        said="not implemented for 'Bool'|expected scalar type",
    ),
    Known(
        r"conv_tbc|linear\(",
        "error",
        "the dtypes of operands have to be one",
        changed="mixed",
        said="the same",
    ),
    Known(
        r"softmax\(.*dtype=",
        "error",
        "complex numbers are not made real unasked",
        said='"softmax" not implemented',
    ),
    Known(
        r"soft_margin_loss|with_logits",
        "error",
        "not of complex numbers",
        said='"(logsigmoid|binary_cross_entropy_with_logits)" not implemented',
    ),
    Known("divide", "other error", "which of two wrongs is met first", said="div_floor"),
    Known(r"norm\(.*dtype", ".*error", "a real dtype for singular values", said="dtype should be complex"),
    Known(
        r"\[\.\.\., ",
        "other error",
        "PyTorch counts dimensions behind an ellipsis otherwise",
        said="is out of bounds for",
    ),
    Known("native_group_norm", ".*error", "of any layout there is a result here", said="is_contiguous"),
    Known(
        r"matrix_power|\.(max|min)\(",
        "error",
        "a target has the dtype of the result",
        said="Expected out tensor to have dtype",
    ),
    Known("embedding_bag", "error", "an index is int64 or int32", changed="integers", said="'indices'"),
    Known(
        "embedding_bag", "no error", "of nothing there is a result here", changed="shape", said="step must be"
    ),
    Known("norm", "no error", "of nothing there is a result here", said=r"amin\(\): Expected reduction dim"),
    Known(
        "detach_",
        "no error",
        "views of whole numbers do not remember what they view",
        said="Can't detach views",
    ),
    Known(
        "histogram",
        "other error",
        "digits of a number in the sentence",
        changed="edges",
        said="is not finite",
    ),
    Known("div|/", "second", "a complex zero below", changed="ties", said="nanj"),
    Known(r"\bnormal\(", "value", "of several dtypes deviations are added in the wider", changed="mixed"),
    Known("ldexp_", "other error", "of whole numbers", changed="mixed", said="can't be cast"),
    Known("ldexp", "value", "2 ** p is rounded to p's dtype first", changed="mixed"),
    Known("local_response_norm", "no error", "of no neighbours", changed="numbers"),
    Known(
        "lstsq", "no error", "the batches of both are broadcast", changed="shape", said="must match the size"
    ),
    Known("lu_factor", "no error", "of NaN", changed="edges", said="is zero and using it on lu_solve"),
    Known(
        "as_strided_scatter",
        "error",
        "strides that do not fit the memory",
        changed="expanded",
        said="setStorage",
    ),
    Known(
        "max_unpool",
        "error",
        "of nothing PyTorch looks at no index",
        changed="numbers",
        said="invalid max index",
    ),
    Known("lstm_cell|gru_cell", "no error", "of whole numbers", changed="whole", said="can't be cast"),
    # ---- where the result lies ----
    Known(
        r"x \* z|\.H|adaptive_avg_pool|m\.abs\(z, out|rsub|polar|angle|einsum|mH|adjoint|cholesky_solve|soft_margin|rrelu|with_logits|rms_norm|batch_norm|instance_norm|group_norm|conv_tbc|conv_transpose|affine_grid|grid_sample|matrix_power|tensorinv|unique_consecutive|renorm|"
        r"fft|channel_shuffle|pixel|interpolate|householder|unique|fold",
        ".*stride",
        "lies in memory as its operand lies, where PyTorch's is row by row: docs/limits.md",
    ),
    Known(".*", "stride", "an operand whose elements overlap: docs/limits.md", changed="expanded"),
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
