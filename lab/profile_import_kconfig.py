"""Reads the ``.config`` of a firmware that is configured by Kconfig: ESP-IDF's ``sdkconfig`` (also
``sdkconfig.defaults``), and the ``.config`` of Zephyr, RT-Thread or NuttX style builds that use lwIP.

Sources: esp-idf components/lwip/Kconfig and port/include/lwipopts.h, which says what each name becomes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.profile_import_names import is_about_emulation, is_known
from lab.profile_import_result import Found
from netstack.options import OPTIONS, ProfileError, suggest

_SET = re.compile(r"CONFIG_(\w+)\s*=\s*(.*)")
_UNSET = re.compile(r"#\s*CONFIG_(\w+) is not set")
_ESPRESSIF = re.compile(
    r"CONFIG_(IDF_\w+|ESP_\w+|ESPTOOLPY\w*|ESP32\w*|LWIP_TCP_WND_DEFAULT|LWIP_MAX_ACTIVE_TCP)\b"
)

# What esp-idf's lwipopts.h makes of a name, where it is not the same name without LWIP_.
_ESP = {
    "ESP_WIFI_DYNAMIC_RX_BUFFER_NUM": "PBUF_POOL_SIZE",
    "ESP32_WIFI_DYNAMIC_RX_BUFFER_NUM": "PBUF_POOL_SIZE",
    "LWIP_DHCP_DOES_ARP_CHECK": "LWIP_DHCP_DOES_ACD_CHECK",
    "LWIP_DHCPS_STATIC_ENTRIES": "ETHARP_SUPPORT_STATIC_ENTRIES",
    "LWIP_ESP_GRATUITOUS_ARP": "ESP_GRATUITOUS_ARP",
    "LWIP_IP4_FRAG": "IP_FRAG",
    "LWIP_IP4_REASSEMBLY": "IP_REASSEMBLY",
    "LWIP_IPV4_NAPT": "IP_NAPT",
    "LWIP_MAX_ACTIVE_TCP": "MEMP_NUM_TCP_PCB",
    "LWIP_MAX_LISTENING_TCP": "MEMP_NUM_TCP_PCB_LISTEN",
    "LWIP_MAX_RAW_PCBS": "MEMP_NUM_RAW_PCB",
    "LWIP_MAX_UDP_PCBS": "MEMP_NUM_UDP_PCB",
    "LWIP_TCP_ACCEPTMBOX_SIZE": "DEFAULT_ACCEPTMBOX_SIZE",
    "LWIP_TCP_SND_BUF_DEFAULT": "TCP_SND_BUF",
    "LWIP_TCP_WND_DEFAULT": "TCP_WND",
    "LWIP_UDP_RECVMBOX_SIZE": "DEFAULT_UDP_RECVMBOX_SIZE",
}
_WORDS = {"y": 1, "n": 0, "": 0}


def looks_like_kconfig(text: str) -> bool:
    """Whether ``text`` is a .config rather than C."""
    return any(_SET.match(line) or _UNSET.match(line) for line in text.splitlines())


def read_kconfig(path: Path, text: str) -> Found:
    """What a .config says about the network. Raises ProfileError."""
    settings = list(_settings(path, text))
    espressif = _ESPRESSIF.search(text) is not None
    found = Found(base="esp32-idf" if espressif else "lwip-default")
    for name, value, place in settings:
        _take(found, name, value, place, espressif)
    if espressif:
        _espressif(found, {name: value for name, value, _ in settings})
    if not found.options and not found.others:
        raise ProfileError(_nothing(path, {name for name, _, _ in settings}))
    return found


def _settings(path: Path, text: str) -> Iterator[tuple[str, int | None, str]]:
    """Name without CONFIG_, value (None: no number) and place of each setting."""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        place = f"{path}:{number}"
        if unset := _UNSET.fullmatch(line):
            yield unset[1], 0, place
        elif line and not line.startswith("#"):
            setting = _SET.fullmatch(line)
            if setting is None:
                raise ProfileError(f"{place}: not a setting: {line[:60]!r} (write CONFIG_NAME=VALUE)")
            yield setting[1], _value(place, setting[1], setting[2].partition(" #")[0].strip()), place


def _value(place: str, name: str, text: str) -> int | None:
    if text in _WORDS:
        return _WORDS[text]
    if re.fullmatch(r"-?\d+|0[xX][0-9a-fA-F]+", text):
        return int(text, 16 if text[:2] in ("0x", "0X") else 10)
    if text == "m" or text.startswith('"') or "LWIP" not in name:
        return None
    raise ProfileError(f"{place}: CONFIG_{name} is {text[:60]!r}: must be y, n, a number or a text in quotes")


def _candidates(name: str, espressif: bool) -> Iterator[str]:
    """Names of lwIP that a name of Kconfig may stand for, the likeliest first."""
    if espressif and name in _ESP:
        yield _ESP[name]
    yield name
    if name.startswith("LWIP_"):
        yield name.removeprefix("LWIP_")
    elif name.startswith("RT_LWIP_"):  # RT-Thread
        yield name.removeprefix("RT_LWIP_")
        yield name.removeprefix("RT_")


def _take(found: Found, name: str, value: int | None, place: str, espressif: bool) -> None:
    """One setting: an option, another name of lwIP's, one that nobody knows, or none of the network's."""
    candidates = list(_candidates(name, espressif))
    for candidate in candidates:
        row = OPTIONS.get(candidate.lower())
        if row is not None and not row.own and value is not None:
            if row.name in found.options and name == candidate and espressif:
                return  # the compatibility names at the end of an sdkconfig
            found.options[row.name] = value
            found.places[candidate] = place
            return
    if "LWIP" not in name and name not in _ESP:
        found.elsewhere += 1
        return
    for is_it in (is_about_emulation, is_known):
        for candidate in candidates:
            if is_it(candidate):
                found.others[candidate] = value
                found.places[candidate] = place
                return
    if not (espressif and name in _HANDLED):
        near = suggest(candidates[-1], [row.label for row in OPTIONS.values()])
        found.unknown[f"CONFIG_{name}"] = place + near


_HANDLED = {
    "LWIP_TCP_HIGH_SPEED_RETRANSMISSION",
    "LWIP_TCP_OVERSIZE_DISABLE",
    "LWIP_TCP_OVERSIZE_MSS",
    "LWIP_TCP_OVERSIZE_QUARTER_MSS",
    "LWIP_L2_TO_L3_COPY",
    "LWIP_LOCAL_HOSTNAME",
    "LWIP_TCP_ISN_HOOK",
    "LWIP_TIMERS_ONDEMAND",
}


def _espressif(found: Found, values: dict[str, int | None]) -> None:
    """Settings of esp-idf that stand for several options, or for one by a formula."""
    mss = found.options.get("tcp_mss", 1440)
    oversize: dict[str, Callable[[], int]] = {"QUARTER_MSS": lambda: mss // 4, "DISABLE": lambda: 0}
    for choice, size in oversize.items():
        if values.get(f"LWIP_TCP_OVERSIZE_{choice}"):
            found.options["tcp_oversize"] = size()
    if values.get("LWIP_TCP_HIGH_SPEED_RETRANSMISSION") == 0:
        found.options.setdefault("tcp_synmaxrtx", 6)
        found.options.setdefault("lwip_tcp_rto_time", 3000)
    if found.others.get("LWIP_IPV6") == 0:
        found.options["pbuf_ip_hlen"] = 20
    if found.options.get("pbuf_pool_size") == 0:  # no limit but the heap
        found.options["pbuf_pool_size"] = 255


def _nothing(path: Path, names: set[str]) -> str:
    if any(name.startswith("NET_") for name in names):
        return f"{path}: configures Zephyr's own network stack (CONFIG_NET_...), which is not lwIP"
    return f"{path}: sets no option of lwIP (CONFIG_LWIP_...): name the file that does"
