"""What a student begins with: one file for each exercise, whose class is the interface that the stack plugs
in. ``netstack exercise NAME`` hands a copy out.
"""
