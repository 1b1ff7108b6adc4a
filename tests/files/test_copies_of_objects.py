"""`copy`, `deepcopy` and `pickle` of tensors, parameters, modules, optimisers and generators, beside PyTorch's."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import pullback as pb


def pickled(value):
    return pickle.loads(pickle.dumps(value))


WAYS = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": pickled}


def shared(m, way):
    whole, part = way((lambda x: [x, x[2:]])(m.arange(6.0)))
    whole[2] = 100
    return part.tolist(), part.storage_offset(), part.stride()


def layouts(m, way):
    x = m.arange(6.0).reshape(2, 3)
    views = [x.t(), x[:, ::2], x[1], x[:0], m.zeros(0, 3), x[:1].expand(4, 3), m.tensor(3.0)]
    return [
        (y.tolist(), tuple(y.shape), y.stride(), y.storage_offset(), y.is_contiguous())
        for y in map(way, views)
    ]


def leaves(m, way):
    x = m.ones(2, requires_grad=True)
    (x * x).sum().backward()
    y = way(x)
    kept = None if y.grad is None else y.grad.tolist()
    return y.requires_grad, y.is_leaf, kept, y.grad is x.grad, way(m.ones(1, dtype=m.int64)).dtype == m.int64


def computed(m, way):
    y = way(m.ones(2, requires_grad=True) * 2)
    return y.tolist(), y.requires_grad, y.is_leaf


def parameters(m, way):
    p = m.nn.Parameter(m.ones(2), requires_grad=False)
    p.note = "kept"
    q = way(p)
    return type(q).__name__, q.tolist(), q.requires_grad, getattr(q, "note", None), q is p


def lazy(m, way):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = way(m.nn.LazyLinear(3))
        return repr(layer), type(layer.weight).__name__, layer(m.ones(2, 4)).shape == (2, 3)


def generators(m, way):
    g = m.Generator().manual_seed(4)
    m.rand(3, generator=g)
    h = way(g)
    return h is g, m.rand(2, generator=h).tolist(), m.rand(2, generator=g).tolist(), h.initial_seed()


def training(m, way):
    m.manual_seed(0)
    model = m.nn.Linear(2, 1)
    optimizer = m.optim.Adam(model.parameters(), lr=0.1)
    schedule = m.optim.lr_scheduler.StepLR(optimizer, 1)

    def step(model, optimizer, schedule):
        optimizer.zero_grad()
        model(m.ones(2)).sum().backward()
        optimizer.step()
        schedule.step()

    step(model, optimizer, schedule)
    step(*(others := way((model, optimizer, schedule))))
    found = [np.round(model.weight.tolist(), 5).tolist(), np.round(others[0].weight.tolist(), 5).tolist()]
    return found, others[2].get_last_lr(), others[2].optimizer is others[1], optimizer.param_groups[0]["lr"]


def tied(m, way):
    model = m.nn.Sequential(m.nn.Linear(2, 2), m.nn.Linear(2, 2))
    model[1].weight = model[0].weight
    other = way(model)
    return other[1].weight is other[0].weight, other[0].weight is model[0].weight


def small_things(m, way):
    values = [m.float32, m.device("cpu"), m.Size([2, 3]), m.strided, m.Tensor, m.ones(2, 2).max(0)]
    return [str(way(each)).replace("torch", "pullback") for each in values]


def outcome(m, what, way):
    try:
        return what(m, way)
    except Exception as error:
        return type(error), str(error).split(". ")[0].split(".  ")[0]


@pytest.mark.torch
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "what",
    [shared, layouts, leaves, computed, parameters, lazy, generators, training, tied, small_things],
    ids=lambda f: f.__name__,
)
def test_beside_pytorch(what, way):
    torch = pytest.importorskip("torch")
    mine, theirs = outcome(pb, what, WAYS[way]), outcome(torch, what, WAYS[way])
    assert mine == theirs


def test_what_a_copy_shares():
    x = pb.arange(6.0)
    whole, part = copy.deepcopy([x, x[2:]])
    whole[2] = 100
    assert part[0] == 100 and x[2] == 2
    assert copy.copy(x).data_ptr() == x.data_ptr()
    whole, part = pickled([x, x[2:]])  # each has all of the memory, of its own
    whole[2] = 100
    assert part[0] == 2 and part.storage_offset() == 2
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(pb.ones(1, requires_grad=True) * 2)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(protocol):
    x = pb.arange(6.0, requires_grad=True)
    x.note = [1]
    y = pickle.loads(pickle.dumps(x, protocol))
    assert y.tolist() == x.tolist() and y.requires_grad and y.note == [1] and y.is_leaf


class Named(pb.Tensor):
    pass


def test_subclasses():
    y = pickled(pb.arange(3.0).as_subclass(Named))
    assert type(y) is Named and y.tolist() == [0.0, 1.0, 2.0]
