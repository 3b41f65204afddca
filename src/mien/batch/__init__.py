"""Any number of images and videos, read by many workers into shards: nothing lost and nothing twice,
wherever a run is stopped."""

from mien.batch.inputs import Input as Input
from mien.batch.inputs import open_input as open_input
from mien.batch.output import Output as Output
from mien.batch.settings import BatchSettings as BatchSettings
