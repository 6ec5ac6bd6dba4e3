"""Scores a Parquet table of image paths with Spark, through the Python package headstart.

    spark-submit deploy/spark/score.py archive.parquet model.safetensors scores

Each partition loads the model once and answers batch by batch. Executors need the packages headstart and pyarrow, and the
model and the images at the same paths. The answers are Parquet files with the columns of `headstart.Scorer`.
"""

import sys

import headstart
import pyarrow
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema


def scorer(model):
    """What a partition runs: record batches with a column `path` in, record batches of answers out."""

    def score(batches):
        answer = headstart.Scorer(model)
        for batch in batches:
            yield from answer(pyarrow.Table.from_batches([batch])).to_batches()

    return score


def main(manifest, model, out):
    spark = SparkSession.builder.appName("headstart-score").getOrCreate()
    schema = from_arrow_schema(headstart.Scorer(model).schema)
    rows = spark.read.parquet(manifest).select("path")
    rows.mapInArrow(scorer(model), schema).write.mode("errorifexists").parquet(out)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: score.py MANIFEST.parquet MODEL.safetensors OUT")
    main(*sys.argv[1:])
