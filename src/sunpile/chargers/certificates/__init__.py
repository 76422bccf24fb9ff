"""Who a station is, by certificate: our own authority, the stations' certificates and passwords, and ISO 15118.

`requests` judges a CSR and `chains` a chain, both pure. `authority` is the local certificate authority behind the port
`CertificateAuthority`: a root and an intermediate for each tenant, keys in the node's folder. `clients` says whether a
certificate shown at the TLS door is that station's. `desk` answers what stations ask about certificates and sends them
what was signed; `upkeep` is what staff does with them. `passwords` and `profiles` change a secret or the security
profile without ever locking a station out or letting it fall back. `contracts` judges the contract certificates of cars
and `status` asks whether a certificate is revoked: by the certificate's own words and an allow-list, never at an
address that a station gave.
"""
