"""Pipes: a generator and the steps behind it; and running many of them at once."""

import contextvars
import inspect
import threading
import types
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, NamedTuple, NoReturn, Optional, Tuple

from windlass.extract.context import PIPE
from windlass.extract.exceptions import (
    DltSourceException,
    ExtractorException,
    InvalidResourceDataTypeIsNone,
    PipeException,
    ResourceExtractionError,
)
from windlass.extract.frames import is_lazy
from windlass.extract.incremental import Incremental
from windlass.extract.items import (
    DataItemWithMeta,
    FilterItem,
    ItemTransform,
    LimitItem,
    MapItem,
    ValidateItem,
    is_frame,
)
from windlass.extract.unread import UnreadRows
from windlass.common.exceptions import DltException


if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future, ThreadPoolExecutor


class Pipe:
    """A generator, or a function of a parent's items, and the steps behind it."""

    def __init__(self, name: str, gen: Any = None, parent: Optional["Pipe"] = None) -> None:
        self.name = name
        self.gen = gen
        self.steps: List[ItemTransform] = []
        self.parent = parent
        self.is_parallel = False

    @property
    def is_transformer(self) -> bool:
        """Whether it takes the items of another pipe."""
        return self.parent is not None

    def append(self, step: ItemTransform) -> None:
        """Adds a step behind the last one whose place is not behind its own."""
        place = len(self.steps)
        while place > 0 and self.steps[place - 1].placement_affinity > step.placement_affinity:
            place -= 1
        self.steps.insert(place, step)

    def insert(self, step: ItemTransform, at: Optional[int]) -> None:
        """Adds a step at a place; the generator itself is at 0."""
        if at is None:
            self.append(step)
        elif at == 0:
            raise PipeException(self.name, f"a step cannot stand before the generator of `{self.name}`")
        else:
            self.steps.insert(at - 1 if at > 0 else at, step)

    def find(self, kind: type) -> Optional[ItemTransform]:
        """The first step of a kind."""
        return next((step for step in self.steps if isinstance(step, kind)), None)

    def replace(self, kind: type, step: Optional[ItemTransform]) -> None:
        """Puts a step in place of the one of its kind."""
        self.steps = [known for known in self.steps if not isinstance(known, kind)]
        if step is not None:
            self.append(step)

    def clone(self, name: Optional[str] = None) -> "Pipe":
        """The same pipe with its own list of steps."""
        fresh = Pipe(name or self.name, self.gen, self.parent)
        fresh.steps = list(self.steps)
        fresh.is_parallel = self.is_parallel
        return fresh


class ExtractSettings(NamedTuple):
    """How pipes are run."""

    max_parallel_items: int = 20
    workers: int = 5
    futures_poll_interval: float = 0.01
    copy_on_fork: bool = False
    next_item_mode: str = "round_robin"


class _Open:
    """A pipe in one run: its steps, and who takes its items."""

    __slots__ = ("pipe", "steps", "children", "is_emitted", "closers", "function", "has_steps", "stoppers")

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self.steps: List[ItemTransform] = []
        self.children: List["_Open"] = []
        self.is_emitted = False
        self.function: Optional[Callable[..., Any]] = None
        self.stoppers: List[Any] = []


class _Source:
    """A generator that items are pulled from."""

    __slots__ = ("iterator", "step", "open", "meta", "is_root", "is_busy")

    def __init__(self, iterator: Any, step: int, opened: _Open, meta: Any, is_root: bool) -> None:
        self.iterator = iterator
        self.step = step
        self.open = opened
        self.meta = meta
        self.is_root = is_root
        self.is_busy = False


_NOTHING = object()

#: Steps that treat a list row by row, so that rows may come in lists.
_BY_ROW = (MapItem, FilterItem, ValidateItem, Incremental)

#: Rows of a list that are handed on at once.
_LIST_ROWS = 5000


