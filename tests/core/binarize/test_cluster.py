"""Preparing recordings on a Dask cluster: a scheduler and two workers, each its own process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import singwiz
from singwiz.assistant.cli import main
from singwiz.core.binarize import binarize
from singwiz.core.errors import USAGE_PROBLEM
from singwiz.core.reporting import Reporter

MakeCorpus = Callable[..., Any]


class Cluster(NamedTuple):
    address: str
    workers: list[subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("dask")
    found = folder / "scheduler.json"
    outside = str(Path(singwiz.__file__).parents[1])

    def start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{program}", "--no-dashboard"]
        return subprocess.Popen(
            [*command, "--scheduler-file", str(found), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": outside},
        )

    scheduler = start("dask_scheduler", "--host", "127.0.0.1", "--port", "0")
    workers = [start("dask_worker", "--nthreads", "1", "--no-nanny") for _ in range(2)]
    try:
        deadline = time.monotonic() + 60
        while not found.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        from distributed import Client

        with Client(scheduler_file=str(found), timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
        yield Cluster(json.loads(found.read_text())["address"], workers)
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


class KillAWorker(Reporter):
    """Kills a worker after the first items, while others are being computed."""

    def __init__(self, worker: subprocess.Popen[bytes]) -> None:
        self.worker = worker

    def progress(self, done: float, total: float, label: str = "") -> None:
        if done == 2:
            self.worker.kill()
            self.worker.wait()


def test_nothing_is_lost_when_a_worker_is_killed(
    make_corpus: MakeCorpus, cluster: Cluster, tmp_path: Path
) -> None:
    corpus = make_corpus(16)
    config = corpus.config(use_energy_embed=True)
    options: dict[str, Any] = {"base_dir": corpus.folder, "cache_dir": None}
    binarize(config, output_dir=tmp_path / "here", workers=0, **options)
    report = binarize(
        config,
        output_dir=tmp_path / "cluster",
        engine="dask",
        dask_address=cluster.address,
        reporter=KillAWorker(cluster.workers[0]),
        **options,
    )
    assert cluster.workers[0].poll() is not None
    assert report.skipped == []
    for name in ("train.data", "valid.data", "train.meta.json", "valid.meta.json"):
        assert (tmp_path / "cluster" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()


def test_the_command_line_takes_the_address(
    make_corpus: MakeCorpus, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = make_corpus(3)
    config = tmp_path / "config.yaml"
    content = corpus.config(binary_data_dir=str(tmp_path / "binary")).to_dict()
    config.write_text(json.dumps(content), encoding="utf-8")
    arguments = ["--address", cluster.address.removeprefix("tcp://")]

    def run(*more: str) -> int:
        monkeypatch.setattr(sys, "argv", ["singwiz", "binarize", "--config", str(config), *more])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    assert run(*arguments) == USAGE_PROBLEM
    assert not (tmp_path / "binary").exists()
    assert run("--engine", "dask", *arguments) == 0
    assert (tmp_path / "binary" / "train.data").is_file()
