"""
Services: a store, two policies and a source of ids, put together once.

`ConversionService` and `AsyncConversionService` have the same methods and differ in nothing but waiting for the store.
A service holds no state of its own and may be shared between threads or tasks as far as its store may. Its methods
return what was written (`Applied`) or a `Refusal`; what a store raises passes through, and nothing was written then.
What they share is in `leadflow.conversion.calls`.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable
from typing import ClassVar, Unpack

from attrs import field, frozen

from leadflow.conversion.amendcalls import AmendCalls, AsyncAmendCalls
from leadflow.conversion.amendflow import Amendment
from leadflow.conversion.asking import run, run_async
from leadflow.conversion.attempts import Applied, Plan
from leadflow.conversion.bulk import (
    BulkItem,
    ConvertMany,
    QualifyAndConvertMany,
    QualifyMany,
    run_each,
    run_each_async,
)
from leadflow.conversion.outcomes import BulkResult
from leadflow.conversion.refusals import Refusal
from leadflow.conversion.requests import OwnerChoice
from leadflow.conversion.targets import Create, DealTarget, Target
from leadflow.conversion.terms import DealTerms
from leadflow.events import When
from leadflow.stores import AsyncStore, Store

__all__ = ["AsyncConversionService", "ConversionService"]


@frozen(kw_only=True)
class ConversionService(AmendCalls):
    """
    Qualifies and converts what is in a store.

    Attributes:
        store: Where the records are, opened for one tenant.
        qualify_with: The policy that decides which leads become prospects.
        convert_with: The policy that decides which prospects become deals.
        new_id: Makes a new id; called with the kind of record: ``prospect``, ``account``, ``contact``, ``opportunity``,
            ``lead``, ``list entry``.
            Ids are unique among all records of the tenant, whatever their kind. It is called once per call and kind
            that is not given, before anything is loaded: a call that is refused, repeats an earlier one or finds the
            account leaves ids unused, so a sequence gets gaps.
        settings: What the host has decided once.
        attempts: How often to plan and commit while others are faster.
        mapping: Which fields go where, for hosts that decide nothing else; part of the settings from then on.

    Raises:
        InvalidError: Naming every part that cannot do its work, also a store that belongs to `AsyncConversionService`.
    """

    store: Store = field(kw_only=False)

    def qualify(
        self,
        lead_id: str,
        *,
        key: str | None = None,
        owner: OwnerChoice = None,
        override: str | None = None,
        prospect: Create | None = None,
        **when: Unpack[When],
    ) -> Applied | Refusal:
        """
        Make a prospect of a lead.

        Args:
            lead_id: The lead.
            key: Idempotency key: a retry under the same key gets the first result. Without one, a second call is
                refused and names the first result.
            owner: Who owns what is made: a user id, or a function that says who. Default: whoever owns the source.
            override: Why a verdict short of "qualified" is set aside; needs `by`.
            prospect: ``Create(id)``. Default: a new id.
            **when: See `When`: `at` must be given, `by` and `recorded_at` may be.

        Returns:
            What was written, or a `Refusal` with every reason.

        Raises:
            InvalidError: Naming everything in the arguments that can never be right.
            KeyConflictError: If the key was used for another request.
        """
        flow = self._qualify(lead_id, key=key, owner=owner, override=override, prospect=prospect, **when)
        return run(flow, self.store)

    def convert(
        self,
        prospect_id: str,
        *,
        key: str | None = None,
        owner: OwnerChoice = None,
        override: str | None = None,
        account: Target | None = None,
        contact: Target | None = None,
        opportunity: DealTarget | None = None,
        terms: DealTerms | None = None,
        another: str | None = None,
        **when: Unpack[When],
    ) -> Applied | Refusal:
        """
        Make an account, a contact and a deal of a prospect.

        Args:
            prospect_id: The prospect.
            key: Idempotency key: a retry under the same key gets the first result. Without one, a second call is
                refused and names the first result.
            owner: Who owns what is made: a user id, or a function that says who. Default: whoever owns the source.
            override: Why a verdict short of "qualified" is set aside; needs `by`.
            account: What becomes of the company: `Create`, `UseExisting`, `FindOrCreate` or `SKIP`. Default: the
                one that matches, else a new one.
            contact: What becomes of the person: the same.
            opportunity: What becomes of the deal: `Create`, `UseExisting` or `SKIP`. Default: a new one.
            terms: The terms of a new deal; what is not given comes from the settings and is listed in the plan.
            another: Why a prospect that was converted before is converted again.
            **when: See `When`: `at` must be given, `by` and `recorded_at` may be.

        Returns:
            What was written, or a `Refusal` with every reason.

        Raises:
            InvalidError: Naming everything in the arguments that can never be right.
            KeyConflictError: If the key was used for another request.
        """
        flow = self._convert(
            prospect_id,
            key=key,
            owner=owner,
            override=override,
            account=account,
            contact=contact,
            opportunity=opportunity,
            terms=terms,
            another=another,
            **when,
        )
        return run(flow, self.store)

    def qualify_and_convert(
        self,
        lead_id: str,
        *,
        key: str | None = None,
        owner: OwnerChoice = None,
        override: str | None = None,
        prospect: Create | None = None,
        account: Target | None = None,
        contact: Target | None = None,
        opportunity: DealTarget | None = None,
        terms: DealTerms | None = None,
        **when: Unpack[When],
    ) -> Applied | Refusal:
        """
        Make an account, a contact and a deal of a lead in one commit, by way of a prospect and by both policies.

        Args:
            lead_id: The lead.
            key: Idempotency key: a retry under the same key gets the first result. Without one, a second call is
                refused and names the first result.
            owner: Who owns what is made: a user id, or a function that says who. Default: whoever owns the source.
            override: Why a verdict short of "qualified" is set aside; needs `by`.
            prospect: ``Create(id)``. Default: a new id.
            account: What becomes of the company: `Create`, `UseExisting`, `FindOrCreate` or `SKIP`. Default: the
                one that matches, else a new one.
            contact: What becomes of the person: the same.
            opportunity: What becomes of the deal: `Create`, `UseExisting` or `SKIP`. Default: a new one.
            terms: The terms of a new deal; what is not given comes from the settings and is listed in the plan.
            **when: See `When`: `at` must be given, `by` and `recorded_at` may be.

        Returns:
            What was written, or a `Refusal` with every reason.

        Raises:
            InvalidError: Naming everything in the arguments that can never be right.
            KeyConflictError: If the key was used for another request.
        """
        flow = self._qualify_and_convert(
            lead_id,
            key=key,
            owner=owner,
            override=override,
            prospect=prospect,
            account=account,
            contact=contact,
            opportunity=opportunity,
            terms=terms,
            **when,
        )
        return run(flow, self.store)

    def qualify_many(
        self, leads: Iterable[BulkItem], **options: Unpack[QualifyMany]
    ) -> Generator[BulkResult, None, None]:
        """Make prospects of leads, one after the other; see `convert_many`."""
        return run_each(self._batch("qualify", leads, options), leads, self.store)

    def convert_many(
        self, prospects: Iterable[BulkItem], **options: Unpack[ConvertMany]
    ) -> Generator[BulkResult, None, None]:
        """
        Make accounts, contacts and deals of prospects, one after the other.

        Each item goes through `convert` when its result is asked for; an item that is refused, or that ends in an
        error, fails no other (see `leadflow.conversion.bulk`). Whoever stops asking stops the batch.

        Args:
            prospects: Ids, or pairs of an id and options of its own that `convert` takes.
            **options: What `convert` takes, for all items. `key` is that of the batch: each item gets its own, made of
                both (`item_key`), so that running the batch again converts nothing twice. `owner` may also be a
                `RoundRobin`.

        Returns:
            A generator of results, in the order of the items.

        Raises:
            InvalidError: At once, naming everything in the shared options that can never be right.
        """
        return run_each(self._batch("convert", prospects, options), prospects, self.store)

    def qualify_and_convert_many(
        self, leads: Iterable[BulkItem], **options: Unpack[QualifyAndConvertMany]
    ) -> Generator[BulkResult, None, None]:
        """Make accounts, contacts and deals of leads, one commit per lead; see `convert_many`."""
        return run_each(self._batch("qualify_and_convert", leads, options), leads, self.store)

    def apply(self, plan: Plan | Amendment, *, key: str | None = None) -> Applied | Refusal:
        """
        Write a plan, provided that planning it again on fresh records gives the same.

        Args:
            plan: As it was shown to whoever decided.
            key: Idempotency key, as of `convert`.

        Raises:
            InvalidError: If it is no plan, or the key is no code.
            KeyConflictError: If the key was used for another request.
        """
        return run(self._apply(plan, key), self.store)


@frozen(kw_only=True)
class AsyncConversionService(AsyncAmendCalls):
    """
    The same as `ConversionService`, on an `AsyncStore`.

    Attributes:
        store: Where the records are, opened for one tenant.
    """

    awaited: ClassVar[bool] = True
    store: AsyncStore = field(kw_only=False)

    async def qualify(
        self,
        lead_id: str,
        *,
        key: str | None = None,
        owner: OwnerChoice = None,
        override: str | None = None,
        prospect: Create | None = None,
        **when: Unpack[When],
    ) -> Applied | Refusal:
        """Make a prospect of a lead; see `ConversionService.qualify`."""
        flow = self._qualify(lead_id, key=key, owner=owner, override=override, prospect=prospect, **when)
        return await run_async(flow, self.store)

    async def convert(
        self,
        prospect_id: str,
        *,
        key: str | None = None,
        owner: OwnerChoice = None,
        override: str | None = None,
        account: Target | None = None,
        contact: Target | None = None,
        opportunity: DealTarget | None = None,
        terms: DealTerms | None = None,
        another: str | None = None,
        **when: Unpack[When],
    ) -> Applied | Refusal:
        """Make an account, a contact and a deal of a prospect; see `ConversionService.convert`."""
        flow = self._convert(
            prospect_id,
            key=key,
            owner=owner,
            override=override,
            account=account,
            contact=contact,
            opportunity=opportunity,
            terms=terms,
            another=another,
            **when,
        )
        return await run_async(flow, self.store)

    async def qualify_and_convert(
        self,
        lead_id: str,
        *,
        key: str | None = None,
        owner: OwnerChoice = None,
        override: str | None = None,
        prospect: Create | None = None,
        account: Target | None = None,
        contact: Target | None = None,
        opportunity: DealTarget | None = None,
        terms: DealTerms | None = None,
        **when: Unpack[When],
    ) -> Applied | Refusal:
        """Make an account, a contact and a deal of a lead; see `ConversionService.qualify_and_convert`."""
        flow = self._qualify_and_convert(
            lead_id,
            key=key,
            owner=owner,
            override=override,
            prospect=prospect,
            account=account,
            contact=contact,
            opportunity=opportunity,
            terms=terms,
            **when,
        )
        return await run_async(flow, self.store)

    def qualify_many(
        self, leads: Iterable[BulkItem] | AsyncIterable[BulkItem], **options: Unpack[QualifyMany]
    ) -> AsyncGenerator[BulkResult, None]:
        """Make prospects of leads, one after the other; see `convert_many`."""
        return run_each_async(self._batch("qualify", leads, options), leads, self.store)

    def convert_many(
        self, prospects: Iterable[BulkItem] | AsyncIterable[BulkItem], **options: Unpack[ConvertMany]
    ) -> AsyncGenerator[BulkResult, None]:
        """
        Make accounts, contacts and deals of prospects, one after the other; see `ConversionService.convert_many`.

        How many run at once is the host's choice: several tasks may each run a batch of their own, also under one key.
        """
        return run_each_async(self._batch("convert", prospects, options), prospects, self.store)

    def qualify_and_convert_many(
        self, leads: Iterable[BulkItem] | AsyncIterable[BulkItem], **options: Unpack[QualifyAndConvertMany]
    ) -> AsyncGenerator[BulkResult, None]:
        """Make accounts, contacts and deals of leads, one commit per lead; see `convert_many`."""
        return run_each_async(self._batch("qualify_and_convert", leads, options), leads, self.store)

    async def apply(self, plan: Plan | Amendment, *, key: str | None = None) -> Applied | Refusal:
        """Write a plan; see `ConversionService.apply`."""
        return await run_async(self._apply(plan, key), self.store)
