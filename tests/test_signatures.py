"""Every public name says what it takes and shows what it does: a signature with names, and an example.

Public is what `dir(pullback)` lists, what the modules among that list in `__all__`, and the members of those classes.
"""

import inspect

from test_docstrings import DOCUMENTED, is_protocol

import pullback as pb

# What takes whatever it is given, and why.
OLDER = [
    f"pullback.{kind}Tensor" for kind in "BFloat16 Bool Byte Char Double Float Half Int Long Short".split()
]
ANY_ARGUMENTS = {
    **dict.fromkeys([*OLDER, "pullback.Tensor.new"], "takes sizes or data, as `Tensor` does"),
    "pullback.autograd.Function": "is never made: its arguments are those of the operation that a user writes",
    "pullback.autograd.Function.forward": "likewise",
    "pullback.autograd.Function.vmap": "likewise",
    **dict.fromkeys(
        [f"pullback.{name}" for name in ("gru", "lstm", "rnn_relu", "rnn_tanh")],
        "takes a sequence, or one of packed lengths: two lists of parameters, which its page has",
    ),
    "pullback.Tensor.to": "has PyTorch's three forms; the stub has an overload for each",
    "pullback.Tensor.type": "has PyTorch's `**kwargs`, for the older names of `non_blocking`",
    "pullback.overrides.handle_torch_function": "its arguments are those of the call that classes answer",
    "pullback.checkpoint_loop": "`args` are those of the function that is called",
    "pullback.func.custom_root": "likewise",
    "pullback.func.fixed_point": "likewise",
    "pullback.nn.Identity": "takes any arguments, so that it can stand in for any module",
    "pullback.nn.Module": "with `call_super_init`, arguments go on to the next class of a subclass's bases",
    "pullback.nn.Module.compile": "has PyTorch's options of a compiler, none of which matters here",
    "pullback.nn.Module.state_dict": "has PyTorch's `*args`, the older form of its options, which warns",
    "pullback.nn.Module.to": "has PyTorch's three forms",
    "pullback.nn.Sequential": "takes any number of modules, or one dictionary of them",
    "pullback.nn.utils.rnn.PackedSequence.to": "its arguments are those of `Tensor.to`",
    "pullback.nn.utils.prune.global_unstructured": "`kwargs` are those of the method of pruning",
    "pullback.optim.swa_utils.AveragedModel.forward": "its arguments are those of the module that is averaged",
    "pullback.utils.checkpoint.CheckpointFunction": "is never made",
    "pullback.utils.checkpoint.CheckpointFunction.forward": "its arguments are those of the function that is called",
    "pullback.utils.checkpoint.checkpoint": "its arguments are those of the function that is called",
    "pullback.utils.checkpoint.checkpoint_sequential": "has PyTorch's `**kwargs`, for `preserve_rng_state`",
    "pullback.utils.data.StackDataset": "takes any number of datasets, or any number with names",
    "pullback.nn.DataParallel.forward": "its arguments are those of the module that is called",
    "pullback.nn.utils.skip_init": "its arguments are those of the class that is made",
    "pullback.GradScaler.step": "its arguments are those of the optimiser's step",
    "pullback.jit.ScriptFunction": "is never made",
    "pullback.jit.ScriptModule": "its arguments are those of Module",
    "pullback.jit.fork": "its arguments are those of the function that is called",
    "pullback.jit.ignore": "has PyTorch's `**kwargs`, for older names",
    "pullback.hub.load": "its arguments are those of the program that would run",
    "pullback.calculus.composed": "`about` is what `Row` takes by name",
    "pullback.calculus.elementwise": "likewise",
}
CATCH_ALL = {"args", "kwargs", "named", "options", "about"}


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


# Classes that are made of parts, whose members are theirs.
PARTS = {
    "pullback.nn.Module": (
        pb.nn.modules.walking.Walked,
        pb.nn.modules.changing.Changed,
        pb.nn.modules.hooks.Hooked,
        pb.nn.modules.state.Stateful,
    )
}


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
                of_parts = [pair for part in PARTS.get(name, ()) for pair in vars(part).items()]
                for member, attribute in [*vars(value).items(), *of_parts]:
                    field = (
                        inspect.ismemberdescriptor(attribute) or type(attribute).__name__ == "_tuplegetter"
                    )
                    if member.startswith("_") or field:
                        continue
                    if callable(attribute) or inspect.isdatadescriptor(attribute):
                        found.setdefault(id(attribute), (f"{name}.{member}", attribute))
    return found


PUBLIC = public()


def is_made_by_the_core_only(kind):
    try:
        kind()
    except TypeError as error:
        return "cannot create" in str(error)
    return False


def signatures():
    """{name: signature, or None} of every public function, method and class that users call."""
    found = {}
    for name, value in PUBLIC.values():
        if not callable(value) or (inspect.isclass(value) and issubclass(value, BaseException)):
            continue
        try:
            found[name] = inspect.signature(value)
        except (TypeError, ValueError):
            if not (inspect.isclass(value) and is_made_by_the_core_only(value)):
                found[name] = None
    return found


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
    bare = [name for name, value in PUBLIC.values() if ">>>" not in (value.__doc__ or "")]
    missing = [name for name in bare if not is_protocol(name)]
    assert not missing, f"{len(missing)} without an example: {', '.join(missing)}"


def test_every_callable_has_a_signature():
    missing = [name for name, signature in signatures().items() if signature is None]
    assert not missing, f"{len(missing)} without a signature: {', '.join(missing)}"


def test_signatures_name_their_parameters():
    vague = set()
    for name, signature in signatures().items():
        for p in signature.parameters.values():
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.name in CATCH_ALL:
                vague.add(name)
    assert vague - set(ANY_ARGUMENTS) == set()
    assert set(ANY_ARGUMENTS) - vague == set(), "what names its parameters needs no reason"
