"""What optimisers and modules do to the gradients of their parameters."""


def zero_gradient(leaf):
    """Make the gradient of a leaf zeros where it lies, without the history that it may have."""
    gradient = leaf.grad
    if gradient.grad_fn is not None:
        gradient.detach_()
    else:
        gradient.requires_grad_(False)
    gradient.zero_()
