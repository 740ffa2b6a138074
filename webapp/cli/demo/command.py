"""The command itself; what it does stands in webapp.cli.demo.run."""

from __future__ import annotations

import os

import click

FOLDER = "var-demo"  # not ./var, where one's own shop is


@click.command()
@click.option(
    "--no-serve", is_flag=True, help="Make the shop in an empty instance folder, send the campaign, and end."
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on the last line of standard output."
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 for the whole network."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on. [default: 8040 or the next free one]"
)
def demo(no_serve: bool, as_json: bool, host: str, port: int | None) -> int:
    """Make a sample shop from published data and run it.

    A year of a grocery chain's shopping, moved so that it ends yesterday; people's names, phones and addresses are made
    up. Its background worker sends a campaign to a mail server of the demo's own, which delivers nothing. The shop is
    kept in REGULARS_INSTANCE (for the demo by default ./var-demo): called again, it is served again.
    """
    if not os.environ.get("REGULARS_INSTANCE"):
        os.environ["REGULARS_INSTANCE"] = FOLDER
    from webapp import config
    from webapp.cli.demo.run import run
    from webapp.cli.demo.shop import published_sample

    return run(config.load(), published_sample, no_serve=no_serve, as_json=as_json, host=host, port=port)
