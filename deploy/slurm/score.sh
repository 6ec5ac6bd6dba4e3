#!/bin/bash
# Scores a manifest as a Slurm array: each task is one shard.
#
#   job=$(sbatch --parsable --array=0-99 deploy/slurm/score.sh archive.csv runs/first /scratch/scores)
#   sbatch --dependency=afterok:$job --wrap 'headstart score-merge /scratch/scores'
#
# Features are written in the same way: put `features "$1" --backbone "$2" --pool --out "$3"` behind srun below.
# Only some shards again: sbatch --array=3,17 --export=ALL,HEADSTART_SHARDS=100 deploy/slurm/score.sh …
#SBATCH --job-name=headstart-score
#SBATCH --array=0-7
#SBATCH --cpus-per-task=8
#SBATCH --output=score-%A-%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
set -u
if [ $# -ne 3 ]; then
    echo "usage: sbatch --array=0-N score.sh MANIFEST MODEL OUT" >&2
    exit 2
fi

# As a step of its own it hears of SIGTERM before a time limit or a preemption ends it.
SRUN_CPUS_PER_TASK="${SLURM_CPUS_PER_TASK:-1}" srun --ntasks=1 \
    "${HEADSTART:-headstart}" score "$1" --model "$2" --out "$3"
code=$?

# 2 says that another try would fail in the same way. Whatever else happened, another node may do better: three times.
if [ $code -ne 0 ] && [ $code -ne 2 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 3 ]; then
    echo "exit code $code: back into the queue" >&2
    # Slurm ends this script when it takes the task back.
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}" && sleep 60
fi
exit $code
