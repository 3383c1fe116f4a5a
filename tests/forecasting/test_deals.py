"""Deals: flat views as of a time, of opportunities and of a host's own rows."""

import copy
import pickle
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import attrs
import pytest

from leadflow import pipelines
from leadflow.calendar import FiscalCalendar
from leadflow.dealparts import CountsAs, Origin
from leadflow.errors import InvalidError, InvalidTypeError, LookAheadError
from leadflow.fields import Fields
from leadflow.forecasting import Deal, DealState, rollup
from leadflow.money import Money, Recurring
from leadflow.opportunity import Opportunity
from leadflow.stage import ForecastCategory

DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def opened(key="O-1", at=MONDAY, **attributes):
    return Opportunity.open(
        key,
        "Northwind rollout",
        attributes.pop("amount", Money("48000", "EUR")),
        expected_close=date(2026, 3, 31),
        origin=Origin.from_customer("A-1"),
        account_id="A-1",
        pipeline=pipelines.SIMPLE,
        at=at,
        by="ada",
        **attributes,
    )


class TestFromARow:
    """A host's own row needs an id and a state; everything else may be unknown."""

    def test_id_and_state_are_enough(self):
        """What is not said is unknown, not nothing."""
        deal = Deal("O-1", state="open")
        assert deal.state is DealState.OPEN
        assert (deal.amount, deal.probability, deal.expected_close, deal.owner) == (None, None, None, None)
        assert deal.tags == frozenset()
        assert deal.fields == Fields()

    def test_codes_may_be_plain_text(self):
        """Members and their values mean the same."""
        by_text = Deal("O-1", state="lost", counts_as="void")
        assert by_text == Deal("O-1", state=DealState.LOST, counts_as=CountsAs.VOID)
        assert Deal("O-1", state="open", forecast_category="commit").forecast_category is ForecastCategory.COMMIT

    def test_a_mapping_becomes_fields_and_a_list_becomes_tags(self):
        """Containers are taken over, so that a deal never changes."""
        deal = Deal("O-1", state="open", fields={"tier": "gold"}, tags=["hot", "hot"])
        assert deal.fields == Fields({"tier": "gold"})
        assert deal.tags == frozenset({"hot"})

    def test_every_problem_is_named_at_once(self):
        """One error lists all fields that are wrong."""
        with pytest.raises(InvalidTypeError) as caught:
            Deal(
                " ",
                state="opne",
                owner=7,
                product="",
                probability=1.2,
                probability_is_manual="no",
                forecast_category="comit",
                amount=48000,
                recurring=12,
                expected_close=MONDAY,
                created_at=datetime(2026, 3, 2),  # noqa: DTZ001
                closed_at="2026-03-02",
                counts_as="voided",
                tags=7,
                fields=7,
            )
        assert [problem.path for problem in caught.value.problems] == [
            "id",
            "state",
            "owner",
            "product",
            "probability",
            "probability_is_manual",
            "forecast_category",
            "amount",
            "recurring",
            "expected_close",
            "created_at",
            "closed_at",
            "counts_as",
            "tags",
            "fields",
        ]

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"state": "open", "closed_at": MONDAY}, "closed_at must be None while the deal is open"),
            ({"state": "open", "forecast_category": "closed"}, "forecast_category must not be 'closed' while"),
            ({"state": "won", "counts_as": "void"}, "counts_as must be None unless the deal is lost"),
            ({"state": "open", "probability": float("nan")}, r"probability must be a probability in \[0, 1\], got nan"),
            ({"state": None}, r"state must be a code \(str\), got None"),
        ],
    )
    def test_contradictions_are_refused(self, given, message):
        """State, category and closing agree, or the row is wrong."""
        with pytest.raises(InvalidError, match=message):
            Deal("O-1", **given)

    @pytest.mark.parametrize(
        ("state", "given", "settled"),
        [
            ("open", None, "pipeline"),
            ("open", "best_case", "best_case"),
            ("open", "omitted", "omitted"),
            ("won", None, "closed"),
            ("won", "commit", "closed"),
            ("won", "omitted", "closed"),
            ("lost", None, "omitted"),
            ("lost", "commit", "omitted"),
            ("withdrawn", "commit", "omitted"),
        ],
    )
    def test_state_beats_category(self, state, given, settled):
        """Closed says won and nothing else does, whatever somebody called earlier."""
        assert Deal("O-1", state=state, forecast_category=given).forecast_category == settled

    def test_predicates_follow_the_state(self):
        """Exactly one of open, won, lost holds, or none for a withdrawn deal."""
        found = {
            state.value: (deal.is_open, deal.is_won, deal.is_lost, deal.is_void)
            for state in DealState
            for deal in (Deal("O-1", state=state),)
        }
        assert found == {
            "open": (True, False, False, False),
            "won": (False, True, False, False),
            "lost": (False, False, True, False),
            "withdrawn": (False, False, False, True),
        }
        assert Deal("O-1", state="lost", counts_as="void").is_void
        assert not Deal("O-1", state="lost", counts_as="no_decision").is_void

    def test_it_counts_on_the_day_it_closes_in_the_calendar(self):
        """A win at 23:30 in New York on 31 March is a win of March there."""
        new_york = FiscalCalendar(ZoneInfo("America/New_York"))
        late = datetime(2026, 4, 1, 3, 30, tzinfo=UTC)
        assert Deal("O-1", state="won", closed_at=late).day(new_york) == date(2026, 3, 31)
        assert Deal("O-1", state="won", closed_at=late).day(FiscalCalendar(UTC)) == date(2026, 4, 1)
        assert Deal("O-1", state="won").day(new_york) is None
        assert Deal("O-1", state="open", expected_close=date(2026, 5, 1)).day(new_york) == date(2026, 5, 1)

    def test_a_value_is_the_attribute_else_the_field(self):
        """A host's field stands in where the deal's own attribute says nothing."""
        deal = Deal("O-1", state="open", owner="ada", fields={"owner": "field", "region": "north"})
        assert deal.value("owner") == "ada"
        assert deal.value("region") == "north"
        assert deal.value("colour") is None

    def test_it_is_a_value(self):
        """A deal can be hashed, copied and pickled, and does not change."""
        deal = Deal("O-1", state="open", amount=Money("1", "EUR"), fields={"tier": "gold"}, tags={"hot"})
        assert pickle.loads(pickle.dumps(deal)) == copy.deepcopy(deal) == deal
        assert len({deal, attrs.evolve(deal)}) == 1
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            deal.owner = "bo"


