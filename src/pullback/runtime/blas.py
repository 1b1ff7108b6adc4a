"""Finding the BLAS library for matrix products: OpenBLAS, from the wheel `scipy-openblas32`.

The core asks for the path when it is needed for the first time. `PULLBACK_OPENBLAS` in the environment names
another build of OpenBLAS, for machines that the wheel does not exist for.
"""

import importlib.util
import os
from pathlib import Path

__all__ = ["library_path"]


def library_path():
    """The path of the OpenBLAS library.

    Raises:
        ImportError: the package is not installed, or has no library.

    Example:
        >>> from pullback.runtime.blas import library_path
        >>> import os
        >>> os.path.exists(library_path())
        True
    """
    chosen = os.environ.get("PULLBACK_OPENBLAS")
    if chosen:
        return chosen
    # The package is looked up, not imported: its own import reads metadata and costs milliseconds.
    found = importlib.util.find_spec("scipy_openblas32")
    for folder in (found and found.submodule_search_locations) or ():
        for library in sorted(Path(folder, "lib").glob("libscipy_openblas*")):
            if library.suffix in (".so", ".dylib"):
                return str(library)
    raise ImportError(
        "matrix products need the package scipy-openblas32, which is not installed. "
        "Install it with `pip install scipy-openblas32`, or name an OpenBLAS in PULLBACK_OPENBLAS."
    )
