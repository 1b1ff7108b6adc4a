"""Families whose mean and mode are where they lie."""


class Located:
    """What is symmetric about `loc`, and has a mean."""

    @property
    def mean(self):
        return self.loc

    @property
    def mode(self):
        return self.loc
