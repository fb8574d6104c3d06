"""The listener for a region's laboratory: HL7 v2 over MLLP."""

import asyncio
import os
import signal
import ssl
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backoffice.presence import present
from backoffice.runs.command import region_named
from clinic.events.inbound.mllp import Listener
from regions.keys import is_loopback


class Command(BaseCommand):
    help = "Take HL7 v2 messages (ORU^R01, OML^O21) of a region's laboratory over MLLP, until SIGTERM or Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--region", required=True, help="name of the region")
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=int, default=2575, help="the port; 0 takes a free one (2575)")
        parser.add_argument("--tls-cert", help="file of the certificate and its chain")
        parser.add_argument("--tls-key", help="file of its key, where it is another")
        parser.add_argument("--tls-client-ca", help="file of who has signed the clients: others are refused")
        parser.add_argument("--plain", action="store_true", help="without TLS beyond this machine: in a VPN")

    def handle(self, *args: Any, **options: Any) -> None:
        region = region_named(options["region"])
        host, port = options["host"], options["port"]
        tls = tls_context(options["tls_cert"], options["tls_key"], options["tls_client_ca"])
        if tls is None and not options["plain"] and not is_loopback(host):
            raise CommandError(
                f"{host} is reached by others: give --tls-cert, or --plain where the network itself is encrypted.",
                returncode=2,
            )
        self.check_migrations()
        try:
            asyncio.run(self._serve(Listener(region), host, port, tls))
        except (OSError, OverflowError) as error:
            reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no such port"
            raise CommandError(f"Cannot listen on {host} port {port}: {reason}.", returncode=2) from None

    async def _serve(self, listener: Listener, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)

        def ready(port: int) -> None:
            self.stdout.write(f"Listening on {host} port {port} for {listener.region.name}.")
            self.stdout.flush()

        loop = asyncio.get_running_loop()
        with present("listener-mllp", lambda: loop.call_soon_threadsafe(stop.set)):
            await listener.serve(host, port, tls=tls, stop=stop, ready=ready)


def tls_context(cert: str | None, key: str | None, client_ca: str | None) -> ssl.SSLContext | None:
    """What the files say; CommandError where they cannot be used."""
    if cert is None:
        if key or client_ca:
            raise CommandError("--tls-key and --tls-client-ca go with --tls-cert.", returncode=2)
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key)
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:
        raise CommandError(f"The files of --tls-… cannot be used: {error.strerror or error}.", returncode=2) from None
    return context
