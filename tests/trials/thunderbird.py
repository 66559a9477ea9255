#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Thunderbird: tests/trials/serve tests/trials/thunderbird.py

Driven through Marionette (thunderbird --marionette): what a person would click is asked of the same objects of
Thunderbird that its windows ask, and each answer is compared with what another IMAP client sees.
"""

import base64
import imaplib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time

HOST, PORT, USER = (os.environ[f"TRIAL_{name}"] for name in ("HOST", "PORT", "USER"))
PASSWORD, FOLDER, CA = (os.environ[f"TRIAL_{name}"] for name in ("PASSWORD", "FOLDER", "CA"))
SECONDS = 90

# Everything runs in one sandbox, whose globals stay from one script to the next.
PRELUDE = """
const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const listener = (resolve, reject) => ({
  QueryInterface: ChromeUtils.generateQI(["nsIUrlListener", "nsIMsgCopyServiceListener"]),
  OnStartRunningUrl() {},
  OnStopRunningUrl(url, status) { status ? reject(Error("url " + status.toString(16))) : resolve(); },
  onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return null; },
  onStopCopy(status) { status ? reject(Error("copy " + status.toString(16))) : resolve(); },
});
const told = start => new Promise((resolve, reject) => start(listener(resolve, reject)));
const until = async (what, condition) => {
  for (let i = 0; i < 600; i++) {
    const result = await condition();
    if (result) return result;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  throw Error("waited for " + what);
};
const account = () => MailServices.accounts.accounts.find(a => a.incomingServer.type == "imap");
const root = () => account().incomingServer.rootFolder;
const folder = path => path.split("/").reduce((f, name) => f.subFolders.find(s => s.name == name || s.prettyName == name), root());
const refresh = async path => { await told(l => folder(path).QueryInterface(Ci.nsIMsgImapMailFolder).updateFolderWithListener(null, l)); };
const messages = path => [...folder(path).messages];
const header = (path, subject) => messages(path).find(m => m.mime2DecodedSubject == subject);
const {setTimeout} = ChromeUtils.importESModule("resource://gre/modules/Timer.sys.mjs");
"""


class Thunderbird:
    def __init__(self):
        profile = os.path.join(FOLDER, "profile")
        os.mkdir(profile)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        with open(os.path.join(profile, "prefs.js"), "w", encoding="ascii") as file:
            for name, value in {"marionette.port": port, "app.update.enabled": False, "mail.provider.suppress_dialog_on_startup": True,
                                "mail.spotlight.firstRunDone": True, "mail.winsearch.firstRunDone": True,
                                "mailnews.start_page.enabled": False, "datareporting.policy.dataSubmissionEnabled": False,
                                "mail.rights.version": 1, "mail.shell.checkDefaultClient": False,
                                "toolkit.telemetry.enabled": False, "network.connectivity-service.enabled": False}.items():
                file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        self.process = subprocess.Popen(
            ["thunderbird", "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", profile],
            env={**os.environ, "HOME": FOLDER, "MOZ_HEADLESS": "1"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + SECONDS
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), 5)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
        self.socket.settimeout(SECONDS)
        self.file = self.socket.makefile("rb")
        self.number = 0
        self.packet()
        self.command("WebDriver:NewSession", {})
        self.command("Marionette:SetContext", {"value": "chrome"})
        self.command("WebDriver:SetTimeouts", {"script": SECONDS * 1000})

    def packet(self):
        length = b""
        while not length.endswith(b":"):
            piece = self.file.read(1)
            assert piece, "Thunderbird has ended"
            length += piece
        return json.loads(self.file.read(int(length[:-1])))

    def command(self, name, parameters):
        self.number += 1
        text = json.dumps([0, self.number, name, parameters]).encode()
        self.socket.sendall(b"%d:%b" % (len(text), text))
        while True:
            kind, number, error, result = self.packet()
            if kind == 1 and number == self.number:
                if error:
                    raise AssertionError(f"{error.get('message')}\n{error.get('stacktrace')}")
                return result

    def run(self, script, *arguments):
        """The value of an async function's body."""
        whole = PRELUDE + ("const [args, done] = [[...arguments].slice(0, -1), arguments[arguments.length - 1]];\n"
                           "(async () => {" + script + "})().then(v => done({value: v === undefined ? null : v}),"
                           " e => done({error: String(e) + e.stack}));")
        result = self.command("WebDriver:ExecuteAsyncScript", {"script": whole, "args": list(arguments),
                                                               "sandbox": "system", "newSandbox": True})["value"]
        if "error" in result:
            raise AssertionError(result["error"])
        return result["value"]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


class Other:
    """What is on the server, by another client."""

    def __init__(self):
        context = ssl.create_default_context(cafile=CA)
        self.client = imaplib.IMAP4_SSL(HOST, int(PORT), ssl_context=context)
        self.client.login(USER, PASSWORD)

    def fetch(self, folder, item):
        assert self.client.select(folder, readonly=True)[0] == "OK"
        return self.client.fetch("1:*", item)[1]

    def subjects(self, folder):
        text = b"".join(part if isinstance(part, bytes) else b"".join(part)
                        for part in self.fetch(folder, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])") if part)
        return text.decode(errors="replace")

    def flags(self, folder, subject):
        assert self.client.select(folder, readonly=True)[0] == "OK"
        number = self.client.search(None, "SUBJECT", f'"{subject}"')[1][0].split()[0]
        return self.client.fetch(number, "(FLAGS)")[1][0].decode()


COUNT = 0


def check(what, condition):
    global COUNT
    end = time.monotonic() + 30
    while not (result := condition()):
        if time.monotonic() > end:
            raise AssertionError(what)
        time.sleep(0.2)
    COUNT += 1
    print(f"{COUNT:3} {what}", flush=True)
    return result


def set_up(bird):
    with open(CA, encoding="ascii") as file:
        first, end, _ = file.read().partition("-----END CERTIFICATE-----")
    der = base64.b64encode(ssl.PEM_cert_to_DER_cert(first + end + "\n")).decode()
    bird.run("""
      const [host, port, user, password, der] = args;
      const db = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
      Cc["@mozilla.org/security/certoverride;1"].getService(Ci.nsICertOverrideService)
        .rememberValidityOverride(host, port, {}, db.constructX509FromBase64(der), false);
      const server = MailServices.accounts.createIncomingServer(user, host, "imap");
      server.port = port;
      server.socketType = Ci.nsMsgSocketType.SSL;
      server.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
      server.password = password;
      const identity = MailServices.accounts.createIdentity();
      identity.email = user;
      const account = MailServices.accounts.createAccount();
      account.addIdentity(identity);
      account.incomingServer = server;
    """, HOST, int(PORT), USER, PASSWORD, der)


def trial(bird, other):
    set_up(bird)
    check("logged in; folders", lambda: bird.run("""
      account().incomingServer.performExpand(null);
      await until("INBOX", () => root().subFolders.length > 3 && folder("INBOX"));
      return root().descendants.map(f => f.name).includes("Garden");"""))
    check("special uses", lambda: bird.run(
        "return [['Drafts', 'Drafts'], ['Trash', 'Trash'], ['Junk', 'Junk'], ['Archive', 'Archive'], ['Sent', 'SentMail']]"
        ".every(([name, flag]) => folder(name).getFlag(Ci.nsMsgFolderFlags[flag]));"))
    check("headers", lambda: bird.run("await refresh('INBOX'); return !!header('INBOX', 'Grüße, こんにちは') && "
                                      "messages('INBOX').length") == len(other.fetch("INBOX", "(UID)")))
    text = bird.run("""
      const uri = folder("INBOX").getUriForMsg(header("INBOX", "A plain mail"));
      const stream = MailServices.messageServiceFromURI(uri);
      return await new Promise((resolve, reject) => {
        let text = "";
        stream.streamMessage(uri, {
          QueryInterface: ChromeUtils.generateQI(["nsIStreamListener", "nsIRequestObserver"]),
          onStartRequest() {}, onStopRequest(r, status) { status ? reject(Error(status)) : resolve(text); },
          onDataAvailable(r, input, o, count) {
            const binary = Cc["@mozilla.org/binaryinputstream;1"].createInstance(Ci.nsIBinaryInputStream);
            binary.setInputStream(input); text += binary.readBytes(count); },
        }, null, null, false, "", false);
      });""")
    check("a body", lambda: "rhubarb" in text)
    check("downloaded for offline use", lambda: bird.run(
        "await told(l => folder('INBOX').downloadAllForOffline(l, null));"
        "return messages('INBOX').every(m => m.flags & Ci.nsMsgMessageFlags.Offline);"))
    bird.run("folder('INBOX').markMessagesRead([header('INBOX', 'A plain mail')], true);"
             "folder('INBOX').markMessagesFlagged([header('INBOX', 'Both kinds')], true);"
             "folder('INBOX').addKeywordsToMessages([header('INBOX', 'Both kinds')], '$label1');")
    check("\\Seen", lambda: "\\Seen" in other.flags("INBOX", "A plain mail"))
    check("\\Flagged and a keyword", lambda: re.search(r"\\Flagged.*\$label1|\$label1.*\\Flagged",
                                                       other.flags("INBOX", "Both kinds")))
    bird.run("await told(l => MailServices.copy.copyMessages(folder('INBOX'), [header('INBOX', 'Both kinds')],"
             " folder('Archive'), false, l, null, false));")
    check("copied", lambda: "Both kinds" in other.subjects("Archive") and "Both kinds" in other.subjects("INBOX"))
    bird.run("await told(l => MailServices.copy.copyMessages(folder('INBOX'), [header('INBOX', 'Both kinds')],"
             " folder('Projects'), true, l, null, false));")
    check("moved", lambda: "Both kinds" in other.subjects("Projects") and "Both kinds" not in other.subjects("INBOX"))
    bird.run("await told(l => folder('INBOX').deleteMessages([header('INBOX', 'A mail of HTML')], null, false, false, l, false));")
    check("deleted: in Trash", lambda: "A mail of HTML" in other.subjects("Trash") and
          "A mail of HTML" not in other.subjects("INBOX"))
    bird.run("root().createSubfolder('Ünï & more', null); await until('the folder', () => folder('Ünï & more'));")
    check("a folder with a name", lambda: any(b"&ANw-n&AO8- &- more" in line for line in other.client.list()[1]))
    bird.run("folder('Ünï & more').rename('Other', null); await until('the folder', () => folder('Other'));")
    check("and another name", lambda: any(b'"Other"' in line for line in other.client.list()[1]))
    found = bird.run("""
      const session = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(Ci.nsIMsgSearchSession);
      session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, folder("INBOX"));
      const term = session.createTerm(), value = term.value;
      term.attrib = value.attrib = Ci.nsMsgSearchAttrib.Body;
      term.op = Ci.nsMsgSearchOp.Contains;
      value.str = "schöne"; term.value = value; session.appendTerm(term);
      return await new Promise(resolve => {
        const hits = [];
        session.registerListener({
          QueryInterface: ChromeUtils.generateQI(["nsIMsgSearchNotify"]),
          onSearchHit(header) { hits.push(header.mime2DecodedSubject); }, onNewSearch() {},
          onSearchDone() { resolve(hits); } }, -1);
        session.search(null);
      });""")
    check("a search on the server", lambda: found == ["Grüße, こんにちは"])
    bird.run("await refresh('INBOX');")
    mail = b"From: a@example.net\r\nSubject: pushed by IDLE\r\n\r\nnew\r\n"
    other.client.append("INBOX", None, None, mail)
    check("a new mail, by IDLE", lambda: bird.run(
        "await until('the mail', () => header('INBOX', 'pushed by IDLE')); return true;"))
    bird.run("await refresh('Projects');")
    other.client.select("Projects")
    other.client.store("1:*", "+FLAGS", "\\Flagged")
    check("flags of another client", lambda: bird.run("await refresh('Projects'); return messages('Projects').every(m => m.isFlagged);"))
    bird.run("await told(l => folder('Trash').QueryInterface(Ci.nsIMsgImapMailFolder).compact(l, null)).catch(() => 0);"
             "await told(l => folder('Trash').emptyTrash(l));")
    check("the trash is empty", lambda: other.client.select("Trash")[1] == [b"0"])
    other.client.unsubscribe("Other")
    other.client.delete("Other")
    check("a folder that is gone", lambda: bird.run(
        "account().incomingServer.performExpand(null); await until('no folder', () => !folder('Other')); return true;"))


def main():
    bird = Thunderbird()
    try:
        trial(bird, Other())
        print(f"{COUNT} checks, all right")
    finally:
        bird.stop()


if __name__ == "__main__":
    sys.exit(main())
