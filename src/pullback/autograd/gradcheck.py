"""Checking derivatives against differences: `gradcheck`, `gradgradcheck`. What they do is in numerical.py."""

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """What `gradcheck` and `gradgradcheck` raise for a derivative that is not the one of its function.

    Example:
        >>> from pullback.autograd.gradcheck import GradcheckError, gradcheck
        >>> x = pb.tensor([1.0], dtype=pb.float64, requires_grad=True)
        >>> try:
        ...     gradcheck(lambda x: x.detach() * x, x)
        ... except GradcheckError as error:
        ...     print(str(error).splitlines()[0])
        Jacobian mismatch for output 0 with respect to input 0,
    """


def gradcheck(
    func,
    inputs,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_batched_forward_grad=False,
    check_forward_ad=False,
    check_backward_ad=True,
    fast_mode=False,
    masked=None,
    check_all_nestings=False,
):
    """Compare the derivatives of `func` with central differences of its values.

    Args:
        func: takes the inputs, and returns a tensor or a tuple of them.
        inputs: a tensor or a tuple; those that require grad are checked. They should be float64, and not overlap
            themselves. They are checked as they lie in memory: give strided ones to check those.
        eps: the step of the differences.
        atol, rtol: a derivative may differ from its difference by ``atol + rtol * |difference|``.
        raise_exception: raise what is wrong, instead of returning False.
        nondet_tol: how far two runs of one backward pass may differ.
        check_undefined_grad: see that outputs without a gradient are taken as if it were zero.
        check_grad_dtypes: see that gradients have the dtypes of their inputs.
        check_batched_grad: see that gradients of a batch of cotangents are those of each one.
        check_batched_forward_grad: the same of tangents, through `vmap`.
        check_forward_ad: check forward mode.
        check_backward_ad: check reverse mode.
        fast_mode: check one random combination of rows and columns of each Jacobian.
        masked: for sparse tensors, which are not there.
        check_all_nestings: also check second derivatives by reverse over reverse, forward over reverse, reverse over
            forward and forward over forward, along random directions, against differences of first derivatives.

    Returns:
        True, or False where something is wrong and `raise_exception` is False.

    Raises:
        GradcheckError: a derivative is wrong; the text shows both Jacobians.
        ValueError: no input requires grad. RuntimeError: an input has a stride of 0.
        AssertionError: options that exclude each other.

    Example:
        >>> x = pb.tensor([0.5, 1.0], dtype=pb.float64, requires_grad=True)
        >>> pb.autograd.gradcheck(lambda x: x.sin() * x, x, check_forward_ad=True, check_all_nestings=True)
        True
        >>> class Wrong(pb.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return x * 2
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         return grad * 2.1
        >>> pb.autograd.gradcheck(Wrong.apply, x, raise_exception=False)
        False
    """
    options = dict(locals())
    from .numerical import check

    return check(**options)


def gradgradcheck(
    func,
    inputs,
    grad_outputs=None,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    gen_non_contig_grad_outputs=False,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_fwd_over_rev=False,
    check_rev_over_rev=True,
    fast_mode=False,
    masked=False,
):
    """Compare the derivatives of the gradients of `func` with central differences of the gradients.

    Args:
        func, inputs, eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes,
            check_batched_grad, fast_mode, masked: as for `gradcheck`.
        grad_outputs: the cotangents of the outputs, by which gradients are differentiated, too; random ones if left out.
        gen_non_contig_grad_outputs: make the random ones strided.
        check_fwd_over_rev: check forward mode over reverse mode.
        check_rev_over_rev: check reverse mode over reverse mode.

    Returns and raises as `gradcheck`: GradcheckError, ValueError, RuntimeError, AssertionError.

    Example:
        >>> x = pb.tensor([0.5, 1.0], dtype=pb.float64, requires_grad=True)
        >>> pb.autograd.gradgradcheck(lambda x: x.sin() * x, x)
        True
    """
    options = dict(locals())
    from .numerical import check_second

    return check_second(**options)
