"""Attention: values weighed by how well their keys answer a query (arXiv:1706.03762)."""

import math

from .. import _core
from ..operators.creation import ones
from ..operators.declare import composed
from ..operators.joining import cat
from ..operators.products import linear
from .halves import wide
from .padding import pad as padded
from .random import dropout

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]


def _safe_softmax(scores):
    """softmax along the last dimension, and zeros where nothing may be attended to."""
    weights = scores.softmax(-1)
    barred = (scores == -math.inf).all(-1, keepdim=True)
    return weights.where(~barred, 0.0)


@composed(public=False, method=False, kinds={"value": "T"})
def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    """softmax(query @ key.mT * scale + mask) @ value.

    Shape: (..., L, E), (..., S, E) and (..., S, V) to (..., L, V); leading dimensions broadcast. `attn_mask`, which
    broadcasts with (..., L, S), is bool (True: may be attended to) or is added; `is_causal` lets query i see keys up to i.
    `scale` is 1 / sqrt(E) if none is given. `dropout_p` drops weights. With `enable_gqa` a head of keys and values, which
    is dimension -3, serves several of the query. A query that may see nothing gets zeros.
    Dtype: the common dtype. Derivative: in all but a bool mask, of every order.

    Raises RuntimeError for shapes that do not fit, for a mask together with `is_causal`, and for one of another dtype than
    bool, float32 or that of `query`.

    Example:
        >>> q, k = pb.tensor([[100.0, 0.0]]), pb.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> pb.nn.functional.scaled_dot_product_attention(q, k, pb.tensor([[1.0, 2.0], [3.0, 4.0]]))
        tensor([[1., 2.]])
    """
    if is_causal and attn_mask is not None:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
        )
    if query.ndim < 2 or key.ndim < 2 or value.ndim < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.ndim} key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if attn_mask is not None and attn_mask.dtype not in (_core.bool, _core.float32, query.dtype):
        raise RuntimeError(
            f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
            f"{attn_mask.dtype._c_name} and  query.dtype: {query.dtype._c_name} instead."
        )
    if enable_gqa:
        key, value = _repeated(query, key), _repeated(query, value)
    scale = 1 / math.sqrt(query.shape[-1] or 1) if scale is None else scale  # of nothing all scores are 0
    dtype = query.dtype
    if query.dtype is key.dtype is value.dtype:
        query, key, value = wide(query), wide(key), wide(value)
    scores = (query * scale) @ key.transpose(-2, -1)
    if is_causal:
        attn_mask = ones(query.shape[-2], key.shape[-2], dtype=_core.bool).tril()
    if attn_mask is None:
        weights = scores.softmax(-1)
    else:
        masked = attn_mask.dtype == _core.bool
        weights = _safe_softmax(scores.where(attn_mask, -math.inf) if masked else scores + attn_mask)
    if dropout_p:
        weights = dropout(weights, dropout_p)
    return (weights @ value).to(dtype)


def _repeated(query, each):
    if query.shape[-3] % each.shape[-3]:
        raise RuntimeError(
            "Number of heads in key and value must divide the number of heads in query. They are "
            f"{each.shape[-3]} and {query.shape[-3]}."
        )
    return each.repeat_interleave(query.shape[-3] // each.shape[-3], -3)


def _additive(mask, name, dtype):
    """A mask that is added: bool ones, where True bars, become minus infinity."""
    if mask is None:
        return None
    if mask.dtype == _core.bool:
        return mask.new_zeros(mask.shape, dtype=dtype).masked_fill_(mask, -math.inf)
    if not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")
    return mask


def _check_shapes(query, key, value, key_padding_mask, attn_mask, heads):
    if query.ndim not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query tensor"
        )
    if key.ndim != query.ndim or value.ndim != query.ndim:
        kind = (
            "batched (3-D) `query`, expected `key` and `value` to be 3-D"
            if query.ndim == 3
            else "unbatched (2-D) `query`, expected `key` and `value` to be 2-D"
        )
        raise AssertionError(f"For {kind} but found {key.ndim}-D and {value.ndim}-D tensors respectively")
    if key_padding_mask is not None and key_padding_mask.ndim != query.ndim - 1:
        raise AssertionError(
            f"For {'batched' if query.ndim == 3 else 'unbatched'} `query`, expected `key_padding_mask` to be `None` or "
            f"{query.ndim - 1}-D but found {key_padding_mask.ndim}-D tensor instead"
        )
    if attn_mask is not None and attn_mask.ndim not in (2, 3):
        raise AssertionError(
            f"For {'batched' if query.ndim == 3 else 'unbatched'} `query`, expected `attn_mask` to be `None`, 2-D or 3-D "
            f"but found {attn_mask.ndim}-D tensor instead"
        )
    if query.ndim == 2 and attn_mask is not None and attn_mask.ndim == 3:
        expected = (heads, query.shape[0], key.shape[0])
        if tuple(attn_mask.shape) != expected:
            raise AssertionError(
                f"Expected `attn_mask` shape to be {expected} but got {tuple(attn_mask.shape)}"
            )


def _projected(query, key, value, weight, bias):
    """All three through one matrix of three blocks."""
    size = query.shape[-1]
    blocks = [weight[k * size : (k + 1) * size] for k in range(3)]
    biases = [None] * 3 if bias is None else [bias[k * size : (k + 1) * size] for k in range(3)]
    if query is key and key is value:
        all = linear(query, weight, bias)
        return [all[..., k * size : (k + 1) * size] for k in range(3)]
    return [linear(x, w, b) for x, w, b in zip((query, key, value), blocks, biases, strict=True)]


