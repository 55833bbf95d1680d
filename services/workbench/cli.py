"""``concern-relay``: noun, then verb; ``--json`` everywhere; exit 0 pass, 1 finding, 2 usage."""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Final

import typer

# Only the noun that is asked for is loaded: a command answers at once, and pays only for what it runs.
NOUNS: Final = {
    "concern": ("services.workbench.concern_cli", "raise, show and list concerns"),
    "import": ("services.workbench.import_cli", "import censuses and CSV exports"),
    "scenario": ("services.workbench.scenario_cli", "run scenarios, print their schema"),
    "decision": ("services.workbench.decision_cli", "list and record the decisions only a person may take"),
    "access": ("services.workbench.access_cli", "subject access: requests for a copy, and decisions on them"),
    "inbox": ("services.workbench.inbox_cli", "list, read, acknowledge, give an outcome"),
    "attachment": ("services.workbench.attachment_cli", "attach a file, release it to a recipient, fetch it"),
    "request": ("services.workbench.request_cli", "ask another agency what it holds, and answer"),
    "duty": ("services.workbench.duty_cli", "what an agency has to do by a time; say that it was done"),
    "share": ("services.workbench.share_cli", "recall, erasure, breach, resolving professional disagreement"),
    "webhook": ("services.workbench.webhook_cli", "register and look after an agency's webhook endpoints"),
    "erasure": (
        "services.workbench.erasure_cli",
        "erase what an agency sent, as two named people decide; hold it back",
    ),
    "history": ("services.workbench.history_cli", "replay, explain, look back, export"),
    "ledger": ("services.workbench.ledger_cli", "verify, prove, export"),
    "agency": ("services.workbench.agency_cli", "let an agency in, renew its secrets, let it go"),
    "parked": ("services.workbench.parked_cli", "list, show, replay, discard parked records"),
    "topics": ("services.workbench.topics_cli", "apply and check the topic registry"),
    "law": ("services.workbench.law_cli", "check and explain law packs"),
    "agreement": ("services.workbench.agreement_cli", "revoke what an agency signed; say that it stands again"),
    "arrangement": ("services.workbench.arrangement_cli", "check, compare, publish arrangements"),
}


app = typer.Typer(
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


@app.command()
def conformance(  # noqa: PLR0917  (options are its parameters)
    url: str = typer.Argument(help="The relay, as https://relay.example."),
    token: str = typer.Option("", help="Bearer token of an agency that may raise, or a file that holds it."),
    other_token: str = typer.Option("", help="Of another agency, which must see nothing; or a file."),
    kafka: str = typer.Option("", help="File that `agency add` wrote: then over Kafka too."),
    on_behalf_of: str = typer.Option("", help="For a supplier's token: the agency each request is for."),
    as_json: bool = typer.Option(False, "--json", help="One JSON envelope, for machines."),
) -> None:
    """Check that a relay keeps what it promises whoever raises concerns; only practice concerns are raised."""
    from services.workbench.conformance_command import conformance_command  # noqa: PLC0415

    raise conformance_command(url, token, other_token, kafka, on_behalf_of=on_behalf_of, as_json=as_json)


def main() -> None:
    """Run the command line; usage errors exit with 2."""
    # its retries right after a topic is made are no news for whoever waits at the terminal; failures are raised
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for noun, (module, help_text) in NOUNS.items():
        if not wanted or wanted.startswith("-") or wanted == noun:
            app.add_typer(importlib.import_module(module).app, name=noun, help=help_text)
    app()


if __name__ == "__main__":
    main()
