"""What the core's text may not say.

That a dtype is decided on elsewhere than by `visit` (array/visit.h): a ternary, a switch or an `else` on a dtype does
something for the types that its author thought of, and something silent for all others. Code asks for a kind
(`is_float`) or a family (`visit`), which raises on what it does not list. Bool and int64 may be compared with: truth
values and indices are no numbers among others.

That a primitive is decided on elsewhere than in the list of primitives (kernels/primitives.inc).

That an operator touches memory: rules say what is computed and how it is differentiated, compute/ has the loops. A rule
looks at elements in `forward` alone, so that what is computed, and for how many entries at once, is decided in one place;
a derivative that has a faster form for values asks `values_only`.
"""

import re
from pathlib import Path

import pytest

CORE = Path(__file__).parents[1] / "src" / "core"

# The list itself, loops that are compiled for each type, and what machine code there is of them.
FREE = ("array", "code", "kernels")
NUMBER = r"DType::(?!Bool\b|Int64\b)\w+"
FORBIDDEN = {
    "a switch on a dtype": re.compile(r"\bcase\s+DType::"),
    "a ternary on a dtype": re.compile(r"(==|!=|[<>]=?) DType::\w+\)*\s*((&&|\|\|)[^;?{]*)?\?"),
    "a ternary on the size of an element": re.compile(
        r"(item_size\([^;?]*|\bitem\(\))\s*[=!]=\s*\d+\s*\)*\s*\?"
    ),
    "a switch on the size of an element": re.compile(r"switch\s*\([^;{]*(\bitem\(\)|item_size\()"),
    "a comparison with a dtype of numbers": re.compile(rf"(==|!=|[<>]=?) {NUMBER}|{NUMBER} (==|!=|[<>])"),
    "a switch on a primitive": re.compile(r"\bcase\s+Primitive::"),
    "a table of dtypes of its own": re.compile(r"\[\s*static_cast<int>\(\s*DType::"),
}
# Lines that match and are right, with the reason.
EXCEPT = {
    "if (x[0].dtype() == DType::UInt8) a.dtype = DType::UInt8;": "truth of bytes is bytes, as in PyTorch",
    "if (d == DType::UInt8) warn_of_bytes();": "a mask of the old kind is warned of",
    "if (t.dtype() != DType::UInt8)": "the state of a generator is bytes",
}


def offences(text, forbidden=FORBIDDEN):
    """What is forbidden in `text`, and the line."""
    code = re.sub(r'"(\\.|[^"\\\n])*"', '""', re.sub(r"//[^\n]*", "", text))
    found = []
    for what, pattern in forbidden.items():
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
        "switch (p) {\n    case Primitive::pow: return true;\n}",
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


# ---- memory ----

RULES = ("ops/index", "ops/matrix", "ops/random", "ops/reduce", "ops/shape")
MEMORY = {
    "bytes are moved": re.compile(r"\bmem(cpy|set|move)\("),
    "elements are looked at": re.compile(r"\bas<|\bScalar::load\(|\.store\("),
    "an address is asked for": re.compile(r"\b(array\(\)|value\(\)|buffer(\(\))?)(\.|->)data\(\)"),
    "code for each dtype": re.compile(r"\bvisit<|\bwith_item\("),
    "a kernel is called": re.compile(r"\b(kernels|reductions|line_kernels)\(\)|\bblas::"),
    "a loop over elements": re.compile(r"\bparallel\(|\bWalker\b|\bOdometer\b"),
}
DERIVATIVE = re.compile(r"\b(pullback|pushforward)\((?=[^;{]*\{)")
LOOKS = re.compile(r"\b(array|value|data)\(\)")


def looking_derivatives(text):
    """Derivatives that look at elements without having asked whether values alone are wanted."""
    code, found = re.sub(r"//[^\n]*", "", text), []
    for match in DERIVATIVE.finditer(code):
        at = code.index("{", match.end())
        end, depth = at + 1, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(code[end], 0)
            end += 1
        body = code[at:end]
        if (look := LOOKS.search(body)) and "values_only(" not in body[: look.start()]:
            found.append((match[1], body[: look.end()].rsplit("\n", 1)[-1].strip()))
    return found


def rule_files():
    files = [p for room in RULES for p in (CORE / room).rglob("*") if p.suffix in (".cpp", ".h")]
    assert len(files) > 12
    return files


def test_rules_touch_no_memory():
    assert [(p.name, *use) for p in rule_files() for use in offences(p.read_text(), MEMORY)] == []


def test_derivatives_look_at_no_elements():
    assert [(p.name, *look) for p in rule_files() for look in looking_derivatives(p.read_text())] == []


@pytest.mark.parametrize(
    "planted",
    [
        "const T* from = x[0].array().as<T>();",
        "std::memcpy(out.data(), in.data(), bytes);",
        "return Scalar::load(t.dtype(), t.data());",
        "value.store(d, slot);",
        "visit<Family::Floats>(d, name, [&](auto zero) {});",
        "with_item(d, [&](auto item) {});",
        "kernels().fill[2](one, to, n);",
        "char* p = x->cell->buffer->data();",
        "char* p = x[0].array().data();",
        "reductions().reduce[r][d](p, n, q);",
    ],
)
def test_planted_loops_are_found(planted):
    assert offences(f"void f() {{\n    {planted}\n}}\n", MEMORY)


@pytest.mark.parametrize(
    "harmless",
    [
        "Dims shape(dims.data(), dims.data() + 2);",
        "return Tensor::make(compute::flip(x[0].array(), dims));",
        "if (a->cell->buffer->is_pending()) return;",
        "// memcpy would do",
        "class Walk {};",
    ],
)
def test_what_computes_nothing_is_not(harmless):
    assert offences(harmless, MEMORY) == []


def test_looking_derivatives_are_found():
    planted = "void pullback(Context& c, const Tensors& g, Tensors& out) {\n    if (x) {}\n    Array a = g[0].array();\n}"
    assert looking_derivatives(planted) == [("pullback", "Array a = g[0].array()")]
    assert not looking_derivatives(planted.replace("if (x)", "if (values_only(x, x))"))
    assert not looking_derivatives("Tensor forward(const Tensors& x) { return f(x[0].array()); }")
