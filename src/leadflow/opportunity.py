"""
An opportunity: a deal, and what may be done with it when.

Its pipeline says which moves there are and what a stage requires; the ``can_...`` twins explain what stands against a
command, the command refuses with the same words. What the attributes mean, and how events change them, is in
`leadflow.dealstate`.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final, Self, Unpack, assert_never

from attrs import frozen

from leadflow.allowance import ALLOWED, Allowance
from leadflow.commands import command
from leadflow.dealparts import (
    LOSS_REASONS,
    BuyingRole,
    OpportunityType,
    ProductInterest,
    Reason,
    TeamMember,
    find_reason,
    reason_problems,
)
from leadflow.dealstate import DealStanding, OpportunityEvent
from leadflow.errors import Problem, did_you_mean
from leadflow.events import (
    AmountSet,
    ExpectedCloseSet,
    ForecastCalled,
    OpportunityLost,
    OpportunityReopened,
    OpportunityWon,
    PipelineAdopted,
    ProbabilitySet,
    StageChanged,
    When,
    Withdrawn,
)
from leadflow.events.dealopenings import worth
from leadflow.fields import FieldValue
from leadflow.money import Money, Recurring
from leadflow.pipeline import ForecastCategory, Pipeline, Requirement, Stage, StageCategory
from leadflow.validation import built, check, instance, optional

__all__ = ["Opportunity"]

# Roles that satisfy a stage which requires a decision-maker.
DECIDERS = (BuyingRole.DECISION_MAKER, BuyingRole.ECONOMIC_BUYER)

# How a deal gets what a stage requires.
_WAYS: Final[Mapping[Requirement, str]] = {
    Requirement.AMOUNT: "set_amount",
    Requirement.EXPECTED_CLOSE: "set_expected_close",
    Requirement.NEXT_STEP: "set_next_step",
    Requirement.DECISION_MAKER: f"add_role {' or '.join(DECIDERS)}",
    Requirement.PRIMARY_CONTACT: "add_role",
}


@frozen(eq=False, repr=False)
class Opportunity(DealStanding):
    """
    A deal.

    Made by `leadflow.conversion.plan_conversion`, by `open` where there is no prospect, or by `imported` from a record
    without history. Its attributes are described at `DealStanding`; see `DealWork` for roles, milestones and the like,
    and `Entity` for what every record has.
    """

    def can_change(self) -> Allowance:
        """Whether something may be recorded: until it is merged or withdrawn."""
        if self.merged_into is not None:
            return Allowance((self._goes_on(),))
        return Allowance(("its conversion was undone",)) if self.is_withdrawn else ALLOWED

    def can_move_to(self, stage: str) -> Allowance:
        """Whether `move_to` is possible: the pipeline allows it and the deal has what the stage requires."""
        return self._may_enter(stage, self.amount)

    def can_win(self, amount: Money | Recurring | None = None, *, stage: str | None = None) -> Allowance:
        """Whether `win` is possible now, given the amount that it would reveal."""
        target = self.pipeline.won_stage.code if stage is None else stage
        check("can_win", optional(instance, "amount", amount, (Money, Recurring), "Money or a Recurring"))
        revealed = worth(amount)[0]
        allowed = self._may_enter(target, self.amount if revealed is None else revealed)
        return self._may_close(allowed, target, StageCategory.WON)

    def can_lose(self, *, stage: str | None = None) -> Allowance:
        """Whether `lose` is possible now."""
        target = self.pipeline.lost_stage.code if stage is None else stage
        return self._may_close(self._may_enter(target, self.amount), target, StageCategory.LOST)

    def _may_close(self, allowed: Allowance, code: str, category: StageCategory) -> Allowance:
        if allowed and self.stage.category is category:
            return allowed.but(f"it is {category} since {self.closed_at}; use move_to for another {category} stage")
        if any(known.code == code and known.category is not category for known in self.pipeline.stages):
            return allowed.but(f"stage {code!r} is no {category} stage")
        return allowed

    def can_reopen(self) -> Allowance:
        """Whether `reopen` is possible now: it is won or lost."""
        if self.stage.is_open:
            return self.can_change().but(f"it is open; {self._moves_words()}")
        return self.can_change()

    def can_call(self) -> Allowance:
        """Whether `call`, `set_probability` and `set_expected_close` are possible now: it is open."""
        if not self.stage.is_open:
            return self.can_change().but(f"it is {self.stage.category}; reopen it first")
        return self.can_change()

    def can_adopt(self, pipeline: Pipeline) -> Allowance:
        """Whether the deal can go on under a pipeline: its stage code exists there, in the same category."""
        check("can_adopt", instance("pipeline", pipeline, Pipeline, "a Pipeline"))
        found = next((known for known in pipeline.stages if known.code == self.stage.code), None)
        if found is None:
            lacks = f"pipeline {pipeline.id!r} has no stage {self.stage.code!r}"
            return self.can_change().but(f"{lacks}; {self._shared(pipeline)}")
        if found.category is not self.stage.category:
            return self.can_change().but(
                f"stage {found.code!r} is {found.category} there, the deal is {self.stage.category}"
            )
        return self.can_change()

    # -- commands --------------------------------------------------------------------------------------------------

    @command
    def move_to(self, stage: str, *, reason: Reason | str | None = None, note: str = "", **when: Unpack[When]) -> Self:
        """
        Move the deal to another stage; into a won or lost one, this wins or loses it.

        Args:
            stage: Code of the stage.
            reason: Why it is lost, when the stage is a lost one; see `lose`.
            note: More in words.
            **when: See `When`.

        Raises:
            UnknownStageError: If the pipeline has no such stage.
            NotAllowedError: If the pipeline forbids the move, or the deal lacks what the stage requires.
            InvalidError: If a reason is missing, unknown, or given where nothing is lost.
        """
        target = self.pipeline.stage(stage)
        self.require("move", self.can_move_to(stage), f"to {stage!r}")
        return self._record(self._moved(target, reason, note, when))

    @command
    def win(
        self,
        amount: Money | Recurring | None = None,
        *,
        stage: str | None = None,
        note: str = "",
        **when: Unpack[When],
    ) -> Self:
        """
        Win the deal.

        Args:
            amount: The final amount, if it changed.
            stage: Code of the won stage. Default: the pipeline's first.
            note: More in words.
            **when: See `When`.

        Raises:
            UnknownStageError: If the pipeline has no such stage.
            NotAllowedError: If the deal is closed, lacks what the stage requires, or the stage is no won one.
        """
        target = self.pipeline.won_stage if stage is None else self.pipeline.stage(stage)
        self.require("win", self.can_win(amount, stage=target.code))
        revealed = () if amount is None else (self._amount_event(amount, when),)
        return self._record(*revealed, self._moved(target, None, note, when))

    @command
    def lose(self, reason: Reason | str, *, stage: str | None = None, note: str = "", **when: Unpack[When]) -> Self:
        """
        Lose the deal.

        Args:
            reason: A code out of `LOSS_REASONS`, or the host's own `Reason`.
            stage: Code of the lost stage. Default: the pipeline's first.
            note: More in words; needed with ``other``.
            **when: See `When`.

        Raises:
            InvalidError: If the reason is unknown or says nothing without a note.
            UnknownStageError: If the pipeline has no such stage.
            NotAllowedError: If the deal is closed, or the stage is no lost one.
        """
        target = self.pipeline.lost_stage if stage is None else self.pipeline.stage(stage)
        self.require("lose", self.can_lose(stage=target.code))
        return self._record(self._moved(target, reason, note, when))

    @command
    def reopen(self, *, note: str = "", **when: Unpack[When]) -> Self:
        """
        Take a closed deal up again, in the open stage it was in last.

        `closed_at` and `reason` are cleared and stay in the history; `expected_close` stays.

        Raises:
            NotAllowedError: If it is open or withdrawn.
        """
        self.require("reopen", self.can_reopen())
        codes = {known.code for known in self.pipeline.open_stages}
        last = self.last_open_stage
        target = (
            self.pipeline.stage(last.code) if last is not None and last.code in codes else self.pipeline.entry_stage
        )
        return self._record(OpportunityReopened(stage=target, note=note, **when))

    @command
    def call(self, category: ForecastCategory | str | None, *, pinned: bool = False, **when: Unpack[When]) -> Self:
        """
        Give the deal a forecast category of one's own.

        Args:
            category: omitted, pipeline, best_case, most_likely or commit; None takes the call back.
            pinned: Whether the call outlasts a change of stage.
            **when: See `When`.

        Raises:
            InvalidError: If the category is unknown, or ``closed``: only winning closes a deal.
            NotAllowedError: If the deal is not open.
        """
        self.require("call", self.can_call())
        return self._record(ForecastCalled(category=category, pinned=pinned, **when))

    @command
    def set_amount(self, amount: Money | Recurring, **when: Unpack[When]) -> Self:
        """
        Set what the deal is worth; possible after closing too, since final figures come late.

        Args:
            amount: The amount. A `Recurring` sets both: how it recurs, and the total contract value as the amount (a
                year's worth where the term is open).
            **when: See `When`.
        """
        self.require("set the amount of", self.can_change())
        return self._record(self._amount_event(amount, when))

    @command
    def set_expected_close(self, expected_close: date, **when: Unpack[When]) -> Self:
        """
        Set the day the deal is expected to close.

        Raises:
            NotAllowedError: If the deal is not open.
        """
        self.require("set the expected close of", self.can_call())
        return self._record(ExpectedCloseSet(expected_close=expected_close, **when))

    @command
    def set_probability(self, probability: float | None, **when: Unpack[When]) -> Self:
        """
        Estimate the chance of winning by hand; lasts until the next change of stage.

        Args:
            probability: In [0, 1]; None goes back to the stage's.
            **when: See `When`.

        Raises:
            InvalidError: If it is not a probability.
            NotAllowedError: If the deal is not open.
        """
        self.require("set the probability of", self.can_call())
        return self._record(ProbabilitySet(probability=probability, **when))

    @command
    def adopt(self, pipeline: Pipeline, **when: Unpack[When]) -> Self:
        """
        Go on under another pipeline, or another version of the deal's own.

        Raises:
            NotAllowedError: If the present stage code does not exist there in the same category.
        """
        self.require("adopt a pipeline for", self.can_adopt(pipeline))
        return self._record(PipelineAdopted(pipeline=pipeline, stage=pipeline.stage(self.stage.code), **when))

    def can_withdraw(self) -> Allowance:
        """Whether `withdraw` is possible now."""
        return self.can_change()

    @command
    def withdraw(self, *, note: str = "", **when: Unpack[When]) -> Self:
        """
        Take the deal out of every rollup, forecast and funnel because the conversion that made it is undone.

        Raises:
            NotAllowedError: If it is withdrawn already.
        """
        self.require("withdraw", self.can_withdraw())
        return self._record(Withdrawn(note=note, **when))

    @command
    def correct(
        self,
        *,
        name: str | None = None,
        account_id: str | None = None,
        type: OpportunityType | str | None = None,  # noqa: A002 - the field's word
        source: str | None = None,
        campaign: str | None = None,
        product_interest: Iterable[ProductInterest | str] | None = None,
        needs: Iterable[str] | None = None,
        competitors: Iterable[str] | None = None,
        team: Iterable[TeamMember] | None = None,
        tags: Iterable[str] | None = None,
        fields: Mapping[str, FieldValue] | None = None,
        clear: Iterable[str] = (),
        note: str = "",
        **when: Unpack[When],
    ) -> Self:
        """
        Put attributes right; those not mentioned stay, those in `clear` are blanked, collections are replaced.

        Raises:
            InvalidError: If nothing is mentioned, or a value or a name to clear is wrong.
            NotAllowedError: If it is withdrawn.
        """
        values = {
            "name": name,
            "account_id": account_id,
            "type": type,
            "source": source,
            "campaign": campaign,
            "product_interest": product_interest,
            "needs": needs,
            "competitors": competitors,
            "team": team,
            "tags": tags,
            "fields": fields,
        }
        return self._corrected(clear, note, values, when)

    def _may_enter(self, code: str, amount: Money | None) -> Allowance:
        allowed = self.can_change()
        if code not in self.pipeline.moves_from(self.stage.code):
            codes = [known.code for known in self.pipeline.stages]
            if code not in codes:
                return allowed.but(
                    f"pipeline {self.pipeline.id!r} has no stage {code!r}{did_you_mean(str(code), codes)}"
                )
            return allowed.but(self._moves_words())
        lacking = sorted(need for need in self.pipeline.stage(code).requires if not self._has(need, amount))
        if lacking:
            ways = "; ".join(f"{need} ({_WAYS[need]})" for need in lacking)
            return allowed.but(f"stage {code!r} requires {ways}")
        return allowed

    def _has(self, need: Requirement, amount: Money | None) -> bool:
        match need:
            case Requirement.AMOUNT:
                return amount is not None
            case Requirement.EXPECTED_CLOSE:
                return self.expected_close is not None
            case Requirement.NEXT_STEP:
                return self.next_step is not None
            case Requirement.DECISION_MAKER:
                return any(role.role in DECIDERS for role in self.contact_roles)
            case Requirement.PRIMARY_CONTACT:
                return self.primary_contact_id is not None
            case _:
                assert_never(need)

    def _shared(self, pipeline: Pipeline) -> str:
        """Return the way to a pipeline that lacks the present stage."""
        theirs = {known.code for known in pipeline.stages}
        codes = [code for code in self.pipeline.moves_from(self.stage.code) if code in theirs]
        if codes:
            return f"move to a stage that both have first: {', '.join(codes)}"
        return "no stage that can be reached from here is in both; give the new pipeline a stage of this code"

    def _moves_words(self) -> str:
        moves = [self._command(code) for code in self.pipeline.moves_from(self.stage.code)]
        return f"allowed from here: {', '.join(moves if self.stage.is_open else [*moves, 'reopen'])}"

    def _command(self, code: str) -> str:
        if self.stage.is_open and code == self.pipeline.won_stage.code:
            return "win"
        return "lose" if self.stage.is_open and code == self.pipeline.lost_stage.code else f"move_to {code}"

    def _moved(self, target: Stage, reason: Reason | str | None, note: str, when: When) -> OpportunityEvent:
        """Return the event of entering a stage: its kind follows from the two categories."""
        if target.is_lost and not self.stage.is_lost:
            found: Any = None if reason is None else find_reason(reason, LOSS_REASONS)
            wrong = reason_problems(found, LOSS_REASONS, note)
            return built("lose", lambda: OpportunityLost(stage=target, reason=found, note=note, **when), *wrong)
        kind = OpportunityWon if target.is_won and not self.stage.is_won else StageChanged
        if reason is None:
            return kind(stage=target, note=note, **when)
        rule = f"must be left out where nothing is lost, got {reason!r}"
        return built("move_to", lambda: kind(stage=target, note=note, **when), Problem("reason", rule))

    def _amount_event(self, amount: Money | Recurring, when: When) -> AmountSet:
        priced, recurring = worth(amount)
        return AmountSet(amount=priced, recurring=recurring, **when)  # type: ignore[arg-type]  # the event refuses None
