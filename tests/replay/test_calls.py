"""How compiled functions are called: arguments, modes, threads, copies, gradients of results, and what is kept alive."""

import copy
import gc
import pickle
import subprocess
import sys
import threading
import types
import warnings
import weakref
from unittest import mock

import pytest
from replay.plainly import reason, replays, same
from replay.worlds import run_with_source

import pullback as pb


def test_arguments_that_alias():
    def function(x, y):
        return x * y, x is y, (x + y) @ x

    compiled = pb.compile(function)
    base = pb.randn(6)
    for x, y in ((base[:3], base[3:]), (base[:3], base[:3]), (base[1:4], base[2:5])):
        for _ in range(3):
            assert same(compiled(x, y), function(x, y))
            assert same(compiled(x, x), function(x, x))
    assert replays(compiled) >= 14 and reason(compiled) is None


def test_containers_as_arguments():
    def function(batch, scale=1.0, *more, flag=False, **rest):
        x = batch["x"] * scale
        for each in batch["more"]:
            x = x + each
        for each in more:
            x = x - each
        return x if flag else x * rest.get("k", 2.0)

    compiled = pb.compile(function)
    x, y = pb.randn(3), pb.randn(3)
    for _ in range(3):
        for args, kwargs in (
            (({"x": x, "more": [y]},), {}),
            (({"x": x, "more": []},), {}),
            (({"x": x, "more": [x, 1.0]}, 2), {}),
            (({"x": x, "more": (y,)}, True), {}),
            (({"more": [y], "x": x}, 2.0, y), {"flag": True}),
            (({"x": x, "more": [y]},), {"k": 3.0}),
        ):
            assert same(compiled(*args, **kwargs), function(*args, **kwargs))
    assert replays(compiled) >= 10 and reason(compiled) is None


@pytest.mark.parametrize(
    "values",
    [
        (1, True, 1.0),
        (0.0, -0.0, 0, False),
        (None, 0),
        ("a", b"a"),
        (range(0), range(5, 5)),
        ((1, 2), [1, 2]),
    ],
    ids=str,
)
def test_values_that_are_equal_and_differ(values):
    def function(x, value):
        kind = type(value)
        if kind is range:
            return x * value.start
        return x * 2 if kind is int else x * 3 if kind is float else x * 5 if kind is bool else x * 7

    compiled = pb.compile(function)
    x = pb.ones(2)
    for _ in range(3):
        for value in values:
            assert same(compiled(x, value), function(x, value)), value
            assert same(compiled(x, value) / pb.tensor(float("inf")), function(x, value) / float("inf"))
    assert replays(compiled) > 0


def test_modes():
    def function(x):
        return x * 2, pb.is_grad_enabled(), pb.tensor(1.5)

    compiled = pb.compile(function)
    x = pb.ones(2, requires_grad=True)
    for _ in range(3):
        assert same(compiled(x), function(x))
        with pb.no_grad():
            assert same(compiled(x), function(x))
        pb.set_default_dtype(pb.float64)
        try:
            assert compiled(x)[2].dtype == pb.float64
        finally:
            pb.set_default_dtype(pb.float32)
        with pb.inference_mode():
            assert compiled(x)[0].is_inference()
        with pb.autograd.set_detect_anomaly(True):
            assert same(compiled(x), function(x))
        with pb.amp.autocast("cpu", enabled=False):
            assert same(compiled(x), function(x))
    assert len(compiled._traces) == 3


def test_saved_tensors_are_packed():
    packed = []
    compiled = pb.compile(lambda x: x * x)
    x = pb.ones(2, requires_grad=True)
    for _ in range(3):
        compiled(x)
    with pb.autograd.graph.saved_tensors_hooks(lambda t: packed.append(1) or t, lambda t: t):
        compiled(x)
    assert packed


