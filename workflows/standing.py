"""What a caller is to one request: whether it may know of it, and which rights its part in it brings.

Across accounts an existing request and an unknown id give the same answer; inside the owner's account a missing
permission is named. Identity is the immutable principal id, so a re-created user of the same name is a stranger.
"""

from collections.abc import Mapping

from workflows.arns import request_arn
from workflows.authority import Question, authorize
from workflows.callers import OWNERS, Call, Caller, CallerKind
from workflows.errors import AccessDenied, LostRace, NoSuchEntity
from workflows.ids import is_request_id
from workflows.lifecycle import Act
from workflows.managed_policies import approver_rights, claimant_rights, owner_rights
from workflows.policy.layers import NamedPolicy
from workflows.ports import Ports, Reading
from workflows.records.partner import Partner
from workflows.records.request import DelegationRequest, State

KIND = "delegation request"
# Looking and ending; whatever gives access is for the account to do.
_OPEN_TO_THE_OPERATOR = ("iam:GetDelegationRequest", "iam:GetHumanReadableSummary", "iam:RevokeDelegation")


def arn_of(ports: Ports, request: DelegationRequest) -> str:
    """Return the request's ARN; before an account is known its account field is the requestor's."""
    account = request.owner_account_id or request.target_account_id or request.requestor_id
    return request_arn(ports.terms.partition, account, request.id)


def may_know_of(caller: Caller, request: DelegationRequest) -> bool:
    """Tell whether a caller may learn that this request exists, by the visibility rules of GetDelegationRequest."""
    if caller.kind is CallerKind.OPERATOR:
        return True
    account = request.owner_account_id or request.target_account_id
    if account is not None:
        return account == caller.account_id
    return caller.kind in OWNERS or caller.account_id == request.requestor_id


def refuse_outsiders(call: Call, action: str) -> None:
    """Refuse callers that can have no part in any request, before anything is looked up."""
    if call.caller.kind in (CallerKind.SESSION, CallerKind.ROLE, CallerKind.RESOURCE_SERVER):
        raise AccessDenied(
            principal=call.caller.arn,
            action=action,
            resource="*",
            because=f"because a {call.caller.kind.value} may not call delegation operations",
        )


def find_request(tx: Reading, call: Call, request_id: str) -> DelegationRequest:
    """Return the request if the caller may know of it; raises the same `NoSuchEntity` for everything else."""
    request = tx.get(DelegationRequest, request_id) if is_request_id(request_id) else None
    if request is None or not may_know_of(call.caller, request):
        raise NoSuchEntity(KIND, request_id)
    return request


def _defaults(caller: Caller, action: str, request: DelegationRequest) -> tuple[NamedPolicy, ...]:
    # Claiming is everybody's default, so that whoever comes too late hears of the state and not of a permission.
    if request.owner_principal_id is None or action == action_of(Act.ASSOCIATE):
        return (NamedPolicy("default rights before a claim", claimant_rights()),)
    defaults: tuple[NamedPolicy, ...] = ()
    if request.owner_principal_id == caller.principal_id:
        defaults = (NamedPolicy("default rights of the owner", owner_rights()),)
    if request.approver_principal_id == caller.principal_id:
        defaults = (*defaults, NamedPolicy("default rights of the approver", approver_rights()))
    return defaults


def authorize_on(tx: Reading, ports: Ports, call: Call, action: str, request: DelegationRequest) -> str:
    """Return what allowed the caller this action on this request; raises `AccessDenied`."""
    if call.caller.kind is CallerKind.OPERATOR and action not in _OPEN_TO_THE_OPERATOR:
        raise AccessDenied(
            principal=call.caller.arn,
            action=action,
            resource=arn_of(ports, request),
            because="because the operator decides nothing in an account's name",
        )
    return authorize(tx, ports, call, question_on(ports, call, action, request))


def question_on(ports: Ports, call: Call, action: str, request: DelegationRequest) -> Question:
    """Return the question whether the caller may do this to this request, with the rights its part in it brings."""
    keys: Mapping[str, str] = {}
    if request.owner_arn is not None:
        keys = {"iam:DelegationRequestOwner": request.owner_arn}
    return Question(action, arn_of(ports, request), keys, _defaults(call.caller, action, request))


def admitted(
    tx: Reading,
    ports: Ports,
    call: Call,
    action: str,
    request_id: str,
) -> tuple[DelegationRequest, str]:
    """Return the request and what allows the caller this action on it: how every act on a request begins.

    Raises `AccessDenied` for those who can have no part in any request, `NoSuchEntity` for those who must not know of
    this one, and `AccessDenied` again for those who may know of it but not do this.
    """
    refuse_outsiders(call, action)
    request = find_request(tx, call, request_id)
    return request, authorize_on(tx, ports, call, action, request)


def check_partner(tx: Reading, ports: Ports, call: Call, act: Act, request: DelegationRequest) -> None:
    """Raise `AccessDenied` when the partner that filed the request was stopped: nothing more is lent to it."""
    partner = tx.get(Partner, request.requestor_id)
    if partner is None or not partner.active:
        raise AccessDenied(
            principal=call.caller.arn,
            action=action_of(act),
            resource=arn_of(ports, request),
            because="because the partner that filed the request is not active",
        )


def action_of(act: Act) -> str:
    """Return the IAM action that permits an act."""
    return f"iam:{act.value}"


def unchanged_since(seen: DelegationRequest | None, current: DelegationRequest) -> None:
    """Raise `LostRace` when somebody moved a request between the caller's first look and its transaction.

    Time is nobody: of what it has ended meanwhile the move itself says that it is over.
    """
    if seen is not None and seen.revision != current.revision and current.state is not State.EXPIRED:
        raise LostRace(KIND, current.id)
