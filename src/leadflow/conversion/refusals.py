"""
Refusals: why something cannot be planned, as values.

Theory. An expected "no" is not an error. A `Refusal` holds every reason at once, each with a code that a program acts
on, words for people, where it lies, and the records concerned; and the questions to ask when more knowledge would help.
The same `RefusalReason` on a plan is a warning: the plan stands, somebody should look.
"""

from collections.abc import Iterable
from enum import StrEnum

from attrs import field, frozen

from leadflow import markup
from leadflow.assessment import Question
from leadflow.validation import check, code, coded, each, instance, member, text, to_tuple, when

__all__ = ["Refusal", "RefusalCode", "RefusalReason"]


class RefusalCode(StrEnum):
    """Why not; what programs act on."""

    # What the record is.
    ALREADY_CONVERTED = "already_converted"
    DISQUALIFIED = "disqualified"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    MISSING_FIELDS = "missing_fields"
    # What the evidence says, and whether it counts.
    NOT_QUALIFIED = "not_qualified"
    UNDECIDED = "undecided"
    FOREIGN_EVIDENCE = "foreign_evidence"
    OUTDATED_EVIDENCE = "outdated_evidence"
    EXPIRED_EVIDENCE = "expired_evidence"
    FUTURE_EVIDENCE = "future_evidence"
    # What is there already.
    AMBIGUOUS_MATCH = "ambiguous_match"
    DUPLICATE = "duplicate"
    OPEN_DEAL = "open_deal"
    FOREIGN_CONTACT = "foreign_contact"
    FOREIGN_DEAL = "foreign_deal"
    CLOSED_DEAL = "closed_deal"
    UNKNOWN_RECORD = "unknown_record"
    ID_TAKEN = "id_taken"
    TOO_MANY_MATCHES = "too_many_matches"  # a warning: a criterion that tells nobody apart was left out
    # Who is to own it, and where it starts.
    INVALID_OWNER = "invalid_owner"
    INVALID_STAGE = "invalid_stage"
    # What it would hold.
    INVALID_VALUE = "invalid_value"
    DOUBTFUL_VALUE = "doubtful_value"  # a warning: it can be, and most often it is a mistake
    # What stands against merging, and against taking a step back.
    SAME_RECORD = "same_record"
    ALREADY_MERGED = "already_merged"
    CHAINED_MERGE = "chained_merge"
    WON_TWICE = "won_twice"
    UNMERGED_PROSPECTS = "unmerged_prospects"
    ERASED = "erased"
    NOT_MERGED = "not_merged"
    NOT_CONVERTED = "not_converted"
    NO_HISTORY = "no_history"
    MOVED = "moved"
    # What happened between planning and writing.
    PLAN_CHANGED = "plan_changed"
    CONFLICT = "conflict"


_to_code = member(RefusalCode)


def _code(value: RefusalCode | str) -> RefusalCode:
    return _to_code(value)


def _ids(values: Iterable[str]) -> tuple[str, ...]:
    return to_tuple(values)


@frozen
class RefusalReason:
    """
    One reason against something.

    Attributes:
        code: A `RefusalCode` or its value.
        message: In words, with the way out.
        path: Where it lies, e.g. ``contact`` or ``terms.amount``; empty: in the record as a whole.
        ids: The records concerned; of an earlier conversion, what it made, in the order account, contact,
            opportunities, prospect.
    """

    code: RefusalCode = field(converter=_code)
    message: str
    path: str = field(default="", kw_only=True)
    ids: tuple[str, ...] = field(default=(), kw_only=True, converter=_ids)

    def __attrs_post_init__(self) -> None:
        check(
            "RefusalReason",
            coded("code", self.code, RefusalCode),
            text("message", self.message, 100_000),
            instance("path", self.path, str, "text (str)"),
            *each("ids", self.ids, code),
        )

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def _reasons(values: Iterable[RefusalReason]) -> tuple[RefusalReason, ...]:
    return to_tuple(values)


def _questions(values: Iterable[Question]) -> tuple[Question, ...]:
    return to_tuple(values)


@frozen
class Refusal:
    """
    Why something cannot be done; nothing was changed.

    >>> print(Refusal("convert prospect 'P-1'", [RefusalReason("merged", "another prospect goes on for it")]))
    cannot convert prospect 'P-1': another prospect goes on for it

    Attributes:
        action: What was asked for, e.g. ``convert prospect 'P-1'``.
        reasons: All of them, at least one.
        questions: What to ask next, the most telling first, where the answer may change the verdict.
    """

    action: str
    reasons: tuple[RefusalReason, ...] = field(converter=_reasons)
    questions: tuple[Question, ...] = field(default=(), converter=_questions)

    def __attrs_post_init__(self) -> None:
        check(
            "Refusal",
            text("action", self.action),
            when(self.reasons == (), "reasons", "must hold at least one, got ()"),
            *each("reasons", self.reasons, instance, RefusalReason, "a RefusalReason"),
            *each("questions", self.questions, instance, Question, "a Question"),
        )

    @property
    def codes(self) -> frozenset[RefusalCode]:
        """The codes of all reasons."""
        return frozenset(reason.code for reason in self.reasons)

    def because(self, code: RefusalCode | str) -> RefusalReason | None:
        """Return the first reason with a code; None if there is none."""
        return next((reason for reason in self.reasons if reason.code == code), None)

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per reason."""
        return [
            {
                "code": reason.code.value,
                "where": reason.path or None,
                "reason": reason.message,
                "ids": ", ".join(reason.ids) or None,
            }
            for reason in self.reasons
        ]

    def __str__(self) -> str:
        asked = "".join(f"\nask: {question}" for question in self.questions)
        return f"cannot {self.action}: {'; '.join(map(str, self.reasons))}{asked}"

    def _repr_html_(self) -> str:
        asked = (markup.paragraph(f"ask: {question}") for question in self.questions)
        return markup.section(f"cannot {self.action}", markup.table(self.to_rows()), *asked)
