"""The leads and deals that the benchmarks work on; each has texts, times and amounts of its own."""

from datetime import UTC, date, datetime, timedelta

from attrs import fields

from leadflow import Company, Engagement, Lead, Money, Opportunity, Origin, Person, Touch, pipelines

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def after(hours: int) -> datetime:
    """Return a time."""
    return START + timedelta(hours=hours)


def lead(number: int = 0) -> Lead:
    """Return a lead as a web form makes it: a person, a company and what they did."""
    at = after(number % 1_000)
    return Lead.capture(
        f"L-{number}",
        person=Person(f"Ada Obi {number}", email=f"ada{number}@obi.example", job_title="Head of Operations"),
        company=Company(f"Obi Logistics {number}", domain=f"obi{number}.example", employees=420, country="DE"),
        engagement=Engagement("form", at=at, channel="website"),
        source="web",
        at=at,
        by="web",
    )


def lead_of_ten(number: int = 0) -> Lead:
    """Return a lead with ten events: captured, worked, learnt about, nurtured and taken up again."""
    found = lead(number)
    at = [after(number % 1_000 + hours) for hours in range(10)]
    found = found.touch(Touch("call", at=at[1], outcome="reached"), at=at[1], by="ada")  # two events: work starts
    found = found.assign("ada", at=at[2], by="lin")
    found = found.discover(need="late deliveries", at=at[3], by="ada")
    found = found.engage(Engagement("reply", at=at[4]), at=at[4])
    found = found.discover(budget=Money("48000", "EUR"), at=at[5], by="ada")
    found = found.nurture(revisit_on=date(2026, 9, 1), at=at[6], by="ada")
    found = found.engage(Engagement("demo_request", at=at[7]), at=at[7])
    return found.reopen(at=at[8], by="ada")


def deal(number: int = 0) -> Opportunity:
    """Return a deal that was just opened."""
    return Opportunity.open(
        f"O-{number}",
        f"Obi Logistics {number}",
        Money(48_000 + number % 1_000, "EUR"),
        expected_close=date(2026, 6, 30),
        origin=Origin.from_customer("A-1"),
        account_id="A-1",
        pipeline=pipelines.SIMPLE,
        owner="ada",
        at=after(number % 1_000),
        by="ada",
    )


def deal_of_ten(number: int = 0) -> Opportunity:
    """Return a deal with ten events, from open to won."""
    found = deal(number)
    at = [after(number % 1_000 + hours) for hours in range(10)]
    found = found.engage(Engagement("reply", at=at[1]), at=at[1])
    found = found.move_to("proposal", at=at[2], by="ada")
    found = found.touch(Touch("call", at=at[3], outcome="reached"), at=at[3], by="ada")
    found = found.discover(budget="approved", at=at[4], by="ada")
    found = found.call("best_case", at=at[5], by="lin")
    found = found.move_to("negotiation", at=at[6], by="ada")
    found = found.set_expected_close(date(2026, 5, 31), at=at[7], by="ada")
    found = found.set_amount(Money(44_000 + number % 1_000, "EUR"), at=at[8], by="ada")
    return found.win(at=at[9], by="ada")


def values(record: object) -> dict[str, object]:
    """Return what an attrs object holds, by name."""
    return {attribute.name: getattr(record, attribute.name) for attribute in fields(type(record))}  # type: ignore[arg-type]
