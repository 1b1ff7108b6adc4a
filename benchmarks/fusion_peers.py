"""How each library takes one step of a `fusion_work.Work`.

A peer turns a work and its input arrays into a function of no arguments that computes the value and all gradients,
waits until they are there, and returns them as a list, the value first. Inputs are the library's own tensors, made
beforehand. Updates and training steps write into their inputs and return what they wrote.
"""

import importlib
from functools import partial
from types import SimpleNamespace

import numpy as np

RATE = 1e-3  # of the training steps: small, so that thousands of steps on one batch stay finite


def split(inputs):
    """Arrays, and the plain numbers beside them, which stay what they are."""
    arrays = {name: value for name, value in inputs.items() if isinstance(value, np.ndarray)}
    return arrays, {name: value for name, value in inputs.items() if name not in arrays}


class Torchlike:
    """pullback, and PyTorch eager or compiled: the same text with another module."""

    wrt = ()

    def __init__(self, module, compile=None):
        self.lib = importlib.import_module(module)
        self.wait = getattr(self.lib, "synchronize", lambda: None)
        self.compile = compile
        self.compiles = compile is not None
        if module == "torch":
            importlib.import_module("torch._dynamo" if compile else "torch.nn.functional")
        else:
            importlib.import_module(f"{module}.nn.functional")

    def prepare(self, work, inputs):
        lib, wait = self.lib, self.wait
        arrays, numbers = split(inputs)
        tensors = {name: lib.tensor(array) for name, array in arrays.items()}
        self.wrt = wrt = [tensors[name] for name in work.wrt]
        formula = partial(work.formula("torch"), lib, **numbers)
        if self.compile:
            lib._dynamo.reset()
            formula = self.compile(formula)
        if work.kind in ("forward", "update"):

            def step():
                result = formula(**tensors)
                wait()
                return [result] if work.kind == "forward" else list(result)

            return step

        for tensor in wrt:
            tensor.requires_grad_()
        self.warm(tensors.values())
        seed = tensors.pop("seed", None)

        def gradient():
            for tensor in wrt:
                tensor.grad = None
            value = formula(**tensors)
            if seed is not None:
                value.backward(seed)
            elif value.dim():
                value.sum().backward()
            else:
                value.backward()
            if work.kind == "train":
                descend(wrt)
                for tensor in wrt:
                    tensor.grad = None
            wait()
            if not value.dim():
                value.item()
            return [value, *(wrt if work.kind == "train" else [tensor.grad for tensor in wrt])]

        def descend(parameters):
            with lib.no_grad():
                for p in parameters:
                    p -= RATE * p.grad

        if self.compile and work.kind == "train":
            descend = self.compile(descend)
        return gradient

    def warm(self, tensors):
        """Fill the allocator, wake threads and engine, load each function's code: only the expression is new."""
        small = self.lib.ones(64, requires_grad=True)
        for function in ("sin", "exp", "tanh", "log", "log1p", "sqrt", "erf"):
            getattr(self.lib, function)(small).sum().backward()
        (small * small + small / small - (-small)).sum().backward()
        floating = [tensor for tensor in tensors if tensor.is_floating_point()]
        spare = [self.lib.ones_like(tensor) for tensor in floating for _ in range(2)]
        for tensor in floating:
            leaf = tensor.detach().requires_grad_()
            (leaf - 1).abs().sum().backward()
            self.wait()
        del spare, leaf

    def forget(self):
        """Free the gradients of the last step."""
        for tensor in self.wrt:
            tensor.grad = None

    @staticmethod
    def array(tensor):
        return tensor.detach().numpy()


def torch_compile():
    import torch

    return Torchlike("torch", partial(torch.compile, dynamic=False))


class Jax:
    """Everything under `jit`; updates give their memory away to the result."""

    compiles = True

    def __init__(self):
        import jax
        import jax.numpy as jnp
        from jax.scipy.special import erf, gammaln, logsumexp

        jax.config.update("jax_enable_x64", True)
        self.jax = jax
        self.dialect = SimpleNamespace(**{**vars(jnp), "erf": erf, "lgamma": gammaln, "logsumexp": logsumexp})

    def prepare(self, work, inputs):
        jax = self.jax
        arrays, numbers = split(inputs)
        formula = partial(work.formula("numpy"), self.dialect, **numbers)
        rest = {name: jax.numpy.asarray(array) for name, array in arrays.items()}
        wrt = {name: rest.pop(name) for name in work.wrt}
        seed = rest.pop("seed", None)

        def gradient(wrt, rest, seed):
            if seed is not None:
                value, pull = jax.vjp(lambda w: formula(**w, **rest), wrt)
                return value, pull(seed)[0]

            def total(w):
                value = formula(**w, **rest)
                return value.sum(), value

            (_, value), gradients = jax.value_and_grad(total, has_aux=True)(wrt)
            return value, gradients

        def updated(wrt, rest, seed):
            if work.kind == "update":
                return None, dict(zip(work.wrt, formula(**wrt, **rest)))
            value, gradients = gradient(wrt, rest, seed)
            return value, {name: p - RATE * gradients[name] for name, p in wrt.items()}

        if work.kind == "forward":
            forward = jax.jit(lambda rest: formula(**rest))
            return lambda: [forward(rest).block_until_ready()]
        if work.kind == "gradient":
            compiled = jax.jit(gradient)
        else:
            compiled = jax.jit(updated, donate_argnums=0)

        def step():
            nonlocal wrt
            value, results = jax.block_until_ready(compiled(wrt, rest, seed))
            if work.kind != "gradient":
                wrt = results
            values = [] if value is None else [value]
            return values + [results[name] for name in work.wrt]

        return step

    def forget(self):
        pass

    array = staticmethod(np.asarray)


