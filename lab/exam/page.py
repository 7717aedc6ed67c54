"""A sheet as one HTML page for A4 paper, and as text. Answers begin on a page of their own."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from html import escape

from lab.exam.scene import Question
from lab.exam.sheet import Sheet

WIDTH = 96  # columns of text
RULES = 4  # lines to write on

CSS = """
@page { size: A4; margin: 18mm 16mm; }
body { font: 11pt/1.4 Georgia, "Times New Roman", serif; color: #000; background: #fff;
       max-width: 178mm; margin: 0 auto; padding: 6mm 4mm; }
h1 { font-size: 17pt; margin: 0 0 2mm; }
h2 { font-size: 12pt; margin: 0 0 1mm; }
p { margin: 0 0 2mm; }
pre { font: 7.6pt/1.3 "DejaVu Sans Mono", Consolas, monospace; background: #f5f5f5; border: 0.2mm solid #bbb;
      padding: 2mm; margin: 0 0 2mm; overflow-x: auto; }
section { break-inside: avoid; margin: 0 0 7mm; }
.head { display: flex; justify-content: space-between; border-bottom: 0.4mm solid #000; padding-bottom: 3mm;
        margin-bottom: 6mm; }
.points { float: right; font-weight: normal; }
.ask { font-weight: bold; }
.rule { border-bottom: 0.2mm dotted #666; height: 8mm; }
.answers { break-before: page; }
.answer { font-weight: bold; }
@media print { body { padding: 0; max-width: none; } pre { overflow: visible; } }
"""

INTRODUCTION = (
    "Ladders show the device at the left and its peer at the right; sequence numbers count from the SYN of "
    "each side, and segments take no time on the wire unless something else is said. A number a:b means the "
    "bytes from a to b - 1. Where lwIP and the RFCs differ, say what each of them does."
)


def html(sheet: Sheet, answers: bool) -> str:
    """The page. It refers to nothing outside itself."""
    title = f"TCP exam {sheet.seed}"
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>{CSS}</style></head>",
        "<body>",
        f"<h1>{escape(title)}</h1>",
        '<div class="head"><span>Name: ______________________________</span>'
        f"<span>Points: ______ of {sheet.points}</span></div>",
        f"<p>{escape(INTRODUCTION)}</p>",
    ]
    for number, question in enumerate(sheet.questions, 1):
        parts += _question(number, question)
    if answers:
        parts.append(f'<div class="answers"><h1>Answers to {escape(title)}</h1>')
        for number, question in enumerate(sheet.questions, 1):
            parts += _answer(number, question)
        parts.append("</div>")
    return "\n".join([*parts, "</body>", "</html>", ""])


def _question(number: int, question: Question) -> Iterator[str]:
    yield "<section>"
    yield f'<h2>{number}. {escape(question.title)} <span class="points">{question.points} points</span></h2>'
    yield f"<pre>{escape(question.before)}</pre>"
    yield f"<p>{escape(question.setting)}</p>"
    yield f'<p class="ask">{escape(question.ask)}</p>'
    yield from ['<div class="rule"></div>'] * RULES
    yield "</section>"


def _answer(number: int, question: Question) -> Iterator[str]:
    yield "<section>"
    yield f"<h2>{number}. {escape(question.title)}</h2>"
    for whose, answer in question.answers:
        yield f'<p class="answer">{escape(_labelled(whose, answer))}</p>'
    yield f"<p>{escape(question.why)}</p>"
    yield f"<pre>{escape(question.after)}</pre>"
    yield "</section>"


def _labelled(whose: str, answer: str) -> str:
    return f"{whose}: {answer}" if whose else answer


def text(sheet: Sheet, answers: bool) -> str:
    """The same for a terminal."""
    title = f"TCP exam {sheet.seed}, {sheet.points} points"
    parts = [title, "=" * len(title), "", _wrapped(INTRODUCTION)]
    for number, question in enumerate(sheet.questions, 1):
        head = f"{number}. {question.title} ({question.points} points)"
        parts += ["", head, "-" * len(head), "", question.before, ""]
        parts += [_wrapped(question.setting), "", _wrapped(question.ask)]
    if answers:
        parts += ["", "\f", "Answers", "======="]
        for number, question in enumerate(sheet.questions, 1):
            parts += ["", f"{number}. {question.title}"]
            parts += [_wrapped(_labelled(whose, answer), "   ") for whose, answer in question.answers]
            parts += ["", _wrapped(question.why, "   "), "", question.after]
    return "\n".join(parts) + "\n"


def _wrapped(paragraph: str, indent: str = "") -> str:
    return textwrap.fill(paragraph, WIDTH, initial_indent=indent, subsequent_indent=indent)
