"""List entries, leads, prospects: the way from a name on a list to somebody sales has accepted."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from leadflow import (
    DISQUALIFICATION_REASONS,
    Company,
    Consent,
    Engagement,
    HistoryError,
    InvalidError,
    InvalidTypeError,
    Lead,
    LeadStatus,
    Learned,
    ListEntry,
    Money,
    NotAllowedError,
    Person,
    Prospect,
    ProspectStatus,
    Reason,
    Touch,
)
from leadflow.assessment import Evidence, Verdict
from leadflow.discovery import NOTHING_LEARNT
from leadflow.engagement import KINDS, OPEN, STANDARD, STRICT
from leadflow.events import Nurtured, Touched, WorkStarted
from leadflow.lifecycle import LEAD, PROSPECT

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = {"at": AT, "by": "ada"}
ADA = Person("Ada Obi", email="ada@obi.example")
FORM = Engagement("form", at=AT)
EVIDENCE = Evidence(policy_id="icp", at=AT, verdict=Verdict.QUALIFIED, subject_id="L-1")
FOUND = Evidence(policy_id="icp", at=AT, verdict=Verdict.QUALIFIED, subject_id="P-1")


def later(hours=1):
    return {"at": AT + hours * HOUR, "by": "ada"}


def lead(status="new", **given):
    if status == "qualified":
        given["prospect_id"] = "P-1"
    return Lead.imported("L-1", person=ADA, status=status, **given, **NOW)


def prospect(status="active", **given):
    return Prospect.imported("P-1", person=ADA, status=status, **given, **NOW)


def paths(make):
    with pytest.raises(InvalidError) as caught:
        make()
    return [problem.path for problem in caught.value.problems]


class TestListEntry:
    """A name and an address that somebody has."""

    def test_needs_a_source_and_an_address(self):
        """Whether we may use it depends on where it comes from; who cannot be reached is of no use."""
        assert paths(lambda: ListEntry.add("", person=Person("Ada"), source="", tags="a", at=AT)) == [
            *("id", "source", "person", "tags")
        ]
        assert ListEntry.add("N-1", company=Company("Obi", phone="1"), source="fair", **NOW).lead_id is None

    def test_our_touches_are_kept(self):
        """Before they engage we may touch, discover and record what they said."""
        entry = ListEntry.add("N-1", person=ADA, source="fair", **NOW)
        entry = entry.touch(Touch("call", at=AT), **later()).discover(need="stated", **later())
        entry = entry.engage(Engagement("mail_open", at=AT), **later())
        assert (len(entry.touches), entry.discovery.need.level, len(entry.engagements)) == (1, "stated", 1)

    def test_it_becomes_a_lead_once(self):
        """After that it is read-only and names the lead; what they say of contacting them still binds."""
        entry = ListEntry.add("N-1", person=ADA, source="fair", **NOW)
        done = entry.became("L-1", **later())
        assert done.lead_id == "L-1"
        for command in (
            lambda: done.became("L-2", **later()),
            lambda: done.touch(Touch("call", at=AT), **later()),
            lambda: done.correct(source="web", **later()),
            lambda: done.assign("bo", **later()),
        ):
            with pytest.raises(NotAllowedError, match="it became lead 'L-1'; go on there"):
                command()
        said = done.record_consent(Consent("email", granted=False, at=AT), **later())
        assert said.may_contact("email") is False
        assert "became lead 'L-1'" in repr(done)
        assert "(open)" in repr(entry)

    def test_taken_over(self):
        """With whatever is known of it."""
        entry = ListEntry.imported("N-1", person=Person("Ada"), touches=[Touch("call", at=AT)], lead_id="L-1", **NOW)
        assert (entry.lead_id, entry.source, len(entry.touches)) == ("L-1", None, 1)


class TestCapture:
    """A lead is somebody who engaged of their own accord."""

    @pytest.mark.parametrize(("kind", "preset"), list(product([*KINDS, "custom.visit"], [STRICT, STANDARD, OPEN])))
    def test_only_proactive_engagements(self, kind, preset):
        """Each kind by each preset; the refusal says what else to do."""

        def capture():
            return Lead.capture("L-1", person=ADA, engagement=Engagement(kind, at=AT), proactive=preset, **NOW)

        if kind in preset.kinds:
            assert capture().status is LeadStatus.NEW
        else:
            with pytest.raises(InvalidError, match="until they engage of their own accord, keep them as a ListEntry"):
                capture()

    def test_a_hosts_own_kind(self):
        """Counts when the host says so."""
        visit = Engagement("custom.visit", at=AT)
        assert Lead.capture("L-1", person=ADA, engagement=visit, proactive=STANDARD.but("custom.visit"), **NOW)

    @pytest.mark.parametrize("person", [None, Person("Ada"), Person("Ada", job_title="CTO")])
    def test_only_who_can_be_reached(self, person):
        """By the person or an office."""
        with pytest.raises(InvalidError, match="person must have an email, phone or handle"):
            Lead.capture("L-1", person=person, company=Company("Obi"), engagement=FORM, **NOW)
        office = Company("Obi", email="info@obi.example")
        assert Lead.capture("L-1", person=person, company=office, engagement=FORM, **NOW).company == office

    def test_all_problems_at_once(self):
        """The id, the engagement, the parties, and what the event finds."""
        wrong = paths(
            lambda: Lead.capture(
                " ",
                person="Ada",
                company=5,
                engagement="form",
                proactive="standard",
                source="",
                owner="",
                estimated_value=5.0,
                product_interest=["", 5],
                consents=["email"],
                tags="hot",
                fields={"x": None},
                at=datetime(2026, 3, 2),  # noqa: DTZ001
            )
        )
        assert wrong == [
            *("id", "proactive", "engagement", "at", "person", "company", "source", "owner", "tags", "fields.x"),
            *("consents[0]", "estimated_value", "product_interest[0]", "product_interest[1]"),
        ]

    def test_a_forgotten_time(self):
        """Is a missing argument, as anywhere in Python."""
        with pytest.raises(TypeError, match="at"):
            Lead.capture("L-1", person=ADA, engagement=FORM)
        for command in ("assign", "touch", "discover"):
            with pytest.raises(TypeError, match="at"):
                getattr(lead(), command)(*{"assign": ("bo",), "touch": (Touch("call", at=AT),)}.get(command, ()))

    def test_collections(self):
        """Any iterable will do; product codes become values."""
        captured = Lead.capture(
            "L-1", person=ADA, engagement=FORM, product_interest="crm", tags=iter("ab"), fields={"seats": 3}, **NOW
        )
        assert [interest.product for interest in captured.product_interest] == ["crm"]
        assert captured.tags == {"a", "b"}
        assert captured.fields["seats"] == 3
        assert captured.engagements == (FORM,)

    def test_the_campaign_of_the_engagement(self):
        """Is the lead's, unless another is given."""
        form = Engagement("form", at=AT, campaign="spring")
        assert Lead.capture("L-1", person=ADA, engagement=form, **NOW).campaign == "spring"
        assert Lead.capture("L-1", person=ADA, engagement=form, campaign="fall", **NOW).campaign == "fall"


