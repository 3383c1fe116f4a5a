"""Errors: one family, standard exceptions too, with their facts as fields, safe to pickle and copy."""

import copy
import inspect
import pickle

import pytest

from leadflow import errors
from leadflow.errors import (
    CurrencyMismatchError,
    HistoryError,
    InvalidError,
    InvalidTypeError,
    LeadflowError,
    LookAheadError,
    MissingRateError,
    NotAllowedError,
    Problem,
    UnknownNameError,
    did_you_mean,
)

CLASSES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, LeadflowError) and kind is not LeadflowError
]


def sample(name, annotation):
    """Return a value for a parameter of an error, told by its annotation."""
    if "Problem" in annotation:
        return (Problem("name", "must be text, got 1", is_type=True), Problem("", "is odd"))
    if "Iterable" in annotation:
        return ("one", "two")
    return 3 if annotation == "int" else f"the {name}"


def build(kind):
    """Return an error of a class with its fields by name."""
    parameters = list(inspect.signature(kind).parameters.values())
    fields = {
        parameter.name: sample(parameter.name, inspect.formatannotation(parameter.annotation).strip("'"))
        for parameter in parameters
    }
    return kind(*fields.values()), fields


@pytest.mark.parametrize("kind", CLASSES)
class TestEveryError:
    """What holds for each error class, also for one added tomorrow."""

    def test_it_keeps_its_facts(self, kind):
        """Every argument is a field."""
        error, fields = build(kind)
        assert {name: getattr(error, name) for name in fields} == fields

    def test_it_survives_pickling_and_copying(self, kind):
        """Class, fields, text and notes are the same afterwards."""
        error, fields = build(kind)
        error.add_note("while importing row 7")
        for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
            assert type(other) is kind
            assert str(other) == str(error)
            assert {name: getattr(other, name) for name in fields} == fields
            assert other.__notes__ == ["while importing row 7"]

    def test_it_is_a_standard_exception_too(self, kind):
        """A caller need not know us to catch it."""
        assert issubclass(kind, ValueError | TypeError | LookupError | RuntimeError | AssertionError)
        assert kind.__name__.endswith("Error")

    def test_its_text_is_a_clause(self, kind):
        """One line, without a full stop at the end, with the facts in it."""
        error, _ = build(kind)
        text = str(error)
        assert text
        assert "\n" not in text
        assert not text.endswith(".")

    def test_it_is_public(self, kind):
        """The module lists it, in order."""
        assert kind.__name__ in errors.__all__
        assert sorted(errors.__all__) == errors.__all__


class TestTexts:
    """What people read: subject, rule, what was got, the way out."""

    @pytest.mark.parametrize(
        ("error", "text"),
        [
            (InvalidError("Person", [Problem("name", "must be text")]), "Person: name must be text"),
            (
                InvalidTypeError("Person", [Problem("name", "must be text"), Problem("", "is odd")]),
                "Person: name must be text; is odd",
            ),
            (CurrencyMismatchError("add", "EUR", "USD"), "cannot add USD to EUR; convert one of them first"),
            (
                CurrencyMismatchError("subtract", "EUR", "USD"),
                "cannot subtract USD from EUR; convert one of them first",
            ),
            (CurrencyMismatchError("compare", "EUR", "USD"), "cannot compare USD with EUR; convert one of them first"),
            (
                MissingRateError("USD", "EUR", "2026-03-01"),
                (
                    "no exchange rate from USD to EUR on 2026-03-01; "
                    "add one dated 2026-03-01 or earlier to the ExchangeRates"
                ),
            ),
            (HistoryError("lead 'L-1'", 2, "must not open twice"), "lead 'L-1', event 2: must not open twice"),
            (
                NotAllowedError("win", "'O-17' in stage 'discovery'", ["allowed from here: lose"]),
                "cannot win 'O-17' in stage 'discovery' (allowed from here: lose)",
            ),
            (
                LookAheadError("lead 'L-1'", "2026-03-01", "2026-03-02"),
                (
                    "lead 'L-1' was last recorded at 2026-03-02, after 2026-03-01; "
                    "ask for what was known by then (as_of, Deal.of_all)"
                ),
            ),
            (
                UnknownNameError("lifecycle 'lead'", "move", "qualfy", ["qualify", "lose"]),
                "unknown move 'qualfy' in lifecycle 'lead' (did you mean 'qualify'?)",
            ),
        ],
    )
    def test_texts(self, error, text):
        """Each as agreed."""
        assert str(error) == text

    def test_a_long_list_is_cut(self):
        """Of very many problems a message tells the first twenty and how many more there are; the field has all."""
        twenty = InvalidError("brier", [Problem(f"outcomes[{place}]", "is odd") for place in range(20)])
        assert str(twenty).endswith("; outcomes[19] is odd")
        many = InvalidError("brier", [Problem(f"outcomes[{place}]", "is odd") for place in range(1_500)])
        assert str(many) == f"{twenty}; and 1,480 more (see problems)"
        assert len(many.problems) == 1_500


class TestProblem:
    """A problem knows where it is."""

    @pytest.mark.parametrize(
        ("path", "outer", "joined"),
        [("email", "person", "person.email"), ("[2].kind", "touches", "touches[2].kind"), ("", "person", "person")],
    )
    def test_paths_nest(self, path, outer, joined):
        """Seen from further out, the path grows at the front."""
        problem = Problem(path, "must be text", is_type=True).under(outer)
        assert (problem.path, problem.is_type) == (joined, True)
        assert str(problem) == f"{joined} must be text"

    def test_without_a_path_it_is_about_the_whole(self):
        """The message stands alone."""
        assert str(Problem("", "must be a mapping")) == "must be a mapping"


class TestDidYouMean:
    """A hint names the nearest, else what there is."""

    def test_nearest(self):
        """The closest known name."""
        assert did_you_mean("comit", ["commit", "closed"]) == " (did you mean 'commit'?)"

    def test_nothing_near(self):
        """All known names, sorted."""
        assert did_you_mean("zzz", {"b": 1, "a": 2}) == " (known: a, b)"

    def test_nothing_known(self):
        """An empty list is said in words."""
        assert did_you_mean("zzz", []) == " (none is known)"
