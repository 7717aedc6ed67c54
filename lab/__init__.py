"""The workbench around the stack: the command line ``netstack`` and what its commands are made of.

Imports go from here to ``usocket``, ``tap`` and ``netstack``, never back.
"""

__version__ = "0.1.0"  # the distribution takes its version from here (pyproject.toml)
