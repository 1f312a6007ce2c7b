#!/usr/bin/env python3
"""Writes docs/rfc_coverage.md, docs/exchange_stories.md and docs/known_vulnerabilities.md: what is
demanded, and the tests of it.

The requirements are the tables in docs/rfc_requirements; the stories and the classes of
vulnerabilities are the .txt files beside their pages. A test cites one or several of them in a
comment of its own, above the test case or inside of it; in a test that is a script, anywhere:

    // covers 7296-2.1-a, 7296-2.1-b
    # covers story-CR08, class-delete

A table says "@open" where nothing is built or tested yet; the first test takes that away. With
--check nothing is written, and it fails when a page is stale, a citation names nothing, or
something has neither a test nor a reason.
"""

import pathlib
import re
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent
TABLES = TREE / "docs/rfc_requirements"
PAGE = TREE / "docs/rfc_coverage.md"
STORIES = TREE / "docs/exchange_stories.txt"
STORY_PAGE = TREE / "docs/exchange_stories.md"
CLASSES = TREE / "docs/known_vulnerabilities.txt"
CLASS_PAGE = TREE / "docs/known_vulnerabilities.md"
CODE = ["ike", "policy", "xfrm", "netns", "daemon"]

IDENTIFIER = r"(?:\d{4}-(?:\d+|[A-Z])(?:\.\d+)*-[a-z]|story-[A-Z0-9]+|class-[a-z0-9-]+)"
CITATION = re.compile(rf"^\s*(?://|#) covers ((?:{IDENTIFIER})(?:, {IDENTIFIER})*)\s*$")
ALMOST = re.compile(r"^\s*(?://|#)\s*covers\b", re.IGNORECASE)
TEST_CASE = re.compile(r"^\s*BOOST_(?:AUTO|DATA|FIXTURE)_TEST_CASE\(\s*(\w+)")
CODE_CITATION = re.compile(r"RFC (\d{4}),? (?:section )?(\d+(?:\.\d+)*)")


class Requirement:
    def __init__(self, rfc: str, name: str, level: str, text: str, reason: str) -> None:
        self.identifier = f"{rfc}-{name}"
        self.section = name.rsplit("-", 1)[0]
        self.level, self.text, self.reason = level, text, reason
        self.tests: list[str] = []


class Vulnerability:
    def __init__(self, fields: list[str]) -> None:
        self.identifier = f"class-{fields[0]}"
        self.published, self.text = fields[1:3]
        self.reason = fields[3] if len(fields) > 3 else ""
        self.tests: list[str] = []


class Story:
    def __init__(self, group: str, fields: list[str]) -> None:
        self.group = group
        self.identifier = f"story-{fields[0]}"
        self.origin, self.events, self.end = fields[1:4]
        self.reason = fields[4] if len(fields) > 4 else ""
        self.text = self.events
        self.tests: list[str] = []


Demand = Requirement | Story | Vulnerability


def fields_of(path: pathlib.Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [[f.strip() for f in line.split("|")] for line in lines if line and line[0] != "#"]


def resolved(reason: str, where: str, mistakes: list[str]) -> str:
    """The text of a reason that is named, as @open."""
    if not reason.startswith("@"):
        return reason
    reasons = {name: text for name, text in fields_of(TABLES / "reasons.txt")}
    if reason[1:] not in reasons:
        mistakes.append(f"{where}: no reason {reason}")
    return reasons.get(reason[1:], reason)


def read_tables(mistakes: list[str]) -> dict[str, tuple[str, list[Requirement]]]:
    tables = {}
    for path in sorted(TABLES.glob("rfc*.txt")):
        rfc = path.stem.removeprefix("rfc")
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ").split(": ID")[0]
        requirements = []
        for fields in fields_of(path):
            if len(fields) not in (3, 4):
                mistakes.append(f"{path.relative_to(TREE)}: {' | '.join(fields)}: 3 or 4 fields")
                continue
            reason = resolved(fields[3] if len(fields) == 4 else "", path.name, mistakes)
            requirements.append(Requirement(rfc, fields[0], fields[1], fields[2], reason))
        tables[rfc] = (title, requirements)
    return tables


def read_stories(mistakes: list[str]) -> list[Story]:
    stories = []
    group = ""
    for line in STORIES.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            group = line[3:]
        if not line or line[0] == "#":
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) not in (4, 5) or not re.fullmatch(r"[A-Z0-9]+", fields[0]):
            mistakes.append(f"{STORIES.name}: {line}: not a story")
            continue
        story = Story(group, fields)
        story.reason = resolved(story.reason, STORIES.name, mistakes)
        stories.append(story)
    return stories


