"""Attention whose scores and masks are functions of positions (arXiv:2412.05496).

A function of one score, `score_mod(score, b, h, q_idx, kv_idx)`, or of one position, `mask_mod(b, h, q_idx, kv_idx)`, is
mapped over all of them. Scores are made as a whole: the blocks of a `BlockMask` say what a kernel could leave out, and
nothing is left out here. Unlike PyTorch's on a CPU it has derivatives, in what the functions captured, too.
"""

import inspect
import itertools
import math
import warnings
from typing import NamedTuple

from ... import _core
from ...func import vmap
from ...operators.creation import arange, zeros
from ...operators.indexing import where
from ..padding import pad

__all__ = [
    "AuxOutput",
    "AuxRequest",
    "BlockMask",
    "and_masks",
    "create_block_mask",
    "create_mask",
    "flex_attention",
    "noop_mask",
    "or_masks",
]

_BLOCK = 128


class AuxRequest(NamedTuple):
    """What `flex_attention` is to give beside its result: logarithms of the sums of exponentials, largest scores.

    Example:
        >>> pb.nn.attention.flex_attention.AuxRequest(lse=True)
        AuxRequest(lse=True, max_scores=False)
    """

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """What was asked for by an `AuxRequest`, (B, H, L) each, or None.

    Example:
        >>> pb.nn.attention.flex_attention.AuxOutput()
        AuxOutput(lse=None, max_scores=None)
    """

    lse: "_core.Tensor | None" = None
    max_scores: "_core.Tensor | None" = None


def _over_positions(function, before=()):
    """Maps a function of single positions, behind what has all four dimensions, over (B, H, L, S)."""
    for mapped in range(3, -1, -1):
        dims = [None] * 4
        dims[mapped] = 0
        function = vmap(function, in_dims=(*before, *dims))
    return function


def _positions(*sizes):
    return [arange(size) for size in sizes]


def _is_of_scores(function):
    parameters = inspect.signature(function).parameters.values()
    count = sum(each.default is inspect.Parameter.empty for each in parameters)
    if count not in (4, 5):
        raise AssertionError(f"Expected 4 or 5 positional args, got {count}")
    return count == 5


def create_mask(mod_fn, B, H, Q_LEN, KV_LEN, device=None):
    """The mask (B, H, Q_LEN, KV_LEN) that a `mask_mod` gives, or of a `score_mod` where it leaves scores above -inf.

    Raises:
        AssertionError: a function of other than four or five arguments.

    Example:
        >>> pb.nn.attention.flex_attention.create_mask(lambda b, h, q, kv: q >= kv, None, None, 2, 2)
        tensor([[[[ True, False],
                  [ True,  True]]]])
    """
    sizes = (1 if B is None else B, 1 if H is None else H, Q_LEN, KV_LEN)
    if _is_of_scores(mod_fn):
        return _over_positions(mod_fn, (0,))(zeros(sizes), *_positions(*sizes)) != -math.inf
    return _over_positions(mod_fn)(*_positions(*sizes))


def noop_mask(batch, head, token_q, token_kv):
    """The `mask_mod` by which all is seen.

    Example:
        >>> pb.nn.attention.flex_attention.noop_mask(pb.tensor(0), pb.tensor(0), pb.tensor(0), pb.tensor(0))
        tensor(True)
    """
    return batch.new_ones((), dtype=_core.bool)


def _combined(mask_mods, first, combine):
    if not all(callable(each) for each in mask_mods):
        raise RuntimeError(f"All inputs should be callable mask_mods: {mask_mods}")

    def mask_mod(b, h, q_idx, kv_idx):
        result = b.new_full((), first, dtype=_core.bool)
        for each in mask_mods:
            result = combine(result, each(b, h, q_idx, kv_idx))
        return result

    return mask_mod


def or_masks(*mask_mods):
    """The `mask_mod` by which is seen what any of these shows.

    Raises:
        RuntimeError: what cannot be called.

    Example:
        >>> from pullback.nn.attention.flex_attention import create_mask, or_masks
        >>> either = or_masks(lambda b, h, q, kv: q == kv, lambda b, h, q, kv: kv == 0)
        >>> create_mask(either, None, None, 3, 3)[0, 0]
        tensor([[ True, False, False],
                [ True,  True, False],
                [ True, False,  True]])
    """
    return _combined(mask_mods, False, lambda a, b: a | b)


