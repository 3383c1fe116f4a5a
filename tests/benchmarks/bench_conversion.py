"""
How long a conversion takes: plan and commit, many in a row, and matching among many.

Plan and apply is a plan, and its commit on the store in memory, against building the same frozen objects and events by
hand: the same constructors with the same checks, called by somebody who knows the outcome. In bulk, time and memory per
lead are compared between sizes: linear means a ratio of 1. Matching takes one prospect's e-mail address and company
domain to the store in memory, where everybody else is a stranger; the same for few strangers and for many.
"""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from time import process_time
from typing import Any

from records import START, lead
from timing import Row, in_turn, paired, resting_collector

from leadflow import (
    Account,
    Company,
    Contact,
    ContactRole,
    Lead,
    Money,
    Opportunity,
    Origin,
    Person,
    Prospect,
    Verdict,
    When,
    pipelines,
)
from leadflow.assessment import Assessment, Basis, Evidence, Explanation
from leadflow.conversion import (
    BulkSummary,
    ConversionService,
    Create,
    DealTerms,
    FindOrCreate,
    plan_conversion,
    plan_qualification,
)
from leadflow.events import LeadQualified, ProspectConverted, ProspectOpened
from leadflow.stores import ChangeSet, InMemoryStore

ROUNDS = 7
TIMES = 50
# Leads of a batch, few and many; what is matched is matched among ten times as many.
SIZES = (10_000, 100_000)

# What the system counts peaks of memory in: bytes on macOS, kilobytes elsewhere.
KILO = 1 if sys.platform == "darwin" else 1024

TERMS = DealTerms("Rollout", Money("48000", "EUR"), expected_close=date(2026, 6, 30), pipeline=pipelines.SIMPLE)
LATER = When(at=START + timedelta(days=90), by="ada")


class Yes:
    """A policy that costs nothing: what is measured is the conversion."""

    basis = Basis("yes", 1, "f00d")

    def assess(self, subject: Any, *, at: Any) -> Assessment:
        """Qualify everybody."""
        return Assessment(
            verdict=Verdict.QUALIFIED,
            basis=self.basis,
            at=at,
            subject_id=subject.id,
            subject_version=subject.version,
            explainer=Explanation(),
        )


YES = Yes()


def numbered() -> Callable[[str], str]:
    """Return a source of ids."""
    numbers = count()
    return lambda kind: f"{kind}-{next(numbers)}"


def service(store: InMemoryStore) -> ConversionService:
    """Return a service on a store."""
    return ConversionService(store, qualify_with=YES, convert_with=YES, new_id=numbered())


def planned(found: Lead, assessed: Assessment) -> ChangeSet:
    """Plan the way of a lead to a deal."""
    first = plan_qualification(found, evidence=assessed, prospect=Create("P-1"), **LATER)
    second = plan_conversion(
        first.prospect,  # type: ignore[union-attr]
        evidence=YES.assess(first.prospect, at=LATER["at"]),  # type: ignore[union-attr]
        account=FindOrCreate("A-1"),
        contact=FindOrCreate("C-1"),
        opportunity=Create("O-1"),
        terms=TERMS,
        **LATER,
    )
    return first.changes.then(second.changes)  # type: ignore[union-attr]


def by_hand(found: Lead, evidence: Evidence) -> tuple[object, ...]:
    """Build the records that come of it, event by event."""
    opened = ProspectOpened(
        lead_id=found.id,
        person=found.person,
        company=found.company,
        source=found.source,
        engagements=found.engagements,
        evidence=evidence,
        **LATER,
    )
    qualified = Lead(found.id, (*found.history, LeadQualified(prospect_id="P-1", evidence=evidence, **LATER)))
    account = Account.add("A-1", "Obi", company=found.company, source=found.source, **LATER)
    contact = Contact.add("C-1", found.person, account_id="A-1", source=found.source, **LATER)
    assert TERMS.amount is not None
    deal = Opportunity.open(
        "O-1",
        "Rollout",
        TERMS.amount,
        expected_close=date(2026, 6, 30),
        origin=Origin.from_prospect("P-1"),
        pipeline=pipelines.SIMPLE,
        account_id="A-1",
        contact_roles=(ContactRole("C-1", primary=True),),
        engagements=found.engagements,
        source=found.source,
        evidence=evidence,
        **LATER,
    )
    moved = ProspectConverted(account_id="A-1", contact_id="C-1", opportunity_id="O-1", evidence=evidence, **LATER)
    return account, contact, deal, Prospect("P-1", (opened, moved)), qualified


def stored(number: int) -> InMemoryStore:
    """Return a store with so many leads."""
    store = InMemoryStore()
    for position in range(number):
        store.commit(ChangeSet.new(lead(position)))
    return store


