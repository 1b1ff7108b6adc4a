"""The description on PyPI: README.md, whose links to other pages of the sources become their names.

scikit-build-core asks for it (pyproject.toml, metadata.readme).
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent


def describe(text):
    """The text without links that lead nowhere from another site: what is linked, and the file it is in."""
    return re.sub(r"\[([^\]]+)\]\((?!https?:)([^)#]+)[^)]*\)", r"\1 (`\2` in the sources)", text)


def dynamic_metadata(field, settings=None, project=None):
    return {"content-type": "text/markdown", "text": describe((ROOT / "README.md").read_text())}
