"""
What a service takes in: one row, or many; waiting for the store or not.

The two classes are the part of `ConversionService` and `AsyncConversionService` that has to do with forms and files;
the rules are in `leadflow.conversion.intake`.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Mapping
from typing import Any, ClassVar, Unpack

from attrs import evolve, field, frozen

from leadflow.conversion.asking import Flow, run, run_async
from leadflow.conversion.attempts import Applied
from leadflow.conversion.bulk import Batch, items_problem, run_each, run_each_async
from leadflow.conversion.calls import Calls
from leadflow.conversion.intakeflow import row_items, row_items_async, row_key, taking_in
from leadflow.conversion.intakeform import IntakeForm
from leadflow.conversion.intakeplan import IntakeRequest
from leadflow.conversion.outcomes import BulkResult
from leadflow.conversion.refusals import Refusal
from leadflow.conversion.requests import Moment, when_problems
from leadflow.conversion.targets import Create
from leadflow.events import When
from leadflow.stores import AsyncStore, Store
from leadflow.validation import built, check, code, optional

__all__ = ["AsyncIntakeCalls", "IntakeCalls"]

_ARGUMENTS = ("form", "key", "lead", "entry")


@frozen(kw_only=True)
class _Calls(Calls):
    def _intake(
        self,
        row: Mapping[str, object],
        *,
        form: IntakeForm,
        key: str | None = None,
        lead: Create | None = None,
        entry: Create | None = None,
        **when: Unpack[When],
    ) -> Flow[Applied | Refusal]:
        request = built(
            "intake",
            lambda: IntakeRequest(
                row=row,
                form=form,
                lead=Create(self._new("lead")) if lead is None else lead,
                entry=Create(self._new("list entry")) if entry is None else entry,
            ),
            optional(code, "key", key),
            *when_problems(when, _ARGUMENTS),
        )
        named = frozenset(target.id for target in (lead, entry) if target is not None)
        return taking_in(self, request, Moment(**when), key, named=named)

    def _rows(self, rows: object, key: str | None, options: Mapping[str, Any]) -> Batch:
        """Return what all rows share, checked once."""
        of = "mappings from columns to cells, one per row"
        check("intake_many", items_problem("rows", rows, awaited=self.awaited, of=of), optional(code, "key", key))
        dry = evolve(self, new_id="? {}".format)
        dry._intake({}, **options).close()  # noqa: SLF001 - of the same class
        return Batch(
            lambda _, *, row, **more: self._intake(row, **more),
            {**options, "key": key},
            lambda batch, _, own: row_key(batch, own["row"]),
        )


@frozen(kw_only=True)
class IntakeCalls(_Calls):
    """
    Takes in rows of forms and files.

    Attributes:
        store: Where the records are, opened for one tenant.
    """

    store: Store = field(kw_only=False)

    def intake(
        self,
        row: Mapping[str, object],
        *,
        form: IntakeForm,
        key: str | None = None,
        lead: Create | None = None,
        entry: Create | None = None,
        **when: Unpack[When],
    ) -> Applied | Refusal:
        """
        Take in a row of a form or a CSV file; see `leadflow.conversion.intake` for what becomes of it.

        Args:
            row: Cells by column.
            form: What the columns mean.
            key: Idempotency key: a retry under the same key gets the first result.
            lead: The id of a new lead. Default: from `new_id`, called with ``lead``.
            entry: The id of a new list entry. Default: from `new_id`, called with ``list entry``.
            **when: See `When`: when the row came in.

        Returns:
            What was written, with the `IntakePlan` that says why, or a `Refusal` with every reason.

        Raises:
            InvalidError: Naming everything in the arguments that can never be right.
            KeyConflictError: If the key was used for another row.
        """
        return run(self._intake(row, form=form, key=key, lead=lead, entry=entry, **when), self.store)

    def intake_many(
        self, rows: Iterable[Mapping[str, object]], *, form: IntakeForm, key: str | None = None, **when: Unpack[When]
    ) -> Generator[BulkResult, None, None]:
        """
        Take in rows, one after the other; each is its own, as items of `convert_many` are.

        Args:
            rows: Such as `csv.DictReader` reads.
            form: What the columns mean.
            key: Idempotency key of the batch: each row gets one made of it and of what the row says (`row_key`).
            **when: See `When`.

        Returns:
            A generator of results in the order of the rows, named ``row 1``, ``row 2``, ...

        Raises:
            InvalidError: At once, naming everything in the shared arguments that can never be right.
        """
        return run_each(self._rows(rows, key, {"form": form, **when}), row_items(rows), self.store)


@frozen(kw_only=True)
class AsyncIntakeCalls(_Calls):
    """
    The same as `IntakeCalls`, on an `AsyncStore`.

    Attributes:
        store: Where the records are, opened for one tenant.
    """

    awaited: ClassVar[bool] = True
    store: AsyncStore = field(kw_only=False)

    async def intake(
        self,
        row: Mapping[str, object],
        *,
        form: IntakeForm,
        key: str | None = None,
        lead: Create | None = None,
        entry: Create | None = None,
        **when: Unpack[When],
    ) -> Applied | Refusal:
        """Take in a row of a form or a CSV file; see `IntakeCalls.intake`."""
        return await run_async(self._intake(row, form=form, key=key, lead=lead, entry=entry, **when), self.store)

    def intake_many(
        self,
        rows: Iterable[Mapping[str, object]] | AsyncIterable[Mapping[str, object]],
        *,
        form: IntakeForm,
        key: str | None = None,
        **when: Unpack[When],
    ) -> AsyncGenerator[BulkResult, None]:
        """Take in rows, one after the other; see `IntakeCalls.intake_many`."""
        return run_each_async(self._rows(rows, key, {"form": form, **when}), row_items_async(rows), self.store)
