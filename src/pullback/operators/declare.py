"""How an operator is declared: its signature and its documentation, in Python, once.

    @operator
    def sum(input, dim=None, keepdim=False, *, dtype=None):
        '''The sum over `dim`, or over everything. ...'''

The core has a C++ function of the same name, which reads the arguments in the order of the signature: one for each of
its own parameters, or the declaration is refused. The object that replaces the declaration is a function
(`pb.sum(x)`) and, where `method=True`, a method (`x.sum()`); nothing of the declaration runs when it is called.
`composed` declares an operator that is written in Python out of others: its body
is what runs, after the core has sorted the arguments as it does for all.

A parameter written `*shape` collects positions: `x.view(2, 3)` and `x.view((2, 3))` are one call. `**options` stands
for what every function takes that makes a tensor: `OPTIONS`, before a `memory_format`.

An operator with a parameter `out` computes without knowing of it: the result is written there afterwards, the same way
for all. `out=` says which dtypes of results a target takes: "cast" (what `can_cast` lets into its dtype), "join"
(likewise, with a TypeError), "exact" (its own), "truth" (its own; of any and all), "own" and "made" (where no dtype is
given the target's is computed in), "any".

`in_place=True` declares the method with a last `_` as well: the same parameters but for `out`, and the same
documentation, of which a section "In place:" is its example. `ignores=` names the last parameters where they are taken
for PyTorch's sake and mean nothing. Several results are a tuple, with names where `returns=` gives them.
"""

from functools import partial

from .. import _core
from ..calculus.define import TABLE

FUNCTIONS = {}  # name -> callable: what `pullback` exports
METHODS = {}  # name -> callable: what Tensor gets

OPTIONS = {"dtype": None, "layout": None, "device": None, "pin_memory": False, "requires_grad": False}

# What parameters of these names are in every operator that is written in Python and says no other `kinds`. The core refuses
# what is something else before a body runs. A parameter whose default is a truth value, or a whole number, takes such.
TENSORS = frozenset(
    """
    input target weight bias A B LU LD pivots LU_data LU_pivots input1 input2 input3 x1 x2 tau running_mean running_var
    grid w_ih w_hh b_ih b_hh indices query key mat_a mat_b log_probs anchor positive negative theta logits x y pos_weight
    attn_mask key_padding_mask per_sample_weights offsets fweights aweights window the_template source self
    """.split()
)
FLAGS = frozenset(
    "train training upper align_corners full use_input_stats cudnn_enabled log_input transposed".split()
)
WHOLE = frozenset(
    """
    dim n N r C HxW group groups num_groups n_fft length hop_length win_length padding_idx start end step upscale_factor
    downscale_factor divisor_override
    """.split()
)
SIZES = frozenset(
    """
    kernel_size stride padding dilation output_padding output_size size normalized_shape dims input_lengths target_lengths
    """.split()
)
# PyTorch's Python asks these whether they are true, and counts with those, whatever they are.
TRUTHS = frozenset("inplace return_indices hard create_graph antialias need_weights".split())
NONE = {}
STATISTICS = dict.fromkeys(("weight", "bias", "running_mean", "running_var"), "t")  # each a tensor, or None
NUMBER_TOO = {"input": " "}  # where the first operand may be a number
NUMBERS = frozenset("reduction spacing alpha p pow mode".split())

_VARIADIC, _KEYWORDS = 0x04, 0x08


def _kind(name, default):
    """What the core demands of a parameter: a tensor (T), a truth value (b), an integer (i), several (n), nothing (a blank)."""
    if isinstance(default, float):
        return " "
    if name in TENSORS:
        return "T"
    if name in FLAGS or (isinstance(default, bool) and name not in TRUTHS):
        return "b"
    if name in SIZES:
        return "n"
    return "i" if name in WHOLE or (type(default) is int and name not in NUMBERS) else " "


