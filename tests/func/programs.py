"""Ordinary and wrong calls of transforms: `run(pb or torch)` says what each answers, as text."""

import itertools
import warnings


def told(value, lib):
    """A result as text: numbers, shapes, dtypes, structure, and whether there is a history."""
    if isinstance(value, lib.Tensor):
        dtype = str(value.dtype).rpartition(".")[2]
        numbers = value.detach().reshape(-1).tolist()
        rounded = [round(n, 5) + 0.0 for n in numbers]
        return f"{dtype}{list(value.shape)}{rounded}{' recorded' if value.requires_grad else ''}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {told(v, lib)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple | list):
        inside = ", ".join(told(v, lib) for v in value)
        return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
    return type(value).__name__ if callable(value) else repr(value)


def answer(program, lib):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return told(program(), lib)
    except Exception as error:
        first = str(error).replace("torch.", "pullback.").replace("  ", " ").strip()
        return type(error).__name__, first


def programs(lib):
    """{name: program}."""
    f = lib.func
    grad, vjp, jvp, jacrev, jacfwd, hessian = f.grad, f.vjp, f.jvp, f.jacrev, f.jacfwd, f.hessian
    tensor, ones = lib.tensor, lib.ones
    x = tensor([1.0, 2.0])
    y = tensor([[3.0], [-4.0]])
    w = tensor([5.0, 6.0], requires_grad=True)
    net = lib.nn.Sequential(lib.nn.Linear(2, 2)).requires_grad_(False)
    net.load_state_dict({"0.weight": tensor([[1.0, 2.0], [3.0, 4.0]]), "0.bias": x})
    six = tensor([0.5, -1.0, 2.0, 0.25, 1.0, -0.5])
    square = lambda x: (x * x).sum()
    two = lambda x, y: {"p": (x * y).sin(), "q": [x.sum(), (y**2)]}
    scalar = lambda x, y: (x * y).sum() ** 2
    tree = {"a": x, "b": (y, [tensor(2.0)])}
    of_tree = lambda t: (t["a"] * t["b"][0]).sum() * t["b"][1][0]
    found = {
        # gradients
        "grad": lambda: grad(square)(x),
        "grad of -1": lambda: grad(scalar, argnums=-1)(x, y),
        "grad of both": lambda: grad(scalar, argnums=(1, 0))(x, y),
        "grad of a tree": lambda: grad(of_tree)(tree),
        "grad with aux": lambda: grad(lambda x: (square(x), {"x": x, "n": [x * 2]}), has_aux=True)(x),
        "grad and value": lambda: f.grad_and_value(scalar, (0, 1))(x, y),
        "grad and value with aux": lambda: f.grad_and_value(lambda x: (square(x), x), has_aux=True)(x),
        "grad of nothing": lambda: grad(lambda x: tensor(1.0))(x),
        "grad captured": lambda: grad(lambda x: (x * w * x).sum())(x),
        "grad captured apart": lambda: grad(lambda x: (x * x + w).sum())(x),
        "grad and value captured apart": lambda: f.grad_and_value(lambda x: (x * x + w).sum())(x),
        "grad by a leaf": lambda: grad(square)(w),
        "grad by a leaf, linear": lambda: grad(lambda x: x.sum())(w),
        "grad through detach": lambda: grad(lambda x: (x.detach() * x).sum())(x),
        "grad through data": lambda: grad(lambda x: (x.data * x).sum())(x),
        "grad through autograd.grad": lambda: grad(
            lambda x: lib.autograd.grad(square(x), x, create_graph=True)[0].sum()
        )(x),
        "keywords": lambda: grad(lambda x, *, k: (x * k).sum())(x, k=y),
        # products
        "vjp": lambda: vjp(two, x, y)[1]({"p": ones(2, 2), "q": [tensor(2.0), y]}),
        "vjp's output": lambda: vjp(two, x, y)[0],
        "vjp of a tree": lambda: vjp(of_tree, tree)[1](tensor(3.0)),
        "vjp with aux": lambda: vjp(lambda x: (x, (x, [x])), x, has_aux=True)[2],
        "vjp by a leaf": lambda: vjp(lambda x: x * x, w)[1](x),
        "vjp of a cotangent with a history": lambda: vjp(lambda x: x * x, x)[1](w),
        "vjp of no arguments": lambda: vjp(lambda: x.sin())[0],
        "vjp through a cast": lambda: vjp(lambda x: x.double(), x)[1](ones(2, dtype=lib.float64)),
        "jvp": lambda: jvp(two, (x, y), (x, y)),
        "jvp of a tree": lambda: jvp(of_tree, (tree,), (tree,)),
        "jvp with aux": lambda: jvp(lambda x: (x * x, x), (x,), (x,), has_aux=True),
        "jvp of a constant": lambda: jvp(lambda x: (x, ones(2)), (x,), (x,)),
        "jvp of truth": lambda: jvp(lambda x: x > 1, (x,), (x,)),
        "jvp in place": lambda: jvp(lambda x: x.clone().mul_(3), (x,), (x,)),
        "linearize": lambda: f.linearize(lambda x: x.sin(), x)[1](x),
        # Jacobians
        "jacrev": lambda: jacrev(lambda x: x * x.sum())(x),
        "jacfwd": lambda: jacfwd(lambda x: x * x.sum())(x),
        "hessian": lambda: hessian(scalar, (0, 1))(x, y),
        "hessian of a tree": lambda: hessian(of_tree)(tree),
        "jacrev with aux": lambda: jacrev(lambda x: (x, x.sum()), has_aux=True)(x),
        "jacfwd with aux": lambda: jacfwd(lambda x: (x, x.sum()), has_aux=True)(x),
        "jacrev in chunks": lambda: jacrev(lambda x: x * x, chunk_size=1)(x),
        "jacfwd by a leaf": lambda: jacfwd(lambda x: x * x)(w),
        "jacrev by a leaf": lambda: jacrev(lambda x: x * x)(w),
        "jacfwd of all": lambda: jacfwd(scalar, argnums=None)(x, y),
        # the same of more elements, which go together
        "jacrev of six": lambda: jacrev(lambda x: x.outer(x)[:2] * x.sum())(six),
        "jacfwd of six": lambda: jacfwd(lambda x: x.outer(x)[:2] * x.sum())(six),
        "jacrev of six in chunks": lambda: jacrev(lambda x: (x * x.sum(), x), chunk_size=4)(six),
        "jacobians of a constant of six": lambda: [d(lambda x: ones(6))(six) for d in (jacrev, jacfwd)],
        "hessian of six": lambda: hessian(lambda x: (x[1:] - x[:-1] ** 2).pow(2).sum())(six),
        "hessian of a tree of six": lambda: hessian(lambda t: (t["a"] * t["b"][:, 0]).sum() ** 2)(
            {"a": six, "b": six[:, None]}
        ),
        "six with aux": lambda: [
            d(lambda x: (x * x, {"s": x.sum()}), has_aux=True)(six) for d in (jacrev, jacfwd)
        ],
        "six and a captured leaf": lambda: [d(lambda x: x * w.sum())(six) for d in (jacrev, jacfwd)],
        "six in a vmap": lambda: [
            f.vmap(d(lambda x: x * x.sum()))(lib.stack([six, -six])) for d in (jacrev, jacfwd)
        ],
        "gradient of six": lambda: [
            grad(lambda x, d=d: d(lambda x: x.sin())(x).sum())(six) for d in (jacrev, jacfwd)
        ],
        "draws of six": lambda: jacfwd(lambda x: x * lib.rand(6))(six),
        "no draws of six": lambda: jacfwd(lambda x: x * lib.zeros(6).bernoulli_(0.0), randomness="same")(six),
        "a value of six": lambda: jacfwd(lambda x: x * x.sum().item())(six),
        "a branch of six": lambda: jacfwd(lambda x: x * 2 if x.sum() > 0 else x)(six),
        # wrong
        "integers": lambda: grad(lambda x: x.sum())(tensor([1, 2])),
        "integers in a tree": lambda: grad(lambda t: t["a"].sum())({"a": x, "b": tensor(1)}),
        "integers, jvp": lambda: jvp(lambda x: x, (tensor([1]),), (tensor([1]),)),
        "integers, jacrev": lambda: jacrev(lambda x: x)(tensor([1, 2])),
        "integers, jacfwd": lambda: jacfwd(lambda x: x)(tensor([1, 2])),
        "a number": lambda: grad(lambda x: x.sum())(3.0),
        "a number, vjp": lambda: vjp(lambda x: x, 3),
        "None": lambda: grad(lambda x: x.sum())(None),
        "None in a tree": lambda: grad(lambda t: t["a"].sum())({"a": x, "b": None}),
        "returns a number": lambda: grad(lambda x: 3.0)(x),
        "returns item()": lambda: grad(lambda x: x.item())(x[0]),
        "returns a vector": lambda: grad(lambda x: x)(x),
        "returns one element": lambda: grad(lambda x: x[:1])(x),
        "returns a tuple": lambda: grad(lambda x: (x.sum(),))(x),
        "returns integers": lambda: grad(lambda x: x.sum().long())(x),
        "no aux": lambda: grad(lambda x: x.sum(), has_aux=True)(x),
        "no aux, vjp": lambda: vjp(lambda x: x.sum(), x, has_aux=True),
        "no aux, jvp": lambda: jvp(lambda x: x.sum(), (x,), (x,), has_aux=True),
        "vjp of None": lambda: vjp(lambda x: None, x),
        "vjp of ()": lambda: vjp(lambda x: (), x),
        "vjp of 3": lambda: vjp(lambda x: 3, x),
        "vjp of truth": lambda: vjp(lambda x: x > 0, x),
        "jvp of 3": lambda: jvp(lambda x: 3, (x,), (x,)),
        "jvp of None": lambda: jvp(lambda x: None, (x,), (x,)),
        "jacrev of 3": lambda: jacrev(lambda x: 3)(x),
        "jacfwd of 3": lambda: jacfwd(lambda x: 3)(x),
        "cotangent of another shape": lambda: vjp(lambda x: x, x)[1](ones(3)),
        "cotangent in a tuple": lambda: vjp(lambda x: x, x)[1]((x,)),
        "cotangent, a number": lambda: vjp(lambda x: x, x)[1](3.0),
        "cotangents of another dtype": lambda: [
            vjp(g, x)[1](c) for g in (lambda x: x, lambda x: x * x) for c in (x.double(), x.long())
        ],
        "a complex cotangent": lambda: vjp(lambda x: x, x)[1](x * 1j),
        "a complex cotangent, recorded": lambda: vjp(lambda x: x * x, x)[1](x * 1j),
        "too many cotangents": lambda: vjp(lambda x: (x, x), x)[1]((x, x, x)),
        "no cotangent": lambda: vjp(lambda x: x, x)[1](None),
        "primals, a tensor": lambda: jvp(lambda x: x, x, x),
        "tangents, a tensor": lambda: jvp(lambda x: x, (x,), x),
        "tangents, a number": lambda: jvp(lambda x: x, (x,), (3.0,)),
        "no primals": lambda: jvp(lambda: x, (), ()),
        "tangent of another shape": lambda: jvp(lambda x: x, (x,), (ones(3),)),
        "strict": lambda: jvp(lambda x: ones(2), (x,), (x,), strict=True),
        "linearize, a tuple": lambda: f.linearize(lambda x: x.sin(), x)[1]((x,)),
        "linearize, another shape": lambda: f.linearize(lambda x: x.sin(), x)[1](ones(3)),
        "linearize, another dtype": lambda: f.linearize(lambda x: x.sin(), x)[1](ones(2, dtype=lib.float64)),
        "chunks of 0": lambda: jacrev(lambda x: x, chunk_size=0),
        "in place": lambda: grad(lambda x: x.add_(1).sum())(x),
        "in place, through a view": lambda: grad(lambda x: x[0].mul_(2))(x),
        "in place, nested": lambda: grad(lambda x: grad(lambda y: y.mul_(2).sum())(x).sum())(x),
        "in place, vjp": lambda: vjp(lambda x: x.add_(1), x),
        "after writing in place": lambda: x,
        # modules
        "a name that a module lacks": lambda: f.functional_call(net, {"slope": x, "0.slope": x}, (x,)),
        "a module that a module lacks": lambda: f.functional_call(net, {"7.weight": x}, (x,)),
        "a name below a parameter": lambda: f.functional_call(net, {"0.weight.slope": x}, (x,)),
        "a name below nothing": lambda: f.functional_call(net, {"slope.weight": x}, (x,)),
        "a module by name": lambda: f.functional_call(net, {"0": x}, (x,)),
        "a module by a name behind a dot": lambda: f.functional_call(net, {".0": x}, (x,)),
        "a dot": lambda: f.functional_call(net, {".": x}, (x,)),
        "a name that ends in a dot": lambda: f.functional_call(net, {"0.": x}, (x,)),
        "no name": lambda: f.functional_call(net, {"": x}, (x,)),
        "a number for a name": lambda: f.functional_call(net, {0: x}, (x,)),
        "None for a bias": lambda: f.functional_call(net, {"0.bias": None}, (x,)),
        "an array for a bias": lambda: f.functional_call(net, {"0.bias": x.numpy()}, (x,)),
        "models that are none": lambda: f.stack_module_state([1, 2]),
        "a number for a weight": lambda: f.functional_call(net, {"0.weight": 3}, (x,)),
        "no dictionary": lambda: f.functional_call(net, 3, (x,)),
        "a common name": lambda: f.functional_call(net, [{"0.bias": x}, {"0.bias": x}], (x,)),
        "strict, names missing": lambda: f.functional_call(net, {"0.bias": x}, (x,), strict=True),
        # inside of a vmap
        "vmap, in_dims of another length": lambda: f.vmap(lambda a, b: a + b, in_dims=(0,))(x, x),
        "vmap, in_dims of a number": lambda: f.vmap(lambda a, b: a * b, in_dims=(0, 0))(x, 2),
        "vmap, no dimension": lambda: f.vmap(lambda a: a, in_dims=None)(x),
        "vmap, in_dims too far": lambda: f.vmap(lambda a: a, in_dims=1)(x),
        "vmap, out_dims too far": lambda: f.vmap(lambda a: a, out_dims=3)(x),
        "vmap, out_dims of another tree": lambda: f.vmap(lambda a: (a, a), out_dims=(0, 0, 0))(x),
        "vmap, different sizes": lambda: f.vmap(lambda a, b: a + b)(x, ones(3)),
        "vmap, returns None": lambda: f.vmap(lambda a: None)(x),
        "vmap, returns a word": lambda: f.vmap(lambda a: (a, "s"))(x),
        "vmap, chunks of 0": lambda: f.vmap(lambda a: a, chunk_size=0)(x),
        "vmap, draws": lambda: f.vmap(lambda a: a + lib.rand(1))(x),
        "vmap, randomness": lambda: f.vmap(lambda a: a, randomness="some")(x),
    }
    for argnums in (1, (0, 0), (), [0], -2, "x", None):
        found[f"argnums={argnums!r}"] = lambda a=argnums: grad(lambda x: x.sum(), argnums=a)(x)
    for a, b in itertools.product((grad, jacrev, jacfwd), repeat=2):
        name = f"{a.__name__} of {b.__name__}"
        found[name] = lambda a=a, b=b: a(lambda x: b(lambda x: (x**3).sum() * x.sum())(x).sum())(x)
        found[f"{name} by a leaf"] = lambda a=a, b=b: a(lambda x: b(lambda x: (x**3).sum())(x).sum())(w)
        found[f"{name}, no_grad"] = lambda name=name: _under(lib.no_grad(), found[name])
    return found


def _under(mode, program):
    with mode:
        return program()
