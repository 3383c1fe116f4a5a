"""docs/reference/codes.md lists the codes of the code, in its order; a failing test prints the rows to paste."""

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from importlib import import_module
from inspect import isclass
from pathlib import Path
from pkgutil import walk_packages

import pytest

import leadflow
from leadflow import (
    DISQUALIFICATION_REASONS,
    ENGAGEMENT_KINDS,
    LOSS_REASONS,
    BuyingRole,
    Channel,
    CountsAs,
    ForecastCategory,
    LeadStatus,
    Money,
    OpportunityType,
    Pipeline,
    Proactive,
    ProspectStatus,
    Reason,
    StageCategory,
    Verdict,
)
from leadflow.assessment import FindingKind
from leadflow.calendar import PeriodKind
from leadflow.conversion import (
    CameBy,
    FieldKind,
    IntakeOutcome,
    MergeRule,
    OpenDeals,
    PersonAccounts,
    RefusalCode,
    TakenBack,
)
from leadflow.dealparts import OriginKind, Side
from leadflow.discovery import LEVELS, RATED, RATINGS, change_problems, learn
from leadflow.engagement import TouchKind, TouchOutcome
from leadflow.events import ProbabilitySource
from leadflow.forecasting import Bucket, DealState, Factor, Level, Measure, OmissionReason, RollupMode
from leadflow.funnel import Attribution
from leadflow.lifecycle import LEAD, PROSPECT, Lifecycle
from leadflow.party import Basis, Seniority
from leadflow.pipelines import PRESETS
from leadflow.qualification.combine import How
from leadflow.qualification.kinds import Kind
from leadflow.stage import Requirement
from leadflow.stores import Compares
from leadflow.testing import Capability, Outcome
from leadflow.worklist import TrackEnd, WorkCode

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "codes.md"


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def yes(value: bool) -> str:
    return "yes" if value else "-"


