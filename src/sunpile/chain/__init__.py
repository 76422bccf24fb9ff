"""Chapter 5: the chain.

Money moves on an EVM chain, and only there. An `Engine` is the chain as the node meets it: the embedded one starts
anvil, mines when something waits, takes the block time from the node's clock and makes it durable with a journal of
our own (a raw transaction is on the disk before the chain sees it); the `rpc` one talks to a chain that others run.
`Contracts` are typed handles of what is deployed there. A `Submitter` owns the nonces of one key: it saves what it
will send before it sends it, remembers every attempt, and finds its way after any crash without sending anything
twice. An `Indexer` turns final blocks into events without a gap. `RpcProxy` shows the world an allow-list of methods.

Entry functions: `open_engine`, `deploy_all`.
"""

from sunpile.chain.contracts import Contracts, load_abi
from sunpile.chain.deploy import Deployment, Plan, deploy_all
from sunpile.chain.engine import open_engine
from sunpile.chain.indexer import Indexer
from sunpile.chain.ports import ChainEvent
from sunpile.chain.proxy import RpcProxy
from sunpile.chain.receipts import Receipt
from sunpile.chain.rpc import Rpc
from sunpile.chain.submitter import Ask, Submitter

__all__ = [
    "Ask",
    "ChainEvent",
    "Contracts",
    "Deployment",
    "Indexer",
    "Plan",
    "Receipt",
    "Rpc",
    "RpcProxy",
    "Submitter",
    "deploy_all",
    "load_abi",
    "open_engine",
]
