"""Subclasses of Tensor and Parameter in files, and objects whose classes are allowed: written and read, or refused by name."""

import collections
import copy
import functools
import io
import pickle

import pytest

import pullback as pb

allowing = pb.serialization.safe_globals


class Metres(pb.Tensor):
    pass


class Noted(pb.Tensor):
    __slots__ = ("unit",)


class Keeping(pb.Tensor):
    """Says itself what it holds."""

    def __getstate__(self):
        return {"kept": self.note}

    def __setstate__(self, state):
        self.note = state["kept"] + "!"


class Longer(Keeping):
    """As the class that it comes from."""


class Weight(pb.nn.Parameter):
    pass


class Sphere:
    def __init__(self, radius):
        self.radius = radius

    def __eq__(self, other):
        return self.radius == other.radius

    __hash__ = None


class Point(pb.nn.Parameter):
    """As geoopt's: an attribute of a class of its own, and a way of its own to be rebuilt."""

    def __new__(cls, data=None, sphere=None, requires_grad=True):
        made = pb.Tensor._make_subclass(cls, data.detach(), requires_grad)
        made.sphere = sphere
        return made

    def __repr__(self):
        return "a point"

    def __reduce_ex__(self, protocol):
        build, arguments = super().__reduce_ex__(protocol)
        return functools.partial(again, build=build), (
            *arguments,
            type(self),
            self.sphere,
            self.requires_grad,
        )


def again(*arguments, build):
    return arguments[-3](build(*arguments[:-3]), arguments[-2], arguments[-1])


PARTS = [Point, Sphere, again, functools.partial, pb.nn.parameter._rebuilt]


def written(obj, **options):
    file = io.BytesIO()
    pb.save(obj, file, **options)
    file.seek(0)
    return file


def test_subclasses_of_tensor():
    base = pb.arange(6.0)
    x, y, k = (
        base.reshape(2, 3).as_subclass(Metres),
        base[1:].as_subclass(Noted),
        pb.ones(1).as_subclass(Keeping),
    )
    x.note, y.unit, y.other, k.note = [1, {"a": base}], "m", 3, "kept"
    file = written({"x": x, "again": x, "y": y, "k": k, "base": base})
    assert pb.serialization.get_unsafe_globals_in_checkpoint(file) == [
        f"{__name__}.{kind}" for kind in ("Keeping", "Metres", "Noted")
    ]
    file.seek(0)
    with pytest.raises(
        pickle.UnpicklingError, match=rf"GLOBAL {__name__}.Metres was not an allowed global by default"
    ):
        pb.load(file)
    file.seek(0)
    with allowing([Metres, Noted, Keeping]):
        found = pb.load(file)
    assert type(found["x"]) is Metres and found["x"] is found["again"] and found["x"].tolist() == x.tolist()
    assert found["x"].note[1]["a"].tolist() == base.tolist()
    assert type(found["y"]) is Noted and (found["y"].unit, found["y"].other) == ("m", 3)
    assert type(found["k"]) is Keeping and found["k"].note == "kept!"
    found["base"][1] = 50  # memory that is shared stays so
    assert found["x"][0, 1] == 50 and found["y"][0] == 50 and found["x"].note[1]["a"][1] == 50


def test_what_a_class_holds_is_said_by_the_class_that_it_comes_from():
    x = pb.ones(1).as_subclass(Longer)
    x.note = "kept"
    with allowing([Longer]):
        found = pb.load(written(x))
    assert type(found) is Longer and found.note == "kept!"


def test_subclasses_of_parameter_are_parameters_there():
    """As in PyTorch, whose files have no class of theirs: but what they hold stays."""
    w = Weight(pb.ones(2), requires_grad=False)
    w.note = "a"
    found = pb.load(written([w, w]))
    assert type(found[0]) is pb.nn.Parameter and found[0] is found[1]
    assert found[0].note == "a" and not found[0].requires_grad
    for other in (pickle.loads(pickle.dumps(w)), copy.deepcopy(w), copy.copy(w)):
        assert type(other) is Weight and other.tolist() == [1.0, 1.0] and not other.requires_grad


