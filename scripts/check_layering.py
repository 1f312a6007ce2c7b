#!/usr/bin/env python3
"""Fails when a file includes what its folder may not know, or has a name that says nothing.

    daemon --> ike, xfrm, netns, policy
    xfrm ----> netns ----> policy
    ike -----------------> policy
    inside ike:  endpoint --> v1, v2 --> crypto --> wire --> policy
"""

import pathlib
import re
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent

# Deeper folders first: a file belongs to the first one that contains it.
FOLDERS = ["ike/wire", "ike/crypto", "ike/v1", "ike/v2", "ike", "policy", "netns", "xfrm", "daemon"]

MAY_INCLUDE = {
    "policy": set(),
    "ike/wire": {"policy"},
    "ike/crypto": {"ike/wire", "policy"},
    "ike/v1": {"ike", "ike/crypto", "ike/wire", "policy"},
    "ike/v2": {"ike", "ike/crypto", "ike/wire", "policy"},
    "ike": {"ike/v1", "ike/v2", "ike/crypto", "ike/wire", "policy"},
    "netns": {"policy"},
    "xfrm": {"netns", "policy"},
    # wire only to print packets for somebody who debugs by hand.
    "daemon": {"ike", "ike/wire", "xfrm", "netns", "policy"},
}

# Libraries and system headers, and the folders that may see them.
KERNEL_SIDE = {"netns", "xfrm", "daemon"}
LIBRARIES = {
    r"libmnl/|libnftnl/|linux/|sys/socket|sys/epoll|sys/timerfd|netinet/|arpa/|unistd\.h|sched\.h|fcntl\.h":
        KERNEL_SIDE,
    r"boost/asio|boost/json|boost/program_options|spdlog/": {"daemon"},
    r"toml\+\+/": {"policy", "daemon"},
    r"botan/(auto_rng|system_rng|processor_rng)\.h": {"daemon"},
    # Telling whether the kernel holds what it was given takes a digest, since keys are among it.
    r"botan/hash\.h": {"ike/crypto", "xfrm"},
    r"botan/(?!rng|sec|mem_ops|exceptn|version|hash)": {"ike/crypto", "daemon"},
    r"fstream$|filesystem$|thread$|iostream$": KERNEL_SIDE,
}

NAMELESS = {"manager", "helper", "helpers", "util", "utils", "common", "base", "misc", "impl"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)


def folder_of(path: str) -> str | None:
    return next((name for name in FOLDERS if path.startswith(name + "/")), None)


def sources(*folders: str) -> list[pathlib.Path]:
    return sorted(
        path
        for folder in folders
        for pattern in ("*.h", "*.cpp")
        for path in (TREE / folder).rglob(pattern)
    )


def includes_of(path: pathlib.Path) -> list[tuple[str, str]]:
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def reaches_versions(header: str, seen: set[str]) -> bool:
    """Whether a header directly in ike/ leads to the endpoint or to a protocol version."""
    if header in seen or not (TREE / header).exists():
        return False
    seen.add(header)
    if header == "ike/endpoint.h" or folder_of(header) in ("ike/v1", "ike/v2"):
        return True
    return any(
        reaches_versions(name, seen)
        for kind, name in includes_of(TREE / header)
        if kind == '"' and folder_of(name) in ("ike", "ike/v1", "ike/v2")
    )


def include_mistakes(path: pathlib.Path) -> list[str]:
    name = path.relative_to(TREE).as_posix()
    folder = folder_of(name)
    mistakes = []
    for kind, included in includes_of(path):
        if kind == "<":
            mistakes += [
                f"{name}: {folder} may not see <{included}>"
                for pattern, allowed in LIBRARIES.items()
                if re.match(pattern, included) and folder and folder not in allowed
            ]
            continue
        if not (TREE / included).exists():
            mistakes.append(f'{name}: "{included}" is no path from the root of the tree')
            continue
        target = folder_of(included)
        if folder is None or target == folder:
            continue
        if target is None or target not in MAY_INCLUDE[folder]:
            mistakes.append(f'{name}: {folder} may not include "{included}"')
        elif folder in ("ike/v1", "ike/v2") and target == "ike" and reaches_versions(included, set()):
            mistakes.append(f'{name}: "{included}" leads back up to the endpoint or a version')
    return mistakes


def name_mistakes() -> list[str]:
    mistakes = []
    for folder in ("policy", "ike", "xfrm", "netns", "daemon", "tests", "scripts"):
        for path in sorted((TREE / folder).rglob("*")):
            words = set(re.split(r"[_.\-]", path.name.lower()))
            if words & NAMELESS:
                name = path.relative_to(TREE)
                mistakes.append(f"{name}: the name does not say what is inside")
    return mistakes


def main() -> int:
    files = sources("policy", "ike", "xfrm", "netns", "daemon", "tests")
    mistakes = [mistake for path in files for mistake in include_mistakes(path)]
    mistakes += name_mistakes()
    for mistake in mistakes:
        print(f"layering: {mistake}")
    return 1 if mistakes else 0


sys.exit(main())
