"""Profiles: what ran, in what, for how long, over which memory; as a table and as a file."""

import gzip
import json
import threading

import pytest
from deferral import deferral

import pullback as pb
from pullback import _core
from pullback import profiler as loops
from pullback.autograd import profiler
from pullback.autograd.profiler import profile, record_function


@pytest.fixture(autouse=True)
def deferred():
    """Programs are events where work is deferred, whatever the environment says."""
    with deferral(least=65_536):
        yield


def names(found, *kinds):
    return [event.name for event in found.function_events if event.kind in kinds]


def test_operators_and_nodes_by_their_names():
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    with profile() as found:
        y = (2 * x + x[0]) ** 2 @ pb.ones(2)
        (-y).backward()
    operators = names(found, "operator")
    assert operators == ["mul", "__getitem__", "add", "pow", "ones", "matmul", "neg", "backward"]
    nodes = names(found, "node")
    assert sorted(nodes) == sorted(
        [
            "NegBackward0",
            "DotBackward0",
            "PowBackward0",
            "AddBackward0",
            "SelectBackward0",
            "MulBackward0",
            "AccumulateGrad",
        ]
    )
    assert nodes[0] == "NegBackward0" and nodes[-1] == "AccumulateGrad"
    assert all(event.sequence_nr for event in found.function_events if event.kind == "node")
    backward = next(event for event in found.function_events if event.name == "backward")
    assert {event.name for event in backward.cpu_children} == set(nodes)


def test_what_an_operator_in_python_is_made_of():
    with profile() as found:
        pb.nn.functional.cross_entropy(pb.ones(2, 3), pb.tensor([0, 1]))
    outer = next(event for event in found.function_events if event.name == "cross_entropy")
    assert [event.name for event in outer.cpu_children][-1] == "cross_entropy_of_indices"


def test_pending_work_is_seen_where_it_runs():
    x = pb.ones(50_000, requires_grad=True)
    with profile() as found:
        loss = ((x.exp() * 2 + 1) ** 2).mean()
        loss.backward()
        value = loss.item()
    assert value > 0
    programs = [event for event in found.function_events if event.kind == "program"]
    assert all(event.cpu_parent.name == "item" for event in programs)
    said = programs[0].name.split()
    assert said[0] == "program:" and {"exp", "mul", "add"} <= set(said) and "sum" in said
    assert programs[0].input_shapes == [[50_000]] and "x0 = load float32[50000]" in programs[0].text


def test_what_is_pending_at_the_ends_belongs_inside_or_before():
    x = pb.ones(50_000)
    before = x.exp()
    with profile() as found:
        after = x.sin() + 1
    assert not _core.pending(before) and not _core.pending(after)
    programs = [event for event in found.function_events if event.kind == "program"]
    assert [event.name for event in programs] == ["program: sin add"]
    assert programs[0].cpu_parent.name == "synchronize, at the end"


def test_times_add_up():
    x = pb.ones(300, 300, requires_grad=True)
    with profile() as found, record_function("all"):
        for _ in range(3):
            ((x @ x).tanh() @ x).sum().backward()
    events = found.function_events
    assert isinstance(events, profiler.EventList) and isinstance(events[0], profiler.FunctionEvent)
    for event in events:
        inner = sum(child.cpu_time_total for child in event.cpu_children)
        assert event.self_cpu_time_total == pytest.approx(event.cpu_time_total - inner, abs=1e-6)
        assert event.self_cpu_time_total >= 0 and event.time_range.start <= event.time_range.end
        for child in event.cpu_children:
            assert (
                event.time_range.start
                <= child.time_range.start
                <= child.time_range.end
                <= event.time_range.end
            )
    outermost = [event for event in events if event.cpu_parent is None]
    assert outermost[0].name == "all"
    assert events.self_cpu_time_total == pytest.approx(sum(event.cpu_time_total for event in outermost))
    total = found.total_average()
    assert total.count == len(events) and total.self_cpu_time_total == pytest.approx(
        found.self_cpu_time_total
    )
    matmul = next(each for each in found.key_averages() if each.key == "matmul")
    assert matmul.count == 6 and matmul.cpu_time == pytest.approx(matmul.cpu_time_total / 6)


