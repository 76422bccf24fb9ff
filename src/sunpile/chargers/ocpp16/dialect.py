"""OCPP 1.6J in the words of `events`, `notices` and `commands`."""

from collections.abc import Sequence

from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.dialect import Context, Outcome, Payload, Plan, Reader, Request, Setting
from sunpile.chargers.metering import REGISTER
from sunpile.chargers.ocpp16 import read_notices, read_sessions
from sunpile.chargers.ocpp16.reply import reply
from sunpile.chargers.ocpp16.words import VERSION, wrong
from sunpile.chargers.ocpp16.write import WRITERS, result
from sunpile.chargers.validation import Fault, Version
from sunpile.chargers.writing import Said, said

READERS: dict[str, Reader] = {**read_sessions.READERS, **read_notices.READERS}


class Ocpp16:
    """`Dialect` of OCPP 1.6J."""

    version: Version = VERSION
    settings_per_call = 1

    def read(self, action: str, payload: Payload, context: Context) -> Request:
        """See `Dialect.read`."""
        reader = READERS.get(action)
        if reader is None:
            raise wrong("", Fault.UNSUPPORTED_ACTION)
        return reader(payload, context)

    def reply(self, request: Request, outcome: Outcome, context: Context) -> Payload:
        """See `Dialect.reply`."""
        return reply(request, outcome, context)

    def settings(self, plan: Plan) -> list[Setting]:
        """See `Dialect.settings`."""
        return [
            Setting("HeartbeatInterval", str(plan.heartbeat_s)),
            Setting("MeterValuesAlignedData", ",".join(plan.aligned), otherwise=REGISTER),
            Setting("ClockAlignedDataInterval", str(plan.clock_aligned_s)),
            Setting("MeterValuesSampledData", ",".join(plan.sampled), otherwise=REGISTER),
            Setting("MeterValueSampleInterval", str(plan.sample_s)),
            Setting("StopTxnSampledData", ""),
            Setting("StopTxnAlignedData", ""),
        ]

    def calls(self, command: Command) -> Sequence[Said]:
        """See `Dialect.calls`."""
        return said(self.version, WRITERS, command)

    def result(self, command: Command, answers: Sequence[Payload]) -> CommandResult:
        """See `Dialect.result`."""
        return result(command, answers)
