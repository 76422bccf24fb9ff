"""Dumps as mysqldump writes them, in SteVe's schemas of different years, with made-up rows."""

from collections.abc import Mapping, Sequence

Cell = str | int | None | bytes
HEAD = (
    "-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n--\n-- Host: localhost    Database: stevedb\n"
    "/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\n/*!50503 SET NAMES utf8mb4 */;\n"
    "/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;\n/*!40103 SET TIME_ZONE='+00:00' */;\n\n"
)
TAIL = "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n\n-- Dump completed on 2026-10-01 12:00:00\n"
VIEW = (
    "/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`steve`@`localhost` SQL SECURITY DEFINER */\n"
    "/*!50001 VIEW `ocpp_tag_activity` AS select `o`.`id_tag` AS `id_tag` from `ocpp_tag` `o` */;\n"
)
NEW: Mapping[str, Sequence[str]] = {
    "address": (
        *("address_pk", "street", "house_number", "zip_code", "city", "country", "latitude", "longitude", "time_zone"),
        *("created_at", "updated_at"),
    ),
    "charge_box": (
        *("charge_box_pk", "charge_box_id", "endpoint_address", "ocpp_protocol", "registration_status"),
        *("charge_point_vendor", "charge_point_model", "charge_point_serial_number", "charge_box_serial_number"),
        *("fw_version", "last_heartbeat_timestamp", "description", "note", "address_pk", "security_profile"),
        *("auth_password", "created_at", "updated_at"),
    ),
    "evse": ("evse_pk", "charge_box_id", "evse_id", "evse_id_external", "topology_source"),
    "ocpp_tag": (
        *("ocpp_tag_pk", "id_tag", "parent_id_tag", "expiry_date", "max_active_transaction_count", "note"),
        *("created_at", "updated_at"),
    ),
    "user": ("user_pk", "address_pk", "first_name", "last_name", "birth_day", "sex", "phone", "e_mail", "note"),
    "user_ocpp_tag": ("user_pk", "ocpp_tag_pk"),
    "transaction_start": (
        *("transaction_pk", "event_timestamp", "evse_pk", "id_tag", "start_timestamp", "start_value"),
    ),
    "transaction_stop": (
        *("transaction_pk", "event_timestamp", "event_actor", "stop_timestamp", "stop_value", "stop_reason"),
    ),
    "transaction_stop_failed": (
        *("transaction_pk", "charge_box_id", "event_timestamp", "event_actor", "stop_timestamp", "stop_value"),
        *("stop_reason", "fail_reason"),
    ),
    "reservation": (
        *("reservation_pk", "evse_pk", "transaction_pk", "id_tag", "start_datetime", "expiry_datetime", "status"),
    ),
    "connector_meter_value": ("evse_pk", "transaction_pk", "value_timestamp", "value"),
    "web_user": ("web_user_pk", "username", "password"),
}
"""Schema of the newest release."""
OLD: Mapping[str, Sequence[str]] = {
    "charge_box": (
        *("charge_box_pk", "charge_box_id", "ocpp_protocol", "registration_status", "charge_point_vendor"),
        *("last_heartbeat_timestamp", "description", "location_latitude", "location_longitude", "address_pk"),
    ),
    "connector": ("connector_pk", "charge_box_id", "connector_id"),
    "ocpp_tag": (
        *("ocpp_tag_pk", "id_tag", "parent_id_tag", "expiry_date", "in_transaction", "blocked"),
        *("max_active_transaction_count", "note"),
    ),
    "user": ("user_pk", "ocpp_tag_pk", "first_name", "last_name"),
    "transaction_start": (
        *("transaction_pk", "event_timestamp", "connector_pk", "id_tag", "start_timestamp", "start_value"),
    ),
    "transaction_stop": NEW["transaction_stop"],
}
"""Schema of 2019."""
_ESCAPES = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\0": "\\0", "\x1a": "\\Z"}


def quoted(cell: Cell) -> str:
    """A value as mysqldump writes it."""
    if cell is None:
        return "NULL"
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, bytes):
        return "0x" + cell.hex().upper()
    return "'" + "".join(_ESCAPES.get(letter, letter) for letter in cell) + "'"