def test_shapes_and_lines():
    with profile(record_shapes=True, with_stack=True) as found:
        for n in (2, 3, 2):
            pb.ones(n, 4) @ pb.ones(4, 5)
    found = found.function_events
    groups = {
        str(each.input_shapes): each.count
        for each in found.key_averages(group_by_input_shapes=True)
        if each.key == "matmul"
    }
    assert groups == {"[[2, 4], [4, 5]]": 2, "[[3, 4], [4, 5]]": 1}
    assert found[2].stack[0].startswith(f"{__file__}, line ")
    assert len({each.stack[0] for each in found.key_averages(group_by_stack_n=1)}) == 1


def test_memory():
    with profile(profile_memory=True) as found:
        with record_function("kept"):
            x = pb.zeros(1 << 20)
        with record_function("freed"):
            y = pb.zeros(1 << 20)
            del y
        with record_function("let go of"):
            del x
    by_name = {event.name: event for event in found.function_events}
    assert by_name["kept"].cpu_memory_usage >= 1 << 22 and by_name["kept"].self_cpu_memory_usage == 0
    assert by_name["freed"].cpu_memory_usage == 0 and by_name["freed"].self_cpu_memory_usage <= -(1 << 22)
    assert by_name["let go of"].cpu_memory_usage <= -(1 << 22)
    assert "4.00 MB" in found.key_averages().table()


def test_ranges():
    @record_function("decorated", "twice")
    def f():
        return pb.ones(2)

    with profile() as found:
        with record_function("outer"), record_function("inner"):
            f()
            f()
        with pytest.raises(KeyError), record_function("failing"):
            raise KeyError
        pb.ones(1)
    assert names(found, "range") == ["outer", "inner", "decorated(twice)", "decorated(twice)", "failing"]
    assert found.function_events[-1].cpu_parent is None and f.__name__ == "f"
    f()  # nobody measures


