"""Holds scores and features in an object store to those in a folder: manifest, images, parts and merged table by URI.

    pip install 'moto[server]' boto3 pyarrow
    cargo build --release -p headstart-cli --features cloud
    python tools/check_object_store.py target/release/headstart MODEL.safetensors FOLDER_OF_IMAGES

It starts a server of S3's API on the loopback address, fills a bucket with the images, scores them in three shards that run at
once, one of them twice, and compares the merged table with that of a folder. It does the same with features.
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


def shard(program, words, manifest, which, out):
    return subprocess.Popen([program, words[0], manifest, *words[1:], "--shard", which, "--out", out])


def compare(program, words, store, folder):
    """Shards in the store and one in the folder come to the same table, but for what is said of the image that is missing."""
    name = words[0]
    out, here = f"s3://{BUCKET}/{name}/first", folder / name
    remote = [shard(program, words, f"s3://{BUCKET}/all.csv", which, out) for which in ("0/3", "1/3", "1/3", "2/3")]
    assert [process.wait() for process in remote] == [0, 0, 0, 0]
    subprocess.run([program, "score-merge", out], check=True)
    assert shard(program, words, str(folder / "all.csv"), "0/1", str(here)).wait() == 0
    subprocess.run([program, "score-merge", str(here)], check=True)
    store.download_file(BUCKET, f"{name}/first/merged.parquet", str(folder / "stored.parquet"))
    tables = [pyarrow.parquet.read_table(file) for file in (folder / "stored.parquet", here / "merged.parquet")]
    reasons = [table.column("reason").to_pylist() for table in tables]
    assert tables[0].drop_columns("reason").equals(tables[1].drop_columns("reason"))
    assert [reason is None for reason in reasons[0]] == [reason is None for reason in reasons[1]]
    assert tables[0].column("status").to_pylist().count("unreadable") == 1, reasons
    other = shard(program, words, f"s3://{BUCKET}/all.csv", "0/1", "s3://no-such-bucket/x").wait()
    assert other == 2, f"a bucket that is not there is no reason to try again, but the exit code was {other}"
    return len(tables[0])


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
        for words in (["score", "--model", model], ["features", "--pool", "--image-size", "64"]):
            rows = compare(program, words, store, folder)
            print(f"{words[0]}: {rows} rows are the same in the store and in a folder")
    server.stop()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: check_object_store.py PROGRAM MODEL IMAGES")
    main(*sys.argv[1:])