def codes(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def kinds() -> list[str]:
    presets = (Proactive.STANDARD, Proactive.STRICT, Proactive.OPEN)
    return [
        row(
            f"`{kind.code}`",
            kind.label,
            *(yes(preset.includes(kind.code)) for preset in presets),
            yes(kind.expects_reply),
            yes(kind.is_automatic),
        )
        for kind in ENGAGEMENT_KINDS.values()
    ]


def levels() -> list[str]:
    samples = (("`Money`", Money("1", "EUR")), ("a `date`", date(2026, 3, 2)), ("text", "words"))
    rows = []
    for dimension, names in LEVELS.items():
        said = [(shown, learn({dimension: sample})) for shown, sample in samples]
        bare = [
            f"{shown}: `{change[1].level}`"
            for shown, (change,) in said
            if not any(change_problems((change,))) and change[1] is not None
        ]
        rows.append(row(f"`{dimension}`", codes(names), ", ".join(bare) or "-"))
    return rows


def reasons(known: Iterable[Reason]) -> list[str]:
    return [row(f"`{reason.code}`", reason.label, f"`{reason.counts_as}`", yes(reason.needs_note)) for reason in known]


def moves(lifecycle: Lifecycle[str]) -> list[str]:
    return [
        row(
            f"`{state.code}`",
            ", ".join(f"{name} → `{lifecycle.target(state.code, name)}`" for name in lifecycle.moves_from(state.code))
            or "-",
        )
        for state in lifecycle.states
    ]


def stages(pipeline: Pipeline) -> list[str]:
    return [
        row(
            f"`{stage.code}`",
            stage.label,
            f"`{stage.category}`",
            f"{stage.probability * 100:.3g} %",
            f"`{stage.forecast_category}`",
        )
        for stage in pipeline.stages
    ]


# Tables whose every cell is in the code, by the heading above them.
TABLES = {
    "Engagement kinds": kinds(),
    "Levels": levels(),
    "Ratings": [row("levels", codes(RATINGS)), row("dimensions", codes(sorted(RATED)))],
    "Loss reasons": reasons(LOSS_REASONS.values()),
    "Disqualification reasons": reasons(DISQUALIFICATION_REASONS.values()),
    "Lead statuses": moves(LEAD),
    "Prospect statuses": moves(PROSPECT),
    **{f"`pipelines.{name.upper()}`": stages(pipeline) for name, pipeline in PRESETS.items()},
}
# Tables whose first column is in the code; the rest is said on the page.
LISTED = {
    "Touch kinds": TouchKind,
    "Touch outcomes": TouchOutcome,
    "Seniorities": Seniority,
    "Channels": Channel,
    "Bases": Basis,
    "Buying roles": BuyingRole,
    "Opportunity types": OpportunityType,
    "Origins": OriginKind,
    "Sides of a milestone": Side,
    "What reasons count as": CountsAs,
    "Moves": tuple(dict.fromkeys(move.name for lifecycle in (LEAD, PROSPECT) for move in lifecycle.moves)),
    "Merge rules": MergeRule,
    "Refusal codes": RefusalCode,
    "Requirements": Requirement,
    "Stage categories": StageCategory,
    "Forecast categories": ForecastCategory,
    "Measures": Measure,
    "Buckets of a waterfall": Bucket,
    "Causes of a difference": Factor,
    "Verdicts": Verdict,
    "Kinds of findings": FindingKind,
    "Kinds of facts": Kind,
    "Combinations of policies": How,
    "Outcomes of an intake": IntakeOutcome,
    "Where a value came from": CameBy,
    "Kinds of mapped fields": FieldKind,
    "Open deals": OpenDeals,
    "Accounts of persons": PersonAccounts,
    "What is taken back": TakenBack,
    "What a match key compares": Compares,
    "Where a probability comes from": ProbabilitySource,
    "States of a deal": DealState,
    "Modes of a rollup": RollupMode,
    "Why something was left out": OmissionReason,
    "Levels before a deal": Level,
    "Kinds of periods": PeriodKind,
    "Attributions": Attribution,
    "Reasons to work on a record": WorkCode,
    "Ends of a nurture track": TrackEnd,
    "Capabilities of a store": Capability,
    "Outcomes of a check": Outcome,
}
# Enumerations whose codes are rows of a table in TABLES.
WHOLE = {LeadStatus, ProspectStatus}


def tables() -> dict[str, list[str]]:
    """Return the rows of each section with a table, without the two that head it."""
    parts = re.split(r"^##+ (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {
        heading: [line for line in text.splitlines() if line.startswith("|")]
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    return {heading: lines[2:] for heading, lines in found.items() if lines}


@pytest.mark.parametrize("heading", TABLES)
def test_a_table_is_the_data(heading: str) -> None:
    """Who changes a code pastes the rows that this test prints under the heading."""
    expected = "\n".join(TABLES[heading])
    assert "\n".join(tables().get(heading, [])) == expected, f"paste this under {heading!r}:\n{expected}"


@pytest.mark.parametrize("heading", LISTED)
def test_a_table_lists_every_code(heading: str) -> None:
    """Each code has a row, in the order of the code, and says something."""
    expected = [str(code) for code in LISTED[heading]]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in tables().get(heading, [])]
    missing = "\n".join(row(f"`{code}`", "...") for code in expected)
    assert [cells[0].strip("`") for cells in rows] == expected, f"paste this under {heading!r}:\n{missing}"
    assert [cells for cells in rows if not all(cells)] == []


def test_every_table_is_checked() -> None:
    """No table of the page stands beside what the tests compare."""
    assert set(tables()) == {*TABLES, *LISTED}


def public_enumerations() -> set[type[StrEnum]]:
    """Return every enumeration of codes that any module of the library lists in its `__all__`."""
    names = ["leadflow", *(found.name for found in walk_packages(leadflow.__path__, "leadflow."))]
    listed = (getattr(module, name) for module in map(import_module, names) for name in module.__all__)
    return {value for value in listed if isclass(value) and issubclass(value, StrEnum)}


def test_no_enumeration_is_forgotten() -> None:
    """Who adds codes adds a section to the page and its heading to `LISTED`."""
    on_the_page = {codes for codes in LISTED.values() if isclass(codes)} | WHOLE
    assert sorted(f"{each.__module__}.{each.__name__}" for each in public_enumerations() ^ on_the_page) == []
