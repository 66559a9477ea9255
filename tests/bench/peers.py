# SPDX-License-Identifier: ISC
"""Postfix and OpenSMTPD from Debian, to compare with: for tests/bench.

The packages are fetched with apt-get download and unpacked below a folder; nothing is installed. Each
peer runs in mount and process namespaces of its own, on a root that is this system's plus its package,
and ends with them. They run as Debian configures them, apart from what their caller gives.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

USERS = 10
DOMAIN = "example.org"
FIRST_UID = 2147351000  # of the peers' users, in their own /etc/passwd

# Builds the root of a peer: this system, its package on top, its own /etc, data on the real disk.
ENTER = r"""
set -e
package=$1 files=$2 data=$3
shift 3
mount --make-rprivate /
base=$(mktemp -d)
mount -t tmpfs tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
cp -a "$package/." "$base/upper/"
mount -t overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" overlay "$base/root"
cp -R "$files/." "$base/root/"
for folder in var/spool var/lib home var/mail; do
    mkdir -p "$base/root/$folder" "$data/$folder"
    mount --bind "$data/$folder" "$base/root/$folder"
done
mount -t tmpfs tmpfs "$base/root/run"
mount -t tmpfs tmpfs "$base/root/tmp"
mount -t proc proc "$base/root/proc"
mount --rbind /dev "$base/root/dev"
exec chroot "$base/root" "$@"
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"waited {seconds} s for {what}")
        time.sleep(0.02)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def fetch(name, folder):
    """The package's files, unpacked once."""
    target = os.path.join(folder, "packages", name)
    if os.path.isdir(target):
        return target
    with tempfile.TemporaryDirectory() as download:
        os.chmod(download, 0o777)
        subprocess.run(["apt-get", "-q", "download", name], cwd=download, check=True,
                       stdout=subprocess.DEVNULL)
        (package,) = os.listdir(download)
        os.makedirs(target)
        subprocess.run(["dpkg-deb", "-x", os.path.join(download, package), target], check=True)
        # Where /lib is a link, a folder of that name would hide it.
        shutil.rmtree(os.path.join(target, "lib"), ignore_errors=True)
        print(f"{name}: {package}")
    return target


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)