def and_masks(*mask_mods):
    """The `mask_mod` by which is seen what all of these show.

    Raises:
        RuntimeError: what cannot be called.

    Example:
        >>> from pullback.nn.attention.flex_attention import and_masks, create_mask
        >>> window = and_masks(lambda b, h, q, kv: q >= kv, lambda b, h, q, kv: q - kv < 2)
        >>> create_mask(window, None, None, 3, 3)[0, 0]
        tensor([[ True, False, False],
                [ True,  True, False],
                [False,  True,  True]])
    """
    return _combined(mask_mods, True, lambda a, b: a & b)


def _ordered(blocks):
    """How many blocks each row has, and their numbers, those that are there first."""
    order = blocks.to(_core.int8).argsort(dim=-1, descending=True, stable=True)
    return blocks.sum(-1).to(_core.int32), order.to(_core.int32)


def _dense(counts, indices, columns):
    """The opposite: (..., rows, columns) of 0 and 1."""
    there = arange(indices.shape[-1]) < counts.unsqueeze(-1)
    blocks = zeros(*indices.shape[:-1], columns, dtype=_core.int32)
    return blocks.scatter_add(-1, indices.to(_core.int64), there.to(_core.int32))


def _turned(counts, indices):
    return _ordered(_dense(counts, indices, indices.shape[-1]).transpose(-2, -1))


def _sliced_mask_mod_error(b, h, q_idx, kv_idx):
    raise RuntimeError(
        "Cannot use mask_mod from a sliced BlockMask. Set mask_mod of what a slice gives from that of the whole."
    )


