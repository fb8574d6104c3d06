"""Events: an outbox that commits with what happened, streams, consumers, and what others send (docs/events.md).

It knows nothing of appointments. Other apps record events, and fill the registries of consumers, triggers and
resolvers in their AppConfig.ready.
"""
