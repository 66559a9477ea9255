# SPDX-License-Identifier: ISC
"""A certificate authority for tests, with openssl(1): a root, an intermediate, and what they sign."""

import os
import subprocess

from conftest import DEADLINE


def openssl(*arguments, data=None, check=True):
    """Its output, as bytes."""
    result = subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=False, timeout=DEADLINE)
    assert not check or result.returncode == 0, f"openssl {arguments}: {result.stderr.decode()}"
    return result.stdout


class Authority:
    """Files in a folder of its own: root.crt, inter.crt and what is made."""

    def __init__(self, folder):
        self.folder = folder
        self.key("root", "P-256")
        openssl("req", "-x509", "-new", "-key", self.path("root.key"), "-subj", "/CN=Test Root", "-days", "30",
                "-out", self.path("root.crt"))
        self.key("inter", "P-256")
        self.sign("inter", "Test Inter", by="root",
                  extensions="basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
                             "authorityInfoAccess=caIssuers;URI:http://authority.example/root.der\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def key(self, name, kind="P-256"):
        """NAME.key, PKCS#8 PEM."""
        options = {"RSA": ("RSA", "rsa_keygen_bits:2048"), "RSA1024": ("RSA", "rsa_keygen_bits:1024")}
        if kind == "ED25519":
            options = ("ED25519", None)
        else:
            options = options.get(kind, ("EC", f"ec_paramgen_curve:{kind}"))
        arguments = ["genpkey", "-algorithm", options[0], "-out", self.path(f"{name}.key")]
        if options[1]:
            arguments += ["-pkeyopt", options[1]]
        openssl(*arguments)
        return self.path(f"{name}.key")

    def sign(self, name, common_name, by="inter", extensions=None, days=20, key=None, options=()):
        """NAME.crt for the key NAME.key (or KEY.key), signed by the certificate BY."""
        if extensions is None:
            extensions = (f"subjectAltName=DNS:{common_name}\nbasicConstraints=CA:FALSE\n"
                          "extendedKeyUsage=serverAuth\n"
                          f"authorityInfoAccess=caIssuers;URI:http://authority.example/{by}.der\n")
        settings = self.write(f"{name}.ext", extensions.encode())
        request = openssl("req", "-new", "-key", self.path(f"{key or name}.key"), "-subj", f"/CN={common_name}")
        openssl("x509", "-req", "-CA", self.path(f"{by}.crt"), "-CAkey", self.path(f"{by}.key"), "-CAcreateserial",
                "-days", str(days), "-extfile", settings, "-out", self.path(f"{name}.crt"), *options, data=request)
        return self.path(f"{name}.crt")

    def pair(self, name, common_name, kind="P-256", **options):
        self.key(name, kind)
        self.sign(name, common_name, **options)
        return self.path(f"{name}.key"), self.path(f"{name}.crt")
