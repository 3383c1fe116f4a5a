"""
What a policy found: verdict, score range, findings, and the questions that are left.

Theory. A criterion is true, false or unknown, and so is the whole: a verdict is certain only when no answer to what is
still unknown could change it. `findings` holds the parts, `words` says them to people, `records` holds the two forms of
the whole: the quick `Assessment` and the `Evidence` that is kept. Policies themselves live in `leadflow.qualification`;
any object with ``assess(subject, *, at)`` is one.
"""

from leadflow.assessment.findings import Explanation, Finding, FindingKind, Question, Verdict
from leadflow.assessment.records import Assessment, Assessor, Basis, Evidence, Explainer
from leadflow.assessment.words import points_text, shown

__all__ = [
    "Assessment",
    "Assessor",
    "Basis",
    "Evidence",
    "Explainer",
    "Explanation",
    "Finding",
    "FindingKind",
    "Question",
    "Verdict",
    "points_text",
    "shown",
]
