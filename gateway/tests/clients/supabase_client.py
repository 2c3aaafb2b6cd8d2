"""The published Supabase client for Python; python.test.mjs starts the system for it."""

import base64
import email
import email.policy
import hmac
import os
import pathlib
import re
import struct
import time
import unittest

from supabase_auth import SyncGoTrueClient
from supabase_auth.errors import AuthApiError

PASSWORD = os.environ["DEMO_PASSWORD"]
MANAGER = os.environ["MANAGER_EMAIL"]
VIEWER = os.environ["VIEWER_EMAIL"]


def client():
    return SyncGoTrueClient(
        url=f"{os.environ['SB_URL']}/auth/v1",
        headers={"apikey": os.environ["SUPABASE_ANON_KEY"]},
        auto_refresh_token=False,
    )


def code_of(secret):
    """RFC 6238, as an app has it."""
    step = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(secret), step, "sha1").digest()
    (number,) = struct.unpack_from(">I", digest, digest[19] & 15)
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"


def token_for(address):
    """The token of the link in the letter to an address, waited for."""
    for _ in range(200):
        for path in pathlib.Path(os.environ["MAIL"]).glob("*.eml"):
            letter = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            text = letter.get_body(("plain",)).get_content()
            if letter["To"] == address and (link := re.search(r"#token=([\w-]+)", text)):
                return link[1]
        time.sleep(0.1)
    raise AssertionError(f"no letter for {address}")


class Client(unittest.TestCase):
    def refused(self, code, call):
        with self.assertRaises(AuthApiError) as raised:
            call()
        self.assertEqual(raised.exception.code, code)

    def test_a_user_signs_in_refreshes_and_signs_out(self):
        one = client()
        signed_in = one.sign_in_with_password({"email": MANAGER, "password": PASSWORD})
        self.assertEqual((signed_in.user.email, signed_in.session.expires_in), (MANAGER, 3600))
        self.assertEqual(one.get_user().user.id, signed_in.user.id)
        self.assertEqual(one.get_claims()["claims"]["sub"], signed_in.user.id)
        refreshed = one.refresh_session().session
        self.assertNotEqual(refreshed.refresh_token, signed_in.session.refresh_token)
        one.sign_out()
        self.refused("refresh_token_not_found", lambda: client().refresh_session(refreshed.refresh_token))
        wrong = {"email": MANAGER, "password": "not this one"}
        self.refused("invalid_credentials", lambda: client().sign_in_with_password(wrong))

    def test_a_second_factor_is_enrolled_proved_and_removed(self):
        one = client()
        one.sign_in_with_password({"email": MANAGER, "password": PASSWORD})
        factor = one.mfa.enroll({"factor_type": "totp", "friendly_name": "phone"})
        challenge = one.mfa.challenge({"factor_id": factor.id})
        proof = {"factor_id": factor.id, "challenge_id": challenge.id}
        self.refused("mfa_verification_failed", lambda: one.mfa.verify({**proof, "code": "abcdef"}))
        one.mfa.verify({**proof, "code": code_of(factor.totp.secret)})
        level = one.mfa.get_authenticator_assurance_level()
        self.assertEqual((level.current_level, level.next_level), ("aal2", "aal2"))
        self.assertEqual([each.friendly_name for each in one.mfa.list_factors().totp], ["phone"])
        self.assertEqual(one.mfa.unenroll({"factor_id": factor.id}).id, factor.id)

    def test_a_forgotten_password_is_recovered_by_the_link_in_the_letter(self):
        one = client()
        one.reset_password_for_email(VIEWER)
        link = {"type": "recovery", "token_hash": token_for(VIEWER)}
        self.assertEqual(one.verify_otp(link).user.email, VIEWER)
        one.update_user({"password": "a password that is new", "data": {"display_name": "Vera"}})
        self.refused("otp_expired", lambda: client().verify_otp(link))
        again = client().sign_in_with_password({"email": VIEWER, "password": "a password that is new"})
        self.assertEqual(again.user.user_metadata, {"display_name": "Vera"})


if __name__ == "__main__":
    # Of the sockets that the client leaves open.
    unittest.main(warnings="ignore")
