"""Domain error to wire, once: the AWS code and status, and the status, type and title of a problem (RFC 9457).

A house test holds that every domain error has a row and that each modelled AWS code has the model's status.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from workflows import errors
from workflows.errors import DomainError


@dataclass(frozen=True, slots=True)
class Face:
    """How an error looks: on the AWS wire (status, code, whose fault) and as a problem of the JSON API."""

    aws_status: int
    aws_code: str
    status: int
    problem: str
    title: str

    @property
    def sender(self) -> bool:
        """Whether the fault lies with the sender of the request."""
        return self.aws_status < 500  # noqa: PLR2004  the boundary of the HTTP status classes


_UNEXPECTED: Final = Face(500, "ServiceFailure", 500, "service-failure", "The service failed")

FACES: Final[Mapping[type[DomainError], Face]] = {
    errors.BadInput: Face(400, "InvalidInput", 400, "invalid-input", "A field is wrong"),
    errors.MalformedPolicy: Face(400, "InvalidInput", 400, "malformed-policy", "The policy document is refused"),
    errors.MalformedDocument: Face(
        400, "MalformedPolicyDocument", 400, "malformed-policy", "The policy document is refused"
    ),
    errors.UnmodifiableEntity: Face(400, "UnmodifiableEntity", 409, "unmodifiable", "This cannot be changed"),
    errors.NotAttachable: Face(400, "PolicyNotAttachable", 400, "not-attachable", "The policy cannot serve here"),
    errors.PackedPolicyTooLarge: Face(
        400, "PackedPolicyTooLarge", 400, "policy-too-large", "The policies are too large"
    ),
    errors.UnreadableMessage: Face(
        400, "InvalidAuthorizationMessageException", 400, "unreadable-message", "The message cannot be read"
    ),
    errors.ReviewRefused: Face(400, "InvalidInput", 400, "review-refused", "The review refuses this"),
    errors.AcceptanceNeeded: Face(400, "InvalidInput", 400, "acceptance-needed", "Somebody has to accept this"),
    errors.NotNarrower: Face(400, "InvalidInput", 400, "not-narrower", "This is not less than what was asked"),
    errors.TemplateMismatch: Face(400, "InvalidInput", 400, "template-mismatch", "The parameters do not fit"),
    errors.ConstraintViolation: Face(400, "ValidationError", 400, "validation", "The request breaks a constraint"),
    errors.WrongState: Face(400, "InvalidInput", 409, "wrong-state", "Not possible in this state"),
    errors.RootDurationExceeded: Face(400, "InvalidInput", 403, "root-duration", "Too long for root to approve"),
    errors.DigestMismatch: Face(409, "ConcurrentModification", 409, "digest-mismatch", "Not what was reviewed"),
    errors.NoSuchEntity: Face(404, "NoSuchEntity", 404, "no-such-entity", "Not found"),
    errors.AlreadyExists: Face(409, "EntityAlreadyExists", 409, "already-exists", "The name is taken"),
    errors.DeleteConflict: Face(409, "DeleteConflict", 409, "delete-conflict", "Something depends on it"),
    errors.LimitExceeded: Face(409, "LimitExceeded", 409, "limit-exceeded", "A quota is used up"),
    errors.SimulationStopped: Face(500, "PolicyEvaluation", 500, "policy-evaluation", "The policies are too costly"),
    errors.NotDecided: Face(422, "UnprocessableEntityException", 422, "not-decided", "It cannot be decided"),
    errors.UnusableDocument: Face(
        400, "InvalidParameterException", 400, "unusable-document", "A policy cannot be read"
    ),
    errors.LostRace: Face(409, "ConcurrentModification", 409, "lost-race", "Changed by somebody else"),
    errors.Throttled: Face(400, "Throttling", 429, "throttled", "Too many requests"),
    errors.Unauthenticated: Face(403, "InvalidClientTokenId", 401, "unauthenticated", "Who are you?"),
    errors.MissingAuthentication: Face(403, "MissingAuthenticationToken", 401, "unauthenticated", "Who are you?"),
    errors.IncompleteSignature: Face(400, "IncompleteSignature", 401, "incomplete-signature", "Unusable signature"),
    errors.UnknownCredential: Face(403, "InvalidClientTokenId", 401, "unknown-credential", "Unknown credential"),
    errors.SignatureMismatch: Face(403, "SignatureDoesNotMatch", 401, "signature-mismatch", "Wrong signature"),
    errors.SignatureExpired: Face(400, "RequestExpired", 401, "signature-expired", "Signed too long ago"),
    errors.SessionExpired: Face(403, "ExpiredToken", 401, "session-expired", "The credential has ended"),
    errors.SignInRefused: Face(403, "InvalidClientTokenId", 401, "sign-in-refused", "Sign-in refused"),
    errors.NotSignedIn: Face(403, "InvalidClientTokenId", 401, "not-signed-in", "Not signed in"),
    errors.ProviderFailed: Face(403, "InvalidClientTokenId", 401, "provider-failed", "Not signed in by the provider"),
    errors.StepUpRefused: Face(403, "AccessDenied", 403, "step-up-refused", "Not confirmed"),
    errors.AccessDenied: Face(403, "AccessDenied", 403, "access-denied", "Not allowed"),
    errors.InvalidExchangeToken: Face(400, "ValidationError", 400, "invalid-exchange-token", "Invalid exchange token"),
    errors.ExpiredExchangeToken: Face(
        400,
        "ExpiredTradeInTokenException",
        400,
        "expired-exchange-token",
        "The exchange token has ended",
    ),
    errors.Unavailable: Face(503, "ServiceUnavailable", 503, "unavailable", "Try again later"),
    errors.SealBroken: _UNEXPECTED,
    errors.DomainError: _UNEXPECTED,
}


# What the same failures are called on the wires of AWS that speak JSON, where that differs; the status is theirs too.
_JSON_NAMES: Final[Mapping[type[DomainError], tuple[int, str]]] = {
    errors.BadInput: (400, "ValidationException"),
    errors.UnusableDocument: (400, "InvalidParameterException"),
    errors.ConstraintViolation: (400, "ValidationException"),
    errors.NotDecided: (422, "UnprocessableEntityException"),
    errors.Throttled: (429, "ThrottlingException"),
    errors.AccessDenied: (403, "AccessDeniedException"),
    errors.Unauthenticated: (403, "UnrecognizedClientException"),
    errors.MissingAuthentication: (403, "MissingAuthenticationTokenException"),
    errors.IncompleteSignature: (400, "IncompleteSignatureException"),
    errors.SignatureMismatch: (403, "InvalidSignatureException"),
    errors.SignatureExpired: (403, "InvalidSignatureException"),
    errors.SessionExpired: (403, "ExpiredTokenException"),
    errors.Unavailable: (503, "ServiceUnavailableException"),
    errors.DomainError: (500, "InternalServerException"),
}


def json_name_of(failure: Exception) -> tuple[int, str]:
    """Return status and code of a failure on a JSON wire of AWS, by its nearest ancestor that has one."""
    kinds = (kind for kind in type(failure).__mro__ if issubclass(kind, DomainError) and kind in _JSON_NAMES)
    return next((_JSON_NAMES[kind] for kind in kinds), _JSON_NAMES[errors.DomainError])


def face_of(failure: Exception) -> Face:
    """Return how a failure looks; what has no row of its own looks like its nearest ancestor, or unexpected."""
    for kind in type(failure).__mro__:
        if issubclass(kind, DomainError) and kind in FACES:
            return FACES[kind]
    return _UNEXPECTED


def safe_message(failure: Exception) -> str:
    """Return the text a caller may read; of an unexpected failure nothing is told."""
    if isinstance(failure, DomainError) and face_of(failure) is not _UNEXPECTED:
        return str(failure)
    return "the service failed; the request id leads to the cause in its log"
