"""Complex numbers beside PyTorch's: values, gradients, dtypes, names of nodes, printing, random numbers, messages."""

import numpy as np
import pytest

import pullback as pb

torch = pytest.importorskip("torch", reason="PyTorch is not installed: complex numbers are checked by NumPy alone")
