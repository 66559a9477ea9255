# SPDX-License-Identifier: ISC
"""POP3 as real clients speak it (RFC 1939, 2449, 2595, 5034)."""

import base64
import imaplib
import poplib
import shutil
import subprocess

import pytest

from conftest import DEADLINE, DOMAIN, HOST, PASSWORD, SCRAM

ALICE = f"alice@{DOMAIN}"


def deliver(server, *bodies, user="alice"):
    with server.smtp() as client:
        for body in bodies:
            client.sendmail("bob@example.net", [f"{user}@{DOMAIN}"], body)
    return server.wait_for_messages(len(bodies), user)


def test_transaction(server):
    stored = deliver(server, b"Subject: one\r\n\r\n1\r\n", b"Subject: two\r\n\r\n.dot\r\nlast\r\n")
    client = server.pop3()
    count, size = client.stat()
    assert (count, size) == (2, sum(map(len, stored)))
    assert [line.split() for line in client.list()[1]] == [
        [b"1", str(len(stored[0])).encode()], [b"2", str(len(stored[1])).encode()]]
    top = client.top(2, 1)[1]
    assert top[-1] == b".dot" and b"Subject: two" in top
    assert client.noop().startswith(b"+OK")
    uidls = [line.split()[1] for line in client.uidl()[1]]
    assert len(set(uidls)) == 2
    client.dele(1)
    with pytest.raises(poplib.error_proto):
        client.retr(1)
    assert client.stat()[0] == 1
    client.rset()
    assert client.stat()[0] == 2
    client.dele(1)
    client.quit()
    client = server.pop3()
    assert client.stat()[0] == 1
    assert client.uidl()[1] == [b"1 " + uidls[1]]  # UIDLs never change
    client.quit()


def test_a_lost_connection_deletes_nothing(server):
    deliver(server, b"Subject: one\r\n\r\n1\r\n")
    client = server.pop3()
    client.dele(1)
    mark = server.log.mark()
    client.close()
    server.log.wait(r"event=pop3\.closed .*went away", mark)
    assert len(server.wait_for_messages(1)) == 1


def test_one_session_a_mailbox(server):
    first = server.pop3()
    with pytest.raises(poplib.error_proto) as error:
        server.pop3()
    assert b"[IN-USE]" in error.value.args[0]
    first.quit()
    server.pop3().quit()


def test_capabilities(server):
    client = poplib.POP3_SSL(HOST, server.ports["pop3s"], context=server.context(), timeout=DEADLINE)
    before = client.capa()
    assert set(before) >= {"TOP", "UIDL", "RESP-CODES", "PIPELINING", "EXPIRE", "IMPLEMENTATION",
                           "SASL", "USER", "UTF8", "LANG"}
    assert "STLS" not in before and before["SASL"] == [*SCRAM, "PLAIN", "LOGIN"]
    client.user(ALICE)
    client.pass_(PASSWORD)
    assert set(client.capa()) >= {"TOP", "UIDL", "RESP-CODES", "PIPELINING", "UTF8", "LANG"}
    client.quit()
    plain = poplib.POP3(HOST, server.ports["pop3"], timeout=DEADLINE)
    assert "STLS" in plain.capa()
    plain.quit()


@pytest.mark.parametrize("initial", [True, False])
def test_auth_plain(server, initial):
    token = base64.b64encode(f"\0{ALICE}\0{PASSWORD}".encode())
    with server.tls("pop3s") as connection:
        file = connection.makefile("rb")
        file.readline()
        if initial:
            connection.sendall(b"AUTH PLAIN " + token + b"\r\n")
        else:
            connection.sendall(b"AUTH PLAIN\r\n")
            assert file.readline() == b"+ \r\n"
            connection.sendall(token + b"\r\n")
        assert file.readline().startswith(b"+OK")


def test_pipelining(server):
    deliver(server, b"Subject: one\r\n\r\n1\r\n")
    with server.tls("pop3s") as connection:
        file = connection.makefile("rb")
        connection.sendall(f"USER {ALICE}\r\nPASS {PASSWORD}\r\nSTAT\r\nLIST 1\r\nDELE 1\r\nRSET\r\nQUIT\r\n"
                           .encode())
        lines = file.read().split(b"\r\n")
    assert len(lines) == 9 and all(line.startswith(b"+OK") for line in lines[:8])


def test_wrong_password(server):
    for user, password in (("alice", "wrong"), ("nobody", PASSWORD)):
        with pytest.raises(poplib.error_proto) as error:
            server.pop3(user, password)
        assert b"-ERR [AUTH]" in error.value.args[0]
    server.log.wait(r"event=login\.failed.*127\.0\.0\.1|event=login\.failed.*::1", count=2)


def test_large_message_does_not_hold_others(make_server):
    server = make_server()
    server.settings["limits"] = "{ message_size = 60000000; }"
    server.set_up("alice", "bob")
    big = b"Subject: big\r\n\r\n" + (b"x" * 76 + b"\r\n") * 640000
    with server.smtp() as client:
        client.sendmail("a@b.example", [ALICE], big)
    server.wait_for_messages(1)
    with server.tls("pop3s") as slow:
        file = slow.makefile("rb")
        slow.sendall(f"USER {ALICE}\r\nPASS {PASSWORD}\r\nRETR 1\r\n".encode())
        for _ in range(4):
            file.readline()
        server.pop3("bob").quit()  # served while the other does not read
        while file.readline() != b".\r\n":
            pass


