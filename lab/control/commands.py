"""The commands that ask a running device, or change it: ss, stats, pools, arp, inject, set."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from lab.control import show
from lab.control.client import Running, choose

ON = click.option(
    "--on",
    "wanted",
    metavar="ADDRESS|PROCESS",
    help="Which device, where several run: its address or process number.",
)


@contextmanager
def _asking(wanted: str | None) -> Iterator[Running]:
    """The chosen device; what goes wrong with it is told in a line."""
    try:
        yield choose(wanted)
    except (ConnectionError, FileNotFoundError):
        raise click.ClickException("the device has ended meanwhile") from None
    except TimeoutError:
        raise click.ClickException("the device does not answer: it is stopped, or very busy") from None


def _on(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --on; it gets the device."""

    @ON
    @functools.wraps(function)
    def asking(*args: Any, wanted: str | None, **kwargs: Any) -> Any:
        with _asking(wanted) as device:
            return function(device, *args, **kwargs)

    return asking


JSON = click.option("--json", "as_json", is_flag=True, help="The answer as JSON (docs/live.md).")


def _say(as_json: bool, found: Any, lines: Callable[[], Any]) -> None:
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        for line in lines():
            click.echo(line)


@click.command()
@JSON
@_on
def ss(device: Running, as_json: bool) -> None:
    """Show the sockets of a running device and what TCP knows of each connection, as `ss -ti` does.

    cwnd, ssthresh and windows are bytes, rto, rtt and timers ms. Recv-Q has not been read by the program,
    Send-Q not been acknowledged by the peer; of a listener they are the connections that wait for accept,
    and the backlog.
    """
    found = device.ask("ss")
    _say(as_json, found, lambda: show.sockets(found))


@click.command()
@JSON
@_on
def stats(device: Running, as_json: bool) -> None:
    """Show the counters of a running device as lwIP's stats_display prints them, and why packets were
    dropped.
    """
    found = device.ask("stats")
    _say(as_json, found, lambda: show.stats(found))


@click.command()
@JSON
@_on
def pools(device: Running, as_json: bool) -> None:
    """Show the memory of a running device: heap and pools, in use, high water, size, failures."""
    found = device.ask("pools")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    from lab.tables import PoolUse, console, pools_table

    console().print(pools_table(PoolUse(**use) for use in found))


@click.command()
@JSON
@_on
def arp(device: Running, as_json: bool) -> None:
    """Show the ARP table of a running device as `ip neigh` does."""
    found = device.ask("arp")
    _say(as_json, found, lambda: show.neighbours(found, device.about["tap"]))


@click.command()
@click.option("--list", "listing", is_flag=True, help="Show what is injected, and what came of it.")
@click.option("--remove", metavar="N", type=int, help="End number N.")
@JSON
@_on
@click.argument("text", required=False)
def inject(device: Running, as_json: bool, listing: bool, remove: int | None, text: str | None) -> None:
    """Inject TEXT into a running device: a rule (drop kind=data n=3), an impairment (loss rate=1%), netem's
    words (netem delay 80ms 20ms) or a fault in the device (pool-fail pool=TCP_SEG nth=17).

    On the link it is for both directions, or for the one that the text names: device>linux or linux>device.
    docs/rules.md, docs/impairments.md and docs/device-faults.md have all words.
    """
    if (text is not None) + (remove is not None) + listing > 1:
        raise click.UsageError("TEXT, --list and --remove: give one")
    if text is not None:
        done = [device.ask("inject", text=text)]
    elif remove is not None:
        done = [device.ask("remove", number=remove)]
    else:
        done = device.ask("injected")
    if as_json:
        click.echo(json.dumps(done, indent=2))
    elif not done:
        click.echo("nothing is injected")
    for one in () if as_json else done:
        click.echo(show.injection(one))


@click.command("set")
@click.option("--port", type=click.IntRange(1, 65535), help="Only what has this local port.")
@ON
@click.argument("changes", metavar="NAME=VALUE...", nargs=-1)
def set_command(wanted: str | None, port: int | None, changes: tuple[str, ...]) -> None:
    """Change NAME of a running device, as lwIP's API could: TCP_NODELAY=on, IP_TTL=32, NETIF_MTU=576, ...

    Without NAME: what can be set. What is compiled into a device (TCP_WND, TCP_MSS, pool sizes) needs a new
    one: netstack up --set.
    """
    if not changes:
        from lab.control.settings import SETTINGS

        for name, setting in SETTINGS.items():
            click.echo(f"{name:14} {setting.value:15} {setting.meaning} ({setting.call})")
        return
    with _asking(wanted) as device:
        for change in changes:
            click.echo(device.ask("set", text=change, port=port))
