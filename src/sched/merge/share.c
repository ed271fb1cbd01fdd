#include "share.h"

#include <stdio.h>
#include <string.h>

rs_status share_note(const rs_coordinate_options *o, const rs_share_map *map, json_t **out) {
  char name[32], sweep[RS_ID_TEXT];
  *out = NULL;
  if (o->share.count == 0) return RS_OK;
  snprintf(name, sizeof name, "%d/%d", o->share.index, o->share.count);
  rs_id_format(map->sweep, sweep);
  json_t *overrides = json_array();
  for (size_t i = 0; i < o->n_overrides; i++)
    json_array_append_new(overrides, json_string(o->overrides[i]));
  bool whole = json_array_size(overrides) == o->n_overrides;
  *out = json_pack("{s:s, s:i, s:i, s:I, s:s, s:s, s:o}", "name", name, "index", o->share.index,
                   "count", o->share.count, "trials", (json_int_t)map->trials, "sweep", sweep,
                   "yaml", rs_job_yaml(o->job), "overrides", overrides);
  if (*out != NULL && whole) return RS_OK;
  json_decref(*out);
  *out = NULL;
  return rs_fail(RS_ERR_USAGE, "a share's job file and --set have to be UTF-8");
}

const char *share_name(const json_t *note) {
  return json_string_value(json_object_get(note, "name"));
}

const json_t *share_of(const past *p) {
  return json_object_get(past_first(p), "share");
}

/* "share 2/8 of its job", "the whole job" */
static void describe(const json_t *note, rs_str *out) {
  const char *name = share_name(note);
  if (name != NULL)
    rs_str_addf(out, "share %s of its job", name);
  else
    rs_str_add(out, "a whole job");
}

rs_status share_check(const past *p, const json_t *note, const char *results) {
  const char *before = share_name(share_of(p)), *now = share_name(note);
  if (before == NULL && now == NULL) return RS_OK;
  if (before != NULL && now != NULL && strcmp(before, now) == 0) return RS_OK;
  rs_str was = {0}, is = {0};
  describe(share_of(p), &was);
  describe(note, &is);
  rs_status status = rs_str_status(&was);
  if (status == RS_OK) status = rs_str_status(&is);
  if (status == RS_OK)
    status = rs_fail(RS_ERR_CONFLICT,
                     "%s holds results of %s, this run is of %s; name another file with -o, or use "
                     "--fresh to move it aside",
                     results, was.text, is.text);
  rs_str_free(&was);
  rs_str_free(&is);
  return status;
}
