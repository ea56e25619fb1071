"""Use-case: what an account demands of everybody who decides in its name, whatever the wire."""

from workflows.acts import consult, perform
from workflows.audit import Draft
from workflows.callers import Call
from workflows.ids import parse_account_id
from workflows.onboarding import alter_in, authorize_in, existing_account
from workflows.ports import Ports, Reading, Writing
from workflows.records.sign_in import AccountRules
from workflows.step_up import require_person


def set_step_up(ports: Ports, call: Call, *, account_id: str, demanded: bool) -> AccountRules:
    """Demand a passkey for accepting and releasing on every wire, or stop demanding it where programs call."""

    def work(tx: Writing, draft: Draft) -> AccountRules:
        account = parse_account_id(account_id)
        draft.decided_by = alter_in(tx, ports, call, account, "daypass:PutAccountRules", "account-rules")
        existing_account(tx, account)
        require_person(tx, ports, call, account)
        rules = AccountRules(account, demanded)
        tx.put(rules)
        draft.chain = account
        draft.resource = f"arn:{ports.terms.partition}:iam::{account}:account-rules"
        return rules

    return perform(ports, call, "PutAccountRules", work, asked={"accountId": account_id, "stepUp": demanded})


def rules_of(ports: Ports, call: Call, account_id: str) -> AccountRules:
    """Return what an account demands."""

    def work(tx: Reading, _draft: Draft) -> AccountRules:
        account = parse_account_id(account_id)
        authorize_in(tx, ports, call, account, "daypass:GetAccountRules", "account-rules")
        existing_account(tx, account)
        return tx.get(AccountRules, account) or AccountRules(account, step_up=False)

    return consult(ports, call, "GetAccountRules", work)
