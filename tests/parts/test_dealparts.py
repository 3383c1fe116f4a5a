"""The parts of a deal: reasons that count in one way, roles, products, offers, milestones and the like."""

import pickle
from datetime import UTC, date, datetime

import pytest

from leadflow import (
    DISQUALIFICATION_REASONS,
    LOSS_REASONS,
    BuyingRole,
    ContactRole,
    CountsAs,
    InvalidError,
    Milestone,
    Money,
    NextStep,
    Objection,
    Origin,
    ProductInterest,
    Proposal,
    Reason,
    TeamMember,
)
from leadflow.dealparts import OriginKind, Side, find_reason, primary_problem, reason_problems, to_products

AT = datetime(2026, 3, 2, tzinfo=UTC)
DAY = date(2026, 3, 2)
NAIVE = datetime(2026, 3, 2)  # noqa: DTZ001


class TestReasons:
    """Coded lists, each code counting in one way."""

    @pytest.mark.parametrize("reasons", [LOSS_REASONS, DISQUALIFICATION_REASONS])
    def test_the_lists(self, reasons):
        """Each way of counting is there; duplicates and errors are void; only `other` needs a note."""
        assert {reason.counts_as for reason in reasons.values()} == set(CountsAs)
        assert all(code == reason.code for code, reason in reasons.items())
        assert reasons["duplicate"].counts_as is reasons["created_in_error"].counts_as is CountsAs.VOID
        assert [reason.code for reason in reasons.values() if reason.needs_note] == ["other"]
        with pytest.raises(TypeError):
            reasons["x"] = reasons["other"]

    def test_found_by_code_or_brought_along(self):
        """A code out of the list, or the host's own value."""
        own = Reason("merger", "they merged", "no_decision")
        assert find_reason("price", LOSS_REASONS) is LOSS_REASONS["price"]
        assert find_reason(own, LOSS_REASONS) is own
        assert own.counts_as is CountsAs.NO_DECISION

    @pytest.mark.parametrize(
        ("reason", "note", "message"),
        [
            ("pric", "", "reason is unknown: 'pric' (did you mean 'price'?)"),
            (None, "", "reason must be given, one of: price, competitor,"),
            (5, "", "reason must be a code (str), got 5"),
            ("other", "  ", "note must say more when the reason is 'other', got '  '"),
            ("other", "they moved", None),
            ("other", 5, None),
            ("price", "", None),
        ],
    )
    def test_problems(self, reason, note, message):
        """Unknown, missing, or silent; a note of the wrong type is for the event to refuse."""
        found = [str(p) for p in reason_problems(find_reason(reason, LOSS_REASONS), LOSS_REASONS, note) if p]
        assert [problem[: len(message or "")] for problem in found] == ([message] if message else [])


class TestRoles:
    """Exactly one contact is primary where there are any."""

    def test_role_by_value(self):
        """A value becomes the member."""
        assert ContactRole("C-1", "champion").role is BuyingRole.CHAMPION

    @pytest.mark.parametrize(
        ("roles", "wrong"),
        [
            ((), False),
            ((ContactRole("C-1", primary=True),), False),
            ((ContactRole("C-1", primary=True), ContactRole("C-2")), False),
            ((ContactRole("C-1"),), True),
            ((ContactRole("C-1", primary=True), ContactRole("C-2", primary=True)), True),
            ((ContactRole("C-1", primary=True), ContactRole("C-1")), True),
        ],
    )
    def test_together(self, roles, wrong):
        """None, or one primary among contacts that each come once."""
        assert (primary_problem("contact_roles", roles) is not None) is wrong


class TestProducts:
    """Codes or values, one or many."""

    def test_as_a_converter(self):
        """Codes become values; what is neither is left to the check."""
        crm = ProductInterest("crm")
        assert to_products("crm") == to_products(["crm"]) == to_products((crm,)) == (crm,)
        assert to_products(["", 5]) == ("", 5)
        assert to_products(5) == 5
        assert to_products([]) == to_products(()) == ()


class TestOrigin:
    """Where a deal comes from."""

    def test_three_kinds(self):
        """A prospect, a campaign or a customer."""
        kinds = [Origin.from_prospect("P-1"), Origin.from_campaign("spring"), Origin.from_customer("A-1")]
        assert [origin.kind for origin in kinds] == list(OriginKind)
        assert Origin("campaign", "spring") == kinds[1]


GOOD = [
    Reason("price", "too dear"),
    ContactRole("C-1"),
    ProductInterest("crm", quantity=2, note="soon"),
    Origin.from_campaign("spring"),
    Proposal("Q-1", amount=Money(5, "EUR"), sent_at=AT, valid_until=DAY),
    Milestone("demo", "demonstration", side="theirs", due=DAY, done_at=AT),
    NextStep("call them", DAY),
    Objection("too dear"),
    TeamMember("bo", "engineer"),
]
BAD = [
    (lambda: Reason("", " ", "draw", needs_note=1), ["code", "label", "counts_as", "needs_note"]),
    (lambda: ContactRole("", "boss", primary=1), ["contact_id", "role", "primary"]),
    (lambda: ProductInterest(" x", quantity=0, note=""), ["product", "quantity", "note"]),
    (lambda: ProductInterest("x", quantity=1.5), ["quantity"]),
    (lambda: Origin("chance", ""), ["kind", "reference"]),
    (lambda: Proposal("", amount=5.0, sent_at=NAIVE, valid_until=AT), ["number", "amount", "sent_at", "valid_until"]),
    (lambda: Milestone("", "", side="his", due=AT, done_at=NAIVE), ["code", "label", "side", "due", "done_at"]),
    (lambda: NextStep("", AT), ["action", "due"]),
    (lambda: Objection(" ", answered=None), ["words", "answered"]),
    (lambda: TeamMember("", ""), ["user", "role"]),
]


class TestEveryPart:
    """Each is a checked value."""

    @pytest.mark.parametrize("part", GOOD, ids=lambda part: type(part).__name__)
    def test_value(self, part):
        """Equal and hash-equal after a pickle; attributes stay."""
        again = pickle.loads(pickle.dumps(part))
        assert again == part
        assert hash(again) == hash(part)
        with pytest.raises(AttributeError):
            part.code = "x"

    @pytest.mark.parametrize(("make", "paths"), BAD)
    def test_all_problems_at_once(self, make, paths):
        """Every field that is wrong."""
        with pytest.raises(InvalidError) as caught:
            make()
        assert [problem.path for problem in caught.value.problems] == paths

    def test_sides(self):
        """Ours unless said otherwise."""
        assert Milestone("demo", "x").side is Side.OURS
