"""The programs that run on the gateways, each behind the same few verbs.

What a gateway runs is told by the name of its configuration: left.toml (viaductd),
right.swanctl.conf (strongSwan's charon), right.iked.conf (OpenIKED's iked), right.ipsec.conf
(libreswan's pluto, with its keys in right.ipsec.secrets).
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import time

from .namespaces import CommandFailed, run_quietly, spawn

# Only these: loading all that Debian ships costs seconds under emulation.
_CHARON_PLUGINS = "random nonce openssl aes ccm ctr kdf kernel-netlink socket-default vici updown"
_CHARON_SETTINGS = """charon {{
    load = {plugins}
    threads = 8
    install_routes = no
    retransmit_tries = 3
    retransmit_timeout = 2.0
    {more}
    plugins {{
        vici {{
            socket = unix:///run/charon.vici
        }}
    }}
    filelog {{
        log {{
            path = {log}
            default = 1
            cfg = 2
            flush_line = yes
        }}
    }}
}}
swanctl {{
    load = random openssl
}}
"""

# The scenarios' files hold connections only. No updown script: the gateways have their routes.
_PLUTO_SETTINGS = """config setup
    uniqueids = yes
    ikev1-policy = accept
conn %default
    leftupdown = %disabled
    retransmit-timeout = 20s
include /run/connections
"""


class Gateway:
    """One daemon on one gateway."""

    def __init__(self, name, namespace, configuration, directory):
        self.name, self.namespace, self.directory = name, namespace, directory
        self.log_path = os.path.join(directory, f"{name}.log")
        self.run = os.path.join(directory, f"{name}.run")
        os.makedirs(self.run, exist_ok=True)
        # Daemons refuse secrets that others may read, and the tree's files are everybody's.
        self.configuration = os.path.join(directory, os.path.basename(configuration))
        _copy_secretly(configuration, self.configuration)
        self.process = None

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, within=60):
        """Asks it to end; its exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise CommandFailed(f"{self.name} did not end within {within} s of SIGTERM") from None

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def log(self, start=0):
        try:
            with open(self.log_path, "rb") as file:
                file.seek(start)
                return file.read().decode(errors="replace")
        except FileNotFoundError:
            return ""

    def log_size(self):
        return os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0

    def _wait_until(self, ready, within=150):
        stop = time.monotonic() + within
        while not ready():
            if not self.is_running:
                raise CommandFailed(f"{self.name} ended at once: {self.log()[-2000:]}")
            if time.monotonic() > stop:
                raise CommandFailed(f"{self.name} is not ready after {within} s")
            time.sleep(0.05)


def _copy_secretly(source, target):
    shutil.copyfile(source, target)
    os.chmod(target, 0o600)


