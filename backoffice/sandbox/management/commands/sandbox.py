"""Run a peer of the sandbox: `manage.py sandbox hospital`, another of PEERS in its place, or `all`."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backoffice.sandbox import everything
from backoffice.sandbox.lis import command as lis
from backoffice.sandbox.pos import command as pos
from backoffice.sandbox.refused import Failed, Refused

PEERS: dict[str, everything.Command] = {**everything.PEERS, "all": everything, "lis": lis, "pos": pos}


class Command(BaseCommand):
    """Each peer has a module with add_arguments and run."""

    help = (
        "Run a peer on this machine that speaks the real one's protocol, until Ctrl-C; or send as the real one would."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """One subcommand for each peer."""
        peers = parser.add_subparsers(dest="peer", required=True, metavar="PEER")
        for name, peer in PEERS.items():
            peer.add_arguments(peers.add_parser(name, help=peer.__doc__))

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until told to stop, or send: exit status 0; wrong use: one line and 2; not taken: one line and 1."""
        try:
            PEERS[options["peer"]].run(options, Path(settings.NIGHTWARD_HOME), self._say)
        except Refused as error:
            raise CommandError(str(error), returncode=2) from error
        except Failed as error:
            raise CommandError(str(error), returncode=1) from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