def strangers(number: int) -> InMemoryStore:
    """Return a store with one prospect and so many contacts who are not him."""
    store = InMemoryStore()
    person, company = Person("Ada Obi", email="ada@obi.example"), Company("Obi", domain="obi.example")
    store.commit(ChangeSet.new(Prospect.imported("P", person=person, company=company, at=START)))
    for position in range(number):
        contact = Contact.add(f"C-{position}", Person(f"x{position}", email=f"{position}@x.example"), at=START)
        store.commit(ChangeSet.new(contact))
    return store


def rows() -> list[Row]:
    """Measure, and return rows."""
    return [*_one(), *_bulk(), *_matching()]


def _one() -> Iterator[Row]:
    found = lead()
    assessed = YES.assess(found, at=LATER["at"])
    evidence = assessed.evidence()
    changes = planned(found, assessed)
    full = InMemoryStore()
    full.commit(ChangeSet.new(found))
    full.commit(changes)

    def fresh() -> InMemoryStore:
        store = InMemoryStore()
        store.commit(ChangeSet.new(found))
        return store

    def per_call(work: Callable[[InMemoryStore], object]) -> float:
        stores = [fresh() for _ in range(TIMES)]
        start = process_time()
        for store in stores:
            work(store)
        return (process_time() - start) / TIMES

    def against(work: Callable[[InMemoryStore], object], name: str, bound: float | None = None) -> Row:
        pair = in_turn(lambda: per_call(work), lambda: per_call(lambda store: by_hand(found, evidence)), ROUNDS)
        return pair.row(name, "the same five records and six events, by hand", bound)

    with resting_collector():
        yield against(lambda store: store.commit(planned(found, assessed)), "plan and commit, lead to deal", 10.0)
        yield against(
            lambda store: service(store).qualify_and_convert(found.id, terms=TERMS, **LATER),
            "the service: load, assess, plan, commit",
        )
    pair = paired(lambda: planned(found, assessed), lambda: by_hand(found, evidence), rounds=ROUNDS, times=TIMES)
    yield pair.row("plan alone", "the same, by hand")


def batch(number: int) -> tuple[float, float]:
    """Convert so many leads; return seconds and bytes of memory per lead, stored leads not counted."""
    store = stored(number)
    ids = [f"L-{position}" for position in range(number)]
    gc.collect()
    before, start = getrusage(RUSAGE_SELF).ru_maxrss, process_time()
    summary = BulkSummary.of(service(store).qualify_and_convert_many(ids, terms=TERMS, key="batch", **LATER))
    seconds, after = process_time() - start, getrusage(RUSAGE_SELF).ru_maxrss
    assert summary.written == number
    return seconds / number, (after - before) * KILO / number


def in_a_process_of_its_own(number: int) -> tuple[float, float]:
    """Do the same in a fresh process, whose memory nobody has used before."""
    program = f"import bench_conversion; print(*bench_conversion.batch({number}))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])}
    run = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    seconds, size = map(float, run.stdout.split())
    return seconds, size


def _bulk() -> Iterator[Row]:
    few, many = SIZES
    # The few more often, so that one disturbance counts for less.
    small = [in_a_process_of_its_own(few) for _ in range(min(ROUNDS, 3))]
    large = in_a_process_of_its_own(many)
    seconds, size = median(seconds for seconds, _ in small), median(size for _, size in small)
    yield {
        "work": f"bulk, per lead of {many:,}",
        "us": round(1e6 * large[0], 1),
        "against": f"per lead of {few:,}",
        "us_against": round(1e6 * seconds, 1),
        "ratio": round(large[0] / seconds, 2),
        "bound": 1.5,
    }
    yield {
        "work": f"bulk, memory per lead of {many:,}",
        "against": f"per lead of {few:,}",
        "bytes": round(large[1]),
        "bytes_against": round(size),
        # A handful of leads fits into what Python has reserved already.
        "ratio": round(large[1] / max(size, 1), 2) if few >= 1_000 else None,
        "bound": 1.3 if few >= 1_000 else None,
    }


def _matching() -> Iterator[Row]:
    few, many = SIZES[0], 10 * SIZES[1]
    small, large = (service(strangers(number)) for number in (few, many))

    def plan(on: ConversionService) -> object:
        # Refused after everything was looked up, for want of an amount: nothing changes.
        return on.convert("P", **LATER)

    pair = paired(lambda: plan(large), lambda: plan(small), rounds=ROUNDS, times=TIMES)
    yield pair.row(f"match and plan among {many:,} contacts", f"among {few:,}", 1.5)
