"""Print the requirements of the named extras of pyproject.toml: they install without the project itself."""

import pathlib
import re
import sys

# Python 3.10 has no tomllib; these tables are plain lists of strings.
text = (pathlib.Path(__file__).parent.parent / "pyproject.toml").read_text()
extras = text.split("[project.optional-dependencies]")[1].split("\n[")[0]
for name in sys.argv[1:]:
    row = re.search(rf"^{name} = \[(.*?)\]", extras, re.M | re.S).group(1)
    print(" ".join(re.findall(r'"([^"]+)"', row)))
