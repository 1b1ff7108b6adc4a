"""Where a module of PyTorch's stands here: `find("nn.functional")`.

Most have the same path. What is missing of that are files of PyTorch's whose names it also offers one package above,
which here are divided in another way, or not at all: `nn.modules.batchnorm`, `optim.sgd`. A stand-in for such a file
looks up its names: in the file of the same path, if there is one, and in the packages above it.
"""

import contextlib
import importlib
import types

from ..messages.missing import missing

# Package -> PyTorch's files in it whose names the package (or, for nn.modules, the one above) has.
FILES = {
    "": "functional _tensor",
    "nn.modules": """
        activation adaptive batchnorm channelshuffle container conv distance dropout flatten fold instancenorm lazy
        linear loss module normalization padding pixelshuffle pooling rnn sparse transformer upsampling utils
    """,
    "nn.utils": "convert_parameters clip_grad fusion init memory_format spectral_norm weight_norm",
    "optim": """
        adadelta adagrad adam adamax adamw asgd lbfgs nadam optimizer radam rmsprop rprop sgd sparse_adam
    """,
    "autograd": "anomaly_mode grad_mode gradcheck variable",
    "utils.data": "dataloader dataset sampler",
    "utils.data._utils": "collate fetch worker",
    "distributions": """
        bernoulli beta binomial categorical cauchy chi2 continuous_bernoulli dirichlet distribution exp_family exponential
        fishersnedecor gamma geometric gumbel half_cauchy half_normal independent inverse_gamma kumaraswamy laplace
        lkj_cholesky log_normal logistic_normal lowrank_multivariate_normal mixture_same_family multinomial
        multivariate_normal negative_binomial normal one_hot_categorical pareto poisson relaxed_bernoulli
        relaxed_categorical studentT transformed_distribution uniform von_mises weibull wishart
    """,
    "testing": "_comparison",
}
# Classes that such a file has, without being offered by a package: by their names here.
BASES = {
    "_BatchNorm": "normalization._BatchNorm",
    "_ConvNd": "conv._Convolution",
    "_DropoutNd": "others._Dropout",
    "_InstanceNorm": "normalization._InstanceNorm",
    "_NormBase": "normalization._Norm",
}


class StandIn(types.ModuleType):
    """A file of PyTorch's, whose names are looked up in several modules."""

    def __init__(self, path, homes):
        super().__init__(f"pullback.{path}")
        self.__dict__["_homes"] = homes

    def __getattr__(self, name):
        for home in self.__dict__["_homes"]:
            value = vars(home).get(name, StandIn)
            if value is not StandIn:
                return value
        if name in BASES and self.__name__.startswith("pullback.nn.modules"):
            file, _, base = BASES[name].partition(".")
            return getattr(_module(f"nn.modules.{file}"), base)
        if name == "__all__":
            return [each for each in dir(self) if each[0] != "_"]
        for home in self.__dict__["_homes"]:  # it may be loaded when it is asked for
            with contextlib.suppress(AttributeError, ImportError):
                return getattr(home, name)
        raise missing(self.__name__, name)

    def __dir__(self):
        return sorted({name for home in self.__dict__["_homes"] for name in dir(home)})


_stand_ins: dict = {}


def find(path):
    """The module that stands for PyTorch's of a dotted path below `torch`; None where there is none."""
    if path in _stand_ins:
        return _stand_ins[path]
    above, _, file = path.rpartition(".")
    own = _module(path)
    if file not in FILES.get(above, "").split() or (above and _module(above) is None):
        return own
    homes = [own] if own is not None else []
    homes.append(_module(above))
    if above.endswith(".modules"):
        homes.append(_module(above.removesuffix(".modules")))
    _stand_ins[path] = made = StandIn(path, homes)
    if path == "nn.modules.utils":
        vars(made).update(_tuples())
    if path == "nn.modules.loss":
        vars(made).update(_losses())
    return made


def _module(path):
    """The module of this path in the package."""
    name = f"pullback.{path}".rstrip(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # it is there, and what it needs is not
    above, _, last = name.rpartition(".")
    home = _module(above.removeprefix("pullback").lstrip(".")) if above != "pullback" else None
    value = vars(home).get(last) if home is not None else None
    return value if isinstance(value, types.ModuleType) else None


def _tuples():
    """`_single`, `_pair`, ...: a number as that many, a sequence as a tuple."""

    def as_many(n):
        return lambda x: tuple(x) if hasattr(x, "__iter__") else (x,) * n

    names = ("_single", "_pair", "_triple", "_quadruple")
    return {name: as_many(n) for n, name in enumerate(names, 1)} | {"_ntuple": as_many}


def _losses():
    """What losses of one's own inherit from."""
    nn = _module("nn")
    reduction_of = _module("nn.reduction").reduction_of

    class _Loss(nn.Module):
        def __init__(self, size_average=None, reduce=None, reduction="mean"):
            super().__init__()
            self.reduction = reduction_of(reduction, size_average, reduce)

    class _WeightedLoss(_Loss):
        def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean"):
            super().__init__(size_average, reduce, reduction)
            self.register_buffer("weight", weight)

    return {"_Loss": _Loss, "_WeightedLoss": _WeightedLoss}
