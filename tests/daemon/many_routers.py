#!/usr/bin/env python3
"""many_routers.py CONTROL COUNT: asks for a reload that adds COUNT routers, and at once for the status and
for a change that wants them all to run."""

import json
import socket
import sys

control, count = sys.argv[1], int(sys.argv[2])


def connected():
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(60)
    connection.connect(control)
    return connection


def ask(request, connection=None):
    connection = connection or connected()
    connection.sendall(json.dumps(request).encode() + b"\n")
    return connection


def answer(connection):
    text = b""
    while not text.endswith(b"\n"):
        part = connection.recv(1 << 16)
        if not part:
            sys.exit("the daemon hung up")
        text += part
    return json.loads(text)


def states(connection):
    found = {}
    for router in answer(connection)["status"]["routers"]:
        found.setdefault(router["state"], []).append(router)
    return found


# The daemon knows the second one already when the reload begins: a slice later it can answer.
first, second = connected(), connected()
answer(ask({"command": "version"}))
reload = ask({"command": "reload"}, first)
status = ask({"command": "status"}, second)
last = ask({"command": "down", "name": f"n{count}/vpn"})
during = states(status)
waiting = during.get("waiting", [])
print(f"during the reload {len(during['running'])} run and {len(waiting)} wait")
if not waiting or "n0" not in (router["name"] for router in during["running"]):
    sys.exit("the status was not told during the reload")
for router in waiting:
    if router["reason"] != "its turn to start has not come":
        sys.exit(f"a router waits because {router['reason']}")
reloaded = answer(reload)
if len(reloaded["routers"]) != count or reloaded["unchanged"] != 1:
    sys.exit("the reload does not tell of every router")
if not answer(last)["ok"]:
    sys.exit("a command during the reload failed")
after = states(ask({"command": "status"}))
if len(after["running"]) != count + 1:
    sys.exit(f"only {len(after['running'])} routers run after the reload")
