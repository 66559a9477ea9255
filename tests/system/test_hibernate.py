# SPDX-License-Identifier: ISC
"""A mailbox's process ends while its clients wait in IDLE, and they notice nothing (postern.conf's session.hibernate)."""

import glob
import os

import pytest

from conftest import DOMAIN, wait_for
from imap_client import Imap

ONE = b"Subject: one\r\n\r\nHello\r\n"


@pytest.fixture
def server(make_server):
    server = make_server()
    server.settings["session"] = "{ linger = 0; hibernate = 1; }"
    return server.set_up("alice")


def sleep(server, *clients):
    """All of them in IDLE, and the process gone; their tags."""
    mark = server.log.mark()
    tags = [client.begin("IDLE") for client in clients]
    for client in clients:
        assert client.response().startswith(b"+")
    server.log.wait(r"event=session\.hibernates", mark)
    wait_for(lambda: not server.children("session"), "the session process to end")
    return tags


def done(client, tag):
    client.send("DONE\r\n")
    return client.end(tag)


def test_a_mail_wakes_all(server):
    clients = [Imap(server) for _ in range(3)]
    for client in clients:
        client.append(ONE)
    for client in clients:
        client.select()
    tags = sleep(server, *clients)
    with server.smtp() as smtp:
        smtp.sendmail("bob@example.net", ["alice@example.org"], ONE)
    for client, tag in zip(clients, tags):
        assert client.response() == b"* 4 EXISTS"
        status, _, untagged = done(client, tag)
        assert status == "OK"
        assert len(client.do("FETCH 1:4 FLAGS")) == 4
    assert len(server.children("session")) == 1


def test_a_byte_wakes_its_process(server):
    with Imap(server) as client:
        client.select()
        tag, = sleep(server, client)
        assert done(client, tag)[0] == "OK"
        client.append(ONE)
        assert client.do("FETCH 1 RFC822.SIZE")
        tag, = sleep(server, client)  # and again
        assert done(client, tag)[0] == "OK"
        assert client.do("FETCH 1 RFC822.SIZE")


def test_none_selected(server):
    with Imap(server) as client:
        client.do("ENABLE QRESYNC IMAP4rev2")
        tag, = sleep(server, client)
        assert done(client, tag)[0] == "OK"
        client.append(ONE)
        assert any(line.startswith(b"LIST ") for line in client.select())


def test_what_another_login_did_meanwhile(server):
    """The numbers of the client that sleeps are those it was told of."""
    with Imap(server) as client:
        for _ in range(4):
            client.append(ONE)
        client.select()
        tag, = sleep(server, client)
        with Imap(server) as other:
            other.select()
            other.do("STORE 2:3 +FLAGS.SILENT (\\Deleted)")
            other.do("EXPUNGE")
            other.do("STORE 1 +FLAGS.SILENT ($Seen2)")
        seen = []
        while len([line for line in seen if b"EXPUNGE" in line]) < 2 or not any(b"$Seen2" in line and b"FETCH" in line for line in seen):
            seen.append(client.response())
        assert [line for line in seen if b"EXPUNGE" in line] == [b"* 2 EXPUNGE", b"* 2 EXPUNGE"]
        assert done(client, tag)[0] == "OK"


def test_the_folder_is_deleted_meanwhile(server):
    with Imap(server) as client:
        client.do("CREATE box")
        client.select("box")
        tag, = sleep(server, client)
        with Imap(server) as other:
            other.do("DELETE box")
        while True:
            line = client.response()
            if line.startswith(b"* BYE") or not line:
                break


def test_a_client_that_goes_wakes_nobody(server):
    client = Imap(server)
    client.select()
    sleep(server, client)
    mark = server.log.mark()
    client.close()
    server.log.wait(r"event=imap\.closed .*IDLE", mark)
    assert not server.children("session")


def test_who_wants_notifications_is_not_put_to_sleep(server):
    server.add_account("bob")
    with Imap(server) as client, Imap(server) as other, Imap(server, user="bob") as bob:
        client.do("NOTIFY SET (personal (MessageNew MessageExpunge))")
        mark = server.log.mark()
        tags = [connection.begin("IDLE") for connection in (client, other, bob)]
        for connection in (client, other, bob):
            assert connection.response().startswith(b"+")
        server.log.wait(r"event=session\.hibernates user=bob", mark)  # who came to it last
        assert not server.log.find(r"event=session\.hibernates user=alice", mark)
        with server.smtp() as smtp:
            smtp.sendmail("bob@example.net", ["alice@example.org"], ONE)
        assert client.response().startswith(b'* STATUS "INBOX" (')
        assert done(client, tags[0])[0] == "OK"


def test_others_keep_the_process(server):
    with Imap(server) as idle, Imap(server) as busy:
        idle.select()
        busy.select()
        tag = idle.begin("IDLE")
        assert idle.response().startswith(b"+")
        mark = server.log.mark()
        busy.append(ONE)
        assert idle.response() == b"* 1 EXISTS"
        assert not server.log.find(r"event=session\.hibernates", mark)
        assert idle.response().endswith(b"RECENT")
        assert done(idle, tag)[0] == "OK"


def test_checkups_of_a_sleeping_mailbox(server):
    """A check lets the clients sleep on; a repair that has to do something ends them, also if nothing can be opened."""
    mailbox = f"{server.state}/mail/{DOMAIN}/alice"

    def checkup(verb):
        return server.posternctl("mailbox", verb, f"alice@{DOMAIN}", check=False).returncode

    with Imap(server) as client:
        for _ in range(2):
            client.append(ONE)
        client.select()
        tag, = sleep(server, client)
        assert checkup("check") == 0 and checkup("repair") == 0
        os.unlink(glob.glob(mailbox + "/msg/*/*")[0])
        assert checkup("check") == 1
        assert done(client, tag)[0] == "OK"
        sleep(server, client)
        assert checkup("repair") == 0
        assert client.response().startswith(b"* BYE")
    with Imap(server) as client:
        client.select()
        sleep(server, client)
        with open(mailbox + "/index.db", "r+b") as index:
            index.write(b"garbage." * 1024)
        assert checkup("check") == 1
        assert client.response().startswith(b"* BYE")
    assert checkup("repair") == 0 and checkup("check") == 0
    with Imap(server) as client:
        assert b"1 EXISTS" in client.select("Recovered")
