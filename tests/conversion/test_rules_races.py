"""Rules 1, 3 to 5 and 16: slower calls with the earlier time, what a retry is, what a plan may rest on."""

from datetime import timedelta
from decimal import Context, Decimal, localcontext

import attrs
import pytest

from leadflow import Company, Engagement, InvalidError, Lead, Money, Opportunity, Pipeline, Prospect, Stage, Touch
from leadflow.conversion import (
    SKIP,
    Applied,
    ConversionMapping,
    ConversionSettings,
    DealTerms,
    Rule,
    UseExisting,
)
from leadflow.conversion.requests import fingerprint
from leadflow.errors import KeyConflictError, LookAheadError
from leadflow.qualification import IdealCustomerProfile, fact
from leadflow.stores import ChangeSet, InMemoryStore, MatchAppeared, match_keys

TERMS = DealTerms(amount=Money("48000", "EUR"))
ICP = IdealCustomerProfile("icp", require=[fact("company.employees") >= 50])
HOUR = timedelta(hours=1)


class Racing:
    """A store in which something happens once, before the first call of a method."""

    def __init__(self, inner, method, happens):
        self.inner, self.method, self.happens = inner, method, happens

    def _before(self, method):
        if method == self.method and self.happens is not None:
            happens, self.happens = self.happens, None
            happens()

    def load(self, id_, /):
        self._before("load")
        return self.inner.load(id_)

    def candidates(self, keys, limit):
        return self.inner.candidates(keys, limit)

    def receipt(self, key, /):
        return self.inner.receipt(key)

    def commit(self, change_set, /):
        self._before("commit")
        return self.inner.commit(change_set)


def stored(*records):
    store = InMemoryStore()
    store.commit(ChangeSet.new(*records))
    return store


@pytest.fixture(params=["our policies, which refuse to look back", "a host's policy, which looks nowhere"])
def policies(request, shop):
    ours = request.param.startswith("our")
    return {"qualify_with": ICP} if ours else {"qualify_with": shop.says()}


class TestTheSlowerCallHasTheEarlierTime:
    """Clocks and queues differ: who comes second may have the earlier `at`, and gets a result, never an error."""

    @pytest.mark.parametrize("method", ["load", "commit"])
    @pytest.mark.parametrize("step", ["qualify", "qualify_and_convert"])
    def test_a_double_click_gets_the_stored_result(self, shop, policies, method, step):
        """With a key, whenever the twin finishes."""
        options = {"key": "k"} | ({"terms": TERMS} if step != "qualify" else {})
        inner = stored(shop.lead())
        done = []

        def twin():
            done.append(getattr(shop.service(inner, **policies), step)("L-1", at=shop.at + HOUR, **options))

        slower = shop.service(Racing(inner, method, twin), **policies)
        outcome = getattr(slower, step)("L-1", at=shop.at, **options)
        assert (outcome, outcome.is_repeat) == (done[0], True)

    @pytest.mark.parametrize("method", ["load", "commit"])
    def test_without_a_key_it_is_already_converted(self, shop, policies, method):
        """With everything that came of it, as a later call gets it."""
        inner = stored(shop.lead())
        done = []

        def twin():
            service = shop.service(inner, **policies)
            done.append(service.qualify_and_convert("L-1", terms=TERMS, at=shop.at + HOUR))

        slower = shop.service(Racing(inner, method, twin), **policies)
        refusal = slower.qualify_and_convert("L-1", terms=TERMS, at=shop.at)
        made = tuple(done[0].id_of(kind) for kind in ("account", "contact", "opportunity", "prospect"))
        assert (refusal.codes, refusal.reasons[0].ids) == ({"already_converted"}, made)
        assert slower.qualify("L-1", at=shop.at).because("already_converted").ids == made[-1:]
        assert slower.convert(made[-1], terms=TERMS, at=shop.at).because("already_converted").ids == made[:-1]

    def test_a_touch_at_a_later_time(self, shop, policies):
        """The retry plans on it, as of its time."""
        lead = shop.lead()
        inner = stored(lead)
        late = shop.at + HOUR

        def touch():
            inner.commit(ChangeSet.of((lead, lead.touch(Touch("call", at=late), at=late))))

        outcome = shop.service(Racing(inner, "commit", touch), **policies).qualify("L-1", at=shop.at)
        assert isinstance(outcome, Applied)
        assert inner.load(outcome.id_of("prospect")).created_at == late
        assert outcome.plans[0].moment.at == late

    def test_a_lead_whose_prospect_went_no_further(self, shop):
        """The direct path names the prospect, which is all there is; also where that is gone."""
        store = stored(shop.lead())
        service = shop.service(store)
        made = service.qualify("L-1", **shop.later).id_of("prospect")
        assert service.qualify_and_convert("L-1", **shop.later).reasons[0].ids == (made,)
        lone = Lead.imported("L-2", person=shop.person, status="qualified", prospect_id="P-404", **shop.now)
        refusal = shop.service(stored(lone)).qualify_and_convert("L-2", **shop.later)
        assert refusal.because("already_converted").ids == ("P-404",)

    def test_records_that_are_out_are_not_judged(self, shop):
        """A merged prospect is refused whatever a policy makes of it."""
        gone = Prospect.imported("P-9", person=shop.person, status="merged", **shop.now)
        assert shop.service(stored(gone), convert_with=Strict()).convert("P-9", **shop.later).codes == {"merged"}

    def test_a_policy_that_cannot_bear_what_the_twin_left(self, shop):
        """Its error passes through only where no twin has finished."""
        inner = stored(shop.prospect())

        def twin():
            shop.service(inner).convert("P-1", another="x", terms=TERMS, key="k", at=shop.at + timedelta(days=9))

        racing = shop.service(Racing(inner, "load", twin), convert_with=Strict())
        assert racing.convert("P-1", another="x", terms=TERMS, key="k", **shop.later).is_repeat
        alone = shop.service(stored(shop.prospect()), convert_with=Strict())
        for key in ("k", None):
            with pytest.raises(LookAheadError):
                alone.convert("P-1", terms=TERMS, key=key, **shop.later)


