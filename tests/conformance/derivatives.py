"""What one library finds about a sample: gradients, gradients of gradients, tangents; and who of two is right."""

import differences
import numpy as np

import pullback

from .sample import is_statement
from .values import array, flat, is_smooth, is_tensor, name_of

WIDER = {
    "float16": "float64",
    "bfloat16": "float64",
    "float32": "float64",
    "complex32": "complex128",
    "complex64": "complex128",
}


def outcome(call):
    """(what a call returned, what it raised)."""
    try:
        return call(), None
    except Exception as error:
        return None, error


def operands(lib, sample, wide=False):
    names = {"lib": lib, "inf": float("inf"), "nan": float("nan")}
    made = {name: eval(text, names) for name, text in sample.operands.items()}
    if wide:
        made = {n: t.to(getattr(lib, WIDER.get(name_of(t.dtype), name_of(t.dtype)))) for n, t in made.items()}
    return made


def evaluate(lib, sample, given):
    """The results, as a flat list; what was written into counts as one."""
    names = {"m": lib, "F": lib.nn.functional, "np": np, **given}
    lib.manual_seed(0)
    if is_statement(sample.call):
        exec(sample.call, names)
        return [names["x"] if "x" in names else names["c"]]
    return flat(eval(sample.call, names))


class Derivatives:
    def __init__(self, lib, sample, wide=False):
        self.lib, self.sample, self.wide = lib, sample, wide

    def leaves(self):
        given = operands(self.lib, self.sample, self.wide)
        return given, [n for n, t in given.items() if is_smooth(t)]

    def loss(self, results):
        total = sum((t * self.weights(t)).sum() for t in results if is_smooth(t) and t.requires_grad)
        return total.real if total.is_complex() else total

    def weights(self, t, at=0.0):
        steps = self.lib.arange(t.numel(), dtype=self.lib.float64)
        w = self.lib.cos(steps + at).reshape(t.shape)
        if t.is_complex():
            w = self.lib.complex(w, self.lib.sin(steps + 2 + at).reshape(t.shape))
        return w.to(t.dtype)

    def operands_of(self, leaves, given):
        """What the call is given: leaves, or copies of them where it writes."""
        return {**given, **({n: t.clone() for n, t in leaves.items()} if self.sample.writes else leaves)}

    def first(self, create_graph=True):
        """(whether results require grad, gradients, the leaves)."""
        given, names = self.leaves()
        leaves = {n: given[n].requires_grad_() for n in names}
        results = evaluate(self.lib, self.sample, self.operands_of(leaves, given))
        flags = [is_tensor(t) and t.numel() > 0 and t.requires_grad for t in results]
        if not any(flags):
            return flags, None, None
        leaves = list(leaves.values())
        loss = self.loss(results)
        return (
            flags,
            self.lib.autograd.grad(loss, leaves, create_graph=create_graph, allow_unused=True),
            leaves,
        )

    def contracted(self, gradients):
        """One number of gradients, or None where none is left to differentiate."""
        parts = [(g * self.weights(g, 1.0)).sum() for g in gradients if g is not None and g.requires_grad]
        return sum(p.real if p.is_complex() else p for p in parts) if parts else None

    def second(self, gradients, leaves):
        total = self.contracted(gradients)
        return None if total is None else self.lib.autograd.grad(total, leaves, allow_unused=True)

    def forward(self):
        fw = self.lib.autograd.forward_ad
        given, names = self.leaves()
        with fw.dual_level():
            duals = {n: fw.make_dual(given[n], self.weights(given[n], 0.5)) for n in names}
            found = []
            for t in evaluate(self.lib, self.sample, self.operands_of(duals, given)):
                if is_smooth(t):
                    tangent = fw.unpack_dual(t).tangent
                    found.append(self.lib.zeros_like(t) if tangent is None else tangent + 0)
            return found


# ---- who is right -------------------------------------------------------------------------------------------------------


def _along(sample, function, step):
    """The slope of a function of the operands, moved along fixed directions, all wide."""

    def moved(size):
        d = Derivatives(pullback, sample, wide=True)
        given, names = d.leaves()
        for n in names:
            given[n] = (given[n] + size * d.weights(given[n], 0.5)).detach()
        return function(d, given, names)

    return differences.slope(moved, step)


def _value(d, given, names):
    results = evaluate(d.lib, d.sample, d.operands_of({n: given[n] for n in names}, given))
    total = sum((t * d.weights(t)).sum() for t in results if is_smooth(t))
    return float(total.real if total.is_complex() else total)


def _slope(d, given, names):
    """What `Derivatives.contracted` says of first gradients."""
    leaves = {n: given[n].requires_grad_() for n in names}
    results = evaluate(d.lib, d.sample, d.operands_of(leaves, given))
    first = d.lib.autograd.grad(d.loss(results), list(leaves.values()), allow_unused=True)
    parts = [(g * d.weights(g, 1.0)).sum() for g in first if g is not None]
    return sum(float(p.real if p.is_complex() else p) for p in parts)


def _dotted(gradients, sample):
    """The derivative along the direction that a gradient stands for."""
    d = Derivatives(pullback, sample)
    given, names = d.leaves()
    total = 0.0
    for n, g in zip(names, gradients):
        if g is not None:
            total += float(np.sum((np.conj(array(g)) * array(d.weights(given[n], 0.5))).real))
    return total


def _weighed(tangents, sample):
    d = Derivatives(pullback, sample)
    total = 0.0
    for t in tangents:
        t = pullback.tensor(array(t).copy())
        total += complex((t * d.weights(t)).sum().item()).real
    return total


FUNCTIONS = {"gradient": (_value, _dotted), "second": (_slope, _dotted), "tangent": (_value, _weighed)}


def verdict(kind, sample, ours, theirs, tolerance=2e-4):
    """Who is right by differences of values: "pullback", "PyTorch", "both", "neither" or "nobody knows", and the numbers."""
    function, number = FUNCTIONS[kind]
    try:
        true, again = (_along(sample, function, step) for step in (1e-4, 2.3e-4))
        numbers = number(ours, sample), number(theirs, sample)
    except Exception as error:
        return "nobody knows", f"no differences: {type(error).__name__}"
    if not abs(true - again) <= 1e-4 * (1 + abs(true)):
        return "nobody knows", "differences do not settle"
    right = [abs(each - true) <= tolerance * (1 + abs(true)) for each in numbers]
    who = {(True, True): "both", (True, False): "pullback", (False, True): "PyTorch"}.get(
        tuple(right), "neither"
    )
    return who, f"differences say {true:.6g}, pullback {numbers[0]:.6g}, PyTorch {numbers[1]:.6g}"
