"""
Histories out of a table of events: one row per fact, of many deals, in any order.

Theory. An export holds what a CRM happened to log: rows twice, stages after the closing, times without a zone. Nothing
of it is mended by guessing. Either everything that is wrong is raised at once, each with its row, or the deals
concerned are left out and listed; a deal is never read in part. A row that comes twice, word for word, says nothing
new: it counts once, and is listed in either case.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from leadflow.errors import InvalidError, Problem, did_you_mean
from leadflow.forecasting.dealfacts import DealFact
from leadflow.forecasting.histories import DealHistory
from leadflow.forecasting.historyfold import faults, unretracted
from leadflow.forecasting.omissions import Omission, OmissionReason, summary
from leadflow.forecasting.omissions import in_order as by_id
from leadflow.markup import paragraph, section
from leadflow.validation import check, code, each, instance, to_tuple

__all__ = ["Histories", "read_histories"]

COLUMNS = ("deal", "kind", "value", "at", "recorded_at", "retracted_at", "order")
_NEEDED = ("deal", "kind", "at")
_OPTIONAL = ("recorded_at", "retracted_at", "order")


@frozen
class Histories:
    """
    The histories that a table held: an iterable, to be passed as `history`.

    Attributes:
        histories: By id of the deal.
        omitted: What was left out, and why; by id.
    """

    histories: tuple[DealHistory, ...]
    omitted: tuple[Omission, ...] = field(default=())

    def __iter__(self) -> Iterator[DealHistory]:
        return iter(self.histories)

    def __len__(self) -> int:
        return len(self.histories)

    def __getitem__(self, id: str) -> DealHistory:  # noqa: A002 - the field's word
        for one in self.histories:
            if one.id == id:
                return one
        raise KeyError(f"no history of deal {id!r}{did_you_mean(str(id), [one.id for one in self.histories])}")

    def __str__(self) -> str:
        lines = [f"{len(self.histories):,} histories", *(f"left out: {line}" for line in summary(self.omitted))]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return section("Histories of deals", *map(paragraph, str(self).splitlines()))


def read_histories(
    rows: Iterable[Mapping[str, Any]], *, deals: Iterable[str] = (), leave_out: bool = False
) -> Histories:
    """
    Read the histories of many deals out of rows.

    >>> from datetime import UTC, datetime
    >>> rows = [
    ...     {"deal": "O-1", "kind": "won", "at": datetime(2026, 3, 20, tzinfo=UTC)},
    ...     {"deal": "O-1", "kind": "opened", "value": "qualified", "at": datetime(2026, 3, 2, tzinfo=UTC)},
    ...     {"deal": "O-2", "kind": "lost", "at": datetime(2026, 3, 9, tzinfo=UTC)},
    ...     {"deal": "O-2", "kind": "stage", "value": "proposal", "at": datetime(2026, 3, 16, tzinfo=UTC)},
    ... ]
    >>> print(read_histories(rows, deals=["O-1", "O-2", "O-3"], leave_out=True))
    1 histories
    left out: 1 with a history that cannot be: O-2
    left out: 1 without any event: O-3

    Args:
        rows: In any order, each with ``deal`` (the id), ``kind`` and ``at``, where due ``value``, ``recorded_at``,
            ``retracted_at`` and ``order``; see `DealFact`. A recorded_at that is missing or None is `at`.
        deals: Ids of all deals there are, so that one without any row is noticed.
        leave_out: Leave deals with a wrong row or a history that cannot be out, and list them, instead of raising.

    Raises:
        InvalidError: Without `leave_out`, with every problem of every row and every contradiction of every deal. What
            is no mapping, or names no deal, is always refused: there is no deal to list.
    """
    listed: Any = to_tuple(rows)
    known: Any = to_tuple(deals)
    check(
        "read_histories",
        *each("rows", listed, instance, Mapping, "a mapping with deal, kind and at"),
        *each("deals", known, code),
        instance("leave_out", leave_out, bool, "True or False"),
    )
    check("read_histories", *(_nameless(f"rows[{place}]", row) for place, row in enumerate(listed)))
    reading = _Reading({}, {}, [])
    for place, row in enumerate(listed):
        reading.take(f"rows[{place}]", row)
    for name in known:
        if name not in reading.facts:
            reading.omitted.append(Omission(name, OmissionReason.NO_HISTORY, "has no event"))
    reading.judge()
    if not leave_out:
        check("read_histories", *(problem for found in reading.wrong.values() for problem in found))
    for name, problems in reading.wrong.items():
        detail = "; ".join(map(str, problems))
        reading.omitted.append(Omission(name, OmissionReason.BAD_HISTORY, detail))
    found = (DealHistory(name, tuple(facts)) for name, facts in reading.facts.items() if name not in reading.wrong)
    return Histories(tuple(sorted(found, key=lambda one: one.id)), by_id(reading.omitted))


def _nameless(path: str, row: Mapping[str, Any]) -> Problem | None:
    if "deal" not in row:
        return Problem(f"{path}.deal", f"must be given, got columns {', '.join(map(str, row))}", is_type=True)
    return code(f"{path}.deal", row["deal"])


@frozen
class _Reading:
    """What has been read so far: facts with their place, and problems, by deal."""

    facts: dict[str, dict[DealFact, str]]
    wrong: dict[str, list[Problem]]
    omitted: list[Omission]

    def take(self, path: str, row: Mapping[str, Any]) -> None:
        """Take one row in."""
        deal = row["deal"]
        facts = self.facts.setdefault(deal, {})
        problems = [
            Problem(f"{path}.{name}", f"is no column of a fact{did_you_mean(str(name), COLUMNS)}")
            for name in row
            if name not in COLUMNS
        ]
        problems += [Problem(f"{path}.{name}", "must be given") for name in _NEEDED if name not in row]
        if not problems:
            told = {name: row[name] for name in _OPTIONAL if row.get(name) is not None}
            try:
                fact = DealFact(row["kind"], row.get("value"), at=row["at"], **told)
            except InvalidError as error:
                problems = [problem.under(path) for problem in error.problems]
            else:
                if fact in facts:
                    self.omitted.append(Omission(deal, OmissionReason.DUPLICATE, f"{path} repeats {facts[fact]}"))
                facts.setdefault(fact, path)
        if problems:
            self.wrong.setdefault(deal, []).extend(problems)

    def judge(self) -> None:
        """Note what contradicts itself in the deals whose rows are all right."""
        for deal, facts in self.facts.items():
            if deal not in self.wrong:
                found = [Problem(facts[fact], f"(deal {deal!r}) {fault}") for fact, fault in faults(unretracted(facts))]
                if found:
                    self.wrong[deal] = found
