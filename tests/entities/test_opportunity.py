"""Opportunities: state by category, chances and calls, closing and reopening, requirements, pipelines."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import (
    LOSS_REASONS,
    ContactRole,
    CountsAs,
    HistoryError,
    InvalidError,
    InvalidTypeError,
    Money,
    NotAllowedError,
    Opportunity,
    OpportunityType,
    Origin,
    Pipeline,
    Reason,
    Recurring,
    Stage,
    UnknownStageError,
    pipelines,
)
from leadflow.dealparts import BuyingRole
from leadflow.events import (
    AmountSet,
    Corrected,
    OpportunityLost,
    OpportunityReopened,
    OpportunityWon,
    ProbabilitySource,
    RoleAdded,
    RoleRemoved,
    StageChanged,
)
from leadflow.stage import ForecastCategory, Requirement

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
JUNE = date(2026, 6, 30)
TEN = Money("10", "EUR")
SPRING = Origin.from_campaign("spring")
# Two won and two lost stages, an open one at 100 %, and every requirement.
TRADE = Pipeline(
    "trade",
    [
        Stage(code="quoted", probability=0.3, forecast_category="pipeline"),
        Stage(code="ordered", probability=1.0, forecast_category="commit"),
        Stage(code="checked", probability=0.9, requires=set(Requirement)),
        Stage(code="signed", category="won", requires={"amount"}),
        Stage(code="paid", category="won"),
        Stage(code="gone", category="lost"),
        Stage(code="buried", category="lost"),
    ],
    moves=[
        *(
            pair
            for pair in product(("quoted", "ordered", "checked"), ("quoted", "ordered", "checked", "signed", "gone"))
            if pair[0] != pair[1]
        ),
        ("signed", "paid"),
        ("gone", "buried"),
    ],
)


def later(hours=1, by="ada"):
    return {"at": AT + timedelta(hours=hours), "by": by}


def deal(pipeline=pipelines.SIMPLE, **given):
    given = {"expected_close": JUNE, "origin": SPRING, "at": AT, "by": "ada"} | given
    return Opportunity.open("O-1", "Rollout", given.pop("amount", TEN), pipeline=pipeline, **given)


def imported(stage="quoted", pipeline=TRADE, **given):
    return Opportunity.imported(
        "O-1", "Rollout", stage=stage, pipeline=pipeline, **{"origin": SPRING, "at": AT} | given
    )


def paths(make):
    with pytest.raises(InvalidError) as caught:
        make()
    return [problem.path for problem in caught.value.problems]


class TestOpen:
    """A new deal has name, amount, date, origin and a place in a pipeline."""

    def test_defaults(self):
        """The pipeline's entry stage, with its chance and category."""
        new = deal()
        assert (new.stage.code, new.stage_entered_at, new.probability) == ("qualified", AT, 0.2)
        assert (new.probability_source, new.probability_by) == (ProbabilitySource.STAGE, None)
        assert (new.type, new.forecast_category) == (OpportunityType.NEW, ForecastCategory.PIPELINE)
        assert new.is_open
        assert [new.is_won, new.is_lost] == [False, False]

    def test_a_chance_of_ones_own(self):
        """Is marked with its author."""
        new = deal(probability=1, stage="proposal")
        assert (new.probability, new.probability_source, new.probability_by) == (1.0, ProbabilitySource.MANUAL, "ada")
        assert isinstance(new.probability, float)

    def test_what_recurs(self):
        """Is worth the contract's whole value, or a year's where the term is open."""
        monthly = Recurring(TEN, 1, 24)
        assert (deal(amount=monthly).amount, deal(amount=monthly).recurring) == (Money(240, "EUR"), monthly)
        assert deal(amount=Recurring(TEN, 3)).amount == Money(40, "EUR")
        changed = deal().set_amount(monthly, **later())
        assert changed.recurring == monthly
        assert changed.set_amount(TEN, **later(2)).recurring is None

    def test_all_problems_at_once(self):
        """Whatever is wrong, by its name; an unknown stage or attribute with the nearest."""
        with pytest.raises(InvalidTypeError) as caught:
            Opportunity.open(
                "",
                "",
                5.0,
                expected_close=AT,
                origin="spring",
                pipeline=pipelines.SIMPLE,
                stage="propsal",
                type="old",
                probability=1.5,
                ownr="bo",
                needs="late",
                contact_roles=[ContactRole("C-1")],
                tags=5,
                at=5,
            )
        assert [problem.path for problem in caught.value.problems] == [
            *("id", "stage", "amount", "expected_close", "ownr", "at", "name", "origin", "type", "probability"),
            *("needs", "contact_roles", "tags"),
        ]
        assert "stage is unknown: 'propsal' (did you mean 'proposal'?)" in str(caught.value)
        assert paths(lambda: deal(expected_close=None)) == ["expected_close"]
        assert paths(lambda: deal(amount=None)) == ["amount"]
        assert paths(lambda: deal(pipeline="simple")) == ["pipeline"]
        assert paths(lambda: deal(stage="won")) == ["stage"]
        assert paths(lambda: deal(stage=5)) == ["stage"]
        missing = paths(lambda: Opportunity.open("O-1", "x", TEN, expected_close=JUNE, origin=SPRING, pipeline=TRADE))
        assert missing == ["at"]

    @pytest.mark.parametrize("chance", [-0.1, 1.1, float("nan"), float("inf"), True, "0.5"])
    def test_chances(self, chance):
        """In [0, 1], and a number."""
        assert paths(lambda: deal(probability=chance)) == ["probability"]
        assert paths(lambda: deal().set_probability(chance, **later())) == ["probability"]


