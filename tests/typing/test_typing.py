"""mypy and pyright understand an ordinary program, find what is wrong in it, and find nothing wrong in the stubs.

stubtest, which comes with mypy, finds that the stubs describe what is there; stubtest_allowlist.txt says where not, and why.
"""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest

import pullback

HERE = pathlib.Path(__file__).parent
PROGRAM = HERE / "program.py"
PACKAGE = pathlib.Path(pullback.__file__).parent
STUBS = sorted(PACKAGE.rglob("*.pyi"))
WRONG = {i for i, line in enumerate(PROGRAM.read_text().splitlines(), 1) if line.endswith("# wrong")}

pytestmark = pytest.mark.slow


def mypy(paths, tmp_path):
    """{(file name, line): message} of mypy --strict."""
    pytest.importorskip("mypy", reason="mypy is not installed: THE STUBS ARE NOT CHECKED WITH IT")
    pytest.importorskip("numpy.typing")
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-incremental"]
    command += ["--config-file=", f"--cache-dir={tmp_path}", "--python-version=3.11", *map(str, paths)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=300)
    assert run.returncode in (0, 1), run.stdout + run.stderr
    found = {}
    for line in run.stdout.splitlines():
        path, _, rest = line.partition(":")
        number, _, message = rest.partition(":")
        if "error:" in message:
            found[pathlib.Path(path).name, int(number)] = message
    return found


def pyright(paths, tmp_path):
    """The same of pyright."""
    program = shutil.which("pyright", path=pathlib.Path(sys.executable).parent) or shutil.which("pyright")
    if not program:
        pytest.skip("pyright is not installed: THE STUBS ARE NOT CHECKED WITH IT")
    # It takes relative paths only.
    shutil.copytree(PACKAGE, tmp_path / "pullback", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copy(PROGRAM, tmp_path)
    config = {
        "include": [PROGRAM.name]
        if paths == [PROGRAM]
        else [f"pullback/{p.relative_to(PACKAGE)}" for p in paths],
        "typeCheckingMode": "strict",
        "reportPrivateUsage": False,
        "reportSelfClsParameterName": False,  # one object is function and method: its tensor is `input` in both
        "reportIncompleteStub": False,  # __getattr__ says that there is more, in the core and in the table
        "pythonVersion": "3.11",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(config))
    command = [program, "--outputjson", "--pythonpath", sys.executable, "-p", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if run.returncode not in (0, 1):
        pytest.skip(f"pyright does not run here: THE STUBS ARE NOT CHECKED WITH IT ({run.stderr[-200:]})")
    said = json.loads(run.stdout)
    assert said["summary"]["filesAnalyzed"] >= len(paths), run.stdout
    return {
        (pathlib.Path(each["file"]).name, each["range"]["start"]["line"] + 1): each["message"]
        for each in said["generalDiagnostics"]
        if each["severity"] == "error"
    }


def environment():
    import os

    path = os.pathsep.join([str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "MYPYPATH": str(PACKAGE.parent), "PYTHONPATH": path}


@pytest.mark.parametrize("check", [mypy, pyright])
def test_a_program_has_the_errors_that_it_has(check, tmp_path):
    found = check([PROGRAM], tmp_path)
    assert {line for name, line in found if name == "program.py"} == WRONG, found


@pytest.mark.parametrize("check", [mypy, pyright])
def test_the_stubs_have_none(check, tmp_path):
    assert check(STUBS, tmp_path) == {}


def test_the_stubs_describe_what_is_there(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed: THE STUBS ARE NOT COMPARED WITH THE PACKAGE")
    pytest.importorskip("numpy.typing")
    stubtest = [sys.executable, "-m", "mypy.stubtest"]
    known = subprocess.run([*stubtest, "--help"], capture_output=True, text=True, timeout=300).stdout
    command = [*stubtest, "pullback", "--concise", "--ignore-missing-stub"]
    command += ["--ignore-disjoint-bases"] * ("--ignore-disjoint-bases" in known)
    command += [f"--allowlist={HERE / 'stubtest_allowlist.txt'}", f"--mypy-config-file={HERE / 'mypy.ini'}"]
    run = subprocess.run(
        command, capture_output=True, text=True, env=environment(), cwd=tmp_path, timeout=600
    )
    assert run.returncode == 0, run.stdout + run.stderr
