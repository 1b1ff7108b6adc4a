"""Every example in a public docstring runs, and every public name has a docstring.

Most public functions are C-level callables whose docstrings are attached from Python, which doctest's own
finder does not see: so names are walked here, from what the package exports.
"""

import doctest
import importlib
import inspect
import operator
import pkgutil
import warnings

import numpy as np
import pytest

import pullback as pb
from pullback import _core

PARSER = doctest.DocTestParser()
# Printed tensors are compared to the character: white space counts.
OPTIONS = doctest.ELLIPSIS | doctest.DONT_ACCEPT_TRUE_FOR_1
# What a module or a schedule defines for its base to call: the page of its class says what it computes and shows it at work.
PROTOCOL = {"forward", "extra_repr", "reset_parameters", "initialize_parameters", "get_lr", "compute_mask"}
PROTOCOL_OF = (pb.nn.Module, pb.nn.modules.lazy.LazyModuleMixin, pb.optim.lr_scheduler.LRScheduler)
PROTOCOL_OF += (pb.nn.utils.prune.BasePruningMethod,)
# Likewise the questions that these answer, which each family answers, and its parameters, which the page of its class names.
ANSWERS_OF = (
    pb.distributions.Distribution,
    pb.distributions.Transform,
    pb.distributions.constraints.Constraint,
)
PARAMETERS = {"param_shape", "temperature", "domain", "codomain"}
PARAMETERS |= set("concentration concentration0 concentration1 df loc logits probs rate scale".split())


def public_modules():
    yield pb
    for info in pkgutil.walk_packages(pb.__path__, "pullback."):
        if not any(part.startswith("_") for part in info.name.split(".")):
            try:
                yield importlib.import_module(info.name)
            except ImportError as error:  # an optional extra, such as matplotlib, is absent
                if error.name and error.name.startswith("pullback"):
                    raise


def exported(module):
    """What a module offers; what it merely imported from elsewhere is not its to document."""
    names = getattr(module, "__all__", None)
    for name in names if names is not None else vars(module):
        value = getattr(module, name)
        if inspect.ismodule(value) or name.startswith("_"):
            continue
        home = getattr(value, "__module__", None) or ""
        if names is not None or home.split(".")[0] == "pullback":
            yield f"{module.__name__}.{name}", value


def _is_field(attribute):
    """Slots and fields of named tuples: their class documents them."""
    return inspect.ismemberdescriptor(attribute) or type(attribute).__name__ == "_tuplegetter"


def documented():
    """Every public object that can carry a docstring, once, by the shortest name that reaches it."""
    found = {}
    for module in public_modules():
        found.setdefault(id(module), (module.__name__, module))
        for name, value in exported(module):
            if not callable(value):
                continue
            found.setdefault(id(value), (name, value))
            if inspect.isclass(value):
                for member, attribute in vars(value).items():
                    if member.startswith("_") or _is_field(attribute):
                        continue
                    if callable(attribute) or inspect.isdatadescriptor(attribute):
                        found.setdefault(id(attribute), (f"{name}.{member}", attribute))
    return list(found.values())


def is_protocol(name):
    """Whether a name is a member that stands for its class, which alone is documented."""
    owner, _, member = name.rpartition(".")
    if name.startswith("pullback.distributions."):
        kind = operator.attrgetter(owner.removeprefix("pullback."))(pb)
        bases = [base for base in ANSWERS_OF if inspect.isclass(kind) and issubclass(kind, base)]
        return any(kind is not base and (hasattr(base, member) or member in PARAMETERS) for base in bases)
    if member not in PROTOCOL or not name.startswith(("pullback.nn.", "pullback.optim.")):
        return False
    kind = operator.attrgetter(owner.removeprefix("pullback."))(pb)
    return inspect.isclass(kind) and issubclass(kind, PROTOCOL_OF)


DOCUMENTED = documented()
WITH_EXAMPLES = [(name, value) for name, value in DOCUMENTED if ">>>" in (value.__doc__ or "")]


def test_public_names_have_docstrings():
    bare = [name for name, value in DOCUMENTED if not (value.__doc__ or "").strip()]
    missing = [name for name in bare if not is_protocol(name)]
    assert not missing, f"{len(missing)} public names without a docstring: {', '.join(sorted(missing))}"


def test_a_protocol_hides_nothing_else():
    hidden = {name for name, _ in DOCUMENTED if is_protocol(name)}
    answers = {name for name in hidden if name.startswith("pullback.distributions.")}
    assert (
        "pullback.distributions.Normal.log_prob" in answers
        and "pullback.distributions.Gamma.rate" not in hidden
    )
    assert not is_protocol("pullback.distributions.Distribution.log_prob")
    assert not is_protocol("pullback.distributions.GeneralizedPareto.log_cdf")
    hidden -= answers
    assert {name.rpartition(".")[2] for name in hidden} == PROTOCOL
    assert "pullback.nn.Linear.forward" in hidden
    assert not is_protocol("pullback.nn.Module.children")
    assert not is_protocol("pullback.autograd.Function.forward")
    assert not is_protocol("pullback.optim.lr_scheduler.LRScheduler.get_last_lr")


def test_examples_are_found():
    # If the walk breaks, the tests below pass by vanishing.
    assert len(WITH_EXAMPLES) > 50
    assert any(name.startswith("pullback.Tensor.") for name, _ in WITH_EXAMPLES)


def test_examples_stand_under_one_word():
    bare = []
    for name, value in WITH_EXAMPLES:
        text = inspect.cleandoc(value.__doc__)
        if not inspect.ismodule(value) and not text.partition(">>>")[0].rstrip().endswith("Example:"):
            bare.append(name)
    assert not bare, f"without a line `Example:` above: {', '.join(bare)}"


@pytest.mark.parametrize("name, value", WITH_EXAMPLES, ids=[name for name, _ in WITH_EXAMPLES])
def test_examples(name, value):
    pb.manual_seed(0)
    run_examples(name, inspect.cleandoc(value.__doc__))


def run_examples(name, text):
    test = PARSER.get_doctest(text, {"pb": pb, "np": np}, name, None, 0)
    said = []
    mode = _core.deferral(False, 32768)  # what users see, whatever the environment says
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some examples show what warns
        failed, tried = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False).run(test, out=said.append)
    _core.deferral(*mode)
    assert tried and not failed, "".join(said)
