#!/bin/bash
# Holds trainings that several processes share to one that a single process does: the sealed models must be the same bytes.
# It runs slices of steps with 1, 2, 3, 4 and 8 ranks and members of an ensemble with 1 to 4 on this machine, kills a rank with -9
# and goes on with another number of ranks, lets a rank fail, and times the features: with one rank and with two of one thread
# each, and in two processes at once that share nothing, which is what the machine can do at best. CHECKS names some of
# "slices members killed failed timed" to run only those (killed and failed need slices).
#
#   apt-get install openmpi-bin libopenmpi-dev libclang-dev
#   cargo build --release -p headstart-cli --features mpi
#   tools/check_mpi.sh target/release/headstart DATA
set -eu
program=$(realpath "$1") data=$(realpath "$2")
images=${IMAGES:-200} size=${SIZE:-224} tries=${TRIES:-3}
checks=" ${CHECKS:-slices members killed failed timed} "
wanted() { [[ $checks == *" $1 "* ]]; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
among() {
    local ranks=$1
    shift
    # Else one rank or two are bound to the first processors, whatever runs there.
    timeout 600 mpirun --oversubscribe --allow-run-as-root --bind-to none -n "$ranks" "$@"
}
hash() { sha256sum <"$1/model.safetensors" | cut -c1-16; }
cat >"$place/slices.toml" <<RECIPE
backbone = 'efficientnet-lite0'
unfreeze = 'last-block'
loss = 'categorical-cross-entropy'
optimizer = 'adamw'
learning_rate = 1e-3
weight_decay = 0.01
batch_size = 32
slices = 8
epochs = 2
patience = 2
average = 0.9
class_weights = true
validation_fraction = 0.15
augment = { views = 1, rotation = 10.0, contrast = 0.2 }
mix = { kind = 'mixup', alpha = 0.2 }
head = [{ kind = 'global-average-pool' }, { kind = 'dropout', rate = 0.2 }]
RECIPE
grep -v '^slices\|^mix' "$place/slices.toml" >"$place/members.toml"

# compare NAME "RANKS…" MORE…
compare() {
    local name=$1 all=$2 one= ranks
    shift 2
    for ranks in $all; do
        among "$ranks" "$program" -j 1 train "$data" --image-size "$size" --recipe "$place/$name.toml" --train-images "$images" --cache "$place/cache-$name-$ranks" \
            --out "$place/$name-$ranks" --quiet "$@" >/dev/null
        echo "$name, $ranks ranks: $(hash "$place/$name-$ranks")"
        one=${one:-$(hash "$place/$name-$ranks")}
        [ "$(hash "$place/$name-$ranks")" = "$one" ] || { echo "the model differs"; exit 1; }
    done
}
if wanted slices; then compare slices "1 2 3 4 8"; fi
if wanted members; then compare members "1 2 3 4" --folds 3; fi

if wanted killed; then
# One rank of three is killed; mpirun ends the others. The rest is done by two.
killed=$place/killed
among 3 "$program" -j 1 train "$data" --image-size "$size" --recipe "$place/slices.toml" --train-images "$images" --cache "$place/cache-slices-1" --out "$killed" \
    --checkpoint-every 0.2 --quiet >"$place/log" 2>&1 &
launched=$!
until [ -e "$killed/checkpoint.safetensors" ]; do sleep 0.1; done
victim=$(for one in $(pgrep -f -- "--out $killed"); do
    # The ranks themselves: not mpirun, and not the processes that decode for them.
    tr '\0' '\n' <"/proc/$one/environ" 2>/dev/null | grep -qx OMPI_COMM_WORLD_RANK=2 && echo "$one"
done | head -n 1)
kill -9 "$victim"
if wait "$launched"; then echo "mpirun did not notice that a rank was killed"; exit 1; fi
among 2 "$program" -j 1 train --resume "$killed" --quiet >/dev/null
echo "killed with three ranks, gone on with two: $(hash "$killed")"
[ "$(hash "$killed")" = "$(hash "$place/slices-1")" ] || { echo "the model differs"; exit 1; }
fi

if wanted failed; then
# A rank that fails says so by name and ends the others.
if among 2 bash -c 'if [ $OMPI_COMM_WORLD_RANK = 1 ]; then export HEADSTART_VECTOR=portable; fi; exec "$@"' - "$program" -j 1 \
    train "$data" --image-size "$size" --recipe "$place/slices.toml" --out "$place/failed" --cache "$place/cache-slices-1" --quiet >"$place/log" 2>&1
then echo "ranks of two vector levels trained together"; exit 1; fi
grep "rank 1 on .*expected the vector level" "$place/log"
fi

wanted timed || exit 0
# Features alone: the head is fitted within a moment.
sed "s/^epochs.*/epochs = 1/; s/^unfreeze.*/unfreeze = 'none'/; /^augment/d" "$place/members.toml" >"$place/features.toml"
# timed RANKS NAME: features into a cache of their own.
timed() {
    among "$1" "$program" -j 1 train "$data" --recipe "$place/features.toml" --image-size "$size" --train-images "$images" \
        --cache "$place/cache-$2" --out "$place/$2" --quiet >/dev/null
}
seconds() { grep -o '"extract_seconds": [0-9.]*' "$place/$1/metrics.json" | cut -d' ' -f2; }
median() { sort -n | sed -n "$(((tries + 1) / 2))p"; }
for try in $(seq "$tries"); do
    timed 1 "one-$try"
    timed 2 "two-$try"
    timed 1 "left-$try" &
    timed 1 "right-$try"
    wait $!
    seconds "one-$try" >>"$place/one"
    seconds "two-$try" >>"$place/two"
    # The slower of both.
    { seconds "left-$try"; seconds "right-$try"; } | sort -n | tail -n 1 >>"$place/apart"
    echo "try $try: one rank $(tail -n 1 "$place/one") s, two ranks $(tail -n 1 "$place/two") s, twice the work in two processes" \
        "$(tail -n 1 "$place/apart") s, under load $(cut -d' ' -f1 /proc/loadavg)"
done
one=$(median <"$place/one") two=$(median <"$place/two") apart=$(median <"$place/apart")
ratio() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }
echo "features on $(nproc) processors, medians of $tries: one rank of one thread $one s, two ranks $two s:" \
    "$(ratio "$one" "$two") times as fast; two processes that share nothing are $(ratio "2 * $one" "$apart") times as fast"
