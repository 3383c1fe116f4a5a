"""Older dicts are lifted step by step, newer ones refused."""

import json

import pytest

from leadflow import Engagement, InvalidError, Lead, Money, Person
from leadflow.codec import UPCASTERS, Codec

from .building import AT, DEAL

VALUE = Money("48000.50", "EUR")


def from_cents(plain):
    """Say what money was in a first version that never was: cents."""
    return {"amount": f"{plain['cents'] / 100:.2f}", "unit": plain["unit"]}


def to_codes(plain):
    """Say what it was in a second."""
    return {"amount": plain["amount"], "currency": plain["unit"].upper()}


def rename(plain):
    """Say that a person was called otherwise in the second version."""
    return {"name" if key == "full_name" else key: value for key, value in plain.items()}


LIFTED = Codec(upcasters={("money", 1): from_cents, ("money", 2): to_codes, ("person", 2): rename})


class TestOlder:
    """A dict of an older version is lifted through every version between."""

    def test_the_version_follows_from_the_upcasters(self):
        """It is one more than the last they lift from; leadflow's own form is in its first."""
        assert (Codec().version, LIFTED.version, dict(UPCASTERS)) == (1, 3, {})
        assert LIFTED.dump(VALUE) == {**Codec().dump(VALUE), "version": 3}
        assert LIFTED.load(LIFTED.dump(VALUE)) == VALUE

    @pytest.mark.parametrize(
        ("version", "data"),
        [
            (1, {"cents": 4800050, "unit": "eur"}),
            (2, {"amount": "48000.50", "unit": "eur"}),
            (3, {"amount": "48000.50", "currency": "EUR"}),
        ],
    )
    def test_step_by_step(self, version, data):
        """Each version is read as what it was then."""
        kept = json.dumps(data)
        assert LIFTED.load({"leadflow": "money", "version": version, "data": data}, Money) == VALUE
        assert json.dumps(data) == kept

    def test_parts_are_lifted_where_they_stand(self):
        """A lead of version 1 holds a person and money of version 1; what has no upcaster is as it was."""
        lead = Lead.capture(
            "L-1", person=Person("Mara", phone="1"), engagement=Engagement("form", at=AT, value=VALUE), at=AT
        )
        plain = json.loads(
            json.dumps(Codec().dump(lead))
            .replace('{"name": "Mara"', '{"full_name": "Mara"')
            .replace('{"amount": "48000.50", "currency": "EUR"}', '{"cents": 4800050, "unit": "eur"}')
        )
        assert LIFTED.load(plain) == lead
        assert LIFTED.load(LIFTED.dump(lead)) == lead

    def test_what_cannot_be_lifted(self):
        """The function's stumble is told with the path, together with everything else."""
        plain = {"leadflow": "recurring", "version": 1, "data": {"amount": {"cents": "x"}, "every_months": "3"}}
        with pytest.raises(InvalidError) as caught:
            LIFTED.load(plain)
        assert [problem.path for problem in caught.value.problems] == ["data.amount", "data.every_months"]
        assert "cannot be lifted from version 1 (TypeError" in str(caught.value)
        with pytest.raises(InvalidError, match=r"data\.amount must be a dict"):
            LIFTED.load({**plain, "data": {"amount": 5, "every_months": 3}})

    def test_what_came_in_stays_as_it_is(self):
        """An upcaster that works in place changes a copy, at whatever depth: the caller's dict stays as it is."""

        def in_place(plain):
            plain["currency"] = plain.pop("unit")["code"].pop().upper()
            return plain

        lifted = Codec(upcasters={("money", 1): in_place})
        plain = {"leadflow": "money", "version": 1, "data": {"amount": "48000.50", "unit": {"code": ["eur"]}}}
        kept = json.dumps(plain)
        assert lifted.load(plain) == lifted.load(plain) == VALUE
        assert json.dumps(plain) == kept


class TestOthers:
    """Versions that are none, and those to come."""

    def test_newer(self):
        """It names the version that it knows, and what to do."""
        with pytest.raises(InvalidError, match=r"version is newer than 1, .*, got 2; upgrade leadflow to read it"):
            Codec().load({**Codec().dump(DEAL), "version": 2})

    @pytest.mark.parametrize("version", [10**5000, -(10**5000)], ids=["large", "small"])
    def test_what_python_cannot_write_out(self, version):
        """A version of more than 4300 digits is refused like any other."""
        with pytest.raises(InvalidError, match=r"version .*got a value of type int"):
            Codec().load({**Codec().dump(VALUE), "version": version})

    @pytest.mark.parametrize("version", [0, -1, "1", 1.0, True, None, [1]])
    def test_none(self, version):
        """A version is a whole number from 1."""
        with pytest.raises(InvalidError, match="version must be"):
            Codec().load({**Codec().dump(VALUE), "version": version})


class TestMistakes:
    """What is wrong with the upcasters is told when the codec is made, all at once."""

    def test_all_at_once(self):
        """Unknown kinds with the nearest, versions that are none, what is no function."""
        with pytest.raises(InvalidError) as caught:
            Codec(
                upcasters={
                    ("leed", 1): rename,
                    ("lead", 0): rename,
                    "lead": rename,
                    ("lead", 1): 5,
                    ("contact", True): rename,
                    ("contact", -(10**5000)): rename,
                }
            )
        message = str(caught.value)
        assert "did you mean 'lead'?" in message
        assert "must lift from version 1 or later, got 0" in message
        assert message.count("must be a pair") == 2
        assert "must be a function, got 5" in message

    def test_no_table(self):
        """A list of functions is none."""
        with pytest.raises(InvalidError, match="upcasters must be a mapping"):
            Codec(upcasters=[rename])
