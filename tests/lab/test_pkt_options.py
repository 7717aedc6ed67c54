"""Options of a script: the profile's file first, then the script's own lines; mistakes named by file and
place."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.pkt.language import parse_file, parse_text
from lab.pkt.scanner import ScriptError
from lab.pkt.script_options import resolve
from netstack.address import parse_ip
from netstack.profiles import named
from netstack.quirks import quirks_of


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_script_needs_no_options() -> None:
    options, profile = resolve(parse_text("0.0 `end`\n", "nowhere/x.pkt"))
    assert (options.profile, options.view, options.arp) == ("lwip-default", "tcp", "static")
    assert (options.local_ip, options.peer_ip) == (parse_ip("10.0.0.1"), parse_ip("10.0.0.2"))
    assert (options.local_port, options.peer_port, options.ephemeral_first) == (80, 40000, 49153)
    assert profile.options() == named("lwip-default").options()


def test_lines_of_the_script_override_the_profile() -> None:
    text = "--profile=micropython\n--TCP_WND=1600\n--clock_start=0x10\n--peer_iss=5\n--udp_rxq=9\n0.0 `end`\n"
    options, profile = resolve(parse_text(text, "nowhere/x.pkt"))
    assert (options.profile, options.clock_start, options.peer_iss) == ("micropython", 16, 5)
    assert (profile.tcp_wnd, profile.tcp_mss, profile.api, profile.udp_rxq) == (1600, 800, "modlwip", 9)


def test_the_options_file_beside_the_profiles_folder_comes_first(tmp_path: Path) -> None:
    write(
        tmp_path / "tiny.options",
        "// a remark\n\nTCP_MSS=100\nTCP_WND=400\napi=modlwip\npeer_port=7\nview=eth\n",
    )
    script = write(
        tmp_path / "tiny" / "rx" / "a.pkt", "--profile=tiny\n--TCP_WND=300\n--view=tcp\n0.0 `end`\n"
    )
    options, profile = resolve(parse_file(script))
    assert (options.profile, options.peer_port, options.view) == ("tiny", 7, "tcp")
    assert (profile.name, profile.tcp_mss, profile.tcp_wnd, profile.api) == ("tiny", 100, 300, "modlwip")


def test_without_a_profile_line_the_folder_names_the_profile(tmp_path: Path) -> None:
    write(tmp_path / "tiny.options", "TCP_MSS=100\n")
    script = write(tmp_path / "tiny" / "rx" / "a.pkt", "0.0 `end`\n")
    options, profile = resolve(parse_file(script))
    assert (options.profile, profile.name, profile.tcp_mss) == ("tiny", "tiny", 100)


def test_a_name_of_lwip_that_nobody_honours_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "tiny.options", "SOMETHING_NEW=1\nTCP_MSS=100\n")
    script = write(tmp_path / "tiny" / "a.pkt", "--profile=tiny\n--ANOTHER=2\n0.0 `end`\n")
    options, profile = resolve(parse_file(script))
    assert sorted(options.unknown) == ["ANOTHER", "SOMETHING_NEW"]
    assert profile.tcp_mss == 100


@pytest.mark.parametrize("name", ["strict", "lwip-2.1.3", "micropython"])
def test_a_named_profile_brings_its_quirks(name: str) -> None:
    known = named(name)
    _, profile = resolve(parse_text(f"--profile={name}\n0.0 `end`\n"))
    assert (profile.quirks, profile.lwip_version) == (known.quirks, known.lwip_version)
    _, other = resolve(parse_text(f"--profile={name}\n--stack=lwip-2.1.3\n0.0 `end`\n"))
    assert other.quirks == quirks_of("2.1.3")


MISTAKES = [
    ("--vew=eth\n", "x.pkt:1:3: unknown option vew (did you mean view?)"),
    ("--view=side\n", "x.pkt:1:8: view: must be tcp or eth, not 'side'"),
    ("// x\n--peer_port=70000\n", "x.pkt:2:13: peer_port: 70000 is not between 0 and 65535"),
    ("--peer_iss=many\n", "x.pkt:1:12: peer_iss: not a number: 'many'"),
    ("--local_ip=10.0.0\n", "x.pkt:1:12: local_ip: "),
    ("--TCP_MSS=0\n", "x.pkt:1:11: TCP_MSS=0: "),
    ("--profile=toaster\n", "x.pkt:1:11: unknown profile toaster"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_wrong_option_is_named_by_place_and_reason(text: str, message: str) -> None:
    with pytest.raises(ScriptError) as caught:
        resolve(parse_text(text + "0.0 `end`\n", "x.pkt"))
    assert str(caught.value).startswith(message)


def test_a_wrong_line_of_the_options_file_is_named_by_that_file(tmp_path: Path) -> None:
    script = write(tmp_path / "tiny" / "a.pkt", "--profile=tiny\n0.0 `end`\n")
    for text, place in (("TCP_MSS=100\nnonsense\n", "2:1"), ("TCP_MSS=100\nTCP_WND=x\n", "2:9")):
        file = write(tmp_path / "tiny.options", text)
        with pytest.raises(ScriptError) as caught:
            resolve(parse_file(script))
        assert str(caught.value).startswith(f"{file}:{place}: ")
