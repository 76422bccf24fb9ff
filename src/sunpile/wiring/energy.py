"""Prices and surplus for the control of sites."""

from sunpile.control.ports import Outlook


class NoMarket:
    """`control.ports.Energy` where nobody publishes prices."""

    async def outlook(self, site: str) -> Outlook:
        """Nothing is known."""
        return Outlook()