def read_classes(mistakes: list[str]) -> list[Vulnerability]:
    classes = []
    for fields in fields_of(CLASSES):
        if len(fields) not in (3, 4):
            mistakes.append(f"{CLASSES.name}: {' | '.join(fields)}: 3 or 4 fields")
            continue
        each = Vulnerability(fields)
        each.reason = resolved(each.reason, CLASSES.name, mistakes)
        classes.append(each)
    return classes


def test_of(lines: list[str], at: int) -> str | None:
    """The test case that a comment stands directly above, or inside of."""
    below = at + 1
    while below < len(lines) and lines[below].lstrip().startswith("//"):
        below += 1
    if below < len(lines) and (found := TEST_CASE.match(lines[below])):
        return found.group(1)
    for line in reversed(lines[:at]):
        if found := TEST_CASE.match(line):
            return found.group(1)
    return None


def collect_tests(known: dict[str, Demand], mistakes: list[str]) -> None:
    for path in sorted((TREE / "tests").rglob("*")):
        if not path.is_file() or "vectors" in path.parts or "seeds" in path.parts:
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        name = path.relative_to(TREE / "tests").as_posix()
        is_code = path.suffix in (".cpp", ".h")
        for at, line in enumerate(lines):
            found = CITATION.match(line)
            if not found:
                if ALMOST.match(line):
                    mistakes.append(f"tests/{name}:{at + 1}: not in the form of a citation")
                continue
            case = test_of(lines, at) if is_code else None
            if is_code and case is None:
                mistakes.append(f"tests/{name}:{at + 1}: the citation belongs to no test case")
                continue
            test = f"`{name}`: {case}" if case else f"`{name}`"
            for identifier in found.group(1).split(", "):
                if identifier not in known:
                    mistakes.append(f"tests/{name}:{at + 1}: there is no {identifier}")
                elif test not in known[identifier].tests:
                    known[identifier].tests.append(test)


