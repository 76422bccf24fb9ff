"""The operator's console: one shell, drawn in the browser from the REST API."""
