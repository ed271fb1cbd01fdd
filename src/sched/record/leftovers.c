#include "leftovers.h"

#include "ranksweep/run.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef struct cleaner {
  const stage_rows *stages;
  const past *past;
  json_t *planned; /* {identity: number of the stage} */
  size_t removed;
} cleaner;

/* What stays of the files of one stage. */
typedef struct rule {
  bool output, resume, steps, artifacts;
} rule;

/* Of a stage that is not planned any more: it may be again. */
static rule rule_of_past(const json_t *known) {
  const char *state = json_string_value(json_object_get(json_object_get(known, "end"), "state"));
  if (known == NULL) return (rule){0};
  return (rule){.output = !json_is_true(json_object_get(known, "removed")),
                .resume = state == NULL || strcmp(state, "done") != 0,
                .steps = true,
                .artifacts = true};
}

static rule rule_of(const cleaner *c, rs_id identity) {
  char id[RS_ID_TEXT];
  rs_id_format(identity, id);
  const json_t *number = json_object_get(c->planned, id);
  if (number == NULL) return rule_of_past(past_stage(c->past, identity));
  int stage = (int)json_integer_value(number);
  bool done = stage_rows_state(c->stages, stage) == RS_DONE;
  return (rule){.output = !stage_rows_lacks_output(c->stages, stage),
                .resume = !done || stage_rows_is_redone(c->stages, stage),
                .steps = true,
                .artifacts = true};
}

/* A worker that outlives its run may still be writing. One on another node looks dead; all that it
 * then loses is work for nobody. This process has written nothing yet. */
static bool is_alive(int process) {
  return process != (int)getpid() && (kill(process, 0) == 0 || errno == EPERM);
}

static bool stays(const cleaner *c, const rs_stage_file *file) {
  if (file->writer != 0) return is_alive(file->writer);
  rule r = rule_of(c, file->identity);
  switch (file->kind) {
  case RS_FILE_OUTPUT: return r.output;
  case RS_FILE_RESUME: return r.resume;
  case RS_FILE_STEP: return r.steps;
  case RS_FILE_ARTIFACT: return r.artifacts;
  }
  return true;
}

static rs_status visit(void *user, const char *path, const rs_stage_file *file) {
  cleaner *c = user;
  if (!stays(c, file)) c->removed += unlink(path) == 0;
  return RS_OK;
}

static rs_status name_planned(cleaner *c) {
  c->planned = json_object();
  for (size_t i = 0; i < stage_rows_count(c->stages); i++) {
    char id[RS_ID_TEXT];
    rs_id_format(stage_rows_identity(c->stages, (int)i), id);
    if (json_object_set_new(c->planned, id, json_integer((json_int_t)i)) != 0)
      return rs_fail(RS_ERR_NOMEM, "out of memory: names of stages");
  }
  return RS_OK;
}

rs_status leftovers_remove(const char *directory, const stage_rows *stages, const past *p,
                           size_t *removed) {
  cleaner c = {.stages = stages, .past = p};
  rs_status status = name_planned(&c);
  if (status == RS_OK) status = rs_stage_files(directory, visit, &c);
  json_decref(c.planned);
  *removed = c.removed;
  return status;
}
