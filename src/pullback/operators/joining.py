"""Joining, repeating and rearranging."""
