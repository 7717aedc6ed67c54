"""The trace language of recorded lwIP runs (``.pkt`` files): parse, print, replay, compare."""