def require_each(operands):
    """TypeError for the first of several operands that is no tensor."""
    for i, each in enumerate(operands):
        if not isinstance(each, _core.Tensor):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(each).__name__}")


def require_real(kernel, *operands):
    """NotImplementedError for complex tensors, of a function that would compute something else of them."""
    for operand in operands:
        if isinstance(operand, _core.Tensor) and operand.dtype.is_complex:
            raise NotImplementedError(
                f"\"{kernel}\" not implemented for '{operand.dtype._legacy_name}'. Its real and imaginary parts are tensors "
                "that it takes."
            )


def dimensions(dim):
    """One dimension, NumPy's integers included, or several, as a list."""
    single = hasattr(dim, "__index__") and not hasattr(dim, "__len__")
    return [int(dim)] if single else list(dim)


def dimension(input, dim):
    """A dimension of a tensor, counted from the front; IndexError if there is none."""
    input.size(dim)
    return dim % input.ndim


def write_out_options(function):
    """Give a declaration the parameters that its `**options` stand for, so that everybody reads them in it."""
    code = function.__code__
    if not code.co_flags & _KEYWORDS:
        return
    first = code.co_argcount
    own, rest = code.co_varnames[: first + code.co_kwonlyargcount], code.co_varnames[first:]
    defaults = function.__kwdefaults__ or {}
    last = {name: defaults.pop(name) for name in ("memory_format",) if name in defaults}
    function.__kwdefaults__ = {**defaults, **OPTIONS, **last}
    before = tuple(name for name in own if name not in last)
    variadic = rest[code.co_kwonlyargcount : -1]
    names = (*before, *OPTIONS, *last, *variadic)
    function.__code__ = code.replace(
        co_varnames=names,
        co_nlocals=len(names),
        co_kwonlyargcount=len(names) - len(variadic) - first,
        co_flags=code.co_flags & ~_KEYWORDS,
    )


def signature_of(function):
    """(names, positional, defaults, variadic) of a declaration, without the cost of `inspect`."""
    code = function.__code__
    all, positional, last = code.co_varnames, code.co_argcount, code.co_argcount + code.co_kwonlyargcount
    defaults = function.__defaults__ or ()
    defaults = (...,) * (positional - len(defaults)) + defaults
    names, variadic = all[:last], -1
    if code.co_flags & _VARIADIC:
        names, defaults = (*all[:positional], all[last], *all[positional:last]), (*defaults, ...)
        variadic = positional
        positional += 1
    if len(defaults) < len(names):
        given = function.__kwdefaults__ or {}
        defaults += tuple([given.get(name, ...) for name in names[positional:]])
    return names, positional, defaults, variadic


def operator(
    function=None,
    *,
    name=None,
    method=True,
    public=True,
    core=None,
    aliases=(),
    out="cast",
    in_place=False,
    ignores="",
    returns=None,
):
    """Declare an operator whose work the core does.

    `core` is the C++ function's name where it differs; `method` and `public` say where the operator is found (a
    string names a method of another name); `aliases` are further names of the same object.
    """

    def declare(function):
        called = name or function.__name__
        write_out_options(function)
        names, positional, defaults, variadic = signature_of(function)
        ignored = ignores.split()
        if ignored and [each for each in names if each != "out"][-len(ignored) :] != ignored:
            raise TypeError(f"{called}: {ignores} are not the last of its parameters, {', '.join(names)}")
        made = _core.Operator(
            called, core or called, names, positional, defaults, variadic, False, out, len(ignored), returns
        )
        _describe(made, function)
        if not public:
            made.__module__ = function.__module__  # where pickle finds it
        if in_place:
            METHODS[called + "_"] = _in_place_form(
                function, called, core or called, "out" in names, len(ignored)
            )
        return _publish(made, called, method, public, aliases)

    return declare if function is None else declare(function)


