"""Histories of deals: what was known when, out of facts and out of opportunities."""

import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leadflow import pipelines
from leadflow.dealparts import LOSS_REASONS, CountsAs, Origin
from leadflow.errors import InvalidError, InvalidTypeError, LeadflowError
from leadflow.forecasting import FACT_KINDS, Deal, DealFact, DealHistory, DealState, read_histories
from leadflow.forecasting.histories import histories_of
from leadflow.forecasting.historyfold import faults, unretracted
from leadflow.money import Money
from leadflow.opportunity import Opportunity
from leadflow.pipeline import ForecastCategory

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


class NaT(datetime):
    """What pandas puts where a time is missing."""

    def utcoffset(self):
        raise ValueError("NaTType does not support utcoffset")


def day(number, hours=0):
    return START + timedelta(days=number, hours=hours)


def told(kind, value=None, at=0, late=0):
    return DealFact(kind, value, at=day(at), recorded_at=day(at + late))


def history(*facts, key="O-1"):
    return DealHistory(key, facts)


WON = history(
    told("opened", "qualified"),
    told("amount", Money("100", "EUR")),
    told("expected_close", date(2026, 4, 1)),
    told("stage", "proposal", 4, late=2),
    told("amount", Money("120", "USD"), 8),
    told("won", at=20),
    told("amount", Money("110", "USD"), 25),
)


class TestDealFact:
    """A fact is a kind, a value and two times."""

    def test_recorded_when_it_happened_unless_said(self):
        """Most facts are recorded as they happen."""
        assert DealFact("won", at=START).recorded_at == START

    def test_times_are_kept_in_utc(self):
        """The same moment told in two zones is one fact."""
        there = START.astimezone(timezone(timedelta(hours=5)))
        assert DealFact("won", at=there) == DealFact("won", at=START)
        assert DealFact("won", at=there).at.tzinfo is UTC

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("opened", 3),
            ("found", None),
            ("stage", None),
            ("stage", ""),
            ("won", "won"),
            ("lost", "badly"),
            ("reopened", 3),
            ("withdrawn", True),
            ("amount", 100),
            ("expected_close", START),
            ("owner", 7),
            ("probability", 1.5),
            ("fields", {"a": object()}),
            ("tags", "gold"),
        ],
    )
    def test_each_kind_has_its_values(self, kind, value):
        """What is no value of the kind is refused, whatever else it may be."""
        with pytest.raises(InvalidError, match="value"):
            DealFact(kind, value, at=START)

    @pytest.mark.parametrize("kind", [kind for kind in FACT_KINDS if kind not in {"found", "stage"}])
    def test_every_other_kind_may_be_unknown(self, kind):
        """None says that a value is not known (any more)."""
        if kind not in {"probability_is_manual", "tags", "fields"}:
            assert DealFact(kind, None, at=START).value is None

    def test_values_are_immutable(self):
        """A list of tags and a dict of fields are kept as the deal would hold them."""
        tags, fields = DealFact("tags", ["b", "a"], at=START), DealFact("fields", {"tier": "gold"}, at=START)
        assert tags.value == frozenset({"a", "b"})
        assert fields.value["tier"] == "gold"
        assert hash(tags) != hash(fields)
        assert fields.to_row()["value"] == {"tier": "gold"}

    def test_every_problem_is_named_at_once(self):
        """Kind, value and times are judged together."""
        with pytest.raises(InvalidTypeError) as caught:
            DealFact("stagee", at="2026-03-02", recorded_at=datetime(2026, 3, 2))  # noqa: DTZ001
        assert [problem.path for problem in caught.value.problems] == ["kind", "at", "recorded_at"]
        assert "did you mean 'stage'?" in str(caught.value)

    def test_nothing_is_recorded_before_it_happened(self):
        """A fact that was known before it happened is a mix-up of columns."""
        with pytest.raises(InvalidError, match="recorded_at must not be before at"):
            DealFact("won", at=day(1), recorded_at=START)

    @pytest.mark.parametrize("retracted", [START, "later", datetime(2026, 3, 9)])  # noqa: DTZ001
    def test_nothing_is_retracted_before_it_was_recorded(self, retracted):
        """A retraction comes later than what it takes back."""
        with pytest.raises(InvalidError, match="retracted_at"):
            DealFact("won", at=START, retracted_at=retracted)

    def test_times_at_the_edge_of_the_calendar_are_refused_or_kept(self):
        """A time that has no counterpart in UTC raises no bare OverflowError."""
        edge = datetime.min.replace(tzinfo=timezone(timedelta(hours=5)))
        assert DealFact("won", at=edge).at == edge


