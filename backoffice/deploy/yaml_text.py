"""YAML as it is written here: keys in the order given, the file's origin in its first line."""

from collections.abc import Iterable
from typing import Any

import yaml

ORIGIN = "# Written by `manage.py render_deploy` from backoffice/deploy: change it there."


class _Dumper(yaml.SafeDumper):
    """Without anchors: the same value twice is written twice. Lists are indented as people write them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def as_yaml(documents: Iterable[Any], *, origin: str = ORIGIN) -> str:
    """One file of these documents."""
    texts = [yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True) for each in documents]
    return "\n".join([origin, "---\n".join(texts)])