class TestImported:
    """A deal without history: account, amount and dates may be unknown, what it is may not."""

    def test_the_least(self):
        """Name, origin, pipeline, stage."""
        known = imported("ordered")
        assert (known.amount, known.expected_close, known.account_id, known.stage_entered_at) == (None,) * 4
        assert (known.probability, known.is_open) == (1.0, True)

    def test_closed_ones(self):
        """Need the time; lost ones may not know why."""
        won = imported("paid", closed_at=AT - timedelta(days=9))
        assert (won.is_won, won.probability, won.forecast_category) == (True, 1.0, ForecastCategory.CLOSED)
        lost = imported("gone", closed_at=AT, reason="price")
        assert (lost.is_lost, lost.reason, lost.probability) == (True, LOSS_REASONS["price"], 0.0)
        assert imported("gone", closed_at=AT).reason is None
        assert paths(lambda: imported("gone", reason="pric")) == ["reason", "closed_at"]
        assert paths(lambda: imported("paid", closed_at=AT, reason="price", probability=0.5)) == [
            "probability",
            "reason",
        ]
        assert paths(lambda: imported("quoted", closed_at=AT)) == ["closed_at"]
        assert paths(lambda: imported("quotd", last_open_stage="x")) == ["stage", "last_open_stage"]

    def test_reopening_leads_back(self):
        """To the stage that the import names, else to the pipeline's entry."""
        back = imported("gone", closed_at=AT, last_open_stage="ordered").reopen(**later())
        assert back.stage.code == "ordered"
        assert imported("gone", closed_at=AT).reopen(**later()).stage.code == "quoted"


class TestState:
    """Open, won and lost follow from the stage's category, never from a chance."""

    def test_one_hundred_percent_is_not_won(self):
        """Signed in all but name is open."""
        sure = deal(TRADE).move_to("ordered", **later())
        assert (sure.probability, sure.is_open, sure.closed_at) == (1.0, True, None)
        nothing = deal().set_probability(0, **later())
        assert nothing.is_open

    @pytest.mark.parametrize("stage", TRADE.stages, ids=lambda stage: stage.code)
    def test_exactly_one(self, stage):
        """Or none, once withdrawn."""
        known = imported(stage.code, closed_at=None if stage.is_open else AT)
        assert [known.is_open, known.is_won, known.is_lost] == [stage.is_open, stage.is_won, stage.is_lost]
        gone = known.withdraw(**later())
        assert not any([gone.is_open, gone.is_won, gone.is_lost])
        assert gone.stage == stage
        assert "(withdrawn)" in repr(gone)

    def test_withdrawn_is_closed_to_all(self):
        """Every question says so."""
        gone = deal().withdraw(note="by mistake", **later())
        answers = [gone.can_change(), gone.can_move_to("proposal"), gone.can_win(), gone.can_lose(), gone.can_call()]
        answers += [gone.can_reopen(), gone.can_withdraw(), gone.can_adopt(TRADE), gone.can_remove_role("C-1")]
        assert not any(answers)
        assert all(answer.reasons[0] == "its conversion was undone" for answer in answers)


