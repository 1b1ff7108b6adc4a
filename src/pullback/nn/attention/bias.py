"""Causal masks of attention that know their form: of `scaled_dot_product_attention`, as its `attn_mask`."""

import enum
import warnings

from ... import _core
from ...operators.creation import ones
from ..functional import scaled_dot_product_attention

__all__ = ["CausalBias", "CausalVariant", "causal_lower_right", "causal_upper_left"]


class CausalVariant(enum.IntEnum):
    """Which corner of the mask the diagonal begins or ends in: the same for as many keys as queries.

    Example:
        >>> from pullback.nn.attention.bias import CausalVariant
        >>> list(CausalVariant)
        [<CausalVariant.UPPER_LEFT: 1>, <CausalVariant.LOWER_RIGHT: 2>]
    """

    UPPER_LEFT = 1
    LOWER_RIGHT = 2


class CausalBias(_core.Tensor):
    """A mask (seq_len_q, seq_len_kv) that lets queries see what is not behind them. It holds no elements until it is asked for.

    Raises:
        AssertionError: the variant is no `CausalVariant`.
        ValueError: attention with it and `is_causal`.

    Example:
        >>> from pullback.nn.attention.bias import CausalBias, CausalVariant
        >>> CausalBias(CausalVariant.LOWER_RIGHT, 2, 3)
        tensor([[ True,  True, False],
                [ True,  True,  True]])
    """

    def __new__(cls, variant, seq_len_q, seq_len_kv):
        return super().__new__(cls)

    def __init__(self, variant, seq_len_q, seq_len_kv):
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant).__name__}")
        super().__init__()
        self.variant, self.seq_len_q, self.seq_len_kv = variant, seq_len_q, seq_len_kv
        if seq_len_q > seq_len_kv and variant == CausalVariant.LOWER_RIGHT:
            warnings.warn(
                "Lower right causal bias will produce NaNs in the output when seq_len_q > seq_len_kv!",
                stacklevel=2,
            )

    def _materialize(self, device=None):
        last = self.seq_len_kv - self.seq_len_q if self.variant == CausalVariant.LOWER_RIGHT else 0
        return ones(self.seq_len_q, self.seq_len_kv, dtype=_core.bool).tril(last)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is scaled_dot_product_attention:
            return _attend(*args, **(kwargs or {}))
        return super().__torch_function__(func, types, args, kwargs or {})

    def __repr__(self):
        return repr(self._materialize())


def _attend(query, key, value, attn_mask, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    if is_causal:
        raise ValueError("CausalBias should not be used with causal=True")
    mask = attn_mask._materialize()
    return scaled_dot_product_attention(query, key, value, mask, dropout_p, False, scale, enable_gqa)


def _sized(name, variant, size):
    if len(size) != 2:
        raise AssertionError(f"{name} only supports 2D tensors")
    return CausalBias(variant, *size)


def causal_upper_left(*size):
    """The bias by which query i sees the keys up to i: a `CausalBias` of the two sizes.

    Raises:
        AssertionError: not two sizes.

    Example:
        >>> pb.nn.attention.bias.causal_upper_left(2, 3)
        tensor([[ True, False, False],
                [ True,  True, False]])
    """
    return _sized("causal_upper_left", CausalVariant.UPPER_LEFT, size)


def causal_lower_right(*size):
    """The bias by which the last query sees all keys, and each one before it one less: a `CausalBias` of the two sizes.

    Raises:
        AssertionError: not two sizes.

    Example:
        >>> pb.nn.attention.bias.causal_lower_right(2, 3)
        tensor([[ True,  True, False],
                [ True,  True,  True]])
    """
    return _sized("causal_lower_right", CausalVariant.LOWER_RIGHT, size)