class TestAsOf:
    """A history answers what was known at any time."""

    def test_what_was_known_when(self):
        """Facts count from when they were recorded, not from when they happened."""
        assert WON.as_of(day(0, -1)) is None
        assert WON.as_of(day(5)).stage == "qualified"
        late = WON.as_of(day(6))
        assert (late.stage, late.stage_entered_at, late.recorded_at) == ("proposal", day(4), day(6))
        assert WON.as_of(day(7)).amount == Money("100", "EUR")
        assert WON.as_of(day(19)).is_open

    def test_the_deal_it_ends_as(self):
        """Every attribute told is in the deal; a final amount may come after the closing, in another currency."""
        assert WON.as_of(day(30)) == Deal(
            "O-1",
            state="won",
            stage="proposal",
            amount=Money("110", "USD"),
            expected_close=date(2026, 4, 1),
            created_at=START,
            stage_entered_at=day(20),
            closed_at=day(20),
            recorded_at=day(25),
            pushes=0,
        )

    def test_the_same_answer_is_made_once(self):
        """Thousands of days may be asked: a deal is built once per time at which something was recorded."""
        assert WON.as_of(day(9)) is WON.as_of(day(19))

    def test_what_was_recorded_late_takes_its_place(self):
        """A stage that was entered before the present one, and told after it, changes nothing but the past."""
        one = history(told("opened", "a"), told("stage", "c", 5), told("stage", "b", 3, late=6))
        assert (one.as_of(day(10)).stage, one.as_of(day(10)).stage_entered_at) == ("c", day(5))
        assert [spell.stage for spell in one.spells(day(8))] == ["a", "c"]
        assert [spell.stage for spell in one.spells(day(9))] == ["a", "b", "c"]

    def test_a_correction_replaces(self):
        """Of two values about the same moment the one recorded last counts, from then on."""
        one = history(told("opened", "a"), told("stage", "b", 3), told("stage", "c", 3, late=4))
        assert [one.as_of(day(number)).stage for number in (3, 6, 7)] == ["b", "b", "c"]

    def test_a_stage_told_again_does_not_begin_again(self):
        """Time in stage counts from the first of several equal values."""
        assert history(told("opened", "a"), told("stage", "a", 3)).as_of(day(9)).stage_entered_at == START

    def test_lost_void_and_withdrawn(self):
        """How a loss counts is kept; a withdrawn deal is in no figure, whatever it was before."""
        lost = history(told("opened", "a"), told("lost", CountsAs.VOID, 3), told("withdrawn", None, 9))
        assert (lost.as_of(day(3)).counts_as, lost.as_of(day(3)).is_void) == (CountsAs.VOID, True)
        assert (lost.as_of(day(9)).state, lost.as_of(day(9)).counts_as) == (DealState.WITHDRAWN, None)
        assert history(told("opened", "a"), told("lost", "no_decision", 3)).as_of(day(3)).counts_as == "no_decision"

    def test_reopened(self):
        """A closed deal goes on in the stage it was in, or in the one that is told."""
        one = history(told("opened", "a"), told("lost", at=3), told("reopened", at=5), told("won", at=8))
        again = one.as_of(day(6))
        assert (again.state, again.stage, again.stage_entered_at, again.closed_at) == ("open", "a", day(5), None)
        assert one.as_of(day(8)).is_won
        moved = history(told("opened", "a"), told("won", at=3), told("reopened", "b", at=5))
        assert moved.as_of(day(5)).stage == "b"

    def test_a_reopening_recorded_late(self):
        """Until the reopening is known, the closing stands, and what follows it waits."""
        one = history(told("opened", "a"), told("lost", at=3), told("reopened", at=5, late=9), told("stage", "b", 7))
        assert (one.as_of(day(8)).state, one.as_of(day(8)).stage) == ("lost", "a")
        assert (one.as_of(day(14)).state, one.as_of(day(14)).stage) == ("open", "b")

    def test_found_under_way(self):
        """Of a deal that was there before anybody recorded it, neither its age nor its time in stage is known."""
        one = history(told("found", "proposal"), told("stage", "negotiation", 5))
        assert (one.as_of(START).created_at, one.as_of(START).stage_entered_at) == (None, None)
        assert (one.as_of(day(5)).created_at, one.as_of(day(5)).stage_entered_at) == (None, day(5))

    def test_the_first_fact_brings_it_into_being(self):
        """A table without openings will do: the first amount or stage is the beginning, a lone closing is not."""
        assert history(told("stage", "a", 2)).as_of(day(2)).created_at == day(2)
        assert history(told("amount", None, 2)).as_of(day(2)).created_at == day(2)
        assert history(told("won", None, 2)).as_of(day(2)).created_at is None

    def test_a_retracted_fact_counts_until_then(self):
        """What was taken back was believed for a while; afterwards it never was, and time in stage runs on."""
        one = history(told("opened", "a"), DealFact("won", at=day(3), retracted_at=day(5)), told("won", at=9))
        assert [one.as_of(day(number)).state.value for number in (2, 3, 5, 9)] == ["open", "won", "open", "won"]
        assert one.as_of(day(5)).stage_entered_at == START
        assert len(one.spells(day(4))) == 2
        assert len(one.spells(day(6))) == 1

    def test_a_deal_that_never_was(self):
        """When all facts are retracted nothing is known any more."""
        one = history(DealFact("opened", "a", at=START, retracted_at=day(2)))
        assert (one.as_of(day(1)).stage, one.as_of(day(2))) == ("a", None)
        assert one.spells(day(2)) == ()

    def test_the_question_is_checked(self):
        """A naive time is refused, for deals and for spells."""
        for ask in (WON.as_of, WON.spells):
            with pytest.raises(InvalidError, match="timezone-aware"):
                ask(datetime(2026, 3, 2))  # noqa: DTZ001

    def test_it_is_a_value(self):
        """Two histories of the same facts, in whatever order, are equal, also after pickling and use."""
        again = DealHistory("O-1", reversed(WON.facts))
        again.as_of(day(9))
        assert again == WON == pickle.loads(pickle.dumps(again))
        assert (WON.first_recorded_at, WON.last_recorded_at) == (START, day(25))

    def test_rows_and_notebook(self):
        """One row per fact, with both times."""
        assert WON.to_rows()[3] == {
            "deal": "O-1",
            "at": "2026-03-06T09:00:00+00:00",
            "recorded_at": "2026-03-08T09:00:00+00:00",
            "kind": "stage",
            "value": "proposal",
        }
        assert "proposal" in WON._repr_html_()