class TestMoves:
    """One event per move; its kind follows from the two categories."""

    @pytest.mark.parametrize(("source", "target"), list(product(TRADE.stages, TRADE.stages)))
    def test_as_the_pipeline_says(self, source, target):
        """Every pair of stages, with everything that any stage requires."""
        here = imported(
            source.code,
            closed_at=None if source.is_open else AT,
            amount=TEN,
            expected_close=JUNE,
            contact_roles=[ContactRole("C-1", "decision_maker", primary=True)],
            next_step=None,
        ).set_next_step("call", **later())
        allowed = TRADE.can_move(source.code, target.code)
        assert bool(here.can_move_to(target.code)) is allowed
        losing = source.is_open and target.is_lost
        move = lambda: here.move_to(target.code, reason="price" if losing else None, **later(2))  # noqa: E731
        if not allowed:
            with pytest.raises(NotAllowedError, match="allowed from here: "):
                move()
            return
        moved = move()
        kind = StageChanged
        if source.is_open and not target.is_open:
            kind = OpportunityWon if target.is_won else OpportunityLost
        assert type(moved.history[-1]) is kind
        assert (moved.stage, moved.stage_entered_at) == (target, AT + timedelta(hours=2))
        assert moved.probability == target.probability
        # Closing has one time; it is kept among stages of the same category.
        assert moved.closed_at == (None if target.is_open else AT if not source.is_open else AT + timedelta(hours=2))

    def test_unknown_stages(self):
        """Are errors of their own, with the nearest."""
        with pytest.raises(UnknownStageError, match="did you mean 'proposal'"):
            deal().move_to("propsal", **later())
        assert not deal().can_move_to("propsal")
        assert not deal().can_move_to(["proposal"])
        for command in ("win", "lose"):
            with pytest.raises(UnknownStageError):
                getattr(deal(), command)(*["price"] * (command == "lose"), stage="wonn", **later())

    def test_back_and_not_back(self):
        """Where the pipeline allows it."""
        there = deal(stage="negotiation").move_to("qualified", **later())
        assert there.stage.code == "qualified"
        strict = Pipeline("strict", pipelines.SIMPLE.stages, allow_back=False)
        with pytest.raises(NotAllowedError):
            deal(strict, stage="negotiation").move_to("qualified", **later())

    def test_reasons_are_for_losing(self):
        """Elsewhere they are a mistake."""
        assert paths(lambda: deal().move_to("proposal", reason="price", note=5, **later())) == ["reason", "note"]
        assert paths(lambda: deal().move_to("won", reason="price", **later())) == ["reason"]
        assert paths(lambda: deal().move_to("lost", **later())) == ["reason"]
        lost = deal(TRADE).lose("price", **later())
        assert paths(lambda: lost.move_to("buried", reason="timing", **later(2))) == ["reason"]
        assert lost.move_to("buried", **later(2)).reason == lost.reason


