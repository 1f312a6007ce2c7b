#!/usr/bin/env python3
"""Writes docs/states.md from tests/simulation/state_matrix.txt: the states of an IKE SA and of a
child SA as graphs, and a table for each state of what follows each event.

With --check nothing is written, and it fails when the page is stale.
"""

import pathlib
import re
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent
MATRIX = TREE / "tests/simulation/state_matrix.txt"
PAGE = TREE / "docs/states.md"

INTRODUCTION = """# What happens when: states and events of IKEv2

Written by `scripts/states_page.py` from `tests/simulation/state_matrix.txt`, which a test compares with what the code
does: each event was delivered to a fresh endpoint in each state, by a peer with real keys. `scripts/state_matrix` writes
both anew.

Use it to look up what a log line can lead to, or what a peer's answer does. SA 1 is the IKE SA that the state is named
after, SA 2 and SA 3 what comes beside it. A is its first child SA, B and C are later ones; `B.in` only takes in what
the peer sends, since the peer is not known to be ready, or the child is replaced. A child that "the kernel takes in" is
gone, but for what the peer has under way.

- Sent: `-->` a request of ours, `<--` our answer to the peer; "again" the same octets as before.
- Kernel: `+A` put in, `-A` taken out; `.in` and `.out` one direction.
- Every request that carries an error is answered, if the IKE SA is authenticated; a repeated request gets the same answer, and
  nothing is done twice. The test holds that in each cell, and that nothing stays in the kernel after the end.
- INVALID_SYNTAX in an answer ends an IKE SA that stands, since it ended for the peer too (RFC 7296 section 2.21.3).
"""

# Events in the graphs: what changes the state in the ordinary course of things, in few words.
EDGES = {
    "answers: as asked": "agreed",
    "answers: TEMPORARY_FAILURE": "TEMPORARY_FAILURE",
    "answers: CHILD_SA_NOT_FOUND": "CHILD_SA_NOT_FOUND",
    "answers: NO_PROPOSAL_CHOSEN": "refused",
    "answers: INVALID_SYNTAX": "INVALID_SYNTAX",
    "asks: IKE_AUTH": "peer: IKE_AUTH",
    "asks: IKE_AUTH, wrong key": "peer: wrong key",
    "asks: rekey A": "peer rekeys A",
    "asks: rekey B": "peer rekeys B",
    "asks: rekey the IKE SA": "peer rekeys the IKE SA",
    "asks: delete A": "peer deletes A",
    "asks: delete B": "peer deletes B",
    "asks: delete the IKE SA": "peer deletes the IKE SA",
    "time: until something happens": "time",
    "time: no answer comes": "no answer",
    "kernel: A reaches its soft limit": "A worn out",
    "kernel: A reaches its hard limit": "A expired",
    "operator: up": "up",
    "operator: rekey the children": "rekey",
    "operator: rekey the IKE SA": "rekey IKE",
    "operator: down": "down",
}


class Row:
    def __init__(self, line: str) -> None:
        self.event, self.sent, self.kernel, self.reported, self.after = line.split(" | ")


class State:
    def __init__(self, name: str) -> None:
        self.name, self.about, self.text = name, "", ""
        self.rows: list[Row] = []


def read_matrix() -> list[State]:
    states: list[State] = []
    for line in MATRIX.read_text(encoding="utf-8").splitlines()[1:]:
        if line.startswith("["):
            states.append(State(line.strip("[]")))
        elif line.startswith("about: "):
            states[-1].about = line.removeprefix("about: ")
        elif line.startswith("state: "):
            states[-1].text = line.removeprefix("state: ")
        elif line:
            states[-1].rows.append(Row(line))
    return states


def shape(text: str) -> str:
    """A state whatever its SAs and children are called, and whoever may begin one beside it."""
    if text == "down; 1 half-open":
        return text
    parts = [each for each in text.split("; ") if not each.endswith(" half-open")]
    parts = [each for each in parts if not each.startswith("the kernel takes in ")] or parts
    names: dict[str, str] = {}
    return re.sub(
        r"\b(SA \d|[A-Z])\b",
        lambda found: names.setdefault(found[0], f"{found[0][:-1]}{len(names)}"),
        "; ".join([parts[0], *sorted(parts[1:], key=lambda part: re.sub(r"^SA \d", "", part))]),
    )