class TestSpells:
    """The spells of a deal are its path, in the order in which things happened."""

    def test_the_path(self):
        """Each spell ends where the next begins; the last goes on."""
        assert [(one.state.value, one.stage, one.start, one.end) for one in WON.spells(day(30))] == [
            ("open", "qualified", day(0), day(4)),
            ("open", "proposal", day(4), day(20)),
            ("won", "proposal", day(20), None),
        ]

    def test_how_it_was_lost(self):
        """A lost spell says what it counts as; a reopening is a spell of its own."""
        one = history(told("opened", "a"), told("lost", "void", 3), told("reopened", at=5))
        assert [(spell.state, spell.counts_as) for spell in one.spells(day(9))] == [
            ("open", None),
            ("lost", "void"),
            ("open", None),
        ]

    def test_unknown_beginnings(self):
        """A deal found under way has a spell without a start."""
        assert [spell.start for spell in history(told("found", "a"), told("won", at=3)).spells(day(9))] == [
            None,
            day(3),
        ]

    def test_nothing_known_yet(self):
        """Before the first record there is no spell."""
        assert WON.spells(day(-1)) == ()


class TestContradictions:
    """Facts that contradict each other are refused, all at once."""

    @pytest.mark.parametrize(
        ("facts", "said"),
        [
            ([told("won", at=3), told("lost", at=3)], "comes when the deal is (won|lost) since"),
            ([told("won", at=3), told("lost", at=5)], "comes when the deal is won since"),
            ([told("won", at=3), told("won", at=3, late=1)], "comes when the deal is won since"),
            ([told("won", at=3), told("stage", "b", 5)], "'stage' at .* comes when the deal is won"),
            ([told("stage", "b", 5), told("stage", "c", 5)], "'stage' is told twice at"),
            ([told("amount", Money(1, "EUR"), 5), told("amount", Money(2, "EUR"), 5)], "'amount' is told twice"),
            ([told("reopened", at=5)], "'reopened' at .* comes while the deal is open"),
            ([told("opened", "a", 5)], "'opened' at .* is not the first fact"),
            ([told("withdrawn", at=5), told("won", at=6)], "'won' at .* comes after the deal was withdrawn"),
            ([told("withdrawn", at=5), told("withdrawn", at=6)], "'withdrawn' at .* comes after"),
        ],
    )
    def test_what_cannot_be(self, facts, said):
        """The message names the fact and what stands against it."""
        with pytest.raises(InvalidError, match=said):
            history(told("opened", "a"), *facts)

    def test_all_of_them(self):
        """Two contradictions are two problems of one error."""
        with pytest.raises(InvalidError) as caught:
            history(told("opened", "a"), told("reopened", at=2), told("won", at=3), told("lost", at=4))
        assert len(caught.value.problems) == 2

    @pytest.mark.parametrize("facts", [(), None, "opened", [1], [told("won"), "won"]])
    def test_no_facts(self, facts):
        """A deal without any fact, or with something else for facts, is refused."""
        with pytest.raises(InvalidError, match="facts"):
            DealHistory("O-1", facts)