class TestRequirements:
    """A stage may require something before a deal enters."""

    @pytest.mark.parametrize("need", Requirement)
    def test_each(self, need):
        """Refused without, with the way to get it; allowed with."""
        single = Pipeline(
            "single",
            [
                Stage(code="start", probability=0.1),
                Stage(code="ready", probability=0.5, requires={need}),
                Stage(code="won", category="won"),
                Stage(code="lost", category="lost"),
            ],
        )
        bare = imported("start", single)
        with pytest.raises(NotAllowedError, match=f"stage 'ready' requires {need}"):
            bare.move_to("ready", **later())
        given_it = {
            Requirement.AMOUNT: lambda: bare.set_amount(TEN, **later()),
            Requirement.EXPECTED_CLOSE: lambda: bare.set_expected_close(JUNE, **later()),
            Requirement.NEXT_STEP: lambda: bare.set_next_step("call", **later()),
            Requirement.DECISION_MAKER: lambda: bare.add_role("C-1", "economic_buyer", **later()),
            Requirement.PRIMARY_CONTACT: lambda: bare.add_role("C-1", **later()),
        }[need]()
        assert given_it.move_to("ready", **later(2)).stage.code == "ready"

    def test_all_that_is_lacking(self):
        """Is named at once."""
        reasons = imported().can_move_to("checked").reasons
        assert all(need in reasons[0] for need in Requirement)

    def test_winning_can_reveal_the_amount(self):
        """Then it counts."""
        unknown = imported()
        assert not unknown.can_win()
        assert unknown.can_win(TEN)
        assert unknown.win(TEN, **later()).amount == TEN


class TestClosing:
    """Won is 100 %, lost is 0 %; reasons are coded."""

    def test_winning(self):
        """At once, or with the amount in a first event."""
        won = deal(probability=0.35).win(**later())
        assert (won.is_won, won.probability, won.probability_source) == (True, 1.0, ProbabilitySource.STAGE)
        assert won.closed_at == AT + timedelta(hours=1)
        dearer = deal().win(Money("12", "EUR"), note="with training", **later())
        assert [type(event) for event in dearer.history[1:]] == [AmountSet, OpportunityWon]
        assert (dearer.amount, dearer.version) == (Money("12", "EUR"), 3)
        assert paths(lambda: deal().win(12.0, **later())) == ["amount"]

    def test_losing(self):
        """For a code, or the host's own reason; `other` needs a note."""
        lost = deal().lose("price", **later())
        assert (lost.is_lost, lost.probability, lost.reason.counts_as) == (True, 0.0, CountsAs.LOSS)
        assert deal().lose("duplicate", **later()).reason.counts_as is CountsAs.VOID
        assert deal().lose(Reason("merger", "they merged"), **later()).reason.code == "merger"
        assert paths(lambda: deal().lose("pric", note=5, **later())) == ["reason", "note"]
        assert paths(lambda: deal().lose(None, **later())) == ["reason"]
        assert paths(lambda: deal().lose("other", note=" ", **later())) == ["note"]
        assert deal().lose("other", note="they moved", **later()).history[-1].note == "they moved"

    def test_not_twice(self):
        """Another won or lost stage is a move; the other outcome needs reopening."""
        won = deal(TRADE).win(**later())
        with pytest.raises(NotAllowedError, match=r"it is won since .*; use move_to for another won stage"):
            won.win(stage="paid", **later(2))
        assert won.move_to("paid", **later(2)).closed_at == won.closed_at
        with pytest.raises(NotAllowedError, match="reopen"):
            won.lose("price", **later(2))
        lost = deal(TRADE).lose("price", **later())
        assert not lost.can_lose(stage="buried")
        assert lost.move_to("buried", **later(2)).closed_at == lost.closed_at

    def test_only_into_their_own_stages(self):
        """Winning into an open or lost stage makes no sense."""
        with pytest.raises(NotAllowedError, match="stage 'proposal' is no won stage"):
            deal().win(stage="proposal", **later())
        with pytest.raises(NotAllowedError, match="stage 'won' is no lost stage"):
            deal().lose("price", stage="won", **later())

    def test_reopening(self):
        """Back to the last open stage; what was said on closing is history, the expected date stays."""
        negotiated = deal(stage="negotiation")
        for closed in (negotiated.lose("price", **later()), negotiated.win(**later())):
            back = closed.reopen(note="they called", **later(2))
            assert (back.stage.code, back.closed_at, back.reason) == ("negotiation", None, None)
            assert (back.expected_close, back.probability) == (JUNE, 0.7)
            assert closed == back.as_of(AT + timedelta(hours=1))
            assert isinstance(back.history[-1], OpportunityReopened)
            assert back.is_open
        with pytest.raises(NotAllowedError, match="it is open; allowed from here: "):
            negotiated.reopen(**later())

    def test_final_figures_come_late(self):
        """The amount may change after closing, the forecast may not."""
        won = deal().win(**later())
        assert won.set_amount(Money(9, "EUR"), **later(2)).amount == Money(9, "EUR")
        for command in (
            lambda: won.set_probability(0.5, **later(2)),
            lambda: won.set_expected_close(JUNE, **later(2)),
            lambda: won.call("commit", **later(2)),
        ):
            with pytest.raises(NotAllowedError, match="it is won; reopen it first"):
                command()


