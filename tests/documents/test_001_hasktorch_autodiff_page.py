"""The same page of Hasktorch's tutorial as it was published, in Python.

Its examples are those of the other copy; here each line stands where the page has it, one session from top to
bottom, and the derivative is checked against finite differences besides.
"""

import pullback as pb
from pullback.independent import grad, make_independent, requires_grad, show, to_dependent


def test_the_session(capsys):
    def shown(value):
        show(value)
        return capsys.readouterr().out.rstrip("\n")

    x = pb.tensor([1.0, 2.0, 3.0])
    y = make_independent(pb.tensor([4.0, 5.0, 6.0]))
    y_ = to_dependent(y)
    z = x + y_
    assert (shown(requires_grad(x)), shown(requires_grad(y_)), shown(requires_grad(z))) == (
        "False",
        "True",
        "True",
    )

    a = make_independent(pb.ones(2, 2))
    a_ = to_dependent(a)
    assert shown(a_) == "Tensor Float [2,2] [[ 1.0000 , 1.0000 ],\n[ 1.0000 , 1.0000 ]]"
    b = a_ + 2
    assert shown(b) == "Tensor Float [2,2] [[ 3.0000 , 3.0000 ],\n[ 3.0000 , 3.0000 ]]"
    assert shown(requires_grad(b)) == "True"
    c = b * b * 3
    out = c.mean()
    assert shown(c) == "Tensor Float [2,2] [[ 27.0000 , 27.0000 ],\n[ 27.0000 , 27.0000 ]]"
    assert shown(grad(out, [a])) == "[ Tensor Float [2,2] [[ 4.5000 , 4.5000 ],\n[ 4.5000 , 4.5000 ]]]"


def test_the_gradient_is_the_limit_of_differences():
    start = pb.ones(2, 2, dtype=pb.float64)
    a = make_independent(start)

    def f(value):
        b = value + 2
        return (b * b * 3).mean()

    (gradient,) = grad(f(to_dependent(a)), [a])
    step = 1e-5
    for i in range(2):
        for j in range(2):
            shift = pb.zeros(2, 2, dtype=pb.float64)
            shift[i, j] = step
            slope = (f(start + shift) - f(start - shift)).item() / (2 * step)
            assert abs(gradient[i, j].item() - slope) < 1e-8
