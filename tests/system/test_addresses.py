# SPDX-License-Identifier: ISC
"""Addresses: several domains, aliases, catch-alls, tags, and who is always there."""

import base64
import email
import os
import poplib
import shutil
import smtplib
import tempfile

import pytest
from conftest import DOMAIN, HOST, PASSWORD, Server, wait_for

SECOND = "second.example"
ALIASES = f"""
# Who reads what is sent to a role.
aliases = (
  {{ address = "sales@{DOMAIN}"; to = [ "alice@{DOMAIN}", "bob@{SECOND}" ]; }},
  {{ address = "all@{DOMAIN}"; to = [ "sales@{DOMAIN}", "Carol@{DOMAIN}" ]; }},
  {{ address = "@{SECOND}"; to = "bob@{SECOND}"; }}
);
"""


@pytest.fixture(scope="module")
def domains():
    """One server with two domains, and an account that receives nothing but what is sent to it."""
    folder = tempfile.mkdtemp(prefix="postern-test-")
    os.chmod(folder, 0o711)
    server = Server(folder)
    server.domains = [DOMAIN, SECOND, "empty.example", "B\u00fccher.example"]
    try:
        server.write_configuration()
        server.create_certificate()
        for user in ("alice", f"bob@{SECOND}", "carol", "idn@b\u00fccher.example"):
            server.add_account(user)
        with open(server.accounts, "a", encoding="utf-8") as file:
            file.write(ALIASES)
        yield start(server)
    finally:
        server.stop(hasten=True)
        shutil.rmtree(folder, ignore_errors=True)


def start(server):
    server.start()
    return server


def verdict(server, *recipients):
    """The replies to RCPT."""
    with server.smtp() as client:
        client.ehlo("client.example")
        client.mail("someone@elsewhere.example")
        return [client.rcpt(recipient)[0] for recipient in recipients]


def send(server, subject, *recipients):
    with server.smtp() as client:
        client.sendmail("someone@elsewhere.example", recipients,
                        f"From: someone@elsewhere.example\r\nSubject: {subject}\r\n\r\nHello.\r\n")


def subjects(server, address):
    client = poplib.POP3_SSL("localhost", server.ports["pop3s"], timeout=60, context=server.context())
    client.user(address)
    client.pass_(PASSWORD)
    found = []
    for number in range(client.stat()[0]):
        found += [line[9:].decode() for line in client.top(number + 1, 0)[1] if line.startswith(b"Subject: ")]
    client.quit()
    return sorted(found)


def wait_for_subject(server, subject, *addresses):
    for address in addresses:
        wait_for(lambda who=address: subject in subjects(server, who), f"{subject} at {address}")


def test_an_alias_leads_to_each_of_its_accounts_once(domains):
    send(domains, "alias", f"ALL@{DOMAIN}", f"sales@{DOMAIN}", f"alice@{DOMAIN}")
    wait_for_subject(domains, "alias", f"alice@{DOMAIN}", f"bob@{SECOND}", f"carol@{DOMAIN}")
    send(domains, "after", f"all@{DOMAIN}")
    everybody = (f"alice@{DOMAIN}", f"bob@{SECOND}", f"carol@{DOMAIN}")
    wait_for_subject(domains, "after", *everybody)
    assert [subjects(domains, who).count("alias") for who in everybody] == [1, 1, 1]


def test_what_nobody_has_goes_to_the_catch_all_of_its_domain_only(domains):
    assert verdict(domains, f"nobody@{SECOND}", f"nobody@{DOMAIN}", "nobody@empty.example") == [250, 550, 550]
    send(domains, "catch-all", f"Who.Ever@{SECOND}")
    wait_for_subject(domains, "catch-all", f"bob@{SECOND}")


def test_tags_are_the_account_without_them(domains):
    assert verdict(domains, f"carol+list@{DOMAIN}", f"+carol@{DOMAIN}", f"nobody+x@{DOMAIN}") == [250, 550, 550]
    send(domains, "tagged", f"Carol+News.2026@{DOMAIN}")
    wait_for_subject(domains, "tagged", f"carol@{DOMAIN}")


def test_postmaster_and_abuse_are_always_there(domains):
    names = [DOMAIN, SECOND, "empty.example"]
    roles = [f"{role}@{domain}" for role in ("postmaster", "Abuse") for domain in names]
    assert verdict(domains, "postmaster", *roles) == [250] * 7
    send(domains, "role", "abuse@empty.example")
    wait_for_subject(domains, "role", f"alice@{DOMAIN}")


