"""Option files of firmwares: what they compute to, what is said about the rest, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.profile_file import load_profile
from lab.profile_import import Imported, import_profile
from netstack.options import ProfileError
from netstack.profiles import named

FIRMWARE = Path(__file__).parents[1] / "data" / "firmware"
COMMON = (FIRMWARE / "common",)


def imported(file: str, *defines: str, folders: tuple[Path, ...] = (), **given: Any) -> Imported:
    pairs = [define.partition("=")[::2] for define in defines]
    return import_profile(FIRMWARE / file, folders, [(name, value or "1") for name, value in pairs], given)


def written(text: str, tmp_path: Path, *defines: str, name: str = "lwipopts.h", **given: Any) -> Imported:
    """An option file of this text, imported."""
    path = tmp_path / name
    path.write_text(text)
    pairs = [define.partition("=")[::2] for define in defines]
    return import_profile(path, (), [(key, value or "1") for key, value in pairs], given)


def refused(text: str, tmp_path: Path, *defines: str, name: str = "lwipopts.h", **given: Any) -> str:
    """What is said of an option file that is refused, without the folder's name."""
    with pytest.raises(ProfileError) as caught:
        written(text, tmp_path, *defines, name=name, **given)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(tmp_path))
    return message.replace(f"{tmp_path}/", "")


def test_pico_a_common_header_overridden() -> None:
    found = imported("pico-logger/lwipopts.h")
    profile = found.profile
    assert profile.name == "pico-logger"
    assert (profile.tcp_mss, profile.tcp_wnd, profile.tcp_snd_buf) == (1460, 11680, 11680)
    assert profile.tcp_snd_queuelen == (4 * 11680 + 1459) // 1460 == 32
    assert (profile.mem_size, profile.memp_num_tcp_pcb, profile.pbuf_pool_size) == (4000, 4, 24)
    assert found.assumed == {"PICO_CYW43_ARCH_POLL": "lwipopts_common.h:10"}
    assert not found.unknown
    assert not found.not_emulated
    board = named("pico-sdk")
    same = {name for name in board.options() if getattr(board, name) == getattr(profile, name)}
    assert set(board.options()) - same == {"memp_num_tcp_pcb", "etharp_support_static_entries"}


def test_pico_a_macro_of_the_compiler_changes_a_branch() -> None:
    small = imported("pico-logger/lwipopts.h", "LOGGER_HTTPD=1", "MEM_SIZE=6000").profile
    assert (small.tcp_snd_buf, small.mem_size) == (5840, 6000)
    assert not imported("pico-logger/lwipopts.h", "PICO_CYW43_ARCH_POLL=0").assumed


def test_pico_memory_of_the_c_library_has_a_stand_in() -> None:
    found = imported("pico-logger/lwipopts.h", "PICO_CYW43_ARCH_POLL=1")
    assert found.profile.mem_size == 131072
    assert (
        "MEM_LIBC_MALLOC",
        "MEM_SIZE=131072: stands for what the C library's heap has",
    ) in found.translated
    assert (
        imported("pico-logger/lwipopts.h", "PICO_CYW43_ARCH_POLL", mem_size=50000).profile.mem_size == 50000
    )


def test_rp2_a_header_of_another_folder() -> None:
    found = imported(
        "rp2-port/lwipopts.h",
        "MICROPY_CONFIG_ROM_LEVEL_AT_LEAST_EXTRA=1",
        folders=COMMON,
        poll_interval_ms=64,
    )
    profile, board = found.profile, named("micropython-rp2")
    different = {name for name in board.options() if getattr(board, name) != getattr(profile, name)}
    assert different == {"memp_num_udp_pcb", "etharp_support_static_entries"}
    assert profile.memp_num_udp_pcb == 5  # the board's responder takes one
    assert profile.api == "modlwip"
    assert [name for name, _ in found.not_emulated] == ["LWIP_MDNS_RESPONDER", "LWIP_IPV6"]
    assert set(found.not_found) == {"py/mpconfig.h", "pico/rand.h"}
    assert not found.hints
    assert not found.unknown


