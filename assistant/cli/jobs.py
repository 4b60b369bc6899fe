"""``singwiz jobs …``: work that runs or has run on a project, whoever started it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...core.errors import USAGE_PROBLEM, SingwizError
from .output import Json, duration, err, out, print_json, show_table
from .places import open_project

if TYPE_CHECKING:
    from ...core.jobs import Job
    from ...core.project import Project

app = typer.Typer(help="Running and finished work of a project.")

ProjectHere = Annotated[
    Path, typer.Argument(metavar="[PROJECT]", help="Project folder; default: this folder.")
]
JobId = Annotated[
    str, typer.Option("--job", metavar="ID", help="Which job; default: the newest that fits.")
]


def _data(job: Job) -> dict[str, Any]:
    status = job.status()
    return {
        "id": job.id,
        "stage": job.stage,
        "state": status.state,
        "progress": status.progress,
        "label": status.label,
        "eta": status.eta,
        "elapsed": status.elapsed,
        "created": job.created,
        "error": status.error,
        "result": status.result,
    }


def _find(project: Project, wanted: str, *, running: bool = False) -> Job:
    from ...core.jobs import Job, list_jobs

    if wanted:
        return Job.open(project.jobs_dir / Path(wanted).name)
    for job in list_jobs(project):
        if job.running or not running:
            return job
    raise SingwizError(
        "no-job",
        "Nothing is running on this project." if running else "This project has no jobs yet.",
        hint="List them with: singwiz jobs list PROJECT",
        where=str(project.root),
        exit_code=USAGE_PROBLEM,
    )


def _open(folder: Path) -> Project:
    project = open_project(folder)
    assert project is not None
    return project


@app.callback(invoke_without_command=True)
def jobs(context: typer.Context) -> None:
    """Running and finished work of a project; alone: of the project in this folder."""
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(project: ProjectHere = Path(), as_json: Json = False) -> None:
    """Running and finished work, newest first."""
    from ...core.jobs import list_jobs

    jobs = [_data(job) for job in list_jobs(_open(project))]
    if as_json:
        print_json({"jobs": jobs})
        return
    if not jobs:
        out().print("No jobs yet.")
        return
    rows = []
    for job in jobs:
        share = "" if job["progress"] is None else f"{100 * job['progress']:.0f} %"
        note = f"about {duration(job['eta'])} left" if job["eta"] is not None else ""
        if job["error"]:
            note = job["error"]["message"]
        elif job["state"] == "waiting":
            note = job["label"]
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(job["created"]))
        rows.append(
            (job["id"], job["stage"], job["state"], share, started, duration(job["elapsed"]), note)
        )
    show_table(("job", "stage", "state", "done", "started", "took", ""), rows)


@app.command()
def logs(
    project: ProjectHere = Path(),
    job: JobId = "",
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="How many lines; 0 = all.")
    ] = 40,
    as_json: Json = False,
) -> None:
    """The log of a job."""
    found = _find(_open(project), job)
    tail = found.log_tail(lines)
    if as_json:
        print_json({"id": found.id, "lines": tail, "events": found.events()})
        return
    err().print(f"{found.id}: {found.status().state}", style="dim")
    for line in tail:
        out().print(line)


@app.command()
def stop(
    project: ProjectHere = Path(),
    job: JobId = "",
    now: Annotated[
        bool, typer.Option("--now", help="Do not wait for it to save what it has.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Stop running work, or take waiting work out of the line. Training saves a checkpoint."""
    from ...core.jobs.supervisor import DEFAULT_GRACE, KILL_AFTER

    found = _find(_open(project), job, running=True)
    grace = 0.0 if now else DEFAULT_GRACE
    found.stop(grace=grace)
    if not as_json:
        err().print(f"Stopping {found.id} …", style="dim")
    status = found.wait(grace + 4 * KILL_AFTER)
    if status.running:
        raise SingwizError(
            "job-not-stopped",
            f"The job {found.id} does not stop.",
            hint="Try again with --now.",
            where=str(found.dir),
            exit_code=USAGE_PROBLEM,
        )
    if as_json:
        print_json(_data(found))
    else:
        out().print(f"{found.id}: {status.state}")


@app.command()
def queue(as_json: Json = False) -> None:
    """Long work of all your projects on this machine, by device and turn."""
    from ...core.jobs.queue import list_tickets

    tickets = list_tickets()
    if as_json:
        shown = [
            {
                "device": one.device,
                "state": "running" if one.working else "waiting",
                "project": one.project,
                "stage": one.stage,
                "model": one.model,
                "job": one.job_dir.name,
                "folder": str(one.job_dir),
            }
            for one in tickets
        ]
        print_json({"queue": shown})
        return
    if not tickets:
        out().print("Nothing runs or waits.")
        return
    rows = [
        (one.device, "running" if one.working else "waiting", one.what, one.job_dir.name)
        for one in tickets
    ]
    show_table(("device", "state", "work", "job"), rows)


@app.command()
def rerun(
    project: ProjectHere = Path(),
    job: JobId = "",
    as_json: Json = False,
) -> None:
    """Start a job again as it was started; training continues from its last checkpoint."""
    from ...core.jobs import start_job

    opened = _open(project)
    found = _find(opened, job)
    again = start_job(opened, found.stage, found.params)
    if as_json:
        print_json(_data(again))
    else:
        out().print(f"{again.id}: {again.status().state}")


@app.command()
def report(
    project: ProjectHere = Path(),
    job: JobId = "",
    as_json: Json = False,
) -> None:
    """What helps others to help: how a job ended, versions and the log, without private paths."""
    from ...core.jobs.report import report as report_of

    found = _find(_open(project), job)
    text = report_of(found)
    if as_json:
        print_json({"id": found.id, "report": text})
    else:
        out().print(text, end="", markup=False, highlight=False, soft_wrap=True)
