"""`nn.attention`: which kernel is asked for, causal biases, and attention whose scores are functions of positions."""

import importlib
import math
import warnings

import pytest
from beside import same

import pullback as pb

SCORES = {
    "none": lambda m: None,
    "distances": lambda m: lambda score, b, h, i, j: score + (j - i),
    "causal": lambda m: lambda score, b, h, i, j: m.where(i >= j, score, -math.inf),
    "capped, by head": lambda m: lambda score, b, h, i, j: 5 * m.tanh(score / 5) * (h + 1),
    "a table": lambda m: table_of(m),
}


def table_of(m):
    table = m.arange(4 * 5 * 7.0).reshape(4, 5, 7).sin()
    return lambda score, b, h, i, j: score + table[h, i, j]


def flex(m):
    return importlib.import_module(f"{m.__name__}.nn.attention.flex_attention")


def operands(m):
    return m.randn(2, 4, 5, 8), m.randn(2, 2, 7, 8), m.randn(2, 2, 7, 3)


@pytest.fixture(autouse=True, scope="module")
def warned_once():
    """PyTorch warns at the first call in a process that it is slow."""
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        flex(torch).flex_attention(*[torch.ones(1, 1, 1, 1)] * 3, return_lse=True)


@pytest.mark.torch
@pytest.mark.parametrize("kind", SCORES)
def test_scores_as_functions_of_positions(kind):
    def program(m):
        f = flex(m)
        score_mod, options = SCORES[kind](m), {"enable_gqa": True, "return_aux": f.AuxRequest(lse=True)}
        result, beside = f.flex_attention(*operands(m), score_mod, **options)
        assert type(beside) is f.AuxOutput
        return (
            result,
            beside.lse,
            beside.max_scores,
            f.flex_attention(*operands(m), scale=0.1, enable_gqa=True),
        )

    same(program)


def test_derivatives_reach_operands_and_what_is_captured():
    q, k, v, table = (pb.randn(1, 2, 3, 4).double().requires_grad_() for _ in range(4))

    def f(q, k, v, table):
        score_mod = lambda score, b, h, i, j: score + table[b, h, i, j]
        mask = flex(pb).create_block_mask(lambda b, h, i, j: i >= j, None, None, 3, 3)
        return flex(pb).flex_attention(q, k, v, score_mod, mask)

    assert pb.autograd.gradcheck(f, (q, k, v, table))
    added = pb.where(pb.ones(3, 3).tril() > 0, table[..., :3], -math.inf)
    plain = pb.nn.functional.scaled_dot_product_attention(q, k, v, added)
    pb.testing.assert_close(f(q, k, v, table), plain)


def test_largest_scores_and_queries_that_see_nothing():
    q = pb.ones(1, 1, 2, 4, requires_grad=True)
    mask = flex(pb).create_block_mask(lambda b, h, i, j: i < 1, None, None, 2, 2)
    result, beside = flex(pb).flex_attention(
        q, q, q, block_mask=mask, return_aux=flex(pb).AuxRequest(True, True)
    )
    assert result.tolist() == [[[[1.0] * 4, [0.0] * 4]]]
    assert beside.max_scores.tolist() == [[[2.0, -math.inf]]] and beside.lse[0, 0, 1] == -math.inf
    result.sum().backward()
    assert bool(q.grad.isfinite().all())


@pytest.mark.torch
@pytest.mark.parametrize("sizes", [(5, 7, (2, 3)), (6, 6, 2), (300, 200, 128), (40, 40, 1)])
def test_masks_in_blocks(sizes):
    queries, keys, block = sizes

    def program(m):
        f = flex(m)
        near = lambda b, h, i, j: (i >= j) & (i - j < 2 + b)
        near.__name__ = "near"
        mask = f.create_block_mask(near, 2, None, queries, keys, device="cpu", BLOCK_SIZE=block)
        assert type(mask) is f.BlockMask
        part, whole = (
            mask[1],
            f.create_block_mask(near, 1, 1, queries, keys, "cpu", block, separate_full_blocks=False),
        )
        again = f.BlockMask.from_kv_blocks(mask.kv_num_blocks, mask.kv_indices, BLOCK_SIZE=block)
        q, k = m.randn(2, 3, queries, 4), m.randn(2, 3, keys, 4)
        return (
            [repr(mask), str(mask), mask.to_string(grid_size=3, limit=1), mask.shape, mask.numel()],
            [mask.sparsity(), mask.to_dense(), repr(part), repr(whole), whole.to_dense(), repr(again)],
            [getattr(mask, name) for name in ("kv_num_blocks", "q_num_blocks", "full_q_num_blocks")],
            [len(mask.as_tuple(False)), mask.as_tuple()[:2], mask.to("cpu").shape],
            f.flex_attention(q, k, k, block_mask=mask),
        )

    same(program)