class TestForecast:
    """A person's call beats the stage's category until the stage changes, or is pinned."""

    def test_a_call(self):
        """Holds in its stage, with its author and time."""
        called = deal().call("commit", **later())
        assert called.forecast_category is ForecastCategory.COMMIT
        assert (called.forecast_call.by, called.forecast_call.at) == ("ada", AT + timedelta(hours=1))
        moved = called.move_to("negotiation", **later(2))
        assert (moved.forecast_call, moved.forecast_category) == (None, ForecastCategory.BEST_CASE)
        assert called.call(None, **later(2)).forecast_category is ForecastCategory.PIPELINE

    def test_a_pinned_call(self):
        """Outlasts moves; while closed, closed is closed."""
        pinned = deal().call(ForecastCategory.OMITTED, pinned=True, **later()).move_to("negotiation", **later(2))
        assert pinned.forecast_category is ForecastCategory.OMITTED
        won = pinned.win(**later(3))
        assert won.forecast_category is ForecastCategory.CLOSED
        assert won.reopen(**later(4)).forecast_category is ForecastCategory.OMITTED

    def test_what_is_no_call(self):
        """Only winning closes a deal."""
        with pytest.raises(InvalidError, match="must be the category of an open deal, got 'closed'; win it instead"):
            deal().call("closed", **later())
        assert paths(lambda: deal().call("comit", pinned=1, **later())) == ["category", "pinned"]

    def test_a_chance_by_hand(self):
        """Lasts until the stage changes, or is taken back."""
        judged = deal().set_probability(0.35, **later(by="bo"))
        assert (judged.probability, judged.probability_source, judged.probability_by) == (
            0.35,
            ProbabilitySource.MANUAL,
            "bo",
        )
        assert judged.move_to("proposal", **later(2)).probability == 0.4
        back = judged.set_probability(None, **later(2))
        assert (back.probability, back.probability_source, back.probability_by) == (0.2, ProbabilitySource.STAGE, None)


class TestAdopt:
    """A deal may go on under another pipeline that knows its stage."""

    TWO = Pipeline(
        "simple",
        [
            Stage(code="qualified", probability=0.25),
            Stage(code="won", category="won"),
            Stage(code="proposal", category="lost"),
        ],
        version=2,
    )

    def test_the_chance_goes_with_the_stage(self):
        """Unless it is somebody's own."""
        assert deal().adopt(self.TWO, **later()).probability == 0.25
        own = deal(probability=0.6).call("commit", **later()).adopt(self.TWO, **later())
        assert (own.probability, own.forecast_category) == (0.6, ForecastCategory.COMMIT)
        assert own.pipeline == self.TWO
        assert own.stage == self.TWO.stage("qualified")

    def test_refused(self):
        """While the stage is not there, or means something else; and for what is no pipeline."""
        with pytest.raises(NotAllowedError, match="pipeline 'trade' has no stage 'qualified'"):
            deal().adopt(TRADE, **later())
        with pytest.raises(
            NotAllowedError, match=r"no stage 'negotiation'; move to a stage that both have first: qual"
        ):
            deal(stage="negotiation").adopt(self.TWO, **later())
        with pytest.raises(NotAllowedError, match="stage 'proposal' is lost there, the deal is open"):
            deal(stage="proposal").adopt(self.TWO, **later())
        assert paths(lambda: deal().adopt("trade", **later())) == ["pipeline"]
        assert paths(lambda: deal().can_adopt("trade")) == ["pipeline"]

    def test_reopening_where_the_last_stage_is_gone(self):
        """Leads to the entry stage."""
        won = deal(stage="negotiation").win(**later()).adopt(self.TWO, **later(2))
        assert won.reopen(**later(3)).stage == self.TWO.stage("qualified")


