"""The domain's states and refusals in words for people, marked for the catalogues."""

from collections.abc import Mapping
from typing import Final

from service.web.language import N_
from workflows import errors
from workflows.errors import DomainError
from workflows.overview import Tab
from workflows.records.grant import EndReason, Grant, GrantState
from workflows.records.request import State
from workflows.records.role import DriftKind
from workflows.risk import Risk
from workflows.summary.levels import Level

REQUEST_STATES: Final[Mapping[State, tuple[str, str]]] = {
    State.UNASSIGNED: (N_("Not claimed"), "open"),
    State.ASSIGNED: (N_("Waiting for a decision"), "open"),
    State.PENDING_APPROVAL: (N_("Forwarded for approval"), "open"),
    State.ACCEPTED: (N_("Approved, not released"), "ready"),
    State.FINALIZED: (N_("Released"), "live"),
    State.REJECTED: (N_("Rejected"), "over"),
    State.EXPIRED: (N_("Expired"), "over"),
}
GRANT_STATES: Final[Mapping[GrantState, tuple[str, str]]] = {
    GrantState.PLANNED: (N_("Being set up"), "open"),
    GrantState.LIVE: (N_("Live"), "live"),
    GrantState.REVOKING: (N_("Revoking"), "open"),
    GrantState.REVOKED: (N_("Revoked"), "over"),
    GrantState.STUCK: (N_("Stuck: cannot be revoked yet"), "bad"),
}
_ENDED_BY_TIME: Final = (N_("Ended on time"), "over")

# What became of an act that was not done: a title, and what can be done about it. The nearest ancestor counts.
REFUSALS: Final[Mapping[type[DomainError], tuple[str, str]]] = {
    errors.WrongState: (
        N_("This is not possible any more"),
        N_("Meanwhile it was decided, released or ended. Your click changed nothing. Look at where it stands now."),
    ),
    errors.LostRace: (
        N_("Somebody else was faster"),
        N_("It was changed at the same moment. Your click changed nothing. Look at where it stands now."),
    ),
    errors.DigestMismatch: (
        N_("This is not what you reviewed"),
        N_("What you saw differs from what is stored. Nothing was approved. Read it again from the start."),
    ),
    errors.StepUpRefused: (
        N_("Your passkey did not confirm this"),
        N_("Nothing was changed. Go back, read the page again and confirm once more."),
    ),
    errors.RootDurationExceeded: (
        N_("Too long for root to approve"),
        N_("Root can lend access for four hours at most. Another user of the account can approve this."),
    ),
    errors.AccessDenied: (
        N_("You may not do this"),
        N_("Nothing was changed. An administrator of your account can give you the right, or do it."),
    ),
    errors.NoSuchEntity: (
        N_("There is nothing here for you"),
        N_("Either it does not exist, it belongs to another account, or it was claimed by somebody else."),
    ),
    errors.NotNarrower: (
        N_("This is not less than what was asked"),
        N_("Nothing was approved. Go back and take away what was not asked for."),
    ),
    errors.BadInput: (
        N_("Something in the form is not accepted"),
        N_("Nothing was changed. Go back and correct it."),
    ),
    errors.AlreadyExists: (N_("This exists already"), N_("Nothing was changed. Choose another name.")),
    errors.LimitExceeded: (N_("A limit is reached"), N_("Nothing was changed.")),
    errors.Throttled: (
        N_("Too many tries"),
        N_("Wait a minute, then try again. Nothing was changed."),
    ),
    errors.SignInRefused: (
        N_("This sign-in is not accepted"),
        N_("Check the account, the name and what you typed. A link from an invitation works once."),
    ),
    errors.ProviderFailed: (
        N_("Your company's sign-in did not work"),
        N_("Nothing was changed. Try again; if it stays like this, show this page to an administrator."),
    ),
    errors.NotSignedIn: (
        N_("You are not signed in any more"),
        N_("Your session ended while the page was open. Nothing was changed. Sign in and start from there again."),
    ),
    errors.Unavailable: (
        N_("The service cannot reach its records"),
        N_("Nothing was changed. Try again in a moment."),
    ),
}
LEVELS: Final[Mapping[Level, str]] = {
    Level.EVERYTHING: N_("everything"),
    Level.PERMISSIONS: N_("permissions"),
    Level.SECRETS: N_("secrets"),
    Level.DELETE: N_("delete"),
    Level.WRITE: N_("write"),
    Level.TAGGING: N_("tagging"),
    Level.READ: N_("read"),
    Level.LIST: N_("list"),
}
# The layers of a decision, as what somebody has too little of.
LAYERS: Final[Mapping[str, str]] = {
    "guardrail": N_("a guardrail of the account forbids it"),
    "identity": N_("no policy of yours allows it"),
    "boundary": N_("your permissions boundary lacks it"),
    "session": N_("the policy that is asked for does not allow it"),
    "resource": N_("the resource's own policy decides otherwise"),
}
RISKS: Final[Mapping[Risk, str]] = {
    Risk.PERMISSIONS: N_("It changes who may do what"),
    Risk.CREDENTIALS: N_("It gets at credentials or secrets"),
    Risk.EXPOSURE: N_("It can open things to the public or to other accounts"),
    Risk.DATA_WRITE: N_("It changes or deletes"),
    Risk.DATA_READ: N_("It reads"),
    Risk.WILDCARD: N_("It reaches very far"),
}
TABS: Final[Mapping[Tab, str]] = {
    Tab.PENDING: N_("Pending"),
    Tab.APPROVED: N_("Approved"),
    Tab.LIVE: N_("Live"),
    Tab.ENDED: N_("Ended"),
}
# Questions that people ask before they approve.
QUESTIONS: Final = (
    (N_("delete a bucket?"), "s3:DeleteBucket"),
    (N_("read stored files?"), "s3:GetObject"),
    (N_("read secrets?"), "secretsmanager:GetSecretValue"),
    (N_("create a role?"), "iam:CreateRole"),
    (N_("create an access key?"), "iam:CreateAccessKey"),
    (N_("start machines?"), "ec2:RunInstances"),
)
# What the hourly scan found, by its kind.
DRIFT: Final[Mapping[DriftKind, str]] = {
    DriftKind.ROLE_WITHOUT_GRANT: N_("A role that no grant stands for"),
    DriftKind.GRANT_WITHOUT_ROLE: N_("A grant whose role is gone"),
    DriftKind.BOUNDARY_CHANGED: N_("A role with another boundary than was approved"),
    DriftKind.CHANGED_OUTSIDE: N_("A role that was changed"),
}