def table(name: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], at_once: int = 1000) -> str:
    """Structure and rows of a table, with a row's missing cells NULL."""
    lines = "".join(f"  `{column}` varchar(255) DEFAULT NULL,\n" for column in columns)
    text = [
        f"--\n-- Table structure for table `{name}`\n--\n\nDROP TABLE IF EXISTS `{name}`;\n",
        "/*!40101 SET @saved_cs_client     = @@character_set_client */;\n",
        f"CREATE TABLE `{name}` (\n{lines}  PRIMARY KEY (`{columns[0]}`),\n  KEY `k;'` (`{columns[-1]}`)\n"
        ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COMMENT='a; comment';\n\n",
        f"LOCK TABLES `{name}` WRITE;\n/*!40000 ALTER TABLE `{name}` DISABLE KEYS */;\n",
    ]
    for first in range(0, len(rows), at_once):
        some = [
            "(" + ",".join(map(quoted, (*row, *[None] * (len(columns) - len(row))))) + ")"
            for row in rows[first : first + at_once]
        ]
        text.append(f"INSERT INTO `{name}` VALUES {','.join(some)};\n")
    text.append(f"/*!40000 ALTER TABLE `{name}` ENABLE KEYS */;\nUNLOCK TABLES;\n\n")
    return "".join(text)


def dump(rows: Mapping[str, Sequence[Sequence[Cell]]], schema: Mapping[str, Sequence[str]] = NEW) -> bytes:
    """A whole dump."""
    parts = [table(name, columns, rows.get(name, ())) for name, columns in schema.items()]
    return (HEAD + "".join(parts) + VIEW + TAIL).encode()


def row(name: str, schema: Mapping[str, Sequence[str]] = NEW, **cells: Cell) -> list[Cell]:
    """A row with its cells by name."""
    assert set(cells) <= set(schema[name]), name
    return [cells.get(column) for column in schema[name]]


def station(name: str, key: int = 1, **cells: Cell) -> list[Cell]:
    """A row of charge_box."""
    known: dict[str, Cell] = {"charge_box_pk": key, "charge_box_id": name, "ocpp_protocol": "ocpp1.6J"}
    known |= {"registration_status": "Accepted", "last_heartbeat_timestamp": "2026-10-01 12:00:00.000000"}
    return row("charge_box", **known | cells)


def start(key: int, evse_pk: int = 1, **cells: Cell) -> list[Cell]:
    """A row of transaction_start."""
    known: dict[str, Cell] = {"transaction_pk": key, "event_timestamp": "2026-09-01 08:00:01.000000"}
    known |= {"evse_pk": evse_pk, "id_tag": "AA01", "start_timestamp": "2026-09-01 08:00:00.000000"}
    return row("transaction_start", **known | {"start_value": "1000"} | cells)


def stop(key: int, **cells: Cell) -> list[Cell]:
    """A row of transaction_stop."""
    known: dict[str, Cell] = {"transaction_pk": key, "event_timestamp": "2026-09-01 09:00:01.000000"}
    known |= {"event_actor": "station", "stop_timestamp": "2026-09-01 09:00:00.000000", "stop_value": "11000"}
    return row("transaction_stop", **known | {"stop_reason": "Local"} | cells)


def small() -> dict[str, list[list[Cell]]]:
    """One station with two connectors, two tags and two past transactions."""
    return {
        "charge_box": [station("SP-1", description="Yard", address_pk=1)],
        "address": [row("address", address_pk=1, street="Mill St", house_number="3", zip_code="8000", city="Zürich")],
        "evse": [[1, "SP-1", 0], [2, "SP-1", 1], [3, "SP-1", 2]],
        "ocpp_tag": [
            row("ocpp_tag", ocpp_tag_pk=1, id_tag="AA01", parent_id_tag="FAMILY", max_active_transaction_count=1),
            row("ocpp_tag", ocpp_tag_pk=2, id_tag="FAMILY", max_active_transaction_count=-1),
        ],
        "user": [row("user", user_pk=1, first_name="Zoë", last_name="O'Neil")],
        "user_ocpp_tag": [[1, 1]],
        "transaction_start": [start(1, 2), start(2, 3, start_value="5000")],
        "transaction_stop": [stop(1), stop(2, stop_value="6000", stop_reason=None)],
        "connector_meter_value": [[2, 1, "2026-09-01 08:10:00", "1200"]],
    }
