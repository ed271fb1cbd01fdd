/* Any bytes as a job file, as the value of an override and as recorded settings: a status, never a
 * crash, and whatever is accepted survives being recorded. */
#include <stdlib.h>
#include <string.h>

#include "job_schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
  if (!condition) abort();
}

static void round_trip(const rs_settings *s, const rs_schema *schema) {
  char *text, *again;
  rs_settings *back;
  require(rs_settings_to_json(s, &text) == RS_OK);
  require(rs_settings_from_json(schema, text, &back) == RS_OK);
  require(rs_settings_to_json(back, &again) == RS_OK);
  require(strcmp(text, again) == 0);
  rs_settings_destroy(back);
  free(again);
  free(text);
}

static void parse(const char *text, size_t size, const char *const *overrides, size_t n) {
  rs_job *job;
  if (rs_job_parse("fuzz", text, size, overrides, n, test_schemas, &job) != RS_OK) return;
  round_trip(rs_job_base(job), rs_job_schema(job));
  rs_job_destroy(job);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char file[] = "name: a\nexperiment: bake\ndata.path: x\n";
  static const char key[] = "sweep.space=";
  rs_settings *s;
  char *text = calloc(sizeof key + size, 1);
  require(text != NULL);
  memcpy(text, key, sizeof key - 1);
  if (size > 0) memcpy(text + sizeof key - 1, data, size);
  parse((const char *)data, size, NULL, 0);
  parse(file, sizeof file - 1, (const char *const[]){text}, 1);
  if (rs_settings_from_json(&bake_schema, text + sizeof key - 1, &s) == RS_OK) {
    round_trip(s, &bake_schema);
    rs_settings_destroy(s);
  }
  free(text);
  return 0;
}
