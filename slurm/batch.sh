#!/bin/bash
@OPTIONS@
# A ranksweep job for SLURM, written by `ranksweep submit`. It may be read, changed and given to sbatch again:
# it continues the results that are there.
restart=@RESTART@ # what to do when the walltime is over: requeue, chain or none
max_restarts=@MAX_RESTARTS@
script=@SCRIPT@
restarts=$((${SLURM_RESTART_COUNT:-0} + ${RANKSWEEP_CHAINED:-0}))
# SLURM takes the number of a task of an array for the whole array, if it is the one that the array has as well.
job=$SLURM_JOB_ID
[[ -z ${SLURM_ARRAY_TASK_ID:-} ]] || job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
# Submitted from within a step of another job, this one would take itself for a part of that.
unset ${!PMIX_@} ${!PMI_@} ${!OMPI_COMM_WORLD_@} ${!SLURM_STEP_@} RANKSWEEP_STOP_AT RANKSWEEP_RESTART RANKSWEEP_TERMINAL

say() { printf '%s job %s: %s\n' "$(date -u +%FT%TZ)" "$job" "$*" >&2; }

# SLURM's signals, before the walltime or when others need the nodes: all is checkpointed and ends with status 75.
child='' stopped=''
stop() {
  stopped=yes
  [[ -n $child ]] || return 0
  (for pause in 0 3 10 30; do sleep "$pause" && kill -USR1 "$child"; done 2>/dev/null) &
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
[[ -z $stopped ]] || ((ended != 128 + 10)) || status=75 # the signal came before the program listened

# Stopped early: go on in another start. A job that was cancelled is COMPLETING now, or CANCELLED, and stays so.
((status == 75)) || exit "$status"
state=$(squeue -h -j "$job" -o %T 2>/dev/null)
if [[ -n $state && $state != RUNNING && $state != PREEMPTED ]]; then
  say "SLURM has ended the job ($state); \`sbatch $script\` continues"
elif [[ $restart == none ]]; then
  say "stopped early; \`sbatch $script\` continues"
elif ((restarts >= max_restarts)); then
  say "stopped early after $restarts restarts, which slurm.max_restarts allows; \`sbatch $script\` continues"
else
  if [[ $restart == requeue ]]; then
    say "stopped early; requeued"
    scontrol requeue "$job" && exit 75
    say "requeueing is not possible here; a job that depends on this one follows instead"
  fi
  env -u SLURM_RESTART_COUNT sbatch --dependency="afterany:$job" --export="ALL,RANKSWEEP_CHAINED=$((restarts + 1))" \
    ${SLURM_ARRAY_TASK_ID:+--array="$SLURM_ARRAY_TASK_ID"} "$script" >&2 || say "sbatch failed; \`sbatch $script\` continues"
fi
exit 75
