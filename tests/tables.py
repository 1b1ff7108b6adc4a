"""Tables of calls: texts of many lines, where `; ` or ` ; ` and ends of lines separate one call from the next."""

import re


def calls(text):
    """The calls of a table."""
    return [call for line in text.strip().splitlines() for call in re.split(r" *; +", line.strip(" ;"))]
