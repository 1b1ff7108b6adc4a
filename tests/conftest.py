"""What the whole suite shares: hypothesis profiles, the `torch` mark, a fresh state for every test."""

import collections
import gc
import importlib.util
import os

import hypothesis
import pytest

import pullback.linear_algebra
import pullback.seldom
import pullback.special_functions  # noqa: F401  the tables are whole, whichever test runs first

HAS_TORCH = importlib.util.find_spec("torch") is not None

# The suite is deterministic unless somebody asks for luck: HYPOTHESIS_PROFILE=explore draws new examples.
hypothesis.settings.register_profile("ci", derandomize=True, max_examples=50, deadline=None)
hypothesis.settings.register_profile("explore", max_examples=1000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_modifyitems(items):
    if not os.environ.get("PULLBACK_CLIENTS"):
        for item in items:
            if "network" in item.keywords:
                item.add_marker(
                    pytest.mark.skip(reason="`make clients` runs them: they need packages from the network")
                )
    if HAS_TORCH:
        return
    absent = pytest.mark.skip(reason="PyTorch is not installed")
    for item in items:
        if "torch" in item.keywords:
            item.add_marker(absent)


def pytest_collection_finish():
    """What lives as long as the suite is no garbage: tests that collect look at what they made themselves, and no more."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter):
    """What was skipped and why, a line for each reason: a silent skip looks like a pass."""
    reasons = collections.Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        if isinstance(report.longrepr, tuple)
        else str(report.longrepr)
        for report in terminalreporter.stats.get("skipped", [])
    )
    without_torch = sum([reasons.pop(reason) for reason in list(reasons) if "torch" in reason.lower()])
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"Skipped {count}: {reason}")
    if HAS_TORCH:
        import torch

        terminalreporter.write_line(f"Compared with PyTorch {torch.__version__}.")
    else:
        terminalreporter.write_line(
            f"NOT COMPARED WITH PYTORCH, which is not installed: {without_torch} tests or files skipped.",
            yellow=True,
            bold=True,
        )


@pytest.fixture
def torch():
    """PyTorch on one thread: in small work threads only wait for one another."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def _state_as_it_was():
    """What a test may change (default dtype, number of threads, printing, gradient mode) never reaches the next."""
    import pullback as pb

    dtype, threads = pb.get_default_dtype(), pb.get_num_threads()
    yield
    pb.set_default_dtype(dtype)
    pb.set_num_threads(threads)
    pb.set_printoptions(profile="default")
    assert pb.is_grad_enabled(), "the test left gradient recording switched off"
