"""
The facts that ship: name, kind, unit, meaning, question to ask, and where each is read.

Theory. A fact is a named value about one subject at one time. Where it stands on a lead, prospect or opportunity is a
path of attributes, and a None on the way means *unknown*; the few facts that need more than a path have a function. A
subject whose class lacks the first attribute simply does not know the fact. Two things follow a fact everywhere:
whether it may identify a person (then redaction blanks it in stored evidence), and whether it is known only after the
outcome (then a rule that reads it predicts nothing). A host's own facts are ``custom.*``, read from custom fields.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from attrs import field, frozen

from leadflow.dealparts import BuyingRole, OpportunityType
from leadflow.discovery import LEVELS, RATED, RATINGS
from leadflow.errors import Problem
from leadflow.fields import FieldValue
from leadflow.lifecycle import LeadStatus, ProspectStatus
from leadflow.party import Seniority
from leadflow.party.people import country_problem
from leadflow.qualification.kinds import Kind
from leadflow.qualification.readers import count_of, is_contactable, is_known, rating_of, set_of, technologies
from leadflow.stage import ForecastCategory, StageCategory
from leadflow.validation import coded

__all__ = ["CATALOGUE", "CUSTOM", "FactSpec", "read", "spec_of"]

CUSTOM: Final = "custom."
_CUSTOM_RATING: Final = "discovery.ratings.custom."


@frozen
class FactSpec:
    """
    What the catalogue says about one fact.

    Attributes:
        name: How rules call it.
        kind: What its value is.
        meaning: One line on it, unit included.
        question: What to ask when it is unknown.
        path: Attributes to follow from the subject; empty where `derive` reads it or where only a `FactSheet` knows it.
        derive: Reads what a path cannot; called with the subject and the time of the judgement.
        on: An attribute that a subject's class must have to know the fact.
        levels: The levels of a level fact, lowest first.
        options: The only texts that can occur, in a text or a set; empty where any can.
        rule: Checks what a text must look like; called with a path and the text.
        personal: Whether it may identify a natural person.
        after_outcome: Whether it is known only once the outcome is.
    """

    name: str
    kind: Kind
    meaning: str
    question: str
    path: tuple[str, ...] = field(default=(), kw_only=True)
    derive: Callable[[Any, datetime], FieldValue | None] | None = field(default=None, kw_only=True)
    on: str = field(default="", kw_only=True)
    levels: tuple[str, ...] = field(default=(), kw_only=True)
    options: tuple[str, ...] = field(default=(), kw_only=True)
    rule: Callable[[str, object], Problem | None] | None = field(default=None, kw_only=True)
    personal: bool = field(default=False, kw_only=True)
    after_outcome: bool = field(default=False, kw_only=True)

    def value_problem(self, path: str, value: Any) -> Problem | None:  # noqa: ANN401 - a value of its kind, or an item
        """Say why a value of its kind can never occur, if so: a country that is no code, a status that nothing has."""
        for text in value if isinstance(value, frozenset | tuple) else (value,):
            problem = None if self.rule is None else self.rule(path, text)
            if problem is None and self.options:
                problem = coded(path, text, self.options)
            if problem is not None:
                return problem
        return None


def read(spec: FactSpec, subject: Any, at: datetime) -> FieldValue | None:  # noqa: ANN401 - any record
    """Read a fact from a lead, prospect or opportunity; None is unknown."""
    if not spec.on or not hasattr(type(subject), spec.on):
        return None
    if spec.derive is not None:
        return spec.derive(subject, at)
    value = subject
    for name in spec.path:
        value = getattr(value, name)
        if value is None:
            return None
    return value  # type: ignore[no-any-return]  # the catalogue's paths end in values of its kinds


def spec_of(name: str) -> FactSpec | None:
    """Return what is known about a fact by its name; a rating of the host's own needs no entry."""
    if name.startswith(_CUSTOM_RATING) and len(name) > len(_CUSTOM_RATING):
        return _rating(name.removeprefix("discovery.ratings."))
    return CATALOGUE.get(name)


