"""Nonlinearities as modules: a table over nn.functional."""

from ...operators.creation import empty
from .. import functional as F
from ..init import constant_, xavier_normal_, xavier_uniform_
from ..parameter import Parameter
from .linear import NonDynamicallyQuantizableLinear
from .module import Module
from .simple import Simple, simple

_INPLACE = {"inplace": False}


def _define(name, function, parameters, shown="", about=None, base=Simple):
    doc = f"""{about or f"`nn.functional.{function.__name__}`"} as a module: see there for what it computes.

    Shape: any, and stays.

    Example:
        >>> pb.nn.{name}({_GIVEN.get(name, "")})
        {name}({_PRINTED.get(name, "")})
    """
    return simple(name, function, parameters, shown, doc, base=base, module="activation")


class _Between(Simple):
    """`min_value` and `max_value` are older names of the bounds."""

    min_value = max_value = None

    def _made(self):
        for name in ("min", "max"):
            value = self.__dict__.pop(f"{name}_value")
            if value is not None:
                import warnings

                warnings.warn(
                    f"keyword argument `{name}_value` is deprecated and renamed to `{name}_val`",
                    FutureWarning,
                    stacklevel=3,
                )
                setattr(self, f"{name}_val", value)
        if self.max_val <= self.min_val:
            raise AssertionError(f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})")

    def _passed(self):
        return {name: getattr(self, name) for name in ("min_val", "max_val", "inplace")}


_GIVEN = {"Threshold": "0.5, 0.0", "Softmax": "dim=1", "LogSoftmax": "dim=1", "Softmin": "dim=1"}
_PRINTED = {
    "Threshold": "threshold=0.5, value=0.0",
    "RReLU": "lower=0.125, upper=0.3333333333333333",
    "Hardtanh": "min_val=-1.0, max_val=1.0",
    "ELU": "alpha=1.0",
    "CELU": "alpha=1.0",
    "GELU": "approximate='none'",
    "GLU": "dim=-1",
    "Hardshrink": "0.5",
    "Softshrink": "0.5",
    "LeakyReLU": "negative_slope=0.01",
    "Softplus": "beta=1.0, threshold=20.0",
    "Softmax": "dim=1",
    "LogSoftmax": "dim=1",
    "Softmin": "dim=1",
}

Threshold = _define(
    "Threshold",
    F.threshold,
    {"threshold": ..., "value": ..., **_INPLACE},
    "threshold={threshold}, value={value}{inplace}",
)
ReLU = _define("ReLU", F.relu, _INPLACE, "{inplace}")
RReLU = _define(
    "RReLU",
    F.rrelu,
    {"lower": 1.0 / 8, "upper": 1.0 / 3, **_INPLACE},
    "lower={lower}, upper={upper}{inplace}",
)
Hardtanh = _define(
    "Hardtanh",
    F.hardtanh,
    {"min_val": -1.0, "max_val": 1.0, **_INPLACE, "min_value": None, "max_value": None},
    "min_val={min_val}, max_val={max_val}{inplace}",
    base=_Between,
)
ReLU6 = _define("ReLU6", F.relu6, _INPLACE, "{inplace}")
Sigmoid = _define("Sigmoid", F.sigmoid, {})
Hardsigmoid = _define("Hardsigmoid", F.hardsigmoid, _INPLACE)
Tanh = _define("Tanh", F.tanh, {})
SiLU = _define("SiLU", F.silu, _INPLACE, "{inplace}")
Mish = _define("Mish", F.mish, _INPLACE, "{inplace}")
Hardswish = _define("Hardswish", F.hardswish, _INPLACE)
ELU = _define("ELU", F.elu, {"alpha": 1.0, **_INPLACE}, "alpha={alpha}{inplace}")
CELU = _define("CELU", F.celu, {"alpha": 1.0, **_INPLACE}, "alpha={alpha}{inplace}")
SELU = _define("SELU", F.selu, _INPLACE, "{inplace}")
GLU = _define("GLU", F.glu, {"dim": -1}, "dim={dim}")
GELU = _define("GELU", F.gelu, {"approximate": "none"}, "approximate={approximate!r}")
Hardshrink = _define("Hardshrink", F.hardshrink, {"lambd": 0.5}, "{lambd}")
LeakyReLU = _define(
    "LeakyReLU",
    F.leaky_relu,
    {"negative_slope": 0.01, **_INPLACE},
    "negative_slope={negative_slope}{inplace}",
)
LogSigmoid = _define("LogSigmoid", F.logsigmoid, {})
Softplus = _define(
    "Softplus", F.softplus, {"beta": 1.0, "threshold": 20.0}, "beta={beta}, threshold={threshold}"
)
Softshrink = _define("Softshrink", F.softshrink, {"lambd": 0.5}, "{lambd}")
Softsign = _define("Softsign", F.softsign, {})
Tanhshrink = _define("Tanhshrink", F.tanhshrink, {})


