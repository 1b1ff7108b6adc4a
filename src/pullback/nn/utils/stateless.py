"""`functional_call` under its older name."""

__all__ = ["functional_call"]


def functional_call(
    module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights=True, strict=False
):
    """`func.functional_call`, at whose older name PyTorch warns.

    Example:
        >>> w = {"weight": pb.ones(1, 2), "bias": pb.zeros(1)}
        >>> pb.nn.utils.stateless.functional_call(pb.nn.Linear(2, 1), w, (pb.ones(2),))
        tensor([2.])
    """
    import warnings

    from ...func.modules import functional_call

    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a future version of "
        "PyTorch. Please use `torch.func.functional_call` instead which is a drop-in replacement.",
        FutureWarning,
        stacklevel=2,
    )
    return functional_call(
        module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict
    )
