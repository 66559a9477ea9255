# SPDX-License-Identifier: ISC
"""posternctl queue: what is in the queue, and what an administrator makes of it."""

import json
import socket
from datetime import datetime, timedelta

import pytest

from conftest import DOMAIN, wait_for
from mail_sink import Sink

ALICE = f"alice@{DOMAIN}"


@pytest.fixture
def waiting(make_server):
    """A server with three recipients' mail that the other side doesn't take yet, for an hour; its sink."""
    sink = Sink(answers={"RCPT": ["450 4.2.0 Not yet"]})
    server = make_server()
    server.settings["relay"] = f'{{ host = "127.0.0.1"; port = {sink.port}; }}'
    server.settings["limits"] = "{ retry = 3600; }"
    server.set_up("alice")
    with server.submission() as client:
        client.sendmail(ALICE, ["bob@one.example", "carol@one.example"], b"Subject: 1\r\n\r\n1\r\n")
        client.sendmail(ALICE, ["dan@two.example"], b"Subject: 2\r\n\r\n2\r\n")
    wait_for(lambda: sorted(e["attempts"] for e in entries(server)) == [1, 1, 1], "the first attempts")
    yield server, sink
    sink.close()


def queue(server, *arguments, **options):
    return server.posternctl("queue", *arguments, **options)


def entries(server, *arguments):
    return json.loads(queue(server, "list", "--json", *arguments).stdout)


def accept(sink):
    with sink.changed:
        sink.answers.clear()


def test_list_and_show(waiting):
    server, _ = waiting
    found = {entry["to"]: entry for entry in entries(server)}
    assert set(found) == {"bob@one.example", "carol@one.example", "dan@two.example"}
    bob = found["bob@one.example"]
    assert bob["state"] == "waiting" and bob["from"] == ALICE and bob["submitter"] == ALICE
    assert bob["destination"] == "@one.example" and bob["reason"] == "127.0.0.1 said: 450 4.2.0 Not yet"
    assert bob["id"] == found["carol@one.example"]["id"] and bob["index"] != found["carol@one.example"]["index"]
    assert [entry["to"] for entry in entries(server, "--to", "@TWO.example")] == ["dan@two.example"]
    assert not entries(server, "--from", "else@example.org")
    assert not entries(server, "--held")
    assert len(queue(server, "list").stdout.splitlines()) == 3
    shown = queue(server, "show", f"{bob['id']}.{bob['index']}").stdout
    assert "to          <bob@one.example>" in shown and "carol" not in shown
    assert len(entries(server, bob["id"])) == 2


def test_show_tells_what_the_sender_asked_for(waiting):
    server, _ = waiting
    with server.submission() as client:
        client.sendmail(ALICE, ["eve@three.example"], b"Subject: 3\r\n\r\n3\r\n",
                        mail_options=["ENVID=QQ314", "RET=HDRS"],
                        rcpt_options=["NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;eve@old.example"])
    wait_for(lambda: [e["attempts"] for e in entries(server, "--to", "@three.example")] == [1], "the first attempt")
    (eve,) = entries(server, "--to", "@three.example")
    assert "expires" not in eve and "envid" not in eve  # a list is long enough
    (shown,) = json.loads(queue(server, "show", eve["id"], "--json").stdout)
    days = datetime.fromisoformat(shown["expires"]) - datetime.fromisoformat(shown["received"])
    assert abs(days - timedelta(days=5)) < timedelta(seconds=5)
    assert shown["notify"] == ["success", "delay"] and shown["ret"] == "hdrs"
    assert shown["orcpt"] == "rfc822;eve@old.example" and shown["envid"] == "QQ314"
    assert {key: shown[key] for key in eve} == eve
    text = queue(server, "show", eve["id"]).stdout
    for line in (f"expires     {shown['expires']}", "notify      SUCCESS,DELAY", "orcpt       rfc822;eve@old.example",
                 "envid       QQ314", "ret         HDRS", "reason      127.0.0.1 said: 450 4.2.0 Not yet"):
        assert f"\n{line}\n" in text, text
    # Nothing that was not asked for; and what is held does not expire.
    (dan,) = entries(server, "--to", "dan@two.example")
    queue(server, "hold", dan["id"])
    (shown,) = json.loads(queue(server, "show", dan["id"], "--json").stdout)
    assert not {"expires", "notify", "orcpt", "envid", "ret"} & set(shown)
    assert set(dan) - set(shown) == {"next"}


