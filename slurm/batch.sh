#!/bin/bash
@OPTIONS@
# A ranksweep job for SLURM, written by `ranksweep submit`. It may be read, changed and given to sbatch again:
# it continues the results that are there.
restart=@RESTART@ # what to do when the walltime is over: requeue, chain or none
max_restarts=@MAX_RESTARTS@
script=@SCRIPT@
restarts=$((${SLURM_RESTART_COUNT:-0} + ${RANKSWEEP_CHAINED:-0}))

say() { printf '%s job %s: %s\n' "$(date -u +%FT%TZ)" "$SLURM_JOB_ID" "$*" >&2; }

# SLURM's signals, before the walltime or when others need the nodes: all is checkpointed and ends with status 75.
child='' stopped=''
stop() {
  stopped=yes
  [[ -n $child ]] || return 0
  (for pause in 0 3 10; do sleep "$pause" && kill -USR1 "$child"; done 2>/dev/null) &
}
trap stop USR1 TERM
@SETUP@
say "start $((restarts + 1)) on $SLURM_JOB_NODELIST"
(
  trap '' USR1 # it must not end the program before that listens itself
  exec @COMMAND@
) &
child=$!
[[ -z $stopped ]] || stop
wait "$child"
status=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; done # a signal ends a wait early
wait "$child" 2>/dev/null
ended=$?
((ended == 127)) || status=$ended
child=''

# Stopped early: go on in another start. A job that was cancelled is COMPLETING now, or CANCELLED, and stays so.
((status == 75)) || exit "$status"
state=$(squeue -h -j "$SLURM_JOB_ID" -o %T 2>/dev/null)
if [[ -n $state && $state != RUNNING && $state != PREEMPTED ]]; then
  say "SLURM has ended the job ($state); \`sbatch $script\` continues"
elif [[ $restart == none ]]; then
  say "stopped early; \`sbatch $script\` continues"
elif ((restarts >= max_restarts)); then
  say "stopped early after $restarts restarts, which slurm.max_restarts allows; \`sbatch $script\` continues"
else
  if [[ $restart == requeue ]]; then
    say "stopped early; requeued"
    scontrol requeue "$SLURM_JOB_ID" && exit 75
    say "requeueing is not possible here; a job that depends on this one follows instead"
  fi
  env -u SLURM_RESTART_COUNT sbatch --dependency="afterany:$SLURM_JOB_ID" --export="ALL,RANKSWEEP_CHAINED=$((restarts + 1))" \
    ${SLURM_ARRAY_TASK_ID:+--array="$SLURM_ARRAY_TASK_ID"} "$script" >&2 || say "sbatch failed; \`sbatch $script\` continues"
fi
exit 75
