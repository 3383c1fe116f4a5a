"""The worklist: rotting at the boundary, tracks from history alone, every reason, consents, stakes and the order."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import (
    Consent,
    Contact,
    Engagement,
    ExchangeRates,
    InvalidError,
    Lead,
    Milestone,
    Money,
    Opportunity,
    Origin,
    Person,
    Pipeline,
    Prospect,
    Rate,
    Stage,
    Touch,
)
from leadflow.qualification import Bant, Scorecard, fact, points
from leadflow.worklist import (
    BusinessHours,
    NextTouch,
    NurtureStep,
    NurtureTrack,
    ServiceLevel,
    TrackEnded,
    WorkCode,
    Worklist,
    WorkRules,
    is_rotting,
    last_activity,
    next_touch,
    rots_at,
    rotting,
    worklist,
)

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)

PIPELINE = Pipeline(
    "watched",
    stages=[
        Stage(code="talk", probability=0.2, rots_after=7 * DAY, review_every=10 * DAY),
        Stage(code="offer", probability=0.5),
        Stage(code="won", category="won"),
        Stage(code="lost", category="lost"),
    ],
)


def a_lead(id_: str = "L-1", **given: Any) -> Lead:
    """Return a lead that filled in a form on Monday and belongs to bo."""
    known: dict[str, Any] = {
        "person": Person("Ada Obi", email="ada@obi.example", phone="+49 30 1234"),
        "engagement": Engagement("form", at=MONDAY),
        "owner": "bo",
        "at": MONDAY,
    }
    return Lead.capture(id_, **{**known, **given})


def a_prospect(id_: str = "P-1", **given: Any) -> Prospect:
    """Return a prospect taken over on Monday that belongs to bo."""
    known: dict[str, Any] = {
        "person": Person("Ada Obi", email="ada@obi.example"),
        "owner": "bo",
        "at": MONDAY,
    }
    return Prospect.imported(id_, **{**known, **given})


def a_deal(id_: str = "O-1", amount: str = "1000 EUR", **given: Any) -> Opportunity:
    """Return a deal opened on Monday, owned by bo, without a next step."""
    known: dict[str, Any] = {
        "expected_close": date(2026, 6, 30),
        "origin": Origin.from_customer("A-1"),
        "account_id": "A-1",
        "pipeline": PIPELINE,
        "owner": "bo",
        "at": MONDAY,
    }
    return Opportunity.open(id_, "A deal", Money(*amount.split()), **{**known, **given})


def codes(found: Worklist) -> dict[str, list[str]]:
    """Return per record the codes of its reasons, in order of rank."""
    return {item.id: [reason.code.value for reason in item.reasons] for item in found.items}


def listed(*records: Any, at: datetime = MONDAY, **rules: Any) -> Worklist:
    return worklist(records, at=at, currency="EUR", rules=WorkRules(**rules))


class TestRotting:
    """One definition: the latest of stage entry, engagement and touch, plus the stage's threshold."""

    def test_at_the_boundary(self) -> None:
        """At exactly the threshold a deal is fresh; a microsecond later flag, filter and worklist all say it rots."""
        deal, limit = a_deal(), MONDAY + 7 * DAY
        later = limit + timedelta(microseconds=1)
        assert rots_at(deal) == limit
        assert [is_rotting(deal, at=limit), is_rotting(deal, at=later)] == [False, True]
        assert [rotting([deal], at=limit), rotting([deal], at=later)] == [(), (deal,)]
        assert "rotting" not in codes(listed(deal, at=limit))["O-1"]
        assert "rotting" in codes(listed(deal, at=later))["O-1"]

    def test_as_known_then(self) -> None:
        """A touch that came later does not make a deal fresh before; flag and filter say the same."""
        deal, then = a_deal().touch(Touch("call", at=MONDAY + 20 * DAY), at=MONDAY + 20 * DAY), MONDAY + 16 * DAY
        assert is_rotting(deal, at=then)
        assert len(rotting([deal], at=then)) == 1
        assert not is_rotting(deal, at=MONDAY - DAY)

    @given(entered=st.integers(0, 9), engaged=st.none() | st.integers(0, 9), touched=st.none() | st.integers(0, 9))
    def test_whatever_came_last_counts(self, entered: int, engaged: int | None, touched: int | None) -> None:
        """Stage entry, engagement and touch each start the clock anew, also when written down late."""
        deal, last = a_deal(stage="offer"), MONDAY + 10 * DAY
        deal = deal.move_to("talk", at=MONDAY + entered * DAY)
        if engaged is not None:
            deal = deal.engage(Engagement("call", at=MONDAY + engaged * DAY), at=last)
        if touched is not None:
            deal = deal.touch(Touch("call", at=MONDAY + touched * DAY), at=last)
        expected = MONDAY + max(entered, engaged or 0, touched or 0) * DAY
        assert last_activity(deal) == expected
        assert rots_at(deal) == expected + 7 * DAY

    def test_closed_deals_and_stages_without_a_threshold_never_rot(self) -> None:
        """A won deal, and one in a stage that sets no threshold, are fresh for ever."""
        far = MONDAY + 1_000 * DAY
        assert not is_rotting(a_deal().win(at=MONDAY), at=far)
        assert not is_rotting(a_deal(stage="offer"), at=far)
        assert rots_at(a_deal(stage="offer")) is None

    def test_the_filter_looks_at_what_was_known(self) -> None:
        """Asked about an earlier day, a deal that was touched since rots as it did then; the stalest comes first."""
        one, two = a_deal("O-1").touch(Touch("call", at=MONDAY + DAY), at=MONDAY + DAY), a_deal("O-2")
        assert rotting([one, two], at=MONDAY + 9 * DAY) == (two, one)
        since = one.touch(Touch("call", at=MONDAY + 20 * DAY), at=MONDAY + 20 * DAY)
        assert [deal.id for deal in rotting([since], at=MONDAY + 9 * DAY)] == ["O-1"]
        assert rotting([since], at=MONDAY - DAY) == ()

    def test_what_is_no_deal_is_refused(self) -> None:
        """Everything that is no opportunity is named with its place."""
        with pytest.raises(InvalidError, match=r"deals\[0\].*deals\[1\]"):
            rotting([a_lead(), "O-1"], at=MONDAY)  # type: ignore[list-item]
        with pytest.raises(InvalidError, match="several opportunities"):
            rotting("O-1", at=MONDAY)  # type: ignore[arg-type]
        with pytest.raises(InvalidError, match="an Opportunity"):
            rots_at(a_lead())  # type: ignore[arg-type]
        with pytest.raises(InvalidError, match="at must be timezone-aware"):
            is_rotting(a_deal(), at=datetime(2026, 3, 2))  # noqa: DTZ001 - that is what is wrong


