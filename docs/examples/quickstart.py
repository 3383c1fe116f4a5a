"""
Five invented leads, from the web form to a forecast: one is refused, one needs a question answered, one becomes a deal.

Usage: python docs/examples/quickstart.py
"""

from datetime import UTC, date, datetime, timedelta

from leadflow import Company, Engagement, FiscalCalendar, Lead, Money, Person, Touch, Verdict, When, pipelines
from leadflow.conversion import ConversionPlan, Create, DealTerms, Refusal, plan_conversion, plan_qualification
from leadflow.forecasting import Deal, StageTable, forecast
from leadflow.qualification import Bant, IdealCustomerProfile, fact
from leadflow.stores import ChangeSet, InMemoryStore

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def on_day(number: int) -> When:
    """Return the time and the actor of everything that happens on one day of this story."""
    return When(at=MONDAY + timedelta(days=number), by="ada")


def capture_leads() -> list[Lead]:
    """Return what came in over the web site on Monday."""
    came_in = [
        ("L-1", Person("Mara Okafor", email="mara@north.example"), Company("Northwind", employees=420, country="DE")),
        ("L-2", Person("Jon Reyes", email="jon@tiny.example"), Company("Tiny Studio", employees=4, country="ES")),
        ("L-3", Person("Aiko Mori", email="aiko@contoso.example"), Company("Contoso", country="JP")),
        ("L-4", Person("Lena Voss", phone="+49 30 1234567"), Company("Fabrikam", employees=1_900, country="DE")),
        ("L-5", Person("Sam Dean", email="sam@example.org"), Company("Ministry of Works", employees=900, country="KP")),
    ]
    return [
        Lead.capture(
            lead_id,
            person=person,
            company=company,
            engagement=Engagement("demo_request", at=MONDAY),
            source="website",
            **on_day(0),
        )
        for lead_id, person, company in came_in
    ]


def main() -> None:
    """Tell the story."""
    store = InMemoryStore()  # a host brings its own Store
    icp = IdealCustomerProfile(
        "icp",
        version=1,
        require=[fact("company.employees").between(50, 5_000)],
        knock_out=[fact("company.country").is_in("KP")],
    )

    print("== Who fits?")
    prospects = []
    for lead in capture_leads():
        store.commit(ChangeSet.new(lead))
        touched = lead.touch(Touch("email", at=on_day(1)["at"]), **on_day(1))
        store.commit(ChangeSet.of((lead, touched)))
        fit = icp.assess(touched, at=on_day(1)["at"])
        name = touched.company.name if touched.company else touched.id
        match fit.verdict:
            case Verdict.QUALIFIED:
                plan = plan_qualification(touched, evidence=fit, prospect=Create(f"P{touched.id[1:]}"), **on_day(1))
                assert not isinstance(plan, Refusal)
                store.commit(plan.changes)
                prospects.append(plan.prospect)
                print(f"{name}: qualified")
            case Verdict.UNDECIDED:
                print(f"{name}: undecided; ask: {fit.questions[0].text}")
            case _:
                print(f"{name}: {fit.verdict.value.replace('_', ' ')}\n{fit.why_not()}")

    print("\n== Is there a deal?")
    bant = Bant()
    deals = []
    for prospect in prospects:
        asked = prospect.discover(budget=Money("48000", "EUR"), need="late deliveries", **on_day(3))
        if prospect.id == "P-1":  # the other one did not call back
            asked = asked.discover(authority="decides", timeline=date(2026, 6, 30), **on_day(3))
        store.commit(ChangeSet.of((prospect, asked)))
        number = prospect.id[2:]
        outcome = plan_conversion(
            asked,
            evidence=bant.assess(asked, at=on_day(3)["at"]),
            account=Create(f"A-{number}"),
            contact=Create(f"C-{number}"),
            opportunity=Create(f"O-{number}"),
            terms=DealTerms(expected_close=date(2026, 3, 31), pipeline=pipelines.SIMPLE, amount=Money("48000", "EUR")),
            **on_day(3),
        )
        match outcome:
            case Refusal():
                print(f"{prospect.id}: {outcome}")
            case ConversionPlan():
                store.commit(outcome.changes)
                deal = outcome.opportunity.move_to("proposal", **on_day(10))
                store.commit(ChangeSet.of((outcome.opportunity, deal)))
                deals.append(deal)
                print(f"{prospect.id}: {deal.name}, {deal.amount}, now in {deal.stage.label}")

    print("\n== What will close this quarter?")
    quarter = FiscalCalendar(UTC).quarter(2026, 1)
    print(
        forecast(
            [Deal.of(deal) for deal in deals],
            model=StageTable(pipelines.SIMPLE),
            period=quarter,
            as_of=on_day(10)["at"],
            currency="EUR",
        )
    )


if __name__ == "__main__":
    main()