def test_rp2_without_its_folder_there_is_nothing_to_find() -> None:
    found = imported("rp2-port/lwipopts.h")
    assert found.not_found["extmod/lwip-include/lwipopts_common.h"] == "lwipopts.h:9"
    assert found.profile.tcp_mss == 536


@pytest.mark.parametrize(
    ("defines", "mss", "mem_size", "segments"),
    [
        ((), 800, 8000, 32),
        (("BOARD_LARGE_RAM",), 1460, 65536, 64),
        (("BOARD_SMALL_RAM=0", "BOARD_LARGE_RAM"), 1460, 65536, 64),
    ],
)
def test_stm32_conditions_per_chip(defines: tuple[str, ...], mss: int, mem_size: int, segments: int) -> None:
    found = imported("stm32-port/lwipopts.h", 'STM32_HAL_H="hal.h"', *defines, folders=COMMON)
    profile = found.profile
    assert (profile.tcp_mss, profile.mem_size, profile.memp_num_tcp_seg) == (mss, mem_size, segments)
    assert profile.pbuf_ip_hlen == 20
    assert "hal.h" in found.not_found
    assert "64 ms (rp2) or 128 ms" in found.hints[0]


def test_stm32_refuses_by_its_own_error() -> None:
    with pytest.raises(ProfileError, match=r"lwipopts\.h:21: the file refuses: #error \"lwIP does not fit"):
        imported("stm32-port/lwipopts.h", "STM32_HAL_H=<hal.h>", "BOARD_SMALL_RAM", folders=COMMON)
    with pytest.raises(ProfileError, match=r"lwipopts\.h:4: #include of STM32_HAL_H, which is no file name$"):
        imported("stm32-port/lwipopts.h", folders=COMMON)


