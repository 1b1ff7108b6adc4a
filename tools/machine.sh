#!/bin/sh
# Whether this machine can build pullback, said in the first second and not after minutes of compiling.
#
#   machine.sh python           print the first interpreter on PATH that is new enough, or nothing
#   machine.sh check [PYTHON]   exit with 1 and say what to install, if anything is missing; with PYTHON, that
#                               interpreter is used as it is, without a virtual environment
#
# Plain sh: it must run where nothing else is there yet.

NEWEST="python3 python3.14 python3.13 python3.12 python3.11 python3.10 python"
NEW_ENOUGH='import sys; sys.exit(not (sys.version_info >= (3, 10) and sys.implementation.name == "cpython"))'

find_python() {
    for name in $NEWEST; do
        if "$name" -c "$NEW_ENOUGH" 2> /dev/null; then
            command -v "$name"
            return
        fi
    done
}

describe() {
    "$1" -c 'import platform; print(platform.python_implementation() + " " + platform.python_version())' 2> /dev/null
}

# What this system calls its packages: the first argument is Debian's, then Fedora's, Arch's, Alpine's, macOS's.
install() {
    system=$(uname -s)
    if [ "$system" = Darwin ]; then
        echo "$5"
    elif [ "$(command -v apt-get)" ]; then
        echo "sudo apt-get install $1"
    elif [ "$(command -v dnf)" ]; then
        echo "sudo dnf install $2"
    elif [ "$(command -v pacman)" ]; then
        echo "sudo pacman -S $3"
    elif [ "$(command -v apk)" ]; then
        echo "apk add $4"
    else
        echo "your system's package manager: on Debian $1, on Fedora $2"
    fi
}

missing=0
report() { # report WHAT CURE...
    missing=1
    echo "pullback cannot be built here: $1" >&2
    shift
    for line in "$@"; do echo "    $line" >&2; done
}

check_python() { # check_python PYTHON CURE: new enough, CPython, with headers
    if ! "$1" -c "$NEW_ENOUGH" 2> /dev/null; then
        report "it needs CPython 3.10 or newer, and $1 is $(describe "$1" || echo 'no Python')." "$2"
        return 1
    fi
    headers=$("$1" -c 'import os, sysconfig
print(os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))')
    if [ "$headers" != True ]; then
        version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        report "the headers of $1 (Python.h) are missing." \
            "Install them: $(install "python$version-dev" python3-devel python python3-dev 'brew install python')"
    fi
}

check_bootstrap() {
    python=${BOOTSTRAP:-$(find_python)}
    if [ -z "$python" ]; then
        found=
        for name in python3 python; do
            [ "$(command -v $name)" ] && found="$(command -v $name) is $(describe $name)" && break
        done
        report "it needs CPython 3.10 or newer, and ${found:-there is no python3 on PATH}." \
            "Install one: $(install 'python3 python3-venv python3-dev' 'python3.12 python3.12-devel' python 'python3 python3-dev' 'brew install python')" \
            "or, where the system has only older ones: curl -LsSf https://astral.sh/uv/install.sh | sh; uv python install 3.12" \
            "A Python that is not on PATH: make BOOTSTRAP=/path/to/python3.12"
        return
    fi
    check_python "$python" "Name another: make BOOTSTRAP=/path/to/python3.12" || return
    if ! "$python" -c 'import venv, ensurepip' 2> /dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        report "$python cannot make virtual environments: its modules venv and ensurepip (pip) are missing." \
            "Install them: $(install "python$version-venv" python3-pip python-pip py3-pip 'brew install python')"
    fi
}

# std::bit_cast came with GCC 11 and clang 14's libraries, the first whose C++20 suffices.
PROGRAM='#include <bit>
#include <span>
#include <vector>
static_assert(std::bit_cast<unsigned>(1.0f) == 0x3f800000u);
template <class T> concept Sized = requires(T t) { t.size(); };
static_assert(Sized<std::vector<int>>);'

check_compiler() {
    compiler=$CXX # which may be several words
    for name in c++ g++ clang++; do
        [ -z "$compiler" ] && [ "$(command -v $name)" ] && compiler=$name
    done
    cure=$(install 'g++' gcc-c++ gcc g++ 'xcode-select --install')
    if [ -z "$compiler" ] || [ -z "$(command -v "${compiler%% *}")" ]; then
        report "there is no C++ compiler${CXX:+ named $CXX} on PATH." "Install one: $cure"
        return
    fi
    if ! said=$(printf '%s\n' "$PROGRAM" | $compiler -std=c++20 -fsyntax-only -x c++ - 2>&1); then
        newer=
        for name in g++-15 g++-14 g++-13 g++-12 g++-11 clang++-20 clang++-19 clang++-18 clang++-17 clang++-16; do
            [ "$(command -v $name)" ] && newer=$name && break
        done
        report "$compiler does not compile C++20: it takes GCC 11, clang 14, or newer." \
            "$($compiler --version 2> /dev/null | head -n 1)" \
            "$(if [ $newer ]; then echo "Use the newer one that is here: make CXX=$newer"; else echo "Install a newer one: $cure"; fi)" \
            "It said: $(printf '%s' "$said" | head -n 1)"
    fi
}

case $1 in
    python) find_python ;;
    check)
        if [ -n "$2" ]; then
            check_python "$2" "Name another: make PYTHON=/path/to/python3.12"
        elif [ -x .venv/bin/python ]; then
            check_python .venv/bin/python "Remove .venv: it is made anew."
        else
            check_bootstrap
        fi
        check_compiler
        exit $missing
        ;;
    *)
        sed -n '2,8s/^# \{0,1\}//p' "$0"
        exit 2
        ;;
esac
