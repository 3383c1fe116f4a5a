"""What commands say when they are called wrongly, and how times of one zone compare."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from leadflow import (
    ENGAGEMENT_KINDS,
    Account,
    Company,
    Engagement,
    HistoryError,
    InvalidError,
    InvalidTypeError,
    Lead,
    ListEntry,
    Money,
    Opportunity,
    Origin,
    Person,
    Proactive,
    Touch,
    pipelines,
)
from leadflow.commands import command
from leadflow.stores import ChangeSet, Committed, InMemoryStore

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def lead(at=AT):
    ada = Person("Ada Obi", email="ada@obi.example")
    return Lead.capture("L-1", person=ada, engagement=Engagement("form", at=at), at=at)


def deal():
    return Opportunity.open(
        "O-1",
        "Lamps",
        Money(10, "EUR"),
        expected_close=AT.date(),
        origin=Origin.from_campaign("spring"),
        pipeline=pipelines.SIMPLE,
        at=AT,
    )


class TestMisuse:
    """A call that Python itself would refuse is refused by the command's name, with the argument and a hint."""

    @pytest.mark.parametrize(
        ("call", "subject", "words"),
        [
            (lambda: lead().touch(Touch("call", at=AT)), "touch", "at must be given"),
            (lambda: lead().touch(), "touch", "touch must be given; at must be given"),
            (lambda: deal().win(), "win", "at must be given"),
            (lambda: deal().win(at=AT, user="x"), "win", "user is no argument of win"),
            (lambda: deal().move_to(at=AT), "move_to", "stage must be given"),
            (lambda: lead().correct(sorce="x", at=AT), "correct", "did you mean 'source'?"),
            (lambda: lead().correct(owner="x", at=AT), "correct", "owner is no argument of correct; use assign"),
            (lambda: deal().correct(amount=5, at=AT), "correct", "amount is no argument of correct; use set_amount"),
            (lambda: Account.add("A-1", "x"), "Account.add", "at must be given"),
            (lambda: Lead.capture("L-1", at=AT), "Lead.capture", "engagement must be given"),
            (lambda: Opportunity.imported("O-1"), "Opportunity.imported", "name must be given"),
            (lambda: lead().discover(budgt="x", at=AT), "discover", "did you mean 'budget'?"),
        ],
    )
    def test_arguments(self, call, subject, words):
        """Missing and misspelt arguments are named."""
        with pytest.raises(InvalidTypeError) as caught:
            call()
        assert caught.value.subject == subject
        assert words in str(caught.value)

    @pytest.mark.parametrize(
        ("call", "paths"),
        [
            (lambda: lead().correct(zz=1, tags=5, at=None), ["zz", "at", "tags"]),
            (lambda: lead().touch(None), ["at", "touch"]),
            (lambda: lead().assign(), ["owner", "at"]),
            (lambda: lead().record_consent(None, None), ["at", "consents[0]", "consents[1]"]),
            (lambda: lead().record_consent(None, None, at=None), ["at", "consents[0]", "consents[1]"]),
            (lambda: deal().win(at=None, user="x", by=5), ["user", "at", "by"]),
            (lambda: lead().absorbed(at=AT), ["merged_id"]),
            (lambda: Lead.capture("", person="x"), ["engagement", "at", "id", "person"]),
            (
                lambda: Lead.capture("", person="x", engagement=None, at=None, entry=5),
                ["id", "entry", "engagement", "at", "person"],
            ),
            (lambda: lead().rfm(at=None), ["at"]),
        ],
    )
    def test_all_at_once(self, call, paths):
        """Arguments that there are not, that are missing and that are wrong are told together, each once."""
        with pytest.raises(InvalidTypeError) as caught:
            call()
        assert [problem.path for problem in caught.value.problems] == paths

    def test_what_cannot_be_said_besides(self):
        """Where the rest of the call is right, or ends otherwise, only what was called wrongly is said."""

        class Thing:
            @command
            def run(self, *, speed):
                raise KeyError(speed)

        for call, path in ((lambda: deal().win(at=AT, user="x"), "user"), (lambda: Thing().run(sped=5), "sped")):
            with pytest.raises(InvalidTypeError) as caught:
                call()
            assert caught.value.problems[0].path == path
            assert {problem.path for problem in caught.value.problems} <= {path, "speed"}

    def test_the_engagement_that_makes_a_lead(self):
        """What is wrong with it is said of the argument, also where others come along from a list entry."""
        ada = Person("Ada Obi", email="ada@obi.example")
        entry = ListEntry.add("N-1", person=ada, source="fair", at=AT).engage(Engagement("mail_open", at=AT), at=AT)
        late = Engagement("form", at=AT + timedelta(days=1))
        for more in ({"person": ada}, {"entry": entry}):
            with pytest.raises(InvalidError) as caught:
                Lead.capture("L-1", engagement=late, at=AT, **more)
            assert [problem.path for problem in caught.value.problems] == ["engagement.at"]

    @pytest.mark.parametrize(
        ("call", "subject"),
        [
            (lambda: lead().touch("call", at=AT), "touch"),
            (lambda: deal().call("sure", at=AT), "call"),
            (lambda: deal().set_amount(5.0, at=AT), "set_amount"),
            (lambda: deal().move_to("lost", at=AT), "move_to"),
            (lambda: lead().disqualify("dunno", at=AT), "disqualify"),
        ],
    )
    def test_subject(self, call, subject):
        """What is wrong is said in the command's name, not in that of the event it would have made."""
        with pytest.raises(InvalidError) as caught:
            call()
        assert caught.value.subject == subject

    def test_errors_of_others(self):
        """A TypeError that has nothing to do with the arguments passes through as it is."""

        class Thing:
            @command
            def run(self, *, speed):
                raise TypeError(f"broken at {speed}")

        with pytest.raises(TypeError, match="broken at 5") as caught:
            Thing().run(speed=5)
        assert not isinstance(caught.value, InvalidTypeError)

    def test_too_many_positional_arguments(self):
        """What the checks cannot name, Python names."""
        with pytest.raises(TypeError, match="positional"):
            deal().win(None, "won", at=AT)