class Strict:
    """A host's policy that raises whatever it is asked."""

    def assess(self, subject, *, at):
        raise LookAheadError(f"{subject}", at.isoformat(), subject.updated_at.isoformat())


class TestRule03WhatARetryIs:
    """A request's identity does not depend on the host's decimal context, on labels, or on leadflow's next version."""

    def test_whatever_precision_the_host_computes_with(self):
        """The same amount is the same, and another is another."""
        amounts = [Money("48000.10", "EUR"), Money("48001", "EUR"), Money("123456789012345678.0123456789012", "EUR")]
        usual = [fingerprint(amount) for amount in amounts]
        with localcontext(Context(prec=4)):
            assert [fingerprint(amount) for amount in amounts] == usual
        near = [fingerprint(Decimal(f"12345678901234567890123456789{last}")) for last in "12"]
        assert len({*usual, *near}) == 5

    def test_labels_do_not_count(self):
        """A pipeline counts by id and version: labels and colours of it may change between two tries."""

        def asked(label, version):
            stages = [
                Stage(code="a", label=label, probability=0.5),
                Stage(code="w", category="won"),
                Stage(code="l", category="lost"),
            ]
            return fingerprint(DealTerms(pipeline=Pipeline("p", stages, version=version)))

        assert asked("new", 1) == asked("neu", 1) != asked("new", 2)

    def test_attributes_to_come_do_not_count(self):
        """What has its default is left out: an attribute that is added changes no fingerprint."""

        def later_class(*names):
            made = attrs.make_class("Later", {name: attrs.field(default=None) for name in names}, frozen=True)
            return made(a=1)

        assert fingerprint(later_class("a")) == fingerprint(later_class("a", "b"))
        lists = attrs.make_class("Later", {"a": attrs.field(default=0), "c": attrs.field(factory=tuple)})
        assert fingerprint(lists(a=1)) == fingerprint(later_class("a")) != fingerprint(lists(a=True))
        same = attrs.Factory(lambda self: self.a, takes_self=True)
        own = attrs.make_class("Later", {"a": attrs.field(default=0), "c": attrs.field(default=same)})
        assert fingerprint(own(a=1)) == fingerprint(later_class("a"))


