# ruff: noqa: E501
"""Differences that stay where PyTorch defines nothing, or pullback says in docs/limits.md that it does otherwise."""

from .entry import BESSEL, DERIVED, Known

TABLE = [
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
        r"\.qr\(",
        "value",
        "factors of what is not finite, or of lower rank",
        changed="edges|ties|expanded|shape",
    ),
    Known(
        "det|cond|lu|ldl|solve|inv|matrix_power|matrix_exp|cholesky|eig|norm|rank|orgqr|householder",
        "value|" + DERIVED,
        "of what is not finite",
        changed="edges",
    ),
    Known(
        r"(?<=\.)(slog|log)?det\(",
        "value",
        "a singular matrix, whose determinant is what rounding leaves",
        changed="shape|ties|expanded",
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
    Known(r"eigvals\(", "value", "the order of eigenvalues, of lower rank", changed="shape|ties|expanded"),
    Known(
        r"\brandn?\(",
        "error",
        "of nothing PyTorch looks at no dtype",
        changed="numbers",
        said="kernel_cpu|check_uniform_bounds",
    ),
    Known(
        r"cond\(",
        "value",
        "a singular matrix, whose inverse is what rounding leaves",
        changed="shape|ties|expanded",
    ),
    Known(
        "corrcoef",
        "second",
        "of equal rows: what rounding puts beyond 1 is cut off, and its slope",
        changed="shape|ties|expanded",
    ),
    Known(
        r"exp\(1j \* x\) \* z",
        "value",
        "a narrow factor is rounded before it meets the wide one",
        changed="mixed",
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
        r"matrix_rank|cond|pinv|embedding|norm_except_dim",
        "other error",
        "which of the functions inside refuses the dtype",
        said="other than float and double|Expected a floating point",
    ),
    Known(
        "baddbmm|addbmm",
        "other error",
        "PyTorch looks for a dimension that is not there before it asks for three",
        said="Dimension (specified|out of range)",
    ),
    Known("histc", "other error", "NaN has a sign in PyTorch's sentence", said="is not finite"),
    Known(
        "cross_entropy",
        "no error",
        "classes may be bytes, with weights and smoothing, too",
        said=r"gather\(\): Expected dtype int32/int64",
    ),
    Known(
        r"(arange|range|linspace|logspace|fftfreq)\(.*out=",
        "shape",
        "a target of another shape is resized, of as many elements, too",
    ),
    Known("combinations", "no error", "PyTorch makes a mask of all tuples", said="enforce fail"),
    Known(
        r"linear\(",
        "no error",
        "whether a vector may have a matrix of one row as bias depends on where PyTorch's memory lies",
        said="doesn't match the broadcast shape",
        changed="expanded|transposed|strided|sliced|gaps",
    ),
    Known(r"clamp_\(", "other error", "PyTorch names a type of C++", said="desired output type"),
    Known(r"pinv", "second", "of lower rank at the tolerance"),
    Known(r"binary_cross_entropy", DERIVED, "finite where PyTorch's logarithm is held"),
    Known(
        r"linalg|lu_|svd",
        "error",
        "of halves and whole numbers PyTorch takes what has no elements",
        r"torch.linalg.det(torch.ones(0, 0).half()).item() == 1",
        said="not implemented for|Expected a floating point|other than float and double",
    ),
    Known(r"cholesky", "no error", "of NaN a complex factor is NaN"),
    Known(
        r"pow|\*\*", "error", "of wide unsigned numbers PyTorch has the powers 0 and 1", said='"pow" not impl'
    ),
    Known(r"index_reduce", "no error", "an index may have any integer dtype", changed="integers"),
    Known("out=", "error", "no function of networks and no copy of a view", said="keyword argument 'out'"),
    Known(
        r"conv1d|conv_tbc|adaptive|cdist|linspace|matrix_exp",
        "error",
        "of nothing PyTorch looks at no dtype",
        said="not implemented for|expected scalar type|Low precision",
    ),
    Known(
        r"conv_tbc|linear\(",
        "error|other error",
        "the dtypes of operands have to be one",
        changed="mixed",
        said="the same",
    ),
    Known(
        r"softm(ax|in)\(.*dtype=",
        "error",
        "complex numbers are not made real unasked",
        said='"(log)?softmax" not implemented',
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
    Known("ldexp", "value", "2 ** p is rounded to p's dtype first", changed="mixed|scalar"),
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
    Known(
        r"m\.(mul|multiply|add|sub|subtract|div|divide|true_divide|floor_divide)\(",
        "error",
        "for two numbers there are Python's operators",
        changed="numbers",
        said="must be Tensor, not int",
    ),
    Known(
        "cross",
        "no error",
        "a target has the dtype of the result",
        changed="mixed",
        said="Expected out tensor to have dtype",
    ),
    Known("max_unpool", "error", "floats of NumPy are no sizes", changed="numpy", said="float32' object"),
    Known(
        "addbmm",
        "error",
        "a number and a target that is empty",
        changed="out",
        said="must have the same dtype",
    ),
    Known(
        "matrix_norm", "other error", "which of a batch is met first", changed="edges", said="Batch element"
    ),
    Known(r"s \* x", "gradient", "numbers of half as many digits are added up", changed="mixed"),
    Known("igammac?_", "other error", "which of two wrongs is met first", changed="mixed"),
    Known(
        "conv_tbc",
        "no error",
        "sequences may lie in any order",
        changed="transposed|numbers",
        said="view size",
    ),
    # ---- where the result lies ----
    Known(
        r"x \* z|\.H|adaptive_avg_pool|m\.abs\(z, out|rsub|polar|complex\(|cross\(|angle|einsum|mH|adjoint|cholesky_solve|soft_margin|rrelu|with_logits|rms_norm|batch_norm|instance_norm|group_norm|conv_tbc|conv_transpose|affine_grid|grid_sample|matrix_power|tensorinv|unique_consecutive|renorm|"
        r"fft|channel_shuffle|pixel|interpolate|householder|unique|fold",
        ".*stride",
        "lies in memory as its operand lies, where PyTorch's is row by row: docs/limits.md",
    ),
    Known(".*", "stride", "an operand whose elements overlap: docs/limits.md", changed="expanded"),
    Known(
        r"conv|pool|stack|gru_cell|lstm_cell|rnn_\w+_cell|nan_to_num|upsample",
        ".*stride",
        "which of PyTorch's kernels keep channels last depends on sizes and dtypes: docs/limits.md",
        changed="channels last|gaps|interleaved|transposed|sliced",
    ),
]
