"""How schemathesis calls a running `frontdesk dev`, and what it leaves out, each by name.

`run` starts it. What is left out:

- the check `positive_data_acceptance`: a schema says nothing of two fields at once (a day of
  departure after that of arrival, `etag` beside `If-Match`, `limit` beside `page_size`), nor of
  what is stored (a page token, a challenge);
- null in a body, a number as a text, and the number of a word: in ProtoJSON the first is as much
  as no field, the others what they stand for;
- `/v1/customers/import` with GET and PATCH, which is the path of a customer as well;
- an `Origin` of nobody: it is judged before the method and the headers.
"""

import os
import threading
import time

import requests
import schemathesis

BASE = os.environ["API_BASE_URL"]
ROLE = os.environ.get("ROLE", "manager")
ACCOUNTS = 40
# Paths that end the session of the calls that follow.
ENDS = ("logout", "leave", "password", "session", "proof", "reauthenticate", "refresh", "verify")


@schemathesis.auth(refresh_interval=None)
class Account:
    """Signs in, as another account each time: tries with wrong passwords close one for a while."""

    token, at, last = None, 0.0, 0
    lock = threading.Lock()

    def get(self, case, context):
        with Account.lock:
            if time.time() - Account.at > 2 and not self.is_signed_in():
                self.sign_in()
            return Account.token

    def is_signed_in(self):
        Account.at = time.time()
        headers = {"Authorization": f"Bearer {Account.token}"}
        # Who has left the tenant is of no use either.
        path = "/v1/me" if ROLE == "operator" else "/v1/properties"
        return bool(Account.token) and requests.get(f"{BASE}{path}", headers=headers).ok

    def sign_in(self):
        for _ in range(ACCOUNTS):
            Account.last = (Account.last + 1) % ACCOUNTS
            # Another address as well: `run` has the gateway trust this one.
            far = {"X-Forwarded-For": f"10.9.{Account.last}.{int(time.time()) % 250 + 1}"}
            body = {"email": f"{ROLE}{Account.last}@fuzz.example", "password": os.environ["DEMO_PASSWORD"]}
            answer = requests.post(f"{BASE}/v1/auth/login", headers=far, json=body)
            if answer.ok:
                Account.token = answer.json()["access"]
                return
        raise RuntimeError(f"nobody can sign in: {answer.text}")

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"
        case.headers["X-Tenant-Api-Key"] = os.environ["TENANT_API_KEY"]
        case.headers["apikey"] = os.environ["SUPABASE_ANON_KEY"]
        # That of another tenant is refused before anything else.
        if "X-Tenant-Id" in case.headers:
            case.headers["X-Tenant-Id"] = os.environ["TENANT_ID"]


@schemathesis.hook
def before_call(context, case, kwargs):
    # A stream without an end ends by the caller's deadline.
    if case.operation.path.endswith("/watch"):
        case.headers["X-Request-Timeout"] = "1"


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code == 401 or case.operation.path.endswith(ENDS):
        Account.at = 0.0


def has_null(value):
    if isinstance(value, dict):
        return any(map(has_null, value.values()))
    if isinstance(value, list):
        return any(map(has_null, value))
    return value is None


@schemathesis.hook
def filter_body(context, body):
    return not (isinstance(body, (dict, list)) and has_null(body))
