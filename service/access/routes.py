"""`/access/v1/evaluation` and `/access/v1/evaluations`: parse, decide, answer. Runs in the event loop."""

from typing import Final, TypeVar

import msgspec
from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.di import NamedDependency

from service.access.decider import Decider, Verdict
from workflows.callers import CallerKind
from workflows.errors import AccessDenied, BadInput, MissingAuthentication
from workflows.policy.context import RequestContext
from workflows.sessions import supplied_context

T = TypeVar("T")

_MOST_EVALUATIONS: Final = 500
_LONGEST_NAME: Final = 2048
_MOST_KEYS: Final = 64
_SUBJECTS: Final = ("session", "principal")
_SEMANTICS: Final = ("execute_all", "deny_on_first_deny", "permit_on_first_permit")


class Subject(msgspec.Struct):
    """Who: a session by its access key id or session token, or a principal by its ARN."""

    type: str
    id: str


class Action(msgspec.Struct):
    """What: an IAM action such as `s3:GetObject`."""

    name: str


class Resource(msgspec.Struct):
    """On what: an ARN, or `*` for actions that take no resource."""

    id: str
    type: str = ""


ContextValue = str | list[str] | bool | int | float
Context = dict[str, ContextValue]


class Evaluation(msgspec.Struct):
    """One question; in a batch, what is left out comes from the batch's own members."""

    subject: Subject | None = None
    action: Action | None = None
    resource: Resource | None = None
    context: Context | None = None


class Options(msgspec.Struct):
    """How a batch is run."""

    evaluations_semantic: str = "execute_all"


class Evaluations(Evaluation):
    """A batch of questions."""

    evaluations: list[Evaluation] = msgspec.field(default_factory=list)
    options: Options = msgspec.field(default_factory=Options)


class Reason(msgspec.Struct):
    """Why: one sentence, and the statements that spoke, the deciding one first."""

    reason: str
    matched: tuple[str, ...]


class Answer(msgspec.Struct):
    """One answer."""

    decision: bool
    context: Reason


class Answers(msgspec.Struct):
    """The answers of a batch, in its order."""

    evaluations: list[Answer]


_ENCODER: Final = msgspec.json.Encoder()
_ONE: Final = msgspec.json.Decoder(Evaluation)
_MANY: Final = msgspec.json.Decoder(Evaluations)


def _text(value: str, field: str) -> str:
    if not 1 <= len(value) <= _LONGEST_NAME:
        raise BadInput(field, f"has {len(value)} characters; 1 to {_LONGEST_NAME} are accepted")
    return value


def _context_value(value: ContextValue) -> str | tuple[str, ...]:
    if isinstance(value, bool):
        return "true" if value else "false"
    return tuple(value) if isinstance(value, list) else str(value)


def _context(given: Context | None) -> RequestContext:
    if not given:
        return RequestContext()
    if len(given) > _MOST_KEYS:
        raise BadInput("context", f"has {len(given)} keys; up to {_MOST_KEYS} are accepted")
    return supplied_context({key: _context_value(value) for key, value in given.items()})


async def _ask(decider: Decider, question: Evaluation, context: RequestContext) -> Verdict:
    subject, action, resource = question.subject, question.action, question.resource
    if subject is None or action is None or resource is None:
        missing = next(name for name in ("subject", "action", "resource") if getattr(question, name) is None)
        raise BadInput(missing, "is required")
    if subject.type not in _SUBJECTS:
        raise BadInput("subject.type", f"is not one of {', '.join(_SUBJECTS)}")
    return await decider.decide(
        subject.type,
        _text(subject.id, "subject.id"),
        action=_text(action.name, "action.name"),
        resource=_text(resource.id, "resource.id"),
        context=context,
    )


def _answer(verdict: Verdict) -> Answer:
    return Answer(verdict.decision, Reason(verdict.reason, verdict.matched))


async def _authenticate(request: Request[object, object, State], decider: Decider) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise MissingAuthentication
    caller = await decider.caller_of(token)
    if caller.kind is not CallerKind.RESOURCE_SERVER or "decide" not in caller.scopes:
        raise AccessDenied(
            principal=caller.arn,
            action="daypass:Evaluate",
            resource="*",
            because="because only a registered resource server may ask for decisions",
        )


def _reply(body: object) -> Response[bytes]:
    return Response(_ENCODER.encode(body), media_type="application/json", headers={"cache-control": "no-store"})


def _filled(question: Evaluation, batch: Evaluations) -> Evaluation:
    """Return a question with what it left out taken from the batch; contexts are read once for all who share one."""
    return Evaluation(
        subject=question.subject or batch.subject,
        action=question.action or batch.action,
        resource=question.resource or batch.resource,
    )


@post("/access/v1/evaluation", status_code=200, summary="Decide one question", tags=["access"])
async def evaluation(request: Request[object, object, State], decider: NamedDependency[Decider]) -> Response[bytes]:
    """Answer one question of a resource server."""
    await _authenticate(request, decider)
    question = _decoded(_ONE, await request.body())
    return _reply(_answer(await _ask(decider, question, _context(question.context))))


@post("/access/v1/evaluations", status_code=200, summary="Decide many questions", tags=["access"])
async def evaluations(request: Request[object, object, State], decider: NamedDependency[Decider]) -> Response[bytes]:
    """Answer up to 500 questions of a resource server; without `evaluations` it is the single endpoint."""
    await _authenticate(request, decider)
    batch = _decoded(_MANY, await request.body())
    semantic = batch.options.evaluations_semantic
    if semantic not in _SEMANTICS:
        raise BadInput("options.evaluations_semantic", f"is not one of {', '.join(_SEMANTICS)}")
    shared = _context(batch.context)
    if not batch.evaluations:
        return _reply(_answer(await _ask(decider, batch, shared)))
    if len(batch.evaluations) > _MOST_EVALUATIONS:
        raise BadInput("evaluations", f"has {len(batch.evaluations)} items; up to {_MOST_EVALUATIONS} are accepted")
    answers = []
    for question in batch.evaluations:
        context = shared if question.context is None else _context(question.context)
        verdict = await _ask(decider, _filled(question, batch), context)
        answers.append(_answer(verdict))
        if semantic == ("permit_on_first_permit" if verdict.decision else "deny_on_first_deny"):
            break
    return _reply(Answers(answers))


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as failure:
        raise BadInput("body", f"is not such a question: {failure}") from None
