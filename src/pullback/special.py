"""Special functions under the names of `torch.special`. Nearly all are rows of the table of calculus."""

from . import special_functions
from .calculus.define import TABLE
from .messages.missing import missing
from .operators.declare import FUNCTIONS
from .operators.elementwise import elementwise_function

del special_functions  # it has made what follows


def _named():
    """{name: function} of the rows that have a name here."""
    found = {}
    for row in TABLE.values():
        for alias in ("special." + row.name,) * ("special" in row.forms) + row.aliases:
            home, _, name = alias.rpartition(".")
            if home == "special":
                made = FUNCTIONS.get(row.name) or FUNCTIONS.get(alias)
                found[name] = made or elementwise_function(row.name, name)
    return found


_HERE = _named()
_HERE |= {name: FUNCTIONS[name] for name in ("log_softmax", "logsumexp", "round", "softmax")}
_HERE["multigammaln"] = FUNCTIONS["mvlgamma"]
globals().update(_HERE)

__all__ = sorted(_HERE)


def __getattr__(name):
    raise missing(__name__, name)