class TestReadHistories:
    """A table of events becomes histories, or says everything that is wrong with it."""

    rows = (
        {"deal": "O-2", "kind": "opened", "value": "a", "at": START},
        {"deal": "O-1", "kind": "won", "at": day(9), "recorded_at": day(11)},
        {"deal": "O-1", "kind": "opened", "value": "a", "at": START, "recorded_at": None},
    )

    def test_rows_in_any_order(self):
        """Order of rows and of deals does not matter."""
        found = read_histories(self.rows)
        assert [one.id for one in found] == ["O-1", "O-2"]
        assert (len(found), found.omitted) == (2, ())
        assert found == read_histories(list(reversed(self.rows)))
        assert found["O-1"].as_of(day(10)).is_open

    def test_an_unknown_deal(self):
        """Asking for a deal that is not there names the nearest."""
        with pytest.raises(KeyError, match="did you mean 'O-1'"):
            read_histories(self.rows)["O-11"]

    def test_no_rows(self):
        """An empty table has no histories."""
        assert len(read_histories([])) == 0

    def test_a_row_told_twice_counts_once_and_is_listed(self):
        """The same row again says nothing new; it is no contradiction, and no secret either."""
        found = read_histories([*self.rows, self.rows[0]])
        assert found.histories == read_histories(self.rows).histories
        assert [str(one) for one in found.omitted] == ["O-2: rows[3] repeats rows[0]"]

    def test_every_problem_of_every_row(self):
        """Unknown kinds and columns, naive times, missing values and contradictions come in one error, with places."""
        wrong = [
            *self.rows,
            {"deal": "O-3", "kind": "closed", "at": datetime(2026, 3, 2)},  # noqa: DTZ001
            {"deal": "O-3", "kind": "won", "at": START, "amonut": 3},
            {"deal": "O-4", "kind": "won"},
            {"deal": "O-1", "kind": "lost", "at": day(12)},
        ]
        with pytest.raises(InvalidError) as caught:
            read_histories(wrong)
        assert [problem.path for problem in caught.value.problems] == [
            "rows[3].kind",
            "rows[3].at",
            "rows[4].amonut",
            "rows[5].at",
            "rows[6]",
        ]

    def test_leaving_out(self):
        """The deals concerned are left out as a whole and listed with the problems; the others are read."""
        wrong = [
            *self.rows,
            {"deal": "O-1", "kind": "lost", "at": day(12)},
            {"deal": "O-5", "kind": "won", "at": "May"},
        ]
        found = read_histories(wrong, deals=["O-1", "O-2", "O-9"], leave_out=True)
        assert [one.id for one in found] == ["O-2"]
        assert [(one.id, one.reason.value) for one in found.omitted] == [
            ("O-1", "bad_history"),
            ("O-5", "bad_history"),
            ("O-9", "no_history"),
        ]
        assert "rows[3]" in found.omitted[0].detail
        assert "1 histories" in str(found)
        assert "O-9" in found._repr_html_()

    def test_rows_of_a_data_frame(self):
        """What pandas puts where a time is missing is told with the row and all else that is wrong, or left out."""
        wrong = [
            {"deal": "O-5", "kind": "opened", "value": float("nan"), "at": NaT(2026, 3, 1)},
            {"deal": "O-6", "kind": "opened", "at": START, "recorded_at": NaT(2026, 3, 1)},
            {"deal": "O-7", "kind": "opened", "at": START, "retracted_at": NaT(2026, 3, 1)},
        ]
        with pytest.raises(InvalidError) as caught:
            read_histories([*self.rows, *wrong])
        first = len(self.rows)
        assert [problem.path for problem in caught.value.problems] == [
            f"rows[{first}].value",
            f"rows[{first}].at",
            f"rows[{first + 1}].recorded_at",
            f"rows[{first + 2}].retracted_at",
        ]
        found = read_histories([*self.rows, *wrong], leave_out=True)
        assert [(one.id, one.reason.value) for one in found.omitted] == [
            ("O-5", "bad_history"),
            ("O-6", "bad_history"),
            ("O-7", "bad_history"),
        ]

    @pytest.mark.parametrize(
        "rows", [None, [1], [{"kind": "won", "at": START}], [{"deal": 7, "kind": "won", "at": START}]]
    )
    def test_what_names_no_deal_is_always_refused(self, rows):
        """Without a deal there is nothing to list."""
        with pytest.raises(InvalidError, match="rows"):
            read_histories(rows, leave_out=True)