ROLE_COMMANDS = st.lists(
    st.tuples(st.sampled_from(["add", "remove"]), st.sampled_from(["C-1", "C-2", "C-3"]), st.booleans()), max_size=12
)


class TestRoles:
    """Exactly one contact is primary where there are any, whatever is done."""

    @given(ROLE_COMMANDS)
    def test_by_commands(self, commands):
        """A new primary takes over; the primary one among several cannot leave."""
        record = deal()
        for command, contact, primary in commands:
            if command == "add":
                record = record.add_role(contact, "champion", primary=primary, **later())
                assert not primary or record.primary_contact_id == contact
            elif record.can_remove_role(contact):
                record = record.remove_role(contact, **later())
            else:
                with pytest.raises(NotAllowedError):
                    record.remove_role(contact, **later())
            assert_settled(record)

    @given(ROLE_COMMANDS)
    def test_by_any_history(self, commands):
        """Also where no command wrote it."""
        made = [
            RoleAdded(role=ContactRole(contact, primary=primary), **later())
            if command == "add"
            else RoleRemoved(contact_id=contact, **later())
            for command, contact, primary in commands
        ]
        assert_settled(Opportunity("O-1", (*deal().history, *made)))

    def test_another_part(self):
        """The contact keeps its place and, being the only primary one, stays so."""
        both = deal().add_role("C-1", **later()).add_role("C-2", "legal", **later())
        changed = both.add_role("C-1", "blocker", **later())
        assert changed.contact_roles == (ContactRole("C-1", "blocker", primary=True), ContactRole("C-2", "legal"))
        assert both.add_role("C-2", primary=True, **later()).primary_contact_id == "C-2"
        assert deal().primary_contact_id is None

    def test_mistakes(self):
        """Unknown roles and contacts."""
        assert paths(lambda: deal().add_role("", "boss", primary=1, **later())) == ["contact_id", "role"]
        with pytest.raises(NotAllowedError, match="contact 'C-9' takes no part"):
            deal().remove_role("C-9", **later())
        both = deal().add_role("C-1", **later()).add_role("C-2", **later())
        with pytest.raises(NotAllowedError, match="is the primary one; add_role another as primary first"):
            both.remove_role("C-1", **later())
        assert BuyingRole.OTHER is both.contact_roles[0].role


def assert_settled(record):
    primary = [role for role in record.contact_roles if role.primary]
    assert len(primary) == bool(record.contact_roles)
    assert record.primary_contact_id == (primary[0].contact_id if primary else None)


class TestCraftedHistories:
    """A history that no command could have written is refused where it goes wrong."""

    @pytest.mark.parametrize(
        "event",
        [
            StageChanged(stage=pipelines.SIMPLE.stage("won"), **later()),
            StageChanged(stage=pipelines.SIMPLE.stage("lost"), **later()),
            Corrected(cleared={"name"}, **later()),
            Corrected(estimated_value=TEN, **later()),
        ],
    )
    def test_refused(self, event):
        """No deal is won without a time, or without a name."""
        with pytest.raises(HistoryError, match="opportunity 'O-1', event 1: "):
            Opportunity("O-1", (*deal().history, event))

    def test_the_correction_of_a_deal(self):
        """Collections are replaced, what has no blank cannot be cleared."""
        right = deal().correct(name="Renewal", type="renewal", needs=["speed"], account_id="A-1", **later())
        assert (right.name, right.type, right.needs, right.account_id) == (
            "Renewal",
            OpportunityType.RENEWAL,
            ("speed",),
            "A-1",
        )
        assert right.correct(clear=["needs"], **later(2)).needs == ()
        assert paths(lambda: right.correct(clear=["name", "type", "account_id"], **later())) == ["clear"] * 3
