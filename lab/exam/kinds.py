"""The kinds of exam questions. Each takes a stream of random numbers and returns a question."""

from __future__ import annotations

from collections.abc import Callable

from lab.exam.scene import Question, Scene, question, seconds
from lab.exercises.rto import Rfc6298
from netstack.tcp.header import ACK, FIN, PSH, RST, SYN
from tap.clock import MS
from tap.streams import Stream

MASK = 0xFFFFFFFF
NOTHING = "nothing"


def retransmission_times(chance: Stream) -> Question:
    """When a lost segment is sent again."""
    idle, size = chance.between(300, 2200), chance.between(100, 900)

    def play(scene: Scene) -> str:
        scene.begin()
        scene.run(idle)
        scene.peer.drops = lambda seen: True
        scene.write(size)
        scene.notes.update(rto=scene.pcb.rto, ticks=scene.ticks(slow=True))
        scene.ask()
        scene.run(60_000)
        return ", ".join(seconds(step.time) for step in scene.sent()[:3])

    return question(
        "Retransmission",
        "Every segment of the device is lost from here on. lwIP counts the time-out in slow ticks: rtime is "
        "0 when the segment is sent, each slow tick adds 1, and the segment is sent again at the tick at "
        "which rtime reaches rto, which is {rto} now; the n-th time-out is 2**n times as long. Slow ticks "
        "come at {ticks}, every 0.5 s.",
        "At which times is the segment sent again, the first three times?",
        "The {rto}th slow tick after the first transmission is the first time-out; each further one waits "
        "twice as many ticks (RFC 6298 5.5; tcp_slowtmr). The first tick comes early, so the first time-out "
        "is up to one tick shorter than rto says.",
        play,
    )


def next_segment(chance: Stream) -> Question:
    """The third duplicate ACK."""
    grown, flight = chance.between(3, 6), chance.between(5, 7)

    def play(scene: Scene) -> str:
        scene.begin()
        scene.write(grown * 1000)
        for i in range(grown):
            scene.peer.ack(1 + 1000 * (i + 1))
            scene.run(1)
        first = 1 + grown * 1000
        scene.peer.drops = lambda seen: seen.seq == first
        scene.write(flight * 1000)
        scene.run(1)
        scene.peer.drops = None
        for _ in range(2):
            scene.peer.ack(first)
            scene.run(1)
        scene.notes.update(cwnd=scene.pcb.cwnd, ssthresh=scene.pcb.ssthresh, flight=flight * 1000)
        scene.ask()
        scene.peer.ack(first)
        scene.run(1)
        sent = scene.sent()
        what = sent[0].text.split(" ack ")[0] if sent else NOTHING
        return f"it sends {what}; ssthresh {scene.pcb.ssthresh}, cwnd {scene.pcb.cwnd}"

    return question(
        "Fast retransmit",
        "A segment is lost. The MSS is 1000; cwnd is {cwnd}, ssthresh {ssthresh}, {flight} bytes are in "
        "flight. Now a third duplicate ACK comes.",
        "What does the device send, and what are ssthresh and cwnd then?",
        "The third duplicate has the first unacknowledged segment sent again at once. ssthresh is half of "
        "what is in flight, at least two segments (lwIP: half of the smaller of cwnd and the peer's window), "
        "cwnd that and three segments (RFC 5681 3.2; tcp_rexmit_fast).",
        play,
    )


def slow_start(chance: Stream) -> Question:
    """cwnd, ACK by ACK."""
    mss = (536, 1000, 1460)[chance.below(3)]
    steps = [chance.between(1, 2) for _ in range(4)]

    def play(scene: Scene) -> str:
        scene.begin(mss=mss)
        scene.write(16 * mss)
        scene.run(1)
        scene.notes.update(cwnd=scene.pcb.cwnd)
        scene.ask()
        found, at = [], 1
        for step in steps:
            at += step * mss
            scene.peer.ack(at)
            scene.run(1)
            found.append(str(scene.pcb.cwnd))
        return ", ".join(found)

    each = ", ".join(f"{step} segment{'s' * (step > 1)}" for step in steps)
    return question(
        "Slow start",
        f"The MSS is {mss}, the connection new: cwnd is {{cwnd}}, ssthresh far away. The program has written "
        f"{16 * mss} bytes. Four ACKs follow, which acknowledge {each}.",
        "What is cwnd after each of them?",
        "Slow start adds what was acknowledged: up to one MSS for an ACK in RFC 5681 3.1, up to two in lwIP, "
        "which counts bytes as RFC 3465 does (tcp_receive).",
        play,
    )