TRACK = NurtureTrack(
    "warm",
    steps=[
        NurtureStep("story", "email", after=7 * DAY),
        NurtureStep("ring", "call", after=14 * DAY, words="ask how the budget goes"),
        NurtureStep("news", "email", after=30 * DAY),
    ],
)
YES = Consent("email", purpose="marketing", granted=True, at=MONDAY)
YES_CALL = Consent("phone", purpose="marketing", granted=True, at=MONDAY)


def aside(*consents: Consent, **nurture: Any) -> Lead:
    return a_lead(consents=consents or (YES, YES_CALL)).nurture(at=MONDAY + timedelta(hours=1), **nurture)


class TestTracks:
    """The next touch of a nurture track follows from history alone."""

    def test_steps_follow_each_other(self) -> None:
        """Each step is due its delay after the touch that did the one before; other kinds of touch do not count."""
        lead, start = aside(), MONDAY + timedelta(hours=1)
        assert next_touch(lead, TRACK, at=start) == NextTouch(TRACK.steps[0], start + 7 * DAY, 1)
        lead = lead.touch(Touch("letter", at=start + 8 * DAY), at=start + 8 * DAY)
        assert next_touch(lead, TRACK, at=start + 8 * DAY) == NextTouch(TRACK.steps[0], start + 7 * DAY, 1)
        lead = lead.touch(Touch("email", at=start + 9 * DAY), at=start + 9 * DAY)
        assert next_touch(lead, TRACK, at=start + 9 * DAY) == NextTouch(TRACK.steps[1], start + 23 * DAY, 2)

    def test_what_led_to_it_is_no_step(self) -> None:
        """A touch at the very instant they were put aside came before the track; as an engagement then is no return."""
        start = MONDAY + timedelta(hours=1)
        lead = a_lead(consents=(YES,)).touch(Touch("email", at=start), at=start)
        lead = lead.engage(Engagement("call", at=start), at=start).nurture(at=start)
        assert next_touch(lead, TRACK, at=start) == NextTouch(TRACK.steps[0], start + 7 * DAY, 1)

    def test_touches_count_in_their_own_order(self) -> None:
        """Touches written down late and out of order do the steps they would have done."""
        lead, start = aside(), MONDAY + timedelta(hours=1)
        lead = lead.touch(Touch("call", at=start + 20 * DAY), at=start + 21 * DAY)
        lead = lead.touch(Touch("email", at=start + 5 * DAY), at=start + 21 * DAY)
        assert next_touch(lead, TRACK, at=start + 21 * DAY) == NextTouch(TRACK.steps[2], start + 50 * DAY, 3)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda lead: lead.reopen(at=MONDAY + DAY), "not_nurtured"),
            (lambda lead: lead.engage(Engagement("call", at=MONDAY + DAY), at=MONDAY + DAY), "came_back"),
            (
                lambda lead: lead.record_consent(
                    Consent("email", purpose="marketing", granted=False, at=MONDAY + DAY), at=MONDAY + DAY
                ),
                "no_consent",
            ),
            (
                lambda lead: lead.reopen(at=MONDAY + DAY).nurture(revisit_on=date(2026, 3, 3), at=MONDAY + DAY),
                "revisit_due",
            ),
        ],
    )
    def test_what_ends_a_track(self, change: Any, reason: str) -> None:
        """They are taken up again, come back, refuse, or the day to look again comes."""
        found = next_touch(change(aside()), TRACK, at=MONDAY + 2 * DAY)
        assert isinstance(found, TrackEnded)
        assert found.reason == reason

    def test_a_page_view_ends_nothing(self) -> None:
        """What does not count as coming of one's own accord leaves the track as it is."""
        lead = aside().engage(Engagement("page_view", at=MONDAY + DAY), at=MONDAY + DAY)
        assert isinstance(next_touch(lead, TRACK, at=MONDAY + 2 * DAY), NextTouch)

    def test_it_is_over_when_every_step_is_done(self) -> None:
        """After the last step nothing is asked for."""
        lead = aside()
        for place, kind in enumerate(("email", "call", "email"), 1):
            lead = lead.touch(Touch(kind, at=MONDAY + place * DAY), at=MONDAY + place * DAY)
        assert next_touch(lead, TRACK, at=MONDAY + 99 * DAY) == TrackEnded("complete", MONDAY + 3 * DAY)

    def test_silence_is_no_consent_unless_the_host_says_so(self) -> None:
        """Without a yes nothing is sent; where the host needs none, only a no stops it."""
        lead, lax = aside(YES_CALL), NurtureTrack("lax", steps=TRACK.steps, needs_consent=False)
        assert next_touch(lead, TRACK, at=MONDAY + DAY) == TrackEnded("no_consent")
        assert isinstance(next_touch(lead, lax, at=MONDAY + DAY), NextTouch)

    def test_a_record_without_history_starts_when_it_was_taken_over(self) -> None:
        """Compacted, the track begins with what the one event says; a meeting needs no consent."""
        prospect = a_prospect(status="nurturing")
        track = NurtureTrack("meet", steps=[NurtureStep("lunch", "meeting", after=DAY)])
        assert next_touch(prospect, track, at=MONDAY) == NextTouch(track.steps[0], MONDAY + DAY, 1)

    def test_tracks_that_make_no_sense_are_refused(self) -> None:
        """Every wrong part is named: no step, a code twice, negative delays, unknown kinds, wrong types."""
        with pytest.raises(InvalidError, match="must be at least one"):
            NurtureTrack("empty", steps=[])
        with pytest.raises(InvalidError, match="must not repeat, got 'story' twice"):
            NurtureTrack("twice", steps=[TRACK.steps[0], TRACK.steps[0]])
        with pytest.raises(InvalidError, match="after must not be negative") as refused:
            NurtureStep("", "pigeon", after=-DAY)
        assert {problem.path for problem in refused.value.problems} == {"code", "kind", "after"}
        with pytest.raises(InvalidError, match=r"record must be a Lead.*track must be.*at must be.*hours must be"):
            next_touch(a_deal(), "warm", at="now", hours=8)  # type: ignore[arg-type]


