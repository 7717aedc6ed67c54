"""Explanations: what happened in a run and why, in plain words, with numbers, the RFC's section and lwIP's
function.
"""

from lab.explain.answer import Explanation
from lab.explain.engine import Explainer
from lab.explain.query import Question, answer

__all__ = ["Explainer", "Explanation", "Question", "answer"]
