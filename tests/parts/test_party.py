"""Who we talk to: addresses, people, companies, and what they consented to."""

import pickle
import time
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow import Channel, Company, Consent, EmailAddress, InvalidError, InvalidTypeError, Money, Person
from leadflow.party import Basis, Seniority, may_contact, tighten, to_consents

AT = datetime(2026, 3, 2, tzinfo=UTC)

ADDRESSES = [
    "a@b.co",
    "mara@northwind.example",
    "a+b.c@x-y.example",
    "a'b@x.co",
    "!#$%&*+/=?^_`{|}~-@x.co",
    '"very odd"@x.org',
    '"a@b"@c.de',
    "björn@müller.de",
    "用户@例子.公司",
    "x@उदाहरण.परीक्षा",
    "x@mu\u0308ller.de",
    "x@xn--80ak6aa92e.com",
    "x@a--b.com",
    "1@2.c3",
    "a" * 64 + "@b.de",
    "a@" + "b" * 63 + ".de",
]
NO_ADDRESSES = [
    "",
    "a",
    "a@b",
    "a@b.",
    "a@.b.c",
    "a..b@c.de",
    ".a@b.de",
    "a.@b.de",
    "a@b..de",
    "a b@c.de",
    "a@b c.de",
    "a@-b.de",
    "a@b-.de",
    "a@b_c.de",
    "a@1.2.3.4",
    "a@[1.2.3.4]",
    "Mara <a@b.de>",
    "mailto:a@b.de",
    "a@b.de\n",
    " a@b.de",
    "a@b@c.de",
    '"a"b"@c.de',
    "a@b.de”",
    "a,b@c.de",
    "a\x00@b.de",
    "a\u200b@b.de",
    "a\u202e@b.de",
    "a\ud800@b.de",
    "a" * 65 + "@b.de",
    "a@" + "b" * 64 + ".de",
    "a@" + "b." * 130 + "de",
]


class TestEmailAddress:
    """What is an address, and when two are the same."""

    @pytest.mark.parametrize("text", ADDRESSES)
    def test_addresses(self, text):
        """Taken as written, with a part after the last @ that is a host."""
        address = EmailAddress(text)
        assert str(address) == address.written == text
        assert repr(address) == f"EmailAddress({text!r})"
        assert text.lower().endswith(address.domain) or not text.isascii()
        assert Person("Mara", email=text).email == address

    @pytest.mark.parametrize("text", NO_ADDRESSES)
    def test_no_addresses(self, text):
        """Refused alone, and as a person's or company's with the path to it."""
        with pytest.raises(InvalidError, match=r"email must be an address such as mara@northwind\.example, got "):
            EmailAddress(text)
        for make in (Person, Company):
            with pytest.raises(InvalidError) as caught:
                make("Mara", email=text)
            assert [problem.path for problem in caught.value.problems] == ["email"]

    @pytest.mark.parametrize("value", [None, 5, b"a@b.de"])
    def test_only_text(self, value):
        """Whatever is no text is of the wrong type."""
        with pytest.raises(InvalidTypeError, match="email must be text"):
            EmailAddress(value)

    def test_only_addresses_in_a_person(self):
        """A person takes an address or its text."""
        with pytest.raises(InvalidTypeError, match="email must be text"):
            Person("Mara", email=5)

    @pytest.mark.parametrize(
        "hostile", ["a" * 100_000, "a." * 50_000 + "@", "a@" + "a-" * 50_000, "@" * 100_000, '"' + "a" * 100_000]
    )
    def test_hostile_text_is_refused_quickly(self, hostile):
        """A hundred thousand characters take no longer than their number, and are not reprinted."""
        start = time.perf_counter()
        for text in (hostile, hostile[:253]):
            with pytest.raises(InvalidError) as caught:
                EmailAddress(text)
            assert len(str(caught.value)) < 400
        with pytest.raises(InvalidError):
            Company("Northwind", domain=hostile[:500])
        assert time.perf_counter() - start < 0.5

    def test_compared_normalised(self):
        """Case and the way of writing an accent do not count; tags and dots do."""
        assert EmailAddress("Mara@Northwind.Example") == EmailAddress("mara@northwind.example")
        assert EmailAddress("jose\u0301@x.co") == EmailAddress("JOSÉ@x.co")
        assert hash(EmailAddress("jose\u0301@x.co")) == hash(EmailAddress("José@x.co"))
        assert EmailAddress("a.b@x.co") != EmailAddress("ab@x.co")
        assert EmailAddress("a+b@x.co") != EmailAddress("a@x.co")
        assert EmailAddress("a@x.co") != "a@x.co"
        assert pickle.loads(pickle.dumps(EmailAddress("A@x.co"))).written == "A@x.co"