class Autograd:
    """HIPS autograd; its updates are plain NumPy."""

    compiles = False

    def __init__(self):
        import autograd
        import autograd.numpy as anp
        from autograd.scipy.special import erf, gammaln, logsumexp

        self.autograd = autograd
        self.dialect = SimpleNamespace(**{**vars(anp), "erf": erf, "lgamma": gammaln, "logsumexp": logsumexp})

    def prepare(self, work, inputs):
        arrays, numbers = split(inputs)
        formula = partial(work.formula("numpy"), self.dialect, **numbers)
        if work.kind == "forward":
            return lambda: [formula(**arrays)]
        if work.kind == "update":
            return lambda: list(formula(**arrays))
        rest = dict(arrays)
        wrt = tuple(rest.pop(name) for name in work.wrt)
        seed = rest.pop("seed", None)
        recorded = self.autograd.make_vjp(lambda wrt: formula(**dict(zip(work.wrt, wrt)), **rest))

        def step():
            pull, value = recorded(wrt)
            gradients = pull(np.ones_like(value) if seed is None else seed)
            if work.kind == "gradient":
                return [value, *gradients]
            for p, g in zip(wrt, gradients):
                p -= RATE * g
            return [value, *wrt]

        return step

    array = staticmethod(np.asarray)


class Memcpy:
    """The floor: copying as many bytes as the inputs and outputs of a work have, on one thread or all."""

    def __init__(self):
        from benchmarks import loops

        self.loops = loops.library()

    def prepare(self, work, inputs):
        if not work.floor:
            return None
        arrays, _ = split(inputs)
        read = sum(a.nbytes for a in arrays.values())
        count = (read + written(work, arrays)) // 2  # a copy reads one half of all bytes and writes the other
        source, target = np.ones(count, np.uint8), np.zeros(count, np.uint8)
        copy = self.loops.copier(target, source)

        def step():
            copy()
            return []

        return step

    array = staticmethod(np.asarray)


def written(work, arrays):
    """Bytes of the value and the gradients."""
    return sum(arrays[name].nbytes for name in [*work.wrt, work.value_like] if name)


class Loop:
    """The two works for which a loop in C is simple: what a person would write who fuses by hand."""

    def __init__(self):
        from benchmarks import loops

        self.loops = loops.library(required=True)

    def prepare(self, work, inputs):
        arrays, _ = split(inputs)
        if work.formula("torch").__name__ not in ("multiply_add", "adam"):
            return None
        return self.loops.step(work.formula("torch").__name__, list(arrays.values()))

    array = staticmethod(np.asarray)


class Optimizer:
    """PyTorch's own fused Adam, where the work is an Adam step."""

    def __init__(self):
        import torch

        self.torch = torch

    def prepare(self, work, inputs):
        if work.kind != "update":
            return None
        torch = self.torch
        tensors = {name: torch.tensor(array) for name, array in inputs.items()}
        p = torch.nn.Parameter(tensors["p"])
        p.grad = tensors["g"]
        optimizer = torch.optim.Adam([p], fused=True)

        def step():
            optimizer.step()
            return []  # its bias correction makes other numbers: there is nothing to compare

        return step


KEPT = str(1 << 32)
PEERS = {
    "pullback": partial(Torchlike, "pullback"),
    "torch": partial(Torchlike, "torch"),
    "torch-malloc": partial(Torchlike, "torch"),
    "torch-compile": torch_compile,
    "jax": Jax,
    "autograd": Autograd,
    "memcpy": Memcpy,
    "loop": Loop,
    "torch-fused": Optimizer,
}
NEEDS = {
    "torch-malloc": "torch",
    "torch-compile": "torch",
    "torch-fused": "torch",
    "memcpy": "numpy",
    "loop": "numpy",
}
ENVIRONMENT = {
    # malloc keeps the pages of freed temporaries: the first thing that a careful user of PyTorch on a CPU does
    "torch-malloc": {"MALLOC_TRIM_THRESHOLD_": KEPT, "MALLOC_MMAP_THRESHOLD_": KEPT},
    # compile times are those of a compilation
    "torch-compile": {"TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1"},
}
