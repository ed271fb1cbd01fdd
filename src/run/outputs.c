#include "outputs.h"

#include "ranksweep/run.h"
#include "ranksweep/store.h"

#include <stdlib.h>

/* A chain needs its last link; a worker that alternates between two chains needs two. */
enum { KEPT = 2 };

struct outputs {
  char *directory;
  struct {
    rs_id identity;
    rs_bundle bundle;
    uint64_t used; /* 0: free */
  } kept[KEPT];
  uint64_t clock;
};

rs_status outputs_create(const char *directory, outputs **out) {
  RS_TRY(rs_new(out, 1, sizeof **out));
  rs_status status = rs_strdup(&(*out)->directory, directory);
  if (status == RS_OK) return RS_OK;
  outputs_destroy(*out);
  *out = NULL;
  return status;
}

void outputs_destroy(outputs *o) {
  if (o == NULL) return;
  for (int i = 0; i < KEPT; i++) rs_bundle_free(&o->kept[i].bundle);
  free(o->directory);
  free(o);
}

const char *outputs_directory(const outputs *o) {
  return o->directory;
}

/* The place of the bundle used longest ago. */
static int oldest(const outputs *o) {
  int found = 0;
  for (int i = 1; i < KEPT; i++)
    if (o->kept[i].used < o->kept[found].used) found = i;
  return found;
}

static void keep(outputs *o, rs_id identity, rs_bundle *bundle, const rs_bundle **out) {
  int place = oldest(o);
  rs_bundle_free(&o->kept[place].bundle);
  o->kept[place].bundle = *bundle;
  o->kept[place].identity = identity;
  o->kept[place].used = ++o->clock;
  *bundle = (rs_bundle){0};
  if (out != NULL) *out = &o->kept[place].bundle;
}

rs_status outputs_get(outputs *o, rs_id identity, const rs_bundle **out) {
  for (int i = 0; i < KEPT; i++) {
    if (o->kept[i].used == 0 || !rs_id_equal(o->kept[i].identity, identity)) continue;
    o->kept[i].used = ++o->clock;
    *out = &o->kept[i].bundle;
    return RS_OK;
  }
  char *path;
  rs_bundle bundle = {0};
  RS_TRY(rs_stage_path(o->directory, identity, &path));
  rs_status status = rs_checkpoint_read(path, &bundle, NULL);
  free(path);
  if (status == RS_OK) keep(o, identity, &bundle, out);
  return status;
}

rs_status outputs_put(outputs *o, rs_id identity, rs_bundle *bundle) {
  char *path;
  RS_TRY(rs_file_make_directory(o->directory));
  RS_TRY(rs_stage_path(o->directory, identity, &path));
  rs_status status = rs_checkpoint_write(path, bundle, "{}");
  free(path);
  if (status == RS_OK) keep(o, identity, bundle, NULL);
  return status;
}