class TestFromTheList:
    """A list entry that engages becomes a lead and loses nothing."""

    ENTRY = ListEntry.imported(
        "N-1",
        person=ADA,
        company=Company("Obi"),
        source="fair",
        campaign="spring",
        owner="bo",
        tags=["badge"],
        fields={"stand": "A1", "seats": 1},
        engagements=[Engagement("mail_open", at=AT)],
        touches=[Touch("call", at=AT)],
        discovery=NOTHING_LEARNT.but((("need", Learned("stated")),)),
        consents=[Consent("email", granted=False, at=AT)],
        **NOW,
    )

    def test_what_is_not_given_is_carried(self):
        """Who, whence, whose, labels, own fields, what happened, what was learnt, what they said."""
        captured = Lead.capture("L-1", entry=self.ENTRY, engagement=FORM, **later())
        for name in ("person", "company", "source", "campaign", "owner", "tags", "fields", "touches", "discovery"):
            assert getattr(captured, name) == getattr(self.ENTRY, name)
        assert captured.engagements == (*self.ENTRY.engagements, FORM)
        assert captured.consents == self.ENTRY.consents
        assert captured.entry_id == "N-1"
        assert captured.status is LeadStatus.NEW

    def test_what_is_given_comes_first(self):
        """Of collections both are kept; consents tighten."""
        bo = Person("Bo", phone="1")
        yes = Consent("email", granted=True, at=AT + HOUR)
        captured = Lead.capture(
            "L-1",
            entry=self.ENTRY,
            person=bo,
            source="web",
            campaign="fall",
            owner="cy",
            tags=["hot"],
            fields={"seats": 3},
            consents=[yes],
            engagement=FORM,
            **later(),
        )
        assert (captured.person, captured.source, captured.campaign, captured.owner) == (bo, "web", "fall", "cy")
        assert captured.tags == {"badge", "hot"}
        assert dict(captured.fields) == {"stand": "A1", "seats": 3}
        assert captured.consents == (yes,)

    def test_mistakes_stay_mistakes(self):
        """What is wrong is not replaced by what the entry has."""
        wrong = paths(
            lambda: Lead.capture(
                "L-1", entry=self.ENTRY, source="", tags="hot", fields=5, consents=5, engagement=FORM, **later()
            )
        )
        assert wrong == ["source", "tags", "fields", "consents"]
        with pytest.raises(InvalidTypeError, match="entry must be a ListEntry, got 'N-1'"):
            Lead.capture("L-1", entry="N-1", person=ADA, engagement=FORM, **NOW)

    def test_once(self):
        """An entry that became a lead makes no other."""
        done = self.ENTRY.became("L-1", **later())
        with pytest.raises(NotAllowedError, match=r"cannot capture a lead from list entry 'N-1'.*go on there"):
            Lead.capture("L-2", entry=done, engagement=FORM, **later())


