"""How good something is that reads expressions: any network, checkpoint or function, on any labelled faces.

mien describes a facial expression, not an emotion that a person feels.
"""

from mien.evaluation.annotators import AnnotatorScore, annotator_scores
from mien.evaluation.evaluation import EvaluateOptions, Evaluation
from mien.evaluation.figures import Figures
from mien.evaluation.ground_truth import LABEL_SETS
from mien.evaluation.groups import Group, Groups, LargestDifference
from mien.evaluation.predictor import Predictor, open_subject
from mien.evaluation.run import evaluate
from mien.inference.tta import TTA

__all__ = [
    "LABEL_SETS",
    "TTA",
    "AnnotatorScore",
    "EvaluateOptions",
    "Evaluation",
    "Figures",
    "Group",
    "Groups",
    "LargestDifference",
    "Predictor",
    "annotator_scores",
    "evaluate",
    "open_subject",
]
