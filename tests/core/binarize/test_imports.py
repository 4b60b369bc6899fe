import subprocess
import sys

HEAVY = ("torch", "lightning", "librosa", "matplotlib", "parselmouth", "pyworld", "gradio")


def test_preparing_loads_nothing_heavy_before_it_is_needed() -> None:
    code = (
        "import sys, singwiz.core.binarize.run\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