def test_hold_and_release(waiting):
    server, sink = waiting
    (dan,) = entries(server, "--to", "dan@two.example")
    assert queue(server, "hold", dan["id"]).stdout == "1 recipient held\n"
    assert queue(server, "hold", dan["id"]).stdout == "0 recipients held\n"
    (held,) = entries(server, "--held")
    assert held["to"] == "dan@two.example" and "next" not in held
    accept(sink)
    # All that waits goes, what is held stays.
    assert queue(server, "flush").stdout == "2 recipients tried now\n"
    ((_, recipients, _),) = sink.wait(1)
    assert recipients == ["bob@one.example", "carol@one.example"]
    wait_for(lambda: len(entries(server)) == 1, "the others to be gone")
    assert queue(server, "retry", dan["id"]).stdout == "0 recipients tried now\n"
    # Also over a restart.
    server.stop()
    server.start()
    assert [entry["state"] for entry in entries(server)] == ["held"]
    assert queue(server, "release", "--all").stdout == "1 recipient released\n"
    assert sink.wait(2)[1][1] == ["dan@two.example"]
    wait_for(lambda: not entries(server), "an empty queue")
    server.log.wait(r"event=queue\.changed .*action=release")


def test_retry_one(waiting):
    server, sink = waiting
    (carol,) = entries(server, "--to", "carol@one.example")
    accept(sink)
    assert queue(server, "retry", f"{carol['id']}.{carol['index']}").stdout == "1 recipient tried now\n"
    assert sink.wait(1)[0][1] == ["carol@one.example"]
    wait_for(lambda: len(entries(server)) == 2, "her mail to be gone")


def test_remove(waiting):
    server, sink = waiting
    assert queue(server, "remove", "--to", "@one.example").stdout == "2 recipients removed\n"
    assert [entry["to"] for entry in entries(server)] == ["dan@two.example"]
    accept(sink)
    queue(server, "flush")
    assert sink.wait(1)[0][1] == ["dan@two.example"]
    wait_for(lambda: not entries(server), "an empty queue")
    assert len(sink.mails) == 1
    assert not server.messages()  # nobody was told


def test_what_makes_no_sense(waiting):
    server, _ = waiting
    for arguments, status in [
            (["remove"], 2), (["remove", "--all", "0123456789abcdef"], 2), (["show"], 2), (["flush", "x"], 2),
            (["show", "0123456789abcdef"], 1), (["hold", "0123456789abcdef"], 1), (["show", "zzz"], 1),
            (["hold", "0123456789abcdef.99999999999"], 1), (["list", "--nonsense"], 2)]:
        result = queue(server, *arguments, check=False)
        assert result.returncode == status, (arguments, result.stderr)
        assert "posternctl" in result.stderr
    assert len(entries(server)) == 3


def test_without_a_server(make_server):
    server = make_server()
    server.write_configuration()
    assert "no server is running" in queue(server, "list", check=False).stderr


def test_more_than_a_page(waiting):
    """Each entry is listed once, however many there are; all are changed at once."""
    server, _ = waiting
    recipients = [f"user{number}@many.example" for number in range(700)]
    with server.submission() as client:
        client.sendmail(ALICE, recipients, b"Subject: many\r\n\r\n.\r\n")
    queue(server, "hold", "--to", "@two.example")
    wait_for(lambda: all(e["attempts"] == 1 for e in entries(server, "--to", "@many.example")), "all attempts")
    found = entries(server, "--to", "@many.example")
    assert sorted(entry["to"] for entry in found) == sorted(recipients)
    assert queue(server, "remove", "--to", "@many.example").stdout == "700 recipients removed\n"
    assert len(entries(server)) == 3


def test_a_host_that_is_not_there(make_server):
    """One of a domain's mails is tried, the others wait with it; when one gets through they all go."""
    with socket.socket() as nobody:  # has the port, and takes no connections
        nobody.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        server = make_server()
        server.settings["relay"] = f'{{ host = "127.0.0.1"; port = {port}; }}'
        server.settings["limits"] = "{ retry = 3600; }"
        server.set_up("alice")
        with server.submission() as client:
            for number in range(10):
                client.sendmail(ALICE, [f"bob{number}@one.example"], b"Subject: 1\r\n\r\n1\r\n")
        wait_for(lambda: [e["attempts"] for e in entries(server)] == [1] * 10, "all to be put off")
        (reason,) = {entry["reason"] for entry in entries(server)}
        assert "Connection refused" in reason
        tried = server.log.text().count("event=queue.not_now")
        assert tried <= 4 and server.log.text().count("event=queue.deferred") == 10
        # All are to be tried now: one is.
        assert queue(server, "flush").stdout == "10 recipients tried now\n"
        wait_for(lambda: [e["attempts"] for e in entries(server)] == [2] * 10, "all to be put off again")
        assert server.log.text().count("event=queue.not_now") == tried + 1
        server.stop()
        server.start()
        sink = Sink(address=("127.0.0.1", port))
        try:
            queue(server, "retry", entries(server)[0]["id"])
            assert len(sink.wait(10)) == 10
            wait_for(lambda: not entries(server), "the queue to be empty")
        finally:
            sink.close()
