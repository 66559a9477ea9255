# SPDX-License-Identifier: ISC
"""Several connections change one mailbox by chance; what each has been told must be what there is.

Each connection keeps a model of the mailbox from the untagged responses alone, as imaptest does: message
numbers, UIDs, flags. The model is compared with a FETCH of everything, and in the end all models with each other.
"""

import random
import re

import pytest

from imap_client import Imap

MAIL = b"Subject: %d\r\n\r\nbody\r\n"
FLAGS = [r"\Seen", r"\Answered", r"\Flagged", r"\Deleted", r"\Draft", "$One", "$Two"]
STEPS = 250


@pytest.fixture
def server(fresh_account):
    return fresh_account


class Model:
    """What one client knows."""

    def __init__(self, client, rng, qresync):
        self.client = client
        self.rng = rng
        self.uids = []  # None: a message of which only EXISTS has told
        self.flags = {}
        self.modseq = 0
        self.qresync = qresync
        if qresync:
            client.do("ENABLE QRESYNC")
        self.take(client.select())

    def take(self, lines, expunge=True):
        for line in lines:
            line = line.removeprefix(b"* ")
            number = re.match(rb"(\d+) (EXISTS|EXPUNGE|FETCH)", line)
            if line.startswith(b"VANISHED (EARLIER)"):
                raise AssertionError(line)
            if line.startswith(b"VANISHED "):
                assert self.qresync and expunge, line
                self.vanish(line.split()[1].decode())
            elif number and number.group(2) == b"EXISTS":
                count = int(number.group(1))
                assert count >= len(self.uids), f"EXISTS {count} after {len(self.uids)}"
                self.uids += [None] * (count - len(self.uids))
            elif number and number.group(2) == b"EXPUNGE":
                assert not self.qresync and expunge, line
                uid = self.uids.pop(int(number.group(1)) - 1)
                self.flags.pop(uid, None)
            elif number:
                self.fetched(int(number.group(1)), line)

    def vanish(self, text):
        for part in text.split(","):
            first, _, last = part.partition(":")
            for uid in range(int(first), int(last or first) + 1):
                if uid not in self.uids:
                    self.learn()
                assert uid in self.uids, f"VANISHED {uid} of {self.uids}"
                self.uids.remove(uid)
                self.flags.pop(uid, None)

    def learn(self):
        raise AssertionError("a message vanished whose UID was not known")

    def fetched(self, number, line):
        assert 1 <= number <= len(self.uids), line
        uid = re.search(rb"UID (\d+)", line)
        if uid:
            uid = int(uid.group(1))
            assert self.uids[number - 1] in (None, uid), f"{line}: it was {self.uids[number - 1]}"
            self.uids[number - 1] = uid
        else:
            uid = self.uids[number - 1]
        flags = re.search(rb"FLAGS \(([^)]*)\)", line)
        if flags and uid:
            self.flags[uid] = frozenset(flags.group(1).decode().replace("\\Recent", "").split())
        modseq = re.search(rb"MODSEQ \((\d+)\)", line)
        if self.qresync and modseq:
            self.modseq = max(self.modseq, int(modseq.group(1)))

    # -- Doing --------------------------------------------------------------------------

    def do(self, command, expunge=True):
        status, text, untagged = self.client.ask(command)
        self.take(untagged, expunge)
        return status, text

    def pick(self):
        first = self.rng.randint(1, len(self.uids))
        return f"{first}:{min(len(self.uids), first + self.rng.randint(0, 3))}"

    def step(self):
        what = self.rng.choice("append store store store expunge copy move noop fetch uidstore silent".split())
        if what == "append" or not self.uids:
            text = MAIL % self.rng.randint(0, 9)
            status, _ = self.do(b"APPEND INBOX {%d+}\r\n%b" % (len(text), text))
        elif what in ("store", "silent"):
            flag, sign, numbers = self.rng.choice(FLAGS), self.rng.choice(["+", "-", ""]), self.pick()
            before = self.uids[:]
            status, _ = self.do(f"STORE {numbers} {sign}FLAGS{'.SILENT' if what == 'silent' else ''} ({flag})", expunge=False)
            if what == "silent":
                self.stored(before, numbers, sign, flag)
        elif what == "uidstore":
            status, _ = self.do(f"UID STORE 1:* +FLAGS ({self.rng.choice(FLAGS)})")
        elif what == "expunge":
            status, _ = self.do("EXPUNGE")
        elif what in ("copy", "move"):
            status, _ = self.do(f"{what} {self.pick()} INBOX")
        elif what == "fetch":
            status, _ = self.do(f"FETCH {self.pick()} (UID FLAGS)", expunge=False)
        else:
            status, _ = self.do("NOOP")
        assert status in ("OK", "NO")

    def stored(self, before, numbers, sign, flag):
        """The client did this itself and is told nothing of it; what others did to these came before."""
        first, last = (int(number) for number in numbers.split(":"))
        for uid in before[first - 1:last]:
            if uid is None:
                continue
            old = self.flags.get(uid, frozenset())
            self.flags[uid] = {"+": old | {flag}, "-": old - {flag}, "": frozenset({flag})}[sign]

    def check(self):
        """All that is told is what there is."""
        self.do("NOOP")
        known, flags = self.uids[:], dict(self.flags)
        self.uids, self.flags = [None] * len(known), {}
        self.do("FETCH 1:* (UID FLAGS)", expunge=False)
        assert len(known) == len(self.uids)
        for had, has in zip(known, self.uids):
            assert had in (None, has)
            if had is not None and had in flags:
                assert flags[had] == self.flags[had], f"UID {had}: told {flags[had]}, is {self.flags[had]}"


@pytest.mark.parametrize("qresync", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_models_agree(server, seed, qresync):
    rng = random.Random(seed)
    models = [Model(Imap(server), rng, qresync and n % 2 == 0) for n in range(4)]
    for count in range(STEPS):
        model = rng.choice(models)
        model.step()
        # With QRESYNC, what vanishes is told by UID: the client asks for those it has not learned.
        if None in model.uids:
            model.do("FETCH 1:* (UID FLAGS)", expunge=False)
        if count % 20 == 0:
            rng.choice(models).check()
    for model in models:
        model.check()
    assert len({(tuple(model.uids), tuple(sorted(model.flags.items()))) for model in models}) == 1
    for model in models:
        model.client.close()