@pytest.mark.torch
def test_masks_of_functions():
    def program(m):
        f = flex(m)
        causal, first = lambda b, h, i, j: i >= j, lambda b, h, i, j: j == h
        masks = [
            causal,
            f.or_masks(causal, first),
            f.and_masks(causal, first),
            f.noop_mask,
            f.or_masks(),
            f.and_masks(),
        ]
        scores = lambda score, b, h, i, j: m.where(i > j, score, -math.inf)
        return [f.create_mask(each, 2, 3, 4, 5, device="cpu") for each in (*masks, scores)]

    same(program)


WRONG = {
    "three dimensions": lambda m, f, x: f(x[0], x[0], x[0]),
    "features": lambda m, f, x: f(x, x[..., :2], x),
    "heads": lambda m, f, x: f(x[:, :1], x, x),
    "groups of heads": lambda m, f, x: f(x[:, :1].repeat(1, 3, 1, 1), x, x, enable_gqa=True),
    "samples": lambda m, f, x: f(x, x[:1], x[:1]),
    "two ways of asking": lambda m, f, x: f(x, x, x, return_lse=True, return_aux=flex(m).AuxRequest()),
    "arguments": lambda m, f, x: flex(m).create_mask(lambda b, h: b, 1, 1, 2, 2, device="cpu"),
    "a part": lambda m, f, x: f(x, x, x, block_mask=a_mask(m, 3)[0:1]),
    "no function": lambda m, f, x: flex(m).or_masks(3),
    "bias of three sizes": lambda m, f, x: bias(m).causal_upper_left(1, 2, 3),
    "bias without a variant": lambda m, f, x: bias(m).CausalBias(1, 2, 3),
    "a bias and is_causal": lambda m, f, x: m.nn.functional.scaled_dot_product_attention(
        x, x, x, bias(m).causal_upper_left(3, 3), is_causal=True
    ),
    "neither a kernel nor a list": lambda m, f, x: attention(m).sdpa_kernel("math").__enter__(),
}


def a_mask(m, size):
    return flex(m).create_block_mask(lambda b, h, i, j: i >= j, None, None, size, size, device="cpu")


def attention(m):
    return importlib.import_module(f"{m.__name__}.nn.attention")


def bias(m):
    return importlib.import_module(f"{m.__name__}.nn.attention.bias")


@pytest.mark.torch
@pytest.mark.parametrize("case", WRONG)
def test_errors(case):
    same(lambda m: WRONG[case](m, flex(m).flex_attention, m.ones(2, 2, 3, 4)))


def test_a_mask_of_other_lengths():
    x = pb.ones(1, 1, 3, 2)
    for size in (2, 4):
        with pytest.raises(
            ValueError, match=r"block_mask was created for block_mask.shape=\(1, 1, . got q_len=3|Create one"
        ):
            flex(pb).flex_attention(x, x, x, block_mask=a_mask(pb, size))


@pytest.mark.torch
@pytest.mark.parametrize("sizes", [(3, 3), (3, 5), (5, 3)])
def test_biases(sizes):
    def program(m):
        q, k = m.randn(2, sizes[0], 4), m.randn(2, sizes[1], 4)
        made = [bias(m).causal_upper_left(*sizes)]
        if sizes[0] <= sizes[1]:
            made.append(bias(m).causal_lower_right(*sizes))
        assert all(type(each) is bias(m).CausalBias for each in made)
        attend = m.nn.functional.scaled_dot_product_attention
        return [[attend(q, k, k, each), repr(each), str(each), each.variant] for each in made], list(
            bias(m).CausalVariant
        )

    same(program)
    if sizes[0] > sizes[1]:
        with pytest.warns(UserWarning, match="will produce NaNs"):
            bias(pb).causal_lower_right(*sizes)


@pytest.mark.torch
def test_kernels_of_attention_are_asked_for():
    def program(m):
        a, cuda = attention(m), m.backends.cuda
        switches = (cuda.math_sdp_enabled, cuda.flash_sdp_enabled, cuda.mem_efficient_sdp_enabled)
        backends, said = a.SDPBackend, []
        for asked in (
            backends.MATH,
            [backends.FLASH_ATTENTION, backends.MATH],
            [backends.EFFICIENT_ATTENTION],
        ):
            with a.sdpa_kernel(asked, set_priority=True) as given:
                said.append([given, [each() for each in switches]])
        names = {name: int(each) for name, each in backends.__members__.items()}
        return (
            said,
            [each() for each in switches],
            names,
            repr(backends.MATH),
            str(backends.ERROR),
            a.WARN_FOR_UNFUSED_KERNELS,
        )

    same(program)
