"""Accounts and contacts: thin records that deals are with."""

from datetime import UTC, datetime, timedelta

import pytest

from leadflow import Account, Company, Consent, Contact, HistoryError, InvalidError, NotAllowedError, Person
from leadflow.allowance import ALLOWED, Allowance
from leadflow.events import Corrected

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = {"at": AT, "by": "ada"}
LATER = {"at": AT + timedelta(hours=1)}
ADA = Person("Ada Obi", email="ada@obi.example")


def paths(make):
    with pytest.raises(InvalidError) as caught:
        make()
    return [problem.path for problem in caught.value.problems]


class TestAccount:
    """The company, or the household, that deals are with."""

    def test_added(self):
        """With a name; the company may be unknown."""
        account = Account.add("A-1", "Obi", company=Company("Obi Ltd"), tags=["key"], **NOW)
        assert (account.name, account.company.name, account.tags) == ("Obi", "Obi Ltd", {"key"})
        assert Account.add("A-2", "Household Obi", **NOW).company is None

    def test_all_problems_at_once(self):
        """Of id, name and the rest."""
        wrong = paths(lambda: Account.add("", "", company="Obi", source="", tags=5, fields={"": 1}, at=5))
        assert wrong == ["id", "at", "name", "company", "source", "tags", "fields.name"]
        assert paths(lambda: Account.imported("A-1", "", is_withdrawn=1, owner=5, **NOW)) == [
            *("name", "owner", "is_withdrawn")
        ]

    def test_a_name_can_be_put_right_but_not_cleared(self):
        """An account always has one."""
        account = Account.add("A-1", "Obi", source="web", **NOW)
        assert account.correct(name="Obi & Co", clear=["source"], **LATER).name == "Obi & Co"
        assert paths(lambda: account.correct(clear=["name"], **LATER)) == ["clear"]

    def test_withdrawn(self):
        """Once; then nothing but redaction."""
        gone = Account.add("A-1", "Obi", **NOW).withdraw(note="by mistake", **LATER)
        assert gone.is_withdrawn
        assert "(withdrawn)" in repr(gone)
        for command in (lambda: gone.withdraw(**LATER), lambda: gone.assign("bo", **LATER)):
            with pytest.raises(NotAllowedError, match="its conversion was undone"):
                command()
        assert gone.redact(reason="x", **LATER).name == "[redacted]"
        assert Account.imported("A-1", "Obi", is_withdrawn=True, **NOW).is_withdrawn


class TestContact:
    """The person that deals are with."""

    def test_added(self):
        """With or without an account."""
        contact = Contact.add("C-1", ADA, account_id="A-1", **NOW)
        assert (contact.person, contact.account_id) == (ADA, "A-1")
        assert Contact.imported("C-1", ADA, **NOW).account_id is None

    def test_all_problems_at_once(self):
        """Of id, person and the rest."""
        wrong = paths(lambda: Contact.add(" ", "Ada", account_id="", consents=5, owner="", **NOW))
        assert wrong == ["id", "person", "account_id", "owner", "consents"]

    def test_an_account_is_for_good(self):
        """It may be given once, and never changed or cleared."""
        alone = Contact.add("C-1", ADA, **NOW)
        joined = alone.correct(account_id="A-1", **LATER)
        assert joined.account_id == "A-1"
        assert not joined.can_correct("account_id")
        assert joined.can_correct("person")
        for change in ({"account_id": "A-2"}, {"clear": ["account_id"]}):
            with pytest.raises(NotAllowedError, match=r"belongs to account 'A-1' for good; .* is a new contact"):
                joined.correct(**change, **LATER)
        assert paths(lambda: alone.correct(clear=["account_id", "person"], **LATER)) == ["clear", "clear"]

    def test_consents_bind_in_every_state(self):
        """Also after it was withdrawn."""
        gone = Contact.add("C-1", ADA, **NOW).withdraw(**LATER)
        said = gone.record_consent(Consent("phone", granted=False, at=AT), **LATER)
        assert said.may_contact("phone") is False
        assert said.may_contact("email") is None
        with pytest.raises(NotAllowedError):
            gone.withdraw(**LATER)
        assert "(withdrawn)" in repr(gone)


class TestCraftedHistories:
    """A history that no command could have written, as a broken store may give it."""

    @pytest.mark.parametrize(
        "event",
        [
            Corrected(person=ADA, **LATER),
            Corrected(cleared={"name"}, **LATER),
            Corrected(estimated_value=None, cleared={"needs"}, **LATER),
        ],
    )
    def test_corrections_of_what_is_not_there(self, event):
        """Refused where it stands; no half-made record."""
        account = Account.add("A-1", "Obi", **NOW)
        with pytest.raises(HistoryError, match="account 'A-1', event 1: Corrected cannot change"):
            Account("A-1", (*account.history, event))


class TestAllowance:
    """True, or the reasons why not."""

    def test_reasons_add_up(self):
        """None is true; each makes it false."""
        assert ALLOWED
        no = ALLOWED.but("it is won").but("it is March")
        assert not no
        assert no == Allowance(("it is won", "it is March"))
