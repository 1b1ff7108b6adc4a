"""Attention in parts: beside PyTorch's, in all its forms; and beside a sum written out."""

import numpy as np
import pytest

import pullback as pb


def test_attention_is_a_weighed_mean():
    rng = np.random.default_rng(0)
    q, k, v = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 4)), rng.standard_normal((2, 5, 6))
    scores = np.exp(q @ k.transpose(0, 2, 1) / 2)
    expected = scores @ v / scores.sum(2, keepdims=True)
    found = pb.nn.functional.scaled_dot_product_attention(*map(pb.tensor, (q, k, v)))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_of_no_features_attention_is_the_mean():
    query, key, value = pb.ones(2, 3, 0), pb.ones(2, 4, 0), pb.arange(16.0).reshape(2, 4, 2)
    found = pb.nn.functional.scaled_dot_product_attention(query, key, value)
    np.testing.assert_allclose(found.numpy(), value.mean(1, keepdim=True).expand(2, 3, 2).numpy())


def test_a_query_that_may_see_nothing_gets_zeros():
    x = pb.ones(2, 3, requires_grad=True)
    mask = pb.tensor([[True, False], [False, False]])
    y = pb.nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)
    y.sum().backward()
    assert y.tolist() == [[1, 1, 1], [0, 0, 0]]
    assert bool(x.grad.isfinite().all())


L, S, N, E, H = 3, 4, 2, 6, 2
FORMS = {
    "self": {},
    "cross": {"cross": True},
    "no bias": {"biased": False},
    "mask": {"attn_mask": (L, S), "cross": True},
    "bool mask": {"attn_mask": "bool", "cross": True},
    "mask of each head": {"attn_mask": (N * H, L, S), "cross": True},
    "padding": {"key_padding_mask": "bool", "cross": True},
    "bias of keys": {"extra": True, "cross": True, "attn_mask": (L, S), "key_padding_mask": "bool"},
    "zero": {"zero": True, "cross": True, "attn_mask": (L, S)},
    "separate": {"separate": True, "cross": True},
    "unbatched": {"unbatched": True, "cross": True},
    "weights of heads": {"average": False},
    "no weights": {"need_weights": False, "cross": True, "attn_mask": (L, S)},
}


def forward(lib, form):
    rng = np.random.default_rng(1)

    def one(*shape):
        return lib.tensor(rng.standard_normal(shape), requires_grad=True)

    q, k, v = one(L, N, E), one(S, N, E), one(S, N, E)
    if not form.get("cross"):
        k = v = q
    if form.get("separate"):
        k, v = one(S, N, 5), one(S, N, 7)
    weights = [one(3 * E, E), one(3 * E), one(E, E), one(E)]
    separate = [one(E, E), one(E, 5), one(E, 7)]
    extra = [one(1, 1, E), one(1, 1, E)]
    mask, padding = form.get("attn_mask"), form.get("key_padding_mask")
    if mask == "bool":
        mask = lib.tensor(np.arange(L * S).reshape(L, S) % 5 == 1)
    elif mask:
        mask = one(*mask)
    if padding:
        padding = lib.tensor(np.arange(N * S).reshape(N, S) % 4 == 3)
    inputs = [x[:, 0] if form.get("unbatched") else x for x in (q, k, v)]
    if not form.get("cross"):
        inputs = [inputs[0]] * 3
    result, attention = lib.nn.functional.multi_head_attention_forward(
        *inputs,
        E,
        H,
        None if form.get("separate") else weights[0],
        weights[1] if form.get("biased", True) else None,
        *(extra if form.get("extra") else (None, None)),
        form.get("zero", False),
        0.0,
        *weights[2:],
        key_padding_mask=padding,
        need_weights=form.get("need_weights", True),
        attn_mask=mask,
        average_attn_weights=form.get("average", True),
        use_separate_proj_weight=form.get("separate", False),
        **(
            dict(zip(("q_proj_weight", "k_proj_weight", "v_proj_weight"), separate))
            if form.get("separate")
            else {}
        ),
    )
    leaves = [q, *weights[2:]]
    total = (result * result).sum() + (0 if attention is None else (attention * attention).sum())
    gradients = lib.autograd.grad(total, leaves)
    return [result.detach(), *([] if attention is None else [attention.detach()]), *gradients]


@pytest.mark.torch
@pytest.mark.parametrize("form", FORMS)
def test_multi_head_attention_beside_pytorch(form):
    torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
    for mine, theirs in zip(forward(pb, FORMS[form]), forward(torch, FORMS[form]), strict=True):
        assert tuple(mine.shape) == tuple(theirs.shape)
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64", "int64", "complex64"])
def test_masks_have_a_dtype_of_their_own(dtype):
    x, mask = pb.ones(3, 4), pb.ones(3, 3).to(getattr(pb, dtype))
    with pytest.raises(
        RuntimeError, match="Expected attn_mask dtype to be bool or float or to match query dtype"
    ):
        pb.nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=mask)
    if mask.is_floating_point():
        y = x.to(mask.dtype)
        assert pb.nn.functional.scaled_dot_product_attention(y, y, y, attn_mask=mask).dtype is mask.dtype