class TestPerson:
    """A natural person and the ways to reach them."""

    def test_reachable(self):
        """By mail, phone or handle."""
        assert not Person("Mara").is_reachable
        assert Person("Mara", email="a@b.co").is_reachable
        assert Person("Mara", phone="1").is_reachable
        assert Person("Mara", handle="x:mara").is_reachable

    def test_all_problems_at_once(self):
        """Every field that is wrong, with what was got."""
        with pytest.raises(InvalidTypeError) as caught:
            Person(
                " ",
                email="x",
                phone="",
                handle=5,
                job_title="a\nb",
                seniority="boss",
                department="x" * 501,
                country="de",
                language=" de",
            )
        assert [problem.path for problem in caught.value.problems] == [
            *("name", "email", "phone", "handle", "job_title", "seniority", "department", "country", "language")
        ]
        assert (
            "country must be an ISO 3166 code of two capital letters such as 'DE', got 'de' (did you mean 'DE'?)"
            in str(caught.value)
        )

    @pytest.mark.parametrize("name", ["", " ", "\u2003", "a\x00b", "a\tb", "a\ud800", 5, None, "x" * 501])
    def test_names(self, name):
        """A name is one line of text with something in it."""
        for make in (Person, Company):
            with pytest.raises(InvalidError, match="name must be"):
                make(name)

    @pytest.mark.parametrize("name", ["Zoë", "李", "Ann-Marie O'Neil", "نیلوفر‌ی", "x" * 500])
    def test_real_names(self, name):
        """Any script, joiners included."""
        assert Person(name).name == name

    def test_seniority_by_value(self):
        """A value becomes the member."""
        assert Person("Mara", seniority="vp").seniority is Seniority.VP

    @pytest.mark.parametrize("country", ["Germany", "D", 5, "ÄÖ"])
    def test_countries(self, country):
        """Two capital letters."""
        with pytest.raises(InvalidError, match="country must be an ISO 3166 code"):
            Person("Mara", country=country)


class TestCompany:
    """A company as far as it is known."""

    def test_host_names_in_lower_case(self):
        """So that equal hosts are equal text."""
        assert Company("Northwind", domain="Northwind.Example").domain == "northwind.example"

    @pytest.mark.parametrize("domain", ["https://x.co", "x", "x.co/a", "", "x..co", 5, "1.2.3.4"])
    def test_no_host_names(self, domain):
        """No scheme, no path, no number."""
        with pytest.raises(InvalidError, match="domain must be"):
            Company("Northwind", domain=domain)

    def test_reachable(self):
        """At an office."""
        assert not Company("Northwind", domain="x.co").is_reachable
        assert Company("Northwind", email="info@x.co").is_reachable
        assert Company("Northwind", phone="1").is_reachable

    def test_all_problems_at_once(self):
        """Every field that is wrong."""
        with pytest.raises(InvalidTypeError) as caught:
            Company("", employees=-1, revenue=5.0, country="DEU", technologies="excel", city="", industry=3)
        paths = [problem.path for problem in caught.value.problems]
        assert paths == ["name", "industry", "employees", "revenue", "country", "city", "technologies"]

    def test_collections(self):
        """Any collection of technologies becomes a frozenset."""
        company = Company("Northwind", technologies=["excel", "sap"], revenue=Money(5, "EUR"))
        assert company.technologies == frozenset({"excel", "sap"})
        with pytest.raises(InvalidTypeError, match="technologies must be"):
            Company("Northwind", technologies=5)
        with pytest.raises(InvalidTypeError, match="technologies"):
            Company("Northwind", technologies=[[]])


CONSENTS = st.builds(
    Consent,
    st.sampled_from(["email", "phone"]),
    purpose=st.sampled_from(["sales", "marketing"]),
    granted=st.booleans(),
    at=st.integers(0, 4).map(lambda hours: AT + timedelta(hours=hours)),
    source=st.sampled_from([None, "form"]),
    basis=st.sampled_from(Basis),
)


