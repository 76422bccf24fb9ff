"""A snapshot of anvil, made small: blocks that nobody can ask for any more are left out."""

import gzip

import orjson

from sunpile.basics.errors import ChainUnreachable

BLOCKHASH_REACH = 256


def trimmed(packed: str, head: int, keep: int) -> bytes:
    """JSON of the hex and gzip `packed` answer of `anvil_dumpState`, checked to be of block `head`.

    Of the blocks only block 0, the newest `keep` and what BLOCKHASH can reach stay.
    """
    try:
        state = orjson.loads(gzip.decompress(bytes.fromhex(packed[2:])))
        best = state["best_block_number"]
        found = int(best, 16) if isinstance(best, str) else int(best)
        blocks = state["blocks"]
        numbers = [int(block["header"]["number"], 16) for block in blocks]
    except (ValueError, KeyError, TypeError, EOFError) as fault:
        raise ChainUnreachable("the chain's snapshot cannot be read") from fault
    if found != head:
        raise ChainUnreachable(f"the chain's snapshot is of block {found}, not {head}")
    oldest = head - max(keep, BLOCKHASH_REACH)
    kept = [block for block, number in zip(blocks, numbers, strict=True) if number > oldest or number == 0]
    return orjson.dumps({**state, "blocks": kept})
