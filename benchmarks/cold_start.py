"""How long a user waits for nothing: import, help page, first screen of the terminal wizard.

    python benchmarks/cold_start.py [--runs 5]

Each number is the median over fresh processes, and the best one, which a busy computer spoils
least. Budgets: ``import singwiz`` and ``singwiz --help`` 0.3 s each, first screen of
``singwiz tui`` 1 s. Exit code 1 if a best time is over its budget.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

FIRST_SCREEN = """
import asyncio
from singwiz.assistant.guide import Guide
from singwiz.assistant.tui.app import GuideApp

async def until_drawn():
    async with GuideApp(Guide.open(None)).run_test(size=(100, 40)) as pilot:
        await pilot.pause()

asyncio.run(until_drawn())
"""


@dataclass(frozen=True)
class Start:
    """Something a user starts, and how long it may take at most, in seconds."""

    name: str
    arguments: tuple[str, ...]
    budget: float | None


STARTS = (
    Start("python, nothing else", ("-c", "pass"), None),
    Start("import singwiz", ("-c", "import singwiz"), 0.3),
    Start("singwiz --help", ("-m", "singwiz", "--help"), 0.3),
    Start("singwiz tui, first screen", ("-c", FIRST_SCREEN), 1.0),
)


def measure(arguments: tuple[str, ...]) -> float:
    """Seconds from start to end of one fresh process."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="fresh processes per line")
    runs = parser.parse_args().runs
    late = False
    print(f"{'':28}{'best':>8}{'median':>8}{'budget':>8}")
    for start in STARTS:
        measure(start.arguments)  # the first run fills the disk cache and writes bytecode
        times = [measure(start.arguments) for _ in range(runs)]
        verdict = ""
        if start.budget is not None:
            missed = min(times) > start.budget
            late = late or missed
            verdict = f"{start.budget:6.2f} s{'  over' if missed else ''}"
        print(f"{start.name:28}{min(times):6.2f} s{statistics.median(times):6.2f} s{verdict}")
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