def test_stm32cube_what_a_generator_writes() -> None:
    found = imported("stm32cube-gateway/lwipopts.h")
    profile = found.profile
    assert (profile.tcp_mss, profile.tcp_wnd, profile.tcp_snd_buf) == (1460, 5840, 5840)
    assert (profile.mem_size, profile.pbuf_pool_bufsize) == (10240, 1528)
    assert profile.tcp_sndlowat == min(max(5840 // 2, 2 * 1460 + 1), 5840 - 1) == 2921
    assert (profile.udp_rxq, profile.api_listen_queue) == (6, 6)
    assert found.unknown == {"ETHARP_TABEL_SIZE": "lwipopts.h:72 (did you mean ARP_TABLE_SIZE?)"}
    assert [name for name, _ in found.not_emulated] == ["CHECKSUM_CHECK_UDP"]
    assert "LWIP_RAM_HEAP_POINTER" in found.without_effect["the C library and the compiler"]


def test_freertos_options_computed_from_the_kernel() -> None:
    found = imported("freertos-demo/lwipopts.h", "demoUSE_DHCP=1")
    profile = found.profile
    assert (profile.mem_alignment, profile.mem_size) == (8, 12288)
    assert (profile.memp_num_tcp_pcb, profile.memp_num_tcp_pcb_listen, profile.memp_num_tcp_seg) == (6, 4, 24)
    assert (profile.tcp_mss, profile.tcp_snd_buf, profile.tcp_snd_queuelen) == (1460, 5840, 16)
    assert (profile.tcp_ttl, profile.udp_ttl, profile.pbuf_pool_size) == (128, 255, 12)
    assert (profile.pbuf_link_hlen, profile.pbuf_pool_bufsize) == (16, 1520)  # ETH_PAD_SIZE 2
    assert (profile.udp_rxq, profile.api_listen_queue) == (2, 10)
    assert profile.lwip_dhcp == 1
    assert imported("freertos-demo/lwipopts.h").profile.lwip_dhcp == 0
    assert ("LWIP_HOOK_IP4_INPUT", "lwipopts.h:55: a hook is the firmware's own code") in found.not_emulated
    assert not found.unknown


def test_freertos_without_the_kernel_names_what_is_missing(tmp_path: Path) -> None:
    text = (
        (FIRMWARE / "freertos-demo" / "lwipopts.h")
        .read_text()
        .replace('#include "config/', '#include "other/')
    )
    message = refused(text, tmp_path, "configUSE_PREEMPTION=1")
    assert message == (
        "lwipopts.h:15: MEM_ALIGNMENT needs portBYTE_ALIGNMENT, which is not defined: give it with"
        " -D portBYTE_ALIGNMENT=VALUE, the folder of its header with -I, or --set MEM_ALIGNMENT=VALUE"
    )
    found = written(text, tmp_path, "configUSE_PREEMPTION", "configTOTAL_HEAP_SIZE=65536", mem_alignment=4)
    assert (found.profile.mem_alignment, found.profile.memp_num_tcp_pcb) == (4, 4)


def test_esp_idf_a_whole_sdkconfig() -> None:
    found = imported("esp32-camera/sdkconfig")
    profile, board = found.profile, named("esp32-idf")
    different = {
        name: getattr(profile, name)
        for name in board.options()
        if getattr(board, name) != getattr(profile, name)
    }
    assert different == {
        "memp_num_tcp_pcb": 24,
        "ip_reassembly": 1,
        "tcp_wnd": 23040,
        "tcp_snd_buf": 11520,
        "tcp_wnd_update_threshold": 5760,
        "tcp_snd_queuelen": 32,
        "tcp_sndlowat": 5760,
        "tcp_sndqueuelowat": 16,
        "tcp_oversize": 360,
        "tcp_ooseq_max_pbufs": 16,
        "lwip_tcp_sack_out": 1,
        "pbuf_pool_size": 64,
        "udp_rxq": 12,
    }
    assert profile.quirks == board.quirks
    assert not found.unknown
    emulated = dict(found.not_emulated)
    assert {"CHECKSUM_CHECK_IP", "CHECKSUM_CHECK_UDP", "ESP_GRATUITOUS_ARP", "LWIP_NETIF_LOOPBACK"} <= set(
        emulated
    )
    assert found.elsewhere > 5


def test_esp_idf_differences_only() -> None:
    profile = imported("esp32-meter/sdkconfig.defaults").profile
    assert profile.name == "esp32-meter"
    assert (profile.memp_num_tcp_pcb, profile.memp_num_tcp_pcb_listen) == (4, 2)
    assert (profile.tcp_mss, profile.tcp_wnd, profile.tcp_snd_buf, profile.tcp_msl) == (536, 2440, 2440, 5000)
    assert (profile.tcp_synmaxrtx, profile.lwip_tcp_rto_time) == (6, 3000)
    assert (profile.pbuf_ip_hlen, profile.ip_default_ttl) == (20, 64)


def test_kconfig_of_another_build() -> None:
    found = imported("zephyr-thermostat/.config")
    profile = found.profile
    assert profile.name == "zephyr-thermostat"
    assert (profile.mem_size, profile.pbuf_pool_size, profile.pbuf_pool_bufsize) == (0x3000, 12, 512)
    assert (profile.tcp_mss, profile.tcp_wnd, profile.tcp_snd_buf) == (1460, 4380, 4380)
    assert (profile.lwip_dhcp, profile.lwip_dns, profile.lwip_igmp, profile.arp_queueing) == (1, 1, 0, 1)
    assert found.unknown == {"CONFIG_LWIP_TCP_TIMESTAMP": ".config:37 (did you mean LWIP_TCP_TIMESTAMPS?)"}


@pytest.mark.parametrize(
    "file", sorted(str(path.relative_to(FIRMWARE)) for path in FIRMWARE.glob("*/*") if path.is_file())
)
def test_what_is_imported_reads_back_as_the_same_profile(file: str, tmp_path: Path) -> None:
    found = imported(
        file,
        *(["STM32_HAL_H=<hal.h>"] if file.endswith(".h") else []),
        folders=COMMON if file.endswith(".h") else (),
    )
    path = tmp_path / "again.toml"
    path.write_text(found.text, encoding="utf-8")
    again = load_profile(path)
    assert again.options() == found.profile.options()
    assert again.quirks == found.profile.quirks
    assert again.name == found.profile.name


def test_what_the_file_leaves_out_is_opt_h_s() -> None:
    """A file that says nothing has lwIP as it comes: no DHCP, no DNS, bytes that are not aligned."""
    found = import_profile(FIRMWARE / "stm32-port" / "boards" / "board.h")
    assert {line.name: line.value for line in found.lines} == {
        "mem_alignment": 1,
        "etharp_support_static_entries": 0,
        "lwip_igmp": 0,
        "lwip_dhcp": 0,
        "lwip_dns": 0,
    }


def test_a_default_follows_from_what_the_file_says(tmp_path: Path) -> None:
    text = (
        "#define TCP_SND_QUEUELEN (TCP_SND_BUF / 100)\n"
        "#define TCP_MSS (LWIP_MIN(1460, 1000))\n"
        "#define MEMP_NUM_TCP_SEG 20\n"
    )
    profile = written(text, tmp_path).profile
    assert (profile.tcp_mss, profile.tcp_snd_buf, profile.tcp_snd_queuelen) == (1000, 2000, 20)


def test_room_for_headers_is_computed_as_opt_h_does(tmp_path: Path) -> None:
    text = "#define LWIP_IPV6 1\n#define MEM_ALIGNMENT 4\n#define PBUF_POOL_BUFSIZE LWIP_MEM_ALIGN_SIZE"
    text += "(TCP_MSS+PBUF_IP_HLEN+PBUF_TRANSPORT_HLEN+PBUF_LINK_HLEN)\n"
    assert written(text, tmp_path).profile.pbuf_pool_bufsize == 612


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1460", 1460),
        ("(1460)", 1460),
        ("0x5B4", 1460),
        ("02664", 1460),
        ("1460UL", 1460),
        ("((u16_t)1460)", 1460),
        ("((unsigned long) (1000 + 460))", 1460),
        ("(size_t)SIZE(1400)", 1460),
        ("(1 ? 1460 : 0)", 1460),
        ("(2920 >> 1)", 1460),
        ("(1460 | 0)", 1460),
        ("(-1460 + 2920)", 1460),
        ("LWIP_MAX(1460, PBUF_LINK_HLEN)", 1460),
        ("(3 * 365 + 365 + 0 * TCP_WND)", 1460),
        ("(1000 \\\n + 460) /* two lines */", 1460),
    ],
)
def test_arithmetic(expression: str, value: int, tmp_path: Path) -> None:
    text = "#define SIZE(x) ((x) + 60)\n#define TCP_WND 40000\n#define PBUF_POOL_SIZE 40\n#define TCP_MSS "
    assert written(f"{text}{expression}\n", tmp_path).profile.tcp_mss == value


