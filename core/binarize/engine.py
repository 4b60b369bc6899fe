"""Spreading independent items over processes, or over a Dask cluster, in order."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import islice
from typing import Any, Literal, TypeVar

from ..errors import USAGE_PROBLEM, SingwizError

Input = TypeVar("Input")
Output = TypeVar("Output")
Engine = Literal["local", "dask"]

_START_COST = 8.0
"""CPU seconds of work that make one more process worth starting."""

_AHEAD = 3
"""Items per worker that are computed or waiting for their turn; more would fill the memory."""

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

_CONNECT_SECONDS = 20


def choose_workers(cpu_seconds: float) -> int:
    """How many processes suit an amount of work; 0 = none besides this one."""
    import joblib

    wanted = int(cpu_seconds / _START_COST)
    cores = joblib.cpu_count(only_physical_cores=True)
    workers = min(wanted, cores)
    return workers if workers > 1 else 0


def run_in_order(
    function: Callable[[Input], Output],
    tasks: Sequence[Input],
    *,
    workers: int,
    engine: Engine = "local",
    dask_address: str | None = None,
) -> Generator[Output]:
    """Apply a function to every task and yield the results in the order of the tasks.

    No more than a few tasks per worker are under way, so memory does not grow with their
    number. Closing the iterator early stops the work.

    Args:
        function: importable by name, so that it can be sent to processes.
        tasks: inputs.
        workers: processes; 0 computes here, one by one. A cluster has its own number.
        engine: ``local`` processes or a ``dask`` cluster.
        dask_address: scheduler, e.g. ``tcp://10.0.0.1:8786``; None starts a cluster of
            ``workers`` processes here, or of one per core.

    Raises:
        SingwizError: a worker died, the cluster cannot be used, or Dask is not installed.
    """
    if engine == "dask":
        yield from _on_dask(function, tasks, workers, dask_address)
    elif workers and tasks:
        yield from _on_processes(function, tasks, workers)
    else:
        for task in tasks:
            yield function(task)


def _window(submit: Callable[[Input], Any], tasks: Iterable[Input], ahead: int) -> Generator[Any]:
    """Futures in the order of the tasks, with ``ahead`` of them under way."""
    waiting = iter(tasks)
    pending = deque(submit(task) for task in islice(waiting, ahead))
    while pending:
        yield pending.popleft()
        pending.extend(submit(task) for task in islice(waiting, 1))


def _on_processes(
    function: Callable[[Input], Output], tasks: Sequence[Input], workers: int
) -> Generator[Output]:
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    workers = min(workers, len(tasks))
    executor = get_reusable_executor(max_workers=workers, env=_ONE_THREAD)
    finished = False
    try:
        for future in _window(
            lambda task: executor.submit(function, task), tasks, _AHEAD * workers
        ):
            yield future.result()
        finished = True
    except TerminatedWorkerError:
        raise SingwizError(
            "worker-died",
            "A worker process ended unexpectedly, most likely because memory ran out.",
            hint="Start again; what was done is remembered. If it happens again, use fewer "
            "workers, or close other programs.",
        ) from None
    finally:
        # Idle workers would hold their memory for minutes.
        executor.shutdown(wait=finished, kill_workers=not finished)


def _on_dask(
    function: Callable[[Input], Output],
    tasks: Sequence[Input],
    workers: int,
    address: str | None,
) -> Generator[Output]:
    try:
        from distributed import Client, KilledWorker
    except ImportError:
        raise SingwizError(
            "dask-missing",
            "Working on a cluster needs the package 'distributed', which is not installed.",
            hint="Install it with: pip install distributed",
            exit_code=USAGE_PROBLEM,
        ) from None

    options: dict[str, Any] = (
        {"address": address, "timeout": _CONNECT_SECONDS}
        if address
        else {"n_workers": workers or None, "threads_per_worker": 1, "dashboard_address": None}
    )
    try:
        client = Client(**options)
    except (OSError, ValueError) as error:
        raise SingwizError(
            "dask-unreachable",
            f"The Dask scheduler '{address}' does not answer: {error}.",
            hint="Start it with 'dask scheduler' and check address and firewall.",
            exit_code=USAGE_PROBLEM,
        ) from None
    with client, warnings.catch_warnings():
        # A task that carries curves of a DS file is large, as Dask remarks each time.
        warnings.filterwarnings("ignore", message="Sending large graph")
        threads = sum(client.nthreads().values())
        if not threads:
            raise SingwizError(
                "dask-idle",
                f"The Dask scheduler '{address}' has no workers.",
                hint=f"Start some, on machines that see the same files: dask worker {address}",
                exit_code=USAGE_PROBLEM,
            )

        def submit(task: Input) -> Any:
            return client.submit(function, task, pure=False, retries=2)

        try:
            for future in _window(submit, tasks, _AHEAD * threads):
                yield future.result()
                future.release()
        except KilledWorker:
            raise SingwizError(
                "worker-died",
                "Several workers of the cluster died over the same recording.",
                hint="Look at their logs; most likely memory ran out.",
            ) from None