def round_trip_times(chance: Stream) -> Question:
    """RTO from measurements, on a coarse tick."""
    times = [chance.between(4, 30) * 50, chance.between(20, 40) * 50, chance.between(4, 30) * 50]

    def play(scene: Scene) -> str:
        scene.begin()
        scene.run(1300)
        model, found = Rfc6298(500), []
        scene.notes.update(sa=scene.pcb.sa, sv=scene.pcb.sv, ticks="")
        for number, time in enumerate(times):
            if not number:
                scene.write(1000)
                scene.notes["ticks"] = scene.ticks(slow=True)
                scene.ask()
            else:
                scene.write(1000)
            scene.run(time)
            scene.peer.ack()
            scene.run(1)
            model.sample(time)
            found.append(f"{model.rto:.0f} ms" if scene.strict else f"{scene.pcb.rto} ticks")
        return ", ".join(found)

    return question(
        "RTT and RTO",
        "The device sends three segments, each when the one before is acknowledged, 1 ms later; they are "
        f"acknowledged after {times[0]}, {times[1]} and {times[2]} ms. lwIP measures whole slow ticks, which "
        "come at {ticks}, every 0.5 s; before, sa is {sa} and sv {sv}. For m ticks: m -= sa >> 3, sa += m; "
        "|m| - (sv >> 2) is added to sv; rto = (sa >> 3) + sv. For the RFC nothing has been measured "
        "before, G is 500 ms.",
        "What is the time-out after each acknowledgement, in lwIP (ticks) and by RFC 6298 (ms)?",
        "lwIP counts the ticks between sending and acknowledgement, and 8 * SRTT and 4 * RTTVAR in ticks. "
        "RFC 6298 2.2: SRTT = R, RTTVAR = R/2; 2.3: RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R|, SRTT = 7/8 SRTT + "
        "1/8 R; RTO = SRTT + max(G, 4 RTTVAR), at least 1 s.",
        play,
        points=8,
    )