class TestRule03TheMappingCounts:
    """Where values go is part of what is asked, like the terms."""

    def test_another_mapping_is_another_request(self, shop):
        """Under one key: the same mapping is a retry, in whatever order it was written, another is an error."""
        rules = [Rule("fields.branch", "account.company.industry"), Rule("person.department", "contact.fields.unit")]
        kinds = {"fields.branch": "text"}
        settings = ConversionSettings(mapping=ConversionMapping(rules, kinds=kinds))
        reordered = ConversionSettings(mapping=ConversionMapping(reversed(rules), kinds=kinds))
        store = stored(shop.prospect())
        plan = shop.planned(shop.prospect(), settings=settings)
        done = shop.service(store, settings=settings).apply(plan, key="k")
        assert isinstance(done, Applied)
        assert shop.service(store, settings=reordered).apply(plan, key="k").is_repeat
        for other in (ConversionSettings(), ConversionSettings(mapping=ConversionMapping(rules[1:]))):
            with pytest.raises(KeyConflictError):
                shop.service(store, settings=other).apply(plan, key="k")

    def test_of_every_call(self, shop):
        """Also in one go; the qualification of a lead maps nothing."""
        mapped = ConversionSettings(mapping=ConversionMapping([Rule("person.department", "contact.fields.unit")]))
        for step, key_conflicts in (("qualify", False), ("qualify_and_convert", True)):
            store = stored(shop.lead())
            options = {"key": "k", "terms": TERMS} if key_conflicts else {"key": "k"}
            assert isinstance(getattr(shop.service(store), step)("L-1", **options, **shop.later), Applied)
            again = getattr(shop.service(store, settings=mapped), step)
            if key_conflicts:
                with pytest.raises(KeyConflictError):
                    again("L-1", **options, **shop.later)
            else:
                assert again("L-1", **options, **shop.later).is_repeat


class TestRule01WhatAPlanMayRestOn:
    """A plan counts for what the service's own policy says of the record."""

    def test_a_laxer_policy(self, shop):
        """Another verdict, policy, edition or fingerprint is another plan."""
        lead = shop.lead()
        plan = shop.qualification(lead)
        service = shop.service(stored(lead), qualify_with=shop.says("not_qualified"))
        refusal = service.apply(plan)
        assert refusal.codes == {"plan_changed"}
        assert "says qualified, but here policy 'committee' (version 3, fingerprint 'f00d') says not qu" in str(refusal)
        for change in ({"policy_id": "x"}, {"policy_version": 9}, {"fingerprint": "beef"}):
            made_up = shop.qualification(lead, evidence=attrs.evolve(plan.evidence, **change))
            assert shop.service(stored(lead)).apply(made_up).codes == {"plan_changed"}
        prospect = shop.prospect()
        service = shop.service(stored(prospect), convert_with=shop.says("undecided"))
        assert service.apply(shop.planned(prospect)).codes == {"plan_changed"}

    def test_a_second_click_on_a_plan(self, shop):
        """Without a key: what came of the first is the reason, not what it left behind."""
        prospect = shop.prospect()
        plan = shop.planned(prospect)
        service = shop.service(stored(prospect))
        assert isinstance(service.apply(plan), Applied)
        assert [(reason.code, reason.ids) for reason in service.apply(plan).reasons] == [
            ("already_converted", ("A-1", "C-1", "O-1"))
        ]

    def test_somebody_s_word(self, shop):
        """An override with actor and reason stands; one that nobody answers for is an error."""
        lead = shop.lead()
        plan = shop.qualification(lead, evidence=shop.judged(lead, "not_qualified"), override="known for years")
        strict = shop.says("not_qualified")
        with pytest.raises(InvalidError, match="by must say who sets the verdict aside"):
            shop.service(stored(lead)).apply(attrs.evolve(plan, moment=attrs.evolve(plan.moment, by=None)))
        assert isinstance(shop.service(stored(lead), qualify_with=strict).apply(plan), Applied)