def test_the_last_definition_counts(tmp_path: Path) -> None:
    assert (
        written("#define TCP_MSS 500\n#undef TCP_MSS\n#define TCP_MSS 600\n", tmp_path).profile.tcp_mss == 600
    )
    assert (
        written("#ifndef TCP_MSS\n#define TCP_MSS 500\n#endif\n", tmp_path, "TCP_MSS=700").profile.tcp_mss
        == 700
    )


def test_pools_of_the_c_library_have_no_limit(tmp_path: Path) -> None:
    profile = written("#define MEMP_MEM_MALLOC 1\n#define MEMP_NUM_TCP_PCB 5\n", tmp_path).profile
    assert (profile.memp_num_tcp_pcb, profile.memp_num_tcp_seg, profile.pbuf_pool_size) == (65535, 65535, 256)


def test_the_old_name_of_the_arp_check_counts_in_the_old_version(tmp_path: Path) -> None:
    text = "#define LWIP_DHCP 1\n#define DHCP_DOES_ARP_CHECK 0\n"
    new = written(text, tmp_path)
    assert new.profile.lwip_dhcp_does_acd_check == 1
    assert "--set lwip_version=2.1.3" in dict(new.not_emulated)["DHCP_DOES_ARP_CHECK"]
    old = written(text, tmp_path, lwip_version="2.1.3")
    assert old.profile.lwip_dhcp_does_acd_check == 0
    assert not old.not_emulated