class TestReasons:
    """Every reason, when it holds and when it does not."""

    LEVELS: ClassVar = {"lead": ServiceLevel(first=timedelta(hours=1), ongoing=timedelta(hours=8))}

    def test_a_first_answer_is_due_in_business_hours(self) -> None:
        """A form on Friday evening is due on Monday; at the deadline it is not overdue, a second later it is."""
        office = BusinessHours.on_weekdays(time(9), time(17), tz=ZoneInfo("Europe/Berlin"))
        friday = datetime(2026, 2, 27, 20, tzinfo=UTC)
        lead = a_lead(engagement=Engagement("form", at=friday), at=friday)
        due = datetime(2026, 3, 2, 9, tzinfo=UTC)  # ten o'clock in Berlin
        for at, late in ((due, False), (due + timedelta(seconds=1), True)):
            [item] = listed(lead, at=at, service_levels=self.LEVELS, hours=office).items
            [reason] = item.reasons
            assert (reason.code, reason.due, reason.is_overdue) == (WorkCode.FIRST_RESPONSE, due, late)

    def test_later_answers_have_their_own_time(self) -> None:
        """After our touch, the next thing they do that expects a reply waits for the ongoing level."""
        lead = a_lead().touch(Touch("call", at=MONDAY + DAY), at=MONDAY + DAY)
        assert codes(listed(lead, at=MONDAY + DAY)) == {}
        lead = lead.engage(Engagement("email", at=MONDAY + 2 * DAY), at=MONDAY + 2 * DAY)
        lead = lead.engage(Engagement("email", at=MONDAY + 3 * DAY), at=MONDAY + 3 * DAY)
        [item] = listed(lead, at=MONDAY + 3 * DAY, service_levels=self.LEVELS).items
        assert item.reasons[0].code is WorkCode.RESPONSE
        assert item.reasons[0].due == MONDAY + 2 * DAY + timedelta(hours=8)

    def test_what_expects_no_reply_waits_for_none(self) -> None:
        """A download makes a lead and asks for nothing; a level without a rule has no deadline."""
        assert codes(listed(a_lead(engagement=Engagement("download", at=MONDAY)))) == {}
        [item] = listed(a_lead(), at=MONDAY + 9 * DAY).items
        assert item.reasons[0].due is None
        assert not item.is_overdue

    def test_levels_are_the_hosts_labels(self) -> None:
        """A function says on which level a record is; the item carries it."""
        rules = {
            "level_of": lambda record: "MQL" if record.tags else "raw",
            "service_levels": {"MQL": self.LEVELS["lead"]},
        }
        found = listed(a_lead("L-1", tags=["hot"]), a_lead("L-2"), at=MONDAY + DAY, **rules)
        assert {item.id: (item.level, item.is_overdue) for item in found.items} == {
            "L-1": ("MQL", True),
            "L-2": ("raw", False),
        }

    def test_leads_come_by_score(self) -> None:
        """Scored leads are listed with their points, the best first; those ruled out are not."""
        card = Scorecard(groups={"fit": [points(10, when=fact("person.country").is_in("DE"))]}, threshold=5)
        calm = Engagement("download", at=MONDAY)
        german = a_lead("L-2", person=Person("Ada", email="a@b.example", country="DE"), engagement=calm)
        french = a_lead("L-1", person=Person("Bo", email="b@b.example", country="FR"), engagement=calm)
        unknown = a_lead("L-3", engagement=calm)
        found = listed(german, french, unknown, score_with=card)
        assert [(item.id, item.score) for item in found.items] == [("L-2", 10_000), ("L-3", 0)]
        assert found.items[1].reasons[0].words == "scores 0 to 10 (undecided)"

    def test_undecided_prospects_come_with_their_question(self) -> None:
        """The question is the policy's own; a decided prospect has none."""
        [item] = listed(a_prospect(), question_with=Bant()).items
        question = Bant().assess(a_prospect(), at=MONDAY).questions[0].text
        assert [reason.words for reason in item.reasons] == [f"ask: {question}"]
        done = a_prospect().discover(
            budget=Money("1", "EUR"), authority="decides", need="speed", timeline="agreed", at=MONDAY
        )
        assert codes(listed(done, question_with=Bant())) == {}

    def test_unattended_records(self) -> None:
        """Nobody owns it, no next step, no touch for longer than the rules allow: each is said."""
        deal = a_deal(owner=None, stage="offer")
        assert codes(listed(deal, at=MONDAY + 14 * DAY)) == {"O-1": ["no_owner", "no_next_step"]}
        assert codes(listed(deal, at=MONDAY + 15 * DAY)) == {"O-1": ["no_owner", "no_next_step", "no_touch"]}
        assert codes(listed(deal, at=MONDAY + 15 * DAY, untouched_after=None)) == {"O-1": ["no_owner", "no_next_step"]}
        touched = deal.touch(Touch("call", at=MONDAY + 14 * DAY), at=MONDAY + 14 * DAY)
        assert codes(listed(touched, at=MONDAY + 15 * DAY)) == {"O-1": ["no_owner", "no_next_step"]}

    def test_dates_of_deals(self) -> None:
        """Past due, missed milestones, next steps due and reviews due each come on their day and not before."""
        deal = a_deal(expected_close=date(2026, 3, 10)).add_milestone(
            Milestone("poc", "Proof", due=date(2026, 3, 8)), at=MONDAY
        )
        deal = deal.add_milestone(Milestone("legal", "Legal", due=date(2026, 4, 8)), at=MONDAY)
        deal = deal.set_next_step("call Ada", due=date(2026, 3, 5), at=MONDAY)
        deal = deal.touch(Touch("call", at=MONDAY + 7 * DAY), at=MONDAY + 7 * DAY)
        assert codes(listed(deal, at=MONDAY + 2 * DAY)) == {}
        assert codes(listed(deal, at=MONDAY + 3 * DAY)) == {"O-1": ["next_step"]}
        assert codes(listed(deal, at=MONDAY + 8 * DAY)) == {"O-1": ["milestone", "next_step"]}
        assert codes(listed(deal, at=MONDAY + 9 * DAY)) == {"O-1": ["milestone", "past_due", "next_step"]}
        assert codes(listed(deal, at=MONDAY + 10 * DAY)) == {"O-1": ["milestone", "past_due", "next_step", "review"]}
        looked = deal.review(at=MONDAY + 10 * DAY).complete_milestone("poc", at=MONDAY + 10 * DAY)
        assert codes(listed(looked, at=MONDAY + 10 * DAY)) == {"O-1": ["past_due", "next_step"]}

    def test_who_is_put_aside_comes_back_on_the_day(self) -> None:
        """A prospect to revisit, the due touch of a track, and somebody who came back while put aside are listed."""
        prospect = a_prospect().nurture(revisit_on=date(2026, 3, 9), at=MONDAY)
        assert codes(listed(prospect, at=MONDAY + 6 * DAY)) == {}
        assert codes(listed(prospect, at=MONDAY + 7 * DAY)) == {"P-1": ["revisit"]}
        lead = aside().touch(Touch("call", at=MONDAY + DAY), at=MONDAY + DAY)
        assert codes(listed(lead, at=MONDAY + 7 * DAY, track=TRACK)) == {}
        [item] = listed(lead, at=MONDAY + 9 * DAY, track=TRACK).items
        assert [reason.words for reason in item.reasons] == ["track 'warm', step 1 of 3: email 'story'"]
        back = lead.engage(Engagement("webinar", at=MONDAY + 2 * DAY), at=MONDAY + 2 * DAY)
        [item] = listed(back, at=MONDAY + 2 * DAY, track=lambda _: TRACK).items
        assert item.reasons[0].words == "came back on 2026-03-04 while put aside; reopen it"
        assert codes(listed(lead, at=MONDAY + 9 * DAY, track=lambda _: None)) == {}

    def test_closed_and_unknown_records_are_passed_over(self) -> None:
        """Won deals, disqualified leads, and what was not recorded by then have no reason."""
        gone = a_lead().disqualify("no_need", at=MONDAY)
        assert codes(listed(a_deal().win(at=MONDAY), gone, at=MONDAY + 99 * DAY)) == {}
        assert codes(listed(a_deal(), at=MONDAY - DAY)) == {}