def said(granted, hour, basis="consent"):
    return Consent("email", granted=granted, at=AT + timedelta(hours=hour), basis=basis)


class TestTighten:
    """What holds when several things were said."""

    @given(st.lists(CONSENTS, max_size=6), st.randoms())
    def test_order_does_not_matter(self, consents, random):
        """However they are put together."""
        shuffled = random.sample(consents, len(consents))
        assert tighten(*consents) == tighten(*shuffled)

    @given(st.lists(CONSENTS, max_size=5), st.lists(CONSENTS, max_size=5))
    def test_grouping_does_not_matter(self, some, others):
        """Tightening as they come in gives what tightening all of them gives."""
        assert tighten(*tighten(*some), *others) == tighten(*some, *others)
        one_by_one = ()
        for consent in (*some, *others):
            one_by_one = tighten(*one_by_one, consent)
        assert one_by_one == tighten(*some, *others)

    @given(st.lists(CONSENTS, max_size=6))
    def test_the_rule(self, consents):
        """One statement per channel and purpose; a refusal stands unless a later explicit opt-in was given."""
        held = tighten(*consents)
        assert [(item.channel, item.purpose) for item in held] == sorted(
            {(item.channel, item.purpose) for item in consents}
        )
        for item in held:
            about = [other for other in consents if (other.channel, other.purpose) == (item.channel, item.purpose)]
            assert item in about
            refused = max((other.at for other in about if not other.granted), default=None)
            if refused is not None:
                explicit = [o.at for o in about if o.granted and o.basis is Basis.CONSENT and o.at > refused]
                assert item.granted == bool(explicit)

    def test_examples(self):
        """A contract does not undo a refusal; a later opt-in does; an opt-in of the same instant does not."""
        assert tighten(said(False, 1), said(True, 2, "contract")) == (said(False, 1),)
        assert tighten(said(True, 2), said(False, 1)) == (said(True, 2),)
        assert tighten(said(True, 1), said(False, 1)) == (said(False, 1),)
        assert tighten(said(True, 1), said(True, 2, "contract")) == (said(True, 1),)
        assert tighten(said(True, 1, "contract"), said(True, 2, "contract")) == (said(True, 2, "contract"),)
        late = (said(False, 1), said(True, 3), said(True, 4, "contract"), said(False, 2))
        assert {tighten(*order) for order in permutations(late)} == {(said(True, 3),)}

    def test_as_a_converter(self):
        """Statements are tightened; what is none is left to the check."""
        assert to_consents([said(True, 1), said(False, 2)]) == (said(False, 2),)
        assert to_consents(iter(())) == ()
        assert to_consents("email") == "email"
        assert to_consents(5) == 5
        assert to_consents(["email"]) == ("email",)


class TestMayContact:
    """Whether they agreed."""

    def test_three_answers(self):
        """Yes, no, and not said; per channel and purpose, tightened or not."""
        consents = (said(True, 1), said(False, 2), Consent("phone", purpose="news", granted=True, at=AT))
        assert may_contact(consents, "email") is False
        assert may_contact(consents, Channel.PHONE, "news") is True
        assert may_contact(consents, "phone") is None

    def test_a_channel_that_is_none(self):
        """A typing error must not read as "they have not said"."""
        with pytest.raises(InvalidError, match=r"channel is unknown: 'emial' \(did you mean 'email'\?\)"):
            may_contact((), "emial")


class TestConsent:
    """One statement."""

    @settings(max_examples=10)
    @given(CONSENTS)
    def test_value(self, consent):
        """Equal after a pickle, with members for values."""
        assert pickle.loads(pickle.dumps(consent)) == consent
        assert isinstance(consent.channel, Channel)

    def test_all_problems_at_once(self):
        """Every field that is wrong."""
        with pytest.raises(InvalidTypeError) as caught:
            Consent("fax", purpose="", granted=1, at=datetime(2026, 1, 1), source="", basis="whim")  # noqa: DTZ001
        paths = [problem.path for problem in caught.value.problems]
        assert paths == ["channel", "purpose", "granted", "at", "source", "basis"]
