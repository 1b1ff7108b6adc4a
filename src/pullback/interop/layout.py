"""Where a module of PyTorch's stands here: `find("nn.functional")`.

Most have the same path, and are themselves what a program gets. What is missing are files of PyTorch's whose names it also
offers one package above, which here are divided in another way, or not at all: `nn.modules.batchnorm`, `optim.sgd`. A
stand-in for such a file looks up its names: in the file of the same path, if there is one, and in the packages above it.
The packages that such files are in have stand-ins, too, so that nothing is written into ours.
"""

import contextlib
import importlib
import types

from ..messages.missing import missing
from . import private

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
    """A module of PyTorch's, whose names are looked up in several of ours."""

    def __init__(self, path, homes, names=()):
        super().__init__(f"pullback.{path}".rstrip("."))
        self.__dict__.update(names)
        self.__dict__.update(_path=path, _homes=homes)
        if path in PACKAGES:
            self.__dict__["__path__"] = []

    def __getattr__(self, name):
        value = self._look_up(name)
        if value is StandIn or isinstance(value, types.ModuleType):
            found = find(f"{self._path}.{name}".lstrip(".")) if name[:2] != "__" else None
            value = value if found is None else found
        if value is not StandIn:
            if not isinstance(value, types.ModuleType):
                self.__dict__[name] = value  # found at once the next time
            return value
        if name == "__all__":
            return [each for each in dir(self) if each[0] != "_"]
        raise missing(home_of(self), name)

    def _look_up(self, name):
        for home in self._homes:
            if name in vars(home):
                return vars(home)[name]
        if name in BASES and self._path.startswith("nn.modules"):
            file, _, base = BASES[name].partition(".")
            return getattr(_module(f"nn.modules.{file}"), base)
        for home in self._homes:  # it may be loaded when it is asked for
            with contextlib.suppress(AttributeError, ImportError):
                return getattr(home, name)
        return StandIn

    def __dir__(self):
        return sorted(
            {*vars(self), *[name for home in self._homes for name in dir(home)]} - {"_path", "_homes"}
        )


def home_of(module):
    """The name of the module of ours that a stand-in's names are in."""
    return module._homes[-1].__name__ if module._homes else "pullback"


def _above(path):
    """The packages that a path is in, but for `torch` itself."""
    parts = path.split(".")
    return {".".join(parts[:i]) for i in range(1, len(parts))}


PACKAGES = {"", *filter(None, FILES)}.union(*map(_above, [*FILES, *private.MADE]))
_found: dict = {}


def find(path):
    """The module that stands for PyTorch's of a dotted path below `torch`; None where there is none."""
    if path not in _found:
        _found[path] = _find(path)
    return _found[path]


def _find(path):
    own, (above, _, file) = _module(path), path.rpartition(".")
    homes = [own] if own is not None else []
    if file in FILES.get(above, "").split() and _module(above) is not None:
        homes.append(_module(above))
        if above.endswith(".modules"):
            homes.append(_module(above.removesuffix(".modules")))
    if path in private.MADE or (homes and (path in PACKAGES or homes != [own])):
        return StandIn(path, homes, private.names(path))
    return own


def _module(path):
    """Our module of this path."""
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
