"""Rule 9: matching explains itself, never guesses, and ignores what tells nobody apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import Account, Company, Contact, InvalidError, Lead, Money, Person
from leadflow.conversion import (
    SKIP,
    Applied,
    ConversionSettings,
    Create,
    DealTerms,
    FindOrCreate,
    Matching,
    UseExisting,
    candidate_keys,
    match_candidates,
)
from leadflow.stores import ChangeSet, InMemoryStore, MatchKey

TERMS = DealTerms(amount=Money("48000", "EUR"))
BOTH = ConversionSettings(matching=Matching(phone=60, name=60))
FIND = {"account": FindOrCreate("A-1"), "contact": FindOrCreate("C-1")}


def stored(*records):
    store = InMemoryStore()
    store.commit(ChangeSet.new(*records))
    return store


def people(shop, number, **changes):
    """Contacts who share what is given."""
    return [
        shop.contact(f"C-{n:03}", person=Person(f"No. {n}", **changes), account_id=None)
        for n in range(100, 100 + number)
    ]


def firms(shop, number, domain="northwind.example"):
    return [
        shop.account(f"A-{n:03}", name=f"Firm {n}", company=Company(f"Firm {n}", domain=domain))
        for n in range(100, 100 + number)
    ]


class TestRule09CandidatesExplained:
    """Candidates come with criteria, both normalised values and weights: heaviest first, then by id."""

    def test_in_words_and_rows(self, shop):
        """What agrees and what does not, with both values, as text, rows and escaped HTML."""
        same = shop.contact(
            "C-2", person=Person("<b>Mara</b>", email="MARA@northwind.example", phone="0049 30 1234567")
        )
        near = shop.contact("C-1", person=Person("mara  okafor", email="other@northwind.example"))
        found = match_candidates(shop.person, [near, same])
        assert str(found).splitlines() == [
            "2 candidates (100 decides)",
            "  contact 'C-2', weight 140: same email (100), same phone (40), name is '<b>mara</b>', not 'mara okafor'",
            (
                "  contact 'C-1', weight 40: email is 'other@northwind.example', not 'mara@northwind.example', "
                "phone is unknown, not '49301234567', same name (40)"
            ),
        ]
        assert [candidate.id for candidate in found.deciding] == ["C-2"]
        assert found.to_rows()[0] == {
            "record": "contact",
            "id": "C-2",
            "weight": 140,
            "decides": True,
            "criterion": "email",
            "ours": "mara@northwind.example",
            "theirs": "mara@northwind.example",
            "counts": 100,
        }
        html = found._repr_html_()
        assert "<b>mara" not in html
        assert "&lt;b&gt;mara" in html

    def test_everybody_who_may_be_the_same(self, shop):
        """A lead is compared with accounts by its company, with everybody else by its person; not with itself."""
        lead = shop.lead()
        known = (shop.account(), shop.contact(), shop.lead("L-2"), shop.prospect("P-2"), lead, shop.deal())
        found = match_candidates(lead, known)
        assert [(candidate.id, candidate.weight) for candidate in found.candidates] == [
            ("L-2", 180),
            ("P-2", 180),
            ("A-9", 100),
            ("C-9", 100),
        ]

    def test_not_what_it_came_from(self, shop):
        """A prospect and its lead are one and the same already."""
        first = shop.qualification(shop.lead())
        known = (first.lead, first.prospect)
        assert match_candidates(first.prospect, known).candidates == ()
        assert match_candidates(first.lead, known).candidates == ()

    def test_what_subjects_there_are(self, shop):
        """Also an account, a contact, a company or a person alone."""
        known = (shop.account(), shop.contact())
        by_subject = {
            "account": shop.account("A-1"),
            "contact": shop.contact("C-1"),
            "company": Company("Northwind GmbH"),
            "office": Company("x", email="mara@northwind.example"),
            "person": Person("M. Okafor"),
        }
        found = {name: match_candidates(subject, known).candidates for name, subject in by_subject.items()}
        assert {name: [(c.id, c.weight) for c in candidates] for name, candidates in found.items()} == {
            "account": [("A-9", 140)],
            "contact": [("C-9", 140)],
            "company": [("A-9", 40)],
            "office": [("A-9", 100)],
            "person": [("C-9", 40)],
        }
        assert str(match_candidates(Person("x"), known)) == "0 candidates (100 decides)"

    def test_what_to_ask_a_store(self, shop):
        """The keys by kind; what counts nothing is not asked for."""
        lead = shop.lead()
        store = stored(shop.account(), shop.contact(), *people(shop, 3, email="a@b.example"))
        keys = candidate_keys(lead, kinds=["account", "contact"])
        assert [str(key) for key in keys] == [
            "account:domain:northwind.example",
            "account:name:northwind",
            "contact:email:mara@northwind.example",
            "contact:name:mara okafor",
            "contact:phone:49301234567",
        ]
        found = match_candidates(lead, store.candidates(keys, 51))
        assert [candidate.id for candidate in found.candidates] == ["A-9", "C-9"]
        lax = ConversionSettings(matching=Matching(phone=0, name=0))
        assert {str(key.by) for key in candidate_keys(lead, settings=lax)} == {"email", "domain"}
        assert {key.finds for key in candidate_keys(lead)} == {"account", "contact", "lead", "prospect", "list entry"}

    def test_what_stands_for_no_company(self, shop):
        """Is compared with no account."""
        lead = shop.lead(company=Company("n/a", domain="northwind.example"))
        assert match_candidates(lead, [shop.account()]).candidates == ()

    def test_bad_arguments(self, shop):
        """All problems at once, with paths."""
        with pytest.raises(InvalidError) as caught:
            match_candidates("Mara", [shop.account(), 3], settings=None)
        assert [problem.path for problem in caught.value.problems] == ["subject", "settings", "known[1]"]
        with pytest.raises(InvalidError, match="known must not repeat"):
            match_candidates(shop.lead(), [shop.account(), shop.account()])
        with pytest.raises(InvalidError) as caught:
            candidate_keys(None, kinds=["deal"], settings=None)
        assert [problem.path for problem in caught.value.problems] == ["subject", "settings", "kinds[0]"]

    @given(st.permutations(range(6)))
    def test_the_order_of_records_makes_no_difference(self, shop, order):
        """Equal weights are in the order of ids."""
        known = [*people(shop, 3, email="mara@northwind.example"), *firms(shop, 3)]
        shuffled = [known[n] for n in order]
        assert match_candidates(shop.lead(), shuffled) == match_candidates(shop.lead(), known)
        ids = [candidate.id for candidate in match_candidates(shop.lead(), shuffled).candidates]
        assert ids == sorted(ids)


class TestRule09WhatDecides:
    """None: create. One above the threshold: use it. More: ambiguous. A name or a phone number alone never decides."""

    def test_none_above_the_threshold(self, shop):
        """Somebody with the same name and number is somebody else."""
        known = [
            *people(shop, 1),
            shop.contact(person=Person("Mara Okafor", phone=shop.person.phone), account_id=None),
            shop.account(company=Company("Northwind", domain="other.example"), name="Northwind"),
        ]
        plan = shop.planned(shop.prospect(), **FIND, known=known)
        assert (plan.account.id, plan.contact.id) == ("A-1", "C-1")

    def test_one_is_used_and_said_why(self, shop):
        """The plan lists what was found among its defaults, with what agreed and how much it counts."""
        known = (shop.account(company=None), shop.account("A-8"), shop.contact(account_id=None))
        plan = shop.planned(shop.prospect(), **FIND, known=known)
        assert (plan.account.id, plan.contact.id) == ("A-8", "C-9")
        assert [str(default) for default in plan.defaults][:2] == [
            "account = A-8 (found by the same domain (100))",
            "contact = C-9 (found by the same email (100))",
        ]
        plan = shop.planned(shop.prospect(), **FIND, known=(shop.account(company=None), shop.contact()))
        assert str(plan.defaults[0]) == "account = A-9 (it is the contact's)"

    def test_more_than_one_stops(self, shop):
        """In stable order, with what each has in common; addresses stay out of it."""
        twins = people(shop, 2, email="mara@northwind.example", phone=shop.person.phone)
        refusal = shop.conversion(shop.prospect(), **FIND, known=reversed(twins))
        reason = refusal.because("ambiguous_match")
        assert reason.ids == ("C-100", "C-101")
        assert reason.message == (
            "more than one matches: 'C-100' by the same email (100), phone (40); 'C-101' by the same email (100), "
            "phone (40); say which with UseExisting"
        )

    def test_name_and_number_together_where_a_host_says_so(self, shop):
        """Both count what the host says; the service asks its store for all that counts, and warns of too little."""
        person = Person("Mara Okafor", phone=shop.person.phone)
        known = shop.contact("C-2", person=person, account_id=None)
        asked = []

        class Told(InMemoryStore):
            def candidates(self, keys, limit):
                asked.append([key for key in keys if key.finds == "contact"])
                return super().candidates(keys, limit)

        outcomes = {}
        for name, settings in (("usual", ConversionSettings()), ("both", BOTH)):
            store = Told()
            store.commit(ChangeSet.new(shop.prospect(), known))
            outcomes[name] = shop.service(store, settings=settings).convert("P-1", terms=TERMS, **shop.later)
        assert {str(key.by) for key in asked[0]} == {"email", "name", "phone"}
        assert [str(key.by) for key in asked[1]] == ["email", "name", "phone"]
        assert outcomes["usual"].id_of("contact") == "contact-2"
        assert [(why.code, why.path, why.ids) for why in outcomes["usual"].plans[0].warnings] == [
            ("duplicate", "contact", ("C-2",))
        ]
        assert outcomes["both"].id_of("contact") == "C-2"
        assert outcomes["both"].plans[0].warnings == ()
        assert "found by the same phone (60), name (60)" in str(outcomes["both"].plans[0])

    def test_who_shares_a_name_is_a_warning(self, shop):
        """Two people of one company with private addresses make two accounts, and the plan says that there is one."""
        ada, bo = (
            shop.lead(f"L-{n}", person=Person(n, email=f"{n}@gmail.com"), company=Company("Solo Ltd"))
            for n in ("ada", "bo")
        )
        store = stored(ada, bo)
        service = shop.service(store)
        first, second = (service.qualify_and_convert(f"L-{n}", terms=TERMS, **shop.later) for n in ("ada", "bo"))
        assert first.plans[-1].warnings == ()
        (warning,) = second.plans[-1].warnings
        assert (warning.code, warning.path, warning.ids) == ("duplicate", "account", (first.id_of("account"),))
        assert "has the same name; look whether it is the same" in warning.message
        assert service.unqualify("L-bo", **shop.later).plans
        plan = shop.planned(shop.prospect(), known=[shop.account(name="Northwind", company=None)])
        assert [why.ids for why in plan.warnings] == [("A-9",)]
        meant = shop.planned(
            shop.prospect(), account=Create("A-1", anyway=True), known=[shop.account(name="Northwind")]
        )
        assert meant.warnings == ()

    def test_making_what_is_there(self, shop):
        """`Create` is refused where `FindOrCreate` would use or stop, unless it is meant."""
        twins = people(shop, 2, email="mara@northwind.example")
        refusal = shop.conversion(shop.prospect(), contact=Create("C-1"), known=twins)
        assert refusal.because("duplicate").ids == ("C-100", "C-101")
        plan = shop.planned(shop.prospect(), contact=Create("C-1", anyway=True), known=twins)
        assert plan.contact.id == "C-1"

    @given(st.sampled_from(["O\u2019Brien", "O&#39;Brien", "o'brien", "O\u02bcBRIEN"]))
    def test_apostrophes_and_case(self, shop, name):
        """Typographic and HTML-escaped apostrophes equal the plain one, in names and addresses."""
        known = shop.contact("C-2", person=Person("O'Brien", email="o'brien@acme.example"), account_id=None)
        email = "O\u2019Brien@Acme.example"
        (candidate,) = match_candidates(Person(name, email=email), [known]).candidates
        assert candidate.weight == 140

    def test_subdomains_and_free_mail(self, shop):
        """Subdomains are companies of their own, free providers no company's."""
        for domain, email in (("shop.northwind.example", None), ("gmail.com", "mara@gmail.com")):
            account = shop.account(company=Company("x", domain=domain), name="x")
            subject = shop.lead(
                company=Company("Northwind", domain=None), person=Person("m", email=email or "m@n.example")
            )
            assert match_candidates(subject, [account]).candidates == ()

    def test_one_many_and_import_find_the_same(self, shop):
        """A single call, a batch and the planner on loaded records come to the same account and contact."""
        records = (shop.prospect(), shop.account(), shop.contact())
        (in_bulk,) = shop.service(stored(*records)).convert_many(["P-1"], terms=TERMS, **shop.later)
        alone = shop.service(stored(*records)).convert("P-1", terms=TERMS, **shop.later)
        planned = shop.planned(records[0], **FIND, opportunity=Create("opportunity-3"), terms=TERMS, known=records[1:])
        assert in_bulk.outcome == alone == Applied(planned.changes.versions)


