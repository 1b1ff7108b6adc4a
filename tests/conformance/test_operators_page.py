"""docs/operators.md says what the library answers."""

import pathlib
import sys

import pytest

pytest.importorskip(
    "torch", reason="PyTorch is not installed: the calls that operators are asked with need it"
)

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import operators  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]


def test_the_page_is_what_the_library_answers():
    assert operators.PAGE.read_text() == operators.page(), (
        "PYTHONPATH=src python tools/operators.py writes it"
    )


def rows():
    for line in operators.PAGE.read_text().splitlines():
        if line.startswith("| `") and line.count("|") == 6:
            name, where, dtypes, modes, _ = (cell.strip() for cell in line.strip("|").split("|"))
            yield name.strip("`"), where, dtypes, modes


def test_what_it_says_of_some():
    said = {name: (dtypes, modes) for name, _, dtypes, modes in rows()}
    assert len(said) > 750
    assert said["exp"] == ("all", "RFVJ `out=` `_`")
    assert said["bitwise_and"] == ("bool, integers", "V `out=` `_`")
    assert said["sort"][0] == "bool, integers, halves, floats"
    assert said["argmax"][1] == "V `out=`"
    assert said["conv2d"][1] == "RFVJ"


def test_nothing_takes_no_dtype():
    without = {name for name, _, dtypes, _ in rows() if not dtypes}
    assert without <= set(
        """bartlett_window blackman_window broadcast_shapes fftfreq hamming_window hann_window kaiser_window rfftfreq
        tensorinv triangular_solve tril_indices triu_indices""".split()
    )


def test_what_has_a_gradient_has_every_mode():
    assert [name for name, *_, modes in rows() if "R" in modes and not modes.startswith("RFVJ")] == []
