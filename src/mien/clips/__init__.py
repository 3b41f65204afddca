"""Many clips held against reference labels, out of saved rows alone."""

from mien.clips.facts import ClipComparison as ClipComparison
from mien.clips.facts import clip_keys as clip_keys
from mien.clips.facts import clip_row as clip_row
from mien.clips.facts import compared as compared
from mien.clips.facts import facts as facts
from mien.clips.facts import write_charts as write_charts
from mien.clips.facts import write_scores as write_scores
from mien.clips.predictions import Predictions as Predictions
from mien.clips.predictions import ScoreOptions as ScoreOptions
from mien.clips.predictions import read_predictions as read_predictions
from mien.clips.reference import Reference as Reference
from mien.clips.reference import read_reference as read_reference
from mien.clips.scoring import ClipScore as ClipScore
from mien.clips.scoring import ScoredClip as ScoredClip
from mien.clips.scoring import score_clips as score_clips
