"""A page for people and a service for programs, on one address."""
