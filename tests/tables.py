"""Tables of calls: texts of many lines, where ` ; ` and ends of lines separate one call from the next."""


def calls(text):
    """The calls of a table."""
    return [call for line in text.strip().splitlines() for call in line.strip(" ;").split(" ; ")]
