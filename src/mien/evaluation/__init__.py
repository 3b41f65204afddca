"""How good something is that reads expressions: any network, checkpoint or function, on any labelled faces.

What is judged is the reading of the expression that a face shows, not of what a person feels.
"""

from mien.evaluation.annotators import TaggerScore, tagger_scores
from mien.evaluation.evaluation import Evaluation, Options
from mien.evaluation.figures import Figures
from mien.evaluation.ground_truth import LABEL_SETS
from mien.evaluation.load import open_subject
from mien.evaluation.predictor import Subject
from mien.evaluation.run import evaluate
from mien.evaluation.tta import VIEWS

__all__ = [
    "LABEL_SETS",
    "VIEWS",
    "Evaluation",
    "Figures",
    "Options",
    "Subject",
    "TaggerScore",
    "evaluate",
    "open_subject",
    "tagger_scores",
]
