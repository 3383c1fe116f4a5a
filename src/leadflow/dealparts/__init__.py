"""
The parts a deal is made of, and why one is lost.

`reasons` has the coded lists of reasons and what each counts as; `parts` has roles, products, proposals, milestones,
origin, next step, objections and the team.
"""

from leadflow.dealparts.parts import (
    BuyingRole,
    ContactRole,
    Milestone,
    NextStep,
    Objection,
    OpportunityType,
    Origin,
    OriginKind,
    ProductInterest,
    Proposal,
    Side,
    TeamMember,
    primary_problem,
    to_products,
)
from leadflow.dealparts.reasons import (
    DISQUALIFICATION_REASONS,
    LOSS_REASONS,
    CountsAs,
    Reason,
    find_reason,
    reason_problems,
)

__all__ = [
    "DISQUALIFICATION_REASONS",
    "LOSS_REASONS",
    "BuyingRole",
    "ContactRole",
    "CountsAs",
    "Milestone",
    "NextStep",
    "Objection",
    "OpportunityType",
    "Origin",
    "OriginKind",
    "ProductInterest",
    "Proposal",
    "Reason",
    "Side",
    "TeamMember",
    "find_reason",
    "primary_problem",
    "reason_problems",
    "to_products",
]
