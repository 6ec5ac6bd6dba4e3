"""Holds scores in an object store to those in a folder: manifest, images, parts and merged table by URI.

    pip install 'moto[server]' boto3 pyarrow
    cargo build --release -p headstart-cli --features cloud
    python tools/check_object_store.py target/release/headstart MODEL.safetensors FOLDER_OF_IMAGES

It starts a server of S3's API on the loopback address, fills a bucket with the images, scores them in three shards that run at
once, one of them twice, and compares the merged table with that of a folder.
"""

import csv
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3
import pyarrow.parquet
from moto.server import ThreadedMotoServer

BUCKET = "images"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def filled_bucket(endpoint, images, folder):
    """A bucket with the images and a manifest; the manifest also lies in the folder, beside links to the images."""
    store = boto3.client("s3", endpoint_url=endpoint)
    store.create_bucket(Bucket=BUCKET)
    names = []
    for number, file in enumerate(images):
        # Letters that a URI has another use for.
        name = f"in/{number:04} #1?%{file.suffix}"
        store.upload_file(str(file), BUCKET, name)
        (folder / "in").mkdir(exist_ok=True)
        (folder / name).symlink_to(file.resolve())
        names.append(name)
    names.insert(1, "in/missing.png")
    manifest = folder / "all.csv"
    with manifest.open("w", newline="") as to:
        csv.writer(to).writerows([["path"], *([name] for name in names)])
    store.upload_file(str(manifest), BUCKET, "all.csv")
    return store


def shard(program, manifest, model, which, out):
    return subprocess.Popen([program, "score", manifest, "--model", model, "--shard", which, "--out", out])


def main(program, model, images):
    files = sorted(file for file in Path(images).rglob("*") if file.is_file())[:40]
    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port)
    server.start()
    endpoint = f"http://127.0.0.1:{port}"
    os.environ.update(
        AWS_ACCESS_KEY_ID="check", AWS_SECRET_ACCESS_KEY="check", AWS_DEFAULT_REGION="us-east-1",
        AWS_ENDPOINT_URL=endpoint, AWS_ENDPOINT=endpoint, AWS_ALLOW_HTTP="true",
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        store = filled_bucket(endpoint, files, folder)
        out = f"s3://{BUCKET}/scores/first"
        remote = [shard(program, f"s3://{BUCKET}/all.csv", model, which, out) for which in ("0/3", "1/3", "1/3", "2/3")]
        assert [process.wait() for process in remote] == [0, 0, 0, 0]
        subprocess.run([program, "score-merge", out], check=True)
        assert shard(program, str(folder / "all.csv"), model, "0/1", str(folder / "scores")).wait() == 0
        subprocess.run([program, "score-merge", str(folder / "scores")], check=True)
        # What is said of the missing image differs, and nothing else.
        store.download_file(BUCKET, "scores/first/merged.parquet", str(folder / "stored.parquet"))
        tables = [pyarrow.parquet.read_table(folder / name) for name in ("stored.parquet", "scores/merged.parquet")]
        reasons = [table.column("reason").to_pylist() for table in tables]
        assert tables[0].drop_columns("reason").equals(tables[1].drop_columns("reason"))
        assert [reason is None for reason in reasons[0]] == [reason is None for reason in reasons[1]]
        assert tables[0].column("status").to_pylist().count("unreadable") == 1, reasons
        other = shard(program, f"s3://{BUCKET}/all.csv", model, "0/1", "s3://no-such-bucket/x").wait()
        assert other == 2, f"a bucket that is not there is no reason to try again, but the exit code was {other}"
        print(f"{len(files) + 1} rows are the same in the store and in a folder")
    server.stop()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: check_object_store.py PROGRAM MODEL IMAGES")
    main(*sys.argv[1:])
