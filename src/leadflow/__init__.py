"""
The front half of selling: leads, prospects and opportunities as immutable values, and the rules between them.

leadflow does no I/O: the host stores, sends and schedules; times, ids and chance are arguments. What is here is what
most code needs; `leadflow.qualification`, `leadflow.conversion`, `leadflow.forecasting` and `leadflow.stores` hold the
rest.
"""

from leadflow import pipelines
from leadflow.account import Account
from leadflow.allowance import Allowance
from leadflow.assessment import Assessment, Evidence, Verdict
from leadflow.calendar import FiscalCalendar, Period
from leadflow.contact import Contact
from leadflow.dealparts import (
    DISQUALIFICATION_REASONS,
    LOSS_REASONS,
    BuyingRole,
    ContactRole,
    CountsAs,
    Milestone,
    NextStep,
    Objection,
    OpportunityType,
    Origin,
    ProductInterest,
    Proposal,
    Reason,
    TeamMember,
)
from leadflow.discovery import Discovery, Learned
from leadflow.engagement import KINDS as ENGAGEMENT_KINDS
from leadflow.engagement import Engagement, Proactive, Rfm, Touch, rfm
from leadflow.errors import (
    CurrencyMismatchError,
    HistoryError,
    InvalidError,
    InvalidTypeError,
    KeyConflictError,
    LeadflowError,
    LookAheadError,
    MissingRateError,
    NotAllowedError,
    Problem,
    UnknownNameError,
    UnknownStageError,
)
from leadflow.events import When
from leadflow.fields import Fields
from leadflow.ids import AccountId, ContactId, LeadId, ListEntryId, OpportunityId, ProspectId
from leadflow.lead import Lead
from leadflow.lifecycle import LeadStatus, Lifecycle, ProspectStatus
from leadflow.listentry import ListEntry
from leadflow.money import ExchangeRates, Money, Rate, Recurring
from leadflow.opportunity import Opportunity
from leadflow.party import Channel, Company, Consent, EmailAddress, Person
from leadflow.pipeline import ForecastCategory, Pipeline, Stage, StageCategory
from leadflow.prospect import Prospect

__all__ = [
    "DISQUALIFICATION_REASONS",
    "ENGAGEMENT_KINDS",
    "LOSS_REASONS",
    "Account",
    "AccountId",
    "Allowance",
    "Assessment",
    "BuyingRole",
    "Channel",
    "Company",
    "Consent",
    "Contact",
    "ContactId",
    "ContactRole",
    "CountsAs",
    "CurrencyMismatchError",
    "Discovery",
    "EmailAddress",
    "Engagement",
    "Evidence",
    "ExchangeRates",
    "Fields",
    "FiscalCalendar",
    "ForecastCategory",
    "HistoryError",
    "InvalidError",
    "InvalidTypeError",
    "KeyConflictError",
    "Lead",
    "LeadId",
    "LeadStatus",
    "LeadflowError",
    "Learned",
    "Lifecycle",
    "ListEntry",
    "ListEntryId",
    "LookAheadError",
    "Milestone",
    "MissingRateError",
    "Money",
    "NextStep",
    "NotAllowedError",
    "Objection",
    "Opportunity",
    "OpportunityId",
    "OpportunityType",
    "Origin",
    "Period",
    "Person",
    "Pipeline",
    "Proactive",
    "Problem",
    "ProductInterest",
    "Proposal",
    "Prospect",
    "ProspectId",
    "ProspectStatus",
    "Rate",
    "Reason",
    "Recurring",
    "Rfm",
    "Stage",
    "StageCategory",
    "TeamMember",
    "Touch",
    "UnknownNameError",
    "UnknownStageError",
    "Verdict",
    "When",
    "pipelines",
    "rfm",
]
