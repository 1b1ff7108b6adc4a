"""Einstein summation.

An equation is read once for given shapes and becomes a *plan*: diagonals and sums of single operands, then
pairs of operands contracted one after the other, in the cheapest order. Plans are cached; running one is a
few calls of the core. Within a plan a dimension has a label: a letter, or a negative number for what an
ellipsis covers, counted from the right.
"""

from functools import lru_cache
from math import prod

from .._core import Tensor
from .declare import composed, operator

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"  # `string` would import `re`


@operator(public=False, method=False)
def contract(a, order_a, shape_a, b, order_b, shape_b, shape, order):
    """One product of a plan: operands permuted and reshaped to matrices, the result back again."""


@composed(method=False)
def einsum(equation=None, *operands):  # nothing at all is a ValueError, as PyTorch's
    """Sums of products of elements, written with a letter for each dimension: `einsum("ij,jk->ik", a, b)`.

    Letters that are missing in the output are summed over. Without `->` the output has, in alphabetical
    order, the letters that appear once. A letter repeated in one operand takes its diagonal; `...` stands
    for any dimensions, which broadcast. A list of numbers after each operand can replace the equation, and
    a last one the output: `einsum(a, [0, 1], b, [1, 2], [0, 2])`.

    More than two operands are contracted pair by pair in the order that needs the fewest multiplications:
    the best of all up to six operands, a greedy choice beyond.

    Raises:
        RuntimeError: an equation that does not fit the operands or is malformed.
        ValueError: no operand, or numbers outside [0, 52).

    See Einstein (1916), "Die Grundlage der allgemeinen Relativitätstheorie", for the convention.

    Example:
        >>> a = pb.tensor([[1., 2.], [3., 4.]])
        >>> pb.einsum("ij,jk->ik", a, a)
        tensor([[ 7., 10.],
                [15., 22.]])
        >>> pb.einsum("ii", a)
        tensor(5.)
    """
    equation, operands = _arguments((equation, *operands))
    for i, operand in enumerate(operands):
        if not isinstance(operand, Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 1, but got {type(operand).__name__}")
    shapes = tuple(tuple(operand.shape) for operand in operands)
    for step, *rest in plan(equation, shapes):
        step(operands, *rest)
    return operands[0]


def _arguments(args):
    """The equation, without blanks, and the operands, in either way of calling."""
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand "
            "and its subscripts list"
        )
    if isinstance(args[0], str):
        equation, operands = args[0], args[1:]
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = operands[0]
        return "".join(equation.split()), list(operands)
    terms = [_letters(numbers) for numbers in args[1::2]]
    equation = ",".join(terms)
    operands = args[: len(args) - len(args) % 2 : 2]
    if len(args) % 2:
        equation += "->" + _letters(args[-1])
    return equation, list(operands)


def _letters(numbers):
    if not isinstance(numbers, (list, tuple)):
        kind = type(numbers).__name__
        raise TypeError(f"einsum(): argument 'equation' (position 1) must be str, not {kind}")
    out = []
    for number in numbers:
        if number is not Ellipsis and not 0 <= number < len(LETTERS):
            raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
        out.append("..." if number is Ellipsis else LETTERS[number])
    return "".join(out)


# ---- reading the equation ----


def _split(term, where, repeated):
    """The labels of one term: letters, and Ellipsis."""
    labels, at = [], 0
    while at < len(term):
        letter = term[at]
        if letter == ".":
            if Ellipsis in labels:
                raise RuntimeError(f"einsum(): found '.' for {where} for which an ellipsis was already found")
            if term[at : at + 3] != "...":
                raise RuntimeError(f"einsum(): found '.' for {where} that is not part of any ellipsis (...)")
            labels.append(Ellipsis)
            at += 3
            continue
        if letter not in LETTERS:
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {at} in the equation string, "
                f"subscripts must be in [a-zA-Z]"
            )
        if not repeated and letter in labels:
            raise RuntimeError(f"einsum(): output subscript {letter} appears more than once in the output")
        labels.append(letter)
        at += 1
    return labels


