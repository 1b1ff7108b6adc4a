"""Modules over several devices, of which there is none: `DataParallel` calls its module, as in PyTorch for the CPU."""

from ...messages.missing import missing
from ..modules.module import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]


class DataParallel(Module):
    """A module that shares each batch between devices. There is none, and `module` gets all of it.

    Args:
        module: the module, whose state has names that begin with ``module.``.
        device_ids, output_device, dim: which devices, and along which dimension of the batch; they change nothing.

    Example:
        >>> net = pb.nn.DataParallel(pb.nn.Linear(2, 1))
        >>> list(net.state_dict())
        ['module.weight', 'module.bias']
        >>> net(pb.ones(3, 2)).shape
        pullback.Size([3, 1])
    """

    def __init__(self, module, device_ids=None, output_device=None, dim=0):
        super().__init__()
        self.module = module
        self.device_ids = []

    def forward(self, *inputs, **kwargs):
        """What the module gives."""
        return self.module(*inputs, **kwargs)


def data_parallel(module, inputs, device_ids=None, output_device=None, dim=0, module_kwargs=None):
    """What a module gives of inputs, a tensor or a tuple of arguments: `DataParallel` as a function.

    Example:
        >>> pb.nn.parallel.data_parallel(pb.nn.Identity(), pb.ones(2))
        tensor([1., 1.])
    """
    if not isinstance(inputs, tuple):
        inputs = (inputs,) if inputs is not None else ()
    return module(*inputs, **(module_kwargs or {}))


class DistributedDataParallel(Module):
    """A module that shares each batch between processes. There is one: making it raises ValueError.

    Example:
        >>> pb.nn.parallel.DistributedDataParallel(pb.nn.Linear(2, 1))
        Traceback (most recent call last):
            ...
        ValueError: Default process group has not been initialized, please make sure to call init_process_group. ...
    """

    def __init__(
        self,
        module,
        device_ids=None,
        output_device=None,
        dim=0,
        broadcast_buffers=None,
        init_sync=True,
        process_group=None,
        bucket_cap_mb=None,
        find_unused_parameters=False,
        check_reduction=False,
        gradient_as_bucket_view=False,
        static_graph=False,
    ):
        raise ValueError(
            "Default process group has not been initialized, please make sure to call init_process_group. pullback runs in "
            "one process: call the module itself."
        )


def __getattr__(name):
    raise missing(__name__, name)
