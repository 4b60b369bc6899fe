import os
import sys
import time
from pathlib import Path

import pytest

from singwiz.core.binarize.engine import choose_workers, run_in_order
from singwiz.core.errors import SingwizError

NUMBERS = [-3, 1, -2, 7, 0]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    assert list(run_in_order(abs, NUMBERS, workers=workers)) == [3, 1, 2, 7, 0]


def test_no_task_gives_no_result() -> None:
    assert list(run_in_order(abs, [], workers=2)) == []


def test_work_that_nobody_waits_for_is_not_done() -> None:
    done: list[int] = []
    results = run_in_order(done.append, NUMBERS, workers=0)
    next(results)
    results.close()
    assert done == [-3]


def test_workers_do_not_run_far_ahead_of_who_takes_their_results(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(40)]
    results = run_in_order(os.mkdir, paths, workers=2)
    next(results)
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) <= 8
    results.close()


def test_a_worker_that_dies_is_reported() -> None:
    with pytest.raises(SingwizError) as caught:
        list(run_in_order(os._exit, [1, 1], workers=2))
    assert caught.value.code == "worker-died"
    # The next run gets new workers.
    assert list(run_in_order(abs, NUMBERS, workers=2)) == [3, 1, 2, 7, 0]


def test_closing_early_stops_the_workers() -> None:
    results = run_in_order(abs, NUMBERS, workers=2)
    assert next(results) == 3
    results.close()
    assert list(run_in_order(abs, NUMBERS, workers=2)) == [3, 1, 2, 7, 0]


def test_little_work_gets_no_processes() -> None:
    assert choose_workers(1.0) == 0
    assert choose_workers(15.0) == 0


def test_dask_without_its_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SingwizError) as caught:
        list(run_in_order(abs, NUMBERS, workers=2, engine="dask"))
    assert caught.value.code == "dask-missing"
    assert "pip install" in caught.value.hint


def test_a_scheduler_that_does_not_answer_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("singwiz.core.binarize.engine._CONNECT_SECONDS", 0.5)
    with pytest.raises(SingwizError) as caught:
        list(run_in_order(abs, NUMBERS, workers=0, engine="dask", dask_address="tcp://127.0.0.1:9"))
    assert caught.value.code == "dask-unreachable"