def _read(equation, shapes):
    """Labels of each operand and of the output, and the size of each label."""
    left, arrow, right = equation.partition("->")
    terms = [_split(term, f"operand {i}", True) for i, term in enumerate(left.split(","))]
    if len(terms) != len(shapes):
        fewer = "fewer" if len(shapes) < len(terms) else "more"
        raise RuntimeError(
            f"einsum(): {fewer} operands were provided than specified in the equation: "
            f"{len(shapes)} for {len(terms)} terms"
        )
    sizes, covered, labelled = {}, 0, []
    for i, (term, shape) in enumerate(zip(terms, shapes)):
        letters = len(term) - (Ellipsis in term)
        rest = len(shape) - letters
        if rest < 0 or (rest and Ellipsis not in term):
            given = "and no ellipsis was given" if Ellipsis not in term else "even without the ellipsis"
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({letters}) does not match the number "
                f"of dimensions ({len(shape)}) for operand {i} {given}"
            )
        covered = max(covered, rest)
        labels = []
        for label in term:
            labels += range(-rest, 0) if label is Ellipsis else [label]
        labelled.append(labels)
        seen = {}
        for label, size in zip(labels, shape):
            if seen.setdefault(label, size) != size:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for operand {i} but the sizes don't match, "
                    f"{size} != {seen[label]}"
                )
            known = sizes.get(label, 1)
            if known != 1 and size not in (1, known):
                if isinstance(label, int):
                    raise RuntimeError(
                        f"einsum(): dimension {label + rest} covered by ellipsis in operand {i} has size "
                        f"{size} which does not broadcast with previously seen ellipsis with size {known} "
                        f"for the respective dimension"
                    )
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {size} for operand {i} which does not broadcast "
                    f"with previously seen size {known}"
                )
            sizes[label] = size if known == 1 else known
    ellipsis = list(range(-covered, 0))
    if not arrow:
        letters = [label for labels in labelled for label in labels if isinstance(label, str)]
        return labelled, ellipsis + sorted(l for l in set(letters) if letters.count(l) == 1), sizes
    output = []
    for label in _split(right, "output", False):
        if label is not Ellipsis and label not in sizes:
            raise RuntimeError(
                f"einsum(): output subscript {label} does not appear in the equation for any input operand"
            )
        output += ellipsis if label is Ellipsis else [label]
    return labelled, output, sizes


# ---- planning ----


@lru_cache(maxsize=1024)
def plan(equation, shapes):
    """Steps (function, arguments...) that leave the result as the only operand of a list."""
    terms, output, sizes = _read(equation, shapes)
    steps = []
    for i, labels in enumerate(terms):
        own = dict(zip(labels, shapes[i]))
        _diagonals(steps, i, labels)
        # A size of one meets every element of the others: the dimension is dropped.
        kept = [label for label in labels if own[label] == sizes[label]]
        if kept != labels:
            steps.append((_reshape, i, tuple(sizes[label] for label in kept)))
        terms[i] = kept
    for i, j in _order(terms, output, sizes):
        others = [terms[k] for k in range(len(terms)) if k not in (i, j)]
        wanted = set(output).union(*others)
        for each, partner in ((i, j), (j, i)):
            _sum_away(steps, terms, each, wanted.union(terms[partner]))
        terms[i] = _pair(steps, i, j, terms[i], terms[j], wanted, sizes, output)
        del terms[j]
    _sum_away(steps, terms, 0, set(output))
    if terms[0] != output or not steps:
        steps.append((_permute, 0, tuple(terms[0].index(label) for label in output)))
    return tuple(steps)


def _diagonals(steps, i, labels):
    """Replaces pairs of equal labels by their diagonal, which comes last."""
    at = 0
    while at < len(labels):
        if labels[at] in labels[at + 1 :]:
            again = labels.index(labels[at], at + 1)
            steps.append((_diagonal, i, at, again))
            label = labels.pop(again)
            labels.pop(at)
            labels.append(label)
        else:
            at += 1


def _sum_away(steps, terms, i, wanted):
    gone = tuple(d for d, label in enumerate(terms[i]) if label not in wanted)
    if gone:
        steps.append((_sum, i, gone))
        terms[i] = [label for label in terms[i] if label in wanted]


def _pair(steps, i, j, a, b, wanted, sizes, output):
    """Plans the product of operands i and j; returns the labels of the result.

    Labels keep the order of the output, dimensions of size 1 are columns, and the operands change places where all
    columns come before all rows: so the result lies in memory as PyTorch's.
    """
    rank = lambda label: label if isinstance(label, int) else LETTERS.index(label)
    place = lambda label: (0, output.index(label)) if label in output else (1, rank(label))
    ordered = sorted({*a, *b}, key=place)
    kept = [label for label in ordered if label in wanted]
    both = [label for label in ordered if sizes[label] != 1 and label in a and label in b]
    summed = [label for label in both if label not in wanted]
    if not summed:  # nothing to add up: an elementwise product
        steps.append((_multiply, i, j, _against(a, ordered), _against(b, ordered)))
    else:
        batch = [label for label in both if label in wanted]
        rows = [label for label in ordered if sizes[label] != 1 and label not in b]
        cols = [label for label in ordered if label not in both and label not in rows]
        if rows and cols and place(cols[-1]) < place(rows[0]):
            steps.append((_swap, i, j))
            a, b, rows, cols = b, a, cols, rows
        size = lambda labels: tuple(sizes[label] for label in labels)
        position = lambda labels, of: tuple(of.index(label) for label in labels if label in of)
        n, k = size(batch), prod(size(summed))
        alone = [label for label in ordered if sizes[label] == 1]  # of which either operand may have any
        first = [*batch, *(label for label in rows if label not in alone), *summed, *alone]
        second = [*batch, *summed, *(label for label in cols if label not in alone), *alone]
        found = [*batch, *rows, *summed, *cols]
        steps.append((
            _contract, i, j,
            position(first, a), (*n, prod(size(rows)), k), position(second, b), (*n, k, prod(size(cols))),
            tuple(1 if label in summed else sizes[label] for label in found), position(ordered, found),
        ))  # fmt: skip
    if kept != ordered:
        steps.append((_reshape, i, tuple(sizes[label] for label in kept)))
    return kept


