"""Found by the random programs: histories of views whose base was written through another view."""

import numpy as np
import pytest

import pullback as pb


@pytest.mark.parametrize("read", [lambda u: u.sum(), lambda u: (u * 1).sum(), lambda u: u.exp().sum()])
def test_a_sibling_of_the_view_that_was_written_reaches_the_leaf(read):
    """Its node is made after the node that reads it has begun, and still is the older one."""
    x = pb.tensor(np.array([0.5, 0.7]), requires_grad=True)
    base = x * 1
    sibling, written = base.unsqueeze(0), base[:1]
    written.sin_()
    (g,) = pb.autograd.grad(read(sibling), x)
    values = np.array([np.sin(0.5), 0.7])
    outer = 1 if read(pb.tensor([0.0])).item() == 0 else np.exp(values)
    np.testing.assert_allclose(g.numpy(), outer * np.array([np.cos(0.5), 1.0]), rtol=1e-14)
