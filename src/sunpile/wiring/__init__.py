"""The only place that joins ports to adapters: a node, a member, a demo."""
