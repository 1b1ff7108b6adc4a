"""Every public name says what it takes and shows what it does: a signature with names, and an example.

Public is what `dir(pullback)` lists, what the modules among that list in `__all__`, and the members of those classes.
"""

import inspect

from test_docstrings import DOCUMENTED

import pullback as pb

# What takes whatever it is given, and why.
ANY_ARGUMENTS = {
    "pullback.autograd.Function": "is never made: its arguments are those of the operation that a user writes",
    "pullback.autograd.Function.apply": "likewise",
    "pullback.autograd.Function.forward": "likewise",
    "pullback.autograd.Function.setup_context": "likewise",
    "pullback.autograd.Function.backward": "likewise",
    "pullback.autograd.Function.jvp": "likewise",
    "pullback.calculus.composed": "`about` is what `Row` takes by name",
    "pullback.calculus.elementwise": "likewise",
}
CATCH_ALL = {"args", "kwargs", "named", "options", "about", "operands"}


def public_modules():
    waiting, seen = [("pullback", pb)], set()
    while waiting:
        name, module = waiting.pop(0)
        if module.__name__ in seen:
            continue
        seen.add(module.__name__)
        names = dir(module) if module is pb else module.__all__
        yield name, module, names
        for each in names:
            value = getattr(module, each)
            if inspect.ismodule(value) and value.__name__.startswith("pullback"):
                waiting.append((value.__name__, value))


def public():
    """{id: (name, object)} of everything public that is called or read, by the shortest way to it."""
    found = {}
    for home, module, names in public_modules():
        for each in names:
            value = getattr(module, each)
            if inspect.ismodule(value) or not callable(value):
                continue
            name = f"{home}.{each}"
            found.setdefault(id(value), (name, value))
            if inspect.isclass(value):
                for member, attribute in vars(value).items():
                    field = (
                        inspect.ismemberdescriptor(attribute) or type(attribute).__name__ == "_tuplegetter"
                    )
                    if member.startswith("_") or field:
                        continue
                    if callable(attribute) or inspect.isdatadescriptor(attribute):
                        found.setdefault(id(attribute), (f"{name}.{member}", attribute))
    return found


PUBLIC = public()


def makes_instances(kind):
    """Whether a class is meant to be called: not an exception, and not one that only the core makes."""
    if issubclass(kind, BaseException):
        return False
    try:
        kind()
    except TypeError as error:
        return "cannot create" not in str(error)
    return True


def called():
    """Every public function, method and class that users call."""
    for name, value in PUBLIC.values():
        if callable(value) and not (inspect.isclass(value) and not makes_instances(value)):
            yield name, value


def test_the_walk_finds_what_there_is():
    names = {name for name, _ in PUBLIC.values()}
    assert len(names) > 700
    assert names >= {
        "pullback.zeros",
        "pullback.Tensor.exp_",
        "pullback.Tensor.grad",
        "pullback.nn.functional.silu",
        "pullback.linalg.vector_norm",
        "pullback.special.xlog1py",
        "pullback.autograd.graph.register_multi_grad_hook",
        "pullback.autograd.forward_ad.make_dual",
        "pullback.calculus.exp",
    }


def test_what_is_public_is_documented():
    # test_docstrings runs the examples of what it finds: all of this.
    missing = [name for key, (name, _) in PUBLIC.items() if key not in {id(value) for _, value in DOCUMENTED}]
    assert not missing


def test_every_public_name_has_an_example():
    missing = [name for name, value in PUBLIC.values() if ">>>" not in (value.__doc__ or "")]
    assert not missing, f"{len(missing)} without an example: {', '.join(missing)}"


def test_every_callable_has_a_signature():
    missing = []
    for name, value in called():
        try:
            inspect.signature(value)
        except (TypeError, ValueError):
            missing.append(name)
    assert not missing, f"{len(missing)} without a signature: {', '.join(missing)}"


def test_signatures_name_their_parameters():
    vague = set()
    for name, value in called():
        for p in inspect.signature(value).parameters.values():
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name in CATCH_ALL:
                vague.add(name)
    assert vague - set(ANY_ARGUMENTS) == set()
