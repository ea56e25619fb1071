"""Somebody who is signed in to the pages and holds a passkey in software."""

from dataclasses import dataclass

from staging.authenticators import SoftAuthenticator
from staging.houses import OPERATOR

from workflows import passkeys, signing_in, step_up
from workflows.callers import Call
from workflows.narrowing import Narrowing
from workflows.ports import Ports
from workflows.records.account import Principal
from workflows.records.request import DelegationRequest
from workflows.signing_in import Arrival, call_by
from workflows.step_up import Proof, Purpose, challenge_bytes

ARRIVAL = Arrival("arrival", "192.0.2.7", "tests")
PASSWORD = "copper lantern seventeen"


@dataclass
class Approver:
    """Somebody signed in, with a passkey in software."""

    ports: Ports
    device: SoftAuthenticator
    principal: Principal
    secret: str
    call: Call

    def proof(
        self, request: DelegationRequest, purpose: Purpose = Purpose.ACCEPT, narrowing: Narrowing | None = None
    ) -> Proof:
        """What the passkey answers when it is asked to confirm an act on this request, or on less of it."""
        asked = step_up.question_about(
            self.ports, self.call, request.id, purpose, digest=request.digest, narrowing=narrowing
        )
        return Proof(asked.challenge.id, self.device.sign(challenge_bytes(asked.challenge)))


def sign_up(ports: Ports, principal: Principal, name: bytes = b"soft-credential-1") -> Approver:
    """Follow an invitation of this principal through password and passkey."""
    device = SoftAuthenticator(ports.terms.base_url, name=name)
    token = signing_in.invite(ports, OPERATOR, principal.arn).token
    opened = signing_in.accept_invitation(ports, ARRIVAL, token, PASSWORD)
    challenge, _, _ = passkeys.begin_enrolment(ports, opened.secret)
    answer = device.enrol(challenge_bytes(challenge))
    full = passkeys.enrol(ports, ARRIVAL, opened.secret, challenge.id, answer, name="soft").opened
    return Approver(ports, device, principal, full.secret, call_by(ARRIVAL, principal, full.session))
