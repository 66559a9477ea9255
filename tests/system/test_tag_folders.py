# SPDX-License-Identifier: ISC
"""Mail to user+tag in the folder that the tag names."""

import pytest
from conftest import DOMAIN, PASSWORD, wait_for
from imap_client import Imap

OTHER = "other.example"


@pytest.fixture(name="make_tags")
def make_tags_fixture(make_server):
    def make(addresses):
        server = make_server()
        server.domains = [DOMAIN, OTHER]
        if addresses:
            server.settings["addresses"] = addresses
        server.set_up("alice", f"bob@{OTHER}")
        server.user = "alice"
        return server

    return make


def send(server, *recipients):
    with server.smtp(tls=False) as client:
        client.sendmail("a@b.example", recipients, "From: a@b.example\r\nSubject: tag\r\n\r\nText.\r\n")


def count(client, folder):
    [line] = client.do(f"STATUS {folder} (MESSAGES)")
    return int(line.split(b"MESSAGES ")[1].rstrip(b")"))


def test_folders_that_are_there(make_tags):
    server = make_tags("{ tag_folders = true; }")
    client = Imap(server)
    client.do("CREATE lists")
    client.do("CREATE lists/dev")
    for number, to in enumerate(["alice+lists", "Alice+Lists", "alice+nothing", "alice+lists/dev", "alice+sent", "alice"]):
        send(server, f"{to}@{DOMAIN}")
        wait_for(lambda n=number: count(client, "INBOX") + count(client, "lists") == n + 1, "the mail to be there")
    assert (count(client, "lists"), count(client, "INBOX")) == (2, 4)
    assert count(client, "lists/dev") == count(client, "Sent") == 0
    # None was made.
    assert not client.do('LIST "" nothing')


def test_off_by_default_and_by_a_reload(make_tags):
    server = make_tags(None)
    client = Imap(server)
    client.do("CREATE lists")
    send(server, f"alice+lists@{DOMAIN}")
    wait_for(lambda: count(client, "INBOX") == 1, "the mail to be there")
    server.settings["addresses"] = "{ tag_folders = true; }"
    server.write_configuration()
    server.posternctl("reload")
    # The session that has been running all the time knows.
    send(server, f"alice+lists@{DOMAIN}")
    wait_for(lambda: count(client, "INBOX") + count(client, "lists") == 2, "the mail to be there")
    assert count(client, "lists") == 1


def test_each_domain_for_itself(make_tags):
    server = make_tags(f'{{ domains = ( {{ name = "{OTHER}"; separator = "-"; tag_folders = true; }} ); }}')
    alice = Imap(server)
    bob = Imap(server, login=False)
    bob.do(f'LOGIN bob@{OTHER} "{PASSWORD}"')
    for client in (alice, bob):
        client.do("CREATE lists")
    send(server, f"alice+lists@{DOMAIN}", f"bob-lists@{OTHER}")
    wait_for(lambda: count(alice, "INBOX") == 1 and count(bob, "lists") == 1, "the mails to be there")
    assert count(alice, "lists") == count(bob, "INBOX") == 0


def test_what_is_none_is_refused(make_tags):
    server = make_tags(None)
    server.settings["addresses"] = '{ tag_folders = "yes"; }'
    server.write_configuration()
    assert "tag_folders must be true or false" in server.posternctl("reload", check=False).stderr
