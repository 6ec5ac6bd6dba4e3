"""Golden style statistics for crates/headstart/src/audit/style, from numpy and Pillow alone.

The pictures are drawn from whole numbers, so that the test draws the same ones. Run with folders of class
folders as arguments, the script instead prints how well the statistics tell the classes of these images, by five
folds that keep patients together; that takes scikit-learn, too.

    pip install numpy pillow
    python tools/golden_style.py
    pip install scikit-learn
    python tools/golden_style.py chest-xray-224/train
"""

import io
import json
import re
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

TESTS = Path(__file__).parent.parent / "crates/headstart/tests"
GOLDEN = TESTS / "golden/style.json"
SIDE = 256
FLOOR = 0.01
FAMILIES = ["geometry", "grey", "bands", "sharpness", "border"]
PENALTIES = [1e-1, 1e-2, 1e-3]


def grey_of(rgb):
    return rgb.astype(np.float64) @ [0.299, 0.587, 0.114]


def pool(plane, weights):
    """Weighted sums of 2×2 pixels; weights are those of upper left, upper right, lower left, lower right."""
    parts = plane[::2, ::2], plane[::2, 1::2], plane[1::2, ::2], plane[1::2, 1::2]
    return sum(weight * part for weight, part in zip(weights, parts)) / 4


def haar(plane):
    """Energies [6, 3] of detail across, down and diagonal, finest first."""
    energies = []
    for _ in range(6):
        details = [pool(plane, signs) for signs in ([1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1])]
        energies.append([np.mean(detail**2) for detail in details])
        plane = pool(plane, [1, 1, 1, 1])
    return np.array(energies)


def laplacian(plane):
    padded = np.pad(plane, 1)
    around = sum(np.roll(padded, step, axis) for step in (1, -1) for axis in (0, 1))
    return (around - 4 * padded)[2:-2, 2:-2]