def test_the_two_forms_of_an_internationalised_domain_are_one(domains):
    ascii_form, written = "idn@xn--bcher-kva.example", "idn@B\u00fccher.example"
    assert verdict(domains, ascii_form) == [250]
    send(domains, "idn", ascii_form)
    for name in (ascii_form, written):
        secret = base64.b64encode(f"\0{name}\0{PASSWORD}".encode()).decode()
        client = domains.tls("imaps")
        file = client.makefile("rb")
        file.readline()
        client.sendall(f"a AUTHENTICATE PLAIN {secret}\r\n".encode())
        assert file.readline().startswith(b"a OK")
        client.close()
    wait_for_subject(domains, "idn", ascii_form)
    assert domains.posternctl("account", "list").stdout.count(ascii_form) == 1


def test_nobody_is_told_who_is_who(domains):
    with domains.smtp() as client:
        client.ehlo("client.example")
        assert client.verify(f"alice@{DOMAIN}")[0] == client.verify(f"nobody@{DOMAIN}")[0] == 252
        assert client.expn(f"sales@{DOMAIN}")[0] == 502


def submit(server, user, sender, *recipients):
    """The reply to DATA, or to the end of it."""
    with smtplib.SMTP_SSL("localhost", server.ports["submissions"], timeout=60, context=server.context()) as client:
        client.login(user, PASSWORD)
        client.mail(sender)
        for recipient in recipients:
            assert client.rcpt(recipient)[0] == 250
        try:
            author = f"From: {sender}\r\n" if sender else ""
            return client.data(f"{author}Subject: hello\r\n\r\nHello.\r\n")
        except smtplib.SMTPDataError as error:
            return error.smtp_code, error.smtp_error


def test_senders_use_their_own_addresses(domains):
    alice, bob = f"alice@{DOMAIN}", f"bob@{SECOND}"
    for user, sender in ((alice, f"ALICE@{DOMAIN}"), (alice, f"alice+x@{DOMAIN}"), (alice, f"all@{DOMAIN}"),
                         (bob, f"sales@{DOMAIN}"), (bob, f"anything@{SECOND}"), (alice, "")):
        assert submit(domains, user, sender, alice)[0] == 250, (user, sender)
    for user, sender in ((alice, bob), (bob, f"all+x@{DOMAIN}x"), (f"carol@{DOMAIN}", f"sales@{DOMAIN}"),
                         (alice, "alice@elsewhere.example"), (alice, f"nobody@{DOMAIN}")):
        code, text = submit(domains, user, sender, alice)
        assert (code, text[:6]) == (550, b"5.7.1 ") and sender.encode() in text and user.encode() in text
    domains.log.wait(r"event=smtp\.refused .*why=sender-not-own")


def test_what_else_one_may_send_as_is_listed(domains):
    with open(domains.accounts, encoding="utf-8") as file:
        good = file.read()
    mark = domains.log.mark()
    with open(domains.accounts, "w", encoding="utf-8") as file:
        file.write(good.replace(f'address = "carol@{DOMAIN}";',
                                f'address = "carol@{DOMAIN}"; senders = [ "Me@work.example", "@own.example" ];'))
    domains.log.wait(r"event=accounts\.loaded", mark)
    carol = f"carol@{DOMAIN}"
    assert [submit(domains, carol, sender, carol)[0] for sender in
            ("me@work.example", "any@own.example", "you@work.example", f"alice@{DOMAIN}")] == [250, 250, 550, 550]
    domains.settings["submission"] = '{ sender_check = "off"; }'
    domains.write_configuration()
    domains.posternctl("reload")
    assert submit(domains, carol, "you@work.example", carol)[0] == 250
    del domains.settings["submission"]
    domains.write_configuration()
    domains.posternctl("reload")
    assert submit(domains, carol, "you@work.example", carol)[0] == 550


def received(server, address, subject):
    """The first Received: field of the message, unfolded."""
    client = poplib.POP3_SSL("localhost", server.ports["pop3s"], timeout=60, context=server.context())
    client.user(address)
    client.pass_(PASSWORD)
    for number in range(client.stat()[0]):
        text = b"\r\n".join(client.top(number + 1, 0)[1]).decode()
        if subject in text:
            client.quit()
            return email.message_from_string(text).get_all("Received")[0]
    client.quit()
    return None


