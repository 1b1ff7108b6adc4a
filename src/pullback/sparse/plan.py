"""A plan: a pattern, its colours, and where in the products with them each entry is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _core
from ..func.arguments import Chosen
from ..operators.creation import zeros
from . import products, sets
from .colors import Coloring, as_numbers, as_pattern, count_of, is_symmetric
from .colors import coloring as make_coloring
from .tracing import Shape, check_inputs


class PatternError(RuntimeError):
    """The pattern of a plan does not hold at a point: a derivative has entries that are not in it.

    Example:
        >>> import numpy
        >>> wrong = pb.sparse.jacobian(lambda x: x * x.sum(), pattern=numpy.eye(2))
        >>> wrong(pb.tensor([1.0, 2.0]))
        Traceback (most recent call last):
            ...
        pullback.sparse.plan.PatternError: The pattern does not hold at this point: 2 rows of the Jacobian, ...
    """


class Plan:
    """How the Jacobian or Hessian of a function is found by few products, for arguments of certain shapes.

    What `jacobian` and `hessian` make at their first call, and keep; their method ``plan`` gives it. Called with
    arguments it gives the matrix, as they do, but never another pattern: where an entry is missing it raises.

    Attributes:
        pattern: the entries that may differ from 0, a Boolean csr_array.
        coloring: the `Coloring` of it; ``coloring.products`` products are computed for a matrix.
        order: 1 for a Jacobian, 2 for a Hessian.

    Example:
        >>> x = pb.tensor([1.0, 2.0, 3.0, 4.0])
        >>> plan = pb.sparse.hessian(lambda x: (x[1:] * x[:-1]).sum()).plan(x)
        >>> plan
        Plan(Hessian, 4 x 4, 6 entries, 3 products by a star coloring)
        >>> plan(x).toarray()
        array([[0., 1., 0., 0.],
               [1., 0., 1., 0.],
               [0., 1., 0., 1.],
               [0., 0., 1., 0.]], dtype=float32)
    """

    def __init__(
        self,
        func: Callable[..., Any],
        argnums: Any,
        order: int,
        pattern: Any,
        shape: Shape,
        coloring: Any = None,
        color_order: str | None = None,
        chunk_size: int | None = None,
    ) -> None:
        self.func, self.argnums, self.order, self.shape, self.chunk_size = (
            func,
            argnums,
            order,
            shape,
            chunk_size,
        )
        rows, columns = sum(shape.counts) if order == 1 else sum(shape.sizes), sum(shape.sizes)
        self.pattern = as_pattern(pattern)
        if self.pattern.shape != (rows, columns):
            raise ValueError(
                f"The pattern has the shape {self.pattern.shape}, and the {self._name} is {rows} x {columns}: a row for "
                f"each element of the outputs, a column for each of the arguments."
            )
        if order == 2 and not is_symmetric(self.pattern):
            self.pattern = as_pattern(self.pattern + self.pattern.T)
        if isinstance(coloring, Coloring):
            self.coloring = coloring
            self._check_sizes()
        else:
            usual = "star" if order == 2 else "rows" if shape.backward_only else None
            self.coloring = make_coloring(self.pattern, coloring or usual, color_order)
        self._prepare()
        if isinstance(coloring, Coloring) and not self._is_found():
            raise ValueError(
                f"The coloring of kind {coloring.kind!r} is not one of this pattern: some entries share a place in the "
                f"products, or stand in none. pullback.sparse.coloring(plan.pattern, kind) makes one."
            )

    @property
    def _name(self) -> str:
        return "Jacobian" if self.order == 1 else "Hessian"

    def __repr__(self) -> str:
        rows, columns = self.pattern.shape
        return (
            f"Plan({self._name}, {rows} x {columns}, {self.pattern.nnz} entries, {self.coloring.products} products by a "
            f"{self.coloring.kind} coloring)"
        )

    def _check_sizes(self) -> None:
        c = self.coloring
        for what, colors, size in (
            ("rows", c.rows, self.pattern.shape[0]),
            ("columns", c.columns, self.pattern.shape[1]),
        ):
            if colors is not None and (len(colors) != size or np.asarray(colors).dtype.kind != "i"):
                raise ValueError(
                    f"The coloring has {len(colors)} {what}, and the pattern {size}: an integer for each."
                )
        if c.kind in ("star", "acyclic") and not is_symmetric(self.pattern):
            raise ValueError(
                f"A coloring of kind {c.kind!r} is for symmetric matrices, and this pattern is not."
            )

    # ---- where entries are ----

    def _prepare(self) -> None:
        p, c = self.pattern, self.coloring
        rows, columns = sets.row_numbers(p), p.indices.astype(np.int64)
        self.row_colors, self.column_colors = count_of(c.rows), count_of(c.columns)
        self.by_row = np.zeros(len(rows), bool)
        if c.kind == "rows":
            self.by_row[:] = True
        elif c.kind == "both":
            self.by_row = c.rows[rows] >= 0
        elif c.kind == "star":
            # Entry (i, j) stands alone in row i of the product for j's colour, or (j, i) does in row j of that for i's.
            place = rows * self.column_colors + c.columns[columns]
            alone = np.bincount(place, minlength=p.shape[0] * self.column_colors)[place] == 1
            rows, columns = np.where(alone, rows, columns), np.where(alone, columns, rows)
        self.rows, self.columns = rows, columns
        if c.kind == "acyclic":
            parts = (as_numbers(a) for a in (p.indptr, p.indices, c.columns))
            self.pairs = np.frombuffer(_core.color_elimination(*parts), np.int64)
            # Each edge is two entries: where they are among all, which are sorted by row and column.
            i, j = self.pairs[::2], self.pairs[1::2]
            key = rows * p.shape[1] + columns
            self.upper, self.lower = (
                np.searchsorted(key, i * p.shape[1] + j),
                np.searchsorted(key, j * p.shape[1] + i),
            )

    def _is_found(self) -> bool:
        """Whether each entry is alone where it is looked for."""
        p, c = self.pattern, self.coloring
        rows, columns = sets.row_numbers(p), p.indices

        def alone(lines: Any, colors: Any, count: int, asked: Any, mine: Any) -> bool:
            there = colors >= 0
            sums = np.bincount(
                lines[there] * count + colors[there], minlength=p.shape[0] * count + p.shape[1] * count
            )
            return bool((mine >= 0).all() and (sums[asked * count + mine] == 1).all())

        if c.kind == "acyclic":
            apart = rows != columns
            proper = (c.columns[rows[apart]] != c.columns[columns[apart]]).all()
            return bool(proper) and len(self.pairs) == int(apart.sum())
        left, right = self.by_row, ~self.by_row
        found = True
        if left.any():
            found = alone(columns, c.rows[rows], self.row_colors, self.columns[left], c.rows[self.rows[left]])
        if right.any():
            mine = c.columns[self.columns[right]]
            found = found and alone(rows, c.columns[columns], self.column_colors, self.rows[right], mine)
        return found

    def _entries(self, from_right: Any, from_left: Any) -> Any:
        """The entries in the order of the pattern, from products with colours (a row for each)."""
        c = self.coloring
        if c.kind == "acyclic":
            rest = np.array(from_right.T, np.float64, order="C")
            found, count = np.zeros(self.pattern.nnz), rest.shape[1]
            diagonal = self.rows == self.columns
            found[diagonal] = rest[self.rows[diagonal], c.columns[self.rows[diagonal]]]
            values = np.zeros(len(self.pairs) // 2)
            _core.color_substitute(self.pairs, as_numbers(c.columns), rest, count, values)
            found[self.upper] = found[self.lower] = values
            return found.astype(from_right.dtype)
        if from_left is None:
            return from_right[c.columns[self.columns], self.rows]
        if from_right is None:
            return from_left[c.rows[self.rows], self.columns]
        found = np.empty(len(self.rows), np.result_type(from_left, from_right))
        left, right = self.by_row, ~self.by_row
        found[left] = from_left[c.rows[self.rows[left]], self.columns[left]]
        found[right] = from_right[c.columns[self.columns[right]], self.rows[right]]
        return found

    # ---- computing ----

    def _compute(self, chosen: Chosen, check: bool) -> Any:
        """The entries at these arguments; PatternError if products with them show that some are missing."""
        shape, count = self.shape, self.pattern.shape
        linear: Any = products.curvature if self.order == 2 else products.forward
        random = np.random.default_rng(0)

        def sweep(make: Any, colors: Any, number: int, about: list[Any], length: int, check: bool) -> Any:
            seeds = np.zeros((number + check, len(colors)))
            there = np.flatnonzero(colors >= 0)
            seeds[colors[there], there] = 1.0
            if check:
                seeds[-1] = random.standard_normal(len(colors))
            found = products.apply(
                make(self.func, chosen, shape), seeds, products.widest(about), length, self.chunk_size
            )
            return (found[:-1], seeds[-1], found[-1]) if check else (found, None, None)

        from_right = from_left = None
        if self.column_colors or (check and not self.row_colors):
            colors = self.coloring.columns if self.coloring.columns is not None else np.full(count[1], -1)
            from_right, vector, product = sweep(
                linear, colors, self.column_colors, shape.inputs, count[0], check
            )
        if self.row_colors:
            alone, make = check and from_right is None, products.backward if self.order == 1 else linear
            about = shape.outputs if self.order == 1 else shape.inputs
            from_left, left, pulled = sweep(make, self.coloring.rows, self.row_colors, about, count[1], alone)
        if not self.pattern.nnz:
            found = np.zeros(0, products.numbers(zeros(0, dtype=products.widest(shape.inputs))).dtype)
        else:
            found = self._entries(from_right, from_left)
        if check:
            matrix = self._matrix(found)
            if from_right is not None:
                self._compare(matrix, vector, product)
            else:
                self._compare(matrix.T.tocsr(), left, pulled)
        return found

    def _matrix(self, entries: Any) -> Any:
        sparse, p = sets.scipy_sparse(), self.pattern
        return sparse.csr_array((entries, p.indices, p.indptr), shape=p.shape)

    def _compare(self, matrix: Any, vector: Any, product: Any) -> None:
        """PatternError unless a product of the function's derivative is what the entries give."""
        precision = np.finfo(product.dtype).eps
        expected, size = matrix @ vector, abs(matrix) @ np.abs(vector)
        bound = np.sqrt(precision) * size + 64 * precision * size.max(initial=0.0)
        with np.errstate(invalid="ignore"):
            wrong = np.abs(product - expected) > bound
        wrong &= np.isfinite(product) & np.isfinite(expected)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise PatternError(
                f"The pattern does not hold at this point: {int(wrong.sum())} rows of the {self._name}, such as row {row}, "
                f"have entries that are not in it. A function that chooses (where, relu, max, an if) has another pattern "
                f"where it chooses otherwise. pattern(..., everywhere=True) finds one for all points; what jacobian and "
                f"hessian return finds a new one by itself."
            )

    def _check_call(self, chosen: Chosen) -> None:
        """ValueError and RuntimeError for arguments that the plan was not made for."""
        check_inputs(chosen.leaves)
        given = [(tuple(x.shape), x.dtype) for x in chosen.leaves]
        if given != self.shape.inputs:
            raise ValueError(
                f"The plan was made for arguments of shapes and dtypes {_pictured(self.shape.inputs)}, got "
                f"{_pictured(given)}. Make another one for these."
            )

    def __call__(self, *args: Any, check: bool = True) -> Any:
        """The matrix at these arguments.

        Raises RuntimeError where the pattern does not hold, unless `check` is False, and ValueError for arguments of other
        shapes than the plan was made for.
        """
        chosen = Chosen(self.func, args, {}, self.argnums)
        self._check_call(chosen)
        return self._blocks(chosen, self._compute(chosen, check))

    def _blocks(self, chosen: Chosen, entries: Any, form: str = "csr") -> Any:
        """The matrix, or a tree of its blocks for several outputs or arguments."""
        whole, shape = self._matrix(entries), self.shape
        inputs = chosen.spec
        outputs = shape.spec if self.order == 1 else inputs
        alone = inputs is None and (outputs is None or outputs.is_leaf())
        if alone:
            return whole.asformat(form)
        counts = shape.counts if self.order == 1 else shape.sizes
        rows, first = [], 0
        for count in counts:
            part, found, start = whole[first : first + count], [], 0
            for size in shape.sizes:
                found.append(part[:, start : start + size].asformat(form))
                start += size
            rows.append(chosen.tree(found))
            first += count
        return shape.spec.unflatten(rows) if self.order == 1 else chosen.tree(rows)


def _pictured(about: list[Any]) -> str:
    return ", ".join(f"{list(shape)} {str(dtype).split('.')[-1]}" for shape, dtype in about)
