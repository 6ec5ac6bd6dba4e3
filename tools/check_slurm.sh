#!/bin/bash
# Tries deploy/slurm/score.sh on a Slurm of one node, which it starts on the loopback address and ends again: an array of eight
# shards, of which one is put back into the queue and one is killed with -9. The merged table must be that of one shard.
#
#   apt-get install slurmd slurmctld slurm-client munge     (as root, on a machine without a Slurm of its own)
#   tools/check_slurm.sh target/release/headstart MODEL MANIFEST
set -eu
program=$(realpath "$1") model=$(realpath "$2") manifest=$(realpath "$3")
script=$(realpath "$(dirname "$0")/../deploy/slurm/score.sh")
place=$(mktemp -d)
node=$(hostname -s)
mkdir -p "$place"/{state,spool,log} /run/munge
cat >"$place/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$node(127.0.0.1)
AuthType=auth/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$place/state
SlurmdSpoolDir=$place/spool
SlurmctldPidFile=$place/controller.pid
SlurmdPidFile=$place/node.pid
SlurmctldLogFile=$place/log/controller
SlurmdLogFile=$place/log/node
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
JobRequeue=1
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
# A task that was put back waits so long before it may begin again.
SchedulerParameters=requeue_delay=1,sched_interval=5
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$place/slurm.conf"
finish() {
    scancel --user=root --quiet 2>/dev/null || true
    kill $(cat "$place/node.pid" "$place/controller.pid" "$place/munge.pid" 2>/dev/null) 2>/dev/null || true
}
trap finish EXIT
if [ ! -e /etc/munge/munge.key ]; then
    dd if=/dev/urandom of=/etc/munge/munge.key bs=1024 count=1 status=none
    chown munge: /etc/munge/munge.key
    chmod 400 /etc/munge/munge.key
fi
chown munge: /run/munge
setpriv --reuid=munge --regid=munge --clear-groups munged --force --pid-file="/run/munge/munged.pid"
cp /run/munge/munged.pid "$place/munge.pid"
slurmctld && slurmd
until sinfo --noheader --format=%t | grep -q idle; do sleep 1; done

# The fourth task asks for a second try the first time, and the sixth is killed while it works.
cat >"$place/program" <<WRAPPER
#!/bin/bash
if [ "\$SLURM_ARRAY_TASK_ID" = 3 ] && [ "\${SLURM_RESTART_COUNT:-0}" = 0 ]; then exit 75; fi
if [ "\$SLURM_ARRAY_TASK_ID" = 5 ] && [ "\${SLURM_RESTART_COUNT:-0}" = 0 ]; then
    "$program" "\$@" &
    sleep 0.5
    kill -9 \$!
    wait \$!
    exit \$?
fi
exec "$program" "\$@"
WRAPPER
chmod +x "$place/program"
cd "$place"
HEADSTART="$place/program" sbatch --wait --array=0-7 --cpus-per-task=1 --export=ALL "$script" "$manifest" "$model" "$place/scores" ||
    { tail -n 5 score-*.log; exit 1; }
grep -h "back into the queue" score-*.log
"$program" score-merge "$place/scores"
"$program" score "$manifest" --model "$model" --shard 0/1 --out "$place/one" && "$program" score-merge "$place/one" >/dev/null
cmp "$place/scores/merged.parquet" "$place/one/merged.parquet"
echo "eight tasks, one put back and one killed: the table of one shard"
