"""How long things are kept, in the store's facts: implements `fleet.retention.RetentionBook`."""

import json
from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select

from sunpile.fleet.upkeep import Retention
from sunpile.store.database import Database
from sunpile.store.tables import facts

KEY = "upkeep.retention"


class RetentionStore:
    """`RetentionBook` on the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self) -> Retention:
        """See `RetentionBook.get`."""
        query = select(facts.c.value).where(facts.c.key == KEY)
        text = await self._database.read(lambda connection: connection.scalar(query))
        return Retention(**json.loads(text)) if text else Retention()

    async def put(self, retention: Retention) -> None:
        """See `RetentionBook.put`."""

        def work(connection: Connection) -> None:
            connection.execute(delete(facts).where(facts.c.key == KEY))
            connection.execute(insert(facts).values(key=KEY, value=json.dumps(asdict(retention))))

        await self._database.write(work)
