"""Many clips held against golden labels, out of saved rows alone."""

from mien.score.charts import write_charts as write_charts
from mien.score.facts import Comparison as Comparison
from mien.score.facts import clip_keys as clip_keys
from mien.score.facts import clip_row as clip_row
from mien.score.facts import compared as compared
from mien.score.facts import facts as facts
from mien.score.facts import write_scores as write_scores
from mien.score.golden import Golden as Golden
from mien.score.golden import read_golden as read_golden
from mien.score.predictions import Options as Options
from mien.score.predictions import Predictions as Predictions
from mien.score.predictions import read_predictions as read_predictions
from mien.score.scoring import Score as Score
from mien.score.scoring import ScoredClip as ScoredClip
from mien.score.scoring import score_clips as score_clips