def test_gradients_of_every_order_and_hooks():
    compiled = pb.compile(lambda x, w: (x * w).sin().pow(3).sum())
    plain = compiled.__wrapped__
    found = []
    for function in (compiled, compiled, compiled, plain):
        x, w = pb.tensor([0.3, 0.7], requires_grad=True), pb.tensor([2.0, 3.0], requires_grad=True)
        seen = []
        x.register_hook(seen.append)
        first = pb.autograd.grad(function(x, w), (x, w), create_graph=True)
        second = pb.autograd.grad((first[0] * first[1]).sum(), (x, w), create_graph=True)
        third = pb.autograd.grad(sum(second).sum(), (x, w))
        function(x, w).backward()
        found.append([*first, *second, *third, x.grad, w.grad, *seen])
    assert replays(compiled) > 0
    for each in found:
        assert same([t.detach() for t in each], [t.detach() for t in found[-1]])


def test_accumulates_into_leaves():
    w = pb.ones(3, requires_grad=True)
    compiled = pb.compile(lambda x: (x * w).sum())
    for n in range(1, 5):
        compiled(pb.ones(3)).backward()
        assert w.grad.tolist() == [n] * 3


def test_results_are_new_each_time():
    compiled = pb.compile(lambda x: (x * 2, [1], {"a": [x + 1]}, pb.zeros(2)))
    x = pb.ones(2)
    for _ in range(4):
        a, numbers, table, zeros = compiled(x)
        assert (
            a.tolist() == [2, 2] and numbers == [1] and table["a"][0].tolist() == [2, 2] and zeros.sum() == 0
        )
        a.zero_(), numbers.append(2), table["a"].clear(), zeros.fill_(7.0)


def test_the_argument_itself_comes_back():
    compiled = pb.compile(lambda x: (x, x.view(-1), x.detach()))
    for _ in range(4):
        x = pb.ones(2)
        one, flat, alone = compiled(x)
        flat.add_(1)
        assert one is x and x.tolist() == [2, 2] and alone.tolist() == [2, 2]


def test_errors_are_those_of_the_function():
    def function(x, y):
        return x @ y

    compiled = pb.compile(function)
    for _ in range(2):
        compiled(pb.ones(3), pb.ones(3))
        with pytest.raises(RuntimeError) as error:
            compiled(pb.ones(3), pb.ones(2))
        assert error.traceback[-1].name == "function"
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        compiled(pb.ones(3))
    assert replays(compiled) == 1


def test_errors_that_depend_on_values():
    def function(x, at):
        return pb.nn.functional.cross_entropy(x, at)

    compiled = pb.compile(function)
    x = pb.randn(2, 3)
    for at in ([0, 1], [1, 2], [0, 9], [2, 2]):
        try:
            wanted = function(x, pb.tensor(at))
        except Exception as error:
            with pytest.raises(type(error)):
                compiled(x, pb.tensor(at))
        else:
            assert same(compiled(x, pb.tensor(at)), wanted)
    assert replays(compiled) == 2


def test_random_numbers_go_on():
    compiled = pb.compile(lambda x: x * pb.rand(3) if pb.rand(1) > 0.5 else x + pb.randn(2).sum())
    streams = []
    for function in (compiled, compiled.__wrapped__):
        pb.manual_seed(7)
        streams.append([function(pb.ones(3)).tolist() for _ in range(40)] + [pb.rand(1).item()])
    assert streams[0] == streams[1] and replays(compiled) > 20


