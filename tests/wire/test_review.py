"""The review from outside: the command for folders, what registration answers, and what owners are shown."""

import json
from pathlib import Path
from typing import Final

import httpx
import pytest
from click.testing import CliRunner, Result
from staging.approvers import sign_up
from staging.bundles import bundle_in, cases, expected_of
from staging.houses import OPERATOR, PARTNER, earlier_template
from staging.wires import Cast, arrived

from service.cli.demo_world import _BOUNDARY, DOMAIN, _template
from service.cli.main import main
from workflows import credentialing, onboarding, partnering
from workflows.policy.review import BoundaryDocument, Bundle, Document, review
from workflows.records.account import PrincipalKind
from workflows.records.request import State

REASON: Final = "Reads <b>shared</b> buckets, because customers asked for it."
OPEN: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
KEYS: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:*Key", "Resource": "*"}]}


def run(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["policy", "review", *words], env=environment)


def laid_out(folder: Path, name: str) -> Path:
    """A case of the corpus as the folder that a partner would hand in."""
    bundle, home = bundle_in(cases()[name]), folder / name
    home.mkdir()
    if bundle.template is not None:
        (home / "permissions.json").write_text(bundle.template.text, encoding="utf-8")
    for one in bundle.boundaries:
        (home / "boundary.json").write_text(one.text, encoding="utf-8")
    metadata = {"partner_domain": bundle.domain, "template_name": "New", "wildcard_safe": sorted(bundle.wildcard_safe)}
    (home / "bundle_metadata.json").write_text(json.dumps({**metadata, "boundary_name": "Edge"}), encoding="utf-8")
    return home


@pytest.mark.parametrize(
    ("name", "code"), [("roles-good", 0), ("accounts-open", 1), ("roles-unbounded", 2), ("broken-json", 2)]
)
def test_a_folder_is_reviewed_and_the_exit_code_tells_how_it_went(tmp_path: Path, name: str, code: int) -> None:
    result = run(str(laid_out(tmp_path, name)), "--json")
    assert result.exit_code == code, result.output
    told = json.loads(result.stdout)
    assert {(one["id"], one["severity"], one["statement"], one["artifact_ref"]) for one in told} == expected_of(
        cases()[name]
    )
    assert all(one["message"] for one in told)


def test_a_finding_comes_with_its_calls_and_a_correction_as_a_diff(tmp_path: Path) -> None:
    home = laid_out(tmp_path, "roles-unbounded")
    made, _ = json.loads(run(str(home), "--json").stdout)
    assert (made["id"], made["path"]) == ("S2", "$.Statement[0]")
    assert [step["action"] for step in made["attack"]] == ["iam:CreateRole", "iam:PutRolePolicy"]
    assert made["attack"][0]["parameters"] == {"accountId": "123456789012"}
    assert '+          "iam:PermissionsBoundary"' in made["fix"]
    told = run(str(home)).stdout
    assert "CRITICAL S2 permissions.json statement Make: iam:CreateRole is granted" in told
    assert "1. iam:CreateRole on arn:aws:iam::123456789012:role/acme.example/" in told
    assert told.endswith("2 findings\n")


def test_a_file_is_a_template_alone(tmp_path: Path) -> None:
    file = tmp_path / "any.json"
    file.write_text(json.dumps(OPEN), encoding="utf-8")
    (found,) = json.loads(run(str(file), "--json").stdout)
    assert (found["id"], found["artifact_ref"]) == ("V21", "any.json")


def test_code_hosts_are_told_the_lines(tmp_path: Path) -> None:
    file = tmp_path / "any.json"
    file.write_text(json.dumps(OPEN, indent=1), encoding="utf-8")
    (result,) = json.loads(run(str(file), "--sarif").stdout)["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (result["ruleId"], result["level"], region["startLine"], region["endLine"]) == ("V21", "warning", 4, 8)


def test_what_is_no_text_is_a_finding_and_what_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "permissions.json").write_bytes(b"\xff\xfe{")
    (found,) = json.loads(run(str(tmp_path), "--json").stdout)
    assert (found["id"], found["severity"], found["artifact_ref"]) == ("S1", "CRITICAL", "permissions.json")
    assert run(str(tmp_path / "nowhere")).exit_code == 2
    assert run(str(tmp_path), "--json", "--sarif").exit_code == 2


def test_the_demonstration_hands_in_a_good_bundle() -> None:
    arn = f"arn:aws:iam::partner:policy/permissions-boundary/{DOMAIN}/ReadTelemetry_2026_01_15"
    bundle = Bundle(
        Document("template", json.dumps(_template(arn))),
        (BoundaryDocument("boundary", json.dumps(_BOUNDARY), arn),),
        domain=DOMAIN,
    )
    assert review(bundle) == ()


