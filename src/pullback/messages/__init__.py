"""What errors say beyond their first sentence: cause and cure. But for `missing`, which the package hangs into its
modules, it is loaded by errors only."""