def test_tensors_with_other_methods():
    compiled = pb.compile(lambda x: x * 2)
    x = pb.ones(2)
    for _ in range(3):
        assert compiled(x).tolist() == [2, 2]
    before = pb.Tensor.__mul__
    pb.Tensor.__mul__ = lambda self, other: pb.zeros(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert compiled(x).tolist() == [0]
    finally:
        pb.Tensor.__mul__ = before
    assert compiled(x).tolist() == [2, 2]


def test_objects_that_lie():
    thing = mock.Mock(spec=pb.Tensor, k=3.0)

    def function(x):
        return x * (2 if isinstance(thing, pb.Tensor) else 5)

    compiled = pb.compile(function)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            assert same(compiled(pb.ones(1)), function(pb.ones(1)))


def test_metaclasses_that_lie():
    class Meta(type):
        def __getattribute__(cls, name):
            return 9.0 if name == "k" else type.__getattribute__(cls, name)

        __mro__ = property(lambda cls: (object,))

    class Own(metaclass=Meta):
        k = 2.0

    thing = Own()

    def function(x):
        return x * Own.k + thing.k

    compiled = pb.compile(function)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3):
            assert same(compiled(pb.ones(1)), function(pb.ones(1)))
            Own.k = 3.0


def test_a_dictionary_of_an_instance_is_exchanged():
    thing = types.SimpleNamespace(k=2.0)

    class Own:
        pass

    own = Own()
    own.k = 2.0
    compiled = pb.compile(lambda x: x * own.k)
    for k in (2.0, 2.0, 3.0, 4.0):
        own.__dict__ = {"k": k}
        assert compiled(pb.ones(1)).item() == k
    assert replays(compiled) == 1
    compiled = pb.compile(lambda x: x * thing.k)
    for k in (2.0, 2.0, 3.0):
        thing.k = k
        assert compiled(pb.ones(1)).item() == k


def test_sources_are_known_or_refused(tmp_path):
    space = {"pb": pb}
    run_with_source(
        "f, g = (lambda x: x * 2), (lambda x: x * 3)\nh = lambda x: (lambda y: y * 5)(x)\n",
        space,
        "<lambdas>",
    )
    for name, factor in (("f", 2), ("g", 3), ("h", 5)):
        compiled = pb.compile(space[name])
        for _ in range(3):
            assert compiled(pb.ones(1)).item() == factor
        assert replays(compiled) == 2
    exec("def without(x):\n    return x * 2\n", space)
    with pytest.warns(UserWarning, match="the source of without is not there"):
        assert pb.compile(space["without"])(pb.ones(1)).item() == 2
    file = tmp_path / "edited.py"
    file.write_text("def edited(x):\n    return x * 2\n")
    exec(compile(file.read_text(), str(file), "exec"), space)
    file.write_text("def edited(x):\n    return x * 3\n")
    with pytest.warns(UserWarning, match="the code of edited is not that of its source"):
        compiled = pb.compile(space["edited"])
        assert [compiled(pb.ones(1)).item() for _ in range(3)] == [2, 2, 2]


def test_compiled_modules():
    net = pb.compile(pb.nn.Sequential(pb.nn.Linear(3, 3), pb.nn.Tanh()))
    x = pb.randn(2, 3)
    for _ in range(3):
        assert same(net(x), net._orig_mod(x))
    copied = copy.deepcopy(net)
    with pb.no_grad():
        copied._orig_mod[0].weight.zero_()
    assert not same(copied(x), net(x)) and same(copied(x), copied._orig_mod(x))
    loaded = pickle.loads(pickle.dumps(net))
    assert same(loaded(x), net(x)) and isinstance(loaded, type(net))
    net.extra = 5
    assert net._orig_mod.extra == 5 and net.extra == 5
    del net.extra
    assert not hasattr(net._orig_mod, "extra") and not hasattr(net, "extra")
    assert net.eval() is net and not net._orig_mod.training and not net.training
    net._orig_mod = pb.nn.Identity()
    assert net(x) is x
    assert [name for name, _ in copied.named_parameters()] == ["_orig_mod.0.weight", "_orig_mod.0.bias"]
    handle = copied.register_forward_hook(lambda module, given, found: found * 0)
    assert copied(x).abs().sum() == 0
    handle.remove()