# --- registration ----------------------------------------------------------------------------------------


def test_the_command_line_registers_with_a_reason_and_never_what_is_critical(tmp_path: Path) -> None:
    environment = {
        "DAYPASS_DATABASE_URL": f"sqlite:///{tmp_path / 'daypass.db'}",
        "DAYPASS_MASTER_KEY_FILE": str(tmp_path / "daypass.key"),
    }
    for name, document in (("open", OPEN), ("keys", KEYS)):
        (tmp_path / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")

    def daypass(*words: str) -> Result:
        return CliRunner().invoke(main, list(words), env=environment)

    daypass("partner", "create", "--id", PARTNER, "--name", "Lumenwatch", "--domain", "lumenwatch.example")
    for kind in ("template", "boundary"):
        given = (kind, "register", "--partner", PARTNER, "--name", "New_2026_01_02", "--json", "--file")
        bare = daypass(*given, str(tmp_path / "open.json"))
        assert (bare.exit_code, "MEDIUM V21 (0)" in bare.stderr) == (1, True)
        refused = daypass(*given, str(tmp_path / "keys.json"), "--accept", REASON)
        assert (refused.exit_code, "CRITICAL V10 (0)" in refused.stderr) == (1, True)
        made = json.loads(daypass(*given, str(tmp_path / "open.json"), "--accept", REASON).stdout)
        assert [one["id"] for one in made["findings"]] == ["V21"]
        assert made["accepted_because"] == REASON


def operator_of(cast: Cast) -> httpx.Client:
    ports = cast.live.ports
    made = onboarding.create_housed_principal(ports, OPERATOR, kind=PrincipalKind.OPERATOR, name="ops")
    return cast.live.http(credentialing.create_api_token(ports, OPERATOR, made.arn).token)


def test_the_api_names_what_was_found_and_takes_a_reason(cast: Cast) -> None:
    operator, at = operator_of(cast), f"/v1/partners/{PARTNER}/templates"
    for document, slug, rule in ((OPEN, "acceptance-needed", "V21"), (KEYS, "review-refused", "V10")):
        problem = operator.post(at, json={"name": "New_2026_01_02", "document": document}).json()
        assert (problem["status"], problem["type"]) == (400, f"urn:daypass:problem:{slug}")
        assert [one["id"] for one in problem["findings"]] == [rule]
    again = operator.post(at, json={"name": "New_2026_01_02", "document": KEYS, "accept": REASON})
    assert again.json()["type"] == "urn:daypass:problem:review-refused"
    made = operator.post(at, json={"name": "New_2026_01_02", "document": OPEN, "accept": REASON})
    assert made.raise_for_status().json()["accepted_because"] == REASON


def loose_request(cast: Cast) -> str:
    made = partnering.register_template(
        cast.live.ports, OPERATOR, partner_id=PARTNER, name="L_2026_01_02", document=json.dumps(OPEN), accept=REASON
    )
    return arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-loose", template_arn=made.arn, parameters=[]).id


def test_the_owner_reads_what_was_accepted_and_why(cast: Cast) -> None:
    at = f"/v1/requests/{loose_request(cast)}"
    with cast.api("owner") as owner:
        for path in (at, f"{at}/review"):
            (told,) = owner.get(path).raise_for_status().json()["accepted"]
            assert told["because"] == REASON
            assert [(one["id"], one["severity"], one["statement"]) for one in told["findings"]] == [
                ("V21", "MEDIUM", "0")
            ]
        page = owner.get("/v1/requests").raise_for_status().json()
        assert [one["accepted"] for one in page["items"]] == [None]


def test_the_page_of_a_request_shows_it_as_text(cast: Cast) -> None:
    request_id = loose_request(cast)
    approver = sign_up(cast.live.ports, cast.people.owner)
    with cast.live.http() as browser:
        page = browser.get(f"/requests/{request_id}", headers={"cookie": f"daypass={approver.secret}"}).text
    assert "What the operator accepted" in page
    assert "Reads &lt;b&gt;shared&lt;/b&gt; buckets, because customers asked for it." in page
    assert "<strong>MEDIUM</strong> <code>V21</code>" in page


def test_what_was_registered_before_there_were_reviews_goes_on(cast: Cast) -> None:
    arn = earlier_template(cast.live.ports, "Old_2026_01_02", KEYS)
    request = arrived(cast.live.ports, cast.people, State.ASSIGNED, "wf-older", template_arn=arn, parameters=[])
    with cast.api("owner") as owner:
        assert owner.get(f"/v1/requests/{request.id}").raise_for_status().json()["accepted"] == []