def test_what_reduces_itself_needs_leave_to_write_and_to_read():
    p = Point(pb.tensor([3.0, 4.0]), Sphere(5))
    with pytest.raises(
        TypeError, match=rf"cannot save {__name__}.Point object at obj\['p'\].*add_safe_globals"
    ):
        pb.save({"p": p}, io.BytesIO())
    with allowing(PARTS):
        file = written({"p": p, "q": [p], "s": p.sphere})
        found = pb.load(file)
    assert type(found["p"]) is Point and found["p"] is found["q"][0] and found["p"].sphere is found["s"]
    assert found["p"].tolist() == [3.0, 4.0] and found["p"].sphere == Sphere(5) and found["p"].is_leaf
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="was not an allowed global by default"):
        pb.load(file)
    for k in range(len(PARTS)):  # each of them is asked for
        file.seek(0)
        with allowing(PARTS[:k] + PARTS[k + 1 :]):
            with pytest.raises((pickle.UnpicklingError, RuntimeError)):
                pb.load(file)
            with pytest.raises(TypeError, match="cannot save"):
                pb.save({"p": p}, io.BytesIO())
    assert pickle.loads(pickle.dumps(p)).sphere == Sphere(5) and str(p) == repr(p) == "a point"


def test_objects_whose_class_is_allowed():
    with allowing([Sphere, collections.deque]):
        found = pb.load(written([Sphere({"a": pb.ones(2)}), Sphere, 3]))
        assert found[0].radius["a"].tolist() == [1.0, 1.0] and found[1] is Sphere
        with pytest.raises(TypeError, match="cannot save collections.deque"):  # its items come one by one
            pb.save(collections.deque([1]), io.BytesIO())
    with pytest.raises(TypeError, match="cannot save"):
        pb.save(Sphere(1), io.BytesIO())


def test_what_no_name_leads_back_to_is_refused():
    class Here(pb.Tensor):
        pass

    for kind in (Here, type("Metres", (pb.Tensor,), {"__module__": __name__})):
        with pytest.raises(TypeError, match="as_subclass"):
            pb.save(pb.ones(1).as_subclass(kind), io.BytesIO())
    with pytest.raises(TypeError, match="as_subclass"):
        pb.save(pb.ones(1).as_subclass(Metres), io.BytesIO(), format="safetensors")


def test_what_a_file_says_of_a_class_is_checked():
    """A class that is allowed, but is none of tensors, or gets a state that is none."""
    with allowing([Sphere]):
        data = written(pb.ones(1).as_subclass(Metres)).getvalue().replace(b"Metres\n", b"Sphere\n")
    with allowing([Sphere]), pytest.raises((pickle.UnpicklingError, RuntimeError)):
        pb.load(io.BytesIO(data))


@pytest.mark.torch
def test_pytorch_reads_and_writes_them():
    torch = pytest.importorskip("torch")
    theirs = type("Theirs", (torch.Tensor,), {"__module__": __name__})
    globals()["Theirs"] = theirs
    try:
        x = pb.arange(6.0).reshape(2, 3).t().as_subclass(Metres)
        x.note = {"a": pb.ones(1)}
        with torch.serialization.safe_globals([(theirs, f"{__name__}.Metres")]):
            found = torch.load(written([x, Weight(pb.ones(2))]), weights_only=True)
        assert (
            type(found[0]) is theirs and found[0].tolist() == x.tolist() and found[0].stride() == x.stride()
        )
        assert found[0].note["a"].tolist() == [1.0] and type(found[1]) is torch.nn.Parameter
        file = io.BytesIO()
        torch.save(found, file)
        file.seek(0)
        with allowing([(Metres, f"{__name__}.Theirs")]):
            back = pb.load(file)
        assert (
            type(back[0]) is Metres and back[0].tolist() == x.tolist() and back[0].note["a"].tolist() == [1.0]
        )
    finally:
        del globals()["Theirs"]