class TestRule09TooManyHits:
    """A criterion with more than `max_hits` hits is not discriminating: it is ignored, and the plan says so."""

    few = ConversionSettings(matching=Matching(max_hits=3))

    @pytest.mark.parametrize(("number", "ignored"), [(2, False), (3, False), (4, True), (9, True)])
    def test_from_when_on(self, shop, number, ignored):
        """Up to the limit it counts, beyond it does not."""
        known = firms(shop, number)
        outcome = shop.conversion(shop.prospect(), **FIND, known=known, settings=self.few)
        if ignored:
            assert outcome.account.id == "A-1"
            assert [(warning.code, warning.path) for warning in outcome.warnings] == [("too_many_matches", "account")]
            assert "more than 3 accounts have the same domain, so it was ignored" in str(outcome)
        else:
            assert outcome.because("ambiguous_match").ids == tuple(account.id for account in known)

    def test_what_is_left_still_decides(self, shop):
        """Where the address is a portal's, name and number together may say who it is, if the host lets them."""
        crowd = people(shop, 4, email="mara@northwind.example")
        her = shop.contact("C-2", person=Person("Mara Okafor", phone=shop.person.phone), account_id=None)
        settings = ConversionSettings(matching=Matching(max_hits=3, phone=60, name=60))
        plan = shop.planned(shop.prospect(), **FIND, known=[*crowd, her], settings=settings)
        assert plan.contact.id == "C-2"

    def test_it_is_not_expected_to_be_absent(self, shop):
        """Else what is there already would stand in the way of every commit."""
        store = stored(shop.prospect(), *firms(shop, 4))
        done = shop.service(store, settings=self.few).convert("P-1", terms=TERMS, **shop.later)
        assert isinstance(done, Applied)
        absent = done.plans[0].changes.absent
        assert [str(key) for key in absent] == ["contact:email:mara@northwind.example"]
        assert len(store.all(Account)) == 5

    def test_one_more_than_the_limit_is_enough(self, shop):
        """The service never loads all of a crowd."""
        limits = []

        class Told(InMemoryStore):
            def candidates(self, keys, limit):
                limits.append(limit)
                return super().candidates(keys, limit)

        store = Told()
        store.commit(ChangeSet.new(shop.prospect(), *firms(shop, 60)))
        done = shop.service(store).convert("P-1", terms=TERMS, **shop.later)
        assert done.plans[0].warnings[0].code == "too_many_matches"
        assert set(limits) == {51}

    def test_those_who_name_the_record_are_not_told(self, shop):
        """Nobody looks for what is named, skipped, or meant to be made anyway."""
        known = firms(shop, 4)
        for account in (UseExisting("A-100"), Create("A-1", anyway=True)):
            plan = shop.planned(shop.prospect(), account=account, known=known, settings=self.few)
            assert plan.warnings == ()
        settings = ConversionSettings(matching=Matching(max_hits=3), person_accounts="none")
        assert shop.planned(shop.prospect(), account=SKIP, known=known, settings=settings).warnings == ()

    def test_shown_with_the_candidates(self, shop):
        """Whoever looks at duplicates is told what was left out."""
        found = match_candidates(
            Person("x", email="mara@northwind.example"),
            people(shop, 4, email="mara@northwind.example"),
            settings=self.few,
        )
        assert found.candidates == ()
        assert found.ignored == (MatchKey("contact", "email", "mara@northwind.example"),)
        assert "email of contact is ignored: more than 3 have 'mara@northwind.example'" in str(found)
        assert "is ignored" in found._repr_html_()

    def test_a_crowded_criterion_counts_nothing(self, shop):
        """Also in a candidate that was found by something else."""
        her = shop.contact("C-2", person=shop.person, account_id=None)
        known = [her, *people(shop, 4, phone=shop.person.phone)]
        (candidate,) = match_candidates(shop.person, known, settings=self.few).candidates
        assert (candidate.weight, [str(by) for by in candidate.agreeing]) == (140, ["email", "name"])


class TestRule09NoTwoOfOne:
    """What had no record when planning must have none when writing, criterion by criterion."""

    def test_each_key_that_can_decide(self, shop):
        """Also those that decide only together, as far as nobody had them."""
        plan = shop.planned(shop.prospect(), **FIND, settings=BOTH)
        assert [str(key) for key in plan.changes.absent] == [
            "account:domain:northwind.example",
            "contact:email:mara@northwind.example",
            "contact:name:mara okafor",
            "contact:phone:49301234567",
        ]
        namesake = shop.contact("C-2", person=Person("Mara Okafor"), account_id=None)
        plan = shop.planned(shop.prospect(), **FIND, settings=BOTH, known=[namesake])
        assert "contact:name:mara okafor" not in [str(key) for key in plan.changes.absent]

    def test_records_keep_their_kinds(self, shop):
        """A lead with the address is no contact with it."""
        store = stored(shop.prospect(), shop.lead("L-2"))
        assert isinstance(shop.service(store).convert("P-1", terms=TERMS, **shop.later), Applied)
        assert (len(store.all(Contact)), len(store.all(Lead))) == (1, 1)