class TestRule16WhatStandsForNoCompany:
    """Punctuation and spaces make no difference, and what stands for none is said to."""

    @pytest.mark.parametrize(
        "name", ["N.A.", "n/a.", "N / A", "n. a.", "--", "Self.", "[not provided]", "mara  OKAFOR!", "<unknown>"]
    )
    def test_is_no_account_s_name(self, shop, name):
        """The account is the person's; the words are listed as what they are."""
        plan = shop.planned(shop.prospect(company=Company(name, country="DE")))
        assert (plan.account.name, plan.account.company) == ("Mara Okafor", None)
        whys = {unmapped.path: unmapped.why for unmapped in plan.unmapped}
        assert whys == dict.fromkeys(("company.name", "company.country"), "what was entered stands for no company")

    @pytest.mark.parametrize("name", ["Nab", "3M", "Self Storage", "Na Klar GmbH"])
    def test_companies_are_companies(self, shop, name):
        """Also those that begin like one of these words."""
        assert shop.planned(shop.prospect(company=Company(name))).account.name == name

    def test_nothing_entered_is_nothing_left(self, shop):
        """Without a company there is nothing to list."""
        assert shop.planned(shop.prospect(company=None)).unmapped == ()
        assert ConversionSettings().company_of(None, Company("N.A.")) is None


class TestAddressesStayOutOfProse:
    """Refusals are logged and shown: they name records by id, and what is compared, but no address."""

    def test_duplicates_and_ambiguities(self, shop):
        """The ids say which."""
        known = (shop.account(), shop.contact())
        refusal = shop.conversion(shop.prospect(), known=known)
        assert [reason.ids for reason in refusal.reasons] == [("A-9",), ("C-9",)]
        assert "has the same email;" in str(refusal)
        assert "northwind.example" not in str(refusal)

    def test_conflicts(self, shop):
        """What appeared is named by what it shares."""

        class Crowded(InMemoryStore):
            def commit(self, change_set):
                return MatchAppeared(match_keys(shop.contact())) if len(self) else super().commit(change_set)

        store = Crowded()
        store.commit(ChangeSet.new(shop.lead()))
        refusal = shop.service(store).qualify("L-1", **shop.later)
        assert "contact with the same email, contact with the same link, contact with the same name" in str(refusal)
        assert "mara" not in str(refusal)


class TestThousandsOfEngagements:
    """What was carried is found without comparing each with each."""

    def test_nothing_is_compared_with_everything(self, shop, monkeypatch):
        """Neither for a new deal nor for one that is under way; and no history is copied again for each event."""
        many = tuple(Engagement("email", at=shop.at + timedelta(seconds=n)) for n in range(2_000))
        prospect = Prospect.imported(
            "P-1", person=shop.person, company=shop.company, engagements=many, at=shop.at + HOUR, owner="ada"
        )
        compared, recorded = [], []
        equal, record = Engagement.__eq__, Opportunity._record
        monkeypatch.setattr(Engagement, "__eq__", lambda mine, other: compared.append(mine) or equal(mine, other))
        monkeypatch.setattr(Opportunity, "_record", lambda deal, *news: recorded.append(news) or record(deal, *news))
        known = (shop.account(), shop.deal())
        targets = {"account": UseExisting("A-9"), "opportunity": UseExisting("O-9"), "contact": SKIP, "known": known}
        for given in ({}, targets):
            plan = shop.planned(prospect, **given)
            assert len(compared) < 100
            assert len(recorded) < 5
            assert plan.opportunity.engagements == many
            assert all(unmapped.path != "engagements" for unmapped in plan.unmapped)

    def test_only_what_is_new(self, shop):
        """What the deal knows already is not told again, what it lacks is."""
        known = Engagement("email", at=shop.at)
        news = Engagement("chat", at=shop.at)
        prospect = shop.prospect(lead=shop.lead(engagement=known).engage(news, **shop.now))
        deal = shop.deal(engagements=[known])
        targets = {"account": UseExisting("A-9"), "opportunity": UseExisting("O-9"), "contact": SKIP}
        plan = shop.planned(prospect, known=(shop.account(), deal), **targets)
        assert plan.opportunity.engagements == (known, news)
