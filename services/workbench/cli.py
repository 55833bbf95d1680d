"""``concern-relay``: noun, then verb; ``--json`` everywhere; exit 0 pass, 1 finding, 2 usage."""

from __future__ import annotations

import importlib
import sys
from typing import Final

import click
import typer
from typer.core import TyperGroup

# Loaded when first used: a command line answers at once, and pays only for what it runs.
NOUNS: Final = {
    "concern": ("services.workbench.concern_cli", "raise, show and list concerns"),
    "scenario": ("services.workbench.scenario_cli", "run scenarios, print their schema"),
    "decision": ("services.workbench.decision_cli", "list and record the decisions only a person may take"),
    "inbox": ("services.workbench.inbox_cli", "list, read, acknowledge, give an outcome"),
    "history": ("services.workbench.history_cli", "replay, explain, look back, export"),
    "ledger": ("services.workbench.ledger_cli", "verify, prove, export"),
    "parked": ("services.workbench.parked_cli", "list, show, replay, discard parked records"),
    "topics": ("services.workbench.topics_cli", "apply and check the topic registry"),
    "law": ("services.workbench.law_cli", "check and explain law packs"),
    "arrangement": ("services.workbench.arrangement_cli", "check arrangements"),
}


class Nouns(TyperGroup):
    """The nouns, each from a module of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every noun and verb."""
        return [*NOUNS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a noun's commands."""
        if cmd_name not in NOUNS:
            return super().get_command(ctx, cmd_name)
        module, help_text = NOUNS[cmd_name]
        command = typer.main.get_command(importlib.import_module(module).app)
        command.help = command.help or help_text
        return command


app = typer.Typer(
    cls=Nouns,
    no_args_is_help=True,
    add_completion=False,
    help="Carries child-safeguarding concerns between agencies until a person has acknowledged.",
)


@app.command()
def run() -> None:
    """Start all of it here, with sample agencies and concerns flowing; Ctrl-C stops it all."""
    from services.workbench.run_command import run_command  # noqa: PLC0415

    raise typer.Exit(run_command())


@app.command()
def demo(
    state: str = typer.Option("", help="State folder; by default one of its own, removed afterwards."),
    limit: int = typer.Option(0, help="Feed only so many of the samples; 0 feeds all."),
    quiet: bool = typer.Option(False, help="Only the table and the JSON line."),
) -> None:
    """Start all of it, feed the sample, wait until each concern has run its course, print the books, stop."""
    from services.workbench.demo import demo_command  # noqa: PLC0415

    raise typer.Exit(demo_command(state, limit, quiet=quiet))


def main() -> int:
    """Run the command line."""
    try:
        code = app(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
