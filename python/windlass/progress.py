"""`dlt.progress`: how a run shows how far it has come."""

import contextlib
import sys
import threading
import time
from typing import Any, Dict, Iterator, List, Optional

from windlass.common.exceptions import choices


class Collector:
    """Shows nothing."""

    #: Seconds between two looks at the engine.
    period = 0.0
    wants_counts = False

    def counts(self, pipeline: Any) -> Optional[Any]:
        """What is told of rows while they are read; `None` if nobody wants to know."""
        return None

    def show(self, pipeline: Any, stage: str, counts: Dict[str, int], is_last: bool) -> None:
        """Shows how far the engine has come."""

    @contextlib.contextmanager
    def watching(self, pipeline: Any, engine: Any, extractions: List[Any]) -> Iterator[None]:
        """Looks at the engine from time to time."""
        if not self.period:
            yield
            return
        done = threading.Event()
        started = time.monotonic()

        def look(is_last: bool) -> None:
            records, size, jobs_done, jobs = engine.progress()
            counts = {"records": records, "bytes": size, "jobs_done": jobs_done, "jobs": jobs}
            counts["seconds"] = int((time.monotonic() - started) * 1000)
            self.show(pipeline, engine.stage(), counts, is_last)

        def watch() -> None:
            while not done.wait(self.period):
                look(False)

        watcher = threading.Thread(target=watch, name="windlass-progress", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()
            look(True)


class LogCollector(Collector):
    """Writes lines."""

    def __init__(
        self,
        log_period: float = 1.0,
        logger: Any = "stdout",
        log_level: int = 20,
        dump_system_stats: bool = True,
    ) -> None:
        self.period = log_period
        self._logger = logger
        self._level = log_level

    def _write(self, text: str) -> None:
        target = self._logger
        if target == "dlt_logger":
            import logging

            target = logging.getLogger("windlass")
        if hasattr(target, "log"):
            target.log(self._level, text)
        else:
            stream = sys.stdout if target == "stdout" else target
            print(text, file=stream, flush=True)

    def show(self, pipeline: Any, stage: str, counts: Dict[str, int], is_last: bool) -> None:
        seconds = counts["seconds"] / 1000
        rate = counts["records"] / seconds if seconds else 0.0
        title = f" {stage.capitalize()} "
        lines = [title.center(80, "-"), f"Rows: {counts['records']}  | Time: {seconds:.2f}s | Rate: {rate:.2f}/s"]
        if counts["jobs"]:
            share = 100 * counts["jobs_done"] / counts["jobs"]
            lines.append(f"Jobs: {counts['jobs_done']}/{counts['jobs']} ({share:.1f}%) | Time: {seconds:.2f}s")
        self._write("\n".join(lines) + "\n")


class TqdmCollector(Collector):
    """Shows a bar, in a terminal or in a notebook."""

    period = 0.1

    def __init__(self, single_bar: bool = False, **options: Any) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError as cause:
            from windlass.common.exceptions import MissingDependencyException

            raise MissingDependencyException(
                "windlass.progress.tqdm", ["tqdm"], msg="progress `tqdm` needs the package tqdm: pip install tqdm"
            ) from cause
        self._tqdm = tqdm
        self._options = options
        self._bar: Any = None

    def show(self, pipeline: Any, stage: str, counts: Dict[str, int], is_last: bool) -> None:
        if self._bar is None:
            self._bar = self._tqdm(unit="row", **self._options)
        self._bar.set_description(stage or pipeline.pipeline_name)
        self._bar.update(counts["records"] - self._bar.n)
        if is_last:
            self._bar.close()
            self._bar = None


def log(
    log_period: float = 1.0, logger: Any = "stdout", log_level: int = 20, dump_system_stats: bool = True
) -> LogCollector:
    """Writes a few lines each period."""
    return LogCollector(log_period, logger, log_level, dump_system_stats)


def tqdm(single_bar: bool = False, **options: Any) -> TqdmCollector:
    """Shows a bar by the package tqdm."""
    return TqdmCollector(single_bar, **options)


def enlighten(single_bar: bool = False, **options: Any) -> Collector:
    """Not there yet."""
    raise NotImplementedError("windlass has no progress `enlighten` (yet): use `tqdm` or `log`")


def alive_progress(single_bar: bool = True, **options: Any) -> Collector:
    """Not there yet."""
    raise NotImplementedError("windlass has no progress `alive_progress` (yet): use `tqdm` or `log`")


def collector_of(value: Any) -> Collector:
    """The collector that an argument names."""
    if value is None or isinstance(value, Collector):
        return value or Collector()
    names = {"log": log, "tqdm": tqdm, "enlighten": enlighten, "alive_progress": alive_progress}
    if value in names:
        return names[value]()  # type: ignore[operator]
    raise ValueError(f"there is no progress `{value}`: {choices(value, list(names))}")