def _in_place_form(declaration, name, core, has_out, ignored):
    """The operator of the same declaration, without `out`, that writes into its first argument and returns it."""
    function = without_last(declaration, 1) if has_out else declaration
    names, positional, defaults, variadic = signature_of(function)
    made = _core.Operator(name + "_", core, names, positional, defaults, variadic, True, "cast", ignored)
    _describe(made, function)
    made.__page__ = partial(_in_place_page, declaration.__doc__, name)  # written when somebody reads it
    return made


_IN_PLACE = """In-place form of `{name}`: the tensor takes the result, and is returned.

Shapes, dtypes and errors are those of `{name}`; a leaf that requires grad raises RuntimeError, too.

{errors}Example:
{example}"""


def _in_place_page(documentation, name):
    from inspect import cleandoc  # which is slow to load

    text, _, example = cleandoc(documentation).partition("In place:\n")
    _, raises, errors = text.partition("Example:\n")[0].rpartition("Raises")
    return _IN_PLACE.format(name=name, errors=raises and f"Raises{errors}", example=example)


def composed(
    function=None,
    *,
    name=None,
    method=True,
    public=True,
    aliases=(),
    out="cast",
    in_place=False,
    returns=None,
    kinds=NONE,
    node=None,
):
    """Declare an operator written in Python out of others; its first parameter is the tensor of the method form.

    A body that takes ``*args`` or ``**kwargs`` sorts its arguments itself. No body sees `out`, unless it is "passed".
    With `in_place`, the body's last parameter has this name, is in no signature, and tells which form was called; a
    string is the row whose page of documentation that form has, where that is not the operator's name. `kinds` says
    of parameters what they are here, where that is not what their names say: `_kind`. What the body records last is
    shown under the name `node`, that of PyTorch's one node for all of it.
    """

    def declare(function):
        called = name or function.__name__
        made = callable_of(
            without_last(function, 1) if in_place else function,
            called,
            in_place and function,
            out,
            returns,
            kinds,
            node,
        )
        if in_place:
            writing = callable_of(
                without_last(function, 2),
                called + "_",
                partial(function, in_place=True),
                out,
                kinds=kinds,
                node=node,
            )
            writing.__row__ = TABLE[called if in_place is True else in_place]
            METHODS.update({each + "_": writing for each in (called, *aliases)})
        if not public:
            made.__module__ = function.__module__
        return _publish(made, called, method, public, aliases)

    return declare if function is None else declare(function)


def callable_of(function, called, body=None, out="cast", returns=None, kinds=NONE, node=None):
    """The callable of a Python body: its arguments are sorted by the core, so that errors are the same for all.

    `body` runs instead of the function, which then only says what the signature is. `out` says which dtypes a target
    may have, or "passed": the body hands it on to a row.
    """
    names, positional, defaults, variadic = signature_of(function)
    if function.__code__.co_flags & _KEYWORDS or (variadic >= 0 and "out" not in names):
        return function
    if variadic >= 0:
        body = lambda operands, **rest: function(*operands, **rest)
    letters = "".join([kinds.get(name) or _kind(name, default) for name, default in zip(names, defaults)])
    made = _core.Operator(
        called, body or function, names, positional, defaults, variadic, False, out, 0, returns, letters, node
    )
    _describe(made, function)
    return made


def without_last(function, count):
    """The declaration of a function without its last keyword-only parameters: they become local variables of it."""
    code = function.__code__
    code = code.replace(co_kwonlyargcount=code.co_kwonlyargcount - count)
    made = type(function)(code, function.__globals__, function.__name__, function.__defaults__)
    given = list((function.__kwdefaults__ or {}).items())
    made.__kwdefaults__ = dict(given[: len(given) - count])
    made.__doc__ = function.__doc__
    return made


def _publish(made, called, method, public, aliases):
    for each in (called, *aliases):
        if public:
            FUNCTIONS[each] = made
        if method:
            METHODS[method if isinstance(method, str) and each == called else each] = made
    return made


def _describe(made, function):
    made.__module__ = "pullback"
    made.__wrapped__ = function  # inspect.signature and help() read it, and its documentation