MOVES = {
    "nurture": lambda record: record.nurture(revisit_on=date(2026, 6, 1), **later()),
    "disqualify": lambda record: record.disqualify("no_need", **later()),
    "reopen": lambda record: record.reopen(**later()),
    "qualify": lambda record: record.qualified(prospect_id="P-1", evidence=EVIDENCE, **later()),
    "withdraw": lambda record: record.withdraw(**later()),
}
LEAD_MOVES = ("nurture", "disqualify", "reopen", "qualify")
PROSPECT_MOVES = ("nurture", "disqualify", "reopen", "withdraw")


class TestLifecycle:
    """Commands agree with the lifecycle's table, in every status."""

    @pytest.mark.parametrize(("status", "move"), list(product(LeadStatus, LEAD_MOVES)))
    def test_leads(self, status, move):
        """Each command from each status."""
        check_move(lead(status), status, move, LEAD)

    @pytest.mark.parametrize(("status", "move"), list(product(ProspectStatus, PROSPECT_MOVES)))
    def test_prospects(self, status, move):
        """Each command from each status."""
        check_move(prospect(status), status, move, PROSPECT)

    def test_the_first_touch_starts_work(self):
        """In one act, two events; later ones do not."""
        new = lead()
        worked = new.touch(Touch("call", at=AT), **later())
        assert worked.status is LeadStatus.WORKING
        assert [type(event) for event in worked.history[1:]] == [Touched, WorkStarted]
        assert worked.touch(Touch("call", at=AT), **later(2)).version == worked.version + 1
        for status in ("nurturing", "disqualified"):
            assert lead(status).touch(Touch("call", at=AT), **later()).status == status

    def test_a_touch_written_down_late(self):
        """Starts work when it is learnt of, not before the lead was there."""
        new = lead()
        early = {"at": AT - HOUR, "recorded_at": AT + HOUR}
        worked = new.touch(Touch("call", at=AT - HOUR), **early)
        assert worked.history[-1].at == AT
        assert worked.as_of(AT).status is LeadStatus.NEW
        with pytest.raises(HistoryError, match=r"recorded_at must not go back.*pass recorded_at= the later of the two"):
            new.touch(Touch("call", at=AT - HOUR), at=AT - HOUR)

    def test_reasons_and_days_go_with_their_status(self):
        """They are there while they are true, and in the history for ever."""
        put_aside = lead("working").nurture(revisit_on=date(2026, 6, 1), note="budget in June", **later())
        assert put_aside.revisit_on == date(2026, 6, 1)
        out = put_aside.disqualify("other", note="moved abroad", **later(2))
        assert (out.revisit_on, out.reason) == (None, DISQUALIFICATION_REASONS["other"])
        back = out.reopen(**later(3))
        assert (back.reason, back.status) == (None, LeadStatus.WORKING)
        assert isinstance(back.history[1], Nurtured)

    def test_reasons(self):
        """Coded; the host may bring its own; `other` needs a note; all problems at once."""
        own = Reason("merger", "they merged", "void")
        assert lead().disqualify(own, **later()).reason is own
        wrong = paths(lambda: lead().disqualify("no_nead", note=5, at=5))
        assert wrong == ["reason", "at", "note"]
        with pytest.raises(InvalidError, match=r"reason is unknown: 'no_nead' \(did you mean 'no_need'\?\)"):
            lead().disqualify("no_nead", **later())
        with pytest.raises(InvalidError, match="note must say more when the reason is 'other'"):
            lead().disqualify("other", **later())

    def test_changes_of_state_keep_their_order(self):
        """A late one is refused with the way out, a late engagement is not."""
        moved = lead().nurture(**later(5))
        late = {"at": AT + HOUR, "recorded_at": AT + 6 * HOUR}
        with pytest.raises(
            HistoryError, match=r"at of Reopened must not be before the last change of state.*record in"
        ):
            moved.reopen(**late)
        engaged = moved.engage(FORM, **late)
        assert engaged.reopen(**later(7)).status is LeadStatus.WORKING


