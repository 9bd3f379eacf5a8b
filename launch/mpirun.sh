#!/usr/bin/env bash
# mpirun for runs that are meant to survive; all arguments are mpirun's.
#
#   launch/mpirun.sh -np 16 --hostfile hosts --map-by slot:PE=8 --bind-to core \
#     build/release/muybridge train configs/shapes.yaml batch.micro_batches=16
#
# - Ctrl-C, SIGTERM and SIGHUP become SIGUSR1: the ranks take the time that they need to commit, and the
#   job ends with 75. mpirun by itself gives them two seconds. Ctrl-C once more ends the job at once.
# - A rank or machine that mpirun lost is 69, as it is where a rank notices first: start the same command
#   again (docs/exit-codes.md).
# - A machine whose network falls silent is lost after 6 s, not 8 minutes. Where yours falls silent for
#   longer by itself, set OMPI_MCA_oob_tcp_keepalive_time and _intvl (seconds) and _probes (how many).
set -uo pipefail

readonly lost_rank=69 stopped=75

case "${1:-}" in
  -h | --help)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  "")
    echo "usage: launch/mpirun.sh MPIRUN'S-OPTIONS PROGRAM ARGUMENTS; --help says more" >&2
    exit 2
    ;;
esac

export OMPI_MCA_oob_tcp_keepalive_time="${OMPI_MCA_oob_tcp_keepalive_time:-3}"
export OMPI_MCA_oob_tcp_keepalive_intvl="${OMPI_MCA_oob_tcp_keepalive_intvl:-1}"
export OMPI_MCA_oob_tcp_keepalive_probes="${OMPI_MCA_oob_tcp_keepalive_probes:-3}"

# Nobody hears mpirun's signal while it starts the ranks, so it is sent until they are gone.
asked="" seconds=0 job=""
# shellcheck disable=SC2317  # by a trap
ask() {
  asked=yes
  kill -USR1 "$job" 2>/dev/null
}
# shellcheck disable=SC2317
interrupt() {
  if [[ $asked ]]; then
    kill -TERM "$job" 2>/dev/null
  else
    ask
    echo "launch/mpirun.sh: the ranks commit and leave; Ctrl-C once more ends the job at once" >&2
  fi
}
trap interrupt INT
trap ask USR1 TERM HUP
trap 'kill -TERM "$job" 2>/dev/null' QUIT

# In a session of its own: what the terminal sends is for this script alone.
setsid mpirun "$@" </dev/null &
job=$!

# A signal cuts a wait short; the last one has mpirun's own word.
while kill -0 "$job" 2>/dev/null; do
  if [[ $asked ]]; then
    sleep 1
    ((seconds++ % 5)) || kill -USR1 "$job" 2>/dev/null
  else
    wait "$job"
  fi
done
wait "$job"
status=$?

# SIGUSR1 came before a rank listened, and so before there was anything to commit.
if [[ $asked ]] && ((status == 138)); then exit "$stopped"; fi
case $status in
  137) lost="a rank, or mpirun, was killed" ;;
  205) lost="the connection to a machine is lost" ;;
  255) lost="the ssh that held a machine ended" ;;
  *) exit $status ;;
esac
echo "launch/mpirun.sh: $lost (mpirun's code $status); the same command goes on from the last commit" >&2
exit $lost_rank