class TestSamePeople:
    """A prospect and its deals are the same people: what is waited for is listed once."""

    ASKED, LATER = Engagement("demo_request", at=MONDAY), MONDAY + 30 * DAY

    def prospect(self, **given: Any) -> Prospect:
        return a_prospect(engagements=[self.ASKED], opportunity_ids=["O-1"], **given)

    def test_who_waits_in_a_deal_waits_there(self) -> None:
        """What was asked before the deal was opened is in the deal as well: it, and not the prospect, is listed."""
        deal = a_deal(stage="offer", engagements=[self.ASKED])
        assert codes(listed(self.prospect(), at=self.LATER))["P-1"] == ["first_response", "no_touch"]
        assert codes(listed(self.prospect(), deal, at=self.LATER)) == {
            "O-1": ["first_response", "no_next_step", "no_touch"]
        }

    def test_an_answer_in_the_deal_is_an_answer(self) -> None:
        """Whoever was called about the deal was called, also once it is lost; what they ask after that waits."""
        deal = a_deal(engagements=[self.ASKED]).touch(Touch("call", at=MONDAY + DAY), at=MONDAY + DAY)
        lost = deal.lose("price", at=MONDAY + 29 * DAY)
        assert codes(listed(self.prospect(), lost, at=self.LATER)) == {"P-1": ["no_touch"]}
        again = self.prospect().engage(Engagement("call", at=self.LATER), at=self.LATER)
        assert codes(listed(again, lost, at=self.LATER))["P-1"] == ["response", "no_touch"]
        assert codes(listed(again, deal, at=self.LATER))["P-1"] == ["response"]

    def test_an_answer_to_the_prospect_is_one_in_the_deal(self) -> None:
        """A call that was written down with the prospect counts for the deal."""
        touched = self.prospect().touch(Touch("call", at=self.LATER), at=self.LATER)
        deal = a_deal(stage="offer", engagements=[self.ASKED])
        assert codes(listed(touched, deal, at=self.LATER)) == {"O-1": ["no_next_step"]}


