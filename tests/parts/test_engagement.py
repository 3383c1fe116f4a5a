"""What happened between us: engagements, touches, presets, and their summary."""

import pickle
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import (
    CurrencyMismatchError,
    Engagement,
    Fields,
    InvalidError,
    InvalidTypeError,
    Money,
    Proactive,
    Rfm,
    Touch,
    rfm,
)
from leadflow.engagement import KINDS, OPEN, STANDARD, STRICT, TouchKind, TouchOutcome

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


class TestKinds:
    """The kinds of engagement that ship."""

    def test_what_software_may_do_is_never_proactive(self):
        """Nor does it expect a reply."""
        for kind in KINDS.values():
            assert not (kind.is_automatic and (kind.proactive or kind.expects_reply))
            assert kind.proactive or not kind.expects_reply

    def test_about_eighteen(self):
        """A list that one can read, keyed by code, and read-only."""
        assert 15 <= len(KINDS) <= 20
        assert all(code == kind.code for code, kind in KINDS.items())
        with pytest.raises(TypeError):
            KINDS["x"] = KINDS["form"]

    def test_presets(self):
        """Strict within standard within open, and no automatic kind in any."""
        assert STRICT.kinds < STANDARD.kinds < OPEN.kinds
        assert all(KINDS[kind].expects_reply for kind in STRICT.kinds)
        assert OPEN.kinds == {kind.code for kind in KINDS.values() if not kind.is_automatic}


class TestProactive:
    """Which kinds count as having come of one's own accord."""

    def test_changes(self):
        """Kinds are added and taken out, the host's own among them."""
        changed = STANDARD.but("custom.visit", "social", without=["download"])
        assert changed.includes("custom.visit")
        assert not changed.includes("download")
        assert not STANDARD.but(without="download").includes("download")
        assert STANDARD.includes("download")

    @pytest.mark.parametrize(
        ("kinds", "match"),
        [
            (["form", "mail_open"], "must not contain what software may do with nobody looking, got mail_open"),
            (["from"], r"kinds\[0\] is unknown: 'from' \(did you mean 'form'\?\)"),
            ("form", "kinds must be a tuple"),
            (5, "kinds must be a tuple"),
            (["custom."], "must be a code after 'custom.'"),
        ],
    )
    def test_mistakes(self, kinds, match):
        """What is no kind, or must not be among them."""
        with pytest.raises(InvalidError, match=match):
            Proactive("ours", kinds)


class TestEngagement:
    """One thing the other side did."""

    def test_replies(self):
        """The kind says whether they wait; a host's own kinds do."""
        assert Engagement("form", at=AT).expects_reply
        assert not Engagement("download", at=AT).expects_reply
        assert Engagement("custom.visit", at=AT).expects_reply

    @pytest.mark.parametrize("kind", ["custom.", "custom. x", "custom." + "x" * 185, "Form", "", 5, None])
    def test_kinds(self, kind):
        """Known, or a code after `custom.`."""
        with pytest.raises(InvalidError, match="kind "):
            Engagement(kind, at=AT)

    def test_all_problems_at_once(self):
        """Every field that is wrong, custom fields included."""
        with pytest.raises(InvalidTypeError) as caught:
            Engagement(
                "from",
                at=datetime(2026, 3, 2),  # noqa: DTZ001
                channel="",
                campaign=5,
                subject="a\x00",
                value=5.0,
                note="a\x00",
                fields={"": 1, "x": float("nan")},
            )
        assert [problem.path for problem in caught.value.problems] == [
            *("kind", "at", "channel", "campaign", "subject", "value", "note", "fields.name", "fields.x")
        ]
        with pytest.raises(InvalidTypeError, match="fields must be a mapping"):
            Engagement("form", at=AT, fields=5)

    def test_value(self):
        """Fields are made immutable; equal after a pickle."""
        engagement = Engagement("form", at=AT, fields={"a": 1}, note="two\nlines\t")
        assert engagement.fields == Fields({"a": 1})
        assert pickle.loads(pickle.dumps(engagement)) == engagement


class TestTouch:
    """One thing we did."""

    def test_members(self):
        """Values become members; nobody answered unless said otherwise."""
        touch = Touch("call", at=AT)
        assert touch.kind is TouchKind.CALL
        assert touch.outcome is TouchOutcome.NO_ANSWER
        assert Touch(TouchKind.EMAIL, at=AT, outcome="replied").outcome is TouchOutcome.REPLIED

    def test_all_problems_at_once(self):
        """Every field that is wrong."""
        with pytest.raises(InvalidTypeError) as caught:
            Touch("fax", at=date(2026, 3, 2), outcome="ok", subject="", note=None)
        assert [problem.path for problem in caught.value.problems] == ["kind", "at", "outcome", "subject", "note"]


class TestRfm:
    """Recency, frequency and monetary value as of a time."""

    @given(st.lists(st.tuples(st.integers(-5, 5), st.none() | st.integers(0, 9))), st.none() | st.integers(0, 6))
    def test_against_counting(self, drawn, within):
        """Later ones are left out, older than the window too; values are summed where there are any."""
        engagements = [
            Engagement("form", at=AT + timedelta(days=day), value=None if worth is None else Money(worth, "EUR"))
            for day, worth in drawn
        ]
        counted = [(day, worth) for day, worth in drawn if day <= 0 and (within is None or day >= -within)]
        worths = [worth for _, worth in counted if worth is not None]
        assert rfm(engagements, at=AT, within=None if within is None else timedelta(days=within)) == Rfm(
            recency=timedelta(days=-max(day for day, _ in counted)) if counted else None,
            frequency=len(counted),
            monetary=Money(sum(worths), "EUR") if worths else None,
        )

    def test_any_window(self):
        """The longest there is included."""
        assert rfm([Engagement("form", at=AT)], at=AT, within=timedelta.max).frequency == 1

    def test_mistakes(self):
        """Times without a zone, windows that are none, two currencies."""
        with pytest.raises(InvalidTypeError, match=r"at must be timezone-aware.*within must be a timedelta"):
            rfm([], at=datetime(2026, 3, 2), within=5)  # noqa: DTZ001
        values = [Engagement("form", at=AT, value=Money(1, currency)) for currency in ("EUR", "USD")]
        with pytest.raises(CurrencyMismatchError):
            rfm(values, at=AT)
