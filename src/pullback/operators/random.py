"""Random numbers."""

from .declare import operator


@operator(method=False)
def rand(
    *size,
    generator=None,
    out=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """Uniform numbers."""


@operator(method=False)
def randn(
    *size,
    generator=None,
    out=None,
    dtype=None,
    layout=None,
    device=None,
    pin_memory=False,
    requires_grad=False,
):
    """Normal numbers."""


@operator(method=False)
def manual_seed(seed):
    """Seed."""
