"""``singwiz …``: one thin command per capability of the core.

Commands parse, call the core and print. They decide nothing that the wizard would have to
decide, too. Everything but the parser is imported inside the commands, because
``singwiz --help`` has to answer at once.
"""


def main() -> None:
    """Run the command line; the console script's entry point."""
    from .app import run

    run()