class TestOfAnOpportunity:
    """`Deal.of` takes an opportunity as it was known at a time."""

    def test_it_carries_what_figures_are_made_of(self):
        """Stage, amount, dates and the host's own values come over."""
        opportunity = opened(
            owner="bo", product_interest=["suite", "core"], type="renewal", tags={"hot"}, fields={"region": "north"}
        )
        deal = Deal.of(opportunity)
        assert (deal.id, deal.name, deal.account, deal.owner) == ("O-1", "Northwind rollout", "A-1", "bo")
        assert (deal.product, deal.type, deal.tags, deal.value("region")) == (
            "core + suite",
            "renewal",
            {"hot"},
            "north",
        )
        assert (deal.pipeline_id, deal.stage, deal.probability, deal.probability_is_manual) == (
            "simple",
            "qualified",
            0.2,
            False,
        )
        assert (deal.amount, deal.expected_close) == (Money("48000", "EUR"), date(2026, 3, 31))
        assert (deal.created_at, deal.stage_entered_at, deal.recorded_at) == (MONDAY, MONDAY, MONDAY)
        assert deal.state is DealState.OPEN

    def test_whatever_tags_an_opportunity_may_have(self):
        """Tags are free text on a record; what a record may carry, its deal carries too."""
        tags = {"x" * 300, "key account, north", " padded "}
        assert Deal.of(opened(tags=tags)).tags == tags
        with pytest.raises(InvalidError, match="tags"):
            Deal("O-1", state="open", tags=[""])

    def test_no_product_is_unknown(self):
        """An opportunity about nothing named has no product, rather than an empty one."""
        assert Deal.of(opened()).product is None

    def test_a_recurring_amount_is_carried(self):
        """What recurs stays visible beside the amount."""
        recurring = Recurring(Money("100", "EUR"), every_months=1, term_months=12)
        assert Deal.of(opened(amount=recurring)).recurring == recurring

    def test_a_manual_probability_is_marked(self):
        """A person's number is told from the stage's."""
        deal = Deal.of(opened().set_probability(0.55, at=MONDAY + DAY, by="ada"))
        assert (deal.probability, deal.probability_is_manual) == (0.55, True)

    def test_as_of_sees_only_what_was_recorded_by_then(self):
        """A later move, amount and win are unknown before they were recorded."""
        won = opened().move_to("proposal", at=MONDAY + DAY, by="ada").win(at=MONDAY + 2 * DAY, by="ada")
        assert Deal.of(won).state is DealState.WON
        assert Deal.of(won).closed_at == MONDAY + 2 * DAY
        assert Deal.of(won, MONDAY + DAY).stage == "proposal"
        assert Deal.of(won, MONDAY + DAY).closed_at is None
        assert Deal.of(won, MONDAY) == Deal.of(opened())

    def test_a_lost_one_says_what_it_counts_as(self):
        """A duplicate is void."""
        lost = opened().lose("duplicate", at=MONDAY + DAY, by="ada")
        deal = Deal.of(lost)
        assert (deal.state, deal.counts_as, deal.is_void) == (DealState.LOST, CountsAs.VOID, True)

    def test_a_withdrawn_one_is_in_no_figure(self):
        """An opportunity whose conversion was undone becomes a withdrawn deal, which every rollup passes over."""
        withdrawn = opened().withdraw(at=MONDAY + DAY, by="ada")
        deal = Deal.of(withdrawn)
        assert deal.state is DealState.WITHDRAWN
        result = rollup([deal], currency="EUR", as_of=MONDAY + DAY)
        assert (result.total.deals, result.omitted) == (0, ())

    def test_before_it_existed_is_refused_with_the_way_out(self):
        """Asking for a deal that nobody knew yet is an error; `of_all` leaves it out."""
        with pytest.raises(InvalidError, match=r"'O-1' was first recorded at 2026-03-02.*Deal\.of_all"):
            Deal.of(opened(), MONDAY - DAY)
        later = opened("O-2", at=MONDAY + DAY)
        assert [deal.id for deal in Deal.of_all([opened(), later], MONDAY)] == ["O-1"]
        assert [deal.id for deal in Deal.of_all([opened(), later])] == ["O-1", "O-2"]

    def test_only_opportunities_are_taken(self):
        """Anything else is told that rows go through the constructor."""
        with pytest.raises(InvalidTypeError, match=r"must be an Opportunity; Deal\(\.\.\.\) takes a row of your own"):
            Deal.of({"id": "O-1"})
        with pytest.raises(InvalidTypeError, match="must be several opportunities"):
            Deal.of_all(7)
        with pytest.raises(InvalidError, match="as_of must be timezone-aware"):
            Deal.of(opened(), datetime(2026, 3, 2))  # noqa: DTZ001

    @pytest.mark.parametrize("given", [None, "x", "long text" * 1000, [1] * 10_000])
    @pytest.mark.parametrize("as_of", [None, datetime(2026, 3, 1, tzinfo=UTC)])
    def test_what_holds_no_opportunities_is_one_short_error(self, given, as_of):
        """No text falls apart into its letters, and ten thousand wrong rows are not told one by one."""
        with pytest.raises(InvalidTypeError, match=r"Deal\.of_all: opportunities") as caught:
            Deal.of_all(given, as_of)
        assert len(str(caught.value)) < 500


