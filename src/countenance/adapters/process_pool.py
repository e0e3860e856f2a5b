"""Photographs read by a pool of processes, a core each: a file that kills a decoder kills a worker, not the run."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from threading import Thread

from countenance.core.errors import UnavailableError
from countenance.gallery.photographs import Photograph, PhotographTask, RefusedPhotograph, read_photograph
from countenance.vision.decode import ImageLimits
from countenance.vision.ports import FaceAnalyser

AHEAD = 4
"""Photographs under way for each worker: enough to keep it busy, few enough to bound memory."""

MakeAnalyser = Callable[[], FaceAnalyser]

_worker: list[tuple[FaceAnalyser, ImageLimits]] = []
"""What this worker process reads with; empty everywhere else."""


def _start_worker(make_analyser: MakeAnalyser, limits: ImageLimits) -> None:
    """Set a worker process up: its own networks; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    _worker.append((make_analyser(), limits))


def _end_with_parent() -> None:
    """End this process when its parent is gone: a parent that is killed can't tell its workers to stop."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read(task: PhotographTask) -> Photograph | RefusedPhotograph:
    """Read one photograph in a worker process."""
    [(analyser, limits)] = _worker
    return read_photograph(task, analyser, limits)


def _is_ready() -> bool:
    """Answer from a worker that could be set up."""
    return bool(_worker)


class ProcessPoolReader:
    """Implements `PhotographReader` with worker processes."""

    def __init__(self, make_analyser: MakeAnalyser, limits: ImageLimits, *, workers: int) -> None:
        """Remember how to start workers; none is started before the first photograph.

        Args:
            make_analyser: Called once in each worker; picklable; should use one thread.
            workers: Number of processes, at least 1.
        """
        self._make_analyser = make_analyser
        self._limits = limits
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def close(self) -> None:
        """End the workers, after what they have in hand."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def read(self, tasks: Iterable[PhotographTask]) -> Iterator[Photograph | RefusedPhotograph]:
        """See the port."""
        coming = iter(tasks)
        under_way: deque[tuple[PhotographTask, Future[Photograph | RefusedPhotograph]]] = deque()
        while True:
            for task in islice(coming, self._workers * AHEAD - len(under_way)):
                under_way.append((task, self._submit(task)))
            if not under_way:
                return
            task, future = under_way.popleft()
            try:
                yield future.result()
            except BrokenProcessPool:
                yield from self._one_by_one([task, *(other for other, _ in under_way)])
                under_way.clear()

    def _one_by_one(self, tasks: Iterable[PhotographTask]) -> Iterator[Photograph | RefusedPhotograph]:
        """Read photographs alone, after a worker died over one of them, so that only that one is refused."""
        for task in tasks:
            try:
                yield self._submit(task).result()
            except BrokenProcessPool:
                yield RefusedPhotograph(
                    reference=task.reference,
                    code="image-crashed-decoder",
                    message="reading it ended the process that read it",
                    hint="keep the file aside and report it: it may be made to attack image decoders",
                )

    def _submit(self, task: PhotographTask) -> Future[Photograph | RefusedPhotograph]:
        """Hand a photograph to the pool, with a new pool where the last one broke."""
        if self._pool is not None:
            try:
                return self._pool.submit(_read, task)
            except BrokenProcessPool:
                self.close()
        self._pool = self._started()
        return self._pool.submit(_read, task)

    def _started(self) -> ProcessPoolExecutor:
        """Start workers and wait for the first, so that one that can't start is not taken for a bad photograph."""
        pool = ProcessPoolExecutor(
            self._workers,
            mp_context=get_context("spawn"),
            initializer=_start_worker,
            initargs=(self._make_analyser, self._limits),
        )
        try:
            pool.submit(_is_ready).result()
        except BrokenProcessPool:
            pool.shutdown(cancel_futures=True)
            raise UnavailableError(
                "the workers that read photographs don't start",
                code="workers-unavailable",
                hint="check free memory and `countenance models verify`, then try again",
            ) from None
        return pool
