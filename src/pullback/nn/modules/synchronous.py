"""Batch normalisation over several processes, of which there is one: as in PyTorch without `torch.distributed`."""

from .normalization import _BatchNorm


class SyncBatchNorm(_BatchNorm):
    """`nn.functional.batch_norm` of (N, C, ...): over all processes of a group, of which pullback has one.

    `process_group` is kept and not looked at. Raises ValueError for less than two dimensions, and for no channels.

    Example:
        >>> net = pb.nn.Sequential(pb.nn.Linear(2, 3), pb.nn.BatchNorm1d(3))
        >>> pb.nn.SyncBatchNorm.convert_sync_batchnorm(net)[1]
        SyncBatchNorm(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """

    def __init__(
        self,
        num_features,
        eps=1e-05,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        process_group=None,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input):
        if input.ndim < 2:
            raise ValueError(f"expected at least 2D input (got {input.ndim}D input)")
        if input.shape[1] == 0:
            raise ValueError("SyncBatchNorm number of input channels should be non-zero")

    @classmethod
    def convert_sync_batchnorm(cls, module, process_group=None):
        """The module with a SyncBatchNorm in the place of each BatchNorm below it, which has its parameters and buffers.

        Example:
            >>> norm = pb.nn.BatchNorm2d(3)
            >>> pb.nn.SyncBatchNorm.convert_sync_batchnorm(norm).weight is norm.weight
            True
        """
        made = module
        if isinstance(module, _BatchNorm):
            made = SyncBatchNorm(
                module.num_features,
                module.eps,
                module.momentum,
                module.affine,
                module.track_running_stats,
                process_group,
                bias=module.bias is not None,
            )
            if module.affine:
                made.weight, made.bias = module.weight, module.bias
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                setattr(made, name, getattr(module, name))
            made.training = module.training
        for name, child in module.named_children():
            made.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return made


__all__ = ["SyncBatchNorm"]
