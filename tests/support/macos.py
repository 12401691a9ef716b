"""macOS, played on Linux: our package in an installation is told that it runs there, and does not find what Python lacks there.

`as_on_macos` puts this file beside the package, whose `__init__` calls `play` before anything else of it runs. Sources: the library's
documentation ("Availability"), and what `configure` finds there.
"""

import shutil
import sys
from pathlib import Path

#: Module -> the beginnings of the names that it has on Linux alone.
MISSING = {
    "posix": (
        *("memfd_", "MFD_", "O_TMPFILE", "O_PATH", "O_NOATIME", "O_LARGEFILE", "O_RSYNC", "eventfd", "EFD_", "pidfd_", "P_PIDFD"),
        *("pipe2", "getrandom", "splice", "SPLICE_", "copy_file_range", "fdatasync", "posix_fadvise", "POSIX_FADV", "posix_fallocate"),
        *("sched_setaff", "sched_getaff", "sched_setsch", "sched_getsch", "setresuid", "setresgid", "getresuid", "getresgid"),
        *("getxattr", "setxattr", "listxattr", "removexattr", "XATTR_", "waitid", "RWF_", "unshare", "setns", "CLONE_"),
    ),
    "_socket": ("SO_PEERCRED", "SO_PASSCRED", "SO_DOMAIN", "SO_PROTOCOL", "SO_BINDTODEVICE", "SO_MARK", "SOCK_CLOEXEC", "SOCK_NONBLOCK", "MSG_CMSG_CLOEXEC", "AF_NETLINK", "AF_PACKET", "TCP_USER_TIMEOUT", "TCP_QUICKACK"),
    "_signal": ("sigtimedwait", "sigwaitinfo", "pidfd_send_signal", "SIGPWR", "SIGSTKFLT", "SIGPOLL", "SIGRT"),
    "fcntl": ("F_ADD_SEALS", "F_GET_SEALS", "F_SEAL_", "F_SETPIPE_SZ", "F_GETPIPE_SZ", "F_NOTIFY"),
    "select": ("epoll", "EPOLL"),
    "resource": ("prlimit", "RLIMIT_SIGPENDING", "RLIMIT_NICE", "RLIMIT_RTPRIO"),
}


def play() -> None:
    """Make this process one on macOS, as far as Python tells. What it starts is on Linux, but for our own Python."""
    sys.platform = "darwin"
    sys.modules["_scproxy"] = proxies = type(sys)("_scproxy")
    proxies._get_proxies, proxies._get_proxy_settings = dict, dict  # type: ignore[attr-defined]
    for name, beginnings in MISSING.items():
        modules = [__import__(name), *(sys.modules[other] for other in ("os", "signal", "socket") if other in sys.modules)]
        for module in modules:
            for missing in [one for one in vars(module) if one.startswith(beginnings)]:
                delattr(module, missing)


def as_on_macos(prefix: Path) -> Path:
    """Make an installation one that believes to be on macOS; returns it."""
    (package,) = prefix.glob("venv/lib/python3*/site-packages/shim")
    shutil.copy(__file__, package / "macos.py")
    with (package / "__init__.py").open("a") as stream:
        stream.write("\nfrom shim.macos import play\n\nplay()\n")
    return prefix