def check_move(record, status, move, lifecycle):
    allowed = lifecycle.can(status, move)
    assert bool(getattr(record, f"can_{move}")()) is allowed
    if allowed:
        assert MOVES[move](record).status is lifecycle.target(status, move)
        return
    with pytest.raises(NotAllowedError) as caught:
        MOVES[move](record)
    assert all(caught.value.reasons)
    for word in [other for other in MOVES if other in str(caught.value.reasons) and other in dir(type(record))]:
        assert lifecycle.can(status, word)


class TestQualified:
    """A qualified lead is kept, linked, and read-only but for a few corrections."""

    DONE = lead().qualified(prospect_id="P-1", evidence=EVIDENCE, **later())

    def test_linked(self):
        """With what the decision rests on."""
        assert (self.DONE.prospect_id, self.DONE.evidence) == ("P-1", EVIDENCE)

    @pytest.mark.parametrize(
        "command",
        [
            lambda done: done.engage(FORM, **later(2)),
            lambda done: done.touch(Touch("call", at=AT), **later(2)),
            lambda done: done.discover(need="stated", **later(2)),
            lambda done: done.assign("bo", **later(2)),
            lambda done: done.correct(person=ADA, **later(2)),
            lambda done: done.correct(source="web", clear=["company"], **later(2)),
            lambda done: done.nurture(**later(2)),
        ],
    )
    def test_closed(self, command):
        """And it says where to go on."""
        with pytest.raises(NotAllowedError, match="it became prospect 'P-1'"):
            command(self.DONE)

    def test_what_may_still_be_put_right(self):
        """Where it came from, and the host's own labels."""
        right = self.DONE.correct(source="web", campaign="x", tags=["a"], fields={"b": 1}, **later(2))
        assert (right.source, right.tags) == ("web", {"a"})
        assert self.DONE.can_correct("source", "tags")
        assert not self.DONE.can_correct("source", "person")
        assert right.correct(clear=["source"], **later(3)).source is None

    def test_merged(self):
        """Another record goes on for it."""
        for record in (lead("merged"), prospect("merged")):
            with pytest.raises(NotAllowedError, match=r"another (lead|prospect) goes on for it"):
                record.engage(FORM, **later())
        with pytest.raises(NotAllowedError, match="its conversion was undone"):
            prospect("withdrawn").engage(FORM, **later())


