"""What is differentiated, and where: the functions, the operands, how they lie in memory, the directions."""

import dataclasses
from collections.abc import Callable

import numpy as np

import pullback as pb
from pullback.autograd import forward_ad

NARROW = {
    "float32": 2e-4
}  # how far results of a dtype may be from the truth; float64 has the truth's own bound


def tensor(array, requires_grad=False):
    """A tensor of the array's dtype; numbers and lists of them are float64."""
    return pb.tensor(np.asarray(array), requires_grad=requires_grad)


def strided(array):
    """A tensor of the same values: every second one of a memory that has its dimensions reversed."""
    array = np.asarray(array)
    unused = np.nan if array.dtype.kind == "f" else 0
    if array.ndim == 0:
        return pb.tensor(np.full(3, array))[1]
    inside = tuple(slice(1, None, 2) for _ in array.shape) + (1,)
    memory = np.full((*(2 * n for n in reversed(array.shape)), 2), unused, array.dtype)
    memory[inside] = array.T
    view = pb.tensor(memory)[inside].permute(tuple(reversed(range(array.ndim))))
    assert array.size < 2 or not view.is_contiguous()
    return view


LAYOUTS = {"contiguous": tensor, "strided": strided}


@dataclasses.dataclass
class fixed:
    """An operand of floats that is not differentiated."""

    array: np.ndarray


def in_place(write):
    """The first operand after `write` has written into it, as a function of what it was before."""

    def written(x, *more):
        y = x * 1
        write(y, *more)
        return y

    return written


def bend(x):
    return x + x * x / 2


def curved(f, before=bend, after=bend):
    """`f` between curves, so that second derivatives pass through its derivative twice, also where f is linear."""

    def g(*operands):
        found = f(*map(before, operands))
        return [after(y) for y in found] if isinstance(found, (tuple, list)) else after(found)

    return g


@dataclasses.dataclass(frozen=True)
class Case:
    """A function at a point, with cotangents u and directions v and w: what every mode and every truth looks at."""

    f: Callable
    arrays: list
    wanted: tuple  # the places of the operands that are differentiated
    v: list  # a direction for each operand, zeros where there is nothing to differentiate
    w: list
    u: list = ()  # a cotangent for each result of floats
    kept: tuple | None = None  # the places of the results that are looked at, if not of all
    layout: str = "contiguous"
    given: tuple | None = None  # tensors to take for the operands: entries of a batch

    @classmethod
    def at(cls, f, operands, seed):
        arrays = [np.asarray(x.array if isinstance(x, fixed) else x) for x in operands]
        free = [_is_float(a) and not isinstance(x, fixed) for a, x in zip(arrays, operands)]
        generator = np.random.default_rng(seed)

        def draw(like, dtype):  # numbers that the dtype has, in float64
            return generator.standard_normal(like.shape).astype(dtype).astype(np.float64)

        def directions():  # nothing moves what is not finite
            return [
                draw(a, a.dtype) * np.isfinite(a) if d else np.zeros(a.shape) for a, d in zip(arrays, free)
            ]

        case = cls(f, arrays, tuple(np.flatnonzero(free)), directions(), directions())
        return case.but(u=[draw(y, y.dtype) for y in case.values()])

    def but(self, **changes):
        return dataclasses.replace(self, **changes)

    def alone(self, i):
        """With one of the differentiated operands; the others move along nothing."""
        still = lambda directions: [d if i == k else np.zeros_like(d) for k, d in enumerate(directions)]
        return self.but(wanted=(i,), v=still(self.v), w=still(self.w))

    def wide(self):
        """In float64, contiguous: where the truth is looked for."""
        wide = [a.astype(np.float64) if _is_float(a) else a for a in self.arrays]
        return self.but(arrays=wide, layout="contiguous")

    def moved(self, step, directions):
        pairs = enumerate(zip(self.arrays, directions, strict=True))
        return self.but(arrays=[a + step * d if i in self.wanted else a for i, (a, d) in pairs])

    @property
    def coarseness(self):
        return max([NARROW.get(str(a.dtype), 0) for a in self.arrays], default=0)

    def operands(self, requires_grad=False):
        if self.given:
            made = [t.detach() for t in self.given]
        else:
            made = [LAYOUTS[self.layout](a) for a in self.arrays]
        if requires_grad:
            for i in self.wanted:
                made[i].requires_grad = True  # inside of a vmap, too, where requires_grad_() is refused
        return made

    def leaves(self, operands):
        return [operands[i] for i in self.wanted]

    def results(self, operands):
        """What f makes of them: the tensors that can have derivatives."""
        versions = [t._version for t in operands]
        found = [y for y in flat(self.f(*operands)) if y.is_floating_point()]
        assert [t._version for t in operands] == versions, "an operand was written to: see in_place"
        return found if self.kept is None else [found[k] for k in self.kept]

    def values(self):
        return [array_of(y) for y in self.results(self.operands())]

    def duals(self, operands, directions):
        pairs = enumerate(zip(operands, directions, strict=True))
        return [forward_ad.make_dual(t, like(t, d)) if i in self.wanted else t for i, (t, d) in pairs]


def _is_float(array):
    return array.dtype.kind == "f"


def flat(found):
    """What a function returned, as a list."""
    return list(found) if isinstance(found, (tuple, list)) else [found]


def array_of(t):
    return t.detach().numpy()


def like(t, array):
    """The numbers as a tensor of the shape and dtype of `t`."""
    return pb.tensor(np.broadcast_to(array, tuple(t.shape)).astype(str(t.dtype).split(".")[-1]))
