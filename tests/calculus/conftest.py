"""The table is tested without a core: its programs are data, run here by NumPy (interpreter.py)."""

import pytest


@pytest.fixture(autouse=True)
def _state_as_it_was():
    """Nothing here changes a default, so there is none to put back."""
    yield
