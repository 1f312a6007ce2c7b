"""Network namespaces of one scenario: they carry plain names below a /run of the scenario's own, so
that scenarios run side by side and nothing is left when the scenario's processes have ended."""

import contextlib
import ctypes
import os
import signal
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
_MS_BIND, _MS_MOVE, _MS_REC, _MS_PRIVATE = 0x1000, 0x2000, 0x4000, 0x40000
_PR_SET_PDEATHSIG = 1


def _mount(source, target, kind, flags):
    if _libc.mount(source.encode(), target.encode(), kind.encode(), flags, None) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"mount {source} on {target}: {os.strerror(error)}")


def make_private_run():
    """Gives this process an empty /run, in which namespaces may have any name."""
    os.unshare(os.CLONE_NEWNS)
    _mount("none", "/", "none", _MS_REC | _MS_PRIVATE)
    _mount("run", "/run", "tmpfs", 0)
    os.makedirs("/run/netns")
    os.makedirs("/run/lock")


def _enter(namespace, run, root):
    """In a new child, before it executes its program."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if run or root:
        os.unshare(os.CLONE_NEWNS)
    for directory in ("/proc", "/dev") if root else ():
        _mount(directory, root + directory, "none", _MS_BIND | _MS_REC)
    if run:
        _mount(run, f"{root or ''}/run", "none", _MS_BIND)
    if namespace:
        os.setns(namespace.fileno, os.CLONE_NEWNET)
    if root:
        os.chroot(root)
        os.chdir("/")


class Namespace:
    def __init__(self, name):
        self.name = name
        self.fileno = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)

    def spawn(self, arguments, *, run=None, root=None, **options):
        """Starts a program inside. `run` names a directory that it sees as /run, `root` one that it
        sees as /."""
        return spawn(arguments, namespace=self, run=run, root=root, **options)

    def output(self, arguments):
        return run_quietly(arguments, namespace=self)

    @contextlib.contextmanager
    def entered(self):
        """This thread is inside meanwhile."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.setns(self.fileno, os.CLONE_NEWNET)
            yield
        finally:
            os.setns(home, os.CLONE_NEWNET)
            os.close(home)

    def socket(self, make):
        """The socket that make() opens in this namespace."""
        with self.entered():
            return make()

    def set(self, settings):
        """`net.ipv4.ip_forward`: 1. The files of /proc/sys/net are those of who opens them."""
        with self.entered():
            for name, value in settings.items():
                with open("/proc/sys/" + name.replace(".", "/"), "w") as file:
                    file.write(str(value))


def spawn(arguments, *, namespace=None, run=None, root=None, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(arguments, preexec_fn=lambda: _enter(namespace, run, root), **options)


class CommandFailed(Exception):
    pass


def run_quietly(arguments, *, namespace=None, run=None, root=None, stdin=None, env=None, within=60):
    """What the program prints; its complaint as an exception if it fails."""
    options = {"env": env, "text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               "stdin": subprocess.DEVNULL if stdin is None else subprocess.PIPE}
    if run or root:
        process = spawn(arguments, namespace=namespace, run=run, root=root, **options)
    else:
        # Without anything to be done between fork and exec no copy of this process is made, which
        # costs more than most of these programs. They end by themselves, so that nothing need end
        # them with this process.
        with namespace.entered() if namespace else contextlib.nullcontext():
            process = subprocess.Popen(arguments, **options)
    try:
        output, complaint = process.communicate(stdin, timeout=within)
    except subprocess.TimeoutExpired:
        process.kill()
        output, complaint = process.communicate()
        complaint += f"ended after {within} s"
    if process.returncode != 0:
        text = (complaint.strip() or output.strip())[-2000:]
        raise CommandFailed(f"{' '.join(arguments)}: exit status {process.returncode}: {text}")
    return output