def _against(labels, ordered):
    """How an operand is set against a product's labels: how many dimensions it lacks, and its order with those."""
    whole = [*labels, *(label for label in ordered if label not in labels)]
    return len(whole) - len(labels), tuple(whole.index(label) for label in ordered)


def _order(terms, output, sizes):
    """Pairs (i, j), i < j, to contract one after the other; the result takes place i and j leaves."""
    if len(terms) == 1:
        return []
    if len(terms) == 2:
        return [(0, 1)]
    sets = [frozenset(labels) for labels in terms]
    tree = (
        _best(sets, frozenset(output), sizes) if len(sets) <= 6 else _greedy(sets, frozenset(output), sizes)
    )
    pairs, alive = [], list(range(len(terms)))

    def visit(node):  # the place of the result, counted among all terms
        if isinstance(node, int):
            return node
        first, second = sorted((visit(node[0]), visit(node[1])))
        pairs.append((alive.index(first), alive.index(second)))
        alive.remove(second)
        return first

    visit(tree)
    return pairs


def _cost(labels, sizes):
    return prod(sizes[label] for label in labels)


def _best(sets, output, sizes):
    """The cheapest tree of contractions, over all subsets of the operands."""
    everything = (1 << len(sets)) - 1
    outside = []
    for subset in range(everything + 1):
        rest = [s for k, s in enumerate(sets) if not subset >> k & 1]
        outside.append(output.union(*rest))
    found = {1 << k: (0, labels, k) for k, labels in enumerate(sets)}
    for subset in range(1, everything + 1):
        if subset in found:
            continue
        best, part = None, (subset - 1) & subset
        while part:
            other = subset ^ part
            if part > other:
                (cost_a, a, tree_a), (cost_b, b, tree_b) = found[part], found[other]
                cost = cost_a + cost_b + _cost(a | b, sizes)
                if best is None or cost < best[0]:
                    best = (cost, (a | b) & outside[subset], (tree_a, tree_b))
            part = (part - 1) & subset
        found[subset] = best
    return found[everything][2]


def _greedy(sets, output, sizes):
    """Always the pair whose result grows least over its operands."""
    nodes = list(enumerate(sets))
    while len(nodes) > 1:
        best = None
        for x in range(len(nodes)):
            for y in range(x + 1, len(nodes)):
                a, b = nodes[x][1], nodes[y][1]
                rest = output.union(*(s for z, (_, s) in enumerate(nodes) if z not in (x, y)))
                result = (a | b) & rest
                key = (_cost(result, sizes) - _cost(a, sizes) - _cost(b, sizes), _cost(a | b, sizes))
                if best is None or key < best[0]:
                    best = (key, x, y, result)
        _, x, y, result = best
        nodes[x] = ((nodes[x][0], nodes[y][0]), result)
        del nodes[y]
    return nodes[0][0]


# ---- the steps ----


def _diagonal(operands, i, first, second):
    operands[i] = operands[i].diagonal(0, first, second)


def _reshape(operands, i, shape):
    operands[i] = operands[i].reshape(shape)


def _permute(operands, i, order):
    operands[i] = operands[i].permute(order)


def _sum(operands, i, dims):
    operands[i] = operands[i].sum(dims)


def _swap(operands, i, j):
    operands[i], operands[j] = operands[j], operands[i]


def _multiply(operands, i, j, a, b):
    operands[i], other = _set(operands[i], *a), _set(operands.pop(j), *b)
    operands[i] = operands[i] * other


def _set(operand, lacks, order):
    for _ in range(lacks):
        operand = operand.unsqueeze(-1)
    return operand.permute(order)


def _contract(operands, i, j, order_a, shape_a, order_b, shape_b, shape, order):
    b = operands.pop(j)
    operands[i] = contract(operands[i], order_a, shape_a, b, order_b, shape_b, shape, order)