class BlockMask:
    """Which blocks of scores a mask leaves: made by `create_block_mask`, and read by `flex_attention`.

    For each row of blocks, `kv_num_blocks` (B, H, rows) says how many columns have some scores that are seen and some that
    are not, and `kv_indices` (B, H, rows, columns) begins with their numbers; `full_kv_num_blocks` and `full_kv_indices` those
    all of whose scores are seen. `q_...` say the same of each column. `BLOCK_SIZE` is a pair. In which order a GPU's kernel
    writes gradients, `dq_...`, changes nothing.

    Example:
        >>> from pullback.nn.attention.flex_attention import create_block_mask
        >>> mask = create_block_mask(lambda b, h, q, kv: q >= kv, None, None, 256, 256)
        >>> mask.shape, mask.sparsity(), mask.kv_num_blocks, mask.full_kv_num_blocks
        ((1, 1, 256, 256), 25.0, tensor([[[1, 1]]], dtype=pullback.int32), tensor([[[0, 1]]], dtype=pullback.int32))
    """

    _TENSORS = (
        "kv_num_blocks",
        "kv_indices",
        "full_kv_num_blocks",
        "full_kv_indices",
        "q_num_blocks",
        "q_indices",
        "full_q_num_blocks",
        "full_q_indices",
    )

    def __init__(
        self,
        seq_lengths,
        kv_num_blocks,
        kv_indices,
        full_kv_num_blocks,
        full_kv_indices,
        q_num_blocks,
        q_indices,
        full_q_num_blocks,
        full_q_indices,
        BLOCK_SIZE=(_BLOCK, _BLOCK),
        mask_mod=noop_mask,
        *,
        dq_write_order=None,
        dq_write_order_full=None,
        dq_kv_order=None,
        dq_kv_order_spt=None,
    ):
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        self.seq_lengths = seq_lengths
        self.kv_num_blocks, self.kv_indices = kv_num_blocks, kv_indices
        self.full_kv_num_blocks, self.full_kv_indices = full_kv_num_blocks, full_kv_indices
        self.q_num_blocks, self.q_indices = q_num_blocks, q_indices
        self.full_q_num_blocks, self.full_q_indices = full_q_num_blocks, full_q_indices
        self.BLOCK_SIZE = BLOCK_SIZE
        self.mask_mod = mask_mod

    @classmethod
    def from_kv_blocks(
        cls,
        kv_num_blocks,
        kv_indices,
        full_kv_num_blocks=None,
        full_kv_indices=None,
        BLOCK_SIZE=_BLOCK,
        mask_mod=None,
        seq_lengths=None,
        compute_q_blocks=True,
        *,
        dq_write_order=None,
        dq_write_order_full=None,
        dq_kv_order=None,
    ):
        """The mask of these blocks, of whole blocks where no lengths are given.

        Raises:
            RuntimeError: fewer than two dimensions.
            AssertionError: one of the two of full blocks without the other.

        Example:
            >>> from pullback.nn.attention.flex_attention import BlockMask
            >>> BlockMask.from_kv_blocks(pb.tensor([1, 1]), pb.tensor([[0, 1], [1, 0]])).to_dense()
            tensor([[1, 0],
                    [0, 1]], dtype=pullback.int32)
        """
        if kv_indices.dim() < 2:
            raise RuntimeError("BlockMask must have at least 2 dimensions")
        if (full_kv_num_blocks is None) != (full_kv_indices is None):
            raise AssertionError("full_kv_num_blocks and full_kv_indices must be both provided or omitted")
        turned = full_turned = (None, None)
        if compute_q_blocks:
            turned = _turned(kv_num_blocks, kv_indices)
            if full_kv_num_blocks is not None:
                full_turned = _turned(full_kv_num_blocks, full_kv_indices)
        size = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else tuple(BLOCK_SIZE)
        if seq_lengths is None:
            seq_lengths = (kv_indices.shape[-2] * size[0], kv_indices.shape[-1] * size[1])
        full = (full_kv_num_blocks, full_kv_indices)
        mask_mod = noop_mask if mask_mod is None else mask_mod
        return cls(seq_lengths, kv_num_blocks, kv_indices, *full, *turned, *full_turned, size, mask_mod)

    @property
    def shape(self):
        """(B, H, queries, keys)."""
        return (*self.kv_indices.shape[:-2], *self.seq_lengths)

    def as_tuple(self, flatten=True):
        """Lengths, the eight tensors, None for each order of writing, the sizes of a block and the function; lengths and sizes
        as pairs without `flatten`."""
        tensors = [*[getattr(self, each) for each in self._TENSORS], None, None, None, None]
        if flatten:
            return (*self.seq_lengths, *tensors, *self.BLOCK_SIZE, self.mask_mod)
        return (self.seq_lengths, *tensors, self.BLOCK_SIZE, self.mask_mod)

    def numel(self):
        """How many scores there are, seen or not."""
        return math.prod(self.shape)

    def sparsity(self):
        """Which share of the scores lies in blocks that nobody sees, in percent. A last block counts whole."""
        seen = self.kv_num_blocks.sum().item()
        if self.full_kv_num_blocks is not None:
            seen += self.full_kv_num_blocks.sum().item()
        return 100 * (1 - seen * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1] / self.numel())

    def to_dense(self):
        """(..., rows, columns) of blocks: 1 for those that are seen, int32."""
        blocks = _dense(self.kv_num_blocks, self.kv_indices, self.kv_indices.shape[-1])
        if self.full_kv_num_blocks is None:
            return blocks
        return blocks | _dense(self.full_kv_num_blocks, self.full_kv_indices, self.kv_indices.shape[-1])

    def to_string(self, grid_size=(20, 20), limit=4):
        """A drawing of the blocks, of so many rows and columns at most, for the first `limit` heads."""
        dense = self.to_dense().to(_core.float32)
        *batch, rows, columns = dense.shape
        if grid_size == -1:
            grid_size = (rows, columns)
        most = (grid_size, grid_size) if isinstance(grid_size, int) else grid_size
        down, across = max(1, -(-rows // most[0])), max(1, -(-columns // most[1]))
        pictures = []
        for number, where_ in enumerate(itertools.product(*map(range, batch))):
            if number == limit:
                pictures += [
                    "...",
                    "To print out more, set BlockMask.to_string(limit=N)",
                    "You can also index (BlockMask[batch, head]) to choose a specific batch or head",
                ]
                break
            lines = [str(where_)]
            for r in range(0, rows, down):
                shares = [
                    dense[where_][r : r + down, c : c + across].mean().item()
                    for c in range(0, columns, across)
                ]
                lines.append("".join(2 * ("█" if s == 1 else " " if s == 0 else "░") for s in shares))
            pictures.append("\n".join(lines) + "\n")
        return "\n".join(pictures)

    def to(self, device):
        """The mask itself: there is no other device."""
        moved = [each if each is None else each.to(device) for each in map(self.__dict__.get, self._TENSORS)]
        return BlockMask(self.seq_lengths, *moved, self.BLOCK_SIZE, self.mask_mod)

    def __getitem__(self, index):
        index = index if isinstance(index, tuple) else (index,)
        index = tuple([slice(i, i + 1 or None) if isinstance(i, int) else i for i in index])
        parts = [None if each is None else each[index] for each in map(self.__dict__.get, self._TENSORS[:4])]
        return BlockMask.from_kv_blocks(
            *parts, self.BLOCK_SIZE, _sliced_mask_mod_error, self.seq_lengths, self.q_indices is not None
        )

    def __str__(self):
        drawn = self.to_string().strip()
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%, \n{drawn}\n)"

    def __repr__(self):
        lines = [
            f"    {each}={None if getattr(self, each) is None else getattr(self, each).shape},\n"
            for each in self._TENSORS
        ]
        name = getattr(self.mask_mod, "__name__", self.mask_mod)
        return (
            f"BlockMask(\n{''.join(lines)}    BLOCK_SIZE={self.BLOCK_SIZE},\n    shape={self.shape},\n"
            f"    sparsity={self.sparsity():.2f}%,\n    mask_mod={name}\n)"
        )


def create_block_mask(
    mask_mod,
    B,
    H,
    Q_LEN,
    KV_LEN,
    device=None,
    BLOCK_SIZE=_BLOCK,
    _compile=False,
    separate_full_blocks=True,
    compute_dq_write_order=False,
    dq_kv_order=True,
):
    """The `BlockMask` of a `mask_mod`, for B samples and H heads; None stands for one that serves all.

    Raises:
        AssertionError: a function of other than four arguments.

    Example:
        >>> from pullback.nn.attention.flex_attention import create_block_mask
        >>> create_block_mask(lambda b, h, q, kv: q >= kv, None, None, 6, 6, BLOCK_SIZE=2).to_dense()
        tensor([[[[1, 0, 0],
                  [1, 1, 0],
                  [1, 1, 1]]]], dtype=pullback.int32)
    """
    if _is_of_scores(mask_mod):
        raise AssertionError(f"create-block_mask requires a mask_mod function! Got {mask_mod}")
    size = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else tuple(BLOCK_SIZE)
    mask = create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device)
    mask = pad(mask, (0, -KV_LEN % size[1], 0, -Q_LEN % size[0]))
    parts = mask.unflatten(-1, (-1, size[1])).unflatten(-3, (-1, size[0]))
    seen = parts.sum((-3, -1))
    full = seen == size[0] * size[1]
    if not separate_full_blocks:
        return BlockMask.from_kv_blocks(
            *_ordered(seen > 0), BLOCK_SIZE=size, mask_mod=mask_mod, seq_lengths=(Q_LEN, KV_LEN)
        )
    some = (seen > 0) & ~full
    return BlockMask.from_kv_blocks(*_ordered(some), *_ordered(full), size, mask_mod, (Q_LEN, KV_LEN))