def _fact(name: str, kind: Kind, meaning: str, question: str, path: str = "", **more: Any) -> FactSpec:  # noqa: ANN401
    """Return an entry; the path is the name unless given, and `on` is where the path begins unless given."""
    steps = () if "derive" in more else tuple((path or name).split("."))
    return FactSpec(name, kind, meaning, question, path=steps, **({"on": (path or name).partition(".")[0]} | more))


def _rating(name: str) -> FactSpec:
    words = name.removeprefix(CUSTOM).replace("_", " ")
    return _fact(
        f"discovery.ratings.{name}",
        Kind.LEVEL,
        f"how well {words} is established: {', '.join(RATINGS)}",
        f"what do we know about {words}?",
        derive=rating_of(name),
        levels=RATINGS,
    )


def _level(dimension: str, question: str) -> FactSpec:
    levels = LEVELS[dimension]
    meaning = f"how far {dimension.replace('_', ' ')} is established: {', '.join(levels)}"
    return _fact(f"discovery.{dimension}.level", Kind.LEVEL, meaning, question, levels=levels)


def _codes(*enums: type[StrEnum]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(member.value for enum in enums for member in enum))


_BOOL, _NUMBER, _TEXT, _SET, _MONEY, _DATE = Kind.BOOL, Kind.NUMBER, Kind.TEXT, Kind.SET, Kind.MONEY, Kind.DATE

