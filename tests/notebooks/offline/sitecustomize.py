"""Cuts the network off for every Python process that has this folder on PYTHONPATH.

An audit hook sees each socket call of the interpreter, whatever library makes it, and cannot be
taken off again. Loopback stays open: a kernel talks to its front end through it.
"""

import sys

LOOPBACK = ("127.", "::1", "localhost")


def refuse_network(event: str, arguments: tuple) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host and not host.startswith(LOOPBACK):
        raise OSError(f"tests run offline: {event} to {host} refused")


sys.addaudithook(refuse_network)
