"""Profile files: what they may say, and one line with place and mend for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.profile_file import Line, find_profile, is_file_name, load_profile, profile_text, read_profile_file
from netstack.options import ProfileError
from netstack.profiles import named, names
from netstack.quirks import quirks_of


@pytest.fixture
def board(tmp_path: Path) -> Path:
    return tmp_path / "board.toml"


def test_an_empty_file_is_lwip_as_it_comes(board: Path) -> None:
    board.write_text("")
    profile = load_profile(board)
    assert profile.name == "board"
    assert profile.options() == named("lwip-default").options()
    assert profile.quirks == quirks_of("2.2.1")


def test_all_it_can_say(board: Path) -> None:
    board.write_text(
        'name = "shed"\nsummary = "in the shed"\nbase = "pico-sdk"\nquirks_off = ["no_paws"]\n'
        'quirks_on = ["rst_routed"]\n[options]\nTCP_MSS = 1000\nMEM_SIZE = 0x4000\nlwip_raw = false\n'
        'api = "modlwip"\napi_listen_queue = "backlog"\n'
    )
    file = read_profile_file(board)
    profile = file.profile
    assert (profile.name, file.summary, file.base) == ("shed", "in the shed", "pico-sdk")
    assert (profile.tcp_mss, profile.mem_size, profile.lwip_raw) == (1000, 16384, 0)
    assert (profile.api, profile.api_listen_queue, profile.udp_rxq) == ("modlwip", 0, 4)
    assert profile.pbuf_pool_size == 24  # of the base
    assert profile.pbuf_pool_bufsize == 1056  # derived anew
    assert profile.quirks == quirks_of("2.2.1") - {"no_paws"} | {"rst_routed"}


def test_quirks_are_those_of_the_version_it_names(board: Path) -> None:
    board.write_text('quirks_off = ["no_paws"]\n[options]\nlwip_version = "2.1.3"\n')
    assert load_profile(board).quirks == quirks_of("2.1.3") - {"no_paws"}


@pytest.mark.parametrize("name", names())
def test_every_profile_can_be_written_and_read_back(name: str, board: Path) -> None:
    profile = named(name)
    lines = [Line(option, value, "") for option, value in profile.options().items()]
    board.write_text(profile_text("again", "a copy", "lwip-default", lines), encoding="utf-8")
    again = load_profile(board)
    assert again.options() == profile.options()
    assert again.name == "again"


def test_a_text_is_quoted_where_it_must_be(board: Path) -> None:
    board.write_text(
        profile_text('a"b\\c', "ünïcode", "strict", [Line("tcp_mss", 900, "x.h:1")]), encoding="utf-8"
    )
    file = read_profile_file(board)
    assert (file.profile.name, file.summary, file.profile.tcp_mss) == ('a"b\\c', "ünïcode", 900)
    assert not file.profile.quirks


def test_what_is_a_file_and_what_a_name() -> None:
    assert [is_file_name(text) for text in ("pico-sdk", "a.toml", "./a", "/a/b", "lwip-2.1.3")] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert find_profile("full") is named("full")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("TCP_MSS = 1460\n", ":1: unknown key TCP_MSS (an option: write it below [options])"),
        ("\nnmae = 'x'\n", ":2: unknown key nmae (did you mean name?)"),
        ("zzz = 1\n", ":1: unknown key zzz (there are name, summary, base, quirks_on, quirks_off, options)"),
        ("[options]\nTCP_MSS = \n", ":2: not TOML: "),
        ("[options\n", ":1: not TOML: "),
        ("[options]\n\nTCP_MMS = 3\n", ":3: unknown option TCP_MMS (did you mean TCP_MSS?)"),
        ("[options]\ntcp_wnd = 'much'\n", ":2: TCP_WND=much: not a number; must be 1..4294967295 (byte)"),
        ("[options]\nTCP_MSS = 1.5\n", ":2: TCP_MSS=1.5: must be a whole number or a text"),
        ("[options]\nTCP_MSS = [1]\n", ":2: TCP_MSS=[1]: must be a whole number or a text"),
        ("[options]\nTCP_MSS = 0\n", ":2: TCP_MSS=0: must be 1..65495 (byte)"),
        ("[options]\nTCP_MSS = 800\ntcp_mss = 800\n", ":2: option TCP_MSS is given twice"),
        ("[options]\napi = 'posix'\n", ":2: api=posix: must be netconn or modlwip"),
        (
            "[options]\nMEM_SIZE = 9000\nTCP_WND = 70000\n",
            ":3: If you want to use TCP, TCP_WND must fit in an u16_t",
        ),
        ("base = 'pico'\n", ":1: unknown profile pico"),
        ("base = 3\n", ':1: base must be a text of one line (write base = "TEXT")'),
        ("name = ''\n", ":1: name must be a text of one line"),
        ('name = "a\\nb"\n', ":1: name must be a text of one line"),
        (
            "quirks_off = 'no_paws'\n",
            ':1: quirks_off must be a list of names (write quirks_off = ["no_paws"])',
        ),
        ("quirks_off = ['no_pows']\n", ":1: unknown quirk no_pows (did you mean no_paws?)"),
        ("options = 3\n", ":1: options must be a table (write [options], then TCP_MSS = 1460)"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(text: str, told: str, board: Path) -> None:
    board.write_text(text)
    with pytest.raises(ProfileError) as caught:
        load_profile(board)
    message = str(caught.value)
    assert message.startswith(f"{board}{told}")
    assert "\n" not in message


def test_files_that_cannot_be_read(board: Path, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"board\.toml: there is no such file$"):
        load_profile(board)
    with pytest.raises(ProfileError, match=r"a folder; name a file in it$"):
        load_profile(tmp_path)
    board.write_bytes(b"name = '\xff'\n")
    with pytest.raises(ProfileError, match=r"not a text in UTF-8; save it as that$"):
        load_profile(board)
    board.write_text("#" * (1 << 20) + "##")
    with pytest.raises(ProfileError, match=r"larger than 1 MiB, so no file of options$"):
        load_profile(board)
    with pytest.raises(
        ProfileError, match=r"^unknown profile pico-sdkk .did you mean pico-sdk.*written ./NAME.toml$"
    ):
        find_profile("pico-sdkk")