class Viaduct(Gateway):
    suffix = ".toml"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.control = os.path.join(self.run, "control.sock")

    def start(self):
        log = open(self.log_path, "ab")
        # It enters the namespace that its configuration names by itself.
        self.process = spawn(["viaductd", "--foreground", "--debug", "all=debug", "--config",
                              self.configuration, "--control", self.control],
                             stdout=log, stderr=log)
        log.close()
        self._wait_until(lambda: os.path.exists(self.control) and self._is_serving())

    def remove_guard(self):
        run_quietly(["viaductd", "--remove-guard", "--config", self.configuration, "--control",
                     self.control])

    def _is_serving(self):
        try:
            return all(router["state"] == "running" for router in self.status()["routers"])
        except CommandFailed:
            return False

    def status(self):
        """What `viaduct status --json` prints, without a process for each look."""
        answer = b""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
                asked.settimeout(60)
                asked.connect(self.control)
                asked.sendall(b'{"command":"status"}\n')
                while not answer.endswith(b"\n"):
                    part = asked.recv(1 << 16)
                    if not part:
                        raise CommandFailed(f"{self.name} hung up on a question for its status")
                    answer += part
        except OSError as error:
            raise CommandFailed(f"{self.name} does not tell its status: {error}") from None
        return json.loads(answer)["status"]

    def connection(self, name):
        for router in self.status()["routers"]:
            for connection in router["connections"]:
                if connection["name"] == name:
                    return connection
        raise CommandFailed(f"{self.name} has no connection {name}")

    def _command(self, *words):
        return spawn(["viaduct", "--control", self.control, *words],
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def initiate(self, name):
        return self._command("up", "--no-wait", name)

    def terminate(self, name):
        return self._command("down", name)

    def rekey(self, which):
        """`child=NAME` or `ike=NAME`; NAME is the connection's for both."""
        kind, _, name = which.partition("=")
        return self._command("rekey", *(["--ike"] if kind == "ike" else []), name)

    def reload(self):
        return self._command("reload")


class Charon(Gateway):
    suffix = ".swanctl.conf"

    def __init__(self, name, namespace, configuration, directory):
        super().__init__(name, namespace, configuration, directory)
        self.more = configuration.removesuffix(self.suffix) + ".charon.conf"

    def start(self):
        self.settings = os.path.join(self.directory, f"{self.name}.strongswan.conf")
        with open(self.settings, "w") as file:
            file.write(_CHARON_SETTINGS.format(plugins=_CHARON_PLUGINS, log=self.log_path,
                                               more=self._more_settings()))
        for left_behind in ("charon.pid", "charon.vici"):
            if os.path.exists(os.path.join(self.run, left_behind)):
                os.unlink(os.path.join(self.run, left_behind))
        self.process = self.namespace.spawn(
            ["/usr/lib/ipsec/charon"], run=self.run, env=self._environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait_until(lambda: os.path.exists(os.path.join(self.run, "charon.vici")))
        run_quietly(self._swanctl("--load-all", "--file", self.configuration),
                    run=self.run, env=self._environment())

    def _more_settings(self):
        if not os.path.exists(self.more):
            return ""
        with open(self.more) as file:
            return file.read().strip()

    def _environment(self):
        return {**os.environ, "STRONGSWAN_CONF": self.settings}

    def _swanctl(self, *words):
        return ["swanctl", *words, "--uri", "unix:///run/charon.vici"]

    def _command(self, *words):
        return spawn(self._swanctl(*words), run=self.run, env=self._environment(),
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def initiate(self, child):
        return self._command("--initiate", "--child", child, "--timeout", "60")

    def terminate(self, which):
        """`child=NAME` or `ike=NAME`."""
        kind, _, name = which.partition("=")
        return self._command("--terminate", f"--{kind}", name, "--timeout", "30")

    def rekey(self, which):
        """`child=NAME` or `ike=NAME`."""
        kind, _, name = which.partition("=")
        return self._command("--rekey", f"--{kind}", name)

    def reauthenticate(self, name):
        return self._command("--rekey", "--ike", name, "--reauth")


class Iked(Gateway):
    suffix = ".iked.conf"

    def start(self):
        log = open(self.log_path, "ab")
        self.process = self.namespace.spawn(
            ["iked", "-d", "-vv", "-f", self.configuration], run=self.run, stdout=log, stderr=log)
        log.close()
        self._wait_until(lambda: "config_getcompile: compilation done" in self.log())

    def terminate(self, identity):
        """All IKE SAs with a peer of this identity."""
        return spawn(["ikectl", "reset", "id", identity], run=self.run,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Pluto(Gateway):
    """In the root file system that libreswan has for itself (scripts/rootfs.libreswan.packages)."""

    suffix = ".ipsec.conf"
    root = "/peers/libreswan"
    programs = "/usr/libexec/ipsec/"

    def __init__(self, name, namespace, configuration, directory):
        super().__init__(name, namespace, configuration, directory)
        _copy_secretly(configuration.removesuffix(".conf") + ".secrets",
                       os.path.join(self.run, "secrets"))
        _copy_secretly(configuration, os.path.join(self.run, "connections"))
        with open(os.path.join(self.run, "ipsec.conf"), "w") as file:
            file.write(_PLUTO_SETTINGS)
        os.makedirs(os.path.join(self.run, "nss"))
        run_quietly(["certutil", "-N", "-d", "sql:/run/nss", "--empty-password"],
                    run=self.run, root=self.root)

    def start(self):
        shutil.rmtree(os.path.join(self.run, "pluto"), ignore_errors=True)
        os.makedirs(os.path.join(self.run, "pluto"))
        began = self.log_size()
        log = open(self.log_path, "ab")
        self.process = self.namespace.spawn(
            [self.programs + "pluto", "--nofork", "--stderrlog", "--config", "/run/ipsec.conf",
             "--nssdir", "/run/nss", "--secretsfile", "/run/secrets", "--rundir", "/run/pluto"],
            run=self.run, root=self.root, stdout=log, stderr=log)
        log.close()
        # It loads the connections by itself, and reads the secrets last.
        self._wait_until(lambda: "loading secrets from" in self.log(began))

    def _whack(self, *words):
        log = open(self.log_path + ".whack", "ab")
        process = spawn([self.programs + "whack", "--rundir", "/run/pluto", *words],
                        run=self.run, root=self.root, stdout=log, stderr=log)
        log.close()
        return process

    def initiate(self, name):
        return self._whack("--asynchronous", "--initiate", "--name", name)

    def terminate(self, which):
        """`child=NAME` or `ike=NAME`; of IKEv1 only `all=NAME`, both."""
        kind, _, name = which.partition("=")
        return self._whack("--terminate" if kind == "all" else f"--down-{kind}", "--name", name)

    def rekey(self, which):
        """`child=NAME` or `ike=NAME`."""
        kind, _, name = which.partition("=")
        return self._whack("--asynchronous", f"--rekey-{kind}", "--name", name)


KINDS = (Viaduct, Charon, Iked, Pluto)
