"""
The flow of an intake: read, look up, plan, commit; again where somebody was faster.

It is run by the same mechanism as a conversion (`leadflow.conversion.attempts.trying`): the key is looked up first, and
two forms of one person at once make one lead, since the second finds the first when it plans again. Many rows are a
batch like any other, each with a key made of the batch's and of what the row says.
"""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

from leadflow.conversion.asking import Flow, candidates
from leadflow.conversion.attempts import Applied, Workings, Written, those, trying
from leadflow.conversion.bulk import item_key
from leadflow.conversion.candidates import Known
from leadflow.conversion.intakefacts import Facts, facts_of
from leadflow.conversion.intakeplan import IntakeRequest
from leadflow.conversion.intakewhere import missing_links
from leadflow.conversion.intaking import intake_of, keys_of, matches_with
from leadflow.conversion.refusals import Refusal
from leadflow.conversion.requests import Moment, fingerprint
from leadflow.stores import ChangeSet
from leadflow.validation import check, code, instance

__all__ = ["row_items", "row_items_async", "row_key", "taking_in"]


def taking_in(
    service: Workings, request: IntakeRequest, moment: Moment, key: str | None, *, named: frozenset[str] = frozenset()
) -> Flow[Applied | Refusal]:
    """Take in a row; `named` are the new ids that the caller chose."""
    facts = facts_of(request.form.read(dict(request.row)), moment)

    def attempt(doubtful: frozenset[str]) -> Flow[tuple[ChangeSet, tuple[Written, ...]] | Refusal]:
        # What cannot be read need not be looked up.
        known = Known() if facts.problems else (yield from _known(service, facts, doubtful & request.new_ids))
        plan = intake_of(request, facts, known, service.settings, moment)
        return plan if isinstance(plan, Refusal) else (plan.changes, (plan,))

    asked = request.fingerprint if key else ""
    return (yield from trying(service, attempt, request.action, key, asked, doubtful=named))


def _known(service: Workings, facts: Facts, doubtful: frozenset[str]) -> Flow[Known]:
    """Load who may be the same person, and whatever that leads to."""
    settings = service.settings
    known = yield from those(doubtful)
    keys = frozenset(keys_of(facts, settings))
    ids = frozenset[str]()
    asked_ids, asked_keys = set(doubtful), set[object]()
    while ids or keys:
        known = Known((yield from those(ids)).by_id.values(), than=known)
        if keys:
            known = Known((yield from candidates(keys, settings.matching.max_hits + 1)), than=known)
        asked_ids |= ids
        asked_keys |= keys
        links = missing_links(matches_with(facts, known, settings), known)
        ids, keys = links.ids - asked_ids, links.keys - asked_keys
    return known


def row_key(key: str, row: Mapping[str, object]) -> str:
    """
    Return the idempotency key of one row of a batch: a hash of the batch's key and of what the row says.

    A file may be read again in another order, or with rows added. Two rows that say the same are one.

    >>> row_key("fair", {"Name": "Ada", "City": "Bonn"}) == row_key("fair", {"City": "Bonn", "Name": "Ada"})
    True
    """
    check("row_key", code("key", key), instance("row", row, Mapping, "a mapping from columns to cells"))
    cells = sorted((str(name), repr(cell)) for name, cell in row.items())
    return item_key(key, fingerprint("row", tuple(cells)))


def _item(position: int, row: object) -> tuple[str, dict[str, Any]]:
    return f"row {position + 1}", {"row": row}


def row_items(rows: Iterable[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield rows as items of a batch, numbered from 1 as a reader of the file counts them."""
    for position, row in enumerate(rows):
        yield _item(position, row)


async def row_items_async(rows: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Do the same for rows that are awaited."""
    if isinstance(rows, AsyncIterable):
        position = 0
        async for row in rows:
            yield _item(position, row)
            position += 1
    else:
        for item in row_items(rows):
            yield item
