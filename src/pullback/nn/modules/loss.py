"""Losses as modules: a table over nn.functional; those with weights have them as buffers."""

from .. import functional as F
from ..reduction import reduction_of
from .others import PairwiseDistance
from .simple import Simple, simple

_OLDER = {"size_average": None, "reduce": None}
_REDUCTION = {"reduction": "mean"}


def _distance(anchor, positive, negative, distance_function, margin, swap, reduction):
    return F.triplet_margin_with_distance_loss(
        anchor,
        positive,
        negative,
        distance_function=distance_function,
        margin=margin,
        swap=swap,
        reduction=reduction,
    )


class _Loss(Simple):
    """`size_average` and `reduce` are the older form of `reduction`, which they become."""

    _shown = ""

    def _made(self):
        if "size_average" in self._parameters_of:
            if self.size_average is not None or self.reduce is not None:
                self.reduction = reduction_of(self.reduction, self.size_average, self.reduce)
            del self.size_average, self.reduce
        if self._parameters_of.get("distance_function", 0) is None and self.distance_function is None:
            self.distance_function = PairwiseDistance()
        for name in ("weight", "pos_weight"):
            if name in self._parameters_of:
                value = self.__dict__.pop(name)
                self.register_buffer(name, value)

    def _passed(self):
        names = [name for name in self._parameters_of if name not in _OLDER]
        return {name: getattr(self, name) for name in names}

    def extra_repr(self):
        return ""


def _define(name, function, parameters, given="", named=False):
    doc = f"""`nn.functional.{function.__name__}` as a module: see there for arguments, shapes and errors.

    Example:
        >>> pb.nn.{name}({given}).reduction
        'mean'
    """
    made = simple(name, function, parameters, "", doc, base=_Loss, module="loss", named=named)
    return made


L1Loss = _define("L1Loss", F.l1_loss, {**_OLDER, **_REDUCTION})
MSELoss = _define("MSELoss", F.mse_loss, {**_OLDER, **_REDUCTION})
SmoothL1Loss = _define("SmoothL1Loss", F.smooth_l1_loss, {**_OLDER, **_REDUCTION, "beta": 1.0})
HuberLoss = _define("HuberLoss", F.huber_loss, {**_REDUCTION, "delta": 1.0})
NLLLoss = _define(
    "NLLLoss",
    F.nll_loss,
    {"weight": None, "size_average": None, "ignore_index": -100, "reduce": None, **_REDUCTION},
)


class NLLLoss2d(NLLLoss):  # type: ignore[valid-type,misc]
    """`NLLLoss` under its older name, at which it warns, as PyTorch does.

    Example:
        >>> pb.nn.NLLLoss2d()
        NLLLoss2d()
    """

    def _made(self):
        import warnings

        warnings.warn(
            "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in replacement and see "
            "https://pytorch.org/docs/main/nn.html#torch.nn.NLLLoss for more details.",
            FutureWarning,
            stacklevel=3,
        )
        super()._made()


CrossEntropyLoss = _define(
    "CrossEntropyLoss",
    F.cross_entropy,
    {
        "weight": None,
        "size_average": None,
        "ignore_index": -100,
        "reduce": None,
        **_REDUCTION,
        "label_smoothing": 0.0,
    },
)
PoissonNLLLoss = _define(
    "PoissonNLLLoss",
    F.poisson_nll_loss,
    {"log_input": True, "full": False, "size_average": None, "eps": 1e-8, "reduce": None, **_REDUCTION},
)
GaussianNLLLoss = _define(
    "GaussianNLLLoss", F.gaussian_nll_loss, {"full": False, "eps": 1e-6, **_REDUCTION}, named=True
)
KLDivLoss = _define("KLDivLoss", F.kl_div, {**_OLDER, **_REDUCTION, "log_target": False})
BCELoss = _define("BCELoss", F.binary_cross_entropy, {"weight": None, **_OLDER, **_REDUCTION})
BCEWithLogitsLoss = _define(
    "BCEWithLogitsLoss",
    F.binary_cross_entropy_with_logits,
    {"weight": None, **_OLDER, **_REDUCTION, "pos_weight": None},
)
HingeEmbeddingLoss = _define(
    "HingeEmbeddingLoss", F.hinge_embedding_loss, {"margin": 1.0, **_OLDER, **_REDUCTION}
)
MultiLabelMarginLoss = _define("MultiLabelMarginLoss", F.multilabel_margin_loss, {**_OLDER, **_REDUCTION})
SoftMarginLoss = _define("SoftMarginLoss", F.soft_margin_loss, {**_OLDER, **_REDUCTION})
MultiLabelSoftMarginLoss = _define(
    "MultiLabelSoftMarginLoss",
    F.multilabel_soft_margin_loss,
    {"weight": None, **_OLDER, **_REDUCTION},
)
CosineEmbeddingLoss = _define(
    "CosineEmbeddingLoss", F.cosine_embedding_loss, {"margin": 0.0, **_OLDER, **_REDUCTION}
)
MarginRankingLoss = _define(
    "MarginRankingLoss", F.margin_ranking_loss, {"margin": 0.0, **_OLDER, **_REDUCTION}
)
MultiMarginLoss = _define(
    "MultiMarginLoss",
    F.multi_margin_loss,
    {"p": 1, "margin": 1.0, "weight": None, **_OLDER, **_REDUCTION},
)
TripletMarginLoss = _define(
    "TripletMarginLoss",
    F.triplet_margin_loss,
    {"margin": 1.0, "p": 2.0, "eps": 1e-6, "swap": False, **_OLDER, **_REDUCTION},
)
TripletMarginWithDistanceLoss = simple(
    "TripletMarginWithDistanceLoss",
    _distance,
    {"distance_function": None, "margin": 1.0, "swap": False, **_REDUCTION},
    "",
    """`nn.functional.triplet_margin_with_distance_loss` as a module: see there for arguments, shapes and errors.

    Example:
        >>> loss = pb.nn.TripletMarginWithDistanceLoss(margin=2.0)
        >>> loss(pb.zeros(1, 2), pb.zeros(1, 2), pb.ones(1, 2))
        tensor(0.5858)
    """,
    base=_Loss,
    module="loss",
    named=True,
)
CTCLoss = _define("CTCLoss", F.ctc_loss, {"blank": 0, **_REDUCTION, "zero_infinity": False})

__all__ = [
    name
    for name, value in list(globals().items())
    if isinstance(value, type) and name[0] != "_" and name != "Simple"
]
