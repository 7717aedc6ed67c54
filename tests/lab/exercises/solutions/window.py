"""Exercise "window", solved."""


class ReceiveWindow:
    def __init__(self, size, mss):
        self.free = size
        self.announced = size
        self.step = min(mss, size // 2)

    def on_data(self, length):
        self.free -= length
        self.announced = max(self.announced - length, 0)

    def on_read(self, length):
        self.free += length
        before = self.announced
        return self.window() > before and before < self.step

    def window(self):
        if self.free - self.announced >= self.step:
            self.announced = self.free
        return self.announced
