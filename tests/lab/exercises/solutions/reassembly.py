"""Exercise "reassembly", solved."""

MASK = 0xFFFFFFFF


def distance(start, seq):
    """How far ``seq`` is ahead of ``start``, negative when it is behind."""
    ahead = (seq - start) & MASK
    return ahead - (1 << 32) if ahead >> 31 else ahead


class ReassemblyQueue:
    def __init__(self, capacity):
        self.capacity = capacity
        self.blocks = []  # (seq, data), in the order of the stream, never overlapping

    def insert(self, seq, data, rcv_nxt):
        start = distance(rcv_nxt, seq)
        end = start + len(data)
        blocks = []
        for left, kept in self.blocks:
            begin = distance(rcv_nxt, left)
            if begin + len(kept) <= start or end <= begin:
                blocks.append((left, kept))
                continue
            if begin < start:  # what stands out at the left
                blocks.append((left, kept[: start - begin]))
            if begin + len(kept) > end:  # and at the right
                cut = end - begin
                blocks.append(((left + cut) & MASK, kept[cut:]))
        blocks.append((seq, data))
        blocks.sort(key=lambda block: distance(rcv_nxt, block[0]))
        room = self.capacity
        self.blocks = []
        for left, kept in blocks:
            kept = kept[:room]
            room -= len(kept)
            if kept:
                self.blocks.append((left, kept))

    def take(self, rcv_nxt):
        taken = b""
        rest = []
        for left, kept in self.blocks:
            begin = distance(rcv_nxt, left)
            if begin <= len(taken):
                taken += kept[len(taken) - begin :]
            else:
                rest.append((left, kept))
        self.blocks = rest
        return taken

    def ranges(self):
        found = []
        for left, kept in self.blocks:
            right = (left + len(kept)) & MASK
            if found and found[-1][1] == left:
                found[-1] = (found[-1][0], right)
            else:
                found.append((left, right))
        return found