class PipeIterator:
    """Runs pipes and gives `(pipe, item, meta)` for each item that reached the end of its own."""

    def __init__(self, roots: List[_Open], settings: ExtractSettings, functions: Callable[[Pipe], Any]) -> None:
        self._settings = settings
        self._functions = functions
        self._sources: List[_Source] = []
        self._initial = 0
        self._index = 0
        self._pool: "Optional[ThreadPoolExecutor]" = None
        self._loop: "Optional[asyncio.AbstractEventLoop]" = None
        self._loop_thread: Optional[threading.Thread] = None
        self._futures: Dict["Future[Any]", Tuple[_Open, int, Any, Optional[_Source]]] = {}
        self._roots = roots

    def __iter__(self) -> Iterator[Tuple[Pipe, Any, Any]]:
        try:
            self._start()
            if len(self._sources) == 1 and not self._sources[0].open.children:
                yield from self._run_one()
            yield from self._run()
        finally:
            self.close()

    def _start(self) -> None:
        for opened in reversed(self._roots):
            limit = opened.pipe.find(LimitItem)
            if limit is not None and limit.max_items == 0:  # type: ignore[attr-defined]
                continue
            data = self._bind(opened)
            try:
                iterator = _iterator(opened, data)
            except Exception as cause:
                _raise(opened.pipe, opened.pipe.gen, cause, "generator")
            self._sources.append(_Source(iterator, 0, opened, None, True))
        self._initial = len(self._sources)

    def _bind(self, opened: _Open) -> Any:
        """Calls the function of a pipe and opens its steps; gives what the function gave."""
        pipe = opened.pipe
        PIPE.set(pipe)
        try:
            data = self._functions(pipe)
        except Exception as cause:
            _raise(pipe, pipe.gen, cause, "generator")
        # The function may have brought a cursor, which is a step.
        opened.steps = [step.bind(pipe) for step in pipe.steps]
        if pipe.parent is None:
            opened.stoppers = [step for step in opened.steps if hasattr(step, "is_done")]
        for child in opened.children:
            child.function = self._bind(child)
        return data

    # -- one generator after which nothing else comes: no scheduling

    def _run_one(self) -> Iterator[Tuple[Pipe, Any, Any]]:
        source = self._sources[0]
        opened, iterator = source.open, source.iterator
        pipe = opened.pipe
        if not isinstance(iterator, types.GeneratorType) and not hasattr(iterator, "__next__"):
            return
        PIPE.set(pipe)
        while True:
            try:
                item = next(iterator)
            except StopIteration:
                self._sources.clear()
                return
            except Exception as cause:
                _raise(pipe, pipe.gen, cause, "generator")
            kind = type(item)
            if not opened.steps and (kind is dict or kind is list):
                yield pipe, item, None
                continue
            # Whatever is special takes the general way.
            pending = self._advance(opened, item, 0, None, source)
            yield from pending
            PIPE.set(pipe)
            if not self._sources or len(self._sources) > 1 or self._futures or source.is_busy:
                return

    # -- many at once

    def _run(self) -> Iterator[Tuple[Pipe, Any, Any]]:
        while self._sources or self._futures:
            done = self._finished()
            if done is not None:
                yield from self._settle(done)
                continue
            pulled = self._pull()
            if pulled is not None:
                source, item = pulled
                yield from self._advance(source.open, item, source.step, source.meta, source)
                continue
            if self._futures:
                from concurrent.futures import FIRST_COMPLETED, wait

                wait(list(self._futures), timeout=self._settings.futures_poll_interval, return_when=FIRST_COMPLETED)

    def _finished(self) -> Optional["Future[Any]"]:
        for future in self._futures:
            if future.done():
                return future
        return None

    def _settle(self, future: "Future[Any]") -> Iterator[Tuple[Pipe, Any, Any]]:
        opened, step, meta, source = self._futures.pop(future)
        if source is not None:
            source.is_busy = False
        try:
            item = future.result()
        except (StopIteration, StopAsyncIteration):
            item = _NOTHING
        except Exception as cause:
            _raise(opened.pipe, opened.pipe.gen, cause, "future")
        if item is _NOTHING:
            if source is not None and source in self._sources:
                self._remove(source)
            return
        yield from self._advance(opened, item, step, meta, source)

    def _pull(self) -> Optional[Tuple[_Source, Any]]:
        for _ in range(len(self._sources)):
            if not self._sources:
                return None
            more = len(self._sources) - self._initial
            if self._settings.next_item_mode == "fifo" or more >= self._settings.max_parallel_items:
                self._index = len(self._sources) - 1
            else:
                self._index = (self._index - 1) % len(self._sources)
            source = self._sources[self._index]
            if source.is_busy:
                if self._settings.next_item_mode == "fifo":
                    return None
                continue
            PIPE.set(source.open.pipe)
            try:
                item = next(source.iterator)
            except StopIteration:
                self._remove(source)
                return self._pull()
            except Exception as cause:
                pipe = source.open.pipe
                _raise(pipe, pipe.gen if source.step == 0 else source.iterator, cause, "generator")
            return source, item
        return None

    def _remove(self, source: _Source) -> None:
        at = self._sources.index(source)
        del self._sources[at]
        if source.is_root:
            self._initial -= 1
        if self._index > at:
            self._index -= 1

    def _stop(self, opened: _Open) -> None:
        """Ends the generator of a pipe that wants no more items."""
        for source in [source for source in self._sources if source.open is opened and source.is_root]:
            self._remove(source)
            _close(source.iterator)

    def _advance(
        self, opened: _Open, item: Any, step: int, meta: Any, source: Optional[_Source] = None
    ) -> Iterator[Tuple[Pipe, Any, Any]]:
        """Takes an item through the steps from `step` on."""
        pipe = opened.pipe
        while True:
            if isinstance(item, DataItemWithMeta):
                meta, item = item.meta, item.data
            if item is None:
                return
            kind = type(item)
            if kind is UnreadRows and (step < len(opened.steps) or opened.children):
                item = item.to_list()
            elif kind is not dict and kind is not list:
                if is_lazy(item):
                    item = item.collect()
                if isinstance(item, _NextCall):
                    self._submit(item, opened, step, meta, source)
                    return
                if isinstance(item, types.GeneratorType) or (
                    hasattr(item, "__next__") and not hasattr(item, "__arrow_c_stream__")
                ):
                    self._sources.append(_Source(item, step, opened, meta, False))
                    return
                if hasattr(item, "__anext__"):
                    self._sources.append(_Source(_async_calls(item), step, opened, meta, False))
                    return
                if inspect.isawaitable(item) or (callable(item) and _is_deferred(item)):
                    self._submit(item, opened, step, meta, None)
                    return
            if step >= len(opened.steps):
                break
            PIPE.set(pipe)
            current = opened.steps[step]
            try:
                item = current(item, meta)
            except Exception as cause:
                _raise(pipe, getattr(current, "_f", current), cause, "transform")
            step += 1
            if getattr(current, "is_done", False) and current in opened.stoppers:
                self._stop(opened)
        if opened.is_emitted:
            yield pipe, item, meta
        for position, child in enumerate(opened.children):
            if position > 0 and self._settings.copy_on_fork:
                import copy

                item = copy.copy(item)
            yield from self._transform(child, item, meta)

    def _transform(self, child: _Open, item: Any, meta: Any) -> Iterator[Tuple[Pipe, Any, Any]]:
        """Hands an item of the parent to a transformer."""
        PIPE.set(child.pipe)
        function = child.function
        assert function is not None
        if child.pipe.is_parallel and not inspect.isgeneratorfunction(getattr(function, "original", function)):
            self._submit(_Deferred(lambda: function(item, meta)), child, 0, meta, None)
            return
        try:
            result = function(item, meta)
        except Exception as cause:
            _raise(child.pipe, child.pipe.gen, cause, "transform")
        if child.pipe.is_parallel and hasattr(result, "__next__"):
            result = _parallel_calls(result)
        yield from self._advance(child, result, 0, None if result is None else meta)

    # -- work elsewhere

    def _submit(self, work: Any, opened: _Open, step: int, meta: Any, source: Optional[_Source]) -> None:
        if len(self._futures) >= self._settings.max_parallel_items:
            from concurrent.futures import FIRST_COMPLETED, wait

            # The results stay in their futures until they are settled.
            wait(list(self._futures), return_when=FIRST_COMPLETED)
        context = contextvars.copy_context()
        if inspect.isawaitable(work):
            future = self._run_async(work, opened)
        elif isinstance(work, _NextCall) and work.is_async:
            future = self._run_async(work(), opened)
        else:
            future = self._threads().submit(context.run, work)
        if isinstance(work, _NextCall) and source is not None:
            source.is_busy = True
            self._futures[future] = (opened, step, meta, source)
        else:
            self._futures[future] = (opened, step, meta, None)

    def _threads(self) -> "ThreadPoolExecutor":
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._settings.workers, thread_name_prefix="windlass-extract")
        return self._pool

    def _run_async(self, work: Any, opened: _Open) -> "Future[Any]":
        import asyncio
        from concurrent.futures import Future

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._loop_thread = threading.Thread(
                target=self._loop.run_forever, name="windlass-extract-loop", daemon=True
            )
            self._loop_thread.start()
        context = contextvars.copy_context()

        async def awaited() -> Any:
            PIPE.set(opened.pipe)
            try:
                return await work
            except StopAsyncIteration:
                return _NOTHING

        done: "Future[Any]" = Future()

        def begin() -> None:
            task = context.run(lambda: asyncio.ensure_future(awaited()))
            task.add_done_callback(lambda task: _pass_on(task, done))

        self._loop.call_soon_threadsafe(begin)
        return done

    def close(self) -> None:
        """Ends everything that still runs."""
        for future in self._futures:
            future.cancel()
        for source in reversed(self._sources):
            if hasattr(source.iterator, "windlass_async"):
                self._close_async(source.iterator.windlass_async)
        if self._loop is not None and self._loop_thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop_thread.join(10)
            if not self._loop_thread.is_alive():
                self._loop.close()
            self._loop = None
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        for source in self._sources:
            _close(source.iterator)
        self._sources.clear()
        self._futures.clear()

    def _close_async(self, generator: Any) -> None:
        if self._loop is None or not hasattr(generator, "aclose"):
            return
        import asyncio

        try:
            asyncio.run_coroutine_threadsafe(generator.aclose(), self._loop).result(60)
        except Exception:
            return