def test_retr_does_not_hold_the_users_others(make_server):
    server = make_server()
    server.settings["limits"] = "{ message_size = 60000000; }"
    server.set_up("alice")
    with server.smtp() as client:
        client.sendmail("a@b.example", [ALICE], b"Subject: big\r\n\r\n" + (b"x" * 76 + b"\r\n") * 640000)
    server.wait_for_messages(1)
    with server.tls("pop3s") as slow:
        file = slow.makefile("rb")
        slow.sendall(f"USER {ALICE}\r\nPASS {PASSWORD}\r\nRETR 1\r\n".encode())
        for _ in range(4):
            file.readline()
        client = imaplib.IMAP4_SSL(HOST, server.ports["imaps"], ssl_context=server.context(), timeout=DEADLINE)
        client.login(ALICE, PASSWORD)
        client.select()
        for _ in range(10):
            assert client.noop()[0] == "OK"
        client.logout()
        lines = 0
        while file.readline() != b".\r\n":
            lines += 1
        assert lines > 640000


def test_utf8_and_lang(server):
    """RFC 6856: before the login and behind it; what is no UTF-8 is no name and no password."""
    subject = "Subject: Grüße\r\n".encode()
    deliver(server, subject + b"\r\n1\r\n")
    with server.tls("pop3s") as connection:
        file = connection.makefile("rb")

        def ask(line):
            connection.sendall(line + b"\r\n")
            return file.readline()

        def languages():
            ask(b"LANG")
            assert file.readline() == b"en English\r\n" and file.readline() == b".\r\n"
            for wanted in (b"en", b"*", b"en-US"):
                assert ask(b"LANG " + wanted).startswith(b"+OK en ")
            assert ask(b"LANG uga").startswith(b"-ERR")

        file.readline()
        languages()
        assert ask(b"UTF8 now").startswith(b"-ERR")
        assert ask(b"UTF8").startswith(b"+OK")
        assert ask(b"USER \xe4").startswith(b"-ERR")
        assert ask("USER ä".encode()).startswith(b"+OK")
        assert ask(b"PASS \xff").startswith(b"-ERR")
        assert ask(f"USER {ALICE}".encode()).startswith(b"+OK")
        assert ask(f"PASS {PASSWORD}".encode()).startswith(b"+OK")
        languages()
        assert ask(b"UTF8").startswith(b"-ERR")
        assert ask(b"RETR 1").startswith(b"+OK")
        found = []
        while (line := file.readline()) != b".\r\n":
            found.append(line)
        assert subject in found


def test_delivery_during_a_session(server):
    deliver(server, b"Subject: one\r\n\r\n1\r\n")
    client = server.pop3()
    with server.smtp() as smtp:
        smtp.sendmail("a@b.example", [ALICE], b"Subject: two\r\n\r\n2\r\n")
    server.log.wait(r"event=queue\.delivered", count=2)
    assert client.stat()[0] == 1
    client.dele(1)
    client.quit()
    assert b"Subject: two" in server.messages()[0]


@pytest.mark.parametrize("line", [b"A" * 1000, b"\0", b"\xff\xfe", b"USER", b"PASS", b"STAT", b"AUTH NONE",
                                  b"AUTH PLAIN !", b"TOP 1 1", b""])
def test_bad_commands_before_login(server, line):
    with server.tls("pop3s") as connection:
        file = connection.makefile("rb")
        file.readline()
        connection.sendall(line + b"\r\n")
        assert file.readline().startswith(b"-ERR")


def test_a_megabyte_without_a_line_end(server):
    with server.raw("pop3") as connection:
        file = connection.makefile("rb")
        file.readline()
        try:
            connection.sendall(b"A" * 1_000_000 + b"\r\n")
            assert file.readline().startswith(b"-ERR")
        except (ConnectionResetError, BrokenPipeError):
            pass
    server.pop3().quit()


@pytest.mark.parametrize("said", [b"", b"USER alice@example.org\r\n", b"STLS\r\n"])
def test_client_goes_away(server, said):
    mark = server.log.mark()
    with server.raw("pop3") as connection:
        connection.sendall(said)
    server.log.wait(r"event=conn\.closed", mark)
    server.pop3().quit()


def test_curl(server):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    stored = deliver(server, b"Subject: one\r\n\r\n1\r\n")
    for url, extra in ((f"pop3s://{HOST}:{server.ports['pop3s']}/1", []),
                       (f"pop3://{HOST}:{server.ports['pop3']}/1", ["--ssl-reqd"])):
        result = subprocess.run(
            ["curl", "-sS", "--cacert", f"{server.state}/certs/{HOST}.crt", "-u", f"{ALICE}:{PASSWORD}",
             *extra, url], capture_output=True, check=False, timeout=DEADLINE)
        assert result.returncode == 0, result.stderr
        assert result.stdout == stored[0]
