"""A scenario's folder as a value, or what is wrong with it. README.md describes the files."""

import os
import tomllib
from dataclasses import dataclass, field

from .gateways import KINDS
from .topology import GATEWAYS, Topology, read_topology


class ScenarioMistake(Exception):
    pass


TOPOLOGIES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "topologies")
VERBS = {"start": 1, "stop": 1, "kill": 1, "initiate": 2, "terminate": 2, "reload": 1,
         "rekey": 2, "reauthenticate": 2, "impair": 2, "repair": 0,
         "cut": 0, "mend": 0}
CONNECTION_KEYS = {"state", "role", "ike", "esp", "local", "remote", "peer_id", "reason",
                   "reason_has", "ike_sas", "child_sas", "mode"}


@dataclass
class Step:
    story: str
    do: list = field(default_factory=list)
    # connection: {key of CONNECTION_KEYS: expected}
    viaduct: dict = field(default_factory=dict)
    # {"code", "has"} of a refusal that belongs to no connection
    refusal: dict = field(default_factory=dict)
    # gateway: number of ESP states in its kernel
    states: dict = field(default_factory=dict)
    # gateway: texts that its log shows since the step began
    log: dict = field(default_factory=dict)
    # names of notifies that passed in clear
    notifies: list = field(default_factory=list)
    through: list = field(default_factory=list)
    apart: list = field(default_factory=list)
    blocked: list = field(default_factory=list)
    # of all connections, "ike" and "child": whose SPIs are others than before the step, or the same
    renewed: list = field(default_factory=list)
    kept: list = field(default_factory=list)
    # whether both ends had a CREATE_CHILD_SA request under way at the same time
    crossed: bool = False
    # pairs of hosts: no echo request from before the step to its end is lost
    stream: list = field(default_factory=list)
    # {"options", "shows", "hides"}: what ike-scan finds at the left gateway when asked from the right one
    scan: list = field(default_factory=list)
    within: float = 90


@dataclass
class Scenario:
    name: str
    about: str
    topology: Topology
    programs: dict
    configurations: dict
    steps: list
    time_limit: float


def read_scenario(folder):
    name = os.path.basename(folder.rstrip("/"))
    try:
        with open(os.path.join(folder, "scenario.toml"), "rb") as file:
            table = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as mistake:
        raise ScenarioMistake(f"{name}: {mistake}") from None
    _refuse_others(name, table, {"about", "topology", "time_limit", "step"})
    try:
        topology = read_topology(os.path.join(TOPOLOGIES, f"{table['topology']}.toml"))
    except (OSError, KeyError) as mistake:
        raise ScenarioMistake(f"{name}: topology: {mistake}") from None
    programs, configurations = {}, {}
    for gateway in GATEWAYS:
        found = [kind for kind in KINDS
                 if os.path.exists(os.path.join(folder, gateway + kind.suffix))]
        if len(found) != 1:
            raise ScenarioMistake(f"{name}: {gateway} needs one configuration, one of "
                                  + ", ".join(gateway + kind.suffix for kind in KINDS))
        programs[gateway] = found[0]
        configurations[gateway] = os.path.join(folder, gateway + found[0].suffix)
    steps = [_read_step(name, number, entry, topology)
             for number, entry in enumerate(table.get("step", []), 1)]
    if not steps:
        raise ScenarioMistake(f"{name}: no [[step]]")
    return Scenario(name, table.get("about", ""), topology, programs, configurations, steps,
                    table.get("time_limit", 400))


def _refuse_others(where, table, known):
    for key in table:
        if key not in known:
            raise ScenarioMistake(f"{where}: unknown key {key!r}; known are {', '.join(sorted(known))}")


def _read_step(name, number, entry, topology):
    where = f"{name}: step {number}"
    _refuse_others(where, entry, set(Step.__dataclass_fields__))
    step = Step(entry.get("story", f"step {number}"), **{k: v for k, v in entry.items() if k != "story"})
    for action in step.do:
        verb, *words = action.split()
        if VERBS.get(verb) != len(words):
            raise ScenarioMistake(f"{where}: cannot do {action!r}")
    for scan in step.scan:
        _refuse_others(f"{where}: scan", scan, {"options", "shows", "hides"})
    for connection, expected in step.viaduct.items():
        _refuse_others(f"{where}: viaduct.{connection}", expected, CONNECTION_KEYS)
    for gateway in [*step.states, *step.log]:
        if gateway not in GATEWAYS:
            raise ScenarioMistake(f"{where}: {gateway!r} is no gateway")
    for kind in step.renewed + step.kept:
        if kind not in ("ike", "child"):
            raise ScenarioMistake(f"{where}: {kind!r} is neither 'ike' nor 'child'")
    for pair in step.through + step.apart + step.blocked + step.stream:
        if len(pair) != 2 or not set(pair) <= topology.names():
            raise ScenarioMistake(f"{where}: {pair} are not two hosts or gateways of the topology")
    return step
