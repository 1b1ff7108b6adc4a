"""Two worlds of a function that writes into what is outside; in one it is compiled. Call by call they have to stay the same.

That is all that can be seen: what a call gives, raises, says and draws, and what it leaves in tensors, modules and optimisers,
with versions, layouts, nodes, and which of them are one object.
"""

import warnings

from replay.plainly import same

import pullback as pb


def description(o, seen):
    """What can be seen of an object; `seen` numbers the tensors that were met, by their ids."""
    if isinstance(o, pb.Tensor):
        if id(o) in seen:
            return "again", seen[id(o)]
        seen[id(o)] = len(seen)
        node = None if o.grad_fn is None else o.grad_fn.name()
        grad = description(o.grad, seen) if o.is_leaf else None
        return type(o).__name__, o.detach().clone(), o.stride(), o._version, o.requires_grad, node, grad
    if isinstance(o, (list, tuple)):
        return [type(o).__name__, [description(each, seen) for each in o]]
    if isinstance(o, dict):
        return [[description(key, seen), description(each, seen)] for key, each in o.items()]
    if isinstance(o, pb.nn.Module):
        parts = [*o.named_parameters(), *o.named_buffers()]
        return [(name, description(each, seen)) for name, each in parts], [m.training for m in o.modules()]
    if isinstance(o, pb.optim.Optimizer):
        return description([o.state, o.param_groups], seen)
    return o if isinstance(o, (int, float, complex, str, type(None))) else repr(type(o))


def outcome(function, seed, given, things):
    """All that one call does."""
    pb.manual_seed(seed)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            result = function(*given)
        except Exception as error:
            result = type(error).__name__, str(error)
    words = [str(each.message) for each in said]
    refusals = [each for each in words if each.startswith("pb.compile: ")]
    words = [each for each in words if each not in refusals]
    seen = description([*things, *given, result], {})
    return result, refusals, seen, pb.is_grad_enabled(), words, pb.rand(1)


class Pair:
    """Two worlds of a case; in the first the function is compiled.

    A case makes the function, what makes the arguments of a call, and a list of what the function may change.
    """

    def __init__(self, make):
        made = []
        for _ in range(2):
            pb.manual_seed(0)
            made.append(make())
        (mine, self.batch, self.things), (self.plain, self.other_batch, self.others) = made
        self.compiled = pb.compile(mine)
        self.count = 0
        self.refusals = []  # what was said of the compiled function

    def call(self, count=1, given=None):
        """Call both so often; what the last call gave."""
        for _ in range(count):
            self.count += 1
            pb.manual_seed(100 + self.count)
            these = (given or self.batch)()
            pb.manual_seed(100 + self.count)
            those = (given or self.other_batch)()
            mine = outcome(self.compiled, self.count, these, self.things)
            theirs = outcome(self.plain, self.count, those, self.others)
            assert same(mine[2:], theirs[2:]), (self.count, mine, theirs)
            self.refusals += mine[1]
            assert len(self.refusals) <= 1
        return mine[0]

    def change(self, change):
        """Do the same in both worlds."""
        for things in (self.things, self.others):
            pb.manual_seed(self.count)
            change(*things)