def test_late_is_late_by_the_instant_not_by_the_clock_on_the_wall() -> None:
    """Ten minutes before an answer is due in the second of two equal hours it is not overdue."""
    berlin = ZoneInfo("Europe/Berlin")
    hours = BusinessHours({"sunday": (time(0), time(0))}, berlin)
    start = datetime(2026, 10, 25, 1, 0, tzinfo=berlin)
    rules: dict[str, Any] = {
        "hours": hours,
        "service_levels": {"lead": ServiceLevel(first=timedelta(hours=2), ongoing=DAY)},
    }
    lead = a_lead(engagement=Engagement("form", at=start), at=start)
    due = datetime(2026, 10, 25, 2, 0, tzinfo=berlin, fold=1)
    for minutes, overdue in ((-10, False), (0, False), (10, True)):
        at = (due.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(berlin)
        assert listed(lead, at=at, **rules).items[0].reasons[0].is_overdue is overdue


class TestConsents:
    """Reaching out obeys what they said."""

    NO = tuple(Consent(channel, granted=False, at=MONDAY) for channel in ("email", "phone", "message"))

    def test_refused_channels_are_not_offered(self) -> None:
        """The ways to reach somebody are those with an address and without a refusal."""
        [item] = listed(a_lead(consents=self.NO[:1])).items
        assert item.channels == ("phone", "message")

    def test_where_every_way_is_refused_nothing_is_asked(self) -> None:
        """The reasons that mean reaching out are withheld and said to be; work of our own stays."""
        found = listed(a_lead(consents=self.NO, owner=None))
        assert codes(found) == {"L-1": ["no_owner"]}
        assert len(found.withheld) == 1
        assert "every way to reach them for sales is refused" in str(found)

    def test_a_contact_speaks_for_a_deal(self) -> None:
        """What a deal's primary contact refused binds the deal when the contact is among the records."""
        contact = Contact.add("C-1", Person("Ada", email="a@b.example"), consents=self.NO[:1], at=MONDAY)
        deal = a_deal(stage="offer").add_role("C-1", at=MONDAY).set_next_step("wait", at=MONDAY)
        assert codes(listed(deal, at=MONDAY + 15 * DAY)) == {"O-1": ["no_touch"]}
        assert codes(listed(deal, contact, at=MONDAY + 15 * DAY)) == {}

    def test_a_withheld_nurture_touch_is_said(self) -> None:
        """A touch without the consent it needs is withheld, not made."""
        found = listed(
            aside(YES_CALL).touch(Touch("call", at=MONDAY + DAY), at=MONDAY + DAY), at=MONDAY + 9 * DAY, track=TRACK
        )
        assert codes(found) == {}
        assert [each.words for each in found.withheld] == ["next nurture touch: no consent to its channel and purpose"]

    def test_a_touch_they_agreed_to_is_made(self) -> None:
        """Who refused to be sold to, but asked for news, gets the news: the track has consents of its own."""
        sales = [Consent(channel, granted=False, at=MONDAY) for channel in ("email", "phone", "message", "social")]
        found = listed(aside(YES, *sales), at=MONDAY + 9 * DAY, track=TRACK)
        assert codes(found) == {"L-1": ["nurture"]}


class TestStakes:
    """Records are ranked by what is at stake, and what has no price is listed."""

    def test_stakes_are_expected_revenue(self) -> None:
        """A deal's amount times its chance; a lead's estimate times the chance given; the rest as the rules say."""
        records = (
            a_deal("O-1", "1000 EUR"),
            a_lead("L-1", estimated_value=Money("5000", "EUR")),
            a_prospect("P-1", owner=None),
            a_deal("O-2", "900 USD", expected_close=date(2026, 1, 1)),
        )
        rates = ExchangeRates(
            [Rate("USD", "EUR", "0.5", date(2025, 12, 31)), Rate("USD", "EUR", "0.9", date(2026, 2, 1))]
        )
        rules = WorkRules(chance={"lead": 0.1}, typical={"prospect": Money("70", "EUR")})
        found = worklist(records, at=MONDAY, currency="EUR", rules=rules, rates=rates)
        assert [(item.id, str(item.stake)) for item in found.items] == [
            ("L-1", "500.00 EUR"),
            ("O-1", "200.00 EUR"),
            ("O-2", "90.00 EUR"),
            ("P-1", "70.00 EUR"),
        ]

    def test_what_has_no_price_is_last_and_listed(self) -> None:
        """An unknown value, and a currency without a rate, are neither nothing nor left out."""
        found = listed(a_lead("L-1"), a_deal("O-1", "1 EUR"), a_deal("O-2", "1000 USD"))
        assert [item.id for item in found.items] == ["O-1", "L-1", "O-2"]
        assert [(each.id, each.reason.value) for each in found.unpriced] == [("L-1", "unpriced"), ("O-2", "no_rate")]

    @given(st.permutations(range(6)))
    def test_the_order_is_the_same_whatever_the_input(self, order: list[int]) -> None:
        """Records given in any order come in one order."""
        records = [
            a_lead("L-1"),
            a_lead("L-2"),
            a_deal("O-1"),
            a_deal("O-2"),
            a_prospect("P-1", owner=None),
            a_deal("O-3", "7 EUR"),
        ]
        assert listed(*(records[place] for place in order)).items == listed(*records).items

    def test_parts_and_counts(self) -> None:
        """A list is cut by owner and by reason, and counts its reasons."""
        found = listed(a_lead("L-1", owner="cy"), a_deal("O-1"), a_deal("O-2", owner=None))
        assert [item.id for item in found.of("bo").items] == ["O-1"]
        assert [item.id for item in found.of(None).items] == ["O-2"]
        assert [item.id for item in found.because("first_response", WorkCode.NO_OWNER).items] == ["O-2", "L-1"]
        assert found.counts == {WorkCode.FIRST_RESPONSE: 1, WorkCode.NO_OWNER: 1, WorkCode.NO_NEXT_STEP: 2}
        assert len(found) == 3
        assert [row["rank"] for row in found.to_rows()] == [1, 1, 2, 3]

    def test_what_people_read_is_escaped(self) -> None:
        """Texts are shown verbatim in print, and escaped in a notebook."""
        deal = a_deal().set_next_step("<b>call</b>", due=date(2026, 3, 1), at=MONDAY)
        assert "<b>call</b>" in str(listed(deal))
        assert "&lt;b&gt;call" in listed(deal)._repr_html_()
        assert str(listed()) == "nothing to do as of 2026-03-02"


class TestBadInput:
    """Every public function names all that is wrong."""

    def test_because(self) -> None:
        """A reason that there is not is refused, with a suggestion; so is every other wrong one."""
        with pytest.raises(InvalidError, match=r"codes\[0\].*roting.*rotting.*codes\[2\]"):
            listed(a_deal()).because("roting", "review", 3)  # type: ignore[arg-type]

    def test_an_unknown_kind_is_named_once(self) -> None:
        """With a suggestion, or the kinds that there are; not with both."""
        with pytest.raises(InvalidError) as refused:
            WorkRules(chance={"suspect": 0.1})
        assert str(refused.value).count("prospect") == 1
        assert "known:" not in str(refused.value).replace("(known:", "")

    def test_records(self) -> None:
        """What is no record, a record twice, and strange arguments are named at once."""
        with pytest.raises(InvalidError, match=r"records\[1\].*at must be.*currency.*rules must be.*rates must be"):
            worklist([a_lead(), "L-2"], at="now", currency="euro", rules=1, rates=2)  # type: ignore[arg-type, list-item]
        with pytest.raises(InvalidError, match="must not repeat, got 'L-1' twice"):
            listed(a_lead(), a_lead())
        with pytest.raises(InvalidError, match="several records"):
            worklist("L-1", at=MONDAY, currency="EUR")  # type: ignore[arg-type]

    def test_rules(self) -> None:
        """Every part of the rules that cannot do its work is named."""
        with pytest.raises(InvalidError) as refused:
            WorkRules(
                service_levels={"lead": timedelta(1)},  # type: ignore[dict-item]
                level_of="kind",  # type: ignore[arg-type]
                hours=8,  # type: ignore[arg-type]
                untouched_after=timedelta(0),
                score_with="fit",  # type: ignore[arg-type]
                question_with=3,  # type: ignore[arg-type]
                track="warm",  # type: ignore[arg-type]
                chance={"lead": 2, "suspect": 0.1},
                typical=7,  # type: ignore[arg-type]
                purpose="",
            )
        assert {problem.path for problem in refused.value.problems} == {
            "service_levels['lead']",
            "level_of",
            "hours",
            "untouched_after",
            "score_with",
            "question_with",
            "track",
            "chance",
            "chance['lead']",
            "typical",
            "purpose",
        }
        with pytest.raises(InvalidError, match="first must be longer than nothing"):
            ServiceLevel(first=timedelta(0), ongoing=timedelta(1))

    def test_functions_of_the_host(self) -> None:
        """A track function or a policy that returns what it must not is named."""
        with pytest.raises(InvalidError, match="a NurtureTrack or None"):
            listed(aside(), at=MONDAY + DAY, track=lambda _: "warm")
        policy = type("Odd", (), {"assess": lambda self, subject, *, at: "yes"})()
        with pytest.raises(InvalidError, match="score_with must be a policy whose assess"):
            listed(a_lead(), score_with=policy)