def test_a_name_defined_after_a_condition_is_no_mystery(tmp_path: Path) -> None:
    found = written(
        "#if defined(BOARD_A) && BOARD_A > 2\n#endif\n"
        "#if BOARD_B\n#endif\n"
        "#define HELPER 1\n#if HELPER\n#endif\n",
        tmp_path,
    )
    assert found.assumed == {"BOARD_B": "lwipopts.h:3"}
    assert not found.unknown


CONTRADICTIONS = [
    (
        "#define TCP_WND 70000\n",
        "lwipopts.h:1: If you want to use TCP, TCP_WND must fit in an u16_t, so, you have to reduce it in"
        " your lwipopts.h (or enable window scaling) (TCP_WND=70000, LWIP_WND_SCALE=0; lwIP init.c)",
    ),
    (
        "#define TCP_MSS 1460\n\n#define TCP_SND_BUF TCP_MSS\n",
        "lwipopts.h:3: TCP_SND_BUF must be at least as much as (2 * TCP_MSS) for things to work smoothly"
        " (TCP_SND_BUF=1460, TCP_MSS=1460; lwIP init.c); LWIP_DISABLE_TCP_SANITY_CHECKS=1 allows it"
        " (see lwipopts.h:1)",
    ),
    (
        "#define TCP_SND_BUF (8 * TCP_MSS)\n#define MEMP_NUM_TCP_SEG 16\n",
        "lwipopts.h:2: MEMP_NUM_TCP_SEG should be at least as big as TCP_SND_QUEUELEN (MEMP_NUM_TCP_SEG=16,"
        " TCP_SND_QUEUELEN=32; lwIP init.c); LWIP_DISABLE_TCP_SANITY_CHECKS=1 allows it",
    ),
    (
        "#define LWIP_IGMP 1\n#define MEMP_NUM_IGMP_GROUP 1\n",
        "lwipopts.h:1: If you want to use IGMP, you have to define MEMP_NUM_IGMP_GROUP>1 in your lwipopts.h"
        " (LWIP_IGMP=1, MEMP_NUM_IGMP_GROUP=1; lwIP init.c) (see lwipopts.h:2)",
    ),
]


@pytest.mark.parametrize(("text", "told"), CONTRADICTIONS)
def test_contradictions_are_refused_with_lwip_s_rule_and_its_lines(
    text: str, told: str, tmp_path: Path
) -> None:
    assert refused(text, tmp_path).replace(str(tmp_path) + "/", "") == told


