"""no_grad, enable_grad, set_grad_enabled, inference_mode: as context managers and as decorators."""

from parity import caught, leaf, program


@program
def modes_nested(m):
    out = [m.is_grad_enabled()]
    with m.no_grad():
        out.append(m.is_grad_enabled())
        with m.enable_grad():
            out.append(m.is_grad_enabled())
            with m.set_grad_enabled(False):
                out.append(m.is_grad_enabled())
            out.append(m.is_grad_enabled())
        out.append(m.is_grad_enabled())
    out.append(m.is_grad_enabled())
    return out


@program
def modes_one_instance_entered_twice(m):
    quiet = m.no_grad()
    out = []
    for _ in range(2):
        with quiet:
            out.append(m.is_grad_enabled())
        out.append(m.is_grad_enabled())
    return out


@program
def modes_as_functions(m):
    out = []
    m.set_grad_enabled(False)
    out.append(m.is_grad_enabled())
    m.set_grad_enabled(True)
    out.append(m.is_grad_enabled())
    switch = m.set_grad_enabled(False)
    out.append(m.is_grad_enabled())
    with switch:
        out.append(m.is_grad_enabled())
    out.append(m.is_grad_enabled())
    m.set_grad_enabled(True)
    return out


@program
def modes_decorators(m):
    x = leaf(m)

    @m.no_grad()
    def a():
        return (x * 2).requires_grad

    @m.no_grad
    def b():
        return (x * 2).requires_grad

    @m.enable_grad()
    def c(t):
        "words"
        return (t * 2).requires_grad

    @m.inference_mode()
    def d():
        return (x * 2).requires_grad, m.is_inference_mode_enabled()

    @m.inference_mode
    def e():
        return (x * 2).requires_grad, m.is_inference_mode_enabled()

    @m.set_grad_enabled(False)
    def f():
        return m.is_grad_enabled()

    out = [a(), b(), c(x), d(), e(), f(), m.is_grad_enabled(), a.__name__, c.__doc__]
    with m.no_grad():
        out.append(c(x))
    return out


@program
def modes_decorate_methods(m):
    class Model:
        @m.no_grad()
        def method(self, x, scale=2):
            return (x * scale).requires_grad, m.is_grad_enabled()

        @staticmethod
        @m.no_grad()
        def static():
            return m.is_grad_enabled()

        @classmethod
        @m.no_grad()
        def of_class(cls):
            return cls.__name__, m.is_grad_enabled()

    return Model().method(leaf(m), scale=3), Model.static(), Model.of_class(), m.is_grad_enabled()


@program
def modes_recursive_decorated(m):
    @m.no_grad()
    def down(n):
        return [m.is_grad_enabled()] + (down(n - 1) if n else [])

    return down(3), m.is_grad_enabled()


@program
def modes_error_inside_restores(m):
    def fails():
        with m.no_grad():
            raise ValueError("x")

    @m.no_grad()
    def fails_too():
        raise ValueError("x")

    return caught(fails), m.is_grad_enabled(), caught(fails_too), m.is_grad_enabled()


@program
def modes_generators(m):
    log = []

    @m.no_grad()
    def numbers():
        log.append(m.is_grad_enabled())
        try:
            got = yield 1
            log.append((got, m.is_grad_enabled()))
            try:
                yield 2
            except KeyError:
                log.append(("caught", m.is_grad_enabled()))
            yield 3
        finally:
            log.append(("closed", m.is_grad_enabled()))
        return 4

    g = numbers()
    log.append(next(g))
    log.append(m.is_grad_enabled())
    log.append(g.send("hello"))
    log.append(m.is_grad_enabled())
    log.append(g.throw(KeyError("k")))
    g.close()
    log.append(m.is_grad_enabled())

    def delegates():
        result = yield from numbers()
        log.append(("returned", result))

    log.append(list(delegates()))
    return log


@program
def modes_generator_with_enable(m):
    @m.enable_grad()
    def flags():
        for _ in range(3):
            yield m.is_grad_enabled()

    with m.no_grad():
        out = []
        for flag in flags():
            out.append((flag, m.is_grad_enabled()))
    return out


@program
def modes_leaf_made_under_no_grad(m):
    with m.no_grad():
        x = m.zeros(2, requires_grad=True)
        y = x * 2
    z = x * 2
    return x.requires_grad, y.requires_grad, z.requires_grad


@program
def modes_write_leaf_under_no_grad(m):
    x = leaf(m)
    y = x * x
    with m.no_grad():
        x.add_(1)
        x -= 0.5
    return x, x._version, caught(y.sum().backward)


@program
def inference_tensors(m):
    x = leaf(m)
    with m.inference_mode():
        y = x * 2
        z = m.ones(2)
        z.add_(1)
        v = x.view(1, 2)
        flags = [y.is_inference(), z.is_inference(), v.is_inference(), x.is_inference(), y.requires_grad]
    return flags + [
        caught(lambda: y._version),
        caught(y.add_, 1),
        caught(lambda: x * z),
        caught(lambda: (z * 2).requires_grad),
        caught(z.requires_grad_),
        caught(lambda: x + z),
        (z * 2).is_inference(),
        z.clone().is_inference(),
        caught(lambda: (x * z.clone()).sum().backward()),
        z.view(1, 2).is_inference(),
        z.detach().is_inference(),
    ]


@program
def inference_nested(m):
    out = []
    with m.inference_mode():
        out.append((m.is_inference_mode_enabled(), m.is_grad_enabled()))
        with m.inference_mode(False):
            out.append((m.is_inference_mode_enabled(), m.is_grad_enabled()))
        with m.enable_grad():
            out.append((m.is_inference_mode_enabled(), m.is_grad_enabled()))
            y = leaf(m) * 2
            out.append(y.requires_grad)
    with m.no_grad(), m.inference_mode(False):
        out.append((m.is_inference_mode_enabled(), m.is_grad_enabled()))
    out.append((m.is_inference_mode_enabled(), m.is_grad_enabled()))
    return out


@program
def inference_normal_tensor_written_inside(m):
    x = m.zeros(2)
    with m.inference_mode():
        x.add_(1)
        v = x[:1]
        v.add_(1)
    return x, x._version, v.is_inference()


@program
def modes_backward_under_no_grad(m):
    x = leaf(m)
    y = (x * x).sum()
    with m.no_grad():
        y.backward()
    return x.grad


@program
def modes_decorated_class(m):
    import warnings

    def go():
        @m.no_grad()
        class Thing:
            def __init__(self):
                self.on = m.is_grad_enabled()

        return Thing().on

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return go()


@program
def multithreading_of_backward(m):
    A = m.autograd
    seen = [A.is_multithreading_enabled()]
    with A.set_multithreading_enabled(False):
        seen.append(A.is_multithreading_enabled())
        (m.ones(2, requires_grad=True) * 2).sum().backward()
    seen.append(A.is_multithreading_enabled())
    A.set_multithreading_enabled(False)
    seen.append(A.is_multithreading_enabled())
    A.set_multithreading_enabled(True)
    return seen