@composed(public=False, method=False)
def multi_head_attention_forward(
    query,
    key,
    value,
    embed_dim_to_check,
    num_heads,
    in_proj_weight,
    in_proj_bias,
    bias_k,
    bias_v,
    add_zero_attn,
    dropout_p,
    out_proj_weight,
    out_proj_bias,
    training=True,
    key_padding_mask=None,
    need_weights=True,
    attn_mask=None,
    use_separate_proj_weight=False,
    q_proj_weight=None,
    k_proj_weight=None,
    v_proj_weight=None,
    static_k=None,
    static_v=None,
    average_attn_weights=True,
    is_causal=False,
):
    """Attention in `num_heads` parts: projections, `scaled_dot_product_attention` of each part, and one more projection.

    Shape: query (L, N, E), key and value (S, N, ...) to (L, N, E), or all without N; with the weights (N, L, S), averaged
    over heads or (N, heads, L, S), or None without `need_weights`. `key_padding_mask`, (N, S), and `attn_mask`, (L, S) or
    (N * heads, L, S), are bool (True: may not be attended to) or are added.
    Returns a pair (result, weights). Derivative: in all floating arguments, of every order.

    Raises AssertionError for shapes that do not fit, RuntimeError for `is_causal` without a mask.

    Example:
        >>> x, w = pb.ones(3, 1, 4), pb.eye(4)
        >>> result, weights = pb.nn.functional.multi_head_attention_forward(
        ...     x, x, x, 4, 2, w.repeat(3, 1), None, None, None, False, 0.0, w, None)
        >>> result[0, 0], weights[0, 0]
        (tensor([1., 1., 1., 1.]), tensor([0.3333, 0.3333, 0.3333]))
    """
    _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    batched = query.ndim == 3
    if not batched:
        same = query is key, key is value
        query = query.unsqueeze(1)
        key = query if same[0] else key.unsqueeze(1)
        value = key if same[1] else value.unsqueeze(1)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    length, batch, size = query.shape
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. The mask says what is meant: pass a causal one."
        )
    if size != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {size}")
    part = size // num_heads
    if part * num_heads != size:
        raise AssertionError(f"embed_dim {size} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if tuple(key.shape[:2]) != tuple(value.shape[:2]):
            raise AssertionError(
                f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
            )
        biases = [None] * 3 if in_proj_bias is None else in_proj_bias.chunk(3)
        weights = (q_proj_weight, k_proj_weight, v_proj_weight)
        q, k, v = [linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True)]
    else:
        if key.shape != value.shape:
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias)
    mask = _additive(attn_mask, "attn_mask", q.dtype)
    barred = _additive(key_padding_mask, "key_padding_mask", q.dtype)
    mask = _shaped_mask(mask, length, key.shape[0], batch * num_heads)
    if bias_k is not None and bias_v is not None:
        k, v = [cat([x, b.expand(1, batch, size)]) for x, b in ((k, bias_k), (v, bias_v))]
        mask, barred = [None if each is None else padded(each, (0, 1)) for each in (mask, barred)]
    q = _heads(q, num_heads, part)
    k = _heads(k, num_heads, part) if static_k is None else static_k
    v = _heads(v, num_heads, part) if static_v is None else static_v
    if add_zero_attn:
        k, v = [cat([x, x.new_zeros(x.shape[0], 1, x.shape[2])], 1) for x in (k, v)]
        mask, barred = [None if each is None else padded(each, (0, 1)) for each in (mask, barred)]
    source = k.shape[1]
    if barred is not None:
        if tuple(barred.shape) != (batch, source):
            raise AssertionError(
                f"expecting key_padding_mask shape of {(batch, source)}, but got {tuple(barred.shape)}"
            )
        barred = barred.reshape(batch, 1, 1, source).expand(batch, num_heads, 1, source)
        barred = barred.reshape(batch * num_heads, 1, source)
        mask = barred if mask is None else mask + barred
    scores = (q * math.sqrt(1.0 / part)) @ k.transpose(1, 2)
    if mask is not None:
        scores = scores + mask
    attention = scores.softmax(-1) if need_weights or mask is None else _safe_softmax(scores)
    if training and dropout_p:
        attention = dropout(attention, dropout_p)
    result = (attention @ v).transpose(0, 1).reshape(length * batch, size)
    result = linear(result, out_proj_weight, out_proj_bias).reshape(length, batch, -1)
    if not need_weights:
        return (result if batched else result.squeeze(1)), None
    attention = attention.reshape(batch, num_heads, length, source)
    if average_attn_weights:
        attention = attention.mean(1)
    return (result, attention) if batched else (result.squeeze(1), attention.squeeze(0))


def _heads(x, heads, part):
    return x.reshape(x.shape[0], -1, part).transpose(0, 1)


def _shaped_mask(mask, length, source, parts):
    if mask is None:
        return None
    if mask.ndim == 2:
        if tuple(mask.shape) != (length, source):
            raise RuntimeError(
                f"The shape of the 2D attn_mask is {mask.shape}, but should be {(length, source)}."
            )
        return mask.unsqueeze(0)
    if tuple(mask.shape) != (parts, length, source):
        raise RuntimeError(
            f"The shape of the 3D attn_mask is {mask.shape}, but should be {(parts, length, source)}."
        )
    return mask