def commanded(steps, key="O-1", **opening):
    """Return an opportunity after whatever of the steps its rules allow."""
    at = START
    deal = Opportunity.open(
        key,
        "Deal",
        Money("100", "EUR"),
        expected_close=date(2026, 4, 1),
        origin=Origin.from_customer("A-1"),
        pipeline=pipelines.SIMPLE,
        **{"at": at, **opening},
    )
    for hours, name, args, late in steps:
        at += timedelta(hours=hours)
        learnt = max(at + timedelta(hours=late), deal.updated_at)
        try:
            named = args[-1] if args and isinstance(args[-1], dict) else {}
            deal = getattr(deal, name)(*args[: len(args) - bool(named)], **named, at=at, recorded_at=learnt)
        except LeadflowError:
            continue
    return deal


commands = st.one_of(
    st.tuples(st.just("move_to"), st.sampled_from([("qualified",), ("proposal",), ("negotiation",)])),
    st.tuples(st.just("win"), st.just(())),
    st.tuples(st.just("lose"), st.sampled_from([(code,) for code in LOSS_REASONS if code != "other"])),
    st.tuples(st.just("reopen"), st.just(())),
    st.tuples(st.just("set_amount"), st.sampled_from([(Money("50", "EUR"),), (Money("70", "USD"),)])),
    st.tuples(st.just("set_expected_close"), st.dates(date(2026, 3, 1), date(2026, 6, 1)).map(lambda one: (one,))),
    st.tuples(st.just("set_probability"), st.sampled_from([(0.9,), (None,)])),
    st.tuples(
        st.just("call"),
        st.sampled_from([(ForecastCategory.COMMIT,), (ForecastCategory.OMITTED, {"pinned": True}), (None,)]),
    ),
    st.tuples(st.just("correct"), st.sampled_from([({"fields": {"team": "north", "region": 7}},), ({"fields": {}},)])),
    st.tuples(st.just("assign"), st.sampled_from([("ada",), ("bo",)])),
    st.tuples(st.just("withdraw"), st.just(())),
    st.tuples(st.just("merged"), st.just(({"into": "O-9"},))),
    st.tuples(st.just("absorbed"), st.sampled_from([("O-8", {"amount": Money("9", "EUR")}), ("O-8", {"owner": "cy"})])),
    st.tuples(st.just("undone"), st.integers(2, 8).map(lambda version: (version,))),
)
steps = st.lists(
    st.tuples(st.integers(0, 100), commands, st.integers(0, 60)).map(lambda one: (one[0], *one[1], one[2])), max_size=12
)
CORE = (
    "state",
    "pushes",
    "created_at",
    "amount",
    "expected_close",
    "closed_at",
    "counts_as",
    "owner",
    "type",
    "pipeline_id",
)


