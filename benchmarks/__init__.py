"""The same work on pullback and on every peer that is installed, in one run."""
