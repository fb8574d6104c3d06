"""render_region_manifest REGION: the region's nightly jobs as an overlay for Kubernetes, from its file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from backoffice.deploy.kubernetes import IMAGE
from backoffice.deploy.regions import region_overlay
from backoffice.keyring import SecretUnreadable
from backoffice.runs.command import region_named
from backoffice.runs.faults import Misuse
from regions.regionfile import export


class Command(BaseCommand):
    help = (
        "Write deploy/kubernetes/regions/REGION, the region's nightly jobs in pods of the memory, processor and time"
        " that its file gives them. Apply it with kubectl apply -k. Prints the files it wrote."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("region", help="name of the region")
        parser.add_argument("--namespace", default="nightward", help="where the rest of it runs (nightward)")
        parser.add_argument("--image", default=IMAGE, help="with its registry, without its tag (nightward)")
        parser.add_argument("--tag", default="production", help="of the image: another one rolls the region back alone")
        parser.add_argument("--root", type=Path, default=settings.BASE_DIR, help="of the checkout (this one)")

    def handle(self, *args: Any, region: str, namespace: str, image: str, tag: str, root: Path, **options: Any) -> None:
        try:
            files = region_overlay(export(region_named(region)), namespace=namespace, tag=tag, image=image)
        except (Misuse, SecretUnreadable) as error:
            raise CommandError(str(error), returncode=2) from None
        for path, text in files.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            self.stdout.write(path)