# What an axis of a model may be beside these, of open deals.
AXES = (
    "stage",
    "stage_entered_at",
    "forecast_category",
    "probability_is_manual",
    "team",
    "region",
    "product",
    "source",
)


class TestOfOpportunity:
    """An opportunity's history answers as the opportunity itself does."""

    @given(steps, st.integers(-1, 800))
    def test_as_of_is_the_opportunitys(self, taken, hours):
        """At any time the deal is the one that `Deal.of` makes."""
        deal, when = commanded(taken), START + timedelta(hours=hours)
        assert DealHistory.of(deal).as_of(when) == (Deal.of(deal, when) if hours >= 0 else None)

    @given(steps, st.integers(0, 800))
    def test_its_facts_say_the_same(self, taken, hours):
        """A history rebuilt from the facts alone agrees in everything that models learn from."""
        deal, when = commanded(taken), START + timedelta(hours=hours)
        own = DealHistory.of(deal)
        # Undoing a win and not the reopening after it leaves what rows could not say.
        assume(not list(faults(unretracted(own.facts))))
        again, known = DealHistory(own.id, own.facts).as_of(when), Deal.of(deal, when)
        assert [getattr(again, name) for name in CORE] == [getattr(known, name) for name in CORE]
        if known.is_open:
            assert [getattr(again, name) for name in AXES] == [getattr(known, name) for name in AXES]

    @given(steps)
    def test_compacted_keeps_what_it_can(self, taken):
        """A compacted opportunity still says how it stands; what nobody kept is unknown rather than made up."""
        deal = commanded(taken).compacted()
        own = DealHistory.of(deal)
        again, known = DealHistory(own.id, own.facts).as_of(deal.updated_at), Deal.of(deal)
        assert [getattr(again, name) for name in CORE] == [getattr(known, name) for name in CORE]
        assert own.first_recorded_at == deal.updated_at
        if known.is_open:
            assert [getattr(again, name) for name in AXES] == [getattr(known, name) for name in AXES]

    def test_an_import_that_knew_little(self):
        """An open deal whose stage entry nobody knew is found in its stage; a closed one has its closing only."""
        given = {"origin": Origin.from_customer("A-1"), "pipeline": pipelines.SIMPLE, "at": day(5)}
        found = DealHistory.of(Opportunity.imported("O-1", "Deal", stage="proposal", **given))
        assert [(fact.kind, fact.value) for fact in found.facts if fact.kind == "found"] == [("found", "proposal")]
        lost = DealHistory.of(Opportunity.imported("O-2", "Deal", stage="lost", closed_at=day(2), **given))
        assert [(one.state.value, one.start) for one in lost.spells(day(9))] == [("lost", day(2))]
        assert lost.spells(day(4)) == ()

    def test_a_deal_that_is_older_than_its_record(self):
        """An opening that says when the deal came into being is believed; its stage counts from the opening."""
        own = DealHistory.of(commanded([], created_at=day(-30)))
        assert [(one.stage, one.start) for one in own.spells(START)] == [(None, day(-30)), ("qualified", START)]

    def test_corrections_and_pipelines(self):
        """Corrected attributes, another pipeline and a move between two won stages leave the right facts."""
        deal = commanded([]).correct(type="renewal", product_interest=["core", "suite"], at=day(1))
        deal = deal.adopt(attrs.evolve(pipelines.SIMPLE, version=2), at=day(2))
        known = DealHistory("O-1", DealHistory.of(deal).facts).as_of(day(3))
        assert (known.type, known.product, known.pipeline_id) == ("renewal", "core + suite", "simple")

    def test_only_opportunities(self):
        """Anything else is refused."""
        with pytest.raises(InvalidTypeError, match="an Opportunity"):
            DealHistory.of("O-1")


