"""Rounding. A staircase is flat: its slope is 0 everywhere, also on the steps, as in PyTorch."""

from .define import composed, elementwise

_STAIRCASE = {
    "promotion": "arithmetic",
    "accepts": "numbers",
    "kinks": {1: 0},
    "note": "0 on the steps too",
}

floor = elementwise("floor", lambda x, y: [0], "The largest integer not above input.", **_STAIRCASE)
ceil = elementwise("ceil", lambda x, y: [0], "The smallest integer not below input.", **_STAIRCASE)
round = elementwise(
    "round",
    lambda x, y: [0],
    "The nearest integer; halves go to the even one.",
    signature="input, *, decimals=0",
    **_STAIRCASE,
)
trunc = elementwise("trunc", lambda x, y: [0], "input without its fraction.", aliases="fix", **_STAIRCASE)
frac = elementwise(
    "frac",
    lambda x, y: [1],
    "The fraction of input, with its sign.",
    promotion="arithmetic",
    accepts="floats",
    kinks={1: 1},
    note="the slope on both sides of a jump",
)

_DECIMALS = {
    "parameters": {"scale": ...},
    "signature": "input, *, decimals",
    "promotion": "arithmetic",
    "accepts": "floats",
    "node": "RoundBackward1",
    "variant_of": "round",
}
# A negative number of decimals rounds to tens, hundreds, ...: the caller gives 10 ** |decimals| as the scale.
round_decimals = composed(
    "round_decimals",
    lambda x, scale: round(x * scale) / scale,
    lambda x, scale, y: [0],
    "input rounded to `decimals` places; scale is 10 ** decimals.",
    when="decimals > 0",
    **_DECIMALS,
)
round_tens = composed(
    "round_tens",
    lambda x, scale: round(x / scale) * scale,
    lambda x, scale, y: [0],
    "input rounded to tens, hundreds, ...; scale is 10 ** -decimals.",
    when="decimals < 0",
    **_DECIMALS,
)
