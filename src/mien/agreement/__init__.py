"""Coders' files held against saved rows, and against each other."""

from mien.agreement.comparison import Agreement as Agreement
from mien.agreement.comparison import compare_raters as compare_raters
from mien.agreement.label_map import LabelMap as LabelMap
from mien.agreement.options import AgreementOptions as AgreementOptions
from mien.agreement.outputs import write_agreement as write_agreement