def announced_window(chance: Stream) -> Question:
    """What an ACK announces, and when the window opens again."""
    mss = chance.between(8, 14) * 100
    count = chance.between(3, 4)
    begun = chance.between(1, mss // 100 - 1) * 100
    reads = [begun, mss - begun, chance.between(1, mss // 100 - 1) * 100]

    def play(scene: Scene) -> str:
        scene.begin(mss=mss)
        scene.ask()
        for i in range(count):
            scene.peer.data(1 + i * mss, bytes(mss))
            scene.run(1)
        scene.run(300)
        found = [f"win {scene.peer.got[-1].window}"]
        for size in reads:
            before = len(scene.peer.got)
            scene.read(size)
            scene.run(1)
            found.append(", ".join(f"win {seen.window}" for seen in scene.peer.got[before:]) or NOTHING)
        return "; ".join(found)

    return question(
        "The receive window",
        f"The device's buffer (TCP_WND) has {4 * mss} bytes, its MSS is {mss}; TCP_WND_UPDATE_THRESHOLD is a "
        f"quarter of the buffer, {mss}. {count} full segments come, 1 ms apart, and all is acknowledged "
        f"within 0.3 s. Then the program reads {reads[0]} bytes, {reads[1]} bytes, and {reads[2]} bytes.",
        "Which window does the last acknowledgement announce? What is sent after each read?",
        "What lies unread is missing in the window. It is announced anew only when the right edge can move "
        "by one MSS or half of the buffer (RFC 9293 3.8.6.2.2; tcp_update_rcv_ann_wnd), and an ACK of its "
        "own is sent when it moves by the threshold or more (tcp_recved).",
        play,
        tcp_wnd=4 * mss,
        tcp_mss=mss,
    )


_CLOSINGS: tuple[tuple[str, ...], ...] = (
    ("close", "ack", "fin"),
    ("close", "fin", "ack"),
    ("close", "ack+fin"),
    ("fin", "close", "ack"),
    ("close", "rst"),
    ("fin", "close", "rst"),
)
_EVENTS = {
    "close": "the device's program closes its socket",
    "ack": "the peer acknowledges the device's FIN",
    "fin": "the peer sends a FIN that acknowledges no FIN",
    "ack+fin": "the peer sends a FIN that acknowledges the device's FIN, too",
    "rst": "the peer sends a RST with the sequence number that is expected next",
}


def states(chance: Stream) -> Question:
    """The state after each event of an ending."""
    events = _CLOSINGS[chance.below(len(_CLOSINGS))]
    size = chance.between(100, 900)

    def play(scene: Scene) -> str:
        scene.begin()
        scene.write(size)
        scene.run(1)
        scene.peer.ack()
        scene.run(400)
        scene.ask()
        found, finished = [], 0
        for event in events:
            if event == "close":
                scene.hang_up()
                scene.run(1)
            elif event == "rst":
                scene.peer.segment(RST, 1 + finished)
            else:
                fin = "fin" in event
                seen = 1 + size + ("ack" in event)
                scene.peer.segment(ACK | (FIN if fin else 0), 1 + finished, ack=seen)
                finished += fin
            scene.run(1)
            found.append(scene.state)
        return ", ".join(found)

    story = "; ".join(f"({letter}) {_EVENTS[event]}" for letter, event in zip("abc", events, strict=False))
    return question(
        "States",
        f"The connection is ESTABLISHED, all {size} bytes that the device has sent are acknowledged. Then: "
        f"{story}.",
        "Which state is the device in after each of these?",
        "RFC 9293 3.3.2, figure 5, and 3.10.7.4: who closes first goes through FIN-WAIT, and waits in "
        "TIME-WAIT at the end; FINs that cross make it CLOSING; who closes second goes from CLOSE-WAIT to "
        "LAST-ACK. A RST at RCV.NXT ends every state (tcp_process).",
        play,
    )


def odd_segments(chance: Stream) -> Question:
    """What a segment that does not fit is answered with."""
    before = chance.between(2, 6) * 100
    offset = chance.between(2, 20) * 100
    now = 1 + before
    kinds: tuple[tuple[str, Callable[[Scene], None]], ...] = (
        (f"a RST with sequence number {now + offset}", lambda s: s.peer.segment(RST, now + offset)),
        (f"a SYN with sequence number {now + offset}", lambda s: s.peer.segment(SYN, now + offset)),
        (
            f"an ACK of byte {offset}, which was never sent",
            lambda s: s.peer.segment(ACK, now, ack=1 + offset),
        ),
        (
            f"100 bytes with sequence number {now} and no ACK flag",
            lambda s: s.peer.segment(PSH, now, bytes(100)),
        ),
        (f"the bytes 1:{1 + before} once more", lambda s: s.peer.data(1, bytes(before))),
        (f"100 bytes with sequence number {now + 30_000}", lambda s: s.peer.data(now + 30_000, bytes(100))),
        (f"a RST with sequence number {now}", lambda s: s.peer.segment(RST, now)),
    )
    what, send = kinds[chance.below(len(kinds))]

    def play(scene: Scene) -> str:
        scene.begin()
        scene.peer.data(1, bytes(before))
        scene.run(1)
        scene.read(before)
        scene.run(600)
        scene.ask()
        send(scene)
        scene.run(600)
        sent = [step.text.split(" win ")[0] for step in scene.sent()]
        return f"{' and '.join(sent) or NOTHING}; it is {scene.state}"

    return question(
        "A segment that does not fit",
        f"The connection is established, {before} bytes have come and were read; the window is larger than "
        f"20,000 bytes, smaller than 24,000. Now this comes: {what}.",
        "What does the device answer within the next half second, and which state is it in then?",
        "RFC 9293 3.10.7.4: what is not acceptable is dropped and answered by an ACK; RFC 5961 3 and 4: a "
        "RST counts only at RCV.NXT exactly, and a SYN never: both draw a challenge ACK otherwise. Data "
        "without ACK flag is dropped without a word, but lwIP takes it.",
        play,
    )


def delayed_acks(chance: Stream) -> Question:
    """When data is acknowledged."""
    idle, gap = chance.between(300, 900), chance.between(5, 60)
    count = chance.between(2, 4)

    def play(scene: Scene) -> str:
        scene.begin()
        scene.run(idle)
        scene.peer.data(1, bytes(500))
        scene.run(0.001)
        scene.notes.update(ticks=scene.ticks(slow=False))
        scene.ask()
        for i in range(1, count):
            scene.run(gap)
            scene.peer.data(1 + 500 * i, bytes(500))
        scene.run(900)
        return ", ".join(f"ack {seen.ack} at {seconds(seen.time)}" for seen in scene.peer.got[1:])

    return question(
        "Delayed acknowledgements",
        f"The first of {count} segments of 500 bytes has just come; the others follow, {gap} ms apart. The "
        "device has "
        "nothing to send. Fast ticks come at {ticks}, every 0.25 s.",
        "When is what acknowledged?",
        "lwIP acknowledges every second segment at once and what is left at the next fast tick, so after up "
        "to 250 ms (RFC 9293 3.8.6.3 allows 0.5 s; tcp_fasttmr).",
        play,
    )


def wrapped_numbers(chance: Stream) -> Question:
    """Acknowledgement numbers across 2**32, out of order."""
    size = chance.between(2, 9) * 100
    iss = -size * chance.between(1, 3) - chance.between(1, 99) & MASK
    order = ((0, 2, 3, 1), (1, 0, 3, 2), (1, 2, 0, 3), (2, 1, 0, 3))[chance.below(4)]

    def play(scene: Scene) -> str:
        scene.begin(iss=iss)
        scene.ask()
        before = len(scene.peer.got)
        found = []
        for i in order:
            at = len(scene.peer.got)
            scene.peer.data(1 + i * size, bytes(size))
            scene.run(300)
            found.append(" and ".join(str(iss + seen.ack & MASK) for seen in scene.peer.got[at:]) or NOTHING)
        assert len(scene.peer.got) > before
        return "; ".join(found)

    arrivals = ", ".join(f"{iss + 1 + i * size & MASK}" for i in order)
    return question(
        "Numbers that wrap",
        f"The peer's SYN has the sequence number {iss} (the ladder counts from it). Four segments of {size} "
        f"bytes come, 300 ms apart, in this order: {arrivals}.",
        "Which acknowledgement numbers does the device send for each, as they stand in the header?",
        "The SYN takes one number. All arithmetic is modulo 2**32 = 4294967296 (RFC 9293 3.4). What is out "
        "of order is kept and answered at once by an ACK of what is still missing; who fills the hole has "
        "all of it acknowledged.",
        play,
    )


def zero_window(chance: Stream) -> Question:
    """Probes into a closed window."""
    idle, size = chance.between(200, 900), chance.between(200, 900)

    def play(scene: Scene) -> str:
        scene.begin()
        scene.write(100)
        scene.run(idle)
        scene.peer.window = 0
        scene.peer.ack()
        scene.run(10)
        scene.write(size)
        scene.notes.update(ticks=scene.ticks(slow=True))
        scene.ask()
        scene.run(25_000)
        sent = scene.sent()
        return ", ".join(seconds(step.time) for step in sent[:3]) + f"; {sent[0].text.split(' ack ')[0]}"

    return question(
        "A closed window",
        f"The peer has closed its window and says no more; the program writes {size} bytes. The persist "
        "timer of "
        "lwIP counts slow ticks, 3 for the first probe, then 6, 12 and so on; they come at {ticks}, every "
        "0.5 s.",
        "When are the first three probes sent, and which sequence numbers does the first one carry?",
        "Into a closed window goes one byte, the next one of the stream, at growing intervals (RFC 9293 "
        "3.8.6.1; tcp_slowtmr, tcp_zero_window_probe).",
        play,
    )


def nagle(chance: Stream) -> Question:
    """What small writes become."""
    writes = [chance.between(20, 300) for _ in range(4)]
    after = chance.between(3, 9) * 10

    def play(scene: Scene) -> str:
        scene.begin()
        scene.run(100)
        scene.ask()
        start = scene.now
        for size in writes:
            scene.write(size)
            scene.run(1)
        scene.run(after)
        scene.peer.ack()
        scene.run(1)
        scene.run(after)
        scene.peer.ack()
        scene.run(1)
        times = [(step.text.split(" ack ")[0], step.time - start) for step in scene.sent()]
        return "; ".join(f"{text} after {time // MS} ms" for text, time in times)

    return question(
        "Nagle",
        f"The MSS is 1000, nothing is in flight. The program writes {', '.join(map(str, writes))} bytes, 1 "
        f"ms apart. The peer acknowledges everything it has {after + 4} ms after the first write, and again "
        f"{after + 1} ms later.",
        "Which segments does the device send, and when?",
        "While something is unacknowledged, less than a full segment waits (RFC 9293 3.7.4, RFC 896); what "
        "has been written meanwhile goes out together when the ACK comes (tcp_do_output_nagle).",
        play,
    )


KINDS: tuple[Callable[[Stream], Question], ...] = (
    retransmission_times,
    next_segment,
    slow_start,
    round_trip_times,
    announced_window,
    states,
    odd_segments,
    delayed_acks,
    wrapped_numbers,
    zero_window,
    nagle,
)
