"""The arguments of functions that make tensors, sorted out of those of a module."""

__all__ = ["factory_kwargs"]

_KNOWN = ("device", "dtype", "memory_format")


def factory_kwargs(kwargs):
    """What of `kwargs` a function such as `empty` takes: device, dtype and memory_format, there or under "factory_kwargs".

    Raises TypeError for other names, and for one that is given in both places.

    Example:
        >>> pb.nn.factory_kwargs({"dtype": pb.float64, "factory_kwargs": {"device": "cpu"}})
        {'device': 'cpu', 'dtype': pullback.float64}
    """
    if kwargs is None:
        return {}
    if unknown := kwargs.keys() - {*_KNOWN, "factory_kwargs"}:
        raise TypeError(f"unexpected kwargs {unknown}")
    made = dict(kwargs.get("factory_kwargs", {}))
    for name in _KNOWN:
        if name in kwargs:
            if name in made:
                raise TypeError(f"{name} specified twice, in **kwargs and in factory_kwargs")
            made[name] = kwargs[name]
    return made
