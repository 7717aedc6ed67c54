"""Exam sheets: questions with answers, each from a real run of the stack in virtual time.

``kinds`` are the questions, played on a ``scene``; ``sheet`` draws some of them with numbers from a seed;
``page`` makes HTML and text of it.
"""
