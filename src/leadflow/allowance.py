"""The answer of a twin: whether a command is possible now, and what stands against it."""

from typing import Final

from attrs import frozen

__all__ = ["ALLOWED", "Allowance"]


@frozen
class Allowance:
    """
    Whether a command is possible now; false when there are reasons against it.

    >>> bool(Allowance()), bool(Allowance(("it is won",)))
    (True, False)

    Attributes:
        reasons: What stands against it, and what is possible instead; empty when nothing does.
    """

    reasons: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.reasons

    def but(self, reason: str) -> "Allowance":
        """Return the allowance with one more reason against it."""
        return Allowance((*self.reasons, reason))


ALLOWED: Final = Allowance()
