"""What a tool that manages roles does all day: 500 mixed calls leave exactly what a model of them predicts."""

import json
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError
from staging.clocks import SeededEntropy
from staging.houses import ACCOUNT
from staging.roles import ACCOUNT_ROOT, EVERYTHING, READ_LOGS, trusting
from staging.wires import Cast

T = TypeVar("T")
CALLS: Final = 500
NAMES: Final = ("web", "worker", "batch", "deploy")
TRUST: Final = trusting(ACCOUNT_ROOT, external_id=None)
DOCUMENTS: Final = (READ_LOGS, EVERYTHING)


class Chance:
    """The same choices in the same order, every time."""

    def __init__(self) -> None:
        self._entropy = SeededEntropy("churn")

    def below(self, count: int) -> int:
        return int.from_bytes(self._entropy.token_bytes(4), "big") % count

    def choice(self, some: Sequence[T]) -> T:
        return some[self.below(len(some))]


class Model:
    """What should be there: roles by name and policies by ARN, and the error that a call should meet."""

    def __init__(self, client: Any, chance: Chance) -> None:
        self.client, self.chance = client, chance
        self.roles: dict[str, dict[str, Any]] = {}
        self.policies: dict[str, dict[str, Any]] = {}

    def expect(self, code: str | None, method: str, **given: Any) -> None:
        """Make a call and compare its fate with the predicted one."""
        try:
            getattr(self.client, method)(**given)
            met = None
        except ClientError as failure:
            met = failure.response["Error"]["Code"]
        assert met == code, (method, given, met, code)

    def missing(self, name: str) -> str | None:
        return None if name in self.roles else "NoSuchEntity"

    # --- the calls -----------------------------------------------------------------------------------------

    def create_role(self, name: str) -> None:
        taken = name in self.roles
        self.expect(
            "EntityAlreadyExists" if taken else None, "create_role", RoleName=name, AssumeRolePolicyDocument=TRUST
        )
        if not taken:
            self.roles[name] = {"inline": {}, "attached": set(), "tags": {}}

    def delete_role(self, name: str) -> None:
        role = self.roles.get(name)
        code = self.missing(name) or ("DeleteConflict" if role and (role["inline"] or role["attached"]) else None)
        self.expect(code, "delete_role", RoleName=name)
        if code is None:
            del self.roles[name]

    def put_inline(self, name: str) -> None:
        policy, document = self.chance.choice("ab"), self.chance.choice(DOCUMENTS)
        self.expect(self.missing(name), "put_role_policy", RoleName=name, PolicyName=policy, PolicyDocument=document)
        if name in self.roles:
            self.roles[name]["inline"][policy] = document

    def drop_inline(self, name: str) -> None:
        policy = self.chance.choice("ab")
        there = name in self.roles and policy in self.roles[name]["inline"]
        self.expect(None if there else "NoSuchEntity", "delete_role_policy", RoleName=name, PolicyName=policy)
        if there:
            del self.roles[name]["inline"][policy]

    def tag(self, name: str) -> None:
        key, value = self.chance.choice(("team", "env")), str(self.chance.below(9))
        self.expect(self.missing(name), "tag_role", RoleName=name, Tags=[{"Key": key, "Value": value}])
        if name in self.roles:
            self.roles[name]["tags"][key] = value

    def untag(self, name: str) -> None:
        key = self.chance.choice(("team", "env"))
        self.expect(self.missing(name), "untag_role", RoleName=name, TagKeys=[key])
        if name in self.roles:
            self.roles[name]["tags"].pop(key, None)

    def create_policy(self, name: str) -> None:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
        taken = arn in self.policies
        document = self.chance.choice(DOCUMENTS)
        code = "EntityAlreadyExists" if taken else None
        self.expect(code, "create_policy", PolicyName=name, PolicyDocument=document)
        if not taken:
            self.policies[arn] = {"versions": {1: document}, "default": 1, "next": 2}

    def new_version(self, name: str) -> None:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
        policy, document = self.policies.get(arn), self.chance.choice(DOCUMENTS)
        code = "NoSuchEntity" if policy is None else "LimitExceeded" if len(policy["versions"]) == 5 else None
        self.expect(code, "create_policy_version", PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
        if policy is not None and code is None:
            policy["versions"][policy["next"]] = document
            policy["default"] = policy["next"]
            policy["next"] += 1

    def drop_version(self, name: str) -> None:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
        policy, number = self.policies.get(arn), 1 + self.chance.below(8)
        code = None
        if policy is None or number not in policy["versions"]:
            code = "NoSuchEntity"
        elif policy["default"] == number:
            code = "DeleteConflict"
        self.expect(code, "delete_policy_version", PolicyArn=arn, VersionId=f"v{number}")
        if policy is not None and code is None:
            del policy["versions"][number]

    def delete_policy(self, name: str) -> None:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
        policy = self.policies.get(arn)
        held = any(arn in role["attached"] for role in self.roles.values())
        code = "NoSuchEntity" if policy is None else None
        if policy is not None and (held or len(policy["versions"]) > 1):
            code = "DeleteConflict"
        self.expect(code, "delete_policy", PolicyArn=arn)
        if code is None:
            del self.policies[arn]

    def attach(self, name: str) -> None:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/{self.chance.choice(NAMES)}"
        code = self.missing(name) or (None if arn in self.policies else "NoSuchEntity")
        self.expect(code, "attach_role_policy", RoleName=name, PolicyArn=arn)
        if code is None:
            self.roles[name]["attached"].add(arn)

    def detach(self, name: str) -> None:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/{self.chance.choice(NAMES)}"
        there = name in self.roles and arn in self.roles[name]["attached"]
        self.expect(None if there else "NoSuchEntity", "detach_role_policy", RoleName=name, PolicyArn=arn)
        if there:
            self.roles[name]["attached"].remove(arn)

    # --- what is really there ------------------------------------------------------------------------------

    def found(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The account as it reads back, in the shape of the model."""
        told = self.client.get_account_authorization_details(MaxItems=1000)
        roles = {
            role["RoleName"]: {
                "inline": {one["PolicyName"]: one["PolicyDocument"] for one in role["RolePolicyList"]},
                "attached": {one["PolicyArn"] for one in role["AttachedManagedPolicies"]},
                "tags": {one["Key"]: one["Value"] for one in role.get("Tags", [])},
            }
            for role in told["RoleDetailList"]
        }
        policies = {
            policy["Arn"]: {
                "versions": {int(one["VersionId"][1:]): one["Document"] for one in policy["PolicyVersionList"]},
                "default": int(policy["DefaultVersionId"][1:]),
            }
            for policy in told["Policies"]
            if f"::{ACCOUNT}:" in policy["Arn"]
        }
        return roles, policies

    def predicted(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The account as it should read back."""
        roles = {
            name: {**role, "inline": {policy: json.loads(text) for policy, text in role["inline"].items()}}
            for name, role in self.roles.items()
        }
        policies = {
            arn: {
                "versions": {number: json.loads(text) for number, text in policy["versions"].items()},
                "default": policy["default"],
            }
            for arn, policy in self.policies.items()
        }
        return roles, policies


def test_five_hundred_mixed_calls_leave_exactly_what_a_model_of_them_predicts(cast: Cast) -> None:
    chance = Chance()
    model = Model(cast.iam("approver"), chance)
    calls = (
        model.create_role,
        model.create_role,
        model.delete_role,
        model.put_inline,
        model.drop_inline,
        model.tag,
        model.untag,
        model.create_policy,
        model.create_policy,
        model.new_version,
        model.drop_version,
        model.delete_policy,
        model.attach,
        model.attach,
        model.detach,
    )
    for _ in range(CALLS):
        chance.choice(calls)(chance.choice(NAMES))
    assert model.found() == model.predicted()
    assert model.roles
    assert model.policies