def _over(name, function):
    def over(input, dim=None):
        if dim is None:
            import warnings

            warnings.warn(
                f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
                stacklevel=4,
            )
            dim = 0 if input.ndim in (0, 1, 3) else 1
        return function(input, dim)

    over.__name__ = name
    return over


Softmin = _define("Softmin", _over("softmin", F.softmin), {"dim": None}, "dim={dim}")
Softmax = _define("Softmax", _over("softmax", F.softmax), {"dim": None}, "dim={dim}")
LogSoftmax = _define("LogSoftmax", _over("log_softmax", F.log_softmax), {"dim": None}, "dim={dim}")


class _Training(Simple):
    def forward(self, input):
        return type(self)._function(input, training=self.training, **self._passed())


RReLU.forward = _Training.forward


class Softmax2d(Module):
    """softmax over the channels of images, dimension -3.

    Raises ValueError for other inputs than (C, H, W) and (N, C, H, W).

    Example:
        >>> pb.nn.Softmax2d()(pb.zeros(2, 1, 1)).flatten()
        tensor([0.5000, 0.5000])
    """

    def __init__(self):
        super().__init__()

    def forward(self, input):
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return F.softmax(input, -3)


class PReLU(Module):
    """`input` where positive, weight * input elsewhere, with a weight that is learned: one, or one for each channel.

    Example:
        >>> pb.nn.PReLU()(pb.tensor([-1.0, 2.0]))
        tensor([-0.2500,  2.0000], grad_fn=<PreluKernelBackward0>)
    """

    __constants__ = ["num_parameters"]

    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(empty(num_parameters, dtype=dtype, device=device))
        self.reset_parameters()

    def reset_parameters(self):
        """Give the weights their first value."""
        constant_(self.weight, self.init)

    def forward(self, input):
        return F.prelu(input, self.weight)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}"


class MultiheadAttention(Module):
    """Attention in several parts: see `nn.functional.multi_head_attention_forward`.

    Called with query, key and value, (L, N, E) and (S, N, ...), or (N, L, E) with `batch_first`, or without N. Gives a pair
    (result, weights averaged over heads, or None).

    Example:
        >>> attention = pb.nn.MultiheadAttention(4, 2, batch_first=True)
        >>> x = pb.ones(1, 3, 4)
        >>> result, weights = attention(x, x, x)
        >>> result.shape, weights.shape
        (pullback.Size([1, 3, 4]), pullback.Size([1, 3, 3]))
    """

    __constants__ = ["batch_first"]

    def __init__(
        self,
        embed_dim,
        num_heads,
        dropout=0.0,
        bias=True,
        add_bias_kv=False,
        add_zero_attn=False,
        kdim=None,
        vdim=None,
        batch_first=False,
        device=None,
        dtype=None,
    ):
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} instead"
            )
        super().__init__()
        made = {"device": device, "dtype": dtype}
        self.embed_dim, self.num_heads, self.dropout, self.batch_first = (
            embed_dim,
            num_heads,
            dropout,
            batch_first,
        )
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")
        if self._qkv_same_embed_dim:
            self.in_proj_weight = Parameter(empty((3 * embed_dim, embed_dim), **made))
            for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                self.register_parameter(name, None)
        else:
            self.q_proj_weight = Parameter(empty((embed_dim, embed_dim), **made))
            self.k_proj_weight = Parameter(empty((embed_dim, self.kdim), **made))
            self.v_proj_weight = Parameter(empty((embed_dim, self.vdim), **made))
            self.register_parameter("in_proj_weight", None)
        if bias:
            self.in_proj_bias = Parameter(empty(3 * embed_dim, **made))
        else:
            self.register_parameter("in_proj_bias", None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **made)
        if add_bias_kv:
            self.bias_k = Parameter(empty((1, 1, embed_dim), **made))
            self.bias_v = Parameter(empty((1, 1, embed_dim), **made))
        else:
            self.bias_k = self.bias_v = None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self):
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            constant_(self.in_proj_bias, 0.0)
            constant_(self.out_proj.bias, 0.0)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                xavier_normal_(bias)

    def forward(
        self,
        query,
        key,
        value,
        key_padding_mask=None,
        need_weights=True,
        attn_mask=None,
        average_attn_weights=True,
        is_causal=False,
    ):
        turned = self.batch_first and query.ndim == 3
        if turned:
            same = key is value, query is key
            query = query.transpose(1, 0)
            key = query if same[1] else key.transpose(1, 0)
            value = key if same[0] else value.transpose(1, 0)
        result, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        return (result.transpose(1, 0) if turned else result), weights
