#include "batch.h"

#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const char batch_template[]; /* slurm/batch.sh, put in by CMake */

/* ---- options of sbatch ---------------------------------------------------------------------- */

/* A line of the script's head. sbatch splits it at white space, knows quotes of both kinds, and
 * takes what follows a # for a comment. */
static rs_status add_option(rs_str *out, const char *option) {
  if (strpbrk(option, "\n\r\"\\") != NULL)
    return rs_fail(RS_ERR_USAGE, "%s: sbatch takes no line ends, quotes or backslashes here",
                   option);
  size_t name = strcspn(option, "=");
  bool quoted = strpbrk(option, " \t#'") != NULL && option[name] == '=';
  rs_str_add(out, "#SBATCH ");
  rs_str_addn(out, option, quoted ? name + 1 : strlen(option));
  if (quoted) rs_str_addf(out, "\"%s\"", option + name + 1);
  rs_str_add(out, "\n");
  return rs_str_status(out);
}

static rs_status add_value(rs_str *out, const char *name, const char *value) {
  rs_str option = {0};
  rs_str_addf(&option, "--%s=%s", name, value);
  rs_status status = rs_str_status(&option);
  if (status == RS_OK) status = add_option(out, option.text);
  rs_str_free(&option);
  return status;
}

static rs_status add_number(rs_str *out, const char *name, int64_t number) {
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)number);
  return number > 0 ? add_value(out, name, text) : RS_OK;
}

/* Settings that sbatch has an option of the same meaning for. */
static rs_status add_site(rs_str *out, const rs_settings *s) {
  static const struct {
    const char *setting, *option;
  } texts[] = {{"slurm.partition", "partition"},
               {"slurm.account", "account"},
               {"slurm.qos", "qos"},
               {"slurm.time", "time"}};
  for (size_t i = 0; i < RS_COUNT(texts); i++) {
    const char *value = rs_settings_text(s, texts[i].setting);
    if (strcmp(value, "site") != 0) RS_TRY(add_value(out, texts[i].option, value));
  }
  return RS_OK;
}

static int64_t tasks(const rs_settings *s, int group) {
  int64_t asked = rs_settings_int(s, "slurm.ntasks"), nodes = rs_settings_int(s, "slurm.nodes");
  return asked > 0 ? asked : nodes > group ? nodes : group;
}

static rs_status add_size(rs_str *out, const rs_settings *s, int group) {
  int64_t cores = rs_settings_int(s, "slurm.cpus_per_task");
  if (cores == 0) cores = rs_settings_int(s, "resources.threads_per_rank");
  RS_TRY(add_number(out, "nodes", rs_settings_int(s, "slurm.nodes")));
  RS_TRY(add_number(out, "ntasks", tasks(s, group)));
  return add_number(out, "cpus-per-task", cores);
}

int batch_shares(const rs_settings *s, const char **limit) {
  char *rest;
  const char *text = rs_settings_text(s, "slurm.array");
  if (limit != NULL) *limit = "";
  if (strcmp(text, "none") == 0) return 0;
  int shares = (int)strtol(text, &rest, 10);
  if (limit != NULL) *limit = text + (rest - text);
  return shares;
}

static rs_status add_array(rs_str *out, const rs_settings *s) {
  const char *limit;
  char range[64];
  int shares = batch_shares(s, &limit);
  snprintf(range, sizeof range, "1-%d%s", shares, limit);
  return shares > 0 ? add_value(out, "array", range) : RS_OK;
}

/* Before the walltime's end; but two thirds of a short one are for work. SLURM may be a minute
 * early, so that not even these are left of the shortest. */
static long long signal_seconds(const rs_settings *s) {
  long long wanted = (long long)rs_settings_int(s, "slurm.signal_seconds");
  double whole = rs_walltime_seconds(rs_settings_text(s, "slurm.time"));
  return whole > 0 && (double)wanted > whole / 3 ? (long long)(whole / 3) : wanted;
}

