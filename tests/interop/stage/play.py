"""Plays one scenario and says what did not come about."""

import os
import re
import time

from .capture import Capture, have_crossed
from .gateways import Viaduct
from .namespaces import CommandFailed, make_private_run, run_quietly
from .topology import GATEWAYS, Network

PINGS = 3


class NotAsExpected(Exception):
    pass


class Play:
    def __init__(self, scenario, directory):
        self.scenario, self.directory = scenario, directory
        self.commands = []
        self.sequence = 0
        self.answers = set()
        # States that a killed daemon left in its kernel: nobody takes them out.
        self.orphans = {name: set() for name in GATEWAYS}
        self.story = open(os.path.join(directory, "story"), "w", buffering=1)

    def perform(self):
        make_private_run()
        self.network = Network(self.scenario.topology)
        self.capture = Capture(self.network["wire"], "left",
                               os.path.join(self.directory, "outer.pcap"))
        self.gateways = {
            name: self.scenario.programs[name](name, self.network[name],
                                               self.scenario.configurations[name], self.directory)
            for name in GATEWAYS
        }
        try:
            for step in self.scenario.steps:
                self._perform_step(step)
            self._close()
        except (NotAsExpected, CommandFailed):
            self._leave_evidence()
            raise
        finally:
            self.capture.drain()
            self.capture.close()
            for gateway in self.gateways.values():
                gateway.kill()
            for command in self.commands:
                command.kill()
                command.wait()

    def _perform_step(self, step):
        self.story.write(f"-- {step.story}\n")
        began = {name: gateway.log_size() for name, gateway in self.gateways.items()}
        self.capture.drain()
        message_count = len(self.capture.messages)
        spis = self._spis() if step.renewed or step.kept else None
        streams = {f"{sender} to {receiver}": self.network.stream(
            sender, str(self.scenario.topology.address(receiver)))
            for sender, receiver in step.stream}
        for action in step.do:
            self.story.write(f"   {action}\n")
            self._do(*action.split())
        for scan in step.scan:
            self._scan(scan, step.story)
        unmet = self._wait_for(step, began, message_count, spis)
        self._finish(streams, step.story)
        if unmet:
            raise NotAsExpected(f"{step.story}: after {step.within} s: " + "; ".join(unmet))
        self._check_traffic(step)
        self._check_capture(step.story)

    def _scan(self, scan, story):
        """What an auditor's scanner sees of the left gateway. It exits with 0 whatever it found."""
        target = str(self.scenario.topology.seen_at("left").ip)
        command = ["ike-scan", "--retry=2", "--timeout=1000", *scan.get("options", "").split(), target]
        found = self.network["right"].output(command)
        self.story.write(f"   {' '.join(command)}\n" + found)
        for text in scan.get("shows", []):
            if not re.search(text, found):
                raise NotAsExpected(f"{story}: ike-scan does not show {text!r}: {found}")
        for text in scan.get("hides", []):
            if re.search(text, found):
                raise NotAsExpected(f"{story}: ike-scan shows {text!r}: {found}")

    def _finish(self, streams, story):
        for pair, stream in streams.items():
            sent, lost = stream.finish()
            self.story.write(f"   {sent} echo requests {pair}, {len(lost)} lost\n")
            if lost:
                moments = ", ".join(f"number {number} at {moment:.2f} s" for number, moment in lost[:20])
                raise NotAsExpected(f"{story}: {len(lost)} of {sent} echo requests {pair} were lost:"
                                    f" {moments} after the step began")

    def _spis(self):
        """All SPIs that Viaduct shows, by kind; of child SAs those of both directions."""
        found = {"ike": set(), "child": set()}
        for router in self._viaduct().status()["routers"]:
            for sa in (sa for connection in router["connections"] for sa in connection["ike_sas"]):
                if sa["established"]:
                    found["ike"].add((sa["initiator_spi"], sa["responder_spi"]))
                for child in sa["child_sas"]:
                    found["child"] |= {int(child["inbound_spi"], 16), int(child["outbound_spi"], 16)}
        return found

    def _do(self, verb, *words):
        if verb in ("cut", "mend", "impair", "repair"):
            getattr(self.network, verb)(*words)
            return
        gateway = self.gateways[words[0]]
        if verb == "kill":
            self.orphans[words[0]] |= set(self.network.esp_counters(words[0]))
        done = getattr(gateway, verb)(*words[1:])
        if hasattr(done, "poll"):
            self.commands.append(done)
        elif verb == "stop" and done != 0:
            raise NotAsExpected(f"{words[0]} ended with status {done}")

    def _wait_for(self, step, began, message_count, spis):
        began_at = time.monotonic()
        stop = began_at + step.within
        pause = 0.1
        told = None
        while True:
            # Taken before looking, so that every condition is judged once after the time limit.
            late = time.monotonic() > stop
            self._check_running()
            try:
                unmet = list(self._unmet(step, began, message_count))
                if spis:
                    unmet += self._spi_differences(step, spis)
            except CommandFailed as failure:
                unmet = [str(failure)]
            if not unmet or late:
                return unmet
            if unmet != told:
                self.story.write(f"   {time.monotonic() - began_at:.1f} s: not yet: {'; '.join(unmet)}\n")
                told = unmet
            time.sleep(pause)
            pause = min(pause * 1.5, 1)

    def _check_running(self):
        for name, gateway in self.gateways.items():
            if isinstance(gateway, Viaduct) and gateway.process and gateway.process.poll() not in (None, 0, -9):
                raise NotAsExpected(f"viaductd on {name} ended with {gateway.process.poll()}")

    def _unmet(self, step, began, message_count):
        for name, expected in step.viaduct.items():
            yield from _connection_differences(name, self._viaduct().connection(name), expected)
        if step.refusal:
            yield from self._refusal_differences(step.refusal)
        for gateway, count in step.states.items():
            found = len(self.network.esp_counters(gateway))
            if found != count:
                yield f"{gateway}'s kernel has {found} ESP states, not {count}"
        for gateway, texts in step.log.items():
            log = self.gateways[gateway].log(began[gateway])
            for text in texts:
                if not re.search(text, log):
                    yield f"{gateway}'s log does not show {text!r}"
        if step.crossed:
            self.capture.drain()
            if not have_crossed(self.capture.messages[message_count:]):
                yield "no two requests have crossed"
        if step.notifies:
            self.capture.drain()
            seen = {notify for message in self.capture.messages[message_count:]
                    for notify in message.notifies}
            for notify in step.notifies:
                if notify not in seen:
                    yield f"no message with N({notify}) was seen"

    def _spi_differences(self, step, before):
        now = self._spis()
        for kind in step.renewed:
            if now[kind] & before[kind] or not now[kind]:
                yield f"not all SPIs of {kind} SAs are new"
        for kind in step.kept:
            if now[kind] != before[kind]:
                yield f"the SPIs of {kind} SAs are not those of before"
        for name in GATEWAYS:
            kernel = {int(spi, 16) for _, _, spi in self.network.esp_counters(name)}
            if kernel != now["child"]:
                yield f"{name}'s kernel has other SPIs than Viaduct's child SAs"

    def _viaduct(self):
        for gateway in self.gateways.values():
            if isinstance(gateway, Viaduct):
                return gateway
        raise NotAsExpected("no gateway runs viaductd")

    def _refusal_differences(self, expected):
        refusals = [refusal for router in self._viaduct().status()["routers"]
                    for refusal in router["refusals"]]
        for refusal in refusals:
            if refusal["code"] == expected["code"] and all(
                    text in refusal["text"] for text in expected.get("has", [])):
                return
        yield f"no refusal {expected}, but {refusals}"

    def _check_traffic(self, step):
        """Every packet is accounted for: answered, and counted by the ESP states of both ends, or
        neither."""
        if not (step.through or step.apart or step.blocked):
            return
        if step.through:
            self._wait_for_both_ends(step)
        self._refuse_in_clear(step.apart)
        before = {name: self._esp_totals(name) for name in GATEWAYS}
        expected, forbidden, flushing = {}, {}, {}
        for sender, receiver in step.apart + step.blocked:
            self._ping(sender, receiver, forbidden)
        for sender, _ in step.apart + step.blocked:
            self._ping_own_gateway(sender, flushing)
        self._await_answers(flushing, f"{step.story}: the own gateway")
        for sender, receiver in step.through:
            self._ping(sender, receiver, expected)
        self._await_answers(expected, step.story)
        self._refuse_answers(forbidden, step.story)
        self._check_capture(step.story)
        packets = len(expected)
        for name in GATEWAYS:
            after = self._esp_totals(name)
            for direction in ("out", "in"):
                moved = after[direction] - before[name][direction]
                if moved != packets:
                    raise NotAsExpected(f"{step.story}: {moved} packets in ESP {direction} on {name}"
                                        f" for {packets} echo requests")
        self.story.write(f"   {packets} echo requests and their replies, all in ESP\n")

    def _wait_for_both_ends(self, step):
        """Peers install policies one by one, behind the states and behind their answer."""
        stop = time.monotonic() + step.within
        before = {}
        while True:
            held = {name: self.network.policy_count(name) for name in GATEWAYS}
            if all(len(self.network.esp_counters(name)) >= 2 for name in GATEWAYS) and (
                    all(held.values()) and held == before):
                return
            if time.monotonic() > stop:
                raise NotAsExpected(f"{step.story}: not both kernels have ESP states, and policies: {held}")
            before = held
            time.sleep(0.1)

    def _refuse_in_clear(self, pairs):
        """As routers in the world do: what is in no tunnel and private does not go out."""
        rules = []
        for sender, receiver in pairs:
            source, destination = (self.scenario.topology.address(host)
                                   for host in (sender, receiver))
            family = "ip" if source.version == 4 else "ip6"
            rules.append(f"{family} saddr {source} {family} daddr {destination}"
                         f" rt ipsec missing counter drop")
        if rules:
            ruleset = ("table inet apart\nflush table inet apart\n"
                       "table inet apart {\n chain forward {\n"
                       "  type filter hook forward priority filter\n  "
                       + "\n  ".join(rules) + "\n }\n}\n")
            for name in GATEWAYS:
                run_quietly(["nft", "-f", "-"], namespace=self.network[name], stdin=ruleset)

    def _ping(self, sender, receiver, awaited):
        address = str(self.scenario.topology.address(receiver))
        for _ in range(PINGS):
            self.sequence += 1
            awaited[(sender, address, self.sequence)] = False
            self.network.send_ping(sender, address, self.sequence)

    def _ping_own_gateway(self, sender, awaited):
        host = self.scenario.topology.hosts[sender]
        self.sequence += 1
        address = host.router_address.split("/")[0]
        awaited[(sender, address, self.sequence)] = False
        self.network.send_ping(sender, address, self.sequence)

    def _collect(self):
        for host in self.scenario.topology.names():
            for address, sequence in self.network.take_answers(host):
                self.answers.add((host, address, sequence))
        return self.answers

    def _await_answers(self, awaited, story, within=30):
        stop = time.monotonic() + within
        while not set(awaited) <= self._collect():
            if time.monotonic() > stop:
                missing = sorted(set(awaited) - self.answers)
                raise NotAsExpected(f"{story}: no echo reply: " + ", ".join(
                    f"{sender} to {address}" for sender, address, _ in missing))
            time.sleep(0.02)

    def _refuse_answers(self, forbidden, story):
        for sender, address, _ in set(forbidden) & self._collect():
            raise NotAsExpected(f"{story}: {address} answered {sender}")

    def _esp_totals(self, name):
        own = {str(address.ip) for gateway, address in self.scenario.topology.gateways.items()
               if gateway == name}
        totals = {"out": 0, "in": 0}
        for (source, _, _), packets in self.network.esp_counters(name).items():
            totals["out" if source in own else "in"] += packets
        return totals

    def _xfrm_drops(self, name):
        counters = self.network[name].output(["cat", "/proc/net/xfrm_stat"]).split()
        return ", ".join(f"{counter} {count}" for counter, count in zip(counters[::2], counters[1::2])
                         if count != "0") or "nothing"

    def _check_capture(self, story):
        self.capture.drain()
        if self.capture.unexpected:
            raise NotAsExpected(f"{story}: in clear on the outer link: "
                                + ", ".join(sorted(set(self.capture.unexpected))))

    def _close(self):
        """viaductd ends on SIGTERM, tells its peer, and leaves nothing in its kernel."""
        self.story.write("-- the end\n")
        viaducts = [gateway for gateway in self.gateways.values() if isinstance(gateway, Viaduct)]
        for gateway in viaducts:
            if gateway.is_running and gateway.stop() != 0:
                raise NotAsExpected(f"viaductd on {gateway.name} ended with {gateway.process.returncode}")
        for gateway in viaducts:
            left = set(self.network.esp_counters(gateway.name)) - self.orphans[gateway.name]
            if left or self.network.policy_count(gateway.name):
                raise NotAsExpected(f"viaductd left states or policies on {gateway.name}")
            # The same whoever was the peer.
            if len(viaducts) == len(GATEWAYS):
                self._check_guard(gateway)
        for gateway in self.gateways.values():
            if viaducts and gateway not in viaducts and gateway.is_running:
                self._wait_until_empty(gateway.name)
        self._check_capture("the end")

    def _check_guard(self, gateway):
        for step, expected in (("SIGTERM", True), ("--remove-guard", False)):
            if not expected:
                gateway.remove_guard()
            tables = self.network[gateway.name].output(["nft", "list", "tables"])
            if ("table inet viaduct\n" in tables) != expected:
                raise NotAsExpected(f"after {step} on {gateway.name}: {tables.strip()}")

    def _wait_until_empty(self, name, within=60):
        stop = time.monotonic() + within
        while set(self.network.esp_counters(name)) - self.orphans[name]:
            if time.monotonic() > stop:
                raise NotAsExpected(f"{name} still has ESP states after viaductd's farewell")
            time.sleep(0.2)

    def _leave_evidence(self):
        """What an engineer would look at, beside the logs and the capture."""
        for name, gateway in self.gateways.items():
            self.story.write(f"-- what IPsec dropped in {name}'s kernel: {self._xfrm_drops(name)}\n")
            with open(os.path.join(self.directory, f"{name}.state"), "w") as file:
                for command in (["ip", "-s", "xfrm", "state"], ["ip", "xfrm", "policy"],
                                ["nft", "list", "ruleset"], ["ip", "route"],
                                ["cat", "/proc/net/xfrm_stat"]):
                    try:
                        output = self.network[name].output(command)
                    except CommandFailed as failure:
                        output = str(failure)
                    file.write(f"$ {' '.join(command)}\n{output}\n")
                if isinstance(gateway, Viaduct) and gateway.is_running:
                    try:
                        file.write(run_quietly(["viaduct", "--control", gateway.control, "status",
                                                "--verbose"]))
                    except CommandFailed as failure:
                        file.write(str(failure))
        self.capture.drain()
        with open(os.path.join(self.directory, "messages"), "w") as file:
            file.writelines(f"{message}\n" for message in self.capture.messages)


def _connection_differences(name, found, expected):
    sas = [sa for sa in found["ike_sas"] if sa["established"]]
    children = [child for sa in sas for child in sa["child_sas"]]
    newest, child = (sas or [{}])[-1], (children or [{}])[-1]
    reason = found["reason"] or {"code": None, "text": ""}
    seen = {
        "state": found["state"], "role": newest.get("role"), "ike": newest.get("algorithms"),
        "esp": child.get("algorithms"), "mode": child.get("mode"), "peer_id": newest.get("peer_id"),
        "local": child.get("local_selectors"), "remote": child.get("remote_selectors"),
        "reason": reason["code"], "ike_sas": len(sas), "child_sas": len(children),
    }
    for key, wanted in expected.items():
        if key == "reason_has":
            for text in wanted:
                if text not in reason["text"]:
                    yield f"the reason of {name} does not say {text!r}: {reason['text']!r}"
        elif key in ("local", "remote"):
            if sorted(seen[key] or []) != sorted(wanted):
                yield f"{key} selectors of {name} are {seen[key]}, not {wanted}"
        elif seen[key] != wanted:
            yield f"{key} of {name} is {seen[key]!r}, not {wanted!r}"
