"""`isfp bench`: how long a frame takes here, stage by stage, beside whatever else can run the same network."""

from isfp.diagnose.bench.measure import BenchPlan, bench
from isfp.diagnose.bench.report import BenchReport
from isfp.diagnose.bench.timing import Timing

__all__ = ["BenchPlan", "BenchReport", "Timing", "bench"]