def test_where_a_user_is_can_be_kept_to_oneself(domains):
    carol = f"carol@{DOMAIN}"
    for value, shown in (("hide", False), ("show", True)):
        domains.settings["submission"] = f'{{ client_address = "{value}"; }}'
        domains.write_configuration()
        domains.posternctl("reload")
        sender = f"carol+{value}@{DOMAIN}"
        assert submit(domains, carol, sender, carol)[0] == 250
        send(domains, f"stranger {value}", carol)
        field = wait_for(lambda who=sender: received(domains, carol, who), "the mail")
        assert ("127.0.0.1" in field) == shown and "with ESMTPSA" in field
        field = wait_for(lambda what=value: received(domains, carol, f"stranger {what}"), "the mail")
        assert "127.0.0.1" in field
    del domains.settings["submission"]
    domains.write_configuration()
    domains.posternctl("reload")


def test_an_alias_is_no_account(domains):
    client = smtplib.SMTP_SSL("localhost", domains.ports["submissions"], timeout=60, context=domains.context())
    with pytest.raises(smtplib.SMTPAuthenticationError):
        client.login(f"sales@{DOMAIN}", PASSWORD)
    client.close()


def test_posternctl_alias_keeps_what_it_does_not_mean(domains):
    def read():
        with open(domains.accounts, encoding="utf-8") as file:
            return file.read()

    good = read()
    new, bob = f"new@{DOMAIN}", f"bob@{SECOND}"
    assert domains.posternctl("alias", "add", f"New@{DOMAIN}", f"all@{DOMAIN}").stdout == \
        f"alias {new} leads to all@{DOMAIN}\n"
    assert verdict(domains, new) == [250]
    assert "# Who reads what is sent to a role." in read() and good.split("aliases")[0] in read()
    domains.posternctl("alias", "add", new, f"Alice@{DOMAIN}", f"alice@{DOMAIN}")
    assert f"{new}\tall@{DOMAIN},alice@{DOMAIN}" in domains.posternctl("alias", "list").stdout.splitlines()
    assert domains.posternctl("alias", "show", new).stdout.splitlines() == [
        f"alice@{DOMAIN}\tenabled", f"{bob}\tenabled", f"carol@{DOMAIN}\tenabled"]
    domains.posternctl("alias", "remove", new, f"all@{DOMAIN}")
    assert domains.posternctl("alias", "show", new).stdout == f"alice@{DOMAIN}\tenabled\n"
    domains.posternctl("alias", "add", "@empty.example", bob)
    assert verdict(domains, "who@empty.example") == [250]
    domains.posternctl("alias", "remove", "@empty.example", bob)
    assert verdict(domains, "who@empty.example") == [550]
    domains.posternctl("alias", "remove", new)
    assert read() == good
    assert verdict(domains, new) == [550]


@pytest.mark.parametrize("arguments, why", [
    (("alias", "add", f"new@{DOMAIN}", f"nobody@{DOMAIN}"), "which is no account and no alias"),
    (("alias", "add", f"new@{DOMAIN}", f"typo@{SECOND}"), "no account and no alias of this file"),
    (("alias", "add", f"new@{DOMAIN}", f"alice@{DOMAIN}", "typo@empty.example"),
     "would lead to typo@empty.example, which is no account"),
    (("alias", "add", f"new@{DOMAIN}", f"bob@{HOST}"), f"would lead to bob@{HOST}, which is no account"),
    (("alias", "add", f"sales@{DOMAIN}", f"all@{DOMAIN}"), "aliases in a loop: sales@"),
    (("alias", "add", f"alice@{DOMAIN}", f"carol@{DOMAIN}"), "is an account's"),
    (("alias", "add", "new@elsewhere.example", f"alice@{DOMAIN}"), "not in the domains of"),
    (("alias", "remove", f"nobody@{DOMAIN}"), "there is no alias"),
    (("alias", "remove", f"all@{DOMAIN}", f"alice@{DOMAIN}"), "does not lead to alice"),
    (("alias", "remove", f"sales@{DOMAIN}"), f"leads to sales@{DOMAIN}, which is no account"),
    (("alias", "show", f"alice@{DOMAIN}"), "there is no alias"),
    (("account", "remove", f"alice@{DOMAIN}"), f"the alias sales@{DOMAIN} leads to alice@{DOMAIN}"),
])
def test_posternctl_says_why_not_and_changes_nothing(domains, arguments, why):
    with open(domains.accounts, encoding="utf-8") as file:
        before = file.read()
    result = domains.posternctl(*arguments, check=False)
    assert result.returncode == 1 and why in result.stderr
    with open(domains.accounts, encoding="utf-8") as file:
        assert file.read() == before


