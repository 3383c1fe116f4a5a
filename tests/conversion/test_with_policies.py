"""The shipped policies in front of the planners: a lead's way from a form to a deal, with the questions on it."""

from datetime import date

from leadflow import Company, Money, pipelines
from leadflow.conversion import Applied, DealTerms, RefusalCode
from leadflow.qualification import Bant, IdealCustomerProfile, fact
from leadflow.stores import ChangeSet, InMemoryStore

ICP = IdealCustomerProfile(
    "icp",
    version=1,
    require=[fact("company.employees").between(50, 5_000)],
    knock_out=[fact("company.country").is_in("KP")],
)


class TestFromFormToDeal:
    """Each step waits for its policy, says what to ask, and goes on once it is answered."""

    def test_the_whole_way(self, shop):
        """Undecided asks the right question; answered, the lead becomes a prospect and the prospect a deal."""
        store = InMemoryStore()
        service = shop.service(store, qualify_with=ICP, convert_with=Bant())
        lead = shop.lead(company=Company("Northwind", country="DE"))
        store.commit(ChangeSet.new(lead))

        undecided = service.qualify("L-1", **shop.later)
        assert undecided.codes == {RefusalCode.UNDECIDED}
        assert [question.fact for question in undecided.questions] == ["company.employees"]
        store.commit(ChangeSet.of((lead, lead.correct(company=shop.company, **shop.later))))

        first = service.qualify("L-1", **shop.later)
        prospect = store.load(first.id_of("prospect"))
        asked = service.convert(prospect.id, **shop.later)
        assert RefusalCode.UNDECIDED in asked.codes
        assert len(asked.questions) == 4
        learnt = prospect.discover(
            budget=Money("48000", "EUR"),
            need="late deliveries",
            authority="decides",
            timeline=date(2026, 6, 30),
            **shop.later,
        )
        store.commit(ChangeSet.of((prospect, learnt)))
        terms = DealTerms("Rollout", Money("48000", "EUR"), pipeline=pipelines.SIMPLE)
        done = service.convert(prospect.id, terms=terms, **shop.later)
        assert isinstance(done, Applied)
        deal = store.load(done.id_of("opportunity"))
        assert deal.evidence.policy_id == "bant"
        assert deal.evidence.findings
        assert deal.discovery == learnt.discovery

    def test_a_small_team_in_one_go(self, shop):
        """What the form and the first call told is enough for both policies at once."""
        store = InMemoryStore()
        lead = shop.rich_lead().discover(authority="decides", timeline=date(2026, 6, 30), **shop.now)
        store.commit(ChangeSet.new(lead))
        service = shop.service(store, qualify_with=ICP, convert_with=Bant())
        done = service.qualify_and_convert("L-1", **shop.later)
        assert [record.kind for record in done.records] == ["account", "contact", "opportunity", "prospect", "lead"]
        assert store.load(done.id_of("opportunity")).amount == Money("50000", "EUR")