class TestTeamAndRegion:
    """An opportunity knows neither by itself; a host's custom fields of these names do."""

    def test_they_come_from_custom_fields(self):
        """Text is taken over; what is no single line of text stays a field only."""
        deal = Deal.of(opened(fields={"team": "north", "region": "DACH"}))
        assert (deal.team, deal.region) == ("north", "DACH")
        odd = Deal.of(opened(fields={"team": ("a", "b"), "region": "x" * 600}))
        assert (odd.team, odd.region) == (None, None)
        assert odd.value("team") == ("a", "b")


class TestTakingDealsIn:
    """Every figure checks its deals first: each once, and none that knows the future."""

    def test_all_duplicates_are_named(self):
        """One error names every id that comes more than once, and how often."""
        rows = [Deal(key, state="open") for key in ("a", "b", "a", "c", "b", "a")]
        with pytest.raises(InvalidError, match=r"must hold each deal once, got 'a' \(3 times\), 'b' \(2 times\)"):
            rollup(rows, currency="EUR", as_of=MONDAY)

    def test_duplicates_and_strangers_are_named_together(self):
        """What is no deal is pointed at by position, with the way out, beside the repeated ids."""
        with pytest.raises(InvalidTypeError) as caught:
            rollup([Deal("a", state="open"), opened(), Deal("a", state="open")], currency="EUR", as_of=MONDAY)
        assert [problem.path for problem in caught.value.problems] == ["deals[1]", "deals"]
        assert "use Deal.of(opportunity)" in str(caught.value)

    def test_deals_must_be_iterable(self):
        """A single deal is not a list of deals."""
        with pytest.raises(InvalidTypeError, match=r"deals\[0\] must be a Deal"):
            rollup(7, currency="EUR", as_of=MONDAY)

    @pytest.mark.parametrize("fact", ["created_at", "stage_entered_at", "recorded_at"])
    def test_what_was_recorded_later_is_look_ahead(self, fact):
        """A row that knows more than was known at the as-of time is refused, and named."""
        with pytest.raises(LookAheadError, match="'O-1' was last recorded at 2026-03-03"):
            rollup([Deal("O-1", state="open", **{fact: MONDAY + DAY})], currency="EUR", as_of=MONDAY)
        assert rollup([Deal("O-1", state="open", **{fact: MONDAY})], currency="EUR", as_of=MONDAY)

    def test_a_later_win_is_look_ahead(self):
        """Who was won later was open then: the row cannot say how."""
        rows = [Deal(f"O-{n}", state="won", closed_at=MONDAY + n * DAY) for n in range(1, 8)]
        with pytest.raises(LookAheadError, match="'O-5' and 2 more was last recorded at 2026-03-09"):
            rollup(rows, currency="EUR", as_of=MONDAY)

    def test_the_hour_that_comes_twice_is_told_apart(self):
        """Where clocks go back, times are compared as instants, not by the wall."""
        berlin = ZoneInfo("Europe/Berlin")
        first, second = (datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=fold) for fold in (0, 1))
        with pytest.raises(LookAheadError):
            rollup([Deal("O-1", state="open", created_at=second)], currency="EUR", as_of=first)
        assert rollup([Deal("O-1", state="open", created_at=first)], currency="EUR", as_of=second)
