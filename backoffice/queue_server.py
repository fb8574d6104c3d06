"""Connections to the queue's server beside RQ's own: for what is read and noted there without being a job."""

from django.conf import settings
from redis import Redis

ANSWER_SECONDS = 2.0


def url() -> str:
    return str(settings.RQ_QUEUES["default"]["URL"])


def connect(seconds: float = ANSWER_SECONDS) -> Redis:
    """One that gives up soon: no process stops because of what it wants to note or to know. RedisError then."""
    return Redis.from_url(url(), socket_timeout=seconds, socket_connect_timeout=seconds)
