"""Where 2.0.1 says a thing otherwise than 2.1, or cannot say it and its schema would not tell why."""

from sunpile.basics.errors import NotInDialect
from sunpile.chargers.commands import Profile, RemoteStart, SetChargingProfile, SetNetworkProfile
from sunpile.chargers.ocpp2 import write_charging, write_profiles, write_provisioning
from sunpile.chargers.validation import Version
from sunpile.chargers.writing import Said, Writers

VERSION: Version = "2.0.1"


def _network(command: SetNetworkProfile) -> Said:
    action, payload = write_provisioning.set_network_profile(command)
    if command.version == "OCPP201":
        # Its list of versions was not mended with its number: OCPP20 is what it calls itself.
        payload["connectionData"]["ocppVersion"] = "OCPP20"
    return action, payload


def _check(profile: Profile | None) -> None:
    if profile is not None and any(p.limit is None for schedule in profile.schedules for p in schedule.periods):
        raise NotInDialect(VERSION, "period without a limit")


def _remote_start(command: RemoteStart) -> Said:
    _check(command.profile)
    return write_charging.remote_start(command)


def _set_profile(command: SetChargingProfile) -> Said:
    _check(command.profile)
    return write_profiles.set_profile(command)


WRITERS: Writers = {
    RemoteStart: _remote_start,
    SetChargingProfile: _set_profile,
    SetNetworkProfile: _network,
}