def test_the_rule_can_be_switched_off_as_in_lwip(tmp_path: Path) -> None:
    text = "#define LWIP_DISABLE_TCP_SANITY_CHECKS 1\n#define TCP_MSS 1460\n#define TCP_SND_BUF TCP_MSS\n"
    assert written(text, tmp_path).profile.tcp_snd_buf == 1460


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\n#define TCP_MSS\n", "lwipopts.h:2: TCP_MSS is defined without a value: write a number behind it"),
        ("#define TCP_MSS 1.5\n", "lwipopts.h:1: TCP_MSS is 1.5, which is no number: --set TCP_MSS=VALUE"),
        ('#define TCP_MSS "a"\n', 'lwipopts.h:1: TCP_MSS is "a", which is no number: --set TCP_MSS=VALUE'),
        ("#define TCP_MSS (4 / 0)\n", "lwipopts.h:1: TCP_MSS is (4 / 0), which is no number"),
        ("#define TCP_MSS (8 *\n", "lwipopts.h:1: TCP_MSS is (8 *, which is no number"),
        ("#define TCP_MSS sizeof(int)\n", "lwipopts.h:1: TCP_MSS is sizeof(int), which is no number"),
        ("#define TCP_MSS TCP_WND\n#define TCP_WND TCP_MSS\n", "lwipopts.h:1: TCP_MSS is defined by itself"),
        (
            "#define TCP_MSS (2 * SIZE)\n",
            "lwipopts.h:1: TCP_MSS needs SIZE, which is not defined: give it with",
        ),
        ("#define TCP_MSS 70000\n", "lwipopts.h:1: TCP_MSS=70000: must be 1..65495 (byte)"),
        ("#define TCP_MSS -5\n", "lwipopts.h:1: TCP_MSS=-5: must be 1..65495 (byte)"),
        ("#define MEM_ALIGNMENT 3\n", "lwipopts.h:1: MEM_ALIGNMENT must be a power of two"),
        ("#if\n", "lwipopts.h:1: the preprocessor cannot read this line"),
        ("\n#define\n", "lwipopts.h:2: the preprocessor cannot read this line"),
        ("#if 1\n#define X 1\n", "lwipopts.h:1: Unterminated #if 1"),
        ("#endif\n", "lwipopts.h:1: Misplaced #endif"),
        ("#if 3 / 0\n#endif\n", "lwipopts.h:1: 3 / 0 has no value"),
        ("#include <a.h\n", "lwipopts.h:1: Malformed #include <...>"),
        ("#error too old\n", "lwipopts.h:1: the file refuses: #error too old"),
        ('#include "lwipopts.h"\n', "lwipopts.h:1: included 64 deep: a header that includes itself?"),
        ("#define F(x) x\n#define TCP_MSS F(1, 2)\n", "lwipopts.h:2: "),
    ],
)
def test_mistakes_in_a_header(text: str, told: str, tmp_path: Path) -> None:
    assert refused(text, tmp_path).replace(str(tmp_path) + "/", "").startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "CONFIG_LWIP_TCP_MSS=1460\nwhat is this\n",
            ".config:2: not a setting: 'what is this' (write CONFIG_NAME=VALUE)",
        ),
        (
            "CONFIG_LWIP_TCP_MSS=much\n",
            ".config:1: CONFIG_LWIP_TCP_MSS is 'much': must be y, n, a number or a text in",
        ),
        ("CONFIG_LWIP_TCP_MSS=70000\n", ".config:1: TCP_MSS=70000: must be 1..65495 (byte)"),
        ("CONFIG_LWIP_TCP_WND=70000\n", ".config:1: If you want to use TCP, TCP_WND must fit in an u16_t"),
        (
            "CONFIG_NET_TCP=y\nCONFIG_NET_IPV4=y\n",
            ".config: configures Zephyr's own network stack (CONFIG_NET_...)",
        ),
        (
            "CONFIG_FREERTOS_HZ=1000\n",
            ".config: sets no option of lwIP (CONFIG_LWIP_...): name the file that does",
        ),
        ("hello\n", ".config: neither C (#define TCP_MSS 1460) nor a .config (CONFIG_LWIP_TCP_MSS=1460)"),
        ("", ".config: neither C"),
    ],
)
def test_mistakes_in_a_config(text: str, told: str, tmp_path: Path) -> None:
    assert refused(text, tmp_path, name=".config").startswith(told)


def test_odd_values_of_what_is_not_lwip_s_do_not_matter(tmp_path: Path) -> None:
    text = "CONFIG_CPU_FREQ_40=\nCONFIG_CPU_FREQ=3.5GHz\nCONFIG_LWIP_TCP_MSS=1200\nCONFIG_LWIP_DHCP=\n"
    found = written(text, tmp_path, name=".config")
    assert (found.profile.tcp_mss, found.profile.lwip_dhcp, found.elsewhere) == (1200, 0, 2)


def test_a_config_has_no_macros(tmp_path: Path) -> None:
    assert "leave -I and -D out" in refused("CONFIG_LWIP_TCP_MSS=1460\n", tmp_path, "X=1", name=".config")


def test_names_for_the_profile(tmp_path: Path) -> None:
    (tmp_path / "my board").mkdir()
    assert written("#define TCP_MSS 500\n", tmp_path / "my board").profile.name == "my-board"
    assert written("#define TCP_MSS 500\n", tmp_path, name="opts.h").profile.name == "opts"
    with pytest.raises(ProfileError, match="a file name that cannot be printed: rename it"):
        written("#define TCP_MSS 500\n", tmp_path, name="a\nb.h")
