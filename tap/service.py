"""The opt-in service thread: keeps the devices of a real clock answering while the program computes or
sleeps.

It leads (``tap.driver``) only while no program does. A program that blocks takes the lead from it, since a
call that drives the stack itself is quicker than one that waits for another thread; and for some milliseconds
after that the thread keeps out of the way, so that a program's blocking calls in a row cost no thread
switches. Nothing wakes up while nothing happens.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap.driver import Driver

QUIET = 0.005  # s without a blocking call after which the thread takes the lead


class Service:
    """The service thread of one driver; it starts at once."""

    def __init__(self, driver: Driver) -> None:
        if driver.clock.virtual:
            raise ValueError("virtual time passes only while the program waits: no service thread is needed")
        self._driver = driver
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="netstack service", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait until it has ended. Called without the lock."""
        with self._driver.lock:
            self._stopping = True
            self._driver.idle.notify_all()
            self._driver.kick()
        self._thread.join()
        self._driver.failure = None

    def _run(self) -> None:
        driver = self._driver
        with driver.lock:
            try:
                while not self._stopping:
                    self._serve()
            except BaseException as error:  # the waiting programs get it
                driver.failure = error
            finally:
                driver.service_leads = False

    def _serve(self) -> None:
        driver = self._driver
        turns = driver.turns
        driver.idle.wait(QUIET)
        if self._stopping or driver.turns != turns:
            return
        if driver.leading:  # for long: sleep until it leaves
            driver.service_parked = True
            driver.idle.wait()
            driver.service_parked = False
        elif not driver.followers:
            driver.service_leads = True
            driver.lead(None, self._make_room, None, "the service thread")
            driver.service_leads = False

    def _make_room(self) -> bool:
        return self._stopping or self._driver.followers > 0