_SHIPPED: Final = (
    _fact("person.name", _TEXT, "their name", "what is their name?", personal=True),
    _fact("person.email", _TEXT, "their address, lower case", "what is their e-mail address?",
          "person.email.normalised", personal=True),
    _fact("person.email_domain", _TEXT, "the part after the @", "what is their e-mail address?", "person.email.domain"),
    _fact("person.phone", _TEXT, "their number, as written", "what is their phone number?", personal=True),
    _fact("person.handle", _TEXT, "their name on a network", "where else can they be reached?", personal=True),
    _fact("person.job_title", _TEXT, "their title, as written", "what is their job?", personal=True),
    _fact("person.seniority", Kind.LEVEL, "how far up they stand", "how senior are they?", "person.seniority.value",
          levels=tuple(level.value for level in Seniority)),
    _fact("person.department", _TEXT, "their department", "in which department are they?"),
    _fact("person.country", _TEXT, "ISO 3166 code", "in which country are they?", rule=country_problem),
    _fact("person.language", _TEXT, "BCP 47 tag", "which language do they speak?"),
    _fact("person.is_contactable", _BOOL, "whether a channel is known and not refused", "may we contact them?",
          derive=is_contactable),
    _fact("company.name", _TEXT, "its name", "which company is it?"),
    _fact("company.domain", _TEXT, "host name of its web site", "what is their web site?"),
    _fact("company.industry", _TEXT, "code of its industry", "in which industry are they?"),
    _fact("company.employees", _NUMBER, "head count", "how many people work there?"),
    _fact("company.revenue", _MONEY, "revenue per year", "what is their yearly revenue?"),
    _fact("company.country", _TEXT, "ISO 3166 code", "in which country are they?", rule=country_problem),
    _fact("company.region", _TEXT, "state, canton or sales region", "in which region are they?"),
    _fact("company.city", _TEXT, "city, as written", "in which city are they?"),
    _fact("company.technologies", _SET, "what they use", "what do they use today?", derive=technologies),
    _fact("source", _TEXT, "where it came from", "how did they hear of us?"),
    _fact("campaign", _TEXT, "the campaign it came from", "which campaign brought them?"),
    _fact("owner", _TEXT, "who looks after it on our side", "who looks after this?"),
    _fact("tags", _SET, "our labels on it", "how would we label this?"),
    _fact("created_at", Kind.INSTANT, "when the record was created", "since when do we know them?"),
    _fact("status", _TEXT, "where its lifecycle stands", "where does this stand?", "status.value", after_outcome=True,
          options=_codes(LeadStatus, ProspectStatus)),
    _fact("estimated_value", _MONEY, "what it may be worth", "what may this be worth?"),
    _fact("product_interest", _SET, "products of interest, by code", "which products are they interested in?",
          derive=set_of("product_interest", "product")),
    _level("budget", "is there money for this, and how much?"),
    _level("authority", "who decides?"),
    _level("need", "what problem do they want solved?"),
    _level("timeline", "by when do they need it?"),
    _level("next_step", "what will they do next, and when?"),
    _level("catalyst", "what makes them act now?"),
    _fact("discovery.budget.amount", _MONEY, "money there is for it", "how much money is there?",
          "discovery.budget.value"),
    _fact("discovery.timeline.date", _DATE, "when they need it", "by which date?", "discovery.timeline.value"),
    _fact("discovery.need.text", _TEXT, "the problem in their words", "what problem do they want solved?",
          "discovery.need.value", personal=True),
    _fact("discovery.next_step.text", _TEXT, "what they will do next", "what will they do next?",
          "discovery.next_step.value", personal=True),
    _fact("discovery.catalyst.text", _TEXT, "the event that makes them act", "what makes them act now?",
          "discovery.catalyst.value", personal=True),
    *(_rating(name) for name in sorted(RATED)),
    _fact("deal.amount", _MONEY, "what the deal is worth", "what is the deal worth?", "amount", on="stage"),
    _fact("deal.type", _TEXT, "new, expansion or renewal", "is it new business?", "type.value", on="stage",
          options=_codes(OpportunityType)),
    _fact("deal.stage", _TEXT, "code of its stage", "in which stage is the deal?", "stage.code", on="stage"),
    _fact("deal.stage_category", _TEXT, "open, won or lost", "is it still open?", "stage.category.value",
          on="stage", after_outcome=True, options=_codes(StageCategory)),
    _fact("deal.stage_entered_at", Kind.INSTANT, "when it entered its stage", "since when is it in this stage?",
          "stage_entered_at", on="stage"),
    _fact("deal.probability", _NUMBER, "chance of winning, in [0, 1]", "how likely is it?", "probability",
          on="stage", after_outcome=True),
    _fact("deal.forecast_category", _TEXT, "how it enters the forecast", "how sure are we of it?",
          "forecast_category.value", on="stage", after_outcome=True, options=_codes(ForecastCategory)),
    _fact("deal.expected_close", _DATE, "when it should close", "when will it close?", "expected_close", on="stage"),
    _fact("deal.closed_at", Kind.INSTANT, "when it was won or lost", "when was it decided?", "closed_at",
          on="stage", after_outcome=True),
    _fact("deal.has_next_step", _BOOL, "whether a next step is planned", "what is the next step?",
          derive=is_known("next_step"), on="stage"),
    _fact("deal.proposals", _NUMBER, "how many proposals were sent", "how many proposals did we send?",
          derive=count_of("proposals"), on="stage"),
    _fact("deal.competitors", _SET, "who else is in", "who else do they talk to?", derive=set_of("competitors"),
          on="stage"),
    _fact("deal.roles", _SET, "buying roles we know a person for", "who takes part in the decision?",
          derive=set_of("contact_roles", "role"), on="stage", options=_codes(BuyingRole)),
    # Known to a FactSheet only, which is told the account and its deals.
    _fact("account.is_customer", _BOOL, "whether they bought before", "are they a customer?", derive=None, on=""),
    _fact("account.open_deals", _NUMBER, "how many of its deals are open", "what else is open?", derive=None, on=""),
    _fact("account.won_deals", _NUMBER, "how many of its deals were won", "what have they bought?", derive=None, on=""),
)  # fmt: skip

CATALOGUE: Final[Mapping[str, FactSpec]] = MappingProxyType({spec.name: spec for spec in _SHIPPED})
