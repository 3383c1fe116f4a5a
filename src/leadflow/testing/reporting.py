"""
What came of checking a store: per check passed, failed (with the fault) or skipped (with the reason).

A check says what it expected where; the first place in which something else came is the fault, in words that name the
fault rather than the check. Wording is not part of the interface; the names of the checks are.
"""

from collections import Counter
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from leadflow import markup
from leadflow.errors import ConformanceError
from leadflow.testing.comparing import difference
from leadflow.validation import shown, to_tuple

__all__ = ["CheckResult", "Outcome", "Report", "expect", "fault", "same"]


class Outcome(StrEnum):
    """What came of one check."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@frozen
class CheckResult:
    """
    What came of one check.

    Attributes:
        name: The check; see docs/reference/conformance.md.
        outcome: passed, failed or skipped.
        why: The fault, what was expected and what came; or why it was skipped. Empty where it passed.
    """

    name: str
    outcome: Outcome
    why: str = ""

    def __str__(self) -> str:
        return f"{self.outcome}  {self.name}{self.why and ': '}{self.why}"


def _results(values: tuple[CheckResult, ...]) -> tuple[CheckResult, ...]:
    return to_tuple(values)


@frozen
class Report:
    """
    What came of checking a store.

    Attributes:
        results: One per check, in the order in which they ran.
    """

    results: tuple[CheckResult, ...] = field(converter=_results)

    @property
    def passed(self) -> bool:
        """Whether nothing failed; checks that were skipped do not count."""
        return not self.failures

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """The checks that failed."""
        return self._of(Outcome.FAILED)

    @property
    def skipped(self) -> tuple[CheckResult, ...]:
        """The checks that were skipped, each with its reason."""
        return self._of(Outcome.SKIPPED)

    def raise_for_failures(self) -> None:
        """
        Do nothing if nothing failed.

        Raises:
            ConformanceError: Naming every check that failed, with its fault.
        """
        if self.failures:
            raise ConformanceError(tuple(f"{result.name}: {result.why}" for result in self.failures))

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per check."""
        return [{"check": result.name, "outcome": str(result.outcome), "why": result.why} for result in self.results]

    def _of(self, outcome: Outcome) -> tuple[CheckResult, ...]:
        return tuple(result for result in self.results if result.outcome is outcome)

    def __str__(self) -> str:
        return "\n".join([self._summary(), *map(str, self.results)])

    def _repr_html_(self) -> str:
        return markup.section(self._summary(), markup.table(self.to_rows()))

    def _summary(self) -> str:
        counts = Counter(result.outcome for result in self.results)
        return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)


def fault(words: str, *, expected: Any, got: Any) -> ConformanceError:  # noqa: ANN401
    """Return the error that ends a check."""
    return ConformanceError((f"{words}: expected {_words(expected)}, got {_words(got)}",))


def expect(words: str, *, expected: Any, got: Any) -> None:  # noqa: ANN401
    """Raise the fault unless both are equal."""
    if expected != got:
        raise fault(words, expected=expected, got=got)


def same(words: str, *, expected: Any, got: Any) -> None:  # noqa: ANN401
    """Raise the fault unless both are the same to the last digit, naming the first place where they are not."""
    found = difference(expected, got)
    if found is not None:
        where = f"{words}, at {found.path}" if found.path else words
        raise fault(where, expected=found.expected, got=found.got)


def _words(value: object) -> str:
    return value if isinstance(value, str) and value.isidentifier() else shown(value)
