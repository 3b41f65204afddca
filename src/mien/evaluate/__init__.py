"""How good something is that reads expressions: any network, checkpoint or function, on any labelled faces.

What is judged is the reading of the expression that a face shows, not of what a person feels.
"""

from mien.evaluate.evaluation import Evaluation, Options
from mien.evaluate.figures import Figures
from mien.evaluate.judging import evaluate
from mien.evaluate.opening import open_subject
from mien.evaluate.subject import Subject
from mien.evaluate.taggers import TaggerScore, tagger_scores
from mien.evaluate.truth import LABEL_SETS
from mien.evaluate.views import VIEWS

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
