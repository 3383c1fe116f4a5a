"""Match keys: by what records are found, and by what they never are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import Company, ContactRole, EmailAddress, InvalidError, InvalidTypeError, Person
from leadflow.stores import FREE_MAIL_PROVIDERS, MatchKey, company_domain, link_keys, match_keys
from leadflow.stores.matchkeys import normalised

words = st.text(min_size=1, max_size=30).filter(str.strip)


def texts(record, *, deciding=None):
    return [str(key) for key in match_keys(record) if deciding is None or key.decides is deciding]


class TestKeysOfRecords:
    """Each kind of record is found by what identifies it, and by nothing that belongs to another kind."""

    def test_contact(self, things):
        """A contact is found by address, which decides, and by name and phone, which do not."""
        assert texts(things.contact(), deciding=True) == ["contact:email:mara@northwind.example"]
        assert texts(things.contact(), deciding=False) == ["contact:name:mara okafor", "contact:phone:49301234567"]

    def test_account(self, things):
        """An account is found by domain, which decides, and by name and phone, which do not."""
        account = things.account(company=Company("Northwind", domain="WWW.Northwind.example", phone="0049 30 1234567"))
        assert texts(account, deciding=True) == ["account:domain:northwind.example"]
        assert texts(account, deciding=False) == ["account:name:northwind", "account:phone:49301234567"]

    def test_account_without_a_company(self, things):
        """A person account is found by name alone, which decides nothing."""
        assert texts(things.account(company=None)) == ["account:name:northwind"]

    @pytest.mark.parametrize("kind", ["lead", "prospect", "entry"])
    def test_those_on_the_way(self, things, kind):
        """List entries, leads and prospects are found by the person's address."""
        record = getattr(things, kind)()
        assert texts(record, deciding=True) == [f"{record.kind}:email:mara@northwind.example"]

    def test_a_lead_without_a_person(self, things):
        """Where there is no person, the company's office is what can be found."""
        lead = things.lead(person=None, company=Company("Northwind", email="info@northwind.example"))
        assert texts(lead) == ["lead:email:info@northwind.example", "lead:name:northwind"]

    def test_nobody(self, things):
        """An imported prospect without person and company is found by nothing."""
        assert match_keys(things.prospect().correct(clear=["person"], **things.now)) == ()

    def test_open_deal(self, things):
        """A deal is found by account and product, and by each contact that takes part."""
        deal = things.deal(
            product_interest=["router", "switch"],
            contact_roles=(ContactRole("C-1", primary=True), ContactRole("C-2")),
        )
        assert texts(deal, deciding=True) == [
            "opportunity:contact:C-1",
            "opportunity:contact:C-2",
            "opportunity:product:A-1\trouter",
            "opportunity:product:A-1\tswitch",
        ]

    def test_deal_without_product_or_account(self, things):
        """A deal about no product in particular has a key too; one without an account has none."""
        assert texts(things.deal(), deciding=True) == ["opportunity:product:A-1\t"]
        assert match_keys(things.deal(account_id=None)) == ()

    def test_what_is_over_is_not_found(self, things):
        """A closed deal is found by its links only; what was withdrawn or merged by nothing."""
        assert texts(things.deal().lose("price", **things.now)) == ["opportunity:link:A-1"]
        for record in (things.account(), things.contact(), things.prospect(), things.deal()):
            assert match_keys(record.withdraw(**things.now)) == ()
        assert match_keys(things.prospect(status="merged")) == ()

    def test_only_records_have_keys(self):
        """Anything else is an error that says so."""
        with pytest.raises(InvalidTypeError, match="record must be a record, got 'Mara'"):
            match_keys("Mara")


