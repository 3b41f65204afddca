"""What ``make bench`` runs: figures beside a peer or a limit in the same run."""
