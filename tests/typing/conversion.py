"""
What a type checker sees of conversion and storage: read by mypy, never run.

A plan knows whether it makes a deal, so that the quickstart needs no cast; a lead cannot be converted, a prospect not
qualified; a host's store is checked against the Protocol.
"""

from collections.abc import Collection
from typing import assert_type

from leadflow.assessment import Assessment
from leadflow.conversion import (
    SKIP,
    Applied,
    AsyncConversionService,
    BulkResult,
    BulkSummary,
    ConversionPlan,
    ConversionService,
    Create,
    DealTerms,
    Failed,
    Matches,
    QualificationPlan,
    Refusal,
    RoundRobin,
    UseExisting,
    candidate_keys,
    match_candidates,
    plan_conversion,
    plan_qualification,
)
from leadflow.events import When
from leadflow.lead import Lead
from leadflow.money import Money
from leadflow.opportunity import Opportunity
from leadflow.prospect import Prospect
from leadflow.stores import ChangeSet, CommitResult, InMemoryStore, MatchKey, Receipt, Record, Store


def planning_gives_a_plan_or_a_refusal(lead: Lead, judged: Assessment, now: When) -> None:
    """Both outcomes must be looked at before the plan's records can be used."""
    first = plan_qualification(lead, evidence=judged, prospect=Create("P-1"), **now)
    assert_type(first, QualificationPlan | Refusal)
    first.prospect  # type: ignore[union-attr]
    if isinstance(first, Refusal):
        return
    assert_type(first.prospect, Prospect)
    assert_type(first.changes, ChangeSet)
    plan_qualification(first.prospect, evidence=judged, prospect=Create("P-1"), **now)  # type: ignore[arg-type]
    plan_qualification(lead, evidence=judged, prospect=UseExisting("P-1"), **now)  # type: ignore[arg-type]
    plan_qualification(lead, evidence=judged, prospect=Create("P-1"))  # type: ignore[call-arg]


def a_plan_knows_whether_there_is_a_deal(prospect: Prospect, judged: Assessment, now: When) -> None:
    """With a deal asked for, the plan has one; with SKIP it has none."""
    with_deal = plan_conversion(
        prospect,
        evidence=judged,
        account=Create("A-1"),
        contact=Create("C-1"),
        opportunity=Create("O-1"),
        terms=DealTerms("Rollout", Money("48000", "EUR")),
        **now,
    )
    assert_type(with_deal, ConversionPlan[Opportunity] | Refusal)
    assert not isinstance(with_deal, Refusal)
    assert_type(with_deal.opportunity.move_to("proposal", **now), Opportunity)
    without = plan_conversion(
        prospect, evidence=judged, account=UseExisting("A-1"), contact=SKIP, opportunity=SKIP, **now
    )
    assert_type(without, ConversionPlan[None] | Refusal)


def only_prospects_are_converted(lead: Lead, judged: Assessment, now: When) -> None:
    """The signature is the guard."""
    plan_conversion(lead, evidence=judged, account=SKIP, contact=SKIP, opportunity=Create("O-1"), **now)  # type: ignore[call-overload]


class HostStore:
    """A store as a host writes it."""

    def load(self, id: str, /) -> Record | None:  # noqa: A002 - the interface's word
        """Return one."""
        raise NotImplementedError

    def candidates(self, keys: Collection[MatchKey], limit: int) -> list[Record]:
        """Return some."""
        raise NotImplementedError

    def receipt(self, key: str, /) -> Receipt | None:
        """Return one."""
        raise NotImplementedError

    def commit(self, change_set: ChangeSet, /) -> CommitResult:
        """Write all."""
        raise NotImplementedError


def a_host_s_store_fits_the_protocol(host: HostStore, memory: InMemoryStore) -> list[Store]:
    """Ours and the host's alike."""
    return [host, memory]


async def services_answer_alike(service: ConversionService, waiting: AsyncConversionService, now: When) -> None:
    """With what was written, or a refusal; arguments are checked by name and type."""
    assert_type(service.qualify("L-1", **now), Applied | Refusal)
    assert_type(service.convert("P-1", terms=DealTerms(), key="k", **now), Applied | Refusal)
    assert_type(await waiting.qualify_and_convert("L-1", owner="bob", **now), Applied | Refusal)
    service.qualify("L-1")  # type: ignore[call-arg]
    service.convert("P-1", term=DealTerms(), **now)  # type: ignore[call-arg]
    service.qualify("L-1", prospect="P-1", **now)  # type: ignore[arg-type]


async def batches_stream(service: ConversionService, waiting: AsyncConversionService, now: When) -> None:
    """Results come one by one, each with the outcome of a single call or the error; options are checked as there."""
    for result in service.convert_many(["P-1", ("P-2", {"owner": "eve"})], owner=RoundRobin(["ada"]), key="k", **now):
        assert_type(result, BulkResult)
        assert_type(result.outcome, Applied | Refusal | Failed)
    async for result in waiting.qualify_many(iter(["L-1"]), **now):
        assert_type(result, BulkResult)
    assert_type(BulkSummary.of(service.qualify_and_convert_many(["L-1"], terms=DealTerms(), **now)), BulkSummary)
    service.convert_many(["P-1"], term=DealTerms(), **now)  # type: ignore[call-arg]
    service.qualify_many(["L-1"])  # type: ignore[call-arg]
    service.qualify_many([1], **now)  # type: ignore[list-item]


def candidates_explain_themselves(lead: Lead, store: Store) -> None:
    """From the keys to ask for, to the candidates and why."""
    found = match_candidates(lead, store.candidates(candidate_keys(lead), 51))
    assert_type(found, Matches)
    assert_type(found.deciding[0].record, Record)
    match_candidates("Mara", [])  # type: ignore[arg-type]
