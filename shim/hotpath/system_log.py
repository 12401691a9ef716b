"""One line for the system's log (syslog, journald): a datagram to its socket, at once or not at
all.

It has no more than a bare interpreter's modules and `_socket`, since a replayed command may need
it; `syslog` of the standard library knows one socket only and waits where the log is stuck,
`logging.handlers` costs 20 ms.

Sources: RFC 3164 section 4.1 (priority, time, tag), as syslog(3) of glibc writes it; syslog.h
(authpriv is 10, info is 6).
"""

import posix
import sys
import time

#: Where the system's log listens.
SOCKET = "/dev/log" if sys.platform == "linux" else "/var/run/syslog"
#: Facility authpriv, as login and sudo have it, severity info.
PRIORITY = 10 << 3 | 6
MAX_BYTES = 8192


def send(path: str, lines: str) -> None:
    """Send each line to the socket at `path`. A log that is not there, or that does not take it at
    once, stops nothing.
    """
    import _socket

    head = f"<{PRIORITY}>{time.strftime('%b %e %H:%M:%S')} shim[{posix.getpid()}]: "
    try:
        stream = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
        try:
            stream.setblocking(False)
            for line in lines.splitlines():
                stream.sendto((head + line).encode()[:MAX_BYTES], path)
        finally:
            stream.close()
    except OSError:
        return
