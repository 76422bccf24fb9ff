"""What stations' device models say of messages, lists and tariffs, read for the parts that must keep to it."""

import json
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Connection, select

from sunpile.fleet.local_lists import ListLimits
from sunpile.fleet.tariffs import TariffSupport
from sunpile.store.database import Database
from sunpile.store.tables import stations
from sunpile.store.upkeep_tables import device_variables

TAG_MAX = 20
"""Letters of an idTag of OCPP 1.6 at most."""


class StationLimits:
    """Reads `device_variables`; a station that said nothing has no limits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lists(self, station: str) -> ListLimits:
        """Of its local list: keys of OCPP 1.6, or LocalAuthListCtrlr."""

        def work(connection: Connection) -> ListLimits:
            entries = (("", "LocalAuthListMaxLength"), ("LocalAuthListCtrlr", "Entries"))
            most = _characteristic(connection, station, "LocalAuthListCtrlr", "Entries", "maxLimit")
            per_message = (("", "SendLocalListMaxLength"), ("LocalAuthListCtrlr", "ItemsPerMessage"))
            # The value of Entries is how many there are now, not how many fit: only 1.6's key is a limit itself.
            fits = most if most is not None else _number(_value(connection, station, entries[:1]))
            version = connection.scalar(select(stations.c.ocpp_version).where(stations.c.station == station))
            letters = TAG_MAX if version == "1.6" else None
            return ListLimits(fits, _number(_value(connection, station, per_message)), letters)

        return await self._database.read(work)

    async def tariffs(self, station: str) -> TariffSupport:
        """Of tariffs: TariffCostCtrlr."""

        def work(connection: Connection) -> TariffSupport:
            def said(variable: str) -> str | None:
                return _value(connection, station, (("TariffCostCtrlr", variable),))

            conditions = said("ConditionsSupported")
            return TariffSupport(
                _number(said("MaxElements")), conditions is None or conditions.lower() == "true", said("Currency")
            )

        return await self._database.read(work)

    async def items(self, station: str, message: str) -> int | None:
        """How many things `message` may list: ItemsPerMessage of its controller, or GetConfigurationMaxKeys."""

        def work(connection: Connection) -> int | None:
            component = "MonitoringCtrlr" if message.endswith("Monitoring") else "DeviceDataCtrlr"
            found = _value(connection, station, ((component, "ItemsPerMessage"),), message)
            if found is None and message == "GetVariables":
                found = _value(connection, station, (("", "GetConfigurationMaxKeys"),))
            return _number(found)

        return await self._database.read(work)


def _value(
    connection: Connection, station: str, places: Sequence[tuple[str, str]], instance: str | None = None
) -> str | None:
    for component, variable in places:
        query = select(device_variables.c.value).where(
            device_variables.c.station == station,
            device_variables.c.component == component,
            device_variables.c.variable == variable,
            device_variables.c.attribute == "Actual",
        )
        if instance is not None:
            query = query.where(device_variables.c.variable_instance == instance)
        value = connection.execute(query).scalar()
        if value is not None:
            return value
    return None


def _characteristic(connection: Connection, station: str, component: str, variable: str, name: str) -> int | None:
    query = select(device_variables.c.characteristics).where(
        device_variables.c.station == station,
        device_variables.c.component == component,
        device_variables.c.variable == variable,
    )
    found = connection.execute(query).scalar()
    said: Any = json.loads(found) if isinstance(found, str) and found else None
    value = cast("dict[str, Any]", said).get(name) if isinstance(said, dict) else None
    return int(value) if isinstance(value, int | float) else None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 9 else None