class TestLinks:
    """Whatever names an account, a contact or a deal is found by that, until it is merged or withdrawn."""

    def links(self, record):
        return [str(key) for key in match_keys(record) if key.by == "link"]

    def linked(self, things):
        prospect = things.prospect(account_id="A-1", contact_id="C-1", opportunity_ids=["O-1", "O-2"])
        deal = things.deal(contact_roles=(ContactRole("C-1", primary=True), ContactRole("C-2")))
        return [things.contact(account_id="A-1"), deal, prospect]

    def test_who_names_whom(self, things):
        """A contact its account; a deal its account and contacts; a prospect all that its conversions led to."""
        assert [self.links(record) for record in self.linked(things)] == [
            ["contact:link:A-1"],
            ["opportunity:link:A-1", "opportunity:link:C-1", "opportunity:link:C-2"],
            ["prospect:link:A-1", "prospect:link:C-1", "prospect:link:O-1", "prospect:link:O-2"],
        ]
        assert self.links(things.account()) == self.links(things.lead()) == self.links(things.entry()) == []

    def test_closed_and_given_up(self, things):
        """A deal that is won or lost is still the account's, a prospect that is disqualified too."""
        _, deal, prospect = self.linked(things)
        for over in (deal.win(**things.now), deal.lose("price", **things.now)):
            assert self.links(over) == self.links(deal)
        assert self.links(prospect.disqualify("poor_fit", **things.now)) == self.links(prospect)

    def test_gone(self, things):
        """What was withdrawn hangs on nothing."""
        for record in self.linked(things):
            assert match_keys(record.withdraw(**things.now)) == ()

    def test_they_say_nothing_about_who_is_the_same(self, things):
        """A link never decides."""
        for record in self.linked(things):
            assert not any(key.decides for key in match_keys(record) if key.by == "link")

    def test_asking_for_them(self, things):
        """Everything that hangs on a record has one of its `link_keys`, and nothing else has."""
        records = self.linked(things)
        found = {
            record.id: [other.id for other in records if {*match_keys(other)} & {*link_keys(record)}]
            for record in (things.account(), *records, things.lead(), things.entry())
        }
        assert found == {
            "A-1": ["C-1", "O-1", "P-1"], "C-1": ["O-1", "P-1"], "O-1": ["P-1"], "P-1": [], "L-1": [], "N-1": [],
        }  # fmt: skip
        with pytest.raises(InvalidTypeError, match="record must be a record, got 'A-1'"):
            link_keys("A-1")


class TestNormalising:
    """What makes no difference, and what does."""

    @pytest.mark.parametrize(
        "name", ["O\u2019Brien", "O&#39;Brien", "o&rsquo;brien", "O\u02bcBRIEN", " o'brien ", "O`Brien"]
    )
    def test_apostrophes_case_and_space(self, name):
        """Typographic and HTML-escaped apostrophes equal the plain one; case and space around make no difference."""
        assert normalised(name) == "o'brien"

    def test_apostrophes_in_addresses(self, things):
        """The same holds for addresses."""
        typed = things.contact(person=Person("x", email="O\u2019Brien@acme.example"))
        assert "contact:email:o'brien@acme.example" in texts(typed)

    def test_plus_tags_and_dots_stay(self, things):
        """Plus-tags and dots are part of an address."""
        keys = {
            texts(things.contact(person=Person("x", email=email)), deciding=True)[0]
            for email in ("a.b@acme.example", "ab@acme.example", "a.b+fair@acme.example")
        }
        assert len(keys) == 3

    @pytest.mark.parametrize(
        "phone",
        [
            "+1 555 010-9999 x12",
            "+1 555 0109999,12",
            "001 555 010 9999 EXT. 12",
            "+15550109999 extension 1234",
            "+1-555-010-9999;9",
        ],
    )
    def test_an_extension_is_no_part_of_a_number(self, things, phone):
        """Those behind one switchboard have one number, however they write what is dialled after it."""
        assert texts(things.contact(person=Person("x", phone=phone)), deciding=False)[-1] == "contact:phone:15550109999"

    def test_a_number_without_its_country_is_another(self, things):
        """Nothing is guessed of countries."""
        phones = ("030 1234567", "+49 30 1234567")
        keys = [
            texts(things.contact(person=Person("x", phone=each, country="DE")), deciding=False)[-1] for each in phones
        ]
        assert keys == ["contact:phone:0301234567", "contact:phone:49301234567"]

    def test_few_digits_are_no_number(self, things):
        """An extension is no phone number."""
        assert texts(things.contact(person=Person("x", phone="ext. 12345"))) == ["contact:name:x"]

    @given(words)
    def test_normalising_twice_changes_nothing_for_plain_text(self, name):
        """Normalising is stable for text without HTML entities."""
        plain = name.replace("&", "")
        assert normalised(normalised(plain)) == normalised(plain)