def _pass_on(task: Any, done: "Future[Any]") -> None:
    if done.cancelled():
        return
    if task.cancelled():
        done.cancel()
    elif task.exception() is not None:
        done.set_exception(task.exception())
    else:
        done.set_result(task.result())


def _close(iterator: Any) -> None:
    close = getattr(iterator, "close", None)
    if close is not None:
        try:
            close()
        except ValueError:
            # A generator that runs in a thread ends by itself.
            return


class _Deferred:
    """A function without arguments that is to run in a thread."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function

    def __call__(self) -> Any:
        return self.function()


def _is_deferred(item: Any) -> bool:
    return isinstance(item, (_Deferred, types.FunctionType, types.MethodType)) or type(item).__name__ == "partial"


class _NextCall:
    """The next item of a generator, to be taken elsewhere."""

    __slots__ = ("function", "is_async")

    def __init__(self, function: Callable[[], Any], is_async: bool = False) -> None:
        self.function = function
        self.is_async = is_async

    def __call__(self) -> Any:
        return self.function()


class _Calls:
    """A generator whose items are taken elsewhere, one at a time."""

    def __init__(self, take: Callable[[], Any], is_async: bool, generator: Any) -> None:
        self._take = take
        self._is_async = is_async
        if is_async:
            self.windlass_async = generator
        else:
            self._generator = generator

    def __iter__(self) -> "_Calls":
        return self

    def __next__(self) -> _NextCall:
        return _NextCall(self._take, self._is_async)

    def close(self) -> None:
        """Ends the generator."""
        if not self._is_async:
            _close(self._generator)


def _parallel_calls(iterator: Any) -> _Calls:
    def take() -> Any:
        try:
            return next(iterator)
        except StopIteration:
            return _NOTHING

    return _Calls(take, False, iterator)


def _async_calls(generator: Any) -> _Calls:
    iterator = generator.__aiter__()
    return _Calls(lambda: iterator.__anext__(), True, generator)


def _iterator(opened: _Open, data: Any) -> Any:
    """What items are pulled from, from what the function of a pipe gave."""
    pipe = opened.pipe
    if data is None:
        raise InvalidResourceDataTypeIsNone(
            pipe.name,
            data,
            type(None),
            msg=f"In resource `{pipe.name}`: the function returned None: use `yield`, or return the data",
        )
    if hasattr(data, "__anext__") or hasattr(data, "__aiter__"):
        return _async_calls(data)
    if inspect.iscoroutine(data):
        return iter([data])
    if is_frame(data) or isinstance(data, (dict, str)):
        return iter([data])
    if isinstance(data, (list, tuple)) and not isinstance(data, str):
        is_by_row = not opened.children and all(isinstance(step, _BY_ROW) for step in opened.steps)
        if not is_by_row or not all(type(row) is dict for row in data):
            return iter(data)
        return (list(data[start : start + _LIST_ROWS]) for start in range(0, len(data), _LIST_ROWS))
    if isinstance(data, Iterable):
        iterator = iter(data)
        return _parallel_calls(iterator) if pipe.is_parallel else iterator
    if callable(data):
        return iter([data])
    return iter([data])


def _failed(pipe: Pipe, function: Any, cause: BaseException, kind: str) -> BaseException:
    """The exception for what went wrong in a pipe; exceptions of pipes and sources stay as they are."""
    from windlass.common.configuration.exceptions import ConfigurationException

    if isinstance(cause, (PipeException, DltSourceException, ExtractorException)):
        return cause
    name = getattr(function, "__name__", str(function))
    text = (
        f"In processing pipe `{pipe.name}`: extraction of resource `{pipe.name}` in `{kind}` `{name}` caused an "
        f"exception: {cause}"
    )
    if isinstance(cause, ConfigurationException) and not isinstance(cause, DltException):
        return cause
    error = ResourceExtractionError(pipe.name, function, str(cause), kind)
    error.args = (text,)
    return error


def _raise(pipe: Pipe, function: Any, cause: BaseException, kind: str) -> NoReturn:
    error = _failed(pipe, function, cause, kind)
    if error is cause:
        raise cause
    raise error from cause


def open_pipes(pipes: List[Pipe]) -> List[_Open]:
    """The roots of these pipes, with what depends on them; each pipe once."""
    opened: Dict[int, _Open] = {}
    roots: List[_Open] = []

    def open_pipe(pipe: Pipe) -> _Open:
        known = opened.get(id(pipe))
        if known is not None:
            return known
        known = opened[id(pipe)] = _Open(pipe)
        if pipe.parent is None:
            roots.append(known)
        else:
            open_pipe(pipe.parent).children.append(known)
        return known

    for pipe in pipes:
        open_pipe(pipe).is_emitted = True
    return roots
