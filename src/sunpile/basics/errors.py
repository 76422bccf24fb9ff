"""The tree of expected errors.

::

    SunpileError
    +-- InputInvalid                 400  what came in is malformed
    |   +-- FrameInvalid                  an OCPP frame (carries the CALLERROR code)
    |   +-- ReadingInvalid                a forged, replayed, overlapping or impossible reading
    |   +-- BatchInvalid                  a batch of rows
    |   +-- VoucherInvalid                a payment channel voucher
    |   +-- ReceiptInvalid                a receipt file
    |   +-- SettingInvalid                a setting: names the key and what is allowed
    +-- Unauthorised                 401  who are you?
    +-- Forbidden                    403  you may not
    +-- NotFound                     404
    +-- Conflict                     409  same id, other content; or the state does not allow it
    |   +-- NotInDialect                  the pile's OCPP version has no such thing
    +-- PaymentRequired              402  a voucher or balance is missing
    +-- TooLarge                     413  a file beyond its limit
    +-- TooMany                      429
    +-- Unreachable                  503  a pile, an inverter, the chain, a member, the database
    |   +-- ChainUnreachable
    |   +-- StoreUnreachable
    |   +-- PileUnreachable
    |   +-- InverterUnreachable
    |   +-- PortBusy
    |   +-- ProgramMissing                anvil is not installed
    +-- ChainFault                   502  the chain's node answered with an error that is not a revert
    +-- ChainRefused                 422  the contract reverted: `reason` is its own word
    +-- Inconsistent                 500  store and chain differ

Every leaf is answered over HTTP as `application/problem+json` (RFC 9457) with `code` as its type, and shown on the
command line as one sentence with a non-zero exit.
"""

from typing import ClassVar


class SunpileError(Exception):
    """An error that is expected in normal operation. `detail` is one clear sentence."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, detail: str = "", **facts: object) -> None:
        self.detail = detail or self.code.replace("-", " ")
        self.facts = facts
        super().__init__(self.detail)


class InputInvalid(SunpileError):
    status = 400
    code = "input-invalid"


class FrameInvalid(InputInvalid):
    """An OCPP-J frame that cannot be handled; `ocpp_code` is the CALLERROR code of its version."""

    code = "frame-invalid"

    def __init__(self, ocpp_code: str, detail: str, message_id: str = "-1") -> None:
        super().__init__(detail, ocpp_code=ocpp_code)
        self.ocpp_code = ocpp_code
        self.message_id = message_id


class ReadingInvalid(InputInvalid):
    code = "reading-invalid"


class BatchInvalid(InputInvalid):
    code = "batch-invalid"


class VoucherInvalid(InputInvalid):
    code = "voucher-invalid"


class ReceiptInvalid(InputInvalid):
    code = "receipt-invalid"


class SettingInvalid(InputInvalid):
    """A wrong setting: the sentence names the key, the value and the allowed values."""

    code = "setting-invalid"

    def __init__(self, key: str, value: str, allowed: str) -> None:
        super().__init__(f"setting {key} = {value!r} is not allowed; allowed: {allowed}", key=key)
        self.key = key


class Unauthorised(SunpileError):
    status = 401
    code = "unauthorised"


class PaymentRequired(SunpileError):
    status = 402
    code = "payment-required"


class Forbidden(SunpileError):
    status = 403
    code = "forbidden"


class NotFound(SunpileError):
    status = 404
    code = "not-found"


class Conflict(SunpileError):
    status = 409
    code = "conflict"


class NotInDialect(Conflict):
    """A command that the pile's OCPP version has no words for."""

    code = "not-in-dialect"

    def __init__(self, version: str, what: str) -> None:
        super().__init__(f"OCPP {version} has no {what}", version=version)


class ChainRefused(SunpileError):
    """A contract reverted; `reason` is the contract's own word."""

    status = 422
    code = "chain-refused"

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or f"the contract refused: {reason}", reason=reason)
        self.reason = reason


class ChainFault(SunpileError):
    """The chain's node answered with an error that is no revert (nonce, fee, unknown block); `message` is its own."""

    status = 502
    code = "chain-fault"

    def __init__(self, number: int, message: str) -> None:
        super().__init__(f"the chain's node answered: {message}", number=number)
        self.number = number
        self.message = message


class TooLarge(SunpileError):
    status = 413
    code = "body-too-large"


class TooMany(SunpileError):
    status = 429
    code = "too-many"


class Unreachable(SunpileError):
    status = 503
    code = "unreachable"


class ChainUnreachable(Unreachable):
    code = "chain-unreachable"


class StoreUnreachable(Unreachable):
    code = "store-unreachable"


class PileUnreachable(Unreachable):
    code = "pile-unreachable"


class InverterUnreachable(Unreachable):
    code = "inverter-unreachable"


class PortBusy(Unreachable):
    code = "port-busy"


class ProgramMissing(Unreachable):
    code = "program-missing"


class Inconsistent(SunpileError):
    status = 500
    code = "inconsistent"
