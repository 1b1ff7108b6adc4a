"""The parts of a `DataLoader`, in PyTorch's places: making batches, fetching samples, what runs in a worker."""

from . import collate, fetch, worker
from .errors import ExceptionWrapper

MP_STATUS_CHECK_INTERVAL = worker.STATUS_CHECK_INTERVAL

__all__ = ["MP_STATUS_CHECK_INTERVAL", "ExceptionWrapper", "collate", "fetch", "worker"]
