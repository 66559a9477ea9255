# SPDX-License-Identifier: ISC
"""Quotas: of postern.conf for all, of accounts.conf for one; and what the queue makes of them."""

import email
import json
import re

from conftest import DOMAIN, wait_for
from imap_client import Imap

BODY = b"Subject: large\r\n\r\n" + b"x" * 60 + b"\r\n" * 10


def send(server, count, user):
    with server.smtp() as client:
        for _ in range(count):
            client.sendmail("bob@example.net", [f"{user}@{DOMAIN}"], BODY)


def test_quotas(make_server):
    server = make_server()
    server.settings["session"] = '{ quota = "1G"; quota_messages = 2; }'
    server.settings["limits"] = "{ retry = 1; }"
    server.set_up("alice", "carol")
    with open(server.accounts, encoding="utf-8") as file:
        text = re.sub(r'(address = "carol@[^"]*";)', r"\1 quota_messages = 1;", file.read())
    mark = server.log.mark()
    with open(server.accounts, "w", encoding="utf-8") as file:
        file.write(text)
    server.log.wait(r"event=accounts\.loaded", mark)
    mark = server.log.mark()
    send(server, 3, "alice")
    server.log.wait(r"event=queue\.deferred.*4\.2\.2.*2 of 2 messages", mark)
    assert len(server.wait_for_messages(2, "alice")) == 2
    send(server, 2, "carol")
    server.log.wait(r"event=queue\.deferred.*4\.2\.2.*1 of 1 messages", mark)
    # A new accounts file reaches a session that runs.
    mark = server.log.mark()
    with open(server.accounts, "w", encoding="utf-8") as file:
        file.write(text.replace("quota_messages = 1", "quota_messages = 5"))
    server.log.wait(r"event=accounts\.loaded", mark)
    send(server, 1, "carol")
    wait_for(lambda: len(server.messages("carol")) >= 2, "room for another message")


def test_who_is_here_hears_of_a_full_mailbox(make_server):
    """Also where no mail leaves; how full it is, is the administrator's to know."""
    server = make_server()
    server.settings["session"] = "{ quota_messages = 1; }"
    server.settings["limits"] = "{ retry = 1; }"
    server.settings["relay"] = "{ enabled = false; expire = 2; }"
    server.set_up("alice", "carol")
    send(server, 1, "carol")
    server.wait_for_messages(1, "carol")
    with server.submission() as client:
        client.sendmail(f"alice@{DOMAIN}", [f"carol@{DOMAIN}"], b"From: alice@example.org\r\n" + BODY)
    report = email.message_from_bytes(server.wait_for_messages(1, "alice")[0])
    _, recipient = report.get_payload(1).get_payload()
    assert (recipient["Status"], recipient["Diagnostic-Code"]) == ("5.2.2", "x-postern; the mailbox is full")
    assert b"1 of 1" not in report.as_bytes()
    # A sender elsewhere can't be told: the mail stays, with all that is known.
    send(server, 1, "carol")
    server.log.wait(r"critical: event=queue\.held")
    (held,) = json.loads(server.posternctl("queue", "list", "--held", "--json").stdout)
    assert held["from"] == "bob@example.net" and "1 of 1 messages are there" in held["reason"]


def multiappend(client, mails):
    return client.ask(b"APPEND INBOX" + b"".join(b" {%d+}\r\n%b" % (len(mail), mail) for mail in mails))


def test_imap(make_server):
    """RFC 9208 4.3.1 and RFC 3502 3: all of a MULTIAPPEND or nothing, and the next one that fits is taken."""
    server = make_server()
    server.settings["session"] = "{ quota_messages = 5; }"
    server.set_up("alice")
    with Imap(server, "alice") as client:
        client.select()
        status, text, untagged = multiappend(client, [BODY] * 6)
        assert (status, text.startswith("[OVERQUOTA]")) == ("NO", True), text
        assert not untagged, untagged
        assert multiappend(client, [BODY] * 4)[0] == "OK"
        status, text, _ = multiappend(client, [BODY] * 2)
        assert (status, text.startswith("[OVERQUOTA]")) == ("NO", True), text
        client.no("COPY 1:2 Drafts", "[OVERQUOTA]")
        assert client.do("STATUS Drafts (MESSAGES)") == [b'STATUS "Drafts" (MESSAGES 0)']
        assert b"QUOTA" in client.do("GETQUOTAROOT INBOX")[1]
        # Room that is made is room at once.
        client.do("STORE 1:3 +FLAGS.SILENT (\\Deleted)")
        client.do("EXPUNGE")
        assert multiappend(client, [BODY] * 2)[0] == "OK"
        assert client.do("STATUS INBOX (MESSAGES)") == [b'STATUS "INBOX" (MESSAGES 3)']
