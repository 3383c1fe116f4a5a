"""
The terms of a deal: what the seller decides when opening it, and what holds where they decide nothing.

Theory. Whatever is None in `DealTerms` comes from `TermDefaults`, a value that the host configures once; every default
that was used is listed in the plan, with where it came from. A probability that is given is marked manual;
without one the stage's holds. An amount is never made up: it is given, or it is the estimate that came along.
"""

from collections.abc import Iterable
from datetime import UTC, date
from string import Formatter
from typing import Any, Final

import attrs
from attrs import field, frozen

from leadflow import pipelines
from leadflow.calendar import FiscalCalendar
from leadflow.dealparts import BuyingRole, NextStep, OpportunityType, ProductInterest, TeamMember, to_products
from leadflow.errors import Problem, did_you_mean
from leadflow.money import Money, Recurring
from leadflow.pipeline import Pipeline
from leadflow.validation import (
    check,
    code,
    coded,
    day,
    each,
    instance,
    member,
    optional,
    probability,
    text,
    to_tuple,
)

__all__ = ["NO_TERMS", "DealTerms", "Default", "TermDefaults", "brief", "stage_problem"]

_PLACEHOLDERS: Final = ("party", "company", "person", "product", "quarter")

_to_type = member(OpportunityType, none=True)
_to_role = member(BuyingRole, none=True)


def brief(value: Any) -> str:  # noqa: ANN401 - any of our classes
    """
    Return the repr of a value with many defaults: what differs from them.

    >>> DealTerms(probability=0.5)
    DealTerms(probability=0.5)
    """
    given: list[str] = []
    for attribute in attrs.fields(type(value)):
        make = getattr(attribute.default, "factory", None)
        usual = attribute.default if make is None else make()
        mine = getattr(value, attribute.name)
        if mine != usual:
            given.append(f"{attribute.name}={mine!r}")
    return f"{type(value).__name__}({', '.join(given)})"


def _type(value: OpportunityType | str | None) -> OpportunityType | None:
    return _to_type(value)


def _role(value: BuyingRole | str | None) -> BuyingRole | None:
    return _to_role(value)


def _products(values: Iterable[ProductInterest | str] | None) -> tuple[ProductInterest, ...] | None:
    if values is None or not isinstance(values, Iterable):
        return values
    return to_products(values)


def _team(values: Iterable[TeamMember]) -> tuple[TeamMember, ...]:
    return to_tuple(values)


@frozen
class DealTerms:
    """
    What is agreed or assumed about a deal when it is opened; None: the configured default.

    Attributes:
        name: As people will call it.
        amount: What it is worth; a `Recurring` for one that recurs.
        expected_close: The day it is expected to close.
        stage: Code of the open stage it starts in.
        probability: A manual probability, in [0, 1].
        pipeline: The pipeline it goes through.
        type: new, expansion or renewal.
        product_interest: What it is about: product codes or `ProductInterest` values. Default: the prospect's.
        next_step: What we do next.
        team: Who of us works on it beside the owner.
        role: The contact's part in the deal.

    Raises:
        InvalidError: Naming everything that is wrong; a stage code only if the pipeline is given too.
    """

    name: str | None = None
    amount: Money | Recurring | None = None
    expected_close: date | None = field(default=None, kw_only=True)
    stage: str | None = field(default=None, kw_only=True)
    probability: float | None = field(default=None, kw_only=True)
    pipeline: Pipeline | None = field(default=None, kw_only=True)
    type: OpportunityType | None = field(default=None, kw_only=True, converter=_type)
    product_interest: tuple[ProductInterest, ...] | None = field(default=None, kw_only=True, converter=_products)
    next_step: NextStep | None = field(default=None, kw_only=True)
    team: tuple[TeamMember, ...] = field(default=(), kw_only=True, converter=_team)
    role: BuyingRole | None = field(default=None, kw_only=True, converter=_role)

    def __attrs_post_init__(self) -> None:
        strange = optional(instance, "pipeline", self.pipeline, Pipeline, "a Pipeline")
        check(
            "DealTerms",
            optional(text, "name", self.name),
            optional(instance, "amount", self.amount, (Money, Recurring), "Money or a Recurring"),
            optional(day, "expected_close", self.expected_close),
            (
                optional(code, "stage", self.stage)
                if strange or self.pipeline is None
                else optional(stage_problem, "stage", self.stage, self.pipeline)
            ),
            optional(probability, "probability", self.probability),
            strange,
            optional(coded, "type", self.type, OpportunityType),
            *(
                ()
                if self.product_interest is None
                else each("product_interest", self.product_interest, instance, ProductInterest, "a ProductInterest")
            ),
            optional(instance, "next_step", self.next_step, NextStep, "a NextStep"),
            *each("team", self.team, instance, TeamMember, "a TeamMember"),
            optional(coded, "role", self.role, BuyingRole),
        )

    def __repr__(self) -> str:
        return brief(self)