class TestZones:
    """Times compare as moments, also in the hour that a zone has twice."""

    FIRST = datetime(2025, 10, 26, 2, 50, tzinfo=BERLIN)
    SECOND = datetime(2025, 10, 26, 2, 10, fold=1, tzinfo=BERLIN)  # twenty minutes after the first

    def test_forward(self):
        """What was recorded later by the clock that was put back comes later."""
        after = lead(self.FIRST).assign("bo", at=self.SECOND)
        assert after.updated_at - after.created_at == timedelta(minutes=20)
        assert after.as_of(self.FIRST) == lead(self.FIRST)
        assert after.as_of(self.SECOND) == after

    def test_backward(self):
        """What was recorded earlier is refused, whatever the clock on the wall showed."""
        with pytest.raises(HistoryError, match="must not go back"):
            lead(self.SECOND).assign("bo", at=self.FIRST)

    def test_round_trip(self):
        """A store that hands times back in UTC hands back an equal record."""
        berlin = lead(self.SECOND)
        assert berlin == lead(self.SECOND.astimezone(UTC))
        assert berlin.created_at.utcoffset() == timedelta(hours=1)


class TestReviewed:
    """What a review found, and stays found."""

    def test_twin_of_winning(self):
        """What is no amount is bad input to both."""
        for ask in (lambda: deal().can_win(5.0), lambda: deal().win(5.0, at=AT)):
            with pytest.raises(InvalidTypeError, match="amount must be Money"):
                ask()

    def test_a_customer_is_its_own_account(self):
        """A deal that comes from a customer is with that customer."""
        with pytest.raises(InvalidError, match="account_id must be the customer's") as caught:
            Opportunity.open(
                "O-1",
                "Lamps",
                Money(10, "EUR"),
                expected_close=AT.date(),
                origin=Origin.from_customer("A-1"),
                account_id="A-2",
                pipeline=pipelines.SIMPLE,
                at=AT,
            )
        assert [problem.path for problem in caught.value.problems] == ["account_id"]

    def test_an_account_cannot_be_cleared(self):
        """A deal with an account keeps one."""
        with pytest.raises(InvalidError, match="must not name 'account_id'"):
            deal().correct(clear=["account_id"], at=AT)

    def test_names_of_sole_traders(self):
        """A company that bears the person's name is redacted with the person; any other keeps its name."""
        ada = Person("Ada Obi", email="ada@obi.example")
        form = Engagement("form", at=AT)
        alone = Lead.capture("L-1", person=ada, company=Company("ADA OBI"), engagement=form, at=AT)
        firm = Lead.capture("L-2", person=ada, company=Company("Northwind"), engagement=form, at=AT)
        assert "OBI" not in repr(alone.redact(reason="asked", at=AT).history)
        assert firm.redact(reason="asked", at=AT).company == Company("Northwind")

    def test_a_store_takes_what_was_redacted(self):
        """The redacted record continues the stored one, and what was told of it before is blanked."""
        ada = Person("Ada Obi", email="ada@obi.example")
        alone = Lead.capture("L-1", person=ada, company=Company("Ada Obi"), engagement=Engagement("form", at=AT), at=AT)
        store = InMemoryStore()
        store.commit(ChangeSet.new(alone))
        assert isinstance(store.commit(ChangeSet.of((alone, alone.redact(reason="asked", at=AT)))), Committed)
        assert "Obi" not in repr(store.outbox)
        assert "Obi" not in repr(store.load("L-1").history)

    @pytest.mark.parametrize("name", ["Form", "EUR", "De", "Website", "ada"])
    def test_codes_stay_whatever_the_name(self, name):
        """A person whose name is spelt like a code does not take the code along."""
        person = Person(name, email="x@obi.example", country="DE")
        told = Lead.capture(
            "L-1",
            person=person,
            engagement=Engagement("form", at=AT, value=Money(5, "EUR")),
            source="Website",
            owner="ada",
            at=AT,
            by="ada",
        )
        clean = told.redact(reason="asked", at=AT)
        assert (clean.source, clean.owner, clean.engagements[0].kind) == ("Website", "ada", "form")
        assert (clean.person.country, clean.history[0].by) == ("DE", "ada")

    @pytest.mark.parametrize("name", ["\u200b", "\u2060 \u200b", "\xad"])
    def test_names_that_show_nothing(self, name):
        """A name of invisible characters is no name."""
        with pytest.raises(InvalidError, match="something in it"):
            Person(name)

    def test_presets(self):
        """The presets are found on the class that is public."""
        assert Proactive.STRICT.kinds < Proactive.STANDARD.kinds < Proactive.OPEN.kinds
        assert Proactive.OPEN.kinds < ENGAGEMENT_KINDS.keys()