def test_rules_and_hooks_of_users():
    class Twice(pb.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            with record_function("the rule"):
                return g + g

    x = pb.ones(2, requires_grad=True)
    x.register_hook(lambda g: g.clone())
    with profile() as found:
        Twice.apply(x).sum().backward()
    rule = next(event for event in found.function_events if event.name == "the rule")
    assert rule.cpu_parent.name == "TwiceBackward" and [e.name for e in rule.cpu_children] == ["add"]
    clone = next(event for event in found.function_events if event.name == "clone")
    assert clone.cpu_parent.name == "AccumulateGrad"


def test_threads_have_their_own_events():
    with profile() as found:
        threads = [threading.Thread(target=lambda: pb.ones(2).exp()) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pb.ones(2)
    assert len({event.thread for event in found.function_events}) >= 2
    assert all(event.cpu_parent is None for event in found.function_events)


# ---- tables and files ----------------------------------------------------------------------------------------


def measured():
    x = pb.ones(200, 200, requires_grad=True)
    with profile(record_shapes=True, profile_memory=True) as found, record_function("mine"):
        (x @ x).sin().sum().backward()
    return found


def test_the_table():
    found = measured()
    lines = found.key_averages().table(sort_by="count", row_limit=2).splitlines()
    assert lines[0] == lines[2] and set(lines[0]) == {"-", " "}
    columns = "Name Self CPU % Self CPU CPU total % CPU total CPU time avg CPU Mem Self CPU Mem # of Calls"
    assert lines[1].split() == columns.split()
    assert (
        len(lines) == 7 and lines[-1].startswith("Self CPU time total: ") and len(lines[3]) == len(lines[0])
    )
    ordered = found.key_averages().table(sort_by="self_cpu_time_total").splitlines()[3:-2]
    shares = [float(line.split("%")[0].split()[-1]) for line in ordered]
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(100, abs=0.5)
    assert "Input Shapes" in found.key_averages(group_by_input_shape=True).table()
    assert found.table(header="A title").splitlines()[1] == "A title" and str(found) == found.table()
    assert found.table(top_level_events_only=True).count("\n") < found.table().count("\n")
    assert "us" not in found.key_averages().table(time_unit="ms").split("Calls")[1].replace("program", "")
    assert "[[200, 200], ..." in found.table(max_shapes_column_width=16)


def test_what_a_table_refuses():
    found = measured()
    with pytest.raises(
        AttributeError, match="has no attribute 'speed'. A table is sorted by one of cpu_time"
    ):
        found.table(sort_by="speed")
    with pytest.raises(ValueError, match="time_unit is one of"):
        found.function_events.table(time_unit="h")
    assert profiler.EventList().table() == "" and profiler.EventList().total_average() is None


@pytest.mark.torch
def test_the_table_has_pytorchs_columns():
    torch = pytest.importorskip("torch")
    x = torch.ones(100, 100)
    with torch.autograd.profiler.profile(profile_memory=True, use_kineto=False) as theirs:
        x @ x
    ours = measured().key_averages().table().splitlines()
    theirs = theirs.key_averages().table().splitlines()
    assert ours[1].split() == theirs[1].split()
    # All columns but that of names are as wide.
    assert ours[0].split()[1:] == theirs[0].split()[1:]
    assert ours[-1].split(":")[0] == theirs[-1].split(":")[0]


def inside(events):
    """Whether events of one thread nest: each ends before what it is in does."""
    for thread in {event["tid"] for event in events}:
        open_until = []
        for event in sorted([e for e in events if e["tid"] == thread], key=lambda e: (e["ts"], -e["dur"])):
            while open_until and open_until[-1] <= event["ts"]:
                open_until.pop()
            end = event["ts"] + event["dur"]
            if open_until and end > open_until[-1] + 1e-6:
                return False
            open_until.append(end)
    return True


def test_the_trace(tmp_path):
    found = measured()
    path = tmp_path / "trace.json"
    found.export_chrome_trace(str(path))
    trace = json.loads(path.read_text())
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert [event["name"] for event in events] == [event.name for event in found.function_events]
    assert inside(events) and all(event["dur"] >= 0 and event["ts"] >= 0 for event in events)
    mine = events[0]
    assert mine["name"] == "mine" and mine["cat"] == "user_annotation"
    matmul = next(event for event in events if event["name"] == "matmul")
    assert matmul["args"]["Input Dims"] == [[200, 200], [200, 200]]
    program = next(event for event in events if event["args"]["kind"] == "program")
    assert "store" in program["args"]["Program"] or "sum" in program["args"]["Program"]


def test_inside_finds_what_overlaps():
    event = lambda ts, dur: {"tid": 1, "ts": ts, "dur": dur}
    assert inside([event(0, 10), event(1, 2), event(3, 7), event(4, 1), event(10, 1)])
    assert not inside([event(0, 10), event(5, 6)])


def test_stacks(tmp_path):
    with profile(with_stack=True) as found, record_function("outer"):
        (pb.ones(300, 300) @ pb.ones(300, 300)).sum().item()
    found.export_stacks(str(tmp_path / "stacks"))
    lines = (tmp_path / "stacks").read_text().splitlines()
    assert lines and all(line.rsplit(" ", 1)[1].isdigit() and line.startswith("outer") for line in lines)
    with pytest.raises(ValueError, match="requires with_stack=True"):
        measured().export_stacks(str(tmp_path / "stacks"))
    with pytest.raises(ValueError, match="metric should be one of"):
        found.export_stacks(str(tmp_path / "stacks"), metric="time")


# ---- blocks and steps ----------------------------------------------------------------------------------------


def test_one_at_a_time():
    with profile():
        with pytest.raises(RuntimeError, match="Profiler is already enabled on this thread"), profile():
            pass
        with profile(enabled=False) as nothing:
            assert nothing is None
    unfinished = profile()
    with pytest.raises(RuntimeError, match="Profiler didn't finish running"):
        unfinished.key_averages()
    assert repr(unfinished) == "<unfinished profiler_profile>"
    with profile() as again, pytest.raises(RuntimeError, match="not reentrant"):
        again.__enter__()
    with pytest.raises(KeyError), profile() as failed:
        pb.ones(2)
        raise KeyError
    assert names(failed, "operator") == ["ones"] and not _core.is_profiling()
    with pytest.warns(UserWarning, match="cuda is not available"):
        profile(use_cuda=True)


def test_nothing_is_measured_outside():
    pb.ones(2).exp()
    with profile() as found:
        pass
    assert list(found.function_events) == [] and found.self_cpu_time_total == 0
    assert _core.stop_profile() == []


class Kind(pb.Tensor):
    pass


def test_subclasses_are_measured_and_left_as_they_were():
    x = pb.ones(2).as_subclass(Kind)
    with profile() as found:
        x * 2

        class Inside(Kind):  # made meanwhile
            pass

        y = pb.ones(2).as_subclass(Inside)
    assert "mul" in names(found, "operator")
    with profile() as found:
        pass
    x * 2
    -y
    assert names(found, "operator") == []


def test_steps_by_a_schedule():
    lots = []
    schedule = loops.schedule(wait=1, warmup=1, active=2, repeat=2)
    with loops.profile(schedule=schedule, on_trace_ready=lambda p: lots.append(p.events())) as p:
        for step in range(10):
            with record_function(f"step {step}"):
                pb.ones(2)
            p.step()
    assert [[e.name for e in lot if e.kind == "range" and e.name[0] == "s"] for lot in lots] == [
        ["step 2", "step 3"],
        ["step 6", "step 7"],
    ]
    assert [e.name for e in lots[0] if e.cpu_parent is None] == ["ProfilerStep#2", "ProfilerStep#3"]
    assert p.step_num == 10


@pytest.mark.torch
def test_schedules_are_pytorchs():
    torch = pytest.importorskip("torch")
    for options in (
        {"wait": 1, "warmup": 1, "active": 2},
        {"wait": 0, "warmup": 0, "active": 1, "repeat": 3},
        {"wait": 2, "warmup": 1, "active": 1, "repeat": 2, "skip_first": 3},
        {"wait": 2, "warmup": 1, "active": 1, "skip_first": 3, "skip_first_wait": 1},
    ):
        ours, theirs = loops.schedule(**options), torch.profiler.schedule(**options)
        assert [ours(i).name for i in range(20)] == [theirs(i).name for i in range(20)]
    for wrong in ({"wait": -1, "warmup": 0, "active": 1}, {"wait": 0, "warmup": 0, "active": 0}):
        with pytest.raises(AssertionError, match="Invalid profiler schedule arguments"):
            loops.schedule(**wrong)


def test_a_loop_profile_without_a_schedule(tmp_path):
    ready = []
    with loops.profile(
        activities=[loops.ProfilerActivity.CPU],
        on_trace_ready=ready.append,
        record_shapes=True,
        with_stack=True,
    ) as p:
        pb.ones(2, 3).sum()
    assert ready == [p] and [each.key for each in p.key_averages(group_by_input_shape=True)] == [
        "ones",
        "sum",
    ]
    p.add_metadata("run", "the third")
    p.add_metadata_json("sizes", "[1, 2]")
    p.export_chrome_trace(str(tmp_path / "trace.json.gz"))
    with gzip.open(tmp_path / "trace.json.gz") as file:
        trace = json.load(file)
    assert trace["run"] == "the third" and trace["sizes"] == [1, 2]
    p.export_stacks(str(tmp_path / "stacks"))
    loops.tensorboard_trace_handler(str(tmp_path / "traces"), "w", use_gzip=True)(p)
    assert [path.name[:2] for path in (tmp_path / "traces").iterdir()] == ["w."]
    (tmp_path / "file").write_text("")
    with pytest.raises(RuntimeError, match="Can't create directory"):
        loops.tensorboard_trace_handler(str(tmp_path / "file"))(p)
    with pytest.raises(AssertionError, match="has measured nothing yet"):
        loops.profile().events()
    with pytest.warns(UserWarning, match="cuda is not available"):
        loops.profile(activities=[loops.ProfilerActivity.CPU, loops.ProfilerActivity.CUDA])


def test_starting_and_stopping():
    p = loops.profile()
    p.start()
    pb.ones(2)
    p.stop()
    assert [event.name for event in p.events()] == ["ones"]
    assert loops.supported_activities() == {loops.ProfilerActivity.CPU} and not loops.kineto_available()
    assert p.current_action is loops.ProfilerAction.RECORD
