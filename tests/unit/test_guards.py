"""What a delegation may pass on, where an account holds more roles than a stored document may name."""

from dataclasses import replace

from staging.houses import ACCOUNT, PARTNER, People, earlier_template
from staging.roles import BOUNDARY, PARTNER_TRUST, WIDE_OPEN, register_role_work
from staging.wires import arrived

from service.house import House
from workflows import guards, roles
from workflows.ids import AccountId, PrincipalId
from workflows.policy.context import RequestContext
from workflows.policy.evaluate import decide
from workflows.policy.index import Layers
from workflows.policy.request import Request
from workflows.records.request import State
from workflows.records.role import Role
from workflows.roles import NewRole

PASSING = {
    "Sid": "Pass",
    "Effect": "Allow",
    "Action": "iam:PassRole",
    "Resource": "*",
    "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
}


def test_every_one_of_very_many_bounded_roles_can_be_passed_and_no_other(house: House, people: People) -> None:
    ports = house.ports
    template = {**WIDE_OPEN, "Statement": [*WIDE_OPEN["Statement"], PASSING]}
    register_role_work(ports)
    passing = earlier_template(ports, "Passing_2026_01_01", template)
    request = arrived(ports, people, State.FINALIZED, "wf-many", template_arn=passing)
    first = roles.create_role(ports, people.call("approver"), NewRole("First", PARTNER_TRUST))
    born = [
        replace(
            first,
            id=PrincipalId(f"AROA{number:016}"),
            name=f"r{number}",
            name_key=f"r{number}",
            arn=f"arn:aws:iam::{ACCOUNT}:role/lumenwatch.example/{'*/' if number == 0 else ''}r{number}",
            partner_id=AccountId(PARTNER),
            boundary_arn=BOUNDARY,
        )
        for number in range(600)
    ]
    ports.store.write(lambda tx: tx.add_all(born))
    layer = ports.store.read(lambda tx: guards.passing_layer(tx, request, AccountId(ACCOUNT)))
    context = RequestContext({"iam:PassedToService": "lambda.amazonaws.com"})

    def denied(role: Role) -> bool:
        decision = decide(Layers([layer]), Request("iam:PassRole", role.arn, context))
        return decision.deciding is not None and decision.deciding.sid == "PassRole"

    assert [denied(role) for role in (born[1], born[599], first, born[0])] == [False, False, True, True]
