"""Spreading independent items over processes, or over a Dask cluster, in order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Sequence
from typing import Any, Literal, TypeVar

from ..errors import USAGE_PROBLEM, SingwizError

Input = TypeVar("Input")
Output = TypeVar("Output")
Engine = Literal["local", "dask"]

_START_COST = 8.0
"""CPU seconds of work that make one more process worth starting."""


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

    Closing the iterator early stops the work.

    Args:
        function: importable by name, so that it can be sent to processes.
        tasks: inputs.
        workers: processes; 0 computes here, one by one.
        engine: ``local`` processes or a ``dask`` cluster.
        dask_address: scheduler, e.g. ``tcp://10.0.0.1:8786``; None starts a local cluster.

    Raises:
        SingwizError: a worker died, or Dask is not installed.
    """
    if engine == "dask":
        yield from _on_dask(function, tasks, workers, dask_address)
    elif workers and tasks:
        yield from _on_processes(function, tasks, workers)
    else:
        for task in tasks:
            yield function(task)


def _on_processes(
    function: Callable[[Input], Output], tasks: Sequence[Input], workers: int
) -> Generator[Output]:
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with parallel_config(backend="loky", inner_max_num_threads=1):
        pool = Parallel(
            n_jobs=min(workers, len(tasks)),
            return_as="generator",
            batch_size=1,
            pre_dispatch="3*n_jobs",
        )
        results = pool(delayed(function)(task) for task in tasks)
    finished = False
    try:
        # Not "yield from": closing would reach joblib before the block below can hush it.
        for result in results:  # noqa: UP028
            yield result
        finished = True
    except TerminatedWorkerError:
        raise SingwizError(
            "worker-died",
            "A worker process ended unexpectedly, most likely because memory ran out.",
            hint="Use fewer workers, or close other programs.",
        ) from None
    finally:
        if not finished:
            with warnings.catch_warnings():
                # joblib warns that work was thrown away; that is what was asked for.
                warnings.simplefilter("ignore")
                results.close()
        # Idle workers would hold their memory for minutes.
        get_reusable_executor().shutdown(wait=finished, kill_workers=not finished)


def _on_dask(
    function: Callable[[Input], Output],
    tasks: Sequence[Input],
    workers: int,
    address: str | None,
) -> Generator[Output]:
    try:
        from distributed import Client
    except ImportError:
        raise SingwizError(
            "dask-missing",
            "Working on a cluster needs the package 'distributed', which is not installed.",
            hint="Install it with: pip install distributed",
            exit_code=USAGE_PROBLEM,
        ) from None
    from joblib import Parallel, delayed, parallel_config

    options: dict[str, Any] = (
        {"address": address} if address else {"n_workers": workers or None, "threads_per_worker": 1}
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
    with client:
        # joblib's Dask backend hands back whole batches; slices keep progress and memory sane.
        size = 4 * max(1, sum(client.nthreads().values()))
        for begin in range(0, len(tasks), size):
            with parallel_config(backend="dask"):
                yield from Parallel(n_jobs=-1)(
                    delayed(function)(task) for task in tasks[begin : begin + size]
                )
