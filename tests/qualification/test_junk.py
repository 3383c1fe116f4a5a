"""Whatever is handed to a function that builds something, it builds it or says what is wrong; nothing else happens."""

# ruff: noqa: PLW0108 - the functions take these by position

from datetime import UTC, datetime, timedelta

import pytest

from leadflow import Money
from leadflow.errors import InvalidError
from leadflow.qualification import (
    Bant,
    FactSheet,
    Grid,
    IdealCustomerProfile,
    Policy,
    Questionnaire,
    Scale,
    Scorecard,
    age,
    all_of,
    at_least,
    bands,
    bant_ladder,
    cap,
    coalesce,
    engagement_points,
    engagements,
    fact,
    fit_grid,
    framework,
    knock_out,
    points,
    require,
    rfm_points,
    temperature,
    touches,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SIZE = fact("company.employees")
BIG = SIZE >= 50
TEN = points(10, when=BIG)
FIT = Scale(("C", "B"), [5], group="fit")

# Every function that builds, with arguments that are right.
BUILDERS = {
    "Policy": (
        Policy,
        {
            "id": "p",
            "version": 1,
            "knock_out": [fact("tags").includes("x")],
            "require": [BIG],
            "score": [TEN],
            "threshold": 5,
            "grades": Scale(("C", "B"), [5]),
            "valid_for": timedelta(days=1),
            "questions": {"company.employees": "how many?"},
        },
    ),
    "IdealCustomerProfile": (
        IdealCustomerProfile,
        {
            "id": "icp",
            "version": 1,
            "require": [fact("source").equals("x")],
            "knock_out": [fact("source").equals("y")],
            "points": [TEN],
            "threshold": 5,
            "industries": ["software"],
            "employees": (50, None),
            "revenue": (None, Money(10, "EUR")),
            "countries": ["DE"],
            "technologies": ["erp"],
            "job_titles": ["vp"],
            "seniority": "director",
            "excluded_industries": ["gambling"],
            "excluded_countries": ["KP"],
            "valid_for": timedelta(days=1),
        },
    ),
    "Scorecard": (
        Scorecard,
        {
            "id": "card",
            "version": 1,
            "groups": {"fit": [TEN]},
            "limits": {"fit": (0, 8)},
            "total": (0, 7),
            "knock_out": [fact("source").equals("y")],
            "require": [BIG],
            "threshold": 5,
            "grades": FIT,
            "valid_for": timedelta(days=1),
        },
    ),
    "framework": (
        framework,
        {"id": "f", "levels": {"need": "stated"}, "version": 1, "at_least": None, "score": True, "threshold": 3},
    ),
    "Bant": (Bant, {"id": "bant", "version": 1, "at_least": 2, "score": False, "threshold": None}),
    "rfm_points": (
        rfm_points,
        {
            "recency": [7],
            "frequency": [2],
            "monetary": [Money(10, "EUR")],
            "kind": ["webinar"],
            "within": timedelta(days=1),
        },
    ),
    "fit_grid": (fit_grid, {"fit": [5, 9], "engagement": [5, 9], "rows": ("C", "B", "A"), "columns": ("3", "2", "1")}),
    "temperature": (temperature, {"warm": 5, "hot": 9, "group": "fit"}),
    "Scale": (Scale, {"labels": ("C", "B"), "cuts": [5], "group": "fit"}),
    "Grid": (Grid, {"rows": FIT, "columns": FIT}),
    "points": (points, {"number": 5, "when": BIG, "unknown": "zero"}),
    "bands": (bands, {"operand": SIZE, "cuts": [50], "points": [0, 5], "unknown": "zero"}),
    "cap": (cap, {"item": [TEN], "low": 0, "high": 5, "name": "fit"}),
    "require": (require, {"when": BIG, "reason": "x", "unknown": "no"}),
    "knock_out": (knock_out, {"when": BIG, "reason": "x", "unknown": "no"}),
    "engagement_points": (
        engagement_points,
        {
            "kind": "webinar",
            "points": 5,
            "once": False,
            "at_least": 1,
            "per_day": 1,
            "at_most": 3,
            "within": timedelta(days=1),
            "half_life": timedelta(days=1),
            "cap": 9,
            "unknown": "zero",
        },
    ),
    "engagements": (
        lambda **given: engagements(**given).count() >= 1,
        {"kind": "webinar", "within": timedelta(days=1), "campaign": "spring"},
    ),
    "sum": (engagements().sum, {"of": "value", "currency": "EUR"}),
    "touches": (
        lambda **given: touches(**given).count() >= 1,
        {"kind": "call", "outcome": "reached", "within": timedelta(days=1)},
    ),
    "fact": (fact, {"name": "custom.tier", "type": str, "levels": ()}),
    "levels": (fact, {"name": "custom.tier", "levels": ("low", "high")}),
    "age": (age, {"operand": fact("created_at")}),
    "coalesce": (coalesce, {"operand": SIZE, "default": 5}),
    "at_least": (lambda count, one, other: at_least(count, one, other), {"count": 1, "one": BIG, "other": BIG}),
    "at_least of": (lambda count, items: at_least(count, items), {"count": 1, "items": [BIG]}),
    "between": (SIZE.between, {"low": 5, "high": 9}),
    "is_in": (lambda options: SIZE.is_in(options), {"options": [5]}),
    "contains": (fact("source").contains, {"part": "x", "ignore_case": True}),
    "includes": (fact("tags").includes, {"item": "x"}),
    "all_of": (lambda policies, **given: all_of(policies, **given), {"policies": [Bant()], "id": "x", "version": 1}),
    "FactSheet": (
        FactSheet,
        {
            "values": {"company.employees": 5},
            "missing": ["n/a"],
            "engagements": (),
            "touches": (),
            "subject_id": "x",
            "subject_version": 1,
            "known_at": AT,
        },
    ),
    "Questionnaire": (
        Questionnaire,
        {"policy": Bant(), "at": AT, "known": FactSheet({}), "unanswerable": frozenset()},
    ),
}
JUNK = (
    *(None, True, 5, -1, 0.5, float("nan"), float("inf"), "", "x", b"x", AT, AT.replace(tzinfo=None), Money(5, "USD")),
    *(SIZE, BIG, TEN, ~BIG, Bant(), FIT, object(), int, [], [5], ["x"], [None], {}, {"x": 5}, {5: "x"}, [[]], {"x"}),
    *((5,), (5, 6, 7), ("x", "y"), (9, 5), 10**400, "x" * 1_000, "\ud800", range(3)),
)


@pytest.mark.parametrize("name", BUILDERS)
def test_what_is_right_is_built(name):
    """The arguments from which the junk starts are right."""
    build, given = BUILDERS[name]
    assert build(**given) is not None


@pytest.mark.parametrize("name", BUILDERS)
def test_one_argument_is_junk(name):
    """One wrong argument among right ones is refused with a message, or taken; no other error gets out."""
    build, given = BUILDERS[name]
    for argument in given:
        for junk in JUNK:
            try:
                build(**{**given, argument: junk})
            except InvalidError as error:
                assert str(error)  # noqa: PT017 - whether it is raised depends on the junk
                assert len(str(error)) < 3_000  # noqa: PT017


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: IdealCustomerProfile(require=BIG), "require must be a list of criteria, got company.employees >= 50"),
        (lambda: IdealCustomerProfile(countries="DE"), "countries must be a list of texts, got 'DE'; write countries="),
        (lambda: IdealCustomerProfile(employees=50), "employees must be a pair (least, most), either of them None"),
        (
            lambda: Scorecard(groups={"fit": TEN}),
            "fit must be a list of what gives points, got 10 if company",
        ),
        (lambda: Scorecard(groups={"fit": [TEN]}, limits={"fti": (0, 5)}), "is no group (did you mean 'fit'?)"),
        (lambda: Scorecard(groups={"fit": [TEN]}, require=BIG), "require must be a list of criteria"),
        (lambda: rfm_points(recency=7), "recency must be a list of break points, got 7; write recency=[...]"),
        (lambda: framework("f", ["need"]), "levels must be a mapping from dimensions to levels"),
        (lambda: cap(5), "item must be a list of what gives points, got 5"),
        (lambda: Policy("p", require=[BIG], questions=["x"]), "questions must be a mapping from names of facts"),
    ],
)
def test_way_out(build, words):
    """A lone value where a list is wanted is named, and how to write it."""
    with pytest.raises(InvalidError) as caught:
        build()
    assert words in str(caught.value)


def test_shipped_ladder():
    """What takes no arguments builds."""
    assert len(bant_ladder()) == 3
