"""``netstack profiles``: the list, one profile, the difference of two, an import, a check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from lab.cli import main
from lab.profile_file import load_profile
from netstack.options import OPTIONS
from netstack.profiles import PROFILES, named
from netstack.quirks import QUIRKS
from tests.lab.commands import Running, netstack

FIRMWARE = Path(__file__).parents[1] / "data" / "firmware"


class Done(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.out.splitlines()]


Run = Callable[..., Done]


@pytest.fixture
def profiles(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``netstack profiles``; a mistake is checked to be one line with status 2."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr("sys.argv", ["netstack", "profiles", *arguments])
        monkeypatch.setattr("signal.signal", lambda *_: None)  # pytest's handlers stay
        with pytest.raises(SystemExit) as leaving:
            main()
        done = Done(int(leaving.value.code or 0), *capfd.readouterr())
        if done.status == 2:
            assert done.out == ""
            assert len(done.err.splitlines()) == 1, done.err
        return done

    return run


@pytest.fixture
def board(tmp_path: Path) -> Path:
    path = tmp_path / "board.toml"
    path.write_text('summary = "in the shed"\nbase = "pico-sdk"\n[options]\nMEM_SIZE = 9000\n')
    return path


def test_the_list_has_the_sizes_of_every_profile(profiles: Run) -> None:
    done = profiles()
    assert (done.status, done.err) == (0, "")
    for name, device in PROFILES.items():
        p = named(name)
        sizes = [p.tcp_mss, p.tcp_wnd, p.tcp_snd_buf, p.memp_num_tcp_pcb, p.mem_size, p.pbuf_pool_size]
        end = ["×", p.pbuf_pool_bufsize, p.poll_interval_ms, p.api]
        assert [name, *map(str, sizes + end)] in done.lines  # type: ignore[operator]
        assert device.summary in done.out


def test_one_profile_has_every_option_with_value_and_default(profiles: Run) -> None:
    done = profiles("micropython-rp2")
    assert (done.status, done.err) == (0, "")
    lines = done.lines
    for row in OPTIONS.values():
        assert any(row.label in line[:2] for line in lines), row.label
    assert ["*", "TCP_MSS", "800", "byte", "536", "byte"] in [line[:6] for line in lines]
    assert ["~", "PBUF_POOL_BUFSIZE", "876", "byte", "592", "byte"] in [line[:6] for line in lines]
    assert ["TCP_MSL", "60000", "ms", "TIME_WAIT"] in [line[:4] for line in lines]
    assert ["*", "poll_interval_ms", "64", "ms", "1", "ms"] in [line[:6] for line in lines]
    assert "ports/rp2/mpnetworkport.c: poll_interval_ms" in done.out
    assert "3.072 s" in done.out
    assert f"quirks: all {len(named('micropython').quirks)} of lwIP 2.2.1" in done.out


def test_one_profile_with_a_change(profiles: Run) -> None:
    lines = profiles("micropython", "--set", "TCP_MSS=1000").lines
    assert ["*", "TCP_MSS", "1000", "byte", "536", "byte"] in [line[:6] for line in lines]
    assert ["~", "PBUF_POOL_BUFSIZE", "1056", "byte", "592", "byte"] in [line[:6] for line in lines]
    plain = profiles("--plain", "strict", "--set", "TCP_MSS=1000").out.splitlines()
    assert plain == named("strict").replace(tcp_mss=1000).settings()
    assert "quirks: none" in profiles("strict").out


def test_a_file_stands_where_a_name_does(profiles: Run, board: Path) -> None:
    done = profiles(str(board))
    assert done.out.startswith("board: in the shed\n")
    assert f"{board}, on top of pico-sdk" in done.out
    assert ["*", "MEM_SIZE", "9000", "byte", "1600", "byte"] in [line[:6] for line in done.lines]
    assert profiles("diff", "pico-sdk", str(board)).lines[1][:3] == ["MEM_SIZE", "4000", "byte"]
    assert profiles("check", str(board), "1x7300").status == 0
    assert profiles("check", "pico-sdk", "1x7300").status == 1


def test_the_difference_of_two(profiles: Run) -> None:
    done = profiles("diff", "lwip-default", "lwip-2.1.3")
    assert done.status == 0
    assert done.lines[0] == ["option", "lwip-default", "lwip-2.1.3", "on", "the", "wire"]
    assert done.lines[1][:3] == ["lwip_version", "2.2.1", "2.1.3"]
    head, old = done.out.split("quirks that only lwip-2.1.3 has:")
    for part, version in ((head, "2.2.1"), (old, "2.1.3")):
        named_there = {line.split()[0] for line in part.splitlines() if line} & set(QUIRKS)
        assert named_there == {name for name, quirk in QUIRKS.items() if quirk.versions == (version,)}


def test_the_difference_of_the_same(profiles: Run) -> None:
    assert profiles("diff", "full", "full").out == "full and full have the same options.\n"


def test_an_import_is_shown_or_written(profiles: Run, tmp_path: Path) -> None:
    source = str(FIRMWARE / "stm32cube-gateway" / "lwipopts.h")
    shown = profiles("import", source)
    assert shown.status == 0
    output = tmp_path / "gateway.toml"
    written = profiles("import", source, "-o", str(output))
    assert (written.status, written.err) == (0, "")
    assert output.read_text() == shown.out.replace("stm32cube-gateway", "gateway")
    assert load_profile(output).tcp_snd_buf == 5840
    for said in (shown.err, written.out):
        assert "unknown         ETHARP_TABEL_SIZE  lwipopts.h:72 (did you mean ARP_TABLE_SIZE?)" in said
        assert "not emulated    CHECKSUM_CHECK_UDP  lwipopts.h:70: " in said
        assert "not found       main.h  lwipopts.h:12: skipped" in said
    assert f"use it: netstack up --profile {output}" in written.out
    assert "`-o FILE.toml` writes it to a file" in shown.err


def test_an_import_with_folders_and_macros(profiles: Run) -> None:
    done = profiles(
        "import", str(FIRMWARE / "rp2-port" / "lwipopts.h"), "-I", str(FIRMWARE / "common"),
        "-D", "MICROPY_CONFIG_ROM_LEVEL_AT_LEAST_EXTRA", "--set", "poll_interval_ms=64", "--name", "pico-w",
    )  # fmt: skip
    assert done.status == 0
    assert 'name = "pico-w"' in done.out.splitlines()
    assert ["PBUF_IP_HLEN", "=", "40"] in [line[:3] for line in done.lines]
    assert ["poll_interval_ms", "=", "64"] in [line[:3] for line in done.lines]
    assert "translated      LWIP_IPV6  PBUF_IP_HLEN=40" in done.err


def test_what_a_check_says(profiles: Run) -> None:
    done = profiles("check", "micropython")
    assert done.status == 0
    for line in (
        "sending: full send buffers             1 connection × 6400 bytes and 800 bytes  HEAP",
        "receiving: full windows                2 connections × 6400 bytes               PBUF_POOL",
        "receiving: windows of 1-byte segments  16 bytes                                 PBUF_POOL",
    ):
        assert line in done.out
    assert done.out.count("the same") == 6


@pytest.mark.parametrize(
    ("limits", "status", "told"),
    [
        ("2x3200", 0, "micropython holds 2 × 3200 bytes."),
        ("2×3200", 0, "micropython holds 2 × 3200 bytes."),
        ("2*6400", 1, "micropython does not hold 2 × 6400 bytes."),
        ("6x0", 1, "micropython does not hold 6 × 0 bytes."),
        ("5x0", 0, "micropython holds 5 × 0 bytes."),
    ],
)
def test_limits_are_held_or_not(limits: str, status: int, told: str, profiles: Run) -> None:
    done = profiles("check", "micropython", limits)
    assert (done.status, done.out.splitlines()[-1]) == (status, told)
    assert done.out.count("the same") == 2


def test_a_check_of_a_changed_profile(profiles: Run) -> None:
    assert profiles("check", "micropython", "2x6400", "--set", "MEM_SIZE=16000").status == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["micropyton"],
            "netstack: unknown profile micropyton (did you mean micropython?); `netstack profiles`",
        ),
        (["./none.toml"], "netstack: none.toml: there is no such file"),
        (
            ["--plain"],
            "netstack profiles: --set and --plain need the NAME of a profile (see `netstack profiles --",
        ),
        (["full", "more"], "netstack profiles: Got unexpected extra argument (more)"),
        (["diff", "full"], "netstack profiles diff: Missing argument 'B'"),
        (["diff", "full", "ful"], "netstack: unknown profile ful (did you mean full?)"),
        (["import"], "netstack profiles import: Missing argument 'FILE'"),
        (["import", "none.h"], "netstack: none.h: there is no such file"),
        (
            ["import", "x.h", "-I", "/none"],
            "netstack profiles import: Invalid value for -I: /none is no folder",
        ),
        (
            ["import", "x.h", "-D", "3=4"],
            "netstack profiles import: Invalid value for '-D' / '--define': '3=4' defines",
        ),
        (["check"], "netstack profiles check: Missing argument 'PROFILE'"),
        (
            ["check", "ful"],
            "netstack profiles check: Invalid value for 'PROFILE': unknown profile ful (did you",
        ),
        (
            ["check", "full", "3"],
            "netstack profiles check: Invalid value for '[CONNECTIONSxBYTES]': '3': write",
        ),
        (
            ["check", "full", "0x3"],
            "netstack profiles check: Invalid value for '[CONNECTIONSxBYTES]': '0x3': from 1",
        ),
        (
            ["check", "strict", "--set", "TCP_WND=1"],
            "netstack: TCP_WND is smaller than MSS (TCP_WND=1, TCP_MSS=1460;",
        ),
        (
            ["check", "full", "--set", "MEMP_NUM_TCP_PCB_LISTEN=0"],
            "netstack: full cannot listen: MEMP_NUM_TCP_PCB_",
        ),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], told: str, profiles: Run) -> None:
    done = profiles(*arguments)
    assert done.status == 2
    assert done.err.startswith(told)


def test_where_an_import_cannot_be_written(profiles: Run, tmp_path: Path) -> None:
    source = str(FIRMWARE / "pico-logger" / "lwipopts.h")
    done = profiles("import", source, "-o", str(tmp_path / "none" / "x.toml"))
    assert done.err.startswith("netstack profiles import: Invalid value for -o: ")
    assert "cannot be written: No such file or directory" in done.err
    done = profiles("import", source, "-o", str(tmp_path / "x.txt"))
    assert "must end in .toml, so that --profile knows a file by it" in done.err


def test_every_part_has_help(profiles: Run) -> None:
    assert all(word in profiles("--help").out for word in ("diff", "import", "check", "NAME"))
    for command in ("diff", "import", "check"):
        done = profiles(command, "--help")
        assert done.status == 0
        assert done.out.startswith(f"Usage: netstack profiles {command} ")


@pytest.mark.parametrize("command", ["up", "run", "demo"])
def test_commands_that_open_a_device_take_a_file(command: str, board: Path) -> None:
    from lab.cli import group

    found = group.get_command(None, command)  # type: ignore[arg-type]
    assert found is not None
    (option,) = [parameter for parameter in found.params if parameter.name == "profile"]
    profile = option.type.convert(str(board), option, None)
    assert (profile.name, profile.mem_size, profile.pbuf_pool_size) == ("board", 9000, 24)
    with pytest.raises(Exception, match=r"none\.toml: there is no such file$"):
        option.type.convert("./none.toml", option, None)


@pytest.mark.tap
@pytest.mark.needs("curl")
def test_a_device_of_one_s_own_on_a_real_tap(board: Path, tmp_path: Path) -> None:
    """A closed port answers with the window of the file, 3500, in lwIP's order of bytes: 44045."""
    board.write_text('base = "pico-sdk"\n[options]\nTCP_MSS = 700\nTCP_WND = 3500\n')
    ip = "10.92.1.2"
    with Running(
        tmp_path, "up", "--netns", "new", "--profile", str(board), "--ip", f"{ip}/24", "--trace"
    ) as up:
        up.wait_for("Ctrl-C ends it")
        netstack("exec", "--on", ip, "--", "curl", "-s", "-m", "5", f"http://{ip}:9/")
        up.wait_for("RST ACK")
        up.wait_for("win 44045")
        assert up.ctrl_c() == 0
