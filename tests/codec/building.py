"""
Objects of every kind, worked out from what the classes say of themselves: bare (what must be given) and full (all).

What an annotation cannot say (that a country is two letters, that a lost deal has a reason) stands in the two tables.
A new event or plan is built without anybody touching this; if its checks refuse what is worked out, it says so.
"""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, NewType, TypeVar, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import attrs

from leadflow import Account, Contact, Lead, ListEntry, Opportunity, Person, Prospect, pipelines
from leadflow.assessment import Basis, Evidence, Explanation, Finding, FindingKind, Question, Verdict
from leadflow.calendar import FiscalCalendar
from leadflow.codec.classes import Attribute, attributes_of
from leadflow.codec.forms import Forms
from leadflow.codec.unions import or_none
from leadflow.conversion import SKIP, Create, UseExisting
from leadflow.dealparts import LOSS_REASONS, ContactRole, Origin
from leadflow.discovery import Discovery, Learned
from leadflow.engagement import Engagement, Touch
from leadflow.events import Event, ForecastCall, Withdrawn
from leadflow.fields import Fields
from leadflow.money import Money, Recurring
from leadflow.party import EmailAddress
from leadflow.pipeline import Pipeline
from leadflow.qualification import Combined, Policy, fact
from leadflow.stores import MatchKey

AT = datetime(2026, 3, 2, 9, 30, 15, 123456, tzinfo=timezone(timedelta(hours=2)))
LATER = datetime(2026, 3, 3, 9, tzinfo=UTC)
SIMPLE = pipelines.SIMPLE
EUR = Money("48000.50", "EUR")
MORE = {
    "b": True,
    "i": 3,
    "f": 1.0,
    "s": "<b>'; DROP TABLE leads --",
    "d": Decimal("1.500"),
    "on": date(2026, 3, 2),
    "at": AT,
    "for": timedelta(days=1, microseconds=1),
    "money": EUR,
    "list": ("b", "a"),
    "set": frozenset({"b", "a"}),
}

PERSON = Person("Mara Okafor", email="Mara@Northwind.Example", seniority="vp")
ENTRY = ListEntry.add("E-1", person=PERSON, source="fair", at=AT)
LEAD = Lead.capture("L-1", person=PERSON, engagement=Engagement("form", at=AT), at=AT, by="web")
PROSPECT = Prospect.imported("P-1", person=PERSON, at=AT).touch(Touch("call", at=AT), at=AT, recorded_at=LATER)
ACCOUNT = Account.add("A-1", "Northwind", at=AT)
CONTACT = Contact.add("C-1", PERSON, at=AT)
DEAL = Opportunity.open(
    "O-1",
    "Fleet",
    Recurring(EUR, 3),
    expected_close=date(2026, 6, 30),
    origin=Origin.from_prospect("P-1"),
    pipeline=SIMPLE,
    at=AT,
).lose("other", note="gone", at=LATER)

EVIDENCE = Evidence(
    policy_id="icp",
    at=AT,
    verdict=Verdict.UNDECIDED,
    facts={"company.employees": 420, "company.revenue": EUR},
    missing_facts=("discovery.need.level",),
    explanation=Explanation(
        findings=(
            Finding(path="score[0]", kind=FindingKind.POINTS, text="bounced", holds=None, low=-5, is_penalty=True),
            Finding(
                path="require[0]", kind=FindingKind.REQUIREMENT, text="big", holds=True, facts=("company.employees",)
            ),
        ),
        questions=(Question("discovery.need.level", "what do they need?", 0.5, 20),),
        if_unknown_is_no=Verdict.NOT_QUALIFIED,
    ),
)

