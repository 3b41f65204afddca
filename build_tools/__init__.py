"""What hatchling does when mien is built: the networks that are made from others' weights, and the page."""
