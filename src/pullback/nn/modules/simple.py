"""Modules that keep arguments and call one function of nn.functional: each is a line of a table.

    ELU = simple("ELU", F.elu, {"alpha": 1.0, "inplace": False}, "alpha={alpha}{inplace}", "...")

Its class has these parameters, keeps them as attributes of the same names, and passes them on, by name, behind the inputs.
`{inplace}` in what is shown is `, inplace=True` where that is so.
"""

import inspect
from typing import Any, ClassVar

from .module import Module


class Simple(Module):
    """A module that calls one function with what it was made with."""

    _function = None
    _parameters_of: ClassVar[dict[str, Any]] = {}
    _shown = ""
    _renamed: ClassVar[
        dict[str, Any]
    ] = {}  # attribute -> parameter of the function, where they differ; None: not passed on

    def __init__(self, *args, **kwargs):
        super().__init__()
        bound = type(self).__signature__.bind(*args, **kwargs)
        bound.apply_defaults()
        for name, value in bound.arguments.items():
            setattr(self, name, value)
        self._made()

    def _made(self):
        """For subclasses: check or complete what was given."""

    def forward(self, *inputs):
        return type(self)._function(*inputs, **self._passed())

    def _passed(self):
        renamed = self._renamed
        names = [(renamed.get(name, name), name) for name in self._parameters_of]
        return {parameter: getattr(self, name) for parameter, name in names if parameter is not None}

    def extra_repr(self):
        shown = {name: getattr(self, name) for name in self._parameters_of}
        if "inplace" in shown:
            shown["inplace"] = ", inplace=True" if shown["inplace"] else ""
        return self._shown.format(**shown).removeprefix(", ")


def simple(name, function, parameters, shown, doc, *, base=Simple, renamed=None, module=None, named=False):
    """The class of one line of a table; a parameter whose default is `...` has to be given; all by name if they are `named`."""
    made = [
        inspect.Parameter(
            each,
            inspect.Parameter.KEYWORD_ONLY if named else inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if default is ... else default,
        )
        for each, default in parameters.items()
    ]
    return type(base)(
        name,
        (base,),
        {
            "__module__": f"pullback.nn.modules.{module}",
            "__doc__": doc,
            "__signature__": inspect.Signature(made),
            "__constants__": list(parameters),
            "_function": staticmethod(function),
            "_parameters_of": parameters,
            "_shown": shown,
            "_renamed": renamed or {},
        },
    )