# What an attribute of this name is, whatever its class.
BY_NAME: dict[str, Any] = {
    "country": "DE",
    "currency": "EUR",
    "domain": "northwind.example",
    "fields": Fields(MORE),
    "facts": Fields(MORE),
    "personal_facts": Fields({"person.name": "Mara"}),
    "evidence": EVIDENCE,
    "recorded_at": LATER,
    "created_at": AT - timedelta(days=300),
    "closed_at": None,
    "stage": SIMPLE.stage("proposal"),
    "last_open_stage": SIMPLE.stage("proposal"),
    "category": "commit",
    "forecast_call": ForecastCall(category="commit", pinned=True, by="ada", at=AT),
    "discovery": Discovery(
        budget=Learned("approved", value=EUR, at=AT),
        authority=Learned("none", evidence="said so", source="call"),
        timeline=Learned("agreed", value=date(2026, 6, 30)),
        need=Learned("stated", value="late deliveries"),
        ratings={"champion": Learned("weak"), "custom.politics": Learned("strong")},
    ),
    "engagement": Engagement("form", at=AT, channel="web", value=EUR, note="\U0001f600", fields=Fields(MORE)),
    "engagements": (Engagement("form", at=AT), Engagement("custom.visit", at=AT, campaign="spring")),
    "contact_roles": (ContactRole("C-1", "champion", primary=True), ContactRole("C-2")),
    "tz": ZoneInfo("Europe/Berlin"),
    "calendar": FiscalCalendar(ZoneInfo("America/New_York"), 4),
    "stands_for": 3,
    "absent": (MatchKey("account", "domain", "northwind.example"),),
    "finds": "account",
    "reason": LOSS_REASONS["other"],
    "probability": 0.4,
}
# What an attribute of a class is; None leaves it out.
BY_CLASS: dict[str, dict[str, Any]] = {
    "AmountSet": {"recurring": Recurring(EUR, 1, 12)},
    "Assessment": {
        "values": (1, None, EUR, "x", 1.0),
        "basis": Basis("icp", 2, "f00d", ("a", "b", "c", "d", "e")),
        "explainer": EVIDENCE.explanation,
    },
    "ConversionPlan": {"prospect": PROSPECT, "account": ACCOUNT, "contact": CONTACT, "opportunity": DEAL},
    "ConversionRequest": {
        "account": Create("A-1", anyway=True),
        "contact": UseExisting("C-1"),
        "opportunity": SKIP,
        "terms": None,
    },
    "MergeRequest": {"ids": ("L-1", "L-2"), "rules": None},
    "ConversionMapping": {"kinds": Fields({"fields.seats": "integer"})},
    "ConversionSettings": {"reopens": frozenset({"nurturing"})},
    "Corrected": {"cleared": frozenset({"source"}), "source": None},
    "Deal": {
        "counts_as": None,
        "closed_at": None,
        "forecast_category": "commit",
        "stage": "proposal",
        "state": "open",
        "account": "A-1",
    },
    "DealTerms": {"stage": "proposal"},
    "Default": {"value": (EUR, "x", date(2026, 6, 30))},
    "Discovered": {"changes": (("budget", Learned("approved", value=EUR)), ("need", None))},
    "EventRecord": {"event": Withdrawn(note="x", at=AT)},
    "LeadImported": {"status": "merged"},
    "OpportunityImported": {"reason": None},
    "OpportunityLost": {"stage": SIMPLE.stage("lost")},
    "OpportunityWon": {"stage": SIMPLE.stage("won")},
    "Origin": {"kind": "prospect"},
    "Proactive": {"kinds": frozenset({"form", "custom.visit"})},
    "ProspectConverted": {"account_id": "A-1"},
    "ProspectImported": {"status": "merged"},
    "Redacted": {"reason": "GDPR Art. 17"},
    "Finding": {"facts": ("company.employees",), "reason": "why"},
    "Matching": {"domain": None, "phone": 1, "name": 1, "threshold": 3},
    "Rule": {"source": "person.job_title", "target": "contact.person.job_title"},
    "Learned": {"level": "weak", "evidence": "said so", "value": date(2026, 6, 30)},
    "Engagement": {"kind": "form"},
    "QualificationPlan": {"lead": LEAD, "prospect": PROSPECT},
    "QualificationRequest": {"lead_id": "L-1", "prospect": Create("P-9")},
    "Rate": {"source": "EUR", "target": "USD"},
    "RecordVersion": {"kind": "lead"},
    "Codes": {"words": Fields({"gold": "tier 1"})},
    "Column": {"path": "person.job_title"},
    "Day": {"format": "%d.%m.%Y"},
    "Instant": {"format": "%d.%m.%Y %H:%M"},
    "IntakeForm": {"basis": "contract", "defaults": Fields({"source": "fair"}), "ignored": frozenset({"csrf"})},
    "IntakeRequest": {
        "row": (("email", "mara@northwind.example"), ("seats", 40)),
        "lead": Create("L-1"),
        "entry": Create("E-1"),
    },
    "Integer": {"thousands": "."},
    "Number": {"decimal": ",", "thousands": "."},
    "YesNo": {"yes": ("ja",), "no": ("nein",)},
    "Stage": {"category": "open", "probability": 0.4, "forecast_category": "most_likely"},
    "TermDefaults": {"stage": "proposal", "name": "{company} {quarter}"},
    "Unmapped": {"value": frozenset({"b", "a"})},
    "Write": {"before": LEAD, "after": LEAD.assign("bo", at=LATER)},
}


