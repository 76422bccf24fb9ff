"""Chapter 7: people look in, and reach in.

A person meets sunpile in three places: a page that shows the town as it trades, an HTTP interface that does what the
page shows, and a command line that starts, checks and repairs a node. None of them decides anything: they ask a
`TownView` what is so and hand wishes to `Operations`. What a person may not see they are not sent, what a person
sends is taken only in exactly the form that is written down, and every refusal is one clear sentence.

Entry function: `create_app(view, operations, rpc, events, settings)`; the command line is `cli.build(commands)`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sunpile.people.api.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    """The entry function, imported when it is asked for: a command line that starts a member needs no web framework."""
    if name != "create_app":
        raise AttributeError(name)
    from sunpile.people.api.app import create_app

    return create_app
