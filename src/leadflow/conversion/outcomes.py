"""
What came of a batch: one value per item, and a summary of them all.

An item ends as a single call does (`Applied` or `Refusal`), or in an error that was raised on its behalf (`Failed`).
A summary only counts: it takes results as they come and keeps none of them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import frozen

from leadflow import markup
from leadflow.conversion.attempts import Applied
from leadflow.conversion.refusals import Refusal
from leadflow.validation import check, instance, whole

__all__ = ["BulkResult", "BulkSummary", "Failed"]


@frozen
class Failed:
    """
    An item that ended in an error; nothing was written for it.

    Attributes:
        error: What was raised, with its traceback.
    """

    error: Exception

    def __attrs_post_init__(self) -> None:
        check("Failed", instance("error", self.error, Exception, "an Exception"))

    def __str__(self) -> str:
        return f"{type(self.error).__name__}: {self.error}"


@frozen
class BulkResult:
    """
    What came of one item.

    Attributes:
        position: Its place in the batch, from 0.
        id: The lead or prospect.
        outcome: As of the single call, or `Failed`.
    """

    position: int
    id: str
    outcome: Applied | Refusal | Failed

    def __attrs_post_init__(self) -> None:
        check(
            "BulkResult",
            whole("position", self.position),
            instance("id", self.id, str, "text (str)"),
            instance("outcome", self.outcome, (Applied, Refusal, Failed), "an Applied, a Refusal or a Failed"),
        )

    @property
    def status(self) -> str:
        """In one word: ``written``, ``repeated`` (an earlier run did it), ``refused`` or ``failed``."""
        if isinstance(self.outcome, Applied):
            return "repeated" if self.outcome.is_repeat else "written"
        return "refused" if isinstance(self.outcome, Refusal) else "failed"

    def __str__(self) -> str:
        return f"{self.id!r} {self.status}: {self.outcome}"


def _counts(found: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(found.items()))


@frozen(kw_only=True)
class BulkSummary:
    """
    How many items came to what.

    >>> print(BulkSummary.of([BulkResult(0, "L-1", Failed(TimeoutError("no answer")))]))
    1 item: 0 written, 0 repeated, 0 refused, 1 failed (TimeoutError 1)

    Attributes:
        written: Items that were converted.
        repeated: Items that an earlier run had converted.
        refused: Items that were refused.
        failed: Items that ended in an error.
        refusals: How many refusals have which code, sorted by code; a refusal for several reasons has several.
        errors: How many errors are of which class, sorted by name.
    """

    written: int = 0
    repeated: int = 0
    refused: int = 0
    failed: int = 0
    refusals: tuple[tuple[str, int], ...] = ()
    errors: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, results: Iterable[BulkResult]) -> "BulkSummary":
        """Count results as they come; none is kept."""
        return _counted(cls(), results)

    def plus(self, *results: BulkResult) -> "BulkSummary":
        """Return the same with more results counted."""
        return _counted(self, results)

    @property
    def items(self) -> int:
        """How many there were."""
        return self.written + self.repeated + self.refused + self.failed

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per outcome, then one per code of a refusal and per class of error."""
        return [
            *({"outcome": name, "code": None, "items": getattr(self, name)} for name in _OUTCOMES),
            *({"outcome": "refused", "code": name, "items": number} for name, number in self.refusals),
            *({"outcome": "failed", "code": name, "items": number} for name, number in self.errors),
        ]

    def __str__(self) -> str:
        why = {"refused": self.refusals, "failed": self.errors}
        parts = (f"{getattr(self, name):,} {name}{_why(why.get(name, ()))}" for name in _OUTCOMES)
        return f"{self.items:,} {'item' if self.items == 1 else 'items'}: {', '.join(parts)}"

    def _repr_html_(self) -> str:
        return markup.section(f"{self.items:,} items", markup.table(self.to_rows()))


_OUTCOMES: Final = ("written", "repeated", "refused", "failed")


def _why(counts: tuple[tuple[str, int], ...]) -> str:
    return f" ({', '.join(f'{name} {number:,}' for name, number in counts)})" if counts else ""


def _counted(summary: BulkSummary, results: Iterable[BulkResult]) -> "BulkSummary":
    check("BulkSummary", instance("results", results, Iterable, "an iterable of BulkResult"))
    statuses: Counter[str] = Counter()
    refusals, errors = Counter(dict(summary.refusals)), Counter(dict(summary.errors))
    for position, result in enumerate(results):
        check("BulkSummary", instance(f"results[{position}]", result, BulkResult, "a BulkResult"))
        statuses[result.status] += 1
        match result.outcome:
            case Refusal(codes=codes):
                refusals.update(found.value for found in codes)
            case Failed(error=error):
                errors[type(error).__name__] += 1
            case _:
                pass
    return BulkSummary(
        written=summary.written + statuses["written"],
        repeated=summary.repeated + statuses["repeated"],
        refused=summary.refused + statuses["refused"],
        failed=summary.failed + statuses["failed"],
        refusals=_counts(refusals),
        errors=_counts(errors),
    )
