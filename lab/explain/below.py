"""What is below and above TCP: frames, cables, ARP, memory, the stack's timers, calls, devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.explain.answer import Explanation
from lab.explain.run import Run
from lab.explain.words import clause, duration, plural, seconds
from lab.trace.writer import Record


def frame(run: Run, event: Record) -> Explanation:
    """A ``frame``: what is in it."""
    return Explanation(f"frame {event['frame']}, {plural(event['size'], 'byte')}: {event['info']}")


def frame_out(run: Run, event: Record) -> Explanation:
    """A ``frame-out``."""
    info = _info(run, event)
    if event["err"]:
        return Explanation(f"the driver refused [{info}]: {event['err']}", "", "netif->linkoutput")
    segment = None if "segment" not in event else run.events[event["segment"]]
    notes = []
    if segment is not None and segment["t"] != event["t"]:
        notes.append(f"its segment has waited since {seconds(segment['t'])}, for ARP")
    text = f"put [{info}] on the wire{clause(run, event)}"
    if segment is not None:
        text += f": {segment['cause']}, see event {segment['i']}"
        return Explanation(text, "", "ethernet_output", tuple(notes))
    return Explanation(text, *_why_other(run, event), tuple(notes))


def _why_other(run: Run, event: Record) -> tuple[str, str]:
    """Where the reason of a frame without segment is written: RFC, lwIP."""
    fields = run.frames.get(event["frame"], {})
    if "arp" in fields:
        return ("RFC 826", "etharp_input") if fields["arp"]["op"] == 2 else ("RFC 826", "etharp_request")
    if "dhcp" in fields:
        return "RFC 2131 §4.4", "dhcp_fine_tmr, dhcp_recv"
    if "dns" in fields:
        return "RFC 1035 §4.1", "dns_send"
    if "icmp" in fields:
        echo = fields["icmp"]["type"] == 0
        return ("RFC 1122 §3.2.2.6", "icmp_input") if echo else ("RFC 1122 §3.2.2.1", "icmp_send_response")
    if "igmp" in fields:
        return "RFC 2236 §3", "igmp_send"
    if "udp" in fields:
        return "RFC 768", "udp_sendto"
    return "", "ethernet_output"


def frame_in(run: Run, event: Record) -> Explanation:
    """A ``frame-in``."""
    return Explanation(f"got [{_info(run, event)}]", "", "ethernet_input")


def _info(run: Run, event: Record) -> str:
    found = run.frames.get(event["frame"])
    return f"frame {event['frame']}" if found is None else str(found["info"])


def wire(run: Run, event: Record) -> Explanation:
    """A ``wire``: a frame has passed a direction of a cable."""
    info = _info(run, event)
    if event["arrived"] is None:
        return Explanation(f"[{info}] was still under way on {event['on']} when the run ended")
    took = duration(event["arrived"] - event["sent"])
    text = f"[{info}] came out of {event['on']} {took} after it entered at {seconds(event['sent'])}"
    if "as" in event:
        other = run.frames.get(event["as"], {})
        text += f", changed: [{other.get('info', '?')}]"
    return Explanation(text)


def died(run: Run, event: Record) -> Explanation:
    """A ``died``: why it never arrived."""
    detail = f", {event['detail']}" if event["detail"] not in ("", event["rule"]) else ""
    info = _info(run, event)
    text = (
        f"[{info}] died on {event['on']}: {event['rule']}{detail}; it had entered at {seconds(event['sent'])}"
    )
    return Explanation(
        text, notes=("nobody is told: the sender learns of it by a timer or by duplicate ACKs",)
    )


def verdict(run: Run, event: Record) -> Explanation:
    """A ``verdict``: what a stage or a rule did to a frame."""
    detail = f" ({event['detail']})" if event["detail"] else ""
    return Explanation(
        f"{event['rule']} on {event['on']} did to [{_info(run, event)}]: {event['action']}{detail}"
    )


_ARP = {
    "asked": ("{ip} is asked for: a packet goes there and its MAC is not known", "RFC 826", "etharp_query"),
    "asked-again": ("{ip} has not answered: it is asked for again", "RFC 1122 §2.3.2.1", "etharp_tmr"),
    "refreshed": (
        "{ip} is in use and its entry soon too old: it is asked for again",
        "RFC 1122 §2.3.2.1",
        "etharp_output_to_arp_index",
    ),
    "learned": ("{ip} is at {mac}", "RFC 826 (packet reception)", "etharp_update_arp_entry"),
    "updated": (
        "{ip} is (still) at {mac}: its entry is young again",
        "RFC 826 (packet reception)",
        "etharp_update_arp_entry",
    ),
    "released": (
        "a packet that waited for {ip} goes out now",
        "RFC 1122 §2.3.2.2",
        "etharp_update_arp_entry",
    ),
    "gave-up": (
        "nobody answered for {ip}: its entry goes, and what waited for it",
        "RFC 1122 §2.3.2.1",
        "etharp_tmr",
    ),
    "expired": ("the entry of {ip} is too old and goes", "RFC 1122 §2.3.2.1", "etharp_tmr"),
    "evicted": ("the entry of {ip} goes: its place in the table is needed", "", "etharp_find_entry"),
    "cleared": (
        "the entry of {ip} goes: the interface went down, or it was removed",
        "",
        "etharp_cleanup_netif",
    ),
}
_ARP_NOTES = {
    "asked-again": ("every second, five times in all: ARP_MAXPENDING",),
    "gave-up": ("ARP_MAXPENDING",),
    "expired": ("ARP_MAXAGE",),
    "evicted": ("ARP_TABLE_SIZE; known addresses before pending ones, the oldest first",),
}


def arp(run: Run, event: Record) -> Explanation:
    """An ``arp``."""
    text, rfc, lwip = _ARP[event["what"]]
    notes = _ARP_NOTES.get(event["what"], ())
    if event["packets"]:
        notes = (*notes, "1 packet waits" if event["packets"] == 1 else f"{event['packets']} packets wait")
    return Explanation(text.format(ip=event["ip"], mac=event["mac"]), rfc, lwip, notes)


_POOLS = {
    "HEAP": ("MEM_SIZE", "mem_malloc, mem_free"),
    "PBUF_POOL": ("PBUF_POOL_SIZE", "pbuf_alloc, pbuf_free"),
}


def pool(run: Run, event: Record) -> Explanation:
    """A ``pool``."""
    name, used, size = event["pool"], event["used"], event["size"]
    option, lwip = _POOLS.get(name, (f"MEMP_NUM_{name}", "memp_malloc, memp_free"))
    unit = " bytes" if name == "HEAP" else ""
    level = f"{used} of {size}{unit} in use"
    if event["action"] == "fail":
        text = f"{name} had not enough{clause(run, event)}: {level}"
        return Explanation(text, "", lwip, (f"{option} decides",))
    took = "taken from" if event["action"] == "take" else "given back to"
    return Explanation(f"{took} {name}: {level}", "", lwip)


_TIMERS = {
    "tcp": ("TCP's timer ran: a fast tick, every second time a slow one, too", "", "tcp_tmr"),
    "arp": (
        "ARP's timer ran: entries grow older, who has not answered is asked again",
        "RFC 1122 §2.3.2.1",
        "etharp_tmr",
    ),
    "reassembly": (
        "the timer of reassembly ran: incomplete packets grow older",
        "RFC 1122 §3.3.2",
        "ip_reass_tmr",
    ),
    "dhcp_coarse": ("DHCP's minute timer ran: the lease grows older", "RFC 2131 §4.4.5", "dhcp_coarse_tmr"),
    "dhcp_fine": ("DHCP's fine timer ran: an answer is waited for", "RFC 2131 §4.1", "dhcp_fine_tmr"),
    "acd": ("the timer of address conflict detection ran", "RFC 5227 §2.1", "acd_tmr"),
    "igmp": ("IGMP's timer ran: a report may be due", "RFC 2236 §3", "igmp_tmr"),
    "dns": ("DNS's timer ran: a question may be asked again", "RFC 1035 §4.2.1", "dns_tmr"),
}


def timer(run: Run, event: Record) -> Explanation:
    """A ``timer``: one of the stack ran."""
    text, rfc, lwip = _TIMERS.get(event["name"], (f"the timer {event['name']} ran", "", "sys_check_timeouts"))
    return Explanation(f"{text}, at {seconds(event['t'])}", rfc, lwip)


_CALLS = {
    "tcp_new": "makes a pcb, priority {1}",
    "tcp_bind": "bound to {1}:{2}",
    "tcp_listen": "listens, backlog {1}",
    "tcp_connect": "connects to {1}:{2}",
    "tcp_write": "writes {1}",
    "tcp_output": "has sent what may be sent",
    "tcp_recved": "has read {1}",
    "tcp_close": "closes",
    "tcp_shutdown": "closes {1}",
    "tcp_abort": "aborts",
}
_CALL_PLACES = {
    "tcp_connect": "RFC 9293 §3.10.1",
    "tcp_listen": "RFC 9293 §3.10.1",
    "tcp_write": "RFC 9293 §3.10.2",
    "tcp_output": "RFC 9293 §3.10.2",
    "tcp_recved": "RFC 9293 §3.10.3",
    "tcp_close": "RFC 9293 §3.10.4",
    "tcp_shutdown": "RFC 9293 §3.10.4",
    "tcp_abort": "RFC 9293 §3.10.5",
}


def _told(call: str, args: list[Any]) -> list[Any]:
    """The arguments as words, where numbers alone say little."""
    if call in ("tcp_write", "tcp_recved"):
        return [args[0], plural(args[1], "byte"), *args[2:]]
    if call == "tcp_shutdown":
        ways = [way for way, shut in zip(("receiving", "sending"), args[1:3], strict=True) if shut]
        return [args[0], f"its {' and '.join(ways)} side" if ways else "neither side"]
    return args


def api(run: Run, event: Record) -> Explanation:
    """An ``api``: a call of the program."""
    call = event["call"]
    if "args" not in event:
        return Explanation(f"the program called {call}, which has not returned", "", call)
    what = _CALLS.get(call, f"calls {call}").format(*_told(call, event["args"]), *("",) * 3)
    result = event["result"]
    told = "" if result in ("ERR_OK", None, True) else f": {result}"
    port = f"on port {event['args'][0]} " if event["args"][0] else ""
    return Explanation(f"the program {port}{what}{told}", _CALL_PLACES.get(call, ""), call)


def boot(run: Run, event: Record) -> Explanation:
    """A ``boot``."""
    if event["again"]:
        return Explanation(f"{event['on']} was switched off and on: its connections are gone without a word")
    return Explanation(f"{event['on']} was switched on")


def device(run: Run, event: Record) -> Explanation:
    """A ``device``."""
    return Explanation(f"{event['name']} joined, a device with the profile {event['profile']}")


def end(run: Run, event: Record) -> Explanation:
    """The ``end``."""
    frames = plural(event["frames"], "frame")
    return Explanation(
        f"the run ended at {seconds(event['t'])}: {frames}, {plural(event['events'], 'event')}"
    )


BELOW: dict[str, Callable[[Run, Record], Explanation]] = {
    "frame": frame,
    "frame-out": frame_out,
    "frame-in": frame_in,
    "wire": wire,
    "died": died,
    "verdict": verdict,
    "arp": arp,
    "pool": pool,
    "timer": timer,
    "api": api,
    "boot": boot,
    "device": device,
    "end": end,
}
