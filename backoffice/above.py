"""What an app asks of apps that stand above it, which it does not know: they say themselves what there is to ask."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

Asked = TypeVar("Asked", bound=Callable[..., Any])


class Above(Generic[Asked]):
    """Functions of one signature, each once, in the order in which they were registered: from AppConfig.ready."""

    def __init__(self) -> None:
        self._asked: list[Asked] = []

    def register(self, asked: Asked) -> None:
        if asked not in self._asked:
            self._asked.append(asked)

    def __iter__(self) -> Iterator[Asked]:
        return iter(self._asked)
