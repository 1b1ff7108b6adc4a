"""What `pb.compile` gives: functions that are called without Python, where it is known that nothing else can come of it.

A function is *read*, not watched: its source, verified to be what its code was compiled from, is interpreted (interpreter.py)
by rules that know every construct they meet, every type and every function. What they do not know refuses the function, which
then runs as ever. So what is replayed is known by what its code may do. All that comes from outside is read through the guard
(guards.py), which notes what it was; each operator that is called is noted (recording.py); and nothing that the function
does may change what is outside, so that reading it is no call of it.

Start at compiled.py.
"""

from .compiled import Controller, controllers

__all__ = ["Controller", "controllers"]
