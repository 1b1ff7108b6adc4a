"""An entry of the tables of known differences."""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Known:
    calls: str  # a pattern of calls
    kinds: str  # a pattern of what differs
    reason: str
    evidence: str = ""  # over torch, np and scipy.special: true while PyTorch is wrong
    changed: str = ""  # a pattern of what was drawn: only in such samples
    said: str = ""  # a pattern of what pullback, or PyTorch, said or gave
    undecided: bool = False  # only where differences of values do not say who is right

    def covers(self, sample, difference):
        return (
            re.search(self.calls, sample.call) is not None
            and re.fullmatch(self.kinds, difference.kind) is not None
            and (not self.changed or any(re.fullmatch(self.changed, each) for each in sample.changed))
            and re.search(self.said, f"{difference.ours}; {difference.theirs}") is not None
            and (not self.undecided or difference.right in ("nobody knows", "both"))
        )


BESSEL = r"airy_ai|bessel_[jy]|modified_bessel|spherical_bessel"
DERIVED = "gradient|second|tangent"
