"""What an explanation is: a sentence, its numbers, and where it is written."""

from __future__ import annotations

from typing import NamedTuple


class Explanation(NamedTuple):
    """``text`` says what happened and why; ``notes`` what else one should know; ``rfc`` where it is demanded
    ("" where no RFC says anything), ``lwip`` the function that does it ("" for what is not the stack's).
    """

    text: str
    rfc: str = ""
    lwip: str = ""
    notes: tuple[str, ...] = ()

    def line(self) -> str:
        """All of it as one line."""
        behind = "; ".join(part for part in (*self.notes, self.rfc, self.lwip) if part)
        return f"{self.text} ({behind})" if behind else self.text
