"""The published trainings repeated, with the published figure beside ours."""

from mien.reproduction.papers import PAPERS, Claim, Paper, paper
from mien.reproduction.repetition import Repetition, repeat

__all__ = ["PAPERS", "Claim", "Paper", "Repetition", "paper", "repeat"]
