"""Builds a scenario's network: devices, links, their impairments, programs and faults."""

from __future__ import annotations

import warnings

from lab.scenario.bench import Bench
from lab.scenario.impairments import NETEM, is_netem
from lab.scenario.load import Scenario
from lab.scenario.units import time_of
from tap.cable import NetemWarning, Port
from tap.impair.catalogue import CONVERT
from tap.router import Router
from usocket.emulation import Network


def build(scenario: Scenario, net: Network) -> Bench:
    """The bench, with everything in its place and nothing switched on."""
    bench = Bench(scenario, net)
    file, plan = scenario.file, scenario.plan
    for number, (name, device) in enumerate(file.device.items(), 1):
        options = {
            "address": device.address,
            "gateway": device.gateway,
            "dns": device.dns,
            "mac": device.mac or f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}",
            "dhcp": device.dhcp,
            "send_nomem": device.send_nomem,
        }
        given = {key: value for key, value in options.items() if value is not None}
        bench.devices[name] = net.device(name, plan.profiles[name], mtu=device.mtu, **given)
        bench.watch(bench.devices[name])
    for name in file.switch:
        net.switch(name)
    routers = {name: net.router(name) for name in file.router}
    for name, link in file.link.items():
        ends = [_end(end, routers) for end in link.between]
        rate = None if link.rate is None else CONVERT["rate"](link.rate)
        assert rate is None or isinstance(rate, int)
        cable = net.cable(ends[0], ends[1], rate=rate, delay=time_of(link.delay))
        bench.cables[name] = cable
        both = [] if link.netem is None else [link.netem if is_netem(link.netem) else f"{NETEM} {link.netem}"]
        with warnings.catch_warnings(action="ignore", category=NetemWarning):  # they are the scenario's
            for direction, texts in zip(cable.directions, (link.forth, link.back), strict=True):
                for text in both + texts:
                    (net.netem if is_netem(text) else net.impair)(direction.name, text)
    for name, router in file.router.items():
        for subnet, hop in router.routes.items():
            routers[name].add_route(subnet, hop)
    for expectation in plan.expectations:
        expectation.statement.prepare(bench)
    return bench


def _end(text: str, routers: dict[str, Router]) -> Port | str:
    """What a cable is plugged into: a router's new interface, or the name of a device or a switch."""
    name, _, address = text.partition(" ")
    return routers[name].interface(address.strip()) if name in routers else name