static rs_status add_behaviour(rs_str *out, const rs_settings *s, const char *log) {
  char signal[64];
  snprintf(signal, sizeof signal, "B:USR1@%lld", signal_seconds(s));
  /* A job that chains is requeued when a node fails. */
  bool restarts = strcmp(rs_settings_text(s, "slurm.restart"), "none") != 0;
  RS_TRY(add_value(out, "output", log));
  RS_TRY(add_option(out, "--open-mode=append"));
  RS_TRY(add_value(out, "signal", signal));
  RS_TRY(add_option(out, restarts ? "--requeue" : "--no-requeue"));
  return rs_settings_bool(s, "slurm.no_kill") ? add_option(out, "--no-kill") : RS_OK;
}

static rs_status add_options(rs_str *out, const rs_settings *s, const batch_request *r) {
  char folder[4096], *log = NULL;
  const char *const *more;
  size_t n = rs_settings_texts(s, "slurm.options", &more);
  if (getcwd(folder, sizeof folder) == NULL) return rs_fail_errno("cannot tell the working folder");
  RS_TRY(add_value(out, "job-name", rs_settings_text(s, "name")));
  RS_TRY(add_value(out, "chdir", folder));
  RS_TRY(add_site(out, s));
  RS_TRY(add_size(out, s, r->group));
  RS_TRY(add_array(out, s));
  RS_TRY(batch_log(s, r->results, NULL, &log));
  rs_status status = add_behaviour(out, s, log);
  free(log);
  for (size_t i = 0; i < n && status == RS_OK; i++) status = add_option(out, more[i]);
  for (size_t i = 0; i < r->n_options && status == RS_OK; i++)
    status = add_option(out, r->options[i]);
  if (status == RS_OK && out->len > 0)
    out->text[--out->len] = '\0'; /* the template ends the line */
  return status;
}

/* ---- the rest of the script ----------------------------------------------------------------- */

static void add_setup(rs_str *out, const rs_settings *s) {
  const char *const *modules, *const *lines;
  size_t n_modules = rs_settings_texts(s, "slurm.modules", &modules);
  size_t n_lines = rs_settings_texts(s, "slurm.setup", &lines);
  if (n_modules > 0) rs_str_add(out, "module load");
  for (size_t i = 0; i < n_modules; i++) cli_add_argument(out, modules[i]);
  if (n_modules > 0) rs_str_add(out, " || exit\n");
  for (size_t i = 0; i < n_lines; i++) rs_str_addf(out, "%s\n", lines[i]);
}

/* Each task of an array has a share of the trials and results of its own. */
static rs_status add_share(rs_str *out, const char *results, int shares) {
  char *stem;
  RS_TRY(rs_results_beside(results, "", &stem));
  rs_str_addf(out, " --share \"$SLURM_ARRAY_TASK_ID/%d\" -o", shares);
  cli_add_argument(out, stem);
  rs_str_addf(out, ".share-\"$SLURM_ARRAY_TASK_ID\"-of-%d.h5", shares);
  free(stem);
  return RS_OK;
}

static rs_status add_command(rs_str *out, const rs_settings *s, const batch_request *r) {
  char self[4096];
  int shares = batch_shares(s, NULL);
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length < 0) return rs_fail_errno("cannot find this program's own file");
  self[length] = '\0';
  cli_add_argument(out, self);
  rs_str_add(out, " run");
  cli_add_argument(out, r->job);
  for (size_t i = 0; i < r->n_overrides; i++) {
    rs_str_add(out, " --set");
    cli_add_argument(out, r->overrides[i]);
  }
  if (shares > 0) return add_share(out, r->results, shares);
  rs_str_add(out, " -o");
  cli_add_argument(out, r->results);
  return RS_OK;
}