def named(kind: type[Any], attribute: Any, hint: Any, full: bool) -> Any:
    """Return a value for an attribute; `attrs.NOTHING`: leave it out."""
    own = BY_CLASS.get(kind.__name__, {})
    if attribute.name in own:
        return attrs.NOTHING if own[attribute.name] is None else own[attribute.name]
    if BY_NAME.get(attribute.name, attrs.NOTHING) is None:
        return attrs.NOTHING
    return BY_NAME[attribute.name] if attribute.name in BY_NAME else value_of(hint, full=full, name=attribute.name)


def value_of(hint: Any, *, full: bool = True, name: str = "x") -> Any:
    """Return a value of an annotated type."""
    origin, parts = get_origin(hint), get_args(hint)
    if isinstance(hint, NewType):
        return f"{name}-1"
    if isinstance(hint, TypeVar):
        return value_of(hint.__bound__ or (*hint.__constraints__, str)[0], full=full, name=name)
    if origin in (Union, UnionType):
        return value_of(next(part for part in parts if part is not NoneType), full=full, name=name)
    if origin is Literal:
        return parts[0]
    if origin is tuple:
        kinds = parts[:1] if parts[-1] is ... else parts
        return tuple(value_of(part, full=full, name=name) for part in kinds)
    if origin is frozenset:
        return frozenset({value_of(parts[0], full=full, name=name)})
    if hint in SIMPLE_VALUES:
        return SIMPLE_VALUES[hint]
    kind = origin or hint
    if issubclass(kind, Enum):
        return list(kind)[-1]
    return build(kind, full=full)


SIMPLE_VALUES: dict[Any, Any] = {
    str: "söderhamn",
    int: 2,
    bool: True,
    float: 0.5,
    object: EUR,
    Any: EUR,
    Decimal: Decimal("1.50"),
    date: date(2026, 6, 30),
    datetime: AT,
    timedelta: timedelta(days=3),
    tzinfo: UTC,
    Pipeline: SIMPLE,
    Fields: Fields(MORE),
    Event: None,
    EmailAddress: EmailAddress("Mara@northwind.example"),
    Policy: Policy("size", require=[fact("company.employees") >= 50]),
}
SIMPLE_VALUES |= {type(record): record for record in (ENTRY, LEAD, PROSPECT, ACCOUNT, CONTACT, DEAL)}
SIMPLE_VALUES[Discovery] = BY_NAME["discovery"]
SIMPLE_VALUES[Combined] = Combined("both", how="committee", policies=(SIMPLE_VALUES[Policy],), quorum=1)


def build(kind: type[Any], *, full: bool) -> Any:
    """Return an object of a class with every attribute given, or only with those that must be."""
    if kind in SIMPLE_VALUES:
        return SIMPLE_VALUES[kind]
    hints = get_type_hints(kind)
    given = {}
    for attribute in attrs.fields(kind):
        must = attribute.default is attrs.NOTHING
        if attribute.init and (must or full or attribute.name in BY_CLASS.get(kind.__name__, {})):
            given[attribute.alias] = named(kind, attribute, hints[attribute.name], full)
    return kind(**{name: value for name, value in given.items() if value is not attrs.NOTHING})


def defaults(kind: type[Any]) -> dict[str, Any]:
    """Return what stands in for each attribute that may be left out of a dict, as it would be written."""
    forms = Forms({})
    if not attrs.has(kind):
        return {}
    several = [Attribute(told, key, forms.of(told.type)) for told, key in attributes_of(kind)]
    return {
        one.key: "as at" if one.key == "recorded_at" else or_none(one.form).write(one.told.default)
        for one in several
        if one.may_be_left_out
    }
