# SPDX-License-Identifier: ISC
"""What postern.conf says of early talkers, guessers and rates, as a client sees it."""

from conftest import DEADLINE

NOBODY = 'exempt = ();'


def test_early_talkers(make_server):
    server = make_server()
    server.settings["defences"] = f"{{ greeting_pause = 30; {NOBODY} }}"
    server.set_up("alice")
    with server.raw("smtp") as client:
        client.sendall(b"EHLO spam.example\r\n")
        assert client.recv(1000).startswith(b"554 5.5.1 ")
        assert client.recv(1000) == b""
    server.log.wait(r"event=conn\.early_talker .*so=refused")
    # The pause is for strangers' mail only.
    with server.raw("submission") as client:
        assert client.recv(1000).startswith(b"220 ")


def test_this_host_is_exempt(make_server):
    server = make_server()
    server.settings["defences"] = "{ greeting_pause = 30; tarpit = 32; }"
    server.set_up("alice")
    with server.raw("smtp") as client:
        client.sendall(b"X\r\n" * 9 + b"NOOP\r\n")
        heard = b""
        while not heard.endswith(b"250 2.0.0 Ok\r\n"):
            heard += client.recv(1000)
        assert heard.startswith(b"220 ") and heard.count(b"500 5.5.2") == 9


def test_guesses_are_answered_late(make_server):
    """The seventh guess has eight seconds to wait: another client is served before."""
    server = make_server()
    server.settings["gate"] = "{ processes = 1; }"
    server.settings["defences"] = f"{{ greeting_pause = 0; {NOBODY} }}"
    server.set_up("alice")
    with server.raw("smtp") as guesser:
        guesser.settimeout(DEADLINE)
        guesser.sendall(b"EHLO a\r\nMAIL FROM:<a@b.example>\r\n")
        heard = b""
        for user in range(6):
            guesser.sendall(f"RCPT TO:<user{user}@example.org>\r\n".encode())
            while heard.count(b"550 5.1.1") <= user:
                heard += guesser.recv(1000)
        guesser.sendall(b"RCPT TO:<user7@example.org>\r\n")
        with server.smtp(tls=False) as other:
            other.noop()
        guesser.setblocking(False)
        try:
            late = guesser.recv(1000)
        except BlockingIOError:
            late = b""
        assert late == b""


def test_rate(make_server):
    server = make_server()
    server.listeners["smtp"]["max_rate_per_address"] = 2
    server.set_up("alice")
    for _ in range(2):
        with server.raw("smtp") as client:
            assert client.recv(1000).startswith(b"220 ")
    with server.raw("smtp") as client:
        assert client.recv(1000).startswith(b"421 4.7.0 ")
    server.log.wait(r"event=conn\.refused .*why=max_rate_per_address")
