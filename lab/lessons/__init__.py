"""Lessons about TCP: a page, an experiment in virtual time, three predictions (docs/lessons/README.md).

A lesson consists of three files with one name: ``docs/lessons/01-handshake.md`` is the text,
``examples/lessons/01-handshake.toml`` the scenario, ``lab/lessons/lesson_01.py`` says what is measured in its
runs and what is asked. Every number in the text is a measure; ``lab.lessons.page`` fills them in, and a test
compares.
"""
