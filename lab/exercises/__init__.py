"""Exercises with a grader: a student writes one part of TCP, the stack plugs it in, tests play with it.

``starters`` are the interfaces and what a student begins with; ``reassembly``, ``rto``, ``congestion`` and
``window`` each hold the plug (``netstack.tcp.parts``), the rules and the tests of one exercise. ``grade``
runs them in processes of their own (``worker``).
"""
