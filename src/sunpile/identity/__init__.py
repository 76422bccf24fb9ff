"""Chapter 6: who somebody is and what they may do.

Staff and tenants, roles, sign-in by OIDC and passkeys, API keys with scopes, the audit log.
"""
