"""The options that describe a device: what follows from what."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lab.opening import _refuse_taken_subnet
from lab.options import DEFAULT_INTERFACE, DeviceOptions, device_options, parse_interface
from netstack.address import format_ip, format_mac
from usocket import Device


def parsed(*arguments: str) -> DeviceOptions:
    """What a command gets for these arguments."""
    found: list[DeviceOptions] = []

    @click.command()
    @device_options
    def command(options: DeviceOptions) -> None:
        found.append(options)

    result = CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return found[0]


def test_without_options_it_is_the_librarys_device() -> None:
    options, device = parsed(), Device()
    assert (options.interface.ip, options.mac, options.profile) == (device.ip, device.mac, device.profile)
    assert format_ip(options.gateway) == "192.168.7.1"
    assert options.interface == DEFAULT_INTERFACE
    assert (options.tap, options.netns, options.pcap, options.trace, options.seed) == (
        "",
        None,
        None,
        False,
        0,
    )


def test_every_option_arrives() -> None:
    options = parsed(
        *"--profile full --set TCP_WND=65535 --set tcp_mss=1000 --ip 10.0.0.1/8".split(),
        *"--mac 02-00-00-00-00-07 --gateway 10.9.9.9 --tap tap7 --netns new".split(),
        *"--pcap x.pcapng --trace --seed 5 --dns 10.9.9.8 --dhcp".split(),
    )
    assert (options.profile.name, options.profile.tcp_wnd, options.profile.tcp_mss) == ("full", 65535, 1000)
    assert str(options.interface) == "10.0.0.1/8"
    assert format_mac(options.mac) == "02:00:00:00:00:07"
    assert format_ip(options.gateway) == "10.9.9.9"
    assert (options.tap, options.netns, options.pcap) == ("tap7", "new", Path("x.pcapng"))
    assert (options.trace, options.seed) == (True, 5)
    assert (format_ip(options.dns), options.dhcp) == ("10.9.9.8", True)


def test_linux_is_the_first_host_that_the_device_is_not() -> None:
    assert format_ip(parsed("--ip", "10.0.0.1/24").gateway) == "10.0.0.2"
    assert format_ip(parsed("--ip", "10.0.0.6/30").gateway) == "10.0.0.5"


def test_settings_that_do_not_fit_together_are_refused_with_lwips_words() -> None:
    with pytest.raises(ValueError, match="TCP_SND_QUEUELEN must be at least 2"):
        parsed("--set", "TCP_SND_BUF=100")


ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""  # a default route, and 10.0.0.0/24


@pytest.mark.parametrize(
    ("interface", "taken"),
    [("10.0.0.7/24", True), ("10.0.0.6/30", True), ("10.9.9.9/8", True), ("10.0.1.7/24", False)],
)
def test_a_subnet_that_this_machine_is_in_is_refused(tmp_path: Path, interface: str, taken: bool) -> None:
    routes = tmp_path / "route"
    routes.write_text(ROUTES)
    if taken:
        with pytest.raises(click.ClickException, match=r"is in use on this machine \(eth0\): choose another"):
            _refuse_taken_subnet(parse_interface(interface), routes)
    else:
        _refuse_taken_subnet(parse_interface(interface), routes)
