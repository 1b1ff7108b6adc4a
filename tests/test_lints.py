"""What the core's text may not say: that a dtype is decided on elsewhere than by `visit` (array/visit.h).

A ternary, a switch or an `else` on a dtype does something for the types that its author thought of, and something
silent for all others. Code asks for a kind (`is_float`) or a family (`visit`), which raises on what it does not list.
Bool and int64 may be compared with: truth values and indices are no numbers among others.
"""

import re
from pathlib import Path

import pytest

CORE = Path(__file__).parents[1] / "src" / "core"

# The list itself, and loops that are compiled for each type.
FREE = ("array", "kernels")
NUMBER = r"DType::(?!Bool\b|Int64\b)\w+"
FORBIDDEN = {
    "a switch on a dtype": re.compile(r"\bcase\s+DType::"),
    "a ternary on a dtype": re.compile(r"(==|!=|[<>]=?) DType::\w+\)*\s*((&&|\|\|)[^;?{]*)?\?"),
    "a ternary on the size of an element": re.compile(
        r"(item_size\([^;?]*|\bitem\(\))\s*[=!]=\s*\d+\s*\)*\s*\?"
    ),
    "a switch on the size of an element": re.compile(r"switch\s*\([^;{]*(\bitem\(\)|item_size\()"),
    "a comparison with a dtype of numbers": re.compile(rf"(==|!=|[<>]=?) {NUMBER}|{NUMBER} (==|!=|[<>])"),
    "a table of dtypes of its own": re.compile(r"\[\s*static_cast<int>\(\s*DType::"),
}
# Lines that match and are right, with the reason.
EXCEPT = {
    "if (x.dtype() == DType::UInt8) a.dtype = DType::UInt8;": "truth of bytes is bytes, as in PyTorch",
    "if (d == DType::UInt8 &&": "a mask of the old kind is warned of",
    "if (!state.is_tensor() || as_tensor(state.object())->dtype != DType::UInt8)": "the state of a generator is bytes",
}


def offences(text):
    """What is forbidden in `text`, and the line."""
    code = re.sub(r'"(\\.|[^"\\\n])*"', '""', re.sub(r"//[^\n]*", "", text))
    found = []
    for what, pattern in FORBIDDEN.items():
        for match in pattern.finditer(code):
            line = code[code.rfind("\n", 0, match.start()) + 1 :].split("\n", 1)[0].strip()
            found += [] if line in EXCEPT else [(what, line)]
    return found


def test_only_visit_decides_on_a_dtype():
    files = [
        p for p in CORE.rglob("*") if p.suffix in (".cpp", ".h") and p.relative_to(CORE).parts[0] not in FREE
    ]
    assert len(files) > 100
    assert [(str(p.relative_to(CORE)), *f) for p in files for f in offences(p.read_text())] == []


@pytest.mark.parametrize(
    "planted",
    [
        "return d == DType::Float32 ? f(float{}) : f(double{});",
        "bool nan = a.dtype == DType::Float32 ? x[k] != x[k]\n                : y[k] != y[k];",
        "if (x.dtype() == DType::Float32) add<float>(x);\nelse add<double>(x);",
        "switch (d) {\n    case DType::Int64: return one();\n    default: return;\n}",
        "number = x.dtype() == DType::Bool ? Scalar(true) : Scalar(1);",
        "if (g.dtype() > DType::Float64) return false;",
        "switch (x.item()) {\n    case 4: return;\n}",
        "int log = item_size(d) == 8 ? 3 : 2;",
        "table.run[static_cast<int>(DType::Float32)] = run<float>;",
    ],
)
def test_what_is_planted_is_found(planted):
    assert offences(f"void f() {{\n    {planted}\n}}\n")


@pytest.mark.parametrize(
    "harmless",
    [
        "if (mask.dtype() != DType::Bool) fail();",
        "Array a = Array::empty(DType::Float64, shape);  // x ? DType::Float32 : y",
        "DType dtype = DType::Float32;",
        "DType d = o.dtype_given ? o.dtype : whole ? DType::Int64 : default_dtype;",
        'fail("case DType::Float32: == DType::Int32 ?");',
    ],
)
def test_what_is_harmless_is_not(harmless):
    assert offences(harmless) == []
