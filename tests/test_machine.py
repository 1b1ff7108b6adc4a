"""tools/machine.sh says in the first second what a build would miss, and `make` asks it before anything else."""

import os
import pathlib
import shutil
import stat
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
SCRIPT = ROOT / "tools" / "machine.sh"
pytestmark = pytest.mark.skipif(
    not SCRIPT.exists() or sys.platform == "win32", reason="the sources are not here"
)
PLAIN = "sh make uname mkdir touch find printf head sed cat env dirname".split()
OLD = '#!/bin/sh\ncase "$*" in *sys.exit*) exit 1;; *implementation*) echo "CPython 3.9.2";; *) echo 3.9;; esac\n'


@pytest.fixture
def machine(tmp_path):
    """A machine with only what is put on it: `add(name, script)`, `link(name)`, `check(...)`."""
    path = tmp_path / "bin"
    path.mkdir()

    class Machine:
        def add(self, name, script):
            (path / name).write_text(script)
            (path / name).chmod(stat.S_IRWXU)

        def link(self, name, target=None):
            (path / name).symlink_to(target or shutil.which(name))

        def run(self, *arguments, **environment):
            command = [shutil.which("sh"), str(SCRIPT), *arguments]
            environment = {"PATH": str(path), "HOME": str(tmp_path), **environment}
            return subprocess.run(
                command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=60
            )

    made = Machine()
    for name in PLAIN:
        if shutil.which(name):
            made.link(name)
    return made


def good_python(machine, name="python3"):
    """The interpreter of the suite, which answers every question about itself well."""
    machine.add(
        name,
        f'#!/bin/sh\ncase "$*" in *Python.h*) echo True;; *ensurepip*) ;; *) exec {sys.executable} "$@";; esac\n',
    )


def test_a_whole_machine_is_content(machine):
    good_python(machine)
    machine.add("c++", "#!/bin/sh\n")
    run = machine.run("check")
    assert run.returncode == 0 and run.stderr == "", run.stderr


def test_no_python(machine):
    machine.add("c++", "#!/bin/sh\n")
    run = machine.run("check")
    assert run.returncode == 1
    assert (
        "needs CPython 3.10 or newer, and there is no python3 on PATH" in run.stderr
        and "Install one" in run.stderr
    )


def test_an_old_python(machine):
    machine.add("python3", OLD)
    machine.add("c++", "#!/bin/sh\n")
    run = machine.run("check")
    assert run.returncode == 1
    assert "needs CPython 3.10 or newer" in run.stderr and "CPython 3.9.2" in run.stderr
    run = machine.run("check", "python3")  # make PYTHON=
    assert run.returncode == 1 and "CPython 3.9.2" in run.stderr and "PYTHON=/path" in run.stderr


def test_a_newer_python_beside_an_old_one_is_taken(machine):
    machine.add("python3", OLD)
    machine.add("c++", "#!/bin/sh\n")
    good_python(machine, "python3.12")
    assert machine.run("python").stdout.strip().endswith("bin/python3.12")
    assert machine.run("check").returncode == 0


def test_no_venv_and_no_headers(machine):
    machine.add(
        "python3",
        '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; *Python.h*) echo False;; *sys.exit*) ;; *) echo 3.12;; esac\n',
    )
    machine.add("c++", "#!/bin/sh\n")
    run = machine.run("check")
    assert run.returncode == 1
    assert "ensurepip" in run.stderr and "Python.h" in run.stderr and run.stderr.count("Install them") == 2


def test_no_compiler(machine):
    good_python(machine)
    run = machine.run("check")
    assert (
        run.returncode == 1
        and "there is no C++ compiler on PATH" in run.stderr
        and "Install one" in run.stderr
    )
    run = machine.run("check", CXX="g++-99")
    assert run.returncode == 1 and "no C++ compiler named g++-99" in run.stderr


def test_an_old_compiler(machine):
    good_python(machine)
    old = '#!/bin/sh\n[ "$1" = --version ] && echo "c++ 9.3.0" || { echo "no <span>"; exit 1; }\n'
    machine.add("c++", old)
    run = machine.run("check")
    assert run.returncode == 1 and "c++ does not compile C++20" in run.stderr and "c++ 9.3.0" in run.stderr
    machine.add("g++-13", "#!/bin/sh\n")
    assert "make CXX=g++-13" in machine.run("check").stderr
    assert machine.run("check", CXX="g++-13").returncode == 0
    assert machine.run("check", CXX="g++-13 -pipe").returncode == 0


def test_the_compiler_of_this_machine():
    if not any(shutil.which(name) for name in ("c++", "g++", "clang++")):
        pytest.skip("there is no C++ compiler here")
    run = subprocess.run(
        ["sh", SCRIPT, "check", sys.executable], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert "does not compile C++20" not in run.stderr, run.stderr


@pytest.mark.skipif(not shutil.which("make"), reason="there is no make")
def test_make_says_it_before_it_does_anything(machine, tmp_path):
    machine.add("python3", OLD)
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", tmp_path)
    for target in ("demo", "test", "develop", "wheel"):
        environment = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
        run = subprocess.run(
            [shutil.which("make"), target],
            capture_output=True,
            text=True,
            env=environment,
            cwd=tmp_path,
            timeout=60,
        )
        assert run.returncode != 0 and "needs CPython 3.10 or newer" in run.stderr, run.stdout + run.stderr
        assert "no C++ compiler" in run.stderr and not os.path.exists(tmp_path / ".venv")


def test_requirements_are_those_of_the_project():
    def listed(*names):
        script = ROOT / "tools" / "requirements.py"
        return subprocess.run(
            [sys.executable, script, *names], capture_output=True, text=True, check=True
        ).stdout

    assert (
        "'numpy>=" in listed("run")
        and "'scikit-build-core>=" in listed("build")
        and "'ninja'" in listed("build")
    )
    assert "'pytest>=7'" in listed("run", "test") and "matplotlib" in listed("demo")
    assert "nanobind" not in listed("build")


def test_the_description_on_pypi_has_no_links_into_the_sources(monkeypatch):
    import re

    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import pypi_readme

    text = pypi_readme.dynamic_metadata("readme")["text"]
    assert "# pullback" in text and "`docs/limits.md`" in text
    assert not re.search(r"\]\((?!https?:)", text)
