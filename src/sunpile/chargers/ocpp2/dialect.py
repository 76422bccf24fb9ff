"""OCPP 2.0.1 and 2.1 in the words of `events`, `notices` and `commands`."""

from collections.abc import Sequence

from sunpile.chargers.commands import Command, CommandResult
from sunpile.chargers.dialect import Context, Outcome, Payload, Plan, Reader, Request, Setting
from sunpile.chargers.metering import REGISTER
from sunpile.chargers.ocpp2 import read_notices, read_sessions, read_transactions
from sunpile.chargers.ocpp2.reading import wrong
from sunpile.chargers.ocpp2.reply import reply
from sunpile.chargers.ocpp2.write import WRITERS, result
from sunpile.chargers.validation import Fault, Version
from sunpile.chargers.writing import Said, said

READERS: dict[str, Reader] = {
    **read_sessions.READERS,
    **read_transactions.READERS,
    **read_notices.READERS,
}


class Ocpp201:
    """`Dialect` of OCPP 2.0.1."""

    version: Version = "2.0.1"
    settings_per_call = 4

    def read(self, action: str, payload: Payload, context: Context) -> Request:
        """See `Dialect.read`."""
        reader = READERS.get(action)
        if reader is None:
            raise wrong("", Fault.UNSUPPORTED_ACTION)
        return reader(payload, context)

    def reply(self, request: Request, outcome: Outcome, context: Context) -> Payload:
        """See `Dialect.reply`."""
        return reply(self.version, request, outcome, context)

    def settings(self, plan: Plan) -> list[Setting]:
        """See `Dialect.settings`."""
        aligned, sampled = ",".join(plan.aligned), ",".join(plan.sampled)
        return [
            Setting("HeartbeatInterval", str(plan.heartbeat_s), "OCPPCommCtrlr"),
            Setting("Measurands", aligned, "AlignedDataCtrlr", otherwise=REGISTER),
            Setting("Interval", str(plan.clock_aligned_s), "AlignedDataCtrlr"),
            Setting("TxStartedMeasurands", REGISTER, "SampledDataCtrlr"),
            Setting("TxUpdatedMeasurands", sampled, "SampledDataCtrlr", otherwise=REGISTER),
            Setting("TxUpdatedInterval", str(plan.sample_s), "SampledDataCtrlr"),
            Setting("TxEndedMeasurands", REGISTER, "SampledDataCtrlr"),
        ]

    def calls(self, command: Command) -> Sequence[Said]:
        """See `Dialect.calls`."""
        return said(self.version, WRITERS[self.version], command)

    def result(self, command: Command, answers: Sequence[Payload]) -> CommandResult:
        """See `Dialect.result`."""
        return result(command, answers)


class Ocpp21(Ocpp201):
    """`Dialect` of OCPP 2.1."""

    version: Version = "2.1"