def test_compiled_methods_and_recursion():
    class Own:
        def __init__(self, k):
            self.k = k

        @pb.compile
        def power(self, x, n):
            return x * self.k if n == 0 else self.power(x, n - 1) * x

    for k in (1.0, 2.0):
        own = Own(k)
        for _ in range(3):
            assert own.power(pb.tensor([3.0]), 3).item() == 81 * k
    assert replays(Own.power) >= 4


def test_threads_that_change_the_world():
    thing = types.SimpleNamespace(k=1.0)
    compiled = pb.compile(lambda x: (x * thing.k, thing.k)[0])
    wrong, stop = [], threading.Event()

    def change():
        while not stop.is_set():
            thing.k = 3.0 - thing.k

    def work():
        for _ in range(300):
            if compiled(pb.ones(1)).item() not in (1.0, 2.0):
                wrong.append(1)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        changer = threading.Thread(target=change)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for thread in (changer, *threads):
                thread.start()
            for thread in threads:
                thread.join()
            stop.set()
            changer.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong


def test_threads_that_record():
    """Filters of warnings are what they were, and each function has its trace in the end."""
    functions = [pb.compile(eval(f"lambda x: x * {n}")) for n in range(40)]
    functions += [pb.compile(lambda x, n=n: x * n) for n in range(40)]
    before = list(warnings.filters), warnings.showwarning

    def work(mine):
        for _ in range(3):
            for function in mine:
                function(pb.ones(1))

    threads = [threading.Thread(target=work, args=(functions[k::4],)) for k in range(4)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for function in functions:  # a call that comes while another is recorded is not
            function(pb.ones(1))
    assert (list(warnings.filters), warnings.showwarning) == before
    assert all(each._traces or reason(each) for each in functions[40:])


def test_the_warning_is_about_the_caller():
    compiled = pb.compile(lambda x: print(end="") or x)
    with pytest.warns(UserWarning, match="calls print") as caught:
        compiled(pb.ones(1))
    assert caught[0].filename == __file__


def test_batches_are_not_kept():
    compiled = pb.compile(lambda x: x * 2)
    x = pb.ones(1000)
    for _ in range(3):
        compiled(x)
    ref = weakref.ref(x)
    del x
    gc.collect()
    assert ref() is None and replays(compiled) == 2


def test_tensors_of_other_kinds_are_passed_by():
    class Mine(pb.Tensor):
        pass

    compiled = pb.compile(lambda x: x * 2)
    assert type(compiled(pb.ones(2).as_subclass(Mine))) is Mine
    for _ in range(3):
        compiled(pb.ones(2))
    assert type(compiled(pb.ones(2).as_subclass(Mine))) is Mine
    assert replays(compiled) == 2 and reason(compiled) is None
    with pb.autograd.forward_ad.dual_level():
        dual = pb.autograd.forward_ad.make_dual(pb.ones(2), pb.ones(2))
        assert pb.autograd.forward_ad.unpack_dual(compiled(dual)).tangent.tolist() == [2, 2]


def test_what_it_says():
    def function(x):
        return x * 2

    compiled = pb.compile(function)
    assert pb.compile.explain(compiled).endswith("has not been called yet.")
    for _ in range(3):
        compiled(pb.ones(1))
    assert "trace 1: 2 calls replayed, 1 calls of operators" in pb.compile.explain(compiled)
    with pytest.raises(TypeError, match="expected a function that pb.compile gave"):
        pb.compile.explain(function)


def test_the_first_function_of_a_process(tmp_path):
    """Reading it loads nothing that would give tensors other methods, and so make what was read stale."""
    program = tmp_path / "first.py"
    program.write_text(
        "import sys\n"
        "import pullback as pb\n"
        "@pb.compile\n"
        "def length(x):\n"
        "    return x.norm() + pb.nn.functional.relu(x).sum()\n"
        "for _ in range(4):\n"
        "    length(pb.ones(3))\n"
        "print(sum(t.figures()['calls'] for t in length._traces), 'pullback.linear_algebra' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "4 False\n", done.stderr