static rs_status add_script_name(rs_str *out, const char *results) {
  char folder[4096], *path;
  rs_str whole = {0};
  if (getcwd(folder, sizeof folder) == NULL) return rs_fail_errno("cannot tell the working folder");
  RS_TRY(batch_path(results, &path));
  rs_str_addf(&whole, "%s%s%s", path[0] == '/' ? "" : folder, path[0] == '/' ? "" : "/", path);
  rs_status status = rs_str_status(&whole);
  if (status == RS_OK) cli_add_argument(out, whole.text);
  rs_str_free(&whole);
  free(path);
  return status;
}

/* ---- filling in ----------------------------------------------------------------------------- */

static rs_status add_blank(rs_str *out, const char *name, size_t length, const rs_settings *s,
                           const batch_request *r) {
  char key[32];
  snprintf(key, sizeof key, "%.*s", (int)length, name);
  if (strcmp(key, "OPTIONS") == 0) return add_options(out, s, r);
  if (strcmp(key, "COMMAND") == 0) return add_command(out, s, r);
  if (strcmp(key, "SCRIPT") == 0) return add_script_name(out, r->results);
  if (strcmp(key, "SETUP") == 0)
    add_setup(out, s);
  else if (strcmp(key, "RESTART") == 0)
    rs_str_add(out, rs_settings_text(s, "slurm.restart"));
  else if (strcmp(key, "MAX_RESTARTS") == 0)
    rs_str_addf(out, "%lld", (long long)rs_settings_int(s, "slurm.max_restarts"));
  else
    return rs_fail(RS_ERR_INTERNAL, "slurm/batch.sh has an unknown blank @%s@", key);
  return RS_OK;
}

/* Blanks are capitals between two '@'. */
static size_t blank_length(const char *at) {
  size_t n = strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
  return n > 0 && at[1 + n] == '@' ? n : 0;
}

rs_status batch_script(const rs_settings *s, const batch_request *request, char **out) {
  rs_str text = {0}, part = {0};
  rs_status status = RS_OK;
  *out = NULL;
  for (const char *at = batch_template; *at != '\0' && status == RS_OK;) {
    size_t plain = strcspn(at, "@"), blank = at[plain] == '@' ? blank_length(at + plain) : 0;
    rs_str_addn(&text, at, plain + (at[plain] == '@' && blank == 0));
    at += plain + (at[plain] == '@' && blank == 0);
    if (blank == 0) continue;
    rs_str_clear(&part);
    status = add_blank(&part, at + 1, blank, s, request);
    if (status == RS_OK) status = rs_str_status(&part);
    /* arguments begin with a space; the template has its own */
    if (status == RS_OK && part.len > 0) rs_str_add(&text, part.text + (part.text[0] == ' '));
    at += blank + 2;
  }
  rs_str_free(&part);
  if (status == RS_OK) status = rs_str_status(&text);
  *out = status == RS_OK ? text.text : NULL;
  if (status != RS_OK) rs_str_free(&text);
  return status;
}

rs_status batch_path(const char *results, char **out) {
  return rs_results_beside(results, ".sbatch", out);
}

/* sbatch fills in what a % announces: those of the name itself are doubled. */
static void add_escaped(rs_str *out, const char *text) {
  for (; *text != '\0'; text++) rs_str_addn(out, *text == '%' ? "%%" : text, *text == '%' ? 2 : 1);
}

rs_status batch_log(const rs_settings *s, const char *results, const char *job, char **out) {
  bool array = batch_shares(s, NULL) > 0;
  rs_str text = {0};
  char *stem;
  *out = NULL;
  RS_TRY(rs_results_beside(results, "", &stem));
  if (job == NULL) {
    add_escaped(&text, stem);
    rs_str_add(&text, array ? ".%A_%a.log" : ".%j.log");
  } else {
    rs_str_addf(&text, "%s.%s%s.log", stem, job, array ? "_*" : "");
  }
  free(stem);
  *out = text.text;
  return rs_str_status(&text);
}
