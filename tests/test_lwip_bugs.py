"""Where real lwIP 2.2.1 stops at an assertion or corrupts its memory, the device goes on as a build without
assertions would.

``tests/data/lwip-bugs`` holds the stimuli that show each bug; none may raise here, in any profile, and the
one that silently corrupts the stream must do so here, too.
"""

from pathlib import Path

import pytest
from click.testing import CliRunner

from lab.replay_command import replay

TESTS = Path(__file__).parent
STIMULI = sorted((TESTS / "data" / "lwip-bugs").glob("*.stim"))


def run(tmp_path: Path, profile: str, stimulus: Path) -> str:
    """Run the stimulus on a device of ``profile``; returns the transcript."""
    folder = tmp_path / profile
    folder.mkdir()
    options = TESTS / "golden" / f"{profile}.options"
    if options.exists():  # else it is the profile of that name
        (tmp_path / f"{profile}.options").write_text(options.read_text())
    script = folder / f"{stimulus.stem}.pkt"
    text = stimulus.read_text()
    if "`end`" not in text:
        text += "900.000 `end`\n"
    script.write_text(f"--profile={profile}\n" + text)
    result = CliRunner().invoke(replay, [str(script), "--emit", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    (transcript,) = (tmp_path / "out").rglob("*.pkt")
    return transcript.read_text()


@pytest.mark.parametrize("profile", ["lwip-default", "micropython", "esp-like", "full", "strict"])
@pytest.mark.parametrize("stimulus", STIMULI, ids=lambda path: path.stem)
def test_the_device_survives(tmp_path: Path, profile: str, stimulus: Path) -> None:
    assert "%{end " in run(tmp_path, profile, stimulus)


def test_a_held_back_fast_retransmission_takes_in_new_bytes(tmp_path: Path) -> None:
    """Bytes 81 to 100 of the stream are appended to the segment 1:21 that is sent again: lwIP's silent
    corruption.
    """
    stimulus = next(path for path in STIMULI if path.stem.startswith("4_"))
    assert "0.400 > 80 > 40000 P. 1:41(40) ack 11 win 6390" in run(tmp_path, "micropython", stimulus)


def test_the_strict_profile_keeps_the_stream_whole(tmp_path: Path) -> None:
    """Without quirk resent_segment_extended the new bytes are a segment of their own, behind all others."""
    stimulus = next(path for path in STIMULI if path.stem.startswith("4_"))
    sent = [line for line in run(tmp_path, "strict", stimulus).splitlines() if line.startswith("0.400 >")]
    assert [line.split()[6] for line in sent] == ["1:21(20)", "81:101(20)"]