def test_what_leads_nowhere_is_refused_and_the_old_file_stays(domains):
    with open(domains.accounts, encoding="utf-8") as file:
        good = file.read()
    for bad, why in ((f'"sales@{DOMAIN}"', "aliases in a loop"), (f'"typo@{DOMAIN}"', "no account and no alias")):
        mark = domains.log.mark()
        with open(domains.accounts, "w", encoding="utf-8") as file:
            file.write(good.replace(f'[ "alice@{DOMAIN}", "bob@{SECOND}" ]', bad))
        domains.log.wait(rf"event=accounts\.refused .*{why}", mark)
        assert verdict(domains, f"sales@{DOMAIN}") == [250]
    mark = domains.log.mark()
    with open(domains.accounts, "w", encoding="utf-8") as file:
        file.write(good)
    domains.log.wait(r"event=accounts\.loaded", mark)


def test_what_is_nobodys_in_a_domain_without_accounts_is_told(domains):
    """The file can't say that the domain is ours. Who edits by hand reads it in the log."""
    with open(domains.accounts, encoding="utf-8") as file:
        good = file.read()
    mark = domains.log.mark()
    with open(domains.accounts, "w", encoding="utf-8") as file:
        file.write(good.replace(f'"Carol@{DOMAIN}"', f'"Carol@{DOMAIN}", "typo@empty.example"'))
    domains.log.wait(rf"event=aliases\.nobody count=1 first=all@{DOMAIN} target=typo@empty\.example", mark)
    shown = domains.posternctl("alias", "show", f"all@{DOMAIN}").stdout.splitlines()
    assert shown[-1] == "typo@empty.example\tnobody"
    # What else is changed is not held up by it.
    domains.posternctl("alias", "add", f"all@{DOMAIN}", "idn@b\u00fccher.example")
    domains.posternctl("alias", "remove", f"all@{DOMAIN}", "typo@empty.example")
    result = domains.posternctl("account", "remove", "idn@b\u00fccher.example", check=False)
    assert result.returncode == 1 and f"the alias all@{DOMAIN} would lead to idn@xn--bcher-kva.example" in result.stderr
    mark = domains.log.mark()
    with open(domains.accounts, "w", encoding="utf-8") as file:
        file.write(good)
    domains.log.wait(r"event=accounts\.loaded", mark)


def test_the_separator_of_tags_can_be_chosen(domains):
    domains.settings["addresses"] = '{ separator = "-"; }'
    domains.write_configuration()
    domains.posternctl("reload")
    assert verdict(domains, f"carol-list@{DOMAIN}", f"carol+list@{DOMAIN}") == [250, 550]
    domains.settings["addresses"] = '{ separator = ""; }'
    domains.write_configuration()
    domains.posternctl("reload")
    assert verdict(domains, f"carol-list@{DOMAIN}", f"carol+list@{DOMAIN}") == [550, 550]
    del domains.settings["addresses"]
    domains.write_configuration()
    domains.posternctl("reload")
    domains.settings["addresses"] = '{ separator = "ab"; }'
    domains.write_configuration()
    assert "separator must be one of" in domains.posternctl("reload", check=False).stderr
    del domains.settings["addresses"]
    domains.write_configuration()
    assert verdict(domains, f"carol+list@{DOMAIN}") == [250]


def test_an_answer_to_a_report_reaches_the_postmaster(domains):
    """It is from postmaster at the host (RFC 3461 9.3), which is none of the domains here."""
    role = f"postmaster@{HOST}"
    assert verdict(domains, role, f"Abuse@{HOST}", f"alice@{HOST}") == [250, 250, 550]
    send(domains, "answer", role)
    wait_for_subject(domains, "answer", f"alice@{DOMAIN}")
    with domains.submission("carol") as client:
        client.sendmail(f"carol@{DOMAIN}", [role], "Subject: from a user\r\n\r\nWhy?\r\n")
    wait_for_subject(domains, "from a user", f"alice@{DOMAIN}")
