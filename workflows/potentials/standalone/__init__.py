"""What a process with nothing but ASE and a potential runs: no other part of dualion is there.

The modules of this folder import the standard library, numpy and each other, and what a potential
needs where it is made. They run in dualion's own process and, through ``serve``, in the process of
another Python environment.
"""
