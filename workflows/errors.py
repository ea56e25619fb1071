"""Every failure the domain can name, in domain words.

No HTTP status and no wire code lives here: `service/failures.py` maps each class to each wire once.
Messages are safe to show to the caller that provoked them; none carries a secret.
They are plain classes because a frozen, slotted dataclass cannot travel through a context manager as an exception.
"""

from collections.abc import Sequence
from typing import Final


class DomainError(Exception):
    """The root of every failure that the domain raises on purpose."""


# --- what came in is wrong -------------------------------------------------------------------------------


class BadInput(DomainError):
    """A field of the input breaks a rule; the message names the field, what was wrong and what is accepted."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"`{field}` {problem}")
        self.field: Final = field
        self.problem: Final = problem


class MalformedPolicy(BadInput):
    """A policy document is refused; `path` is the JSON path of the offending place, such as `$.Statement[0].Effect`."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path: Final = path


class MalformedDocument(MalformedPolicy):
    """A policy document that is to be stored in an account is refused."""


class UnmodifiableEntity(DomainError):
    """This cannot be changed by anybody, or only by way of a new approved request."""


class NotAttachable(DomainError):
    """The policy exists and cannot serve here."""


class PackedPolicyTooLarge(DomainError):
    """Session policies and tags are together larger than a session may carry."""


class UnreadableMessage(DomainError):
    """An encoded authorization message is not one that we wrote for this account."""

    def __init__(self) -> None:
        super().__init__("the encoded authorization message is not one that was given to this account")


class ReviewRefused(DomainError):
    """The review of what is to be registered found something critical.

    `findings` are rule, severity, statement, message.
    What it finds is told in full, because whoever registers has to answer for it.
    """

    def __init__(self, findings: Sequence[tuple[str, str, str, str]], consequence: str) -> None:
        told = "; ".join(f"{severity} {rule} ({place or 'all'}): {said}" for rule, severity, place, said in findings)
        super().__init__(f"{consequence}: {told}")
        self.findings: Final = tuple(findings)


class AcceptanceNeeded(ReviewRefused):
    """The review found things that somebody has to accept, with a reason."""


class NotNarrower(BadInput):
    """What an owner would lend instead is not proven to stay within what was asked; the message has the evidence."""


class TemplateMismatch(BadInput):
    """The parameters of a request do not fit the policy template, or the result is not a policy we would sign."""


class ConstraintViolation(DomainError):
    """One or more members break a length, range, pattern or enum of the interface's model."""

    def __init__(self, violations: Sequence[str]) -> None:
        count = len(violations)
        noun = "error" if count == 1 else "errors"
        super().__init__(f"{count} validation {noun} detected: " + "; ".join(violations))
        self.violations: Final = tuple(violations)


class WrongState(DomainError):
    """The act is not open to a request or grant in its present state."""

    def __init__(self, thing: str, state: str, act: str) -> None:
        super().__init__(f"the {thing} is {state}; `{act}` is not possible in this state")
        self.state: Final = state
        self.act: Final = act


class RootDurationExceeded(DomainError):
    """Root tried to approve a request that is longer than root may approve (4 hours)."""


class DigestMismatch(DomainError):
    """The reviewer saw something other than what is stored: the review has to start over."""

    def __init__(self) -> None:
        super().__init__("the digest is not the digest of this request; read the request again before you accept it")


# --- what was asked for is not there, or already is ------------------------------------------------------


