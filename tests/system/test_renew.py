# SPDX-License-Identifier: ISC
"""watch = FOLDER: what certbot, acme.sh or lego renew in a folder is imported by itself."""

import os
import re
import ssl

import pytest

from authority import Authority
from conftest import HOST


@pytest.fixture(name="authority", scope="module")
def _authority(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("authority")))


def watching(make_server, folder):
    server = make_server()
    server.settings["certificates"] = f'( {{ name = "{HOST}"; watch = "{folder}"; }} )'
    server.settings["certificate"] = f'"{HOST}"'
    server.write_configuration()
    server.add_account()
    return server


def shown(server):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(server.raw("pop3s"), server_hostname=HOST) as connection:
        return connection.getpeercert(binary_form=True)


def leaf(data):
    return ssl.PEM_cert_to_DER_cert(data.decode().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")


class Certbot:
    """live/ with symbolic links to archive/, replaced one after the other."""

    def __init__(self, folder, authority):
        self.live = os.path.join(folder, "live")
        self.archive = os.path.join(folder, "archive")
        self.authority = authority
        self.count = 0
        for path in (self.live, self.archive):
            os.makedirs(path)

    def renew(self, only=("privkey.pem", "fullchain.pem")):
        self.count += 1
        name = f"renewed{self.count}"
        self.authority.pair(name, HOST, "P-256")
        chain = self.authority.read(f"{name}.crt") + self.authority.read("inter.crt")
        for file, data in (("privkey.pem", self.authority.read(f"{name}.key")), ("fullchain.pem", chain)):
            if file not in only:
                continue
            target = os.path.join(self.archive, f"{self.count}-{file}")
            with open(target, "wb") as output:
                output.write(data)
            os.chmod(target, 0o600)
            link = os.path.join(self.live, file)
            if os.path.lexists(link):
                os.unlink(link)
            os.symlink(target, link)
        return leaf(chain)


def test_certbot(make_server, authority, folder):
    certbot = Certbot(os.path.join(folder, "letsencrypt"), authority)
    first = certbot.renew()
    server = watching(make_server, certbot.live)
    server.start()  # there is no certificate yet: it comes from the folder
    server.log.wait(rf"event=renew\.done key={HOST}")
    assert shown(server) == first
    mark = server.log.mark()
    second = certbot.renew()
    server.log.wait(rf"event=renew\.done key={HOST}", mark)
    assert shown(server) == second != first
    entries = server.posternctl("cert", "list").stdout
    assert re.search(rf"^{re.escape(HOST)}\.\d{{8}}T\d{{6}}Z  \(replaced, kept aside\)$", entries, re.M), entries

    # A key that does not belong to it: the old pair stays in force until the rest has come.
    mark = server.log.mark()
    certbot.renew(only=("privkey.pem",))
    server.log.wait(rf"event=renew\.failed key={HOST}", mark)
    assert shown(server) == second
    third = certbot.renew()
    server.log.wait(rf"event=renew\.done key={HOST}", mark)
    assert shown(server) == third

    # After a restart nothing has changed, and nothing is put aside again.
    before = sorted(os.listdir(os.path.join(server.state, "certs")))
    server.stop()
    server.start()
    server.log.wait(rf"event=renew\.done key={HOST}")
    assert sorted(os.listdir(os.path.join(server.state, "certs"))) == before
    assert shown(server) == third


@pytest.mark.parametrize("files", (("{}.crt", "{}.key"), ("fullchain.cer", "{}.key")), ids=("lego", "acme.sh"))
def test_other_names(make_server, authority, folder, files):
    where = os.path.join(folder, "renewed")
    os.makedirs(where)
    server = watching(make_server, where)
    server.start()
    authority.pair("other", HOST, "P-256")
    chain = authority.read("other.crt") + authority.read("inter.crt")
    for name, data in zip(files, (chain, authority.read("other.key"))):
        with open(os.path.join(where, name.format(HOST)), "wb") as output:
            output.write(data)
    server.log.wait(rf"event=renew\.done key={HOST}")
    assert shown(server) == leaf(chain)


def test_mistakes(make_server, folder):
    server = watching(make_server, os.path.join(folder, "nowhere"))
    server.start()
    server.log.wait(rf"event=renew\.unwatched key={HOST}")
    for text, said in (('( { name = "a"; } )', 'needs both name = "NAME" and watch'),
                       ('( { name = "../a"; watch = "/tmp"; } )', "must be the name of a certificate"),
                       ('( { name = "a"; watch = "tmp"; } )', "must be a path"),
                       ('( { name = "a"; watch = "/tmp"; }, { name = "a"; watch = "/var"; } )', "named twice"),
                       ('"a"', "must be a list"), ('( { name = "a"; wach = "/tmp"; } )', "watch")):
        server.settings["certificates"] = text
        server.write_configuration()
        result = server.posternctl("reload", check=False)
        assert result.returncode == 1 and said in result.stdout + result.stderr, (text, result.stdout, result.stderr)


def test_what_is_not_there(make_server, authority, folder):
    where = os.path.join(folder, "live")
    os.makedirs(where)
    server = watching(make_server, where)
    server.start()
    server.log.wait(rf"event=renew\.missing key={HOST} .*fullchain\.pem and privkey\.pem")
    mark = server.log.mark()
    os.mkfifo(os.path.join(where, "fullchain.pem"))  # nobody writes: it must not hold anything up
    server.log.wait(rf"event=renew\.failed key={HOST} .*fullchain\.pem: not a regular file", mark)
    # Another folder takes its place.
    mark = server.log.mark()
    os.rename(where, where + ".old")
    server.log.wait(rf"event=renew\.unwatched key={HOST}", mark)
