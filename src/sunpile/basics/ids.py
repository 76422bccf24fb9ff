"""Identifiers with a type of their own, so that one cannot be passed for another."""

from typing import NewType

Address = NewType("Address", str)
"""An EVM address, 0x and 40 lower-case hex digits."""

ZoneId = NewType("ZoneId", int)
"""A zone of the grid, 20 bits on chain."""

PointId = NewType("PointId", int)
"""A metering point (UsagePoint, IEC 61968-9): its index on chain, from 1."""

StationId = NewType("StationId", str)
"""Identity of a charging station, the last part of its OCPP URL."""

EvseId = NewType("EvseId", int)
"""EVSE number in a station, from 1 (OCPP 2.0.1); the connector number of OCPP 1.6."""

SessionId = NewType("SessionId", str)
"""A charging session, commercial view (OCPI)."""

DriverId = NewType("DriverId", str)
"""A driver's account; says nothing about the person."""

IdToken = NewType("IdToken", str)
"""What a driver presents at the pile (OCPP IdToken, idTag)."""
