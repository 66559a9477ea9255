# SPDX-License-Identifier: ISC
"""A name server whose zones are signed (RFC 4034, Ed25519 of RFC 8080) while they are asked."""

import base64
import struct
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mail_sink import A, AAAA, CNAME, MX, TLSA, Names, encode, name

SOA, OPT, RRSIG, NSEC, DNSKEY = 6, 41, 46, 47, 48
ED25519 = 15
TTL = 60


class Zone:
    """One key signs everything below ORIGIN."""

    def __init__(self, origin):
        self.origin = origin
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.dnskey = struct.pack("!HBB", 257, 3, ED25519) + self.public
        total = sum(octet << 8 if n % 2 == 0 else octet for n, octet in enumerate(self.dnskey))
        self.tag = (total + (total >> 16)) & 0xffff
        self.soa = name(origin) + name(origin) + struct.pack("!IIIII", 1, 3600, 600, 86400, TTL)

    def anchor(self):
        """A line for a file of trust anchors."""
        return f"{self.origin}. IN DNSKEY 257 3 {ED25519} {base64.b64encode(self.public).decode()}\n"

    def sign(self, owner, kind, rdatas, broken=False):
        """The RRSIG record over them (RFC 4034 3.1.8.1)."""
        now = int(time.time())
        labels = len([label for label in owner.split(".") if label])
        head = struct.pack("!HBBIIIH", kind, ED25519, labels, TTL, now + 3600, now - 3600, self.tag) + name(self.origin)
        signed = head + b"".join(record(owner, kind, rdata) for rdata in sorted(rdatas))
        signature = self.key.sign(signed)
        return record(owner, RRSIG, head + (bytes(64) if broken else signature))


def record(owner, kind, rdata):
    return name(owner) + struct.pack("!HHIH", kind, 1, TTL, len(rdata)) + rdata


def bitmap(kinds):
    """RFC 4034 4.1.2, of types below 256."""
    octets = bytearray(32)
    for kind in kinds:
        octets[kind // 8] |= 0x80 >> kind % 8
    length = max(kinds) // 8 + 1
    return bytes([0, length]) + bytes(octets[:length])


class SignedNames(Names):
    """RECORDS as Names has them; what is below one of the names in SIGNED has signatures. A name that does not
    exist has no records of any type there. BROKEN: (name, type) whose signature is wrong."""

    def __init__(self, records, signed=(), broken=(), failing=()):
        self.zones = {origin: Zone(origin) for origin in signed}
        self.broken = set(broken)
        super().__init__(records, failing)

    def anchors(self, folder):
        """A file of them."""
        path = folder / "anchors"
        path.write_text("".join(zone.anchor() for zone in self.zones.values()))
        return path

    def zone_of(self, asked):
        while asked:
            if asked in self.zones:
                return self.zones[asked]
            asked = asked.partition(".")[2]
        return None

    def found(self, owner, kind):
        zone = self.zone_of(owner)
        if zone and owner == zone.origin and kind in (DNSKEY, SOA):
            return [zone.dnskey if kind == DNSKEY else zone.soa]
        return [encode(kind, value) for value in self.records.get((owner, kind), [])]

    def with_signature(self, owner, kind, rdatas):
        zone = self.zone_of(owner)
        records = [record(owner, kind, rdata) for rdata in rdatas]
        return records + ([zone.sign(owner, kind, rdatas, (owner, kind) in self.broken)] if zone else [])

    def nothing(self, owner, asked):
        """That OWNER has no records of this type: what follows it is the next name there could be."""
        zone = self.zone_of(owner)
        if zone is None:
            return []
        kinds = {kind for other, kind in self.records if other == owner} - {asked} | {RRSIG, NSEC}
        if owner == zone.origin:
            kinds |= {SOA, DNSKEY}
        proof = b"\x01\x00" + name(owner) + bitmap(kinds)
        return self.with_signature(zone.origin, SOA, [zone.soa]) + self.with_signature(owner, NSEC, [proof])

    def respond(self, question, asked, kind, section):
        answers, authority, rcode = [], [], 0
        owner = asked
        while kind != CNAME and self.found(owner, CNAME):
            answers += self.with_signature(owner, CNAME, self.found(owner, CNAME))
            owner = self.records[(owner, CNAME)][0]
        rdatas = self.found(owner, kind)
        if owner in self.failing or (owner, kind) in self.failing:
            answers, rcode = [], 2
        elif rdatas:
            answers += self.with_signature(owner, kind, rdatas)
        else:
            authority = self.nothing(owner, kind)
            if not authority and not answers and not any(other == owner for other, _ in self.records):
                rcode = 3
        opt = b"\0" + struct.pack("!HHIH", OPT, 4096, 0x8000, 0)
        return (question[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(answers), len(authority), 1)
                + section + b"".join(answers) + b"".join(authority) + opt)


__all__ = ["A", "AAAA", "CNAME", "MX", "TLSA", "SignedNames", "Zone"]