class NoSuchEntity(DomainError):
    """Nothing of this kind and name exists, or the caller must not learn that it does."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"no {kind} `{name}`")
        self.kind: Final = kind
        self.name: Final = name


class AlreadyExists(DomainError):
    """A name that must be unique is taken."""

    def __init__(self, kind: str, name: str, *, existing_id: str | None = None) -> None:
        hint = f" (its id is `{existing_id}`)" if existing_id else ""
        super().__init__(f"the {kind} `{name}` exists already{hint}")
        self.existing_id: Final = existing_id


class DeleteConflict(DomainError):
    """Something still depends on what is to be deleted; the message says what."""


class LimitExceeded(DomainError):
    """A quota is used up; the message names the quota and its size."""


class SimulationStopped(DomainError):
    """A simulated question cost more than one decision may; what the policies answer is not known."""

    def __init__(self, action: str, resource: str, limit: str) -> None:
        super().__init__(f"the policies could not be evaluated for {action} on {resource}: {limit}")


class NotDecided(DomainError):
    """A question about policies was answered neither way within the work that one question may cost."""

    def __init__(self, bound: str) -> None:
        super().__init__(f"the question cannot be decided: the policies go beyond what is looked at ({bound})")
        self.bound: Final = bound


class UnusableDocument(BadInput):
    """A policy that a question is about cannot be read, or the question itself asks for nothing."""


class LostRace(DomainError):
    """Somebody else changed the row first; reading it again shows what they did."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"the {kind} `{name}` was changed by somebody else at the same moment; read it again")


class Throttled(DomainError):
    """The caller is asking faster than it may."""


# --- who is asking ---------------------------------------------------------------------------------------


class Unauthenticated(DomainError):
    """The root of every failure to establish who is calling."""


class MissingAuthentication(Unauthenticated):
    """The request carries no credential at all."""

    def __init__(self) -> None:
        super().__init__("the request carries no credential; sign it with Signature Version 4 or send an API token")


class IncompleteSignature(Unauthenticated):
    """The request carries a credential that is malformed, ambiguous or does not cover what it must cover."""


class UnknownCredential(Unauthenticated):
    """The access key, session token or API token is not one that we would accept."""

    def __init__(self) -> None:
        super().__init__("the security token included in the request is invalid")


class SignatureMismatch(Unauthenticated):
    """The signature is not the one that the secret of this access key makes over this request."""

    def __init__(self) -> None:
        super().__init__("the request signature we calculated does not match the signature you provided")


class SignatureExpired(Unauthenticated):
    """The request was signed too long ago, or in the future."""


class SessionExpired(Unauthenticated):
    """The temporary credential is past its deadline or was revoked."""

    def __init__(self) -> None:
        super().__init__("the security token included in the request is expired")


class SignInRefused(Unauthenticated):
    """A sign-in fails; whether the account, the name, the password or the code was wrong is not told."""

    def __init__(self) -> None:
        super().__init__("this sign-in is not accepted; check the account, the name and what you typed")


class ProviderFailed(Unauthenticated):
    """The account's identity provider refused, cannot be reached, or answered with what must not be believed."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"the identity provider did not sign you in: {problem}")
        self.problem: Final = problem


class NotSignedIn(Unauthenticated):
    """There is no session, or it has ended; signing in again makes a new one."""

    def __init__(self) -> None:
        super().__init__("you are not signed in, or your session has ended")


class StepUpRefused(DomainError):
    """A passkey's answer is missing, stale, used, or does not prove this act by this person."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"the passkey did not confirm this: {problem}")
        self.problem: Final = problem


class AccessDenied(DomainError):
    """The caller is known and may not do this; `explicit` when a policy says so rather than none allowing it."""

    def __init__(
        self,
        *,
        principal: str,
        action: str,
        resource: str,
        because: str,
        explicit: bool = False,
    ) -> None:
        super().__init__(
            f"User: {principal} is not authorized to perform: {action} on resource: {resource} {because}",
        )
        self.action: Final = action
        self.because: Final = because
        self.explicit: Final = explicit


# --- exchange tokens -------------------------------------------------------------------------------------


class InvalidExchangeToken(DomainError):
    """The exchange token is unknown or malformed; which of the two is not told."""

    def __init__(self) -> None:
        super().__init__("Invalid trade-in token")


class ExpiredExchangeToken(DomainError):
    """The exchange token is past its deadline, or what it stands for was revoked."""

    def __init__(self) -> None:
        super().__init__("the trade-in token is expired")


# --- the house itself ------------------------------------------------------------------------------------


class Unavailable(DomainError):
    """The store or another part that the answer depends on cannot be reached; nothing was changed."""


class SealBroken(DomainError):
    """A sealed secret does not open: it was altered, moved to another row, or sealed under a key we do not hold."""
