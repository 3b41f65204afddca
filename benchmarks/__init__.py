"""How fast mien is beside a peer, and how much memory it takes. See README.md."""