class TestProspect:
    """It gathers discovery until a deal is opened, and may carry several over time."""

    def test_conversion(self):
        """Links what was made; discovery starts empty with a deal, and only then."""
        known = prospect("nurturing", revisit_on=date(2026, 6, 1)).discover(need="stated", **later())
        assert not known.is_converted
        half = known.converted(evidence=FOUND, account_id="A-1", contact_id="C-1", **later(2))
        assert (half.status, half.revisit_on, half.is_converted) == (ProspectStatus.ACTIVE, None, True)
        assert half.discovery == known.discovery
        one = half.converted(evidence=FOUND, opportunity_id="O-1", **later(3))
        assert (one.account_id, one.contact_id, one.opportunity_ids) == ("A-1", "C-1", ("O-1",))
        assert one.discovery == NOTHING_LEARNT
        two = one.converted(evidence=FOUND, opportunity_id="O-2", another="second site", **later(4))
        assert two.opportunity_ids == ("O-1", "O-2")

    def test_not_twice_the_same(self):
        """Nor for nothing; all problems at once."""
        one = prospect(opportunity_ids=["O-1"])
        assert paths(lambda: one.converted(evidence=None, opportunity_id="O-1", **later())) == [
            *("opportunity_id", "evidence")
        ]
        assert paths(lambda: one.converted(evidence=FOUND, **later())) == [""]

    @pytest.mark.parametrize(
        "step",
        [
            lambda **given: lead().qualified(prospect_id="P-9", **given),
            lambda **given: prospect().converted(account_id="A-1", **given),
        ],
    )
    def test_evidence_carries_the_step(self, step):
        """About this record and saying yes, or somebody answers for setting it aside; all problems at once."""
        no = Evidence(policy_id="icp", at=AT, verdict=Verdict.NOT_QUALIFIED, subject_id="X")
        assert paths(lambda: step(evidence=no, **later())) == ["evidence", "evidence"]
        assert paths(lambda: step(evidence=no, override="known", at=AT + HOUR)) == ["evidence", "by"]

    def test_an_override_is_somebody_s_word(self):
        """With actor and reason a no is set aside."""
        no = Evidence(policy_id="icp", at=AT, verdict=Verdict.NOT_QUALIFIED, subject_id="L-1")
        assert lead().qualified(prospect_id="P-9", evidence=no, override="known", **later()).evidence == no

    def test_disqualified_ones_are_not_converted(self):
        """Reopening comes first."""
        with pytest.raises(NotAllowedError, match="it is disqualified; reopen it first"):
            prospect("disqualified").converted(evidence=FOUND, account_id="A-1", **later())


class TestImported:
    """Records without history begin with an event that says so."""

    def test_reasons_by_code(self):
        """As in the command."""
        assert lead("disqualified", reason="no_need").reason is DISQUALIFICATION_REASONS["no_need"]
        assert prospect("disqualified", reason="spam").reason.code == "spam"
        assert lead("disqualified").reason is None

    def test_names_that_are_none(self):
        """Unknown attributes, missing times, wrong values: all at once, each by its name."""
        with pytest.raises(InvalidTypeError) as caught:
            Lead.imported("", status="bogus", reason="no_nead", ownr="bo", person=5)
        assert list(map(str, caught.value.problems)) == [
            "id must be 1 to 191 printable characters without white space around them, got ''",
            "reason is unknown: 'no_nead' (did you mean 'no_need'?)",
            "ownr is no attribute of LeadImported (did you mean 'owner'?)",
            "at must be given",
        ]
        assert paths(lambda: Lead.imported("L-1", status="bogus", ownr="bo", person=5, at=AT)) == [
            *("ownr", "person", "status")
        ]

    def test_when_it_came_into_being(self):
        """Before it was taken over."""
        old = lead(created_at=AT - 1000 * HOUR)
        assert (old.created_at, old.updated_at) == (AT - 1000 * HOUR, AT)
        assert lead().created_at == AT

    def test_consents_tighten(self):
        """What holds is one per channel and purpose."""
        said = [Consent("email", granted=True, at=AT - HOUR), Consent("email", granted=False, at=AT)]
        assert lead(consents=said).may_contact("email") is False


