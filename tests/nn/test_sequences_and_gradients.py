"""nn.utils beside PyTorch's: packed sequences, norms and bounds of gradients, parameters as one vector."""

import pytest
from beside import same

pytestmark = pytest.mark.torch
pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")


def texts(m):
    return [m.arange(float(n)).reshape(n, 1).sin() for n in (2, 5, 3)]


def all_of(packed):
    return packed.data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices


def packing(m):
    rnn = m.nn.utils.rnn
    padded = rnn.pad_sequence(texts(m), batch_first=True, padding_value=-1.0)
    one = rnn.pack_padded_sequence(padded, m.tensor([2, 5, 3]), batch_first=True, enforce_sorted=False)
    other = rnn.pack_sequence(texts(m), enforce_sorted=False)
    back, lengths = rnn.pad_packed_sequence(one, batch_first=True, padding_value=7.0, total_length=6)
    return (
        *map(all_of, (one, other)),
        back,
        lengths,
        rnn.unpack_sequence(other),
        rnn.unpad_sequence(padded, m.tensor([2, 5, 3]), batch_first=True),
        rnn.pad_sequence(texts(m), padding_side="left"),
        rnn.invert_permutation(m.tensor([2, 0, 1])),
        rnn.invert_permutation(None),
        type(one).__name__,
        one.is_cuda,
        one.double().data.dtype,
        one.to(m.float64).data.dtype,
        isinstance(one, rnn.PackedSequence),
    )


def packed_by_hand(m):
    made = m.nn.utils.rnn.PackedSequence(m.ones(5, 2), m.tensor([2, 2, 1]))
    return all_of(made), m.nn.utils.rnn.pad_packed_sequence(made)


def through_a_network(m):
    net = m.nn.LSTM(1, 3, bidirectional=True)
    packed = m.nn.utils.rnn.pack_sequence(texts(m), enforce_sorted=False)
    output, (h, c) = net(packed)
    output.data.square().sum().backward()
    return all_of(output), h, c, [p.grad for p in net.parameters()]


def gradients(m):
    w = [m.nn.Parameter(m.arange(4.0) - 1), m.nn.Parameter(m.ones(2, 2)), m.nn.Parameter(m.ones(1))]
    (w[0].pow(2).sum() + (w[1] * 3).sum()).backward()
    return w


def norms(m):
    u, found = m.nn.utils, []
    for kind in (2.0, 1, float("inf"), 0.0):
        w = gradients(m)
        found += [u.clip_grad_norm_(w, 1.5, norm_type=kind), w[0].grad, w[1].grad]
    w = gradients(m)
    total = u.get_total_norm([each.grad for each in w if each.grad is not None], foreach=False)
    u.clip_grads_with_norm_(w, 2.0, total)
    found += [total, w[0].grad, u.clip_grad_norm_([], 1.0), u.clip_grad_norm_(iter(gradients(m)), 100.0)]
    w = gradients(m)
    u.clip_grad_value_(w, 1.25)
    return [*found, w[0].grad, w[1].grad, u.get_total_norm([])]


def older_norm(m):
    return m.nn.utils.clip_grad_norm(gradients(m), 1.0)


def vectors(m):
    u, w = m.nn.utils, gradients(m)
    vector = u.parameters_to_vector(w)
    u.vector_to_parameters(vector * 2, w)
    return vector, w, vector.requires_grad


def not_finite(m):
    w = gradients(m)
    w[0].grad[0] = float("nan")
    m.nn.utils.clip_grad_norm_(w, 1.0, error_if_nonfinite=True)


def older_tools(m):
    """The classes behind the older forms of weight and spectral norm."""
    from importlib import import_module

    utils = m.nn.utils.__name__
    weight, spectral = import_module(f"{utils}.weight_norm"), import_module(f"{utils}.spectral_norm")
    part = spectral.spectral_norm(m.nn.Linear(3, 2), n_power_iterations=5)
    hook = next(iter(part._forward_pre_hooks.values()))
    other = weight.weight_norm(m.nn.Linear(3, 2), dim=1)
    norm = next(iter(other._forward_pre_hooks.values()))
    return (
        [isinstance(hook, spectral.SpectralNorm), hook.name, hook.n_power_iterations],
        [isinstance(norm, weight.WeightNorm), norm.name, norm.dim],
        [
            list(spectral.remove_spectral_norm(part).state_dict()),
            list(weight.remove_weight_norm(other).state_dict()),
        ],
    )


def convolutions(m):
    """Gradients by their own names: conv1d_input, conv1d_weight, conv2d_input, conv2d_weight, conv3d_input, conv3d_weight."""
    found = []
    for dims, options in ((1, (2, 1)), (2, (1, 0, 2)), (3, (1, 1))):
        # In float64: squares of gradients lose digits to the order in which a library adds.
        x = m.arange(2.0 * 2 * 5**dims, dtype=m.float64).reshape(2, 2, *[5] * dims).sin()
        w = m.arange(3.0 * 2 * 2**dims, dtype=m.float64).reshape(3, 2, *[2] * dims).cos().requires_grad_()
        result = getattr(m.nn.functional, f"conv{dims}d")(x, w, None, *options)
        g = result.detach().cos().requires_grad_()
        in_input = getattr(m.nn.grad, f"conv{dims}d_input")(x.shape, w, g, *options)
        in_weight = getattr(m.nn.grad, f"conv{dims}d_weight")(x, w.shape, g, *options)
        found += [
            in_input,
            in_weight,
            *m.autograd.grad(in_input.pow(2).sum() + in_weight.pow(2).sum(), (w, g)),
        ]
    return found


WRONG = [
    lambda m: m.nn.utils.rnn.pack_sequence(texts(m)),
    lambda m: m.nn.utils.rnn.pack_padded_sequence(m.ones(3, 2), m.tensor([3, 0])),
    lambda m: m.nn.utils.rnn.pack_padded_sequence(m.ones(3, 2), m.tensor([3])),
    lambda m: m.nn.utils.rnn.pad_packed_sequence(m.nn.utils.rnn.pack_sequence([m.ones(3)]), total_length=2),
    lambda m: m.nn.utils.rnn.pad_sequence(3),
    lambda m: m.nn.utils.rnn.pad_sequence([]),
    lambda m: m.nn.utils.rnn.pad_sequence(texts(m), padding_side="top"),
    lambda m: m.nn.utils.parameters_to_vector([]),
    lambda m: m.nn.utils.vector_to_parameters([1.0], [m.ones(1)]),
    lambda m: m.nn.utils.vector_to_parameters(m.ones(3), [m.ones(4)]),
]


PROGRAMS = [
    packing,
    packed_by_hand,
    through_a_network,
    norms,
    older_norm,
    vectors,
    not_finite,
    older_tools,
    convolutions,
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(program):
    same(program)


@pytest.mark.parametrize("program", WRONG, ids=range(len(WRONG)))
def test_what_is_refused(program):
    same(program)
