"""Derivatives of functions of a scalar, in every way that there is."""

import pullback as pb
from pullback import func

WAYS = {
    "grad": lambda f: func.grad(f),
    "vjp": lambda f: lambda x: func.vjp(f, x)[1](pb.ones_like(x))[0],
    "jvp": lambda f: lambda x: func.jvp(f, (x,), (pb.ones_like(x),))[1],
    "linearize": lambda f: lambda x: func.linearize(f, x)[1](pb.ones_like(x)),
    "jacrev": lambda f: func.jacrev(f),
    "jacfwd": lambda f: func.jacfwd(f),
    "value_and_grad": lambda f: lambda x: func.value_and_grad(f)(x)[1],
    "grad_and_value": lambda f: lambda x: func.grad_and_value(f)(x)[0],
}
