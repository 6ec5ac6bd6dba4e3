"""Scores a Parquet table of image paths with Ray Data, through the Python package headstart.

    pip install 'ray[data]', and the package headstart
    python deploy/ray/score.py archive.parquet model.safetensors scores

Ray starts the actors, moves rows to them, and does a batch again whose actor died. The answers are Parquet files with the
columns of `headstart.Scorer`. Parts of `headstart score` are another thing: `score-merge` does not take these.
"""

import sys

import headstart
import ray


def main(manifest, model, out, actors=64, processors=1, batch=256):
    rows = ray.data.read_parquet(manifest, columns=["path"])
    scored = rows.map_batches(
        headstart.Scorer,
        fn_constructor_args=(model,),
        batch_size=batch,
        batch_format="pyarrow",
        num_cpus=processors,
        # As many as the cluster has room for beside the tasks that read and write.
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors),
    )
    scored.write_parquet(out)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: score.py MANIFEST.parquet MODEL.safetensors OUT")
    # Each actor computes on as many threads as it has processors.
    ray.init(runtime_env={"env_vars": {"RAYON_NUM_THREADS": "1"}})
    main(*sys.argv[1:])
