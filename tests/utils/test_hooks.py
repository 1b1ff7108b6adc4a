"""utils.hooks: what is said of hooks that a file does not keep."""

import pytest

import pullback as pb
from pullback.utils.hooks import RemovableHandle, unserializable_hook, warn_if_has_hooks


@pytest.mark.filterwarnings("error")
def test_hooks_that_would_be_lost_are_named():
    x = pb.ones(2, requires_grad=True)
    warn_if_has_hooks(x)  # none
    warn_if_has_hooks(pb.ones(2))

    def double(grad):
        return grad * 2

    handle = x.register_hook(double)
    assert isinstance(handle, RemovableHandle)
    with pytest.warns(UserWarning, match="backward hook .*double.* on tensor will not be serialized"):
        warn_if_has_hooks(x)
    handle.remove()
    x.register_hook(unserializable_hook(double))
    warn_if_has_hooks(x)