# What the matrix does not begin in.
FURTHER = {
    "waiting": "waiting to try again",
    "not configured": "not configured",
    "down": "down",
}


def names_of(states: list[State]) -> dict[str, str]:
    out = {text: name for text, name in FURTHER.items()}
    for state in states:
        out.setdefault(shape(state.text), state.name)
    return out


def identifier(names: dict[str, str], name: str) -> str:
    return f"s{list(names.values()).index(name)}"


def graph(states: list[State], names: dict[str, str]) -> list[str]:
    edges: dict[tuple[str, str], list[str]] = {}
    for state in states:
        # Of several that look the same the first stands for all.
        start = names[shape(state.text)]
        for row in state.rows:
            target = start if row.after == "same" else names.get(shape(row.after))
            word = EDGES.get(row.event)
            known = edges.setdefault((start, target or start), [])
            if word and target and target != start and word not in known:
                known.append(word)
    edges = {edge: words for edge, words in edges.items() if words}
    used = {name for edge in edges for name in edge}
    out = ["```mermaid", "stateDiagram-v2"]
    out += [f'    state "{name}" as {identifier(names, name)}' for name in names.values() if name in used]
    for (start, end), words in edges.items():
        out.append(f"    {identifier(names, start)} --> {identifier(names, end)}: {', '.join(words)}")
    return [*out, "```", ""]


def child_word(text: str) -> str:
    """What has become of child A."""
    body = "; ".join(part for part in text.split("; ") if part.startswith("SA "))
    held = re.sub(r"(rekeys|deletes) [A-Z]", "", body)
    if not re.search(r"\bA\b", held):
        return "takes in what is under way" if "the kernel takes in A" in text else "gone"
    if re.search(r"\bdeletes A\b", body):
        return "being deleted"
    if re.search(r"\bA\.in\b", held):
        return "replaced, takes in only"
    return "carries, rekey asked for" if re.search(r"\brekeys A\b", body) else "carries"


def child_graph(states: list[State]) -> list[str]:
    edges: dict[tuple[str, str], list[str]] = {}
    for state in states:
        before = child_word(state.text)
        for row in state.rows:
            after = before if row.after == "same" else child_word(row.after)
            word = EDGES.get(row.event)
            known = edges.setdefault((before, after), [])
            if word and after != before and before != "gone" and word not in known:
                known.append(word)
    edges = {edge: words for edge, words in edges.items() if words}
    names = list(dict.fromkeys(name for edge in edges for name in edge))
    out = ["```mermaid", "stateDiagram-v2"]
    out += [f'    state "{name}" as c{at}' for at, name in enumerate(names)]
    for (start, end), words in edges.items():
        out.append(f"    c{names.index(start)} --> c{names.index(end)}: {', '.join(words)}")
    return [*out, "```", ""]


def short(text: str) -> str:
    text = re.sub(r"N\(NAT_DETECTION_\w+\), ", "", text)
    return text.replace(" { }", "").replace("|", "/")


def table(state: State) -> list[str]:
    merged: dict[tuple[str, ...], list[str]] = {}
    for row in state.rows:
        fields = (short(row.sent), row.kernel, row.reported, row.after)
        merged.setdefault(fields, []).append(row.event)
    out = ["| event | sent | kernel | reported | after |", "| --- | --- | --- | --- | --- |"]
    out += [f"| {'<br>'.join(events)} | {' | '.join(fields)} |" for fields, events in merged.items()]
    return [*out, ""]


def page(states: list[State]) -> str:
    names = names_of(states)
    out = [INTRODUCTION, "## The states of an IKE SA", "", "States that look the same from outside are drawn once. What an arrow leads to that has no box of its own is in the tables.", "", *graph(states, names)]
    out += ["## The states of a child SA", "", "Seen from child A.", "", *child_graph(states)]
    for state in states:
        out += [f"## {state.name}", "", f"{state.about[0].upper()}{state.about[1:]}: `{state.text}`.", "", *table(state)]
    return "\n".join(out).rstrip() + "\n"


def main() -> int:
    text = page(read_matrix())
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        print("states: docs/states.md is stale: run scripts/states_page.py")
        return 1
    return 0


sys.exit(main())
