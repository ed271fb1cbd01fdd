/* One launch of the ranks of a run, and its end. */
#ifndef RANKSWEEP_CLI_LAUNCH_H
#define RANKSWEEP_CLI_LAUNCH_H

#include "launcher.h"
#include "relay.h"

typedef struct launch_end {
  bool normal;         /* the run ended by itself, with exit status `code` */
  int code;            /* of the launcher, or of the one process; 128 + signal */
  bool hung;           /* mpirun did not end after its ranks had, and was killed */
  bool given_up;       /* `lives` said no, and the run was killed */
  relay_report report; /* what is known of the cause when it was not normal */
} launch_end;

/* Asked about once a second whether the run still gives signs of life; when it does not, it is
 * ended by force. */
typedef struct launch_watch {
  bool (*lives)(void *user);
  void *user;
} launch_watch;

/* Run ARGV, a `run` command, again as BY says, or with one rank in a process of its own; wait for
 * its end, passing signals on. RS_ERR_IO when it cannot be started. */
rs_status launch(const launcher *by, int argc, char **argv, const launch_watch *watch,
                 launch_end *end) RS_MUST_CHECK;

/* What mpirun and its ranks find in the environment, set in this process. */
void launch_set_environment(void);

/* From now on SIGINT, SIGTERM, SIGUSR1 and SIGHUP are for the run that is launched. */
void launch_watch_signals(void);
/* Has one of them come? */
bool launch_stop_asked(void);

#endif