class TestCompanyDomain:
    """A company is told apart by its own domain, not by that of a mail provider."""

    def test_order(self):
        """The company's domain comes first, then its address, then that of somebody there."""
        email = EmailAddress("mara@mail.northwind.example")
        assert (
            company_domain(Company("N", domain="northwind.example", email="i@n.example"), email) == "northwind.example"
        )
        assert company_domain(Company("N", email="i@n.example"), email) == "n.example"
        assert company_domain(Company("N"), email) == "mail.northwind.example"
        assert company_domain(None) is None

    @pytest.mark.parametrize("domain", ["gmail.com", "web.de", "qq.com", "outlook.com"])
    def test_free_providers_say_nothing(self, domain):
        """A mailbox at a free provider, or one entered as a company's domain, is no company's."""
        assert company_domain(Company("N", domain=domain), EmailAddress(f"mara@{domain}")) is None

    def test_a_host_may_know_more_providers(self, things):
        """The list can be replaced, by any collection."""
        assert company_domain(Company("N"), EmailAddress("a@isp.example"), free_providers=["isp.example"]) is None
        keys = match_keys(things.account(), free_providers=["northwind.example"])
        assert [str(key) for key in keys] == ["account:name:northwind"]

    def test_subdomains_are_companies_of_their_own(self):
        """Only the conventional www is taken off, and only where a domain is left."""
        assert company_domain(Company("N", domain="shop.northwind.example")) == "shop.northwind.example"
        assert company_domain(Company("N", domain="www.example")) == "www.example"

    def test_what_has_no_domain(self):
        """Is told, all at once."""
        with pytest.raises(InvalidTypeError) as caught:
            company_domain(5, "a@b.example", free_providers=3)
        assert [problem.path for problem in caught.value.problems] == ["company", "email", "free_providers"]

    def test_the_list_is_clean(self):
        """Every provider is a lower-case domain."""
        assert all(domain == domain.lower() and "." in domain for domain in FREE_MAIL_PROVIDERS)


class TestMatchKey:
    """A key is a value with one text."""

    def test_reports_everything_wrong(self):
        """All problems at once."""
        with pytest.raises(InvalidError) as caught:
            MatchKey("thing", "smell", 3, within=None)
        assert [problem.path for problem in caught.value.problems] == ["finds", "by", "value", "within"]

    @pytest.mark.parametrize("value", ["a\x00", "\ud800"])
    def test_holds_what_any_store_can(self, value):
        """Else the store would fail, and only when it is asked."""
        with pytest.raises(InvalidError) as caught:
            MatchKey("lead", "email", value, within=value)
        assert [problem.path for problem in caught.value.problems] == ["value", "within"]

    def test_texts_are_unambiguous(self):
        """An account's id cannot run into the product: two keys, two texts."""
        one, other = (
            MatchKey("opportunity", "product", product, within=account)
            for product, account in (("b", "a:c"), ("c\tb", "a"))
        )
        assert str(one) != str(other)

    def test_sorts(self):
        """Keys have an order, so that plans that list them are equal."""
        assert min(MatchKey("contact", "name", "b"), MatchKey("account", "name", "z")).finds == "account"
