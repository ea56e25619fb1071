"""Deleting a template, a partner or an account for good: what it lent is revoked first, nothing alive is left behind.

The history stays: requests, grants and the audit trail name what is gone. The operator alone deletes.
"""

from collections.abc import Sequence

from workflows.acts import perform
from workflows.audit import Draft
from workflows.authority import operator_only
from workflows.callers import Call
from workflows.errors import DeleteConflict, NoSuchEntity
from workflows.farewell import end_all, revoke_everything
from workflows.ids import parse_account_id
from workflows.onboarding import existing_account
from workflows.partnering import existing_partner
from workflows.ports import Ports, Reading, Writing
from workflows.records.account import (
    AccessKey,
    ApiToken,
    Attachment,
    Guardrail,
    ManagedPolicy,
    PolicyVersion,
    Principal,
)
from workflows.records.grant import UNENDED, Grant
from workflows.records.partner import Boundary, Channel, PolicyTemplate
from workflows.records.request import DelegationRequest
from workflows.records.role import Role


def _refuse_living(tx: Reading, what: str, **equal: object) -> None:
    """Raise `DeleteConflict` while any grant is not over or any role of a delegation stands."""
    if tx.count(Grant, limit=1, state=frozenset(UNENDED), **equal):
        raise DeleteConflict(f"{what} has grants that are not over yet; what it lent is revoked, try again shortly")


def _drop_principals(tx: Writing, principals: Sequence[Principal]) -> None:
    for principal in principals:
        for kind in (AccessKey, ApiToken, Attachment):
            for record in tx.find(kind, principal_id=principal.id):
                tx.remove(record)
        tx.remove(principal)


def delete_template(ports: Ports, call: Call, arn: str) -> None:
    """Revoke all that requests of a template lent, then delete it; raises `DeleteConflict` while any of it stands."""

    def work(tx: Writing, draft: Draft) -> None:
        operator_only(call, "daypass:DeleteTemplate")
        template = tx.get(PolicyTemplate, arn)
        if template is None:
            raise NoSuchEntity("policy template", arn)
        for request in tx.find(DelegationRequest, requestor_id=template.partner_id, template_arn=arn):
            _refuse_living(tx, "the template", request_id=request.id)
        tx.remove(template)
        draft.chain, draft.partner_id, draft.resource = template.partner_id, template.partner_id, arn

    operator_only(call, "daypass:DeleteTemplate")
    end_all(ports, call, template_arn=arn)
    perform(ports, call, "DeleteTemplate", work, asked={"templateArn": arn})


def delete_partner(ports: Ports, call: Call, partner_id: str) -> None:
    """Revoke all that a partner has, then delete it with what it registered and its credentials.

    Raises `DeleteConflict` while any of it still stands.
    """

    def work(tx: Writing, draft: Draft) -> None:
        operator_only(call, "daypass:DeletePartner")
        partner = existing_partner(tx, partner_id)
        _refuse_living(tx, "the partner", partner_id=partner.id)
        for kind in (PolicyTemplate, Boundary, Channel):
            for record in tx.find(kind, partner_id=partner.id):
                tx.remove(record)
        _drop_principals(tx, tx.find(Principal, account_id=partner.id))
        tx.remove(partner)
        tx.authority_changed()
        draft.chain, draft.partner_id = partner.id, partner.id

    revoke_everything(ports, call, partner_id)
    perform(ports, call, "DeletePartner", work, asked={"partnerId": partner_id})


def delete_account(ports: Ports, call: Call, account_id: str) -> None:
    """Revoke all that an account lent, then delete it with its principals, roles and policies.

    Raises `DeleteConflict` while any of it still stands.
    """

    def work(tx: Writing, draft: Draft) -> None:
        operator_only(call, "daypass:DeleteAccount")
        account = existing_account(tx, parse_account_id(account_id))
        _refuse_living(tx, "the account", account_id=account.id)
        for role in tx.find(Role, account_id=account.id):
            for attachment in tx.find(Attachment, principal_id=role.id):
                tx.remove(attachment)
            tx.remove(role)
        for policy in tx.find(ManagedPolicy, account_id=account.id):
            for version in tx.find(PolicyVersion, policy_arn=policy.arn):
                tx.remove(version)
            tx.remove(policy)
        for guardrail in tx.find(Guardrail, account_id=account.id):
            tx.remove(guardrail)
        _drop_principals(tx, tx.find(Principal, account_id=account.id))
        tx.remove(account)
        tx.authority_changed()
        draft.chain = account.id

    operator_only(call, "daypass:DeleteAccount")
    end_all(ports, call, account_id=parse_account_id(account_id))
    perform(ports, call, "DeleteAccount", work, asked={"accountId": account_id})