class TestHistoriesOf:
    """Every function that takes a history takes an iterable of histories, opportunities or both."""

    def test_both_kinds(self):
        """Opportunities are converted; order is by id."""
        assert [one.id for one in histories_of("f", iter([WON, commanded([], key="O-0")]))] == ["O-0", "O-1"]

    @pytest.mark.parametrize("given", [None, "O-1", WON, [WON, 3], [WON, WON], [WON, commanded([])]])
    def test_what_is_refused(self, given):
        """Something else, and a deal that comes twice."""
        with pytest.raises(InvalidError, match="history"):
            histories_of("f", given)


CODES = ("a", "b", "c")


@st.composite
def random_facts(draw):
    """Facts of one deal as a host might have recorded them: some late, some in vain."""
    found = [DealFact("opened", draw(st.sampled_from(CODES)), at=START)]
    for number in range(1, draw(st.integers(0, 8)) + 1):
        kind, value = draw(
            st.one_of(
                st.tuples(st.just("stage"), st.sampled_from(CODES)),
                st.tuples(st.just("amount"), st.integers(1, 9).map(lambda many: Money(many, "EUR"))),
                st.tuples(st.sampled_from(["won", "lost", "reopened", "withdrawn"]), st.none()),
            )
        )
        learnt = number + draw(st.integers(0, 4))
        gone = draw(st.none() | st.none() | st.integers(learnt + 1, learnt + 4).map(day))
        fact = DealFact(kind, value, at=day(number), recorded_at=day(learnt), retracted_at=gone)
        try:
            DealHistory("O-1", [*found, fact])
        except InvalidError:
            continue
        found.append(fact)
    return found


class TestLaws:
    """What holds for every history."""

    @given(random_facts(), st.integers(0, 14), st.randoms(use_true_random=False))
    def test_no_look_ahead(self, facts, number, random):
        """Taking away everything recorded after t, retractions included, changes nothing as of t."""
        when = day(number)
        known = [
            attrs.evolve(fact, retracted_at=None if fact.is_known(when) else fact.retracted_at)
            for fact in facts
            if fact.recorded_at <= when
        ]
        whole, part = DealHistory("O-1", facts), partial("O-1", known)
        assert whole.as_of(when) == part.as_of(when)
        assert whole.spells(when) == part.spells(when)

    @given(random_facts(), st.randoms(use_true_random=False))
    def test_order_does_not_matter(self, facts, random):
        """The same facts in another order are the same history."""
        shuffled = list(facts)
        random.shuffle(shuffled)
        assert DealHistory("O-1", shuffled) == DealHistory("O-1", facts)

    @given(random_facts(), st.integers(0, 14))
    def test_the_last_spell_is_the_deal(self, facts, number):
        """Spells and deal agree at every time: the first in detail, the last in state."""
        one, when = DealHistory("O-1", facts), day(number)
        deal, path = one.as_of(when), one.spells(when)
        assert (path[-1].state, path[-1].stage) == (deal.state, deal.stage)
        assert all(left.end == right.start for left, right in pairwise(path))

    @given(random_facts(), st.integers(0, 14))
    def test_remembering_changes_no_answer(self, facts, number):
        """Asked for one day or for all, the answer is that of folding the known facts from the start."""
        one = DealHistory("O-1", facts)
        answers = [one.as_of(day(each)) for each in range(15)]
        assert answers[number] == DealHistory("O-1", facts).as_of(day(number))


def partial(key, facts):
    """Return a history of what was known by some time; that may contradict itself until the rest is known."""
    made = DealHistory(key, facts[:1])
    object.__setattr__(made, "facts", DealHistory.__attrs_attrs__.facts.converter(facts))
    return made
