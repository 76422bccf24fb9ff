"""Passkeys: what a browser is asked, and what its answer proves (WebAuthn level 2, attestation not wanted)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from sunpile.basics.errors import InputInvalid, SettingInvalid, Unauthorised
from sunpile.identity.model import FLOW_S, Passkey, StaffMember

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Party:
    """The node as a relying party."""

    origin: str
    """As `https://csms.example`: what the browser says it is at."""
    rp_id: str
    """Its host name: what passkeys are bound to."""
    name: str
    """As the browser shows it."""

    @classmethod
    def at(cls, public_url: str, name: str = "sunpile") -> "Party":
        """The party of a node that staff reach at `public_url`.

        Raises
        ------
        SettingInvalid
            if that is no URL of a host.
        """
        parts = urlsplit(public_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingInvalid("public_url", public_url, "an http or https URL with a host")
        return cls(f"{parts.scheme}://{parts.netloc}", parts.hostname, name)


def ask_registration(party: Party, member: StaffMember, challenge: bytes, known: Sequence[Passkey]) -> dict[str, Any]:
    """Options for `navigator.credentials.create`."""
    options = generate_registration_options(
        rp_id=party.rp_id,
        rp_name=party.name,
        user_name=member.name,
        user_display_name=member.name,
        user_id=member.staff.encode(),
        challenge=challenge,
        timeout=FLOW_S * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=passkey.credential) for passkey in known],
    )
    return json.loads(options_to_json(options))


def registered(party: Party, answer: Answer, challenge: bytes, staff: str, label: str, now: int) -> Passkey:
    """The passkey a browser made.

    Raises
    ------
    InputInvalid
        if the answer proves nothing.
    """
    try:
        proven = verify_registration_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=party.rp_id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as fault:
        raise InputInvalid(f"the browser's answer makes no passkey: {fault}") from fault
    return Passkey(proven.credential_id, staff, proven.credential_public_key, proven.sign_count, label, now)


def ask_sign_in(party: Party, challenge: bytes, known: Sequence[Passkey] = ()) -> dict[str, Any]:
    """Options for `navigator.credentials.get`; without `known` ones the authenticator offers what it has."""
    options = generate_authentication_options(
        rp_id=party.rp_id,
        challenge=challenge,
        timeout=FLOW_S * 1000,
        allow_credentials=[PublicKeyCredentialDescriptor(id=passkey.credential) for passkey in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return json.loads(options_to_json(options))


def credential_of(answer: Answer) -> bytes:
    """Which passkey an answer speaks of.

    Raises
    ------
    InputInvalid
        if it names none.
    """
    try:
        return base64url_to_bytes(str(answer["rawId"]))
    except (KeyError, ValueError) as fault:
        raise InputInvalid("the browser's answer names no passkey") from fault


def shown(party: Party, answer: Answer, challenge: bytes, passkey: Passkey) -> int:
    """The counter after `passkey` was shown.

    Raises
    ------
    Unauthorised
        if the answer does not prove that, or its counter is one of the past: somebody has a copy.
    """
    try:
        proven = verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=party.rp_id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as fault:
        raise Unauthorised(f"the passkey was not accepted: {fault}") from fault
    return proven.new_sign_count