def collect_code() -> dict[tuple[str, str], list[str]]:
    cited: dict[tuple[str, str], list[str]] = {}
    for folder in CODE:
        for path in sorted((TREE / folder).rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            name = path.relative_to(TREE).as_posix()
            for rfc, section in CODE_CITATION.findall(path.read_text(encoding="utf-8")):
                files = cited.setdefault((rfc, section), [])
                if name not in files:
                    files.append(name)
    return cited


def is_open(demand: Demand) -> bool:
    return demand.reason.startswith("Open:")


def outcome(requirement: Demand) -> str:
    parts = ["<br>".join(requirement.tests)] if requirement.tests else []
    if requirement.reason and not (requirement.tests and is_open(requirement)):
        parts.append(requirement.reason)
    return "<br>".join(parts)


def numbers(section: str) -> list[tuple[int, int, str]]:
    return [(0, int(s), "") if s.isdigit() else (1, 0, s) for s in section.split(".")]


def page(tables: dict[str, tuple[str, list[Requirement]]]) -> str:
    cited = collect_code()
    lines = [
        "# What the RFCs ask for, and where it is tested",
        "",
        "Written by `scripts/coverage_pages.py` from the tables in `docs/rfc_requirements` and from the comments `// covers …` in",
        "the tests. Each MUST has its tests or its reason; `scripts/check coverage` sees to it. The words are a summary: the",
        "RFC counts. \"In code\" names the files that cite a section.",
        "",
        "| RFC | requirements | tested | with a reason | open |",
        "| --- | --- | --- | --- | --- |",
    ]
    for rfc, (title, requirements) in tables.items():
        tested = [r for r in requirements if r.tests]
        still = [r for r in requirements if not r.tests and (is_open(r) or not r.reason)]
        reasoned = len(requirements) - len(tested) - len(still)
        lines.append(f"| [{title}](#rfc-{rfc}) | {len(requirements)} | {len(tested)} | {reasoned} | {len(still)} |")
    for rfc, (_, requirements) in tables.items():
        lines += ["", f"## RFC {rfc}"]
        section = None
        for requirement in requirements:
            if requirement.section != section:
                section = requirement.section
                lines += ["", f"### {section}" if section != "*" else "### All sections", ""]
                if files := cited.get((rfc, section)):
                    lines += ["In code: " + ", ".join(f"`{name}`" for name in files), ""]
                lines += ["| id | level | what | test or reason |", "| --- | --- | --- | --- |"]
            lines.append(
                f"| {requirement.identifier} | {requirement.level} | {requirement.text} | {outcome(requirement)} |"
            )
    return "\n".join(lines) + "\n"


def story_page(stories: list[Story]) -> str:
    lines = [
        "# Exchanges that cross, come late or get lost",
        "",
        "Written by `scripts/coverage_pages.py` from `docs/exchange_stories.txt` and from the comments `// covers story-…` in the",
        "tests. The cases are those of strongSwan's exchange tests, of threads in which users of other gateways lost their",
        "tunnels, and of the RFC's own sections on collisions.",
        "",
        "A and B are the ends of an IKE SA that A began; X is either. \"old\" is what is replaced, \"newA\" what A's request made.",
        "\"Settled\" means that both ends hold the same children with each other's keys, that there is one IKE SA and nothing",
        "under way, and that traffic had a pair to use all the time.",
    ]
    group = ""
    for story in stories:
        if story.group != group:
            group = story.group
            lines += ["", f"## {group}", ""]
            lines += ["| id | from | what happens | what holds | test or reason |", "| --- | --- | --- | --- | --- |"]
        name = story.identifier.removeprefix("story-")
        lines.append(f"| {name} | {story.origin} | {story.events} | {story.end} | {outcome(story)} |")
    return "\n".join(lines) + "\n"


def class_page(classes: list[Vulnerability]) -> str:
    lines = [
        "# Vulnerabilities of others",
        "",
        "Written by `scripts/coverage_pages.py` from `docs/known_vulnerabilities.txt` and from the comments `// covers class-…` in",
        "the tests. Whatever an IKE daemon has had to publish is a class of mistakes that each of them can make; each class has",
        "its tests here. The fuzz targets in `tests/fuzz` look for the next ones.",
        "",
        "| class | published as | what went wrong | test or reason |",
        "| --- | --- | --- | --- |",
    ]
    for each in classes:
        name = each.identifier.removeprefix("class-")
        lines.append(f"| {name} | {each.published} | {each.text} | {outcome(each)} |")
    return "\n".join(lines) + "\n"


def order_mistakes(rfc: str, requirements: list[Requirement]) -> list[str]:
    mistakes = []
    seen: set[str] = set()
    for before, after in zip(requirements, requirements[1:]):
        if "*" not in after.section and numbers(before.section) > numbers(after.section):
            mistakes.append(f"rfc{rfc}.txt: {after.identifier} stands behind {before.identifier}")
    for requirement in requirements:
        if requirement.identifier in seen:
            mistakes.append(f"rfc{rfc}.txt: {requirement.identifier} stands there twice")
        seen.add(requirement.identifier)
    return mistakes


def settle(known: dict[str, Demand], write: bool) -> list[str]:
    """Takes "@open" from what has a test: from then on the test may not go."""
    mistakes = []
    for path in [*sorted(TABLES.glob("rfc*.txt")), STORIES, CLASSES]:
        prefix = {STORIES: "story-", CLASSES: "class-"}.get(path, path.stem.removeprefix("rfc") + "-")
        lines = path.read_text(encoding="utf-8").splitlines()
        for at, line in enumerate(lines):
            demand = known.get(prefix + line.split("|")[0].strip())
            if demand and demand.tests and line.endswith("| @open"):
                lines[at] = line.removesuffix("| @open").rstrip()
                mistakes.append(f"{demand.identifier} is tested, and called open")
        if write:
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [] if write or not mistakes else [*mistakes, "run scripts/coverage_pages.py"]


def main() -> int:
    mistakes: list[str] = []
    tables = read_tables(mistakes)
    stories = read_stories(mistakes)
    known: dict[str, Demand] = {
        r.identifier: r for _, requirements in tables.values() for r in requirements
    }
    classes = read_classes(mistakes)
    known |= {each.identifier: each for each in [*stories, *classes]}
    collect_tests(known, mistakes)
    mistakes += settle(known, write="--check" not in sys.argv[1:])
    for rfc, (_, requirements) in tables.items():
        mistakes += order_mistakes(rfc, requirements)
    mistakes += [
        f"{r.identifier}: neither a test nor a reason: {r.text}"
        for r in known.values()
        if not r.tests and not r.reason
    ]
    pages = {PAGE: page(tables), STORY_PAGE: story_page(stories), CLASS_PAGE: class_page(classes)}
    for path, text in pages.items():
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            mistakes.append(f"docs/{path.name} is stale: run scripts/coverage_pages.py")
    for mistake in mistakes:
        print(f"coverage: {mistake}")
    return 1 if mistakes else 0


sys.exit(main())