class TestCorrections:
    """Attributes are put right by naming them."""

    def test_values_and_blanks(self):
        """What is not mentioned stays."""
        known = lead(company=Company("Obi"), source="fair", estimated_value=Money(5, "EUR"), tags=["a"])
        right = known.correct(product_interest=["crm"], clear={"estimated_value", "tags"}, note="typo", **later())
        assert (right.company, right.source, right.estimated_value) == (known.company, "fair", None)
        assert (right.tags, right.product_interest[0].product) == (frozenset(), "crm")
        assert right.correct(clear=["person"], **later()).person is None

    @pytest.mark.parametrize(
        ("given", "wrong"),
        [
            ({}, [""]),
            ({"source": ""}, ["source"]),
            ({"person": "Ada", "tags": "x", "fields": {"": 1}}, ["person", "tags", "fields.name"]),
            ({"clear": "source"}, ["clear"]),
            ({"clear": 5}, ["clear"]),
            ({"clear": ["sorce"]}, ["clear"]),
            ({"clear": ["status", "id"]}, ["clear", "clear"]),
            ({"source": "web", "clear": ["source"]}, ["source"]),
            ({"source": "", "clear": ["sorce"], "note": None}, ["clear", "source", "note"]),
        ],
    )
    def test_mistakes(self, given, wrong):
        """All at once, and nothing is recorded."""
        before = lead()
        assert paths(lambda: before.correct(**given, **later())) == wrong
        assert before == lead()

    def test_hints(self):
        """The nearest name is offered."""
        with pytest.raises(InvalidError, match=r"clear must not name 'sorce' \(did you mean 'source'\?\)"):
            lead().correct(clear=["sorce"], **later())


class TestCommands:
    """What all of them share."""

    def test_discoveries(self):
        """Bare values, levels, ratings; the time of learning is that of the event."""
        told = prospect().discover(
            budget=Money(5, "EUR"), timeline=date(2026, 6, 1), ratings={"pain": "fair"}, **later()
        )
        assert told.discovery.budget == Learned("identified", value=Money(5, "EUR"), at=AT + HOUR)
        assert told.discovery.ratings["pain"].level == "fair"
        assert told.discover(budget="unknown", **later(2)).discovery.budget is None

    def test_mistaken_discoveries(self):
        """All problems with the time's; nothing mentioned is one too."""
        assert paths(lambda: prospect().discover(budget=5, timeline=AT, ratings=3, at=5)) == [
            *("at", "budget", "timeline.value", "ratings")
        ]
        assert paths(lambda: prospect().discover(**later())) == [""]

    def test_consents(self):
        """At least one; each with its place."""
        yes = Consent("email", granted=True, at=AT)
        ahead = Consent("email", granted=True, at=AT + 9 * HOUR)
        assert lead().record_consent(yes, Consent("phone", granted=False, at=AT), **later()).version == 3
        assert paths(lambda: lead().record_consent(**later())) == ["consents"]
        assert paths(lambda: lead().record_consent(yes, "email", ahead, **later())) == [
            *("consents[1]", "consents[2].at")
        ]

    def test_engagements_from_before(self):
        """What they did earlier is learnt now; what lies ahead is not."""
        old = Engagement("form", at=AT - 100 * HOUR, value=Money(5, "EUR"))
        told = lead().engage(old, **later())
        assert told.rfm(at=told.updated_at).monetary == Money(5, "EUR")
        assert told.rfm(at=AT).monetary is None  # nobody knew of it then
        assert told.rfm(at=AT - HOUR).frequency == 0  # nobody knew of the lead then
        assert paths(lambda: told.engage(Engagement("form", at=AT + 9 * HOUR), **later(2))) == ["engagement.at"]

    def test_owners(self):
        """Somebody or nobody."""
        owned = lead().assign("bo", **later())
        assert (owned.owner, owned.assign(None, **later()).owner) == ("bo", None)
        assert paths(lambda: owned.assign("", **later())) == ["owner"]