def _check(query, key, value, block_mask, enable_gqa):
    if query.dim() != 4 or key.dim() != 4 or value.dim() != 4:
        raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
    if query.size(-1) != key.size(-1):
        raise ValueError(
            "Expect query and key/value to have the same embedding dimension "
            f"but got E={query.size(-1)} and E={key.size(-1)}."
        )
    heads, others = query.size(1), key.size(1)
    if not enable_gqa and heads != others:
        raise ValueError(
            f"Expect query and key/value to have the same number of heads but got Hq={heads} and Hkv={others}. "
            "Try setting enable_gqa=True for GQA."
        )
    if heads % others:
        raise ValueError(
            "Expect number of query heads to be a multiple of kv heads for GQA "
            f"but got Hq={heads} and Hkv={others}."
        )
    samples = query.size(0)
    if samples != key.size(0) and (block_mask is None or block_mask.kv_num_blocks.size(0) != samples):
        raise ValueError(
            "Expect query and key/value to have the same batch size, or non-none block_mask, but got "
            f"{block_mask=}, Bq={samples}, and Bkv={key.size(0)}."
        )
    if block_mask is None:
        return
    if block_mask.mask_mod is _sliced_mask_mod_error:
        raise RuntimeError("Cannot use mask_mod from a sliced BlockMask")
    lengths, made = (query.size(-2), key.size(-2)), block_mask.shape[-2:]
    if lengths != made:
        raise ValueError(
            f"block_mask was created for {block_mask.shape=} but got q_len={lengths[0]} and "
            f"kv_len={lengths[1]}. Create one of these lengths."
        )


