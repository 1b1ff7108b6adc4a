"""Special functions under the names of `torch.special`. Each is a row of the table of calculus."""

from .calculus.define import TABLE
from .messages.missing import missing
from .operators.declare import FUNCTIONS
from .operators.elementwise import elementwise_function

__all__ = ["log_softmax", "logsumexp", "round", "softmax"]


def _publish():
    for row in TABLE.values():
        for alias in row.aliases:
            home, _, name = alias.rpartition(".")
            if home == "special":
                globals()[name] = FUNCTIONS.get(row.name) or elementwise_function(row.name, name)
                __all__.append(name)


_publish()
xlog1py = elementwise_function("xlog1py")
round = FUNCTIONS["round"]
logsumexp, softmax, log_softmax = (FUNCTIONS[name] for name in ("logsumexp", "softmax", "log_softmax"))
__all__ += ["xlog1py"]
__all__.sort()


def __getattr__(name):
    raise missing(__name__, name)
