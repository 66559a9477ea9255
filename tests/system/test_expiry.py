# SPDX-License-Identifier: ISC
"""A certificate that is about to expire: the log, the status, and a mail to the postmaster, once."""

import email
import email.policy
import email.utils
import re

from conftest import DOMAIN, HOST


def create(server, name, days, *options):
    server.posternctl("cert", "create", name, "--yes", "--name", HOST, "--key", "p256", "--days", str(days), *options)


def notices(messages):
    parsed = [email.message_from_bytes(text, policy=email.policy.default) for text in messages]
    return [message for message in parsed if message["Auto-Submitted"] == "auto-generated"]


def send(server, subject):
    with server.smtp() as client:
        client.sendmail("", [f"alice@{DOMAIN}"], f"Subject: {subject}\r\n\r\nx\r\n")


def test_told_once(make_server):
    server = make_server()
    server.write_configuration()
    create(server, HOST, 6)
    server.add_account()
    server.start()
    server.log.wait(rf"warning: event=cert\.expiring key={HOST} days=[56]")
    (message,) = notices(server.wait_for_messages(1))
    assert re.fullmatch(rf"The certificate {HOST} expires in 6 days", message["Subject"])
    assert message["To"] == message["From"].addresses[0].addr_spec == f"postmaster@{HOST}"
    assert email.utils.parsedate_to_datetime(message["Date"]).tzinfo is not None
    assert message["Message-ID"].startswith("<certificate.") and message.get_content_type() == "text/plain"
    text = message.get_content()
    assert f"pop3:{server.ports['pop3s']}" in text
    assert f"posternctl cert create {HOST} --replace --from {HOST}" in text
    assert max(len(line) for line in text.splitlines()) < 79
    assert not [defect for part in message.walk() for defect in part.defects]

    status = server.posternctl("status").stdout
    assert re.search(rf"^certificate {HOST} days=[56] listeners=smtp:\d+ .*expires soon", status, re.M), status

    # Neither a restart nor a reload sends it again: the next mail is the one that is sent here.
    server.posternctl("reload")
    server.stop()
    server.start()
    send(server, "the next")
    assert len(notices(server.wait_for_messages(2))) == 1

    # Another one, made while the server runs.
    create(server, "another", 2)
    found = notices(server.wait_for_messages(3))
    assert [message["Subject"] for message in found][1:] == ["The certificate another expires in 2 days"]
    assert "No listener presents it" in found[1].get_content()
    assert "posternctl cert remove another" in found[1].get_content()


def test_postmaster_missing(make_server):
    """Nobody is there to be told: the log says so, and nothing else happens."""
    server = make_server()
    server.write_configuration()
    create(server, HOST, 6)
    server.posternctl("account", "disable", server.add_account())
    server.start()
    server.log.wait(r"event=accounts\.unavailable rcpt=postmaster")
    server.log.wait(r"event=queue\.notice_failed .*tried again")
    assert server.posternctl("cert", "list").returncode == 0


def test_nothing_to_tell(make_server):
    server = make_server()
    server.set_up()
    send(server, "the only one")
    assert notices(server.wait_for_messages(1)) == []
    assert "event=cert.expiring" not in server.log.text()
    assert re.search(rf"^certificate {HOST} days=36\d listeners=smtp:\d+", server.posternctl("status").stdout, re.M)
