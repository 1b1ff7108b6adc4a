"""The names of the dtypes that kernels exist for, by kind: what a test that is for all of them goes over.

Complex numbers, which have no order, are in none of the lists but their own; their tests are in tests/complex. The narrow
floats, which are stored only and computed with as float32, are a kind of their own (tests/halves), as complex32 is. So are
the unsigned integers that few operators take (tests/construct/test_unsigned_integers.py).
"""

import pullback as pb

HALVES = ["float16", "bfloat16"]
UNSIGNED = ["uint16", "uint32", "uint64"]
_OTHER = [*HALVES, *UNSIGNED, "complex32"]
_ALL = sorted(
    {d for d in vars(pb).values() if isinstance(d, pb.dtype) and d._supported and d.name not in _OTHER},
    key=lambda d: d._code,
)
DTYPES = [d.name for d in _ALL if not d.is_complex]
CODES = {name: getattr(pb, name)._code for name in [*DTYPES, *UNSIGNED]}
FLOATS = [d.name for d in _ALL if d.is_floating_point]
NUMBERS = [name for name in DTYPES if name != "bool"]
INTEGERS = [name for name in NUMBERS if name not in FLOATS]
BITS = [*INTEGERS, "bool"]
SIGNED = [d.name for d in _ALL if d.name in INTEGERS and d.is_signed]
