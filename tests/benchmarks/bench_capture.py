"""
How long capturing a lead takes, against creating the bare objects that it consists of.

Bare are frozen, slotted attrs classes of the same fields (71 in all) and defaults without any converter or check: a
person, an e-mail address, a company, an engagement, the event and the lead, called by keyword with what the form said.
The bound is about the whole, from the form's texts to the lead.
"""

from typing import Any

from attrs import NOTHING, Attribute, Factory, field, fields, make_class
from records import after
from timing import Row, paired

from leadflow import Company, EmailAddress, Engagement, Lead, Person
from leadflow.events import LeadCaptured

ROUNDS = 25
TIMES = 2_000
AT = after(0)


def bare(kind: type) -> Any:
    """Return a class of the same fields, with defaults where it has them, that takes whatever it is given."""

    def same(attribute: "Attribute[Any]") -> Any:
        if attribute.default is NOTHING or isinstance(attribute.default, Factory):  # type: ignore[arg-type]
            return field(default=None)
        return field(default=attribute.default)

    bodies = {attribute.name.lstrip("_"): same(attribute) for attribute in fields(kind)}
    return make_class(f"Bare{kind.__name__}", bodies, frozen=True, slots=True, kw_only=True)


BarePerson, BareEmail, BareCompany, BareEngagement, BareCaptured, BareLead = map(
    bare, (Person, EmailAddress, Company, Engagement, LeadCaptured, Lead)
)


def capture() -> Lead:
    """Capture a lead from what a form said."""
    return Lead.capture(
        "L-1",
        person=Person("Ada Obi", email="ada@obi.example", job_title="Head of Operations"),
        company=Company("Obi Logistics", domain="obi.example", employees=420, country="DE"),
        engagement=Engagement("form", at=AT, channel="website"),
        source="web",
        at=AT,
        by="web",
    )


def bare_capture() -> object:
    """Create the same objects, bare."""
    return bare_lead(
        BarePerson(name="Ada Obi", email=BareEmail(written="ada@obi.example"), job_title="Head of Operations"),
        BareCompany(name="Obi Logistics", domain="obi.example", employees=420, country="DE"),
        BareEngagement(kind="form", at=AT, channel="website"),
    )


def bare_lead(person: object, company: object, engagement: object) -> object:
    """Create event and lead, bare."""
    event = BareCaptured(
        person=person, company=company, engagements=(engagement,), source="web", at=AT, recorded_at=AT, by="web"
    )
    return BareLead(
        id="L-1",
        history=(event,),
        created_at=AT,
        changed_at=AT,
        person=person,
        company=company,
        engagements=event.engagements,
        source="web",
    )


def rows() -> list[Row]:
    """Measure, and return rows."""
    captured = capture()
    person, company, (engagement,) = captured.person, captured.company, captured.engagements
    whole = paired(capture, bare_capture, rounds=ROUNDS, times=TIMES)
    given = paired(
        lambda: Lead.capture(
            "L-1", person=person, company=company, engagement=engagement, source="web", at=AT, by="web"
        ),
        lambda: bare_lead(person, company, engagement),
        rounds=ROUNDS,
        times=TIMES,
    )
    parts = {
        "Person with its EmailAddress": (
            lambda: Person("Ada Obi", email="ada@obi.example", job_title="Head of Operations"),
            lambda: BarePerson(
                name="Ada Obi", email=BareEmail(written="ada@obi.example"), job_title="Head of Operations"
            ),
        ),
        "Company": (
            lambda: Company("Obi Logistics", domain="obi.example", employees=420, country="DE"),
            lambda: BareCompany(name="Obi Logistics", domain="obi.example", employees=420, country="DE"),
        ),
        "Engagement": (
            lambda: Engagement("form", at=AT, channel="website"),
            lambda: BareEngagement(kind="form", at=AT, channel="website"),
        ),
    }
    return [
        whole.row("capture, from texts", "the same six objects, bare", bound=4.0),
        given.row("capture, given person, company and engagement", "event and lead, bare"),
        *(paired(*part, rounds=ROUNDS, times=TIMES).row(name, "bare") for name, part in parts.items()),
    ]