def flex_attention(
    query,
    key,
    value,
    score_mod=None,
    block_mask=None,
    scale=None,
    enable_gqa=False,
    return_lse=False,
    kernel_options=None,
    *,
    return_aux=None,
):
    """softmax(score_mod(query @ key.mT * scale)) @ value, where `block_mask` says what is seen.

    Shape: (B, H, L, E), (B, H, S, E) and (B, H, S, V) to (B, H, L, V). With `enable_gqa` a head of keys and values serves
    several of the query. `scale` is 1 / sqrt(E) if none is given. A query that sees nothing gets zeros. With `return_aux`, an
    `AuxRequest`, a pair of the result and an `AuxOutput`; with `return_lse` of the result and logarithms of sums.
    `kernel_options` are taken, and change nothing. Both functions are mapped by `vmap`.
    Dtype: that of the query; halves are computed in float32. Derivative: of every order.

    Raises:
        NotImplementedError: other than four dimensions.
        ValueError: sizes that do not fit, or `return_lse` together with `return_aux`.

    Example:
        >>> from pullback.nn.attention.flex_attention import flex_attention
        >>> q, k = pb.zeros(1, 1, 1, 2), pb.zeros(1, 1, 2, 2)
        >>> v = pb.tensor([[[[1.0], [3.0]]]])
        >>> flex_attention(q, k, v), flex_attention(q, k, v, lambda score, b, h, i, j: score + 100 * j)
        (tensor([[[[2.]]]]), tensor([[[[3.]]]]))
    """
    _check(query, key, value, block_mask, enable_gqa)
    if return_lse and return_aux is not None:
        raise ValueError(
            "Cannot specify both return_lse and return_aux. "
            "return_lse is deprecated, please use return_aux=AuxRequest(lse=True) instead."
        )
    if return_lse:
        warnings.warn(
            "return_lse is deprecated and will be removed in v2.10. Please use return_aux=AuxRequest(lse=True) "
            "instead.",
            FutureWarning,
            stacklevel=2,
        )
    groups = query.size(1) // key.size(1)
    if groups > 1:
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    working = _core.float64 if query.dtype == _core.float64 else _core.float32
    scores = (query @ key.transpose(-2, -1)).to(working)
    scores = scores * (1 / math.sqrt(query.size(-1)) if scale is None else scale)
    positions = _positions(*scores.shape)
    if score_mod is not None:
        scores = _over_positions(score_mod, (0,))(scores, *positions).to(working)
    if block_mask is not None:
        scores = where(_over_positions(block_mask.mask_mod)(*positions), scores, -math.inf)
    barred = (scores == -math.inf).all(-1, keepdim=True)
    weights = where(barred, 0.0, scores.softmax(-1))
    result = weights.to(query.dtype) @ value
    if return_aux is not None:
        lse = scores.logsumexp(-1) if return_aux.lse else None
        return result, AuxOutput(lse, scores.amax(-1) if return_aux.max_scores else None)
    return (result, scores.logsumexp(-1)) if return_lse else result
