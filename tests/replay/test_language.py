"""Functions made of every construct of the language; some have rules, and what has none is refused."""
# ruff: noqa: SIM201, B023

import contextlib
import itertools

import pytest
from replay.worlds import cases, check

import pullback as pb

F = pb.nn.functional
CASES, case = cases()


@case(True)
def every_sign():
    def function(x, y):
        a = x + y - x * y / (y * y + 1) + x**2 - (-x) + +y
        b = (x // 0.5) + (x % 0.7) + abs(x)
        c = (x > y) & (x < 1) | ~(y >= 0) ^ (x != y) & (x <= y) | (x == y)
        n = (7 // 2) + 7 % 4 - -3 + (1 << 3) + (8 >> 1) + (5 & 3) + (5 | 3) + (5 ^ 3) + ~1 + 2**3
        return a, b, c, n, x @ y, 2 - x, 2 / (x * x + 1)

    return (function,)


@case(True)
def comparisons():
    def function(x, y):
        n = 3
        out = []
        if 1 < n <= 3 < 5:
            out.append(x)
        if (not n == 4 and n != 5) or n is None:
            out.append(y * 2)
        if n in (1, 2, 3) and 9 not in [1, 2] and "a" in "abc" and "k" in {"k": 1}:
            out.append(x - y)
        return out

    return (function,)


@case(True)
def branches():
    def function(x, y):
        if (x * y).sum() > 0:
            return x.sin()
        if (x[0] > y[0] and float(y[1]) < 0.3) or int(y[2]) > 1:
            return x.cos(), y
        return x.exp(), y.sum() if y[0] < 9 else x

    return (function,)


@case(None)
def loops():
    def function(x, y):
        n = 0
        while x.norm() > 0.5:
            x = x * 0.5
            n += 1
            if n > 20:
                break
        else:
            n += 100
        for i in range(5):
            if i == 1:
                continue
            if i == 3:
                break
            x = x + i
        else:
            n += 1000
        return x, n

    return (function,)


@case(True)
def comprehensions():
    def function(x, y):
        i = 5
        a = [x * i for i in range(3) if i != 1]
        b = {k: x + v for k, v in {"a": 1, "b": 2}.items()}
        c = sum(row * n for n, row in enumerate(x))
        d = [[u * v for u in (1, 2)] for v in (x, y)]
        f = [g(x) for g in [lambda t, i=i: t * i for i in range(3)]]
        h = [g(x) for g in [lambda t: t * j for j in range(3)]]
        e = [last := n * 2 for n in range(4)]
        return a, b["b"], c, d[1], f, h, last, i, e

    return (function,)


@case(True)
def unpacking():
    def function(x, y):
        a, (b, *c), *d = x, [y, x, 1], 2, 3
        first, *rest = x
        [u, v, w] = y
        p = q = [1]
        p += [2]
        return (*c, *d), first, rest, u + v * w, b, a, {**{"a": x}, "b": y}["a"], len(q)

    return (function,)


@case(True)
def inner_functions():
    def function(x, y):
        n = 1

        def add(t, *more, k=2.0, **rest):
            nonlocal n
            n += 1
            for each in more:
                t = t + each * k
            return t * rest.get("z", 1)

        first = add(x, y, y, k=0.5)
        second = add(*[x, y], **{"z": 3})
        n += 10
        return first, second, n, (lambda a, b=y: a * b)(x)

    return (function,)


@case(True)
def late_binding():
    def function(x, y):
        k = 1

        def scaled(t):
            return t * k

        k = 5
        return scaled(x)

    return (function,)


@case(True)
def recursion():
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    def function(x, y):
        return power(x, 4)

    return (function,)


@case(False)
def places_by_tensors():
    def function(x, y):
        made = [1.0, 2.0, 3.0]
        made.insert((x > 0).sum(), 9.0)
        return y * made[1] * made.pop((y > 0).sum())

    return (function,)


@case(True)
def strings():
    def function(x, y):
        name = f"{x.ndim}-{x.shape[0]:03d}-{'a'!r}-{1.5:.2f}"
        return x * len(name) + (
            1 if name.startswith("1-003") and "-".join(["a", "b"]).upper() == "A-B" else 0
        )

    return (function,)


@case(True)
def no_grad_blocks():
    def function(x, y):
        with pb.no_grad():
            a = x * 2
            with pb.enable_grad():
                b = x * 3
            c = x * 4
        return a, b, c, a + b, pb.is_grad_enabled()

    return (function,)


@case(True)
def no_grad_returns():
    def function(x, y):
        with pb.no_grad():
            for i in range(3):
                with pb.enable_grad():
                    if i == 1:
                        return x * i
        return y

    return (function,)


@case(False)
def leaves_a_mode():
    def function(x, y):
        pb.set_grad_enabled(False)
        return x * 2

    return (function,)


@case(False)
def default_dtype_inside():
    def function(x, y):
        pb.set_default_dtype(pb.float64)
        z = pb.tensor(1.5)
        pb.set_default_dtype(pb.float32)
        return x.double() * z

    return (function,)


@case(False)
def contexts():
    state = {"on": 1}

    @contextlib.contextmanager
    def switched():
        state["on"] = 2
        try:
            yield
        finally:
            state["on"] = 1

    def function(x, y):
        with switched():
            return x * state["on"]

    return (function,)


@case(False)
def exceptions():
    def function(x, y):
        try:
            return x @ y[:2]
        except RuntimeError:
            return x * y
        finally:
            x = None

    return (function,)


@case(False)
def generators():
    def each():
        yield 1
        yield 2

    def function(x, y):
        return sum(x * n for n in each())

    return (function,)


@case(False)
def iterator_outside():
    numbers = itertools.count(1)
    rows = iter([1.0, 2.0, 3.0])

    def function(x, y):
        return x * next(numbers) * next(rows, 9.0)

    return (function,)


@case(False)
def iterates_outside():
    rows = iter([1.0, 2.0, 3.0])

    def function(x, y):
        return x * sum(rows)

    return (function,)


@pytest.mark.parametrize("make, replayed", CASES, ids=lambda o: getattr(o, "__name__", ""))
def test_language(make, replayed):
    assert check(make, replayed) >= 4