class Peer:
    """A server of Debian's in namespaces of its own."""

    groups = ()
    command = ()

    def __init__(self, folder, package):
        self.package = fetch(package, folder)
        self.folder = tempfile.mkdtemp(prefix=f"{package}-", dir=folder)
        os.chmod(self.folder, 0o755)
        self.files = os.path.join(self.folder, "files")
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.process = None
        self.make_users()
        self.configure()

    def make_users(self):
        with open("/etc/passwd", encoding="ascii") as passwd, \
                open("/etc/group", encoding="ascii") as group:
            users, groups = passwd.read(), group.read()
        names = [f"u{number}" for number in range(USERS)]
        for number, name in enumerate([*self.groups, *names]):
            uid = FIRST_UID + number
            users += f"{name}:x:{uid}:{uid}::/home/{name}:/usr/sbin/nologin\n"
            groups += f"{name}:x:{uid}:\n"
            if name in names:
                os.makedirs(os.path.join(self.data, "home", name), mode=0o700)
                os.chown(os.path.join(self.data, "home", name), uid, uid)
        write(f"{self.files}/etc/passwd", users)
        write(f"{self.files}/etc/group", groups)
        write(f"{self.files}/etc/aliases", "")

    def configure(self):
        raise NotImplementedError

    def start(self):
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", ENTER, "enter",
             self.package, self.files, self.data, *self.command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=None if os.environ.get("BENCH_DEBUG") else subprocess.DEVNULL)
        wait_for(lambda: listens(self.port), f"{self.name} to listen")

    def delivered(self):
        count = 0
        for number in range(USERS):
            try:
                count += len(os.listdir(f"{self.data}/home/u{number}/Maildir/new"))
            except FileNotFoundError:
                pass
        return count

    def stop(self):
        if self.process is not None:
            # The first process of the namespace: all others go with it.
            pid = self.process.pid
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                for first in file.read().split():
                    os.kill(int(first), signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postfix(Peer):
    name = "Postfix"
    groups = ("postfix", "postdrop")
    command = ("/usr/sbin/postfix", "start-fg")
    extra = ""

    def __init__(self, folder):
        super().__init__(folder, "postfix")

    def configure(self):
        share = f"{self.package}/usr/share/postfix"
        with open(f"{share}/main.cf.debian", encoding="ascii") as file:
            main = file.read()
        with open(f"{share}/master.cf.dist", encoding="ascii") as file:
            # No jail: Debian's init script would fill it.
            master = "".join(line.replace(" y ", " n ", 1) if not line.startswith(("#", " ")) else line
                             for line in file)
        main += (f"myhostname = mail.{DOMAIN}\nmydestination = {DOMAIN}\nalias_maps =\n"
                 "inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks = 127.0.0.0/8\n"
                 f"home_mailbox = Maildir/\n{self.extra}")
        write(f"{self.files}/etc/postfix/main.cf", main)
        write(f"{self.files}/etc/postfix/master.cf",
              master.replace("smtp      inet", f"{self.port}      inet", 1))
        for folder in ("spool/postfix", "lib/postfix"):
            os.makedirs(f"{self.data}/var/{folder}")
        os.chown(f"{self.data}/var/lib/postfix", FIRST_UID, FIRST_UID)


class PostfixUnbraked(Postfix):
    """Without the second that smtpd waits when mail comes in faster than it goes out."""

    name = "Postfix*"
    extra = "in_flow_delay = 0\n"


class OpenSMTPD(Peer):
    name = "OpenSMTPD"
    groups = ("opensmtpd", "opensmtpq")
    command = ("/usr/sbin/smtpd", "-F")

    def __init__(self, folder):
        super().__init__(folder, "opensmtpd")

    def configure(self):
        write(f"{self.files}/etc/smtpd.conf",
              "table aliases file:/etc/aliases\n"
              f"listen on 127.0.0.1 port {self.port} hostname mail.{DOMAIN}\n"
              'action "local" maildir alias <aliases>\n'
              f'match from any for domain "{DOMAIN}" action "local"\n')
        os.makedirs(f"{self.data}/var/spool")
        os.makedirs(f"{self.data}/var/lib/opensmtpd/empty")
        passwd = f"{self.files}/etc/passwd"
        with open(passwd, encoding="ascii") as file:
            text = file.read()
        for name in self.groups:
            text = text.replace(f"/home/{name}:", "/var/lib/opensmtpd/empty:")
        write(passwd, text)


def processes_below(pid):
    """A process and all its descendants."""
    found, waiting = [], [str(pid)]
    while waiting:
        found.append(waiting.pop())
        try:
            with open(f"/proc/{found[-1]}/task/{found[-1]}/children", encoding="ascii") as file:
                waiting += file.read().split()
        except FileNotFoundError:
            found.pop()
    return [int(found_pid) for found_pid in found]


def processor_ms(pid):
    """Of a process and all its descendants, those that ended included, in milliseconds."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        ticks = sum(int(field) for field in file.read().rsplit(")", 1)[1].split()[11:15])
    total = ticks * 1000 / os.sysconf("SC_CLK_TCK")
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        children = file.read().split()
    for child in children:
        try:
            total += processor_ms(child)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def disk(folder):
    """Milliseconds a 4 KiB append takes to be on disk."""
    path = os.path.join(folder, "probe")
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    began = time.monotonic()
    for _ in range(200):
        os.write(descriptor, b"x" * 4096)
        os.fdatasync(descriptor)
    os.close(descriptor)
    os.unlink(path)
    return (time.monotonic() - began) / 200 * 1e3