def blockiness(grey):
    height, width = grey.shape
    if min(height, width) < 16:
        return None
    lines = grey[:: -(-height // 256)], grey[:, :: -(-width // 256)].T
    ratios = []
    for line in lines:
        steps = np.abs(np.diff(line, axis=1))
        edge = np.arange(1, line.shape[1]) % 8 == 0
        ratios.append(np.log((steps[:, edge].mean() + FLOOR) / (steps[:, ~edge].mean() + FLOOR)))
    return float(np.mean(ratios))


def quality(tables):
    """libjpeg's quality whose luminance table has the same sum as this one."""
    standard = io.BytesIO()
    Image.new("L", (8, 8)).save(standard, "JPEG", quality=50)
    percent = 100 * sum(tables[0]) / sum(Image.open(standard).quantization[0])
    return (200 - percent) / 2 if percent <= 100 else 5000 / percent


def statistics(image, file_bytes=None, file_quality=None):
    """Lists of numbers by family; None for what the picture does not have."""
    image = image.convert("RGB")
    width, height = image.size
    plane = grey_of(np.asarray(image.resize((SIDE, SIDE), Image.BILINEAR)))
    energies, variance = haar(plane), plane.var()
    ratios = np.log((energies[:5, 0] + FLOOR) / (energies[:5, 1] + FLOOR))
    levels = np.sort(np.round(plane), axis=None).astype(int)
    shares = np.bincount(levels, minlength=256) / levels.size
    quantiles = [levels[int(np.float32(share) * levels.size)] for share in (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)]
    entropy = -np.sum(shares[shares > 0] * np.log2(shares[shares > 0]))
    full, half = laplacian(plane), laplacian(pool(plane, [1, 1, 1, 1]))
    relative = [np.log((np.mean(edges**2) + FLOOR) / (variance + FLOOR)) for edges in (full, half)]
    peaks = np.log((np.mean(full**4) + FLOOR**2) / (np.mean(full**2) + FLOOR) ** 2)
    bytes_a_pixel = None if file_bytes is None else np.log(file_bytes / (width * height))
    inside = plane[8:-8, 8:-8]
    strip = np.concatenate([plane[:8].ravel(), plane[-8:].ravel(), plane[8:-8, :8].ravel(), plane[8:-8, -8:].ravel()])
    found = {
        "geometry": [np.log(width / height), np.log(width * height), *ratios],
        "grey": [*quantiles, plane.mean(), plane.std(), shares[:8].sum(), shares[248:].sum(), entropy],
        "bands": np.log((energies.sum(axis=1) + FLOOR) / (variance + FLOOR)),
        "sharpness": [*relative, peaks, blockiness(grey_of(np.asarray(image))), file_quality, bytes_a_pixel],
        "border": [
            strip.mean() - inside.mean(),
            np.log((strip.std() + 1) / (inside.std() + 1)),
            np.mean(strip < 16),
            np.mean(strip >= 240),
        ],
    }
    return {family: [None if value is None else float(value) for value in values] for family, values in found.items()}


def drawn(width, height):
    """RGB from whole numbers: a slope, grain, blocks of 8 pixels and a dark frame."""
    y, x = np.mgrid[:height, :width]
    grain = (x * 31 + y * 17 + x * y * 7) % 23
    level = 40 + 120 * x // width + x // 8 % 3 * 9 + y // 8 % 2 * 5 + grain
    frame = (x < 5) | (y < 9)
    channels = [np.where(frame, 3, level + shift) for shift in (0, 6, 11)]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def columns(rows):
    """Standardised statistics, cut off at 4 deviations, and their squares; a missing one is the mean."""
    rows = np.array(rows, dtype=float)
    rows = np.where(np.isnan(rows), np.nanmean(rows, axis=0), rows)
    spread = rows.std(axis=0)
    standard = np.clip((rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1), -4, 4)
    both = np.hstack([standard, standard**2])
    spread = both.std(axis=0)
    return (both - both.mean(axis=0)) / np.where(spread > 0, spread, 1)


def fit(rows, labels, penalty):
    """Newton's method. Half the penalty, because two classes share it in a softmax of both."""
    rows = np.hstack([rows, np.ones((len(rows), 1))])
    ridge = np.diag([penalty / 2] * (rows.shape[1] - 1) + [0.0])
    weights = np.zeros(rows.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-rows @ weights))
        gradient = rows.T @ (chance - labels) / len(rows) + ridge @ weights
        curvature = (rows.T * (chance * (1 - chance))) @ rows / len(rows) + ridge
        weights -= np.linalg.solve(curvature, gradient)
    return weights


def scored(rows, weights):
    return 1 / (1 + np.exp(-rows @ weights[:-1] - weights[-1]))


def loss(rows, labels, other_rows, other_labels, penalty):
    score = scored(other_rows, fit(rows, labels, penalty))
    return -np.mean(np.where(other_labels == 1, np.log(score), np.log(1 - score)))


def out_of_fold(rows, labels, folds):
    """Scores of the second class. The first fold chooses the penalty."""
    rows, scores, penalty = columns(rows), np.zeros(len(labels)), None
    for fold in range(folds.max() + 1):
        train, held_out = folds != fold, folds == fold
        if penalty is None:
            parts = rows[train], labels[train], rows[held_out], labels[held_out]
            penalty = min(PENALTIES, key=lambda penalty: loss(*parts, penalty))
        scores[held_out] = scored(rows[held_out], fit(rows[train], labels[train], penalty))
    return scores


def learned():
    """Statistics of two classes, one of them missing here and there, and what is learned from them."""
    random = np.random.default_rng(20)
    labels, folds = np.arange(120) % 2, np.arange(120) // 2 % 5
    rows = random.normal(size=(120, 3)).round(3)
    rows[:, 0] += 0.8 * labels
    rows[:, 1] *= 1 + labels
    rows[::9, 2] = np.nan
    scores = out_of_fold(rows, labels, folds)
    rows = [[None if np.isnan(value) else value for value in row] for row in rows.tolist()]
    return {"labels": labels.tolist(), "folds": folds.tolist(), "rows": rows, "scores": scores.round(5).tolist()}


def golden():
    pictures = []
    for width, height in ((256, 256), (300, 200), (64, 48), (20, 900)):
        found = statistics(drawn(width, height))
        rounded = {family: [value and round(value, 6) for value in values] for family, values in found.items()}
        pictures.append({"width": width, "height": height, "statistics": rounded})
    names = ["rgb.jpg", "grey.jpg", "progressive.jpg", "adobe_rgb.jpg", "cmyk.jpg"]
    jpegs = {name: round(quality(Image.open(TESTS / "fixtures" / name).quantization), 4) for name in names}
    parts = {"pictures": pictures, "qualities": jpegs, "learned": learned()}
    GOLDEN.write_text(json.dumps(parts, separators=(",", ":")) + "\n")
    print(f"{len(pictures)} pictures, {len(jpegs)} qualities")


def of_file(path):
    image = Image.open(path)
    file_quality = quality(image.quantization) if image.format == "JPEG" else None
    return statistics(ImageOps.exif_transpose(image), path.stat().st_size, file_quality)


def patient(path):
    found = re.match(r"(person\d+)_|((?:NORMAL2-)?IM-\d+)-", path.name)
    return found[0] if found else path.name


def measure(folder):
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    files = sorted(path for path in Path(folder).glob("*/*") if path.is_file())
    classes = sorted({path.parent.name for path in files})
    labels = np.array([classes.index(path.parent.name) for path in files])
    patients = [patient(path) for path in files]
    all_statistics = [of_file(path) for path in files]
    folds = np.zeros(len(files), dtype=int)
    cut = StratifiedGroupKFold(5, shuffle=True, random_state=7).split(files, labels, patients)
    for fold, (_, held_out) in enumerate(cut):
        folds[held_out] = fold
    print(folder, len(files), "images")
    for name, families in [*((family, [family]) for family in FAMILIES), ("all", FAMILIES)]:
        rows = [sum((found[family] for family in families), []) for found in all_statistics]
        scores = out_of_fold(np.array(rows, dtype=float), labels, folds)
        print(f"{name:<12} AUC {roc_auc_score(labels, scores):.3f}, wrong {np.mean((scores > 0.5) != labels):.3f}")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        measure(argument)
    if not sys.argv[1:]:
        golden()