# What a form has done, told on the page that follows it.
NOTICES: Final[Mapping[str, str]] = {
    "passkey-added": N_("The passkey is enrolled."),
    "passkey-removed": N_("The passkey is removed."),
    "session-ended": N_("The session is ended."),
    "claimed": N_("The request is yours. Read it, then decide."),
    "approved": N_("Approved. Nothing is lent before it is released."),
    "released": N_("Released. The partner has its exchange token, and the clock runs."),
    "rejected": N_("Rejected, for good. The partner is told."),
    "forwarded": N_("Forwarded to the administrators of your account."),
    "revoked": N_("Revoked. What was lent is refused from its next use on."),
    "invited": N_("The invitation is made."),
    "saved": N_("Saved."),
    "removed": N_("Removed."),
    "replayed": N_("The message is sent again."),
}
UNEXPECTED: Final = (
    N_("Something failed on our side"),
    N_("The failure is in the log. Nothing was changed unless the page says so when you load it again."),
)


def request_state(state: State) -> tuple[str, str]:
    """Return the words for a request's state, and its tone."""
    return REQUEST_STATES[state]


def grant_state(grant: Grant) -> tuple[str, str]:
    """Return the words for where a grant stands (as seen now), and its tone."""
    if grant.state is GrantState.REVOKED and grant.end_reason is EndReason.EXPIRED:
        return _ENDED_BY_TIME
    return GRANT_STATES[grant.state]


def refusal(failure: Exception) -> tuple[str, str]:
    """Return the title and the advice for a failure."""
    for kind in type(failure).__mro__:
        if kind in REFUSALS:
            return REFUSALS[kind]
    return UNEXPECTED
