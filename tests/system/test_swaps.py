# SPDX-License-Identifier: ISC
"""A certificate is imported again and again while clients connect as fast as they can.

POSTERN_SWAPS says how often (20): each takes a moment, and 100 are run by hand.
"""

import os
import ssl
import threading

from conftest import HOST, Server

SWAPS = int(os.environ.get("POSTERN_SWAPS", "20"))
THREADS = 4


def made(folder, number, key):
    """A pair from elsewhere: the paths of its certificate and key."""
    path = os.path.join(folder, f"maker{number}")
    os.mkdir(path)
    os.chmod(path, 0o711)
    maker = Server(path)
    maker.write_configuration()
    maker.create_certificate(key=key)
    return [os.path.join(maker.state, "certs", f"{HOST}.{suffix}") for suffix in ("crt", "key")]


def der(path):
    with open(path, encoding="ascii") as file:
        return ssl.PEM_cert_to_DER_cert(file.read())


def test_swaps_by_import(make_server, folder):
    """None fails, each has the old pair or the new one whole, the next one the new one on every gate,
    nothing is restarted, and a connection from before goes on."""
    pairs = [made(folder, number, key) for number, key in enumerate(("p256", "rsa2048", "p384", "ed25519"))]
    server = make_server()
    server.set_up()
    context = ssl.create_default_context()
    # Self-signed, of one subject: which one came is looked at here, its signature is verified in any case.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def served():
        with context.wrap_socket(server.raw("pop3s"), server_hostname=HOST) as connection:
            return connection.getpeercert(binary_form=True)

    known = {served()} | {der(certificate) for certificate, _ in pairs}
    seen, failed, foreign, over = [0] * THREADS, [], [], threading.Event()

    def client(number):
        while not over.is_set():
            try:
                if served() not in known:
                    foreign.append(number)
                seen[number] += 1
            except OSError as error:
                failed.append(error)

    before = server.pop3()
    children = server.children()
    gates = len(server.children("gate"))
    threads = [threading.Thread(target=client, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        for swap in range(SWAPS):
            certificate, key = pairs[swap % len(pairs)]
            server.posternctl("cert", "import", certificate, key, "--replace", "--name", HOST)
            # Whichever gate takes the next ones has the new one.
            assert {served() for _ in range(2 * gates)} == {der(certificate)}
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failed, f"{len(failed)} of {sum(seen)}: {failed[0]!r}"
    assert not foreign and min(seen) > 0
    assert set(children) <= set(server.children())
    assert before.noop().startswith(b"+OK")
    before.quit()
    print(f"{SWAPS} swaps, {sum(seen)} handshakes, none failed")
