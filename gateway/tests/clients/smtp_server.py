"""A real SMTP server, aiosmtpd, that asks for TLS and a password; mail.test.mjs starts it.

It listens at an address with a certificate, with STARTTLS, with TLS from the first byte and with
no TLS at all, prints its ports, and then what comes, a line of JSON each: who tried to log in, and letters.
"""

import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

ADDRESS, CERTIFICATE, KEY, USER, WORD = sys.argv[1:]


def told(**what):
    print(json.dumps(what), flush=True)


def authenticate(server, session, envelope, mechanism, data):
    user, word = data.login.decode(), data.password.decode()
    right = (user, word) == (USER, WORD)
    told(login=user, mechanism=mechanism, right=right)
    return AuthResult(success=right, handled=False, auth_data=user)


class Letters:
    async def handle_DATA(self, server, session, envelope):
        encrypted = server.transport.get_extra_info("cipher") is not None
        told(to=envelope.rcpt_tos, user=session.auth_data, encrypted=encrypted, text=envelope.content.decode())
        return "250 2.0.0 taken"


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    loop = asyncio.get_running_loop()

    def serve(**how):
        return SMTP(Letters(), auth_required=True, authenticator=authenticate, loop=loop, **how)

    asked = await loop.create_server(lambda: serve(tls_context=context, require_starttls=True), ADDRESS, 0)
    # It knows of TLS only what it has begun itself.
    always = await loop.create_server(lambda: serve(auth_require_tls=False), ADDRESS, 0, ssl=context)
    never = await loop.create_server(lambda: serve(auth_require_tls=False), ADDRESS, 0)
    ports = [server.sockets[0].getsockname()[1] for server in (asked, always, never)]
    told(starttls=ports[0], tls=ports[1], clear=ports[2])
    await asyncio.Event().wait()


asyncio.run(main())
