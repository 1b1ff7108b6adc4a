"""Documentation that is written when somebody reads it, so that importing the package writes none."""


class Written:
    """An attribute of instances that `write(instance)` gives; the class itself has `of_class`, or without it none.

    It is no data descriptor: what an instance keeps under the same name goes before it.
    """

    __slots__ = ("of_class", "write")

    def __init__(self, write, of_class=...):
        self.write = write
        self.of_class = of_class

    def __get__(self, instance, owner):
        if instance is not None:
            return self.write(instance)
        if self.of_class is ...:
            raise AttributeError(f"{owner.__name__} itself has none; its instances do")
        return self.of_class