NO_TERMS: Final = DealTerms()


def stage_problem(path: str, value: object, pipeline: Pipeline) -> Problem | None:
    """Say what is wrong with the stage that a deal is to start in."""
    open_codes = [stage.code for stage in pipeline.open_stages]
    if value in open_codes:
        return None
    rule = f"must be an open stage of pipeline {pipeline.id!r}, got {value!r}{did_you_mean(str(value), open_codes)}"
    return Problem(path, rule, is_type=not isinstance(value, str))


@frozen(kw_only=True)
class TermDefaults:
    """
    What holds for terms that nobody gave.

    Attributes:
        name: What a deal is called: a text with any of ``{party}`` (the company, else the person), ``{company}``,
            ``{person}``, ``{product}`` (the first product) and ``{quarter}`` (of the expected close, e.g. FY2026 Q1).
            What is unknown leaves nothing behind.
        pipeline: The pipeline of a deal.
        stage: Code of the stage it starts in. Default: where the pipeline starts.
        calendar: In which the expected close is the end of the fiscal quarter of `at`; None: it must be given.
        type: new, expansion or renewal.
        role: The contact's part in the deal.
    """

    name: str = "{party}"
    pipeline: Pipeline = field(factory=lambda: pipelines.SIMPLE)
    stage: str | None = None
    calendar: FiscalCalendar | None = field(default=FiscalCalendar(UTC))
    type: OpportunityType = field(default=OpportunityType.NEW, converter=_type)
    role: BuyingRole = field(default=BuyingRole.OTHER, converter=_role)

    def __attrs_post_init__(self) -> None:
        strange = instance("pipeline", self.pipeline, Pipeline, "a Pipeline")
        check(
            "TermDefaults",
            text("name", self.name) or _name_problem(self.name),
            strange,
            None if strange else optional(stage_problem, "stage", self.stage, self.pipeline),
            optional(instance, "calendar", self.calendar, FiscalCalendar, "a FiscalCalendar"),
            coded("type", self.type, OpportunityType),
            coded("role", self.role, BuyingRole),
        )

    def __repr__(self) -> str:
        return brief(self)

    def name_for(self, **words: str | None) -> str | None:
        """Return the name made of these words; None when nothing is left of it."""
        filled = self.name.format_map({name: words.get(name) or "" for name in _PLACEHOLDERS})
        # What surrounds a blank, such as "Acme - " without a product, is no part of the name.
        return " ".join(filled.split()).strip(" -,:/") or None


def _name_problem(template: str) -> Problem | None:
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        return Problem("name", f"must be text with placeholders in braces, got {template!r} ({error})")
    for _, name, spec, conversion in parts:
        if name is not None and (name not in _PLACEHOLDERS or spec or conversion):
            return Problem("name", f"has an unknown placeholder {name!r}{did_you_mean(name, _PLACEHOLDERS)}")
    return None


@frozen
class Default:
    """
    Something that nobody gave and the plan filled in.

    Attributes:
        path: What, e.g. ``terms.stage``.
        value: With what.
        why: Where it comes from, in words.
    """

    path: str
    value: object
    why: str

    def __str__(self) -> str:
        return f"{self.path} = {self.value} ({self.why})"
